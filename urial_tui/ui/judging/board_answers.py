"""The answers behind a row of the board, with the scores of the judge that the board shows; Enter reads one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import DataTable, Static

from urial_tui.errors import UrialError
from urial_tui.judge.board.desk import BoardItem
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.ui.background import run_latest
from urial_tui.ui.commands_judging import ANSWERS, ANSWERS_COMMANDS
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.judging.board_rows import item_columns, item_rows
from urial_tui.ui.judging.reader import AnswerReader
from urial_tui.ui.screens.dialog import problem_text
from urial_tui.ui.screens.working import CommandScreen
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.hint_bar import HintBar
from urial_tui.ui.widgets.table import Table

if TYPE_CHECKING:
    from urial_tui.judge.board.types import By, Panel
    from urial_tui.judge.desk import JudgeDesk


class BoardAnswers(CommandScreen):
    """`row` is the board's, `group` one of its breakdown `by`; `panel` is the judge whose scores are shown."""

    PLACE = ANSWERS
    COMMANDS_HERE = ANSWERS_COMMANDS
    AUTO_FOCUS = "#items"
    CSS_PATH: ClassVar[CSSPathType | None] = "board.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in ANSWERS_COMMANDS]

    def __init__(
        self,
        desk: JudgeDesk,
        keymap: Mapping[str, str],
        row: str,
        label: str,
        panel: Panel | None,
        by: By | None = None,
        group: str | None = None,
    ) -> None:
        super().__init__(keymap)
        self._desk, self._row, self._label = desk, row, label
        self._panel, self._by, self._group = panel, by, group
        self.items: tuple[BoardItem, ...] = ()

    def compose(self) -> ComposeResult:
        yield Heading(ANSWERS, id="heading")
        yield Table(id="items")
        yield Static("Looking…", id="note", markup=False)
        yield HintBar(lambda binding: False, id="hints")

    def on_mount(self) -> None:
        words = [short_side(self._label)]
        if self._group is not None:
            words.append(f"{self._by} {self._group}")
        if self._panel is not None:
            words.append(f"{short_side(self._panel.judge.label)}, {self._panel.rubric.id}")
        self.query_one(Heading).update(words=" · ".join(sanitize_line(one, 120) for one in words))
        run_latest(self, self._fill, "items")

    async def _fill(self) -> None:
        note = self.query_one("#note", Static)
        try:
            found = await self._desk.board_items(self._row, self._by, self._group)
        except UrialError as error:
            note.update(Content(sanitize(problem_text(error))))
            return
        self.items = tuple(found)
        table = self.query_one(Table)
        table.show_rows(item_columns(self._panel), item_rows(self.items, self._panel))
        self._say_note()

    def _say_note(self) -> None:
        """That there is nothing, or what there is no room for."""
        hidden = [title for title in self.query_one(Table).hidden if title != "#"]
        words = (
            f"No room for: {', '.join(hidden)}; {self.key('answers.read')} shows it"
            if hidden
            else ""
        )
        note = self.query_one("#note", Static)
        note.update(Content(sanitize(words if self.items else "There is no complete answer.")))
        note.display = bool(words) or not self.items

    def on_resize(self, event: events.Resize) -> None:
        if self.items:
            self.call_after_refresh(self._say_note)

    @on(DataTable.RowSelected)
    def clicked(self) -> None:
        self.action_read()

    def action_read(self) -> None:
        chosen = self.query_one(Table).chosen
        if chosen is not None:
            self.app.push_screen(AnswerReader(self._desk, chosen))

    def action_back(self) -> None:
        self.dismiss(None)
