"""Where in an answer, or in all answers of the session, tokens are shifted: a chart over positions."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType

from urial_tui.safetext import sanitize_line
from urial_tui.shift.classes import Lane
from urial_tui.store.types import Trace
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line, fit_line
from urial_tui.ui.inspect.chart import Answer, bins_of, chart
from urial_tui.ui.inspect.tally import Bin
from urial_tui.ui.inspect.trace_view import TraceView
from urial_tui.ui.screens.dialog import Dialog

Scope = Literal["answer", "session"]
PARTS = 50
"""Parts of an answer in the chart over relative positions."""


class PositionChart(Dialog[None]):
    """The chart of one answer; a key goes to all answers of the session that have the same sides and path."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "position_chart.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "relative", "Relative", tooltip="Positions or parts", id="chart.relative"),
        Binding("s", "scope", "Session", tooltip="This answer or all", id="chart.scope"),
        Binding("q", "close", "Close", show=False),
    ]

    def __init__(
        self,
        answer: Sequence[Answer],
        session: Sequence[Answer],
        *,
        sides: str = "",
        lane: Lane = "class",
    ) -> None:
        """`answer`: the one of it, or none; `session`: those of the session; `sides` is the heading, raw."""
        super().__init__()
        self._answers: dict[Scope, Sequence[Answer]] = {"answer": answer, "session": session}
        self._sides = sanitize_line(sides, 400)
        self._lane: Lane = lane
        self._bins: dict[tuple[Scope, bool], list[Bin]] = {}
        self.scope: Scope = "answer" if answer or not session else "session"
        self.relative = False

    @classmethod
    def of(cls, view: TraceView, traces: Sequence[Trace] = ()) -> "PositionChart":
        """The chart of what the inspector shows. Of the session's `traces` those count that compare the same sides on
        the same numeric path; the one that is shown counts with the scores that it has now."""
        session = [Answer(view.scores, view.reference)] if view.n else []
        for trace in traces:
            same = (
                trace.start.path == view.trace.start.path
                and (trace.start.generator.side if trace.start.generator else "")
                == view.generator_side
                and trace.message_id != view.trace.message_id
            )
            sides = [side.side for side in trace.start.references]
            if same and view.reference_side in sides:
                session.append(Answer(trace.scores, sides.index(view.reference_side)))
        answer = [Answer(view.scores, view.reference)] if view.n else []
        sides_text = f"{view.generator_side or 'a given text'} against {view.reference_side}"
        return cls(answer, session, sides=sides_text, lane=view.class_lane)

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield Canvas(self._heading, id="heading")
            yield Canvas(self._chart, id="chart")
        box.border_title = Content("Shift by position")
        box.border_subtitle = Content("r relative or absolute, s answer or session, Esc closes")

    def _heading(self, width: int, height: int) -> list[Line]:
        answers = len(self._answers[self.scope])
        if self.scope == "answer":
            what = "this answer"
        else:
            what = f"this session: {answers} answer{'s' if answers != 1 else ''}"
        how = "relative positions" if self.relative else "positions"
        lane = " · class of the written token" if self._lane == "emitted" else ""
        return [
            fit_line([(self._sides, "strong")], width),
            fit_line([(f"{what} · {how}{lane}", "dim")], width),
        ]

    def _chart(self, width: int, height: int) -> list[Line]:
        key = (self.scope, self.relative)
        if key not in self._bins:
            parts = PARTS if self.relative else 0
            self._bins[key] = bins_of(self._answers[self.scope], self._lane, relative=parts)
        return chart(self._bins[key], width, height, relative=self.relative)

    def action_relative(self) -> None:
        self.relative = not self.relative
        self._repaint()

    def action_scope(self) -> None:
        self.scope = "session" if self.scope == "answer" else "answer"
        self._repaint()

    def _repaint(self) -> None:
        for canvas in self.query(Canvas):
            canvas.repaint()
