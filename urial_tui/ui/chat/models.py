"""The chat screen's part for models: the library, the hub and the welcome screen in front of it, what they give back,
downloads in the status line, and the sides that are remembered.
"""

from collections.abc import Sequence
from typing import cast

from textual.app import App

from urial_tui.chat.pairs import default_references
from urial_tui.errors import UrialError
from urial_tui.models.facts import Partner
from urial_tui.models.hub.types import DownloadStatus
from urial_tui.sides import parse_side
from urial_tui.ui.chat.base import ChatBase
from urial_tui.ui.commands_models import HUB
from urial_tui.ui.library.words import downloads_piece, name_of, percent, size_words
from urial_tui.ui.screens.dialog import Confirm
from urial_tui.ui.screens.fitting import wanted
from urial_tui.ui.screens.working import CommandScreen, SidesChoice


class ChatModels(ChatBase):
    """Everything that leads to other sides, apart from the side picker itself."""

    pane_wanted: bool | None = None

    # --- downloads --------------------------------------------------------------------------

    def watch_downloads(self) -> None:
        """Follow them from now on, on whatever screen the user is."""
        self._download_states: dict[str, str] = {}
        self._offered: set[str] = set()
        if self.services.models is not None:
            self.services.models.subscribe(self._download_told)

    def _download_told(self, status: DownloadStatus) -> None:
        desk = self.services.models
        if desk is None or not self.is_attached:
            return
        self.status.update(downloads=downloads_piece(tuple(desk.downloads())))
        before = self._download_states.get(status.id)
        self._download_states[status.id] = status.state
        if before == status.state:
            return
        if status.state == "done":
            self.do(self._offer_pair(status))
        if isinstance(self.app.screen, CommandScreen) and self.app.screen.PLACE == HUB:
            return  # its list of downloads says it
        if status.state == "failed" and status.error is not None:
            hint = f"{status.error.hint} What came is kept; it can be resumed.".strip()
            self.tell_trouble(
                f"{name_of(status)}: {status.error.message}", hint, title="Download failed"
            )
        elif status.state == "done":
            self.tell(f"{name_of(status)}, {size_words(status.total)}, is here.", title="Fetched")

    async def _offer_pair(self, status: DownloadStatus) -> None:
        """Both models of a pair to begin with are here now: the inspector can be opened on them."""
        desk = self.services.models
        if desk is None:
            return
        for starter in await desk.starters():
            repos = {starter.base.repo.casefold(), starter.aligned.repo.casefold()}
            if status.repo.casefold() not in repos or starter.id in self._offered:
                continue
            pair = await desk.starter_pair(starter)
            if pair is None:
                continue
            self._offered.add(starter.id)
            await self._offer_to_compare(starter.title, pair)

    async def _offer_to_compare(self, title: str, pair: Partner) -> None:
        """Ask where models are being got; elsewhere a question would be in the way of what is typed."""
        screen = self.app.screen
        if not isinstance(screen, CommandScreen) or self.moment.busy:
            self.tell(
                f"Both models of {title} are here. “{GET_MODELS}” in {self.key('app.palette')} compares them.",
                title="A pair is complete",
            )
            return
        question = f"Both models of {title} are here. Compare them in the inspector now?"
        dialog = Confirm("The pair is complete", question, "Compare", "Later", harmless=True)
        answer: bool | None = await self.app.push_screen_wait(dialog)
        sides = (pair.generator, *pair.references)
        if answer and await self.may_load(sides):
            self.leave_for(SidesChoice(pair.generator, pair.references, inspect=True))

    async def tell_unfinished(self) -> None:
        """Say, at the start, what an earlier run left half fetched."""
        desk = self.services.models
        if desk is None:
            return
        try:
            found = await desk.open_downloads()
        except UrialError as error:
            self.log.warning(error.message)
            return
        left = [status for status in found if status.state in ("paused", "failed")]
        if not left:
            return
        what = (
            f"{name_of(left[0])}, {percent(left[0])}" if len(left) == 1 else f"{len(left)} models"
        )
        self.tell(
            f"{what}: “{GET_MODELS}” in {self.key('app.palette')} goes on with it.",
            title="Half fetched",
        )

    def unfinished_words(self) -> str:
        """What happens to downloads when the program is left now; "" when none runs."""
        desk = self.services.models
        running = sum(status.is_active for status in desk.downloads()) if desk is not None else 0
        if not running:
            return ""
        what = "the download is" if running == 1 else f"{running} downloads are"
        return f"{what} kept and can be resumed"

    # --- screens ----------------------------------------------------------------------------

    def loaded_sides(self) -> tuple[str, ...]:
        """What is in memory now."""
        chat = self.chat
        if chat is None or chat.phase in ("idle", "failed"):
            return ()
        ready = [one.side for one in chat.pair.references if one.state == "ready"]
        return (chat.side, *ready)

    def action_open_models(self) -> None:
        self.open_models()

    def open_models(self) -> None:
        """The library in front of whatever is shown."""
        from urial_tui.ui.screens.models import ModelsScreen

        desk = self.services.models
        if desk is None:
            return
        chat = self.chat
        side = chat.side if chat is not None and chat.phase != "idle" else ""
        screen = ModelsScreen(
            desk, self.keymap, side=side, loaded=self.loaded_sides(), busy=self.side_is_busy
        )
        self.app.push_screen(screen, self._left_with)

    def action_open_hub(self) -> None:
        self.open_hub()

    def open_hub(self) -> None:
        """The hub in front of whatever is shown."""
        from urial_tui.ui.screens.hub import HubScreen

        desk = self.services.models
        if desk is None:
            return
        screen = HubScreen(desk, self.keymap, loaded=self.loaded_sides(), busy=self.side_is_busy)
        self.app.push_screen(screen, self._left_with)

    def side_is_busy(self) -> bool:
        return self.look().busy

    def _left_with(self, choice: SidesChoice | None) -> None:
        if choice is not None:
            self.leave_for(choice)

    def leave_for(self, choice: SidesChoice) -> None:
        """Close what is in front of the chat, and go on with these sides."""
        while self.app.screen is not self and len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        if choice.inspect:
            self.pane_wanted = True
        self.do_turn(self.use_sides(choice))

    async def use_sides(self, choice: SidesChoice) -> None:
        chat = self.chat
        if chat is None:
            return
        side, before = parse_side(choice.side), parse_side(chat.side)
        first = chat.phase == "idle"
        if first and side.style is None and before.style is not None:
            side = side.with_style(before.style)  # --pack was given, and the model is chosen now
        if side != before or chat.phase in ("idle", "failed"):
            await chat.set_side(str(side))
            self.show_side()
        if first:
            await chat.start()
        references = choice.references
        if references is None and self._compares_others():
            references = default_references(chat.side)
        if references is not None:
            await chat.set_references(references)
        self.remember_sides()

    def _compares_others(self) -> bool:
        """Whether a reference is another model than the one that writes now: it was chosen for the one before."""
        if self.chat is None:
            return False
        model = parse_side(self.chat.side).model
        return any(parse_side(one.side).model != model for one in self.chat.pair.references)

    async def may_load(self, sides: Sequence[str]) -> bool:
        """Whether these sides fit, or the user wants them all the same. Called from a worker."""
        app = cast(App[object], self.app)
        return await wanted(app, self.services.models, sides, self.loaded_sides())

    # --- the first run ----------------------------------------------------------------------

    async def is_first_run(self) -> bool:
        """Whether the user is to be asked for a model before anything is loaded."""
        chat = self.chat
        if not self.services.first_run or chat is None or chat.session is not None:
            return False
        try:
            return not await chat.sessions()
        except UrialError:
            return False

    def welcome_user(self) -> None:
        from urial_tui.ui.screens.welcome import WelcomeScreen

        self.status.update(state="no model yet", tone="normal")
        screen = WelcomeScreen(
            self.services.models,
            check=self.services.check_side,
            open_models=self.open_models,
            open_hub=self.open_hub,
        )
        self.app.push_screen(screen, self._welcomed)

    def _welcomed(self, side: str | None) -> None:
        if side is None:
            self.status.update(state="no model", tone="warn")
            self.tell(
                f"{self.key('chat.side')} chooses a model, {self.key('chat.models')} shows all, and a "
                "message that is sent tries the embedded one.",
                title="No model is chosen",
            )
            return
        self.leave_for(SidesChoice(side))

    # --- what is remembered -----------------------------------------------------------------

    def remember_sides(self) -> None:
        """Keep the sides that the user chose for the next start."""
        if self.chat is not None and self.services.remember is not None:
            self.do(self._remember())

    async def _remember(self) -> None:
        """That is a convenience: what cannot be kept is only logged."""
        chat = self.chat
        if chat is None or self.services.remember is None:
            return
        references = tuple(reference.side for reference in chat.pair.references)
        try:
            suits = references == default_references(chat.side)
            await self.services.remember(chat.side, None if suits else references)
        except UrialError as error:
            self.log.warning(error.message)


GET_MODELS = "Get models from the hub"
