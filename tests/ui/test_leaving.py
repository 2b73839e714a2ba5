"""Screens are left once: keys that arrive in one piece neither close what lies below nor end the program."""

import importlib
import pkgutil
from collections.abc import Sequence

import pytest
from textual import events
from textual.screen import Screen

import urial_tui.ui
from tests.ui.driving import Bench, running
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.screens.leaving import LeavesOnce


def past(chat) -> None:
    chat.add_session("Walking", ["Why walk?", "It is healthy.\n\n```sh\nls\n```"])


def send(bench: Bench, keys: Sequence[str]) -> None:
    """All at once, as a slow line delivers them: nothing is dealt with in between."""
    for key in keys:
        bench.app.post_message(events.Key(key, key if len(key) == 1 else None))


@pytest.mark.parametrize(
    ("opens", "leaves"),
    [
        (("f3",), "enter"),
        (("f4",), "enter"),
        (("f5",), "enter"),
        (("f10",), "enter"),
        (("ctrl+f", *"walk"), "enter"),
        (("shift+f2",), "c"),
        (("ctrl+p",), "escape"),
        (("ctrl+p", *"keys"), "enter"),
        (("f1",), "escape"),
        (("ctrl+l",), "escape"),
        (("f12", "ctrl+o"), "escape"),
    ],
    ids=lambda one: "+".join(one) if isinstance(one, tuple) else one,
)
async def test_a_key_that_comes_three_times_at_once_is_survived(opens, leaves):
    async with running(past) as bench:
        await bench.press(*opens)
        for _ in range(5):
            await bench.pilot.pause()
        send(bench, [leaves] * 3)
        for _ in range(10):
            await bench.pilot.pause()
        assert bench.app.is_running and bench.app.return_code is None
        await bench.press("escape", "escape")
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen), "the chat is there")


async def test_what_lies_below_a_dialog_stays_when_its_key_comes_twice():
    from urial_tui.ui.screens.dialog import AskText, ChooseOne

    async with running(past) as bench:
        answers: list[object] = []
        bench.app.push_screen(AskText("Below", "text"), answers.append)
        await bench.pilot.pause()
        bench.app.push_screen(ChooseOne("Above", [("one", 1)]), answers.append)  # type: ignore[list-item]
        await bench.pilot.pause()
        send(bench, ["enter", "enter", "enter"])
        for _ in range(10):
            await bench.pilot.pause()
        assert answers == [1]
        assert isinstance(bench.app.screen, AskText)


def test_every_screen_is_one_that_is_left_once() -> None:
    for module in pkgutil.walk_packages(urial_tui.ui.__path__, "urial_tui.ui."):
        importlib.import_module(module.name)

    def below(kind: type) -> set[type]:
        return {kind, *(one for child in kind.__subclasses__() for one in below(child))}

    ours = {kind for kind in below(Screen) if kind.__module__.startswith("urial_tui.")}
    assert len(ours) > 30
    assert {kind.__name__ for kind in ours if not issubclass(kind, LeavesOnce)} == set()
    first = {kind.__name__ for kind in ours if kind.dismiss is not LeavesOnce.dismiss}
    assert first == set(), "Textual's own `dismiss` comes before ours"
