"""The board of runs: sides by aspects as one judge sees them, win rates, agreement of judges, published figures.

It shows what the desk puts together and changes nothing; the screens for rating by hand and for reading answers are
opened from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import DataTable, Static

from urial_tui.errors import UrialError
from urial_tui.exchange.exporting import Subject
from urial_tui.judge.rubrics import DEFAULT, SAFETY
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.store.runs.types import Run
from urial_tui.ui.background import run_latest
from urial_tui.ui.commands_judging import BOARD, BOARD_COMMANDS
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line, fit_line
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.judging.board_answers import BoardAnswers
from urial_tui.ui.judging.board_rows import columns_of, rows_of, split_key
from urial_tui.ui.judging.board_text import (
    agreement_lines,
    items_words,
    published_lines,
    row_lines,
)
from urial_tui.ui.judging.duel_text import duel_lines
from urial_tui.ui.judging.moment import BoardMoment, can_on_board
from urial_tui.ui.judging.opening import compare_run, rate_run
from urial_tui.ui.judging.runs_chooser import RunsChooser
from urial_tui.ui.screens.dialog import problem_text
from urial_tui.ui.screens.export import ExportDialog
from urial_tui.ui.screens.working import CommandScreen
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.hint_bar import HintBar
from urial_tui.ui.widgets.table import Table

if TYPE_CHECKING:
    from urial_tui.exchange.exporting import ExportDesk
    from urial_tui.judge.board.types import Board, By, Panel
    from urial_tui.judge.board.types import Line as PanelLine
    from urial_tui.judge.desk import JudgeDesk

VIEWS = ("scores", "wins", "agreement", "published")


class BoardScreen(CommandScreen):
    """See the module. It begins with the newest run that has answers."""

    PLACE = BOARD
    COMMANDS_HERE = BOARD_COMMANDS
    AUTO_FOCUS = "#scores"
    CSS_PATH: ClassVar[CSSPathType | None] = "board.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (19, "-low"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in BOARD_COMMANDS]

    def __init__(
        self, desk: JudgeDesk, keymap: Mapping[str, str], exports: ExportDesk | None = None
    ) -> None:
        super().__init__(keymap)
        self.desk = desk
        self.exports = exports
        self.runs: Sequence[Run] = ()
        self.chosen: tuple[str, ...] = ()
        """The ids of the runs on the board."""
        self.board: Board | None = None
        self.view = VIEWS[0]
        self.panel_number = 0
        self.by: By | None = None
        self.trouble = ""
        self.moment = BoardMoment()

    def compose(self) -> ComposeResult:
        yield Heading(BOARD, id="heading")
        yield Canvas(self._draw_views, id="views")
        with Container(id="work"):
            yield Table(id="scores")
            yield Static("", id="empty", markup=False)
            with VerticalScroll(id="detail-scroll", can_focus=False):
                yield Canvas(self._draw_detail, tall=True, id="detail")
        with VerticalScroll(id="view"):
            yield Canvas(self._draw_view, tall=True, id="text")
        yield HintBar(lambda binding: False, id="hints")

    @property
    def table(self) -> Table:
        return self.query_one("#scores", Table)

    # --- the board --------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._fill()
        run_latest(self, self._first, "board")

    async def _first(self) -> None:
        try:
            self.runs = tuple(await self.desk.runs())
        except UrialError as error:
            self.trouble = problem_text(error)
        answered = [run.id for run in self.runs if run.n_answered]
        self.chosen = tuple(answered[:1])
        await self._load(again=True)

    async def _load(self, *, again: bool) -> None:
        """Put the board together for the chosen runs, and show it."""
        try:
            self.board = await self.desk.board(self.chosen, self.by, again=again)
            self.trouble = ""
        except UrialError as error:
            self.board, self.trouble = None, problem_text(error)
        self._fill()

    def reload(self) -> None:
        run_latest(self, partial(self._load, again=True), "board")

    def action_reload(self) -> None:
        run_latest(self, self._again, "board")

    async def _again(self) -> None:
        try:
            self.runs = tuple(await self.desk.runs())
        except UrialError as error:
            self.tell_error(error)
        await self._load(again=True)
        self.tell("Read again.")

    @property
    def panel(self) -> Panel | None:
        """The judge and rubric that are shown."""
        panels = self.board.panels if self.board is not None else ()
        return panels[self.panel_number % len(panels)] if panels else None

    def run_meant(self) -> Run | None:
        """The run of the row under the cursor, or the only one."""
        if self.board is not None and self.table.display and self.table.chosen is not None:
            key = split_key(self.table.chosen)[1]
            row = next((one for one in self.board.rows if one.key == key), None)
            if row is not None:
                return next((run for run in self.runs if run.id == row.run_id), None)
        return next((run for run in self.runs if run.id in self.chosen), None)

    # --- filling ----------------------------------------------------------------------------

    def _fill(self) -> None:
        board, panel = self.board, self.panel
        if board is not None:
            width = self.size.width
            self.table.show_rows(columns_of(panel, board, width), rows_of(panel, board, width))
        empty = self._what_is_missing()
        self.query_one("#empty", Static).update(Content(sanitize(empty)))
        self.query_one("#empty").display = bool(empty)
        self.table.display = not empty
        self.query_one("#detail-scroll").display = not empty and not self.has_class("-flat")
        self._say_heading()
        for canvas in self.query(Canvas):
            canvas.repaint()
        self.changed()

    def _what_is_missing(self) -> str:
        if self.trouble:
            return self.trouble
        if self.board is None:
            return "Reading the runs…"
        if not self.board.rows and not self.runs:
            return (
                "There is no run yet. `urial-tui run --input FILE --side SIDE` answers a file of instructions; "
                "then `urial-tui judge --run last --judge SIDE` judges the answers, or rate them here by hand."
            )
        if not self.board.rows:
            return f"Nothing to show here. {self.key('board.runs')} chooses other runs."
        return ""

    def _say_heading(self) -> None:
        names = [run.start.name for run in self.runs if run.id in self.chosen]
        words = [", ".join(names) or "judged answers of conversations"]
        board, panel = self.board, self.panel
        if board is not None and board.runs:
            words.append(items_words([run.n_items for run in board.runs]))
        if panel is not None and board is not None:
            words.append(f"{short_side(panel.judge.label)}, {board.rubric_label(panel.rubric)}")
        piece = ""
        if board is not None and len(board.panels) > 1 and self.view == "scores":
            piece = f"judge {self.panel_number % len(board.panels) + 1} of {len(board.panels)}"
        if board is not None and not board.panels and board.rows:
            words.append("not judged yet")
        heading = self.query_one(Heading)
        heading.update(words=" · ".join(sanitize_line(one, 120) for one in words), piece=piece)

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._fill)

    # --- drawing ----------------------------------------------------------------------------

    def _draw_views(self, width: int, height: int) -> list[Line]:
        """In brackets, so that the one that is shown is seen without colours."""
        line: Line = []
        for name in VIEWS:
            on = name == self.view
            word = name.capitalize()
            line.append((f"[{word}] " if on else f" {word}  ", "strong" if on else "dim"))
        if self.by is not None and self.view == "scores":
            line.append((f"  by {self.by}", ""))
        return [fit_line(line, width)]

    def _line_meant(self) -> tuple[str, PanelLine | None]:
        """The row's key under the cursor, and what the shown judge says of it."""
        board, panel = self.board, self.panel
        chosen = self.table.chosen
        if board is None or chosen is None:
            return "", None
        group, key = split_key(chosen)
        if panel is None:
            return key, None
        lines = panel.lines
        if group is not None and board.breakdown is not None:
            lines = next(
                (
                    one.lines
                    for found in board.breakdown.groups
                    if found.name == group
                    for one in found.panels
                    if (one.judge.key, one.rubric.hash) == (panel.judge.key, panel.rubric.hash)
                ),
                (),
            )
        return key, next((one for one in lines if one.row == key), None)

    def _draw_detail(self, width: int, height: int) -> list[Line]:
        key, line = self._line_meant()
        if self.board is None or not any(row.key == key for row in self.board.rows):
            return []
        return row_lines(self.board, self.panel, line, key, width)

    def _draw_view(self, width: int, height: int) -> list[Line]:
        if self.view == "published":
            from urial_tui.judge.published import published_tables

            return published_lines(published_tables(), width)
        if self.board is None:
            return []
        draw = duel_lines if self.view == "wins" else agreement_lines
        return draw(self.board, width)

    # --- what can be done -------------------------------------------------------------------

    def changed(self) -> None:
        if not self.is_attached or not self.query(Table):
            return
        run = self.run_meant()
        chosen = self.table.chosen if self.table.display else None
        now = BoardMoment(
            view=self.view,
            row=bool(chosen) and bool(split_key(chosen or "")[1]),
            panels=len(self.board.panels) if self.board is not None else 0,
            one_run=run is not None,
            sides=len(run.start.sides) if run is not None else 0,
            exports=self.exports is not None,
        )
        if now != self.moment:
            self.moment = now
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return can_on_board(action, self.moment)

    @on(DataTable.RowHighlighted)
    def another_row(self) -> None:
        self.query_one("#detail-scroll", VerticalScroll).scroll_home(animate=False)
        self.query_one("#detail", Canvas).repaint()
        self.changed()

    @on(DataTable.RowSelected)
    def clicked(self) -> None:
        self.action_open_answers()

    def action_open_answers(self) -> None:
        board, chosen = self.board, self.table.chosen
        if board is None or chosen is None:
            return
        group, key = split_key(chosen)
        if not key:
            return
        label = board.row(key).label
        by = board.breakdown.by if group is not None and board.breakdown is not None else None
        self.app.push_screen(
            BoardAnswers(self.desk, self.keymap, key, label, self.panel, by, group)
        )

    def action_next_view(self, step: int) -> None:
        self.show_view(VIEWS[(VIEWS.index(self.view) + step) % len(VIEWS)])

    def action_published(self) -> None:
        self.show_view("scores" if self.view == "published" else "published")

    def show_view(self, view: str) -> None:
        self.view = view
        self.set_class(view != "scores", "-text")
        scroller = self.query_one("#view", VerticalScroll)
        scroller.scroll_home(animate=False)
        (self.table if view == "scores" else scroller).focus()
        self._fill()

    def action_next_judge(self) -> None:
        self.panel_number += 1
        self._fill()

    def action_breakdown(self) -> None:
        run_latest(self, self._next_breakdown, "board")

    async def _next_breakdown(self) -> None:
        """By the next tag that tells the answers apart; after the last one, by none."""
        from urial_tui.judge.board.types import BY

        order = (*BY, None)
        at = order.index(self.by) + 1 if self.by is not None else 0
        for by in order[at:]:
            if by is None or await self.desk.tells_apart(by):
                self.by = by
                break
        await self._load(again=False)
        if self.by is None and at == 0:
            self.tell("Nothing tells these answers apart: no tasks, topics, data sets or turns.")

    def action_choose_runs(self) -> None:
        def choose(ids: tuple[str, ...] | None) -> None:
            if ids is not None:
                self.chosen, self.panel_number = tuple(one for one in ids if one), 0
                self.reload()

        self.app.push_screen(RunsChooser(self.runs, self.chosen), choose)

    def action_rate_run(self) -> None:
        run = self.run_meant()
        if run is not None:
            self.do(self._by_hand, run, pairs=False)

    def action_compare_run(self) -> None:
        run = self.run_meant()
        if run is not None:
            self.do(self._by_hand, run, pairs=True)

    async def _by_hand(self, run: Run, *, pairs: bool) -> None:
        """Rate, then show what came of it."""
        rubrics = await self.desk.rubrics("pairwise" if pairs else "score")
        if not rubrics:
            self.tell("There is no such rubric.", severity="warning")
            return
        if pairs:
            await compare_run(self, self.desk, run, rubrics[0])
        else:
            usual = [one for one in rubrics if one.id in (DEFAULT, SAFETY)]
            await rate_run(self, self.desk, run, *(usual or rubrics[:1]))
        self.reload()

    def action_export_run(self) -> None:
        run = self.run_meant()
        if run is not None and self.exports is not None:
            subject = Subject(run.start.name, run=run.id)
            self.app.push_screen(ExportDialog(self.exports, [subject]))

    def action_back(self) -> None:
        if self.view != "scores":
            self.show_view("scores")
        else:
            self.dismiss(None)
