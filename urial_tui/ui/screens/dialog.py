"""The dialogs' common frame, and the two that only ask: yes or no, and one line of text."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.types import CSSPathType
from textual.widgets import Button, Input, OptionList, Static

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.ui.screens.leaving import LeavesOnce

ResultT = TypeVar("ResultT")


class Dialog(ModalScreen[ResultT | None], LeavesOnce[ResultT | None]):
    """A box over the dimmed screen. Escape closes it and means None: nothing was decided."""

    CSS_PATH: ClassVar[CSSPathType | None] = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Cancel", tooltip="Close without a change", id="dialog.close"),
    ]

    def action_close(self) -> None:
        self.dismiss(None)

    def show_problem(self, problem: str) -> None:
        """Say in the box what is wrong; an empty `problem` takes it away."""
        for line in self.query(".problem").results(Static):
            line.update(Content(sanitize(problem)))
            line.set_class(bool(problem), "-on")


def problem_text(error: UrialError) -> str:
    """An error as a dialog shows it: what is wrong, then what to do."""
    return f"{error.message}. {error.hint}" if error.hint else error.message


class ChooseOne(Dialog[ResultT]):
    """A list of few; the answer is what belongs to the line that is chosen."""

    def __init__(
        self, title: str, choices: Sequence[tuple[Content, ResultT]], current: int = 0
    ) -> None:
        """The cursor begins on the line with the number `current`."""
        super().__init__()
        self._title, self._choices, self._current = title, tuple(choices), current

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield OptionList(*(line for line, _ in self._choices), markup=False)
        box.border_title = Content(self._title)
        box.border_subtitle = Content("Enter chooses, Esc closes")

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = self._current
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index][1])


class Confirm(Dialog[bool]):
    """Asks before something that cannot be undone. The answer is True, or None for `no`.

    Where the answer is `harmless`, Enter says yes.
    """

    def __init__(
        self, title: str, question: str, yes: str, no: str = "Keep it", *, harmless: bool = False
    ) -> None:
        super().__init__()
        self._harmless = harmless
        self._question = question
        self._yes = yes
        self._no = no
        self._title = title

    def compose(self) -> ComposeResult:
        with Vertical(classes="box -small") as box:
            yield Static(Content(sanitize(self._question)), classes="lead")
            with Horizontal(classes="answers"):
                kind: Literal["primary", "error"] = "primary" if self._harmless else "error"
                yield Button(self._yes, id="yes", variant=kind, compact=True)
                yield Button(self._no, id="no", variant="default", compact=True)
        box.border_title = Content(self._title)
        box.border_subtitle = Content(f"Enter chooses, Tab moves, Esc: {self._no.lower()}")

    def on_mount(self) -> None:
        self.query_one("#yes" if self._harmless else "#no", Button).focus()

    @on(Button.Pressed)
    def decide(self, event: Button.Pressed) -> None:
        self.dismiss(True if event.button.id == "yes" else None)


class AskText(Dialog[str]):
    """Asks for one line. An empty answer is refused, unless it `may_be_empty`. `note` stands below the line."""

    def __init__(
        self,
        title: str,
        value: str = "",
        placeholder: str = "",
        *,
        note: str = "",
        may_be_empty: bool = False,
    ) -> None:
        super().__init__()
        self._note, self._may_be_empty = note, may_be_empty
        self._title = title
        self._value = sanitize_line(value)
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        with Vertical(classes="box -small") as box:
            yield Input(self._value, placeholder=self._placeholder, max_length=200)
            if self._note:
                yield Static(Content(sanitize(self._note)), classes="note")
            yield Static("", classes="problem")
        box.border_title = Content(self._title)
        box.border_subtitle = Content("Enter accepts, Esc leaves it as it is")

    @on(Input.Submitted)
    def accept(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if not text and not self._may_be_empty:
            self.show_problem("Write something, or press Escape.")
            return
        self.dismiss(text)


def line_of(*parts: tuple[str, str] | str) -> Content:
    """One line of content from plain and styled parts; the texts are sanitised here."""
    safe: list[Any] = []
    for part in parts:
        if isinstance(part, str):
            safe.append(Content(sanitize_line(part)))
        else:
            safe.append((sanitize_line(part[0]), part[1]))
    return Content.assemble(*safe)
