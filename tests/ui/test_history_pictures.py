"""Pictures of the tree, of two branches beside each other, of the list of sessions and of the search. After a wanted
change, look at them, then run with `--snapshot-update`."""

import dataclasses
from typing import Any

import pytest

from tests.support.fake_chat import FakeChat
from tests.ui.driving import make_app
from tests.ui.test_branches_screen import branched
from tests.ui.test_judging_pictures import settled
from tests.ui.test_snapshots import still

SIZES = [(80, 24), (120, 40)]
COMPARED = ("f19", "s up up c left left c", "n")


def pressing(*groups: str) -> Any:
    """Each group is keys with blanks between them; after it the screen comes to rest."""

    async def run(pilot: Any) -> None:
        await still(pilot)
        for keys in groups:
            await pilot.press(*keys.split())
            await settled(pilot)

    return run


def ordered(chat: FakeChat) -> None:
    """Sessions with pins and tags; the words that are looked for are on a branch that is not shown."""
    branched(chat)
    chat.add_session("Haiku in Italian", ["Write a haiku.", "Neve d'inverno"], "3")
    chat.add_session(
        "Running, and what is good for it", ["What are the benefits of it?", "Many."], "4"
    )
    for name, changes in (("s2", {"pinned": True}), ("s3", {"tags": ("health", "to read")})):
        chat._sessions[name] = dataclasses.replace(chat._sessions[name], **changes)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_tree(snap_compare: Any, size: tuple[int, int]) -> None:
    run = pressing("f19", "up up c")
    assert snap_compare(make_app(branched), terminal_size=size, run_before=run)


def test_two_branches(snap_compare: Any) -> None:
    run = pressing(*COMPARED)
    assert snap_compare(make_app(branched), terminal_size=(120, 40), run_before=run)


def test_two_branches_without_colour(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_app(branched), run_before=pressing(*COMPARED))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_search(snap_compare: Any, size: tuple[int, int]) -> None:
    run = pressing("ctrl+f", " ".join("benefits"))
    assert snap_compare(make_app(ordered), terminal_size=size, run_before=run)


def test_a_hit_with_its_words_and_the_list_with_marks(snap_compare: Any) -> None:
    async def run(pilot: Any) -> None:
        await pressing("ctrl+f", " ".join("benefits"), "down enter", "ctrl+o space slash")(pilot)
        # Typed letter by letter, the filter would be asked for at moments that depend on the time.
        pilot.app.screen.query_one("#sessions Input").value = "is:gone"
        await pressing("enter")(pilot)

    assert snap_compare(make_app(ordered), terminal_size=(120, 40), run_before=run)
