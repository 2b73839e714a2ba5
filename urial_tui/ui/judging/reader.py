"""One answer behind a row of the board: the conversation, who wrote it, and all that was said of it, with reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType

from urial_tui.errors import UrialError
from urial_tui.judge.desk_types import RatedAnswer
from urial_tui.safetext import sanitize
from urial_tui.ui.background import run_latest
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line, wrapped
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.judging.opinions import opinion_lines
from urial_tui.ui.judging.words import answer_lines, conversation_lines
from urial_tui.ui.keymap import up_and_down
from urial_tui.ui.screens.dialog import Dialog, problem_text

if TYPE_CHECKING:
    from urial_tui.judge.desk import JudgeDesk


class AnswerReader(Dialog[None]):
    """See the module."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["../screens/dialog.tcss", "reader.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "close", "Close", show=False)]

    def __init__(self, desk: JudgeDesk, message_id: str) -> None:
        super().__init__()
        self._desk, self._message_id = desk, message_id
        self._answer: RatedAnswer | None = None
        self._problem = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box, VerticalScroll(id="read"):
            yield Canvas(self._lines, tall=True, id="lines")
        box.border_title = Content("Answer")
        box.border_subtitle = Content(f"{up_and_down()} scroll, Esc closes")

    def on_mount(self) -> None:
        self.query_one("#read").focus()
        run_latest(self, self._fetch, "answer")

    async def _fetch(self) -> None:
        try:
            self._answer = await self._desk.answer(self._message_id)
        except UrialError as error:
            self._problem = sanitize(problem_text(error), keep_newlines=False)
        self.query_one("#lines", Canvas).repaint()

    def _lines(self, width: int, height: int) -> list[Line]:
        if self._problem:
            return wrapped(self._problem, width, "bad", most=6)
        answer = self._answer
        if answer is None:
            return [[("Looking…", "dim")]]
        lines, _ = conversation_lines(answer.before, width)
        words = f"{short_side(answer.side) or 'Answer'}, {answer.words} words"
        lines += answer_lines(words, answer.content, width)
        lines += [[], [("What was said of it", "title")]]
        if not answer.others:
            return [*lines, [("Nobody has judged it yet.", "dim")]]
        return lines + opinion_lines(answer.others, width)
