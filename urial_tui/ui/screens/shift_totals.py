"""Pooled classes of every pair of sides that was compared: in this session, and in the whole history."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize
from urial_tui.store.types import ShiftTotals
from urial_tui.ui.background import run_latest
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line, fit_line, wrapped
from urial_tui.ui.inspect.table import totals_lines
from urial_tui.ui.keymap import up_and_down
from urial_tui.ui.screens.dialog import Dialog, problem_text

Load = Callable[[bool], Awaitable[Sequence[ShiftTotals]]]
"""Whether of this session only, to the totals. May raise UrialError."""


class ShiftTotalsDialog(Dialog[None]):
    """Shows the totals that `load` gives; a key goes from the session to the history and back."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "shift_totals.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,left,right", "scope", "Session or history", id="totals.scope"),
        Binding("q", "close", "Close", show=False),
    ]

    def __init__(self, load: Load) -> None:
        super().__init__()
        self._load = load
        self.session_only = True
        self._totals: dict[bool, Sequence[ShiftTotals]] = {}
        self._problems: dict[bool, str] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield Canvas(self._scopes, id="scopes")
            with VerticalScroll(id="totals-scroll"):
                yield Canvas(self._lines, tall=True, id="totals")
        box.border_title = Content("Shift in all answers")
        box.border_subtitle = Content(f"Tab session or history, {up_and_down()} scroll, Esc closes")

    def on_mount(self) -> None:
        self.query_one("#totals-scroll").focus()
        self._fetch()

    def _scopes(self, width: int, height: int) -> list[Line]:
        """Which of the two is shown: in brackets, so that it is seen without colours."""
        words = [("This session", self.session_only), ("Whole history", not self.session_only)]
        line: Line = []
        for word, on in words:
            line.append((f"[{word}] " if on else f" {word}  ", "strong" if on else "dim"))
        return [fit_line(line, width)]

    def _lines(self, width: int, height: int) -> list[Line]:
        if self.session_only in self._problems:
            return wrapped(self._problems[self.session_only], width, "bad", most=8)
        if self.session_only not in self._totals:
            return [fit_line([("Counting…", "pending")], width)]
        return totals_lines(self._totals[self.session_only], width)

    def _fetch(self) -> None:
        run_latest(self, self._read, "totals")

    async def _read(self) -> None:
        scope = self.session_only
        try:
            self._totals[scope] = tuple(await self._load(scope))
            self._problems.pop(scope, None)
        except UrialError as error:
            self._problems[scope] = sanitize(problem_text(error), keep_newlines=False)
        self._repaint()

    def action_scope(self) -> None:
        self.session_only = not self.session_only
        self._repaint()
        self.query_one("#totals-scroll").scroll_home(animate=False)
        if self.session_only not in self._totals:
            self._fetch()

    def _repaint(self) -> None:
        for canvas in self.query(Canvas):
            canvas.repaint()
