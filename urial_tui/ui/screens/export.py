"""Writes what is meant to files: in which format, where, and then what was written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Input, OptionList, RadioButton, RadioSet, Static

from urial_tui.errors import UrialError
from urial_tui.exchange.exporting import Exported, Subject
from urial_tui.safetext import sanitize_line
from urial_tui.ui.background import run_latest
from urial_tui.ui.path_input import PathInput
from urial_tui.ui.screens.dialog import Dialog, line_of, problem_text

if TYPE_CHECKING:
    from urial_tui.exchange.exporting import ExportDesk

FIRST = "markdown"
"""The format that is highlighted at first; a run begins with `just-eval`."""


class ExportDialog(Dialog[bool]):
    """The answer is True once something was written."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "export.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "finish", "Close", show=False)]

    def __init__(self, desk: ExportDesk, subjects: Sequence[Subject]) -> None:
        super().__init__()
        self._desk, self._subjects = desk, tuple(subjects)
        self._formats = tuple(desk.formats())
        self._subject = self._subjects[0]
        self._suggested = ""
        self._refused = ""
        """The place where files are already, once that was said: Enter again replaces them."""
        self._done = False

    def compose(self) -> ComposeResult:
        width = max(len(name) for name, _ in self._formats)
        with Vertical(classes="box") as box:
            if len(self._subjects) > 1:
                with RadioSet(id="what", compact=True):
                    for number, one in enumerate(self._subjects):
                        yield RadioButton(line_of(one.label), value=number == 0)
            yield OptionList(
                *(
                    line_of((name.ljust(width), "bold"), f"  {about}")
                    for name, about in self._formats
                ),
                id="formats",
                markup=False,
            )
            yield PathInput(id="place")
            yield Static("", classes="problem")
            with VerticalScroll(id="written"):
                yield Static("", id="report", markup=False)
        box.border_title = Content(f"Export {sanitize_line(self._subject.label, 60)}")
        box.border_subtitle = Content("Enter goes on, Tab completes the path, Esc closes")

    def on_mount(self) -> None:
        names = [name for name, _ in self._formats]
        first = "just-eval" if self._subject.run is not None else FIRST
        formats = self.query_one("#formats", OptionList)
        formats.highlighted = names.index(first) if first in names else 0
        formats.focus()
        self.query_one("#written").display = False

    @property
    def _format(self) -> str:
        return self._formats[self.query_one("#formats", OptionList).highlighted or 0][0]

    @on(OptionList.OptionHighlighted)
    def suggest(self) -> None:
        """A place for the format, while the user has not written another one."""
        line = self.query_one("#place", PathInput)
        if line.value == self._suggested:
            line.value = self._suggested = self._desk.place(self._subject, self._format)

    @on(RadioSet.Changed)
    def mean(self, event: RadioSet.Changed) -> None:
        self._subject = self._subjects[event.index]
        title = Content(f"Export {sanitize_line(self._subject.label, 60)}")
        self.query_one(".box").border_title = title
        self.suggest()

    @on(OptionList.OptionSelected)
    def to_the_place(self) -> None:
        self.query_one("#place", PathInput).focus()

    @on(Input.Changed)
    def forget_problem(self, event: Input.Changed) -> None:
        if event.value != self._refused:
            self._refused = ""
        self.show_problem("")

    @on(Input.Submitted)
    def accept(self, event: Input.Submitted) -> None:
        place = event.value.strip()
        if not place:
            self.show_problem("Write where it shall go, or press Escape.")
            return
        self.query_one(".box").border_subtitle = Content("Writing…")
        run_latest(self, partial(self._write, place, event.value == self._refused), "export")

    async def _write(self, place: str, force: bool) -> None:
        try:
            done = await self._desk.export(self._subject, self._format, place, force=force)
        except UrialError as error:
            self.query_one(".box").border_subtitle = Content("Enter tries again, Esc closes")
            if error.kind == "exists":
                self._refused = self.query_one("#place", PathInput).value
                self.show_problem(f"{error.message}. Enter again replaces them.")
            else:
                self.show_problem(problem_text(error))
            return
        self._show(done)

    def _show(self, done: Exported) -> None:
        lines = [
            f"{one.path}  ({one.rows} {one.unit}{'' if one.rows == 1 else 's'})"
            for one in done.written
        ]
        lines += [f"note: {note}" for note in done.notes]
        self.query_one("#report", Static).update(
            Content("\n").join(Content(sanitize_line(line, 1000)) for line in lines)
        )
        self.show_problem("")
        for name in ("#formats", "#place", "#what"):
            for widget in self.query(name):
                widget.display = False
        self._done = True
        report = self.query_one("#written")
        report.display = True
        report.focus()
        box = self.query_one(".box")
        box.border_title = Content("Written")
        box.border_subtitle = Content("Enter or Esc closes")

    def action_finish(self) -> None:
        if self._done:
            self.dismiss(True)

    def action_close(self) -> None:
        self.dismiss(True if self._done else None)
