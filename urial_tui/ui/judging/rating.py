"""Rating answers by hand with a rubric that scores: one answer of the chat, or a run's answers one after the other,
blind. See `by_hand` for what it shares with comparing."""

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.types import CSSPathType
from textual.widgets import Input

from urial_tui.judge.desk_types import RatedAnswer
from urial_tui.judge.drafts import Draft
from urial_tui.judge.people import Mark, marks_of
from urial_tui.ui.commands_by_hand import RATE, RATE_COMMANDS
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.judging.by_hand import LONGEST_COMMENT, ByHandScreen, Task
from urial_tui.ui.judging.opinions import opinion_lines
from urial_tui.ui.judging.sheet import Sheet
from urial_tui.ui.judging.words import answer_lines, conversation_lines, key_range
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.hint_bar import HintBar

TEXT_KEYS = [
    Binding("pageup", "scroll_text(-1)", "Page up", show=False),
    Binding("pagedown,space", "scroll_text(1)", "Page down", show=False),
    Binding("ctrl+up", "scroll_text(-0.1)", "Line up", show=False),
    Binding("ctrl+down", "scroll_text(0.1)", "Line down", show=False),
    Binding("home", "scroll_end_of_text(False)", "Top", show=False),
    Binding("end", "scroll_end_of_text(True)", "Bottom", show=False),
]


class RatingScreen(ByHandScreen):
    """See the module."""

    PLACE = RATE
    COMMANDS_HERE = RATE_COMMANDS
    CSS_PATH: ClassVar[CSSPathType | None] = "by_hand.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(command.binding() for command in RATE_COMMANDS),
        *TEXT_KEYS,
    ]

    answer: RatedAnswer | None = None

    def compose(self) -> ComposeResult:
        yield Heading(RATE, id="heading")
        with Container(id="work"):
            with VerticalScroll(classes="text", can_focus=False):
                yield Canvas(self._draw_text, tall=True, id="text")
            with Vertical(id="pane"):
                yield Canvas(self.draw_sheet, id="sheet")
                yield Input(placeholder="Comment", id="comment", max_length=LONGEST_COMMENT)
        yield HintBar(lambda binding: False, id="hints")

    # --- one answer -------------------------------------------------------------------------

    async def fetch(self, task: Task) -> Draft | None:
        self.answer = await self.desk.answer(task[0], self.rubric.ref)
        mine = self.answer.mine
        return Draft(cast("dict[str, int | str]", marks_of(mine)), mine.note) if mine else None

    async def store(self, task: Task) -> None:
        marks = cast("dict[str, Mark]", dict(self.sheet.marks))
        await self.desk.rate(task[0], self.rubric, marks, self.sheet.note, blind=self.blind)

    def thing(self, n: int) -> str:
        return "answer" if n == 1 else "answers"

    def legend(self) -> str:
        scores = key_range([f"rate.score-{number}" for number in range(1, 6)], self.keymap)
        na = f", {self.key('rate.na')} n/a" if self.sheet.aspect.na else ""
        return f"{scores} score{na}"

    # --- the text ---------------------------------------------------------------------------

    def show_texts(self, *, from_start: bool) -> None:
        self.query_one("#text", Canvas).repaint()
        if from_start:
            self.call_after_refresh(self._to_question)

    def _to_question(self) -> None:
        """Earlier turns are above: the message that is answered comes first."""
        if self.answer is None or not self.is_attached:
            return
        scroller = self.query_one(".text", VerticalScroll)
        width = self.query_one("#text", Canvas).content_size.width
        _, line = conversation_lines(self.answer.before, width)
        scroller.scroll_to(y=line, animate=False, force=True)

    def _draw_text(self, width: int, height: int) -> list[Line]:
        answer = self.answer
        if answer is None:
            return []
        lines, _ = conversation_lines(answer.before, width)
        written = "" if self.blind or not answer.side else f" by {short_side(answer.side)}"
        words = f"Answer{written}, {answer.words} word{'s' if answer.words != 1 else ''}"
        if answer.status != "complete":
            words += f", {answer.status}"
        lines += answer_lines(words, answer.content, width)
        if answer.mine is not None and not self.blind:
            lines += [[], [("You rated it before; saving replaces that.", "dim")]]
        if answer.others and not self.blind:
            lines += [[], [("What others said", "title")]]
            lines += opinion_lines(answer.others, width, brief=True)
        return lines

    # --- keys -------------------------------------------------------------------------------

    def action_score(self, score: int) -> None:
        self.give(score)

    def action_next_rubric(self) -> None:
        """The same answer by the next rubric; what was given with this one is kept."""
        if self.shown is None or not self.once:
            return
        at = [one.hash for one in self.rubrics].index(self.rubric.hash)
        self.sheet = Sheet(self.rubrics[(at + 1) % len(self.rubrics)])
        self.open_next()
