"""The hub screen's part that does something: search, open a repository, fetch, and steer the downloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from textual.app import App

from urial_tui.errors import UrialError
from urial_tui.models.facts import Partner
from urial_tui.models.hub.types import DownloadStatus, HubRepo, RepoListing
from urial_tui.ui.background import run_latest
from urial_tui.ui.commands_models import HUB, HUB_COMMANDS
from urial_tui.ui.library.hub_rows import downloads_of
from urial_tui.ui.library.words import name_of, size_words
from urial_tui.ui.screens.dialog import Confirm
from urial_tui.ui.screens.fitting import wanted
from urial_tui.ui.screens.working import CommandScreen, SidesChoice

if TYPE_CHECKING:
    from urial_tui.models.desk import ModelDesk
    from urial_tui.models.hub.starters import Starter

View = Literal["starters", "results", "repo"]
"""What the upper table shows."""


class HubActions(CommandScreen):
    """See the module. `busy` tells whether the chat's side cannot change now."""

    PLACE = HUB
    COMMANDS_HERE = HUB_COMMANDS

    def __init__(
        self,
        desk: ModelDesk,
        keymap: Mapping[str, str],
        *,
        loaded: Sequence[str] = (),
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """`loaded` are the sides that are in memory now."""
        super().__init__(keymap)
        self.desk = desk
        self.loaded = tuple(loaded)
        self.busy = busy
        self.view: View = "starters"
        self.starters: Sequence[Starter] = ()
        self.complete: dict[str, Partner] = {}
        """How starters are compared whose models are both here, by id."""
        self.query_words = ""
        self.results: Sequence[HubRepo] = ()
        self.opened: RepoListing | None = None

    def chosen_key(self) -> str | None:
        """The key of the row under the upper table's cursor."""
        raise NotImplementedError

    def chosen_download(self) -> DownloadStatus | None:
        """The download under the lower table's cursor."""
        raise NotImplementedError

    def show(self, view: View) -> None:
        """Show this in the upper table."""
        raise NotImplementedError

    def fill(self) -> None:
        """Show everything as it is now."""
        raise NotImplementedError

    def say(self, words: str, error: UrialError | None = None) -> None:
        """What goes on or what is wrong, in the line above the table."""
        raise NotImplementedError

    # --- searching --------------------------------------------------------------------------

    async def look_up(self, words: str) -> None:
        """Search, or open the repository that is named in full."""
        if words.count("/") == 1 and " " not in words:
            await self.open_repo(words)
            return
        self.say(f"Searching the hub for “{words}”…")
        try:
            self.results = await self.desk.search(words)
        except UrialError as error:
            self.say("", error)
            return
        self.query_words = words
        self.show("results")

    async def open_repo(self, repo: str) -> None:
        self.say(f"Asking the hub what {repo} has…")
        try:
            self.opened = await self.desk.listing(repo)
        except UrialError as error:
            self.say("", error)
            return
        self.show("repo")

    # --- fetching ---------------------------------------------------------------------------

    def action_choose(self) -> None:
        """What Enter does with the row under the cursor."""
        key = self.chosen_key()
        if key is None:
            return
        match self.view:
            case "starters":
                starter = next((one for one in self.starters if one.id == key), None)
                if starter is not None:
                    self.do(self._take_starter, starter)
            case "results":
                run_latest(self, partial(self._guarded, self.open_repo, key), "ask")
            case "repo":
                self.do(self._fetch, key)

    async def _fetch(self, label: str) -> None:
        listing = self.opened
        quant = (
            next((one for one in listing.quants if one.label == label), None) if listing else None
        )
        if listing is None or quant is None:
            return
        try:
            await self.desk.start(listing, quant)
        except UrialError as error:
            self.say("", error)
            return
        self.fill()

    async def _take_starter(self, starter: Starter) -> None:
        """Fetch what is missing of the pair; when nothing is, compare its models."""
        pair = self.complete.get(starter.id)
        if pair is not None:
            await self.open_pair(pair)
            return
        own = downloads_of(starter, self.desk.downloads())
        if len(own) == 2 and all(status.is_active for status in own):
            self.tell("Both models are on their way.")
            return
        size = size_words(starter.base.size + starter.aligned.size)
        question = (
            f"{starter.base.name} and {starter.aligned.name}, {size} in all.\n"
            f"Licence: {starter.license}. They go into the program's own folder."
        )
        if not await self.ask(
            Confirm("Fetch the pair?", question, "Fetch", "Not now", harmless=True)
        ):
            return
        self.say("Asking the hub for both models…")
        try:
            await self.desk.start_starter(starter)
        except UrialError as error:
            self.say("", error)
            return
        self.show("starters")

    async def open_pair(self, pair: Partner) -> None:
        """Leave for the chat with the pair, and the inspector open on it."""
        if self.busy():
            self.tell("An answer is being written. Stop it first, then compare the pair.")
            return
        app = cast(App[object], self.app)
        if await wanted(app, self.desk, (pair.generator, *pair.references), self.loaded):
            self.dismiss(SidesChoice(pair.generator, pair.references, inspect=True))

    async def ask(self, dialog: Confirm) -> bool:
        answer: bool | None = await self.app.push_screen_wait(dialog)
        return bool(answer)

    # --- downloads --------------------------------------------------------------------------

    def action_pause(self) -> None:
        status = self.chosen_download()
        if status is not None:
            self.do(self.desk.pause, status.id)

    def action_resume(self) -> None:
        status = self.chosen_download()
        if status is not None:
            self.do(self.desk.resume, status.id)

    def action_cancel(self) -> None:
        status = self.chosen_download()
        if status is not None:
            self.do(self._cancel, status)

    async def _cancel(self, status: DownloadStatus) -> None:
        question = f"{name_of(status)}: {size_words(status.done)} of {size_words(status.total)} are here and go."
        dialog = Confirm("Cancel the download?", question, "Cancel it", "Keep it")
        if await self.ask(dialog):
            await self.desk.cancel(status.id)
            self.fill()
