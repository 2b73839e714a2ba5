"""The sides in use: what is in memory, whether others fit, going over to them, and keeping them for the next start."""

from collections.abc import Sequence
from typing import cast

from textual.app import App

from urial_tui.chat.pairs import default_references
from urial_tui.errors import UrialError
from urial_tui.sides import parse_side
from urial_tui.ui.chat.labels import Labels
from urial_tui.ui.chat.part import Part
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.screens.fitting import wanted
from urial_tui.ui.screens.working import SidesChoice


class Sides(Part):
    """See the module."""

    def __init__(self, stage: ChatStage, labels: Labels) -> None:
        super().__init__(stage)
        self.labels = labels

    def loaded(self) -> tuple[str, ...]:
        """What is in memory now."""
        chat = self.stage.chat
        if chat is None or chat.phase in ("idle", "failed"):
            return ()
        ready = [one.side for one in chat.pair.references if one.state == "ready"]
        return (chat.side, *ready)

    async def may_load(self, sides: Sequence[str]) -> bool:
        """Whether these sides fit, or the user wants them all the same. Called from a worker."""
        app = cast(App[object], self.stage.app)
        return await wanted(app, self.stage.services.models, sides, self.loaded())

    async def set_generator(self, side: str) -> None:
        """Let this side write from now on. May raise UrialError."""
        if self.stage.chat is None:
            return
        await self.stage.chat.set_side(side)
        self.labels.show_side()
        self.remember()

    async def use(self, choice: SidesChoice) -> None:
        """Go on with what was chosen among the models. May raise UrialError."""
        chat = self.stage.chat
        if chat is None:
            return
        side, before = parse_side(choice.side), parse_side(chat.side)
        first = chat.phase == "idle"
        if first and side.style is None and before.style is not None:
            side = side.with_style(before.style)  # --pack was given, and the model is chosen now
        if side != before or chat.phase in ("idle", "failed"):
            await chat.set_side(str(side))
            self.labels.show_side()
        if first:
            await chat.start()
        references = choice.references
        if references is None and self._compares_others():
            references = default_references(chat.side)
        if references is not None:
            await chat.set_references(references)
        self.remember()

    def _compares_others(self) -> bool:
        """Whether a reference is another model than the one that writes now: it was chosen for the one before."""
        if self.stage.chat is None:
            return False
        model = parse_side(self.stage.chat.side).model
        return any(parse_side(one.side).model != model for one in self.stage.chat.pair.references)

    # --- what is remembered -----------------------------------------------------------------

    def remember(self) -> None:
        """Keep the sides that the user chose for the next start."""
        if self.stage.chat is not None and self.stage.services.remember is not None:
            self.stage.do(self._remember)

    async def _remember(self) -> None:
        """That is a convenience: what cannot be kept is only logged."""
        chat = self.stage.chat
        if chat is None or self.stage.services.remember is None:
            return
        references = tuple(reference.side for reference in chat.pair.references)
        try:
            suits = references == default_references(chat.side)
            await self.stage.services.remember(chat.side, None if suits else references)
        except UrialError as error:
            self.stage.log.warning(error.message)
