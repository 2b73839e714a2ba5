"""Getting models: the library, the hub and the welcome screen in front of the chat, what they give back, and downloads
in the status line.
"""

from urial_tui.errors import UrialError
from urial_tui.models.facts import Partner
from urial_tui.models.hub.types import DownloadStatus
from urial_tui.ui.chat.panes import Panes
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.sides import Sides
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.commands_models import HUB
from urial_tui.ui.library.words import downloads_piece, name_of, percent, size_words
from urial_tui.ui.screens.dialog import Confirm
from urial_tui.ui.screens.working import CommandScreen, SidesChoice

GET_MODELS = "Get models from the hub"


class Models(Part):
    """See the module."""

    def __init__(self, stage: ChatStage, panes: Panes, sides: Sides) -> None:
        super().__init__(stage)
        self.panes = panes
        self.sides = sides
        self._download_states: dict[str, str] = {}
        self._offered: set[str] = set()
        """Pairs to begin with that the user was asked about."""

    def actions(self) -> Actions:
        return {"open_models": self.open_models, "open_hub": self.open_hub}

    # --- downloads --------------------------------------------------------------------------

    def watch_downloads(self) -> None:
        """Follow them from now on, on whatever screen the user is."""
        if self.stage.services.models is not None:
            self.stage.services.models.subscribe(self._download_told)

    def _download_told(self, status: DownloadStatus) -> None:
        desk = self.stage.services.models
        if desk is None or not self.stage.is_attached:
            return
        self.stage.status.update(downloads=downloads_piece(tuple(desk.downloads())))
        before = self._download_states.get(status.id)
        self._download_states[status.id] = status.state
        if before == status.state:
            return
        if status.state == "done":
            self.stage.do(self._offer_pair, status)
        if isinstance(self.stage.app.screen, CommandScreen) and self.stage.app.screen.PLACE == HUB:
            return  # its list of downloads says it
        if status.state == "failed" and status.error is not None:
            hint = f"{status.error.hint} What came is kept; it can be resumed.".strip()
            self.stage.tell_trouble(
                f"{name_of(status)}: {status.error.message}", hint, title="Download failed"
            )
        elif status.state == "done":
            self.stage.tell(
                f"{name_of(status)}, {size_words(status.total)}, is here.", title="Fetched"
            )

    async def _offer_pair(self, status: DownloadStatus) -> None:
        """Both models of a pair to begin with are here now: the inspector can be opened on them."""
        desk = self.stage.services.models
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
        screen = self.stage.app.screen
        if not isinstance(screen, CommandScreen) or self.stage.moment.busy:
            self.stage.tell(
                f"Both models of {title} are here. “{GET_MODELS}” in {self.stage.key('app.palette')} compares them.",
                title="A pair is complete",
            )
            return
        question = f"Both models of {title} are here. Compare them in the inspector now?"
        dialog = Confirm("The pair is complete", question, "Compare", "Later", harmless=True)
        answer: bool | None = await self.stage.app.push_screen_wait(dialog)
        sides = (pair.generator, *pair.references)
        if answer and await self.sides.may_load(sides):
            self.leave_for(SidesChoice(pair.generator, pair.references, inspect=True))

    async def tell_unfinished(self) -> None:
        """Say, at the start, what an earlier run left half fetched."""
        desk = self.stage.services.models
        if desk is None:
            return
        try:
            found = await desk.open_downloads()
        except UrialError as error:
            self.stage.log.warning(error.message)
            return
        left = [status for status in found if status.state in ("paused", "failed")]
        if not left:
            return
        what = (
            f"{name_of(left[0])}, {percent(left[0])}" if len(left) == 1 else f"{len(left)} models"
        )
        self.stage.tell(
            f"{what}: “{GET_MODELS}” in {self.stage.key('app.palette')} goes on with it.",
            title="Half fetched",
        )

    def unfinished_words(self) -> str:
        """What happens to downloads when the program is left now; "" when none runs."""
        desk = self.stage.services.models
        running = sum(status.is_active for status in desk.downloads()) if desk is not None else 0
        if not running:
            return ""
        what = "the download is" if running == 1 else f"{running} downloads are"
        return f"{what} kept and can be resumed"

    # --- screens ----------------------------------------------------------------------------

    def open_models(self) -> None:
        """The library in front of whatever is shown."""
        from urial_tui.ui.screens.models import ModelsScreen

        desk = self.stage.services.models
        if desk is None:
            return
        chat = self.stage.chat
        side = chat.side if chat is not None and chat.phase != "idle" else ""
        screen = ModelsScreen(
            desk, self.stage.keymap, side=side, loaded=self.sides.loaded(), busy=self._is_busy
        )
        self.stage.app.push_screen(screen, self._left_with)

    def open_hub(self) -> None:
        """The hub in front of whatever is shown."""
        from urial_tui.ui.screens.hub import HubScreen

        desk = self.stage.services.models
        if desk is None:
            return
        screen = HubScreen(desk, self.stage.keymap, loaded=self.sides.loaded(), busy=self._is_busy)
        self.stage.app.push_screen(screen, self._left_with)

    def _is_busy(self) -> bool:
        return self.stage.is_working

    def _left_with(self, choice: SidesChoice | None) -> None:
        if choice is not None:
            self.leave_for(choice)

    def leave_for(self, choice: SidesChoice) -> None:
        """Close what is in front of the chat, and go on with these sides."""
        while self.stage.app.screen is not self.stage and len(self.stage.app.screen_stack) > 1:
            self.stage.app.pop_screen()
        if choice.inspect:
            self.panes.inspector_wanted = True
        self.stage.do_turn(self.sides.use, choice)

    # --- the first run ----------------------------------------------------------------------

    async def is_first_run(self) -> bool:
        """Whether the user is to be asked for a model before anything is loaded."""
        chat = self.stage.chat
        if not self.stage.services.first_run or chat is None or chat.session is not None:
            return False
        try:
            return not await chat.sessions()
        except UrialError:
            return False

    def welcome_user(self) -> None:
        """Ask for a model, in front of the chat."""
        from urial_tui.ui.screens.welcome import WelcomeScreen

        self.stage.status.update(state="no model yet", tone="normal")
        screen = WelcomeScreen(
            self.stage.services.models,
            check=self.stage.services.check_side,
            open_models=self.open_models,
            open_hub=self.open_hub,
        )
        self.stage.app.push_screen(screen, self._welcomed)

    def _welcomed(self, side: str | None) -> None:
        if side is None:
            self.stage.status.update(state="no model", tone="warn")
            self.stage.tell(
                f"{self.stage.key('chat.side')} chooses a model, {self.stage.key('chat.models')} shows all, and a "
                "message that is sent tries the embedded one.",
                title="No model is chosen",
            )
            return
        self.leave_for(SidesChoice(side))
