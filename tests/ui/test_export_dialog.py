"""The dialog for exports: what, which format, where; what was written, and what went wrong."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.widgets import OptionList, RadioSet

from tests.support.fake_chat import FakeChat
from tests.support.screen_text import drawn
from tests.ui.driving import Bench, running
from tests.ui.test_board_screen import board, judged
from urial_tui.errors import ExchangeError
from urial_tui.exchange.exporting import Exported, Subject
from urial_tui.exchange.writing import Written
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.path_input import PathInput
from urial_tui.ui.screens.export import ExportDialog


@dataclass
class FakeExports:
    """Writes nothing and keeps what it was asked for; `errors` are raised one after the other."""

    errors: list[ExchangeError] = field(default_factory=list)
    asked: list[tuple[Subject, str, str, bool]] = field(default_factory=list)

    def formats(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, f"about {name}") for name in ("just-eval", "markdown", "html"))

    def place(self, subject: Subject, format_: str) -> str:
        return f"~/{subject.label}.{format_}"

    async def export(
        self, subject: Subject, format_: str, place: str, *, force: bool = False
    ) -> Exported:
        self.asked.append((subject, format_, place, force))
        if self.errors:
            raise self.errors.pop(0)
        files = (Written(Path("/out/one\x1b[31m.md"), 1, {}), Written(Path("/out/two.md"), 2, {}))
        return Exported(files, ("3 scores are N/A",))


def prepare(chat: FakeChat) -> None:
    chat.add_session("Walking", ["Why walk?", "To see."], "5")
    chat.add_session("Cars", ["Why drive?", "To arrive."], "3")


def running_with(desk: FakeExports, **rest: Any) -> Any:
    return running(prepare, services={"exports": desk}, **rest)


async def opened(bench: Bench) -> ExportDialog:
    await bench.until(lambda: isinstance(bench.app.screen, ExportDialog), "the dialog is open")
    await bench.pilot.pause()
    found = bench.app.screen
    assert isinstance(found, ExportDialog)
    return found


async def test_a_session_is_exported_and_what_was_written_is_shown() -> None:
    desk = FakeExports()
    async with running_with(desk) as bench:
        await bench.press("f20")
        dialog = await opened(bench)
        text = drawn(bench.app)
        for words in ("Export Walking", "just-eval", "about markdown", "~/Walking.markdown"):
            assert words in text
        await bench.press("down")  # html
        assert dialog.query_one(PathInput).value == "~/Walking.html"
        await bench.press("enter", "end", "x", "enter")
        await bench.until(lambda: "Written" in drawn(bench.app), "it says what was written")
        (asked,) = desk.asked
        assert (asked[0].label, len(asked[0].sessions)) == ("Walking", 1)
        assert asked[1:] == ("html", "~/Walking.htmlx", False)
        text = drawn(bench.app)
        assert "/out/two.md  (2 rows)" in text
        assert "note: 3 scores are N/A" in text
        assert "\x1b" not in text
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen), "it is closed")


async def test_a_place_that_was_written_stays_when_the_format_changes() -> None:
    async with running_with(FakeExports()) as bench:
        await bench.press("f20")
        dialog = await opened(bench)
        place = dialog.query_one(PathInput)
        place.value = "~/mine"
        dialog.query_one("#formats", OptionList).highlighted = 0
        await bench.pilot.pause()
        assert place.value == "~/mine"


async def test_errors_stay_in_the_box_and_files_are_replaced_by_a_second_enter() -> None:
    there = ExchangeError("there already are files: x", hint="Say --force.", kind="exists")
    full = ExchangeError("cannot write to /x", hint="Check the free space.", kind="unwritable")
    desk = FakeExports([full, there])
    async with running_with(desk) as bench:
        await bench.press("f20")
        dialog = await opened(bench)
        await bench.press("enter", "enter")
        await bench.until(lambda: "Check the free space" in drawn(bench.app), "the disk is full")
        await bench.press("enter")
        await bench.until(lambda: "Enter again replaces" in drawn(bench.app), "it is there")
        assert "--force" not in drawn(bench.app)
        # Another place, and back: nothing is replaced unasked.
        await bench.press("end", "x", "backspace")
        assert "Enter again" not in drawn(bench.app)
        desk.errors.append(there)
        await bench.press("enter")
        await bench.until(lambda: len(desk.asked) == 3 and "Enter again" in drawn(bench.app))
        await bench.press("enter")
        await bench.until(lambda: "Written" in drawn(bench.app))
        assert [force for *_, force in desk.asked] == [False, False, False, True]
        assert dialog.is_current


async def test_what_the_filtered_list_shows_can_be_meant() -> None:
    desk = FakeExports()
    async with running_with(desk) as bench:
        screen = bench.app.screen
        assert isinstance(screen, ChatScreen)
        ids = tuple(screen.in_hand.known)
        screen.session_list.query_one("Input").value = "in:all"  # type: ignore[attr-defined]
        screen.session_list.set_sessions(list(screen.in_hand.known.values()), ids[0])
        screen.exporting.export(ids[:1])
        dialog = await opened(bench)
        choice = dialog.query_one(RadioSet)
        assert "the 2 sessions of the list" in drawn(bench.app)
        choice.focus()
        await bench.press("down", "enter")
        await bench.until(lambda: "Export the 2 sessions" in drawn(bench.app))
        dialog.query_one(PathInput).focus()
        await bench.press("enter")
        await bench.until(lambda: desk.asked)
        assert set(desk.asked[0][0].sessions) == set(ids)


async def test_without_exports_there_is_no_command() -> None:
    async with running(prepare) as bench:
        await bench.press("f20")
        await bench.pilot.pause()
        assert isinstance(bench.app.screen, ChatScreen)


async def test_the_board_exports_the_run_under_the_cursor() -> None:
    desk = FakeExports()
    async with board(await judged(), services={"exports": desk}) as bench:
        await bench.press("x")
        await opened(bench)
        await bench.press("enter", "enter")
        await bench.until(lambda: desk.asked)
        subject, format_, _, _ = desk.asked[0]
        assert subject.run is not None
        assert format_ == "just-eval"
