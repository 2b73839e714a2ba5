"""Pictures of the screen. After a wanted change, look at them, then run this file with `--snapshot-update`.

Nothing in them depends on the time: the cursor does not blink, and sessions are given without a readable age.
"""

from typing import Any

import pytest
from textual.pilot import Pilot

from tests.support.fake_chat import FakeChat
from tests.ui.driving import make_app

ANSWER = """Hello! Walking every day has many benefits:

1. It strengthens your heart and lowers your blood pressure.
2. It improves your mood.

```python
def walk(minutes: int) -> str:
    return f"walked {minutes} minutes"
```

Start with 20 minutes a day."""


def prepare(chat: FakeChat) -> None:
    chat.add_session("Haiku in Italian", ["Write a haiku.", "Neve d'inverno"], "3")
    chat.add_session("The tides, explained", ["Why are there tides?", "The moon pulls."], "4")
    turns = [
        "What are the benefits of walking every day?",
        ANSWER,
        "And swimming?",
        "It is gentle.",
    ]
    chat.add_session("Walking every day", turns, "5")


async def still(pilot: Pilot[Any]) -> None:
    """Nothing blinks, nothing waits."""
    app: Any = pilot.app
    for _ in range(50):
        app.chat_screen.relay.flush()
        await pilot.pause()
        if app.chat_screen.chat is not None and not app.workers:
            break
    app.chat_screen.composer.cursor_blink = False
    await app.workers.wait_for_complete()
    for widget in app.screen.query("Input"):
        widget.cursor_blink = False
    await pilot.pause()


def pressing(*keys: str) -> Any:
    async def run(pilot: Pilot[Any]) -> None:
        await still(pilot)
        await pilot.press(*keys)
        await still(pilot)

    return run


@pytest.mark.parametrize("size", [(80, 24), (160, 45), (58, 15), (40, 12)], ids=str)
def test_a_conversation(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(prepare), terminal_size=size, run_before=still)


def test_an_empty_conversation(snap_compare: Any) -> None:
    assert snap_compare(make_app(), run_before=still)


def test_an_answer_that_is_being_written(snap_compare: Any) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await still(pilot)
        chat = pilot.app.chat_screen.chat  # type: ignore[attr-defined]
        chat.auto = False
        await chat.send("Why are there tides?")
        chat.stream("The moon pulls at the")
        await still(pilot)

    assert snap_compare(make_app(prepare), run_before=run)


def test_without_colour(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    run = pressing("shift+tab", "up")
    assert snap_compare(make_app(prepare), terminal_size=(120, 24), run_before=run)


def test_the_light_theme(snap_compare: Any) -> None:
    app = make_app(prepare, services={"theme": "urial-day"})
    assert snap_compare(app, terminal_size=(120, 24), run_before=still)


@pytest.mark.parametrize(
    "keys",
    [
        ("f1",),
        ("ctrl+o",),
        ("f2",),
        ("ctrl+t", "S", "u", "r", "e"),
    ],
    ids=["help", "sessions", "editing", "beginning"],
)
def test_what_keys_open(snap_compare: Any, keys: tuple[str, ...]) -> None:
    assert snap_compare(make_app(prepare), run_before=pressing(*keys))


def test_search(snap_compare: Any) -> None:
    run = pressing("ctrl+f", *"tides")
    assert snap_compare(make_app(prepare), run_before=run)
