"""Comparing two answers by hand: two versions in the chat, or two sides of a run, blind. One key says which is better
all in all; another opens the aspects. See `by_hand` for what it shares with rating.

Which answer is shown as A is drawn by lot for each two, and nothing on the screen says who wrote which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.types import CSSPathType
from textual.widgets import Input

from urial_tui.judge.desk_types import AnswerPair, RatedAnswer
from urial_tui.judge.drafts import Draft
from urial_tui.judge.people import Choice, choices_of
from urial_tui.judge.rubric_types import Rubric
from urial_tui.prompts.types import Turn
from urial_tui.ui.commands_by_hand import PAIR, PAIR_COMMANDS
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line, safe, wrapped
from urial_tui.ui.judging.by_hand import FLAT_ROWS, LONGEST_COMMENT, ByHandScreen, Task
from urial_tui.ui.judging.moment import ByHandMoment
from urial_tui.ui.judging.rating import TEXT_KEYS
from urial_tui.ui.judging.sheet import OVERALL
from urial_tui.ui.judging.sheet_lines import flat_lines
from urial_tui.ui.judging.words import answer_lines, conversation_lines, mark_words
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.hint_bar import HintBar

if TYPE_CHECKING:
    from urial_tui.judge.desk import JudgeDesk

BESIDE = 100
"""From this many columns on both answers are seen at once."""
_TURNED = {"a": "b", "b": "a"}


class PairScreen(ByHandScreen):
    """See the module. A task is the ids of the two answers; rows name the first of them A."""

    PLACE = PAIR
    COMMANDS_HERE = PAIR_COMMANDS
    CSS_PATH: ClassVar[CSSPathType | None] = ["by_hand.tcss", "pairing.tcss"]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (BESIDE, "-beside")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *(command.binding() for command in PAIR_COMMANDS),
        *TEXT_KEYS,
    ]

    pair: AnswerPair | None = None
    aspects_open = False
    showing_b = False
    """Where only one answer is on the screen: that it is B."""
    unseen: frozenset[str] = frozenset()
    """The answers that have not been on the screen yet, by their places."""

    def __init__(
        self,
        desk: JudgeDesk,
        keymap: Mapping[str, str],
        rubrics: Sequence[Rubric],
        tasks: Sequence[Task],
        **rest: Any,
    ) -> None:
        super().__init__(desk, keymap, rubrics, tasks, **rest)
        self.has_overall = any(one.id == OVERALL for one in self.rubric.aspects)
        self.aspects_open = not self.has_overall

    def compose(self) -> ComposeResult:
        yield Heading(PAIR, id="heading")
        with VerticalScroll(id="question-scroll", can_focus=False):
            yield Canvas(self._draw_question, tall=True, id="question")
        with Container(id="both"):
            with VerticalScroll(classes="text", id="text-a", can_focus=False):
                yield Canvas(self._draw_a, tall=True, id="a")
            with VerticalScroll(classes="text", id="text-b", can_focus=False):
                yield Canvas(self._draw_b, tall=True, id="b")
        with Vertical(id="pane"):
            yield Canvas(self.draw_sheet, id="sheet")
            yield Input(placeholder="Comment", id="comment", max_length=LONGEST_COMMENT)
        yield HintBar(lambda binding: False, id="hints")

    # --- two answers ------------------------------------------------------------------------

    @property
    def turned(self) -> bool:
        """Whether the row's B is what the screen calls A."""
        return self.pair is not None and self.pair.first != self.pair.a.message_id

    async def fetch(self, task: Task) -> Draft | None:
        self.pair = await self.desk.pair(task[0], task[1], self.rubric.ref)
        mine = self.pair.mine
        if mine is None:
            return None
        return Draft(choices_of(mine, self.pair.first), mine.note)

    def _turn(self, mark: int | str) -> str:
        """From the screen's A and B to the row's."""
        return _TURNED.get(str(mark), str(mark)) if self.turned else str(mark)

    async def store(self, task: Task) -> None:
        if self.pair is None:
            return
        choices = {aspect: self._turn(mark) for aspect, mark in self.sheet.marks.items()}
        await self.desk.prefer(
            self.pair,
            self.rubric,
            cast("dict[str, Choice]", choices),
            self.sheet.note,
            blind=self.blind,
        )

    def prepare(self) -> None:
        self.unseen = frozenset("AB")
        if any(aspect != OVERALL for aspect in self.sheet.marks):
            self._open_aspects(True)
        self._show_one(b=False)

    def thing(self, n: int) -> str:
        return "pair" if n == 1 else "pairs"

    def legend(self) -> str:
        a, b, tie = (self.key(f"pair.{name}") for name in ("a", "b", "tie"))
        na = f", {self.key('pair.na')} n/a" if self.sheet.aspect.na else ""
        return f"{a} A  {b} B  {tie} tie{na}"

    # --- keys -------------------------------------------------------------------------------

    def action_choose(self, choice: str) -> None:
        if self.shown is None:
            return
        if self.aspects_open:
            self.give(choice)
            return
        self.sheet.go_to(OVERALL)
        self.sheet.give(choice)
        self.show_sheet()
        self.action_save()

    def action_aspects(self) -> None:
        if not self.has_overall:
            self.tell("This rubric has no aspect for all in all.")
            return
        self._open_aspects(not self.aspects_open)
        self.show_sheet()

    def _open_aspects(self, on: bool) -> None:
        self.aspects_open = on
        self.set_class(on, "-aspects")
        if on:
            unmarked = [a.id for a in self.rubric.aspects if a.id not in self.sheet.marks]
            self.sheet.go_to(unmarked[0] if unmarked else self.rubric.aspects[0].id)

    def action_other(self) -> None:
        self._show_one(b=not self.showing_b)
        self.changed()

    def _show_one(self, *, b: bool) -> None:
        self.showing_b = b
        self.set_class(b, "-showing-b")
        self.call_after_refresh(self._to_answers)

    # --- drawing ----------------------------------------------------------------------------

    def show_texts(self, *, from_start: bool) -> None:
        self.set_class(self.aspects_open, "-aspects")
        for canvas in self.query(Canvas):
            canvas.repaint()
        if from_start:
            for one in self.scrollers():
                one.scroll_home(animate=False)
            self.call_after_refresh(self._to_question)
            self.call_after_refresh(self._to_answers)

    def _to_question(self) -> None:
        if self.is_attached:
            width = self.query_one("#question", Canvas).content_size.width
            _, line = conversation_lines(self._above(), width)
            scroller = self.query_one("#question-scroll", VerticalScroll)
            scroller.scroll_to(y=line, animate=False, force=True)

    def _to_answers(self) -> None:
        """Past the earlier turns of an answer, when it is shown first."""
        if not self.is_attached:
            return
        for place in sorted(self.unseen):
            canvas = self.query_one(f"#{place.lower()}", Canvas)
            scroller = self.query_one(f"#text-{place.lower()}", VerticalScroll)
            if scroller.display and canvas.content_size.width:
                lines, _ = conversation_lines(self._own(place), canvas.content_size.width)
                scroller.scroll_to(y=len(lines), animate=False, force=True)
                self.unseen -= {place}

    def _above(self) -> Sequence[Turn]:
        """What both answers follow: all of it, or the last message where their earlier answers differ."""
        if self.pair is None:
            return ()
        same = self.pair.a.before == self.pair.b.before
        return self.pair.a.before if same else self.pair.a.before[-1:]

    def _own(self, place: str) -> Sequence[Turn]:
        """An answer's earlier turns, where the other one has others."""
        answer = self._shown_as(place)
        return () if answer is None else answer.before[: len(answer.before) - len(self._above())]

    def _draw_question(self, width: int, height: int) -> list[Line]:
        lines, _ = conversation_lines(self._above(), width)
        return lines[:-1]

    def _draw_a(self, width: int, height: int) -> list[Line]:
        return self._draw_answer("A", width)

    def _draw_b(self, width: int, height: int) -> list[Line]:
        return self._draw_answer("B", width)

    def _shown_as(self, place: str) -> RatedAnswer | None:
        if self.pair is None:
            return None
        return self.pair.a if (place == "A") != self.turned else self.pair.b

    def _draw_answer(self, place: str, width: int) -> list[Line]:
        answer = self._shown_as(place)
        if answer is None:
            return []
        words = f"{place}   {answer.words} word{'s' if answer.words != 1 else ''}"
        if self.size.width < BESIDE:
            words += f"   ({self.key('pair.other')} shows {'B' if place == 'A' else 'A'})"
        own, _ = conversation_lines(self._own(place), width)
        if own:
            words += "   (its own earlier turns above)"
        return own + answer_lines(words, answer.content, width)

    def draw_sheet(self, width: int, height: int) -> list[Line]:
        if self.shown is None:
            return [[("Looking…", "dim")]]
        if self.aspects_open:
            return flat_lines(self.sheet, self.legend(), width, min(max(height, 1), FLAT_ROWS))
        chosen = self.sheet.marks.get(OVERALL)
        question = next(one.question for one in self.rubric.aspects if one.id == OVERALL)
        words = safe(question, 300)
        if chosen is not None:
            words += f"   (you said: {mark_words(chosen)})"
        return wrapped(words, width, "strong", most=max(height, 1))

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.call_after_refresh(self.show_texts, from_start=False)
        self.call_after_refresh(self.changed)

    def look(self) -> ByHandMoment:
        return replace(
            super().look(),
            one_at_a_time=self.size.width < BESIDE,
            aspects_open=self.aspects_open,
        )
