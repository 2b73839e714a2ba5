"""The composer: what Enter does, what comes back with Up, and that no text is ever lost."""

import unicodedata
from collections.abc import Callable

from textual import events
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Button

from urial_tui.ui.widgets.composer import Composer


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Message] = []

    def compose(self) -> ComposeResult:
        yield Composer()
        yield Button("other")

    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        self.seen.append(event)

    def on_composer_refused(self, event: Composer.Refused) -> None:
        self.seen.append(event)

    def on_composer_draft_changed(self, event: Composer.DraftChanged) -> None:
        self.seen.append(event)

    def texts(self, kind: type) -> list[str]:
        return [event.text for event in self.seen if isinstance(event, kind)]


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError("the condition was never met")


async def test_enter_sends_and_the_text_stays_until_it_is_accepted() -> None:
    app = Host()
    async with app.run_test() as pilot:
        composer = app.query_one(Composer)
        await pilot.press(*"hello", "enter")
        await pilot.pause()
        assert app.texts(Composer.Submitted) == ["hello"]
        assert composer.text == "hello"
        composer.let_go(composer.text)
        await pilot.pause()
        assert composer.text == ""


async def test_new_line_keys_make_new_lines_and_the_box_grows_to_eight_rows() -> None:
    app = Host()
    async with app.run_test(size=(60, 24)) as pilot:
        composer = app.query_one(Composer)
        assert composer.size.height == 1
        await pilot.press("a", "ctrl+j", "b", "shift+enter", "c")
        assert composer.text == "a\nb\nc"
        await until(pilot, lambda: composer.size.height == 3)
        await pilot.press(*["ctrl+j"] * 12)
        await until(pilot, lambda: composer.size.height == 8)
        assert app.texts(Composer.Submitted) == []
        composer.let_go(composer.text)
        await until(pilot, lambda: composer.size.height == 1)


async def test_a_blank_or_refused_message_is_not_sent_and_not_lost() -> None:
    app = Host()
    async with app.run_test() as pilot:
        composer = app.query_one(Composer)
        await pilot.press("space", "enter")
        composer.accepting = False
        await pilot.press("h", "i", "enter", "!")
        await pilot.pause()
        assert [
            type(event) for event in app.seen if not isinstance(event, Composer.DraftChanged)
        ] == [
            Composer.Refused,
            Composer.Refused,
        ]
        assert composer.text == " hi!"


async def test_up_recalls_messages_and_down_comes_back() -> None:
    app = Host()
    async with app.run_test() as pilot:
        composer = app.query_one(Composer)
        composer.set_history(["first", "second"])
        await pilot.press("up")
        assert composer.text == "second"
        await pilot.press("up")
        assert composer.text == "first"
        await pilot.press("up")
        assert composer.text == "first"
        await pilot.press("down", "down")
        assert composer.text == ""


async def test_up_moves_the_cursor_in_a_text_of_ones_own() -> None:
    app = Host()
    async with app.run_test() as pilot:
        composer = app.query_one(Composer)
        composer.set_history(["earlier"])
        await pilot.press("a", "ctrl+j", "b", "up")
        assert composer.text == "a\nb"
        assert composer.cursor_location[0] == 0
        composer.let_go(composer.text)
        await pilot.press("up", "!", "up", "down")
        assert composer.text == "earlier!"


async def test_a_draft_is_posted_once_after_a_rest_and_at_once_on_leaving() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*"draft")
        assert app.texts(Composer.DraftChanged) == []
        await until(pilot, lambda: app.texts(Composer.DraftChanged) == ["draft"])
        await pilot.press("s")
        app.query_one(Button).focus()
        await until(pilot, lambda: app.texts(Composer.DraftChanged) == ["draft", "drafts"])


async def test_a_draft_that_was_set_is_not_posted_back() -> None:
    app = Host()
    async with app.run_test() as pilot:
        composer = app.query_one(Composer)
        composer.set_text("stored draft")
        app.query_one(Button).focus()
        await pilot.pause()
        assert app.texts(Composer.DraftChanged) == []
        assert composer.cursor_location == (0, len("stored draft"))


async def test_a_pasted_text_is_kept_as_it_is_and_drawn_without_controls() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        composer = app.query_one(Composer)
        app.post_message(events.Paste("one\x1b[31m [b]two[/b]\nthree\u202e\x9b"))
        await pilot.pause()
        assert composer.text == "one\x1b[31m [b]two[/b]\nthree\u202e\x9b"
        await until(pilot, lambda: composer.size.height == 2)
        drawn = "".join(composer.render_line(y).text for y in range(2))
        assert "one␛[31m [b]two[/b]" in drawn and "three\ufffd\ufffd" in drawn
        assert not any(unicodedata.category(char) in ("Cc", "Cf") for char in drawn)
