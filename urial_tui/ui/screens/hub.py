"""Getting models: pairs to begin with, a search of the hub, what a repository has, and the downloads below.

This module composes, fills and lays out; `hub_actions` acts, the desk works. Downloads go on when the screen is left.
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import DataTable, Input, Static

from urial_tui.errors import UrialError
from urial_tui.models.hub.types import DownloadStatus
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.ui.background import run_latest
from urial_tui.ui.commands_models import HUB, HUB_COMMANDS
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line
from urial_tui.ui.library import hub_rows
from urial_tui.ui.library.moment import HubMoment, can_on_hub
from urial_tui.ui.library.words import downloads_piece, memory_words
from urial_tui.ui.screens.dialog import problem_text
from urial_tui.ui.screens.hub_actions import HubActions, View
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.hint_bar import HintBar
from urial_tui.ui.widgets.table import Table

if TYPE_CHECKING:
    from urial_tui.models.fit import Verdict


class HubScreen(HubActions):
    """See the module."""

    AUTO_FOCUS = "#choices"
    CSS_PATH: ClassVar[CSSPathType | None] = "hub.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide"), (180, "-vast")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (19, "-low"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in HUB_COMMANDS]

    moment = HubMoment()
    words = ""
    """What the line above the table says instead of what the table shows."""

    def compose(self) -> ComposeResult:
        yield Heading(HUB, id="heading")
        yield Input(placeholder="Search the hub: words of a name, or OWNER/NAME", id="words")
        yield Static("", id="place", markup=False)
        yield Static("", id="problem", markup=False)
        with Container(id="work"):
            with Vertical(id="list"):
                yield Table(id="choices")
            with VerticalScroll(id="detail-scroll"):
                yield Canvas(self._detail, tall=True, id="detail")
        with Vertical(id="below"):
            yield Table(id="downloads")
        yield HintBar(self._is_idle_key, id="hints")

    # --- widgets ----------------------------------------------------------------------------

    @property
    def choices(self) -> Table:
        return self.query_one("#choices", Table)

    @property
    def below(self) -> Table:
        return self.query_one("#downloads", Table)

    @property
    def search_line(self) -> Input:
        return self.query_one("#words", Input)

    # --- start ------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._unsubscribe = self.desk.subscribe(self._download_told)
        self.say("Reading the list of pairs…")
        self.do(self._start)

    def on_unmount(self) -> None:
        self._unsubscribe()

    async def _start(self) -> None:
        try:
            self.starters = await self.desk.starters()
        except UrialError as error:
            self.say("", error)
        else:
            self.show("starters")
        run_latest(self, self._look_around, "around")

    async def _look_around(self) -> None:
        """What is free, what an earlier run left to fetch, and which pairs are here already."""
        memory = await self.desk.memory()
        self.query_one(Heading).update(words=memory_words(memory.free, memory.total))
        try:
            await self.desk.open_downloads()
        except UrialError as error:
            self.tell_error(error)
        self.fill()
        await self._find_complete()

    async def _find_complete(self) -> None:
        for starter in self.starters:
            try:
                pair = await self.desk.starter_pair(starter)
            except UrialError as error:
                self.log.warning(error.message)
                continue
            if pair is not None:
                self.complete[starter.id] = pair
        self.fill()

    def _download_told(self, status: DownloadStatus) -> None:
        self.fill()
        if status.state == "done":
            run_latest(self, self._find_complete, "complete")

    # --- what is shown ----------------------------------------------------------------------

    def show(self, view: View) -> None:
        self.view = view
        self.words = ""
        self._say_problem("")
        self.fill()
        self.choices.move_cursor(row=0)
        self.choices.focus()
        run_latest(self, partial(self._judge, view), "judge")

    async def _judge(self, view: View) -> None:
        """Which of the rows fit into memory."""
        if view == "starters":
            sizes = {("", one.id): one.base.size + one.aligned.size for one in self.starters}
        elif view == "repo" and self.opened is not None:
            repo = self.opened
            sizes = {(repo.id, quant.label): quant.size for quant in repo.quants}
        else:
            return
        try:
            found = await self.desk.verdicts_for_sizes(tuple(sizes.values()), self.loaded)
        except UrialError as error:
            self.log.warning(error.message)
            found = ["unknown"] * len(sizes)
        self._verdicts |= dict(zip(sizes, found, strict=True))
        self.fill()

    def fill(self) -> None:
        if not self.is_attached or not self.query(Table):
            return
        downloads = list(self.desk.downloads())
        self.query_one(Heading).update(piece=downloads_piece(downloads))
        match self.view:
            case "starters":
                verdicts = self._known_verdicts("")
                rows = hub_rows.starter_rows(self.starters, verdicts, self.complete, downloads)
                self.choices.show_rows(hub_rows.STARTER_COLUMNS, rows)
            case "results":
                self.choices.show_rows(hub_rows.REPO_COLUMNS, hub_rows.repo_rows(self.results))
            case "repo" if self.opened is not None:
                verdicts = self._known_verdicts(self.opened.id)
                rows = hub_rows.quant_rows(self.opened, verdicts, downloads)
                self.choices.show_rows(hub_rows.QUANT_COLUMNS, rows)
        self.below.show_rows(hub_rows.DOWNLOAD_COLUMNS, hub_rows.download_rows(downloads))
        self.set_class(bool(downloads), "-downloads")
        if not downloads and self.focused is self.below:
            self.choices.focus()
        self._say_place()
        self.query_one("#detail", Canvas).repaint()
        self.changed()

    def _known_verdicts(self, repo: str) -> "Mapping[str, Verdict]":
        return {key: verdict for (where, key), verdict in self._verdicts.items() if where == repo}

    def say(self, words: str, error: UrialError | None = None) -> None:
        self.words = words
        self._say_problem(problem_text(error) if error is not None else "")
        self._say_place()

    def _say_problem(self, text: str) -> None:
        problem = self.query_one("#problem", Static)
        problem.update(Content(sanitize(text)))
        problem.display = bool(text)

    def _say_place(self) -> None:
        match self.view:
            case _ if self.words:
                words = self.words
            case "starters":
                words = "Pairs to begin with: a base model and one that was aligned from it"
            case "results" if self.results:
                number = len(self.results)
                found = "1 repository" if number == 1 else f"{number} repositories"
                words = f"{found} for “{self.query_words}”, most fetched first"
            case "results":
                words = f"No repository with GGUF files for “{self.query_words}”"
            case _:
                words = self._repo_words()
        self.query_one("#place", Static).update(Content(sanitize_line(words, 300)))

    def _repo_words(self) -> str:
        listing = self.opened
        if listing is None:
            return ""
        if not listing.quants:
            return f"{listing.id} has no GGUF model that can be fetched"
        words = f"{listing.id}: {len(listing.quants)} to choose from"
        return f"{words}; {listing.problems[0]}" if listing.problems else words

    # --- the detail -------------------------------------------------------------------------

    def chosen_key(self) -> str | None:
        return self.choices.chosen

    def chosen_download(self) -> DownloadStatus | None:
        key = self.below.chosen
        return next((status for status in self.desk.downloads() if status.id == key), None)

    def _detail(self, width: int, height: int) -> list[Line]:
        if self.focused is self.below:
            status = self.chosen_download()
            return hub_rows.download_lines(status, width) if status is not None else []
        key = self.chosen_key()
        match self.view:
            case "starters":
                starter = next((one for one in self.starters if one.id == key), None)
                if starter is None:
                    return []
                return hub_rows.starter_lines(starter, starter.id in self.complete, width)
            case "results":
                repo = next((one for one in self.results if one.id == key), None)
                return hub_rows.repo_lines(repo, width) if repo is not None else []
        if self.opened is None:
            return []
        quant = next((one for one in self.opened.quants if one.label == key), None)
        return hub_rows.quant_lines(self.opened, quant, width)

    @on(DataTable.RowHighlighted)
    def another_row(self) -> None:
        self.query_one("#detail-scroll", VerticalScroll).scroll_home(animate=False)
        self.query_one("#detail", Canvas).repaint()
        self.changed()

    @on(DataTable.RowSelected, "#choices")
    def clicked(self) -> None:
        self.action_choose()

    # --- what can be done -------------------------------------------------------------------

    def _place_of_focus(self) -> str:
        if self.focused is self.search_line:
            return "search"
        return "downloads" if self.focused is self.below else "list"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return can_on_hub(action, self.moment)

    def _is_idle_key(self, binding_id: str) -> bool:
        return binding_id == "hub.downloads" and not self.moment.n_downloads

    def changed(self) -> None:
        if not self.is_attached or not self.query(Table):
            return
        now = HubMoment(
            place=self._place_of_focus(),
            row=self.choices.chosen is not None,
            download=self.chosen_download(),
            n_downloads=len(self.desk.downloads()),
        )
        if now != self.moment:
            self.moment = now
            self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        self.query_one("#detail", Canvas).repaint()
        self.changed()

    def on_descendant_blur(self) -> None:
        self.changed()

    # --- moving about -----------------------------------------------------------------------

    @on(Input.Submitted, "#words")
    def send_words(self, event: Input.Submitted) -> None:
        words = " ".join(event.value.split())
        if words:
            run_latest(self, partial(self._guarded, self.look_up, words), "ask")
        else:
            self.show("starters")

    def action_search(self) -> None:
        self.search_line.focus()

    def action_other_list(self) -> None:
        """Around: the line, the table, the downloads."""
        match self._place_of_focus():
            case "search":
                self.choices.focus()
            case "list" if self.moment.n_downloads:
                self.below.focus()
            case _:
                self.search_line.focus()

    def action_back(self) -> None:
        """From the line or the downloads to the table, from a repository to the results, then out."""
        if self._place_of_focus() != "list":
            self.choices.focus()
        elif self.words:
            self.workers.cancel_group(self, "ask")
            self.show(self.view)
        elif self.view == "repo" and self.results:
            self.show("results")
        elif self.view != "starters":
            self.results = ()
            self.show("starters")
        else:
            self.dismiss(None)
