"""The library as a table: everything on this machine that can write or score, what is known of it, what to do with it.

This module composes, fills and lays out; `models_actions` acts, the desk works. Leaving the screen with a choice tells
which sides the chat is to go on with.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import DataTable, Input, Static

from urial_tui.errors import UrialError
from urial_tui.models.facts import ModelFacts
from urial_tui.models.hub.types import DownloadStatus
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.sides import Side, parse_side
from urial_tui.ui.background import run_latest
from urial_tui.ui.commands_models import MODELS, MODELS_COMMANDS
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line
from urial_tui.ui.library.detail import Found, detail_lines
from urial_tui.ui.library.moment import LibraryMoment, can_in_library
from urial_tui.ui.library.rows import COLUMNS, in_order, matches, rows_of
from urial_tui.ui.library.words import downloads_piece, memory_words, size_words
from urial_tui.ui.screens.dialog import problem_text
from urial_tui.ui.screens.models_actions import ModelsActions
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.hint_bar import HintBar
from urial_tui.ui.widgets.table import Table

if TYPE_CHECKING:
    from urial_tui.models.fit import Fit, Verdict

LOOK_DELAY = 0.2
"""Seconds that the cursor rests on a model before its partners are looked for."""


class ModelsScreen(ModelsActions):
    """See the module."""

    AUTO_FOCUS = "#library"
    CSS_PATH: ClassVar[CSSPathType | None] = "models.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide"), (180, "-vast")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (19, "-low"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *(command.binding() for command in MODELS_COMMANDS),
        Binding("down", "to_table", "To the list", show=False),
    ]

    library: tuple[ModelFacts, ...] = ()
    """Everything that was found, in the order of the table."""
    verdicts: "Mapping[str, Verdict] | None" = None
    loading = True
    trouble = ""
    """Why the library cannot be shown."""
    moment = LibraryMoment()
    _looking: str | None = None
    """The model that more is being worked out of."""

    def compose(self) -> ComposeResult:
        yield Heading(MODELS, id="heading")
        yield Input(placeholder="Filter: words of a name, a kind, a place", id="filter")
        with Container(id="work"):
            with Vertical(id="list"):
                yield Table(id="library")
                yield Static("", id="empty", markup=False)
                yield Static("", id="note", markup=False)
            with VerticalScroll(id="detail-scroll"):
                yield Canvas(self._detail, tall=True, id="detail")
        yield HintBar(lambda binding: False, id="hints")

    # --- widgets ----------------------------------------------------------------------------

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    @property
    def filter_line(self) -> Input:
        return self.query_one("#filter", Input)

    # --- the list ---------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._found: dict[str, Found] = {}
        self._unsubscribe = self.desk.subscribe(self._download_told)
        self.query_one(Heading).update(piece=downloads_piece(tuple(self.desk.downloads())))
        self._fill()
        self.do(self.load)

    def on_unmount(self) -> None:
        self._unsubscribe()

    def _download_told(self, status: DownloadStatus) -> None:
        self.query_one(Heading).update(piece=downloads_piece(tuple(self.desk.downloads())))
        if status.state == "done":
            self.do(self.load)

    async def load(self, *, rescan: bool = False) -> None:
        self.loading = True
        self._fill()
        try:
            found = await self.desk.facts(rescan=rescan)
            self.trouble = ""
        except UrialError as error:
            found, self.trouble = (), problem_text(error)
        self.loading = False
        self.library = tuple(in_order(found))
        self._found.clear()
        self._looking = None
        self._fill()
        self._say_size(None)
        run_latest(self, self._judge, "judge")

    async def know_more(self) -> None:
        """Show what became known of the same files: fingerprints, hashes."""
        now = tuple(in_order(await self.desk.facts()))
        if now != self.library and not self.loading:
            self.library = now
            self._fill()

    async def _judge(self) -> None:
        """What is free, and which of the models fit there."""
        try:
            memory = await self.desk.memory()
            self._say_size(memory_words(memory.free, memory.total))
            self.verdicts = await self.desk.verdicts(self.library, self.loaded)
        except UrialError as error:
            self.log.warning(error.message)
            self.verdicts = {}
        self._fill()

    def _say_size(self, memory: str | None) -> None:
        models = sum(facts.is_model for facts in self.library)
        number = f"{models} model" + ("" if models == 1 else "s")
        size = size_words(sum(facts.size for facts in self.library))
        words = f"{number}, {size} on disk"
        self.query_one(Heading).update(words=f"{words} · {memory}" if memory else words)

    @on(Input.Changed, "#filter")
    def filter_changed(self) -> None:
        self._fill()

    @on(Input.Submitted, "#filter")
    def filter_is_written(self) -> None:
        self.table.focus()

    def _fill(self) -> None:
        words = self.filter_line.value.casefold().split()
        shown = [facts for facts in self.library if matches(facts, words)]
        self.table.show_rows(COLUMNS, rows_of(shown, self.verdicts, self._current()))
        self._say_what_is_missing(bool(shown), bool(words))
        self.show_detail()
        self._look()
        self.changed()

    def _current(self) -> str:
        try:
            return parse_side(self.side).model if self.side else ""
        except UrialError:
            return ""

    def _say_what_is_missing(self, any_shown: bool, filtered: bool) -> None:
        if self.trouble:
            words = self.trouble
        elif self.loading and not self.library:
            words = "Looking for models…"
        elif filtered:
            words = "No model matches all of these words. Esc clears them."
        else:
            words = (
                f"No models were found. {self.key('models.add')} adds a folder, "
                f"{self.key('models.get')} gets models from the hub."
            )
        empty = self.query_one("#empty", Static)
        empty.update(Content("" if any_shown else sanitize(words)))
        empty.display = not any_shown
        self.table.display = any_shown
        self._say_note()

    def _say_note(self) -> None:
        """What could not be looked at, or what there is no room for."""
        note = self.query_one("#note", Static)
        problems = self.desk.problems
        words = ""
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            words = sanitize_line(f"Note: {problems[0]}{more}", 300)
        elif self.table.display and self.table.hidden:
            place = "below" if self.has_class("-narrow") else "beside"
            where = "" if self.has_class("-flat") else f"; it is {place}"
            words = f"No room for: {', '.join(self.table.hidden)}{where}"
        note.update(Content(words))
        note.display = bool(words)

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._say_note)

    # --- the detail -------------------------------------------------------------------------

    def chosen(self) -> ModelFacts | None:
        name = self.table.chosen
        return next((facts for facts in self.library if facts.name == name), None)

    @on(DataTable.RowHighlighted)
    def another_row(self) -> None:
        self.query_one("#detail-scroll", VerticalScroll).scroll_home(animate=False)
        self.show_detail()
        self._look()
        self.changed()

    @on(DataTable.RowSelected)
    def clicked(self) -> None:
        self.action_use()

    def show_detail(self) -> None:
        self.query_one("#detail", Canvas).repaint()

    def _detail(self, width: int, height: int) -> list[Line]:
        facts = self.chosen()
        if facts is None:
            return []
        found = self._found.get(facts.name, Found())
        reading = self.verifying_words if facts.name == self.verifying else ""
        verified = self.verified.get(facts.name)
        return detail_lines(facts, replace(found, verifying=reading, verification=verified), width)

    def _look(self) -> None:
        """Work out more of the chosen model, unless that was done or is being done."""
        facts = self.chosen()
        if facts is None or facts.problem or facts.name == self._looking:
            return
        found = self._found.get(facts.name, Found())
        if found.partners is None or (found.fit is None and facts.is_model):
            self._looking = facts.name
            run_latest(self, partial(self._look_closer, facts), "detail")

    async def _look_closer(self, facts: ModelFacts) -> None:
        """What it needs, and what it can be compared with."""
        try:
            if facts.is_model:
                try:
                    self._know(facts, fit=await self._fit(facts))
                except UrialError as error:
                    self._know(facts, fit=error.message)
            await asyncio.sleep(
                LOOK_DELAY
            )  # vocabularies are read: not for what is passed on the way
            try:
                self._know(facts, partners=tuple(await self.desk.partners(facts.name)))
                await self.know_more()
            except UrialError as error:
                self._know(facts, partners=error.message)
        finally:
            if self._looking == facts.name:
                self._looking = None

    async def _fit(self, facts: ModelFacts) -> "Fit":
        return await self.desk.fit((str(Side(facts.name)),), self.loaded)

    def _know(self, facts: ModelFacts, **more: Any) -> None:
        self._found[facts.name] = replace(self._found.get(facts.name, Found()), **more)
        self.show_detail()

    # --- what can be done -------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return can_in_library(action, self.moment)

    def changed(self) -> None:
        if not self.is_attached or not self.query(Table):
            return
        now = LibraryMoment(
            facts=self.chosen() if self.table.display else None,
            in_table=self.focused is not self.filter_line,
            verifying=self.verifying is not None,
            busy=self.busy(),
        )
        if now != self.moment:
            self.moment = now
            self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        self.changed()

    def on_descendant_blur(self) -> None:
        self.changed()

    def action_filter(self) -> None:
        self.filter_line.focus()

    def action_to_table(self) -> None:
        self.table.focus()

    def action_back(self) -> None:
        """Out of the filter, then of the filtered list, then of the screen."""
        if self.filter_line.value:
            self.filter_line.value = ""
            self.table.focus()
        elif self.focused is self.filter_line:
            self.table.focus()
        else:
            self.dismiss(None)
