"""Choosing how the next answer is made: pack, side, sampling."""

from urial_tui.errors import UrialError
from urial_tui.sides import parse_side
from urial_tui.ui.chat.labels import Labels
from urial_tui.ui.chat.models import Models
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.sides import Sides
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.screens.packs import PackPicker
from urial_tui.ui.screens.sampling import SamplingChoice, SamplingDialog
from urial_tui.ui.screens.sides import LIBRARY, SidePicker


class Choosing(Part):
    """See the module."""

    def __init__(self, stage: ChatStage, labels: Labels, sides: Sides, models: Models) -> None:
        super().__init__(stage)
        self.labels = labels
        self.sides = sides
        self.models = models

    def actions(self) -> Actions:
        return {
            "choose_pack": self.choose_pack,
            "choose_side": self.choose_side,
            "sampling": self.choose_sampling,
            "reload": self.reload,
        }

    def choose_pack(self) -> None:
        chat = self.stage.chat
        if chat is None:
            return

        def choose(pack_id: str | None) -> None:
            if pack_id is not None:
                self.stage.do_turn(self._set_pack, pack_id)

        self.stage.app.push_screen(
            PackPicker(
                self.stage.services.list_packs(),
                self._style(),
                preview=chat.preview,
                cost=chat.pack_cost,
                n_ctx=chat.n_ctx,
                problems=self.stage.services.pack_problems(),
            ),
            choose,
        )

    def _style(self) -> str | None:
        """The style of the side in use; None when it names none."""
        if self.stage.chat is None:
            return None
        try:
            return parse_side(self.stage.chat.side).style
        except UrialError:
            return None

    async def _set_pack(self, pack_id: str) -> None:
        if self.stage.chat is None:
            return
        await self.stage.chat.set_pack(pack_id)
        self.labels.show_side()
        self.sides.remember()

    def choose_side(self) -> None:
        chat = self.stage.chat
        if chat is None:
            return

        def choose(side: str | None) -> None:
            if side == LIBRARY:
                self.models.open_models()
            elif side == chat.side:
                self.reload()
            elif side is not None:
                self.stage.do_turn(self.sides.set_generator, side)

        desk = self.stage.services.models
        loaded = self.sides.loaded()
        self.stage.app.push_screen(
            SidePicker(
                chat.side,
                self.stage.services.list_models,
                self.stage.services.check_side,
                [pack.id for pack in self.stage.services.list_packs()],
                fit=(lambda side: desk.fit((side,), loaded)) if desk is not None else None,
            ),
            choose,
        )

    def reload(self) -> None:
        """The model again, with the engine's settings as they are now."""
        if self.stage.chat is not None:
            self.stage.do_turn(self.stage.chat.reload)

    def choose_sampling(self) -> None:
        chat = self.stage.chat
        if chat is None:
            return

        def choose(choice: SamplingChoice | None) -> None:
            if choice is not None:
                self.stage.do(self._set_sampling, choice)

        self.stage.app.push_screen(SamplingDialog(chat.sampling, chat.max_tokens), choose)

    async def _set_sampling(self, choice: SamplingChoice) -> None:
        if self.stage.chat is None:
            return
        await self.stage.chat.set_sampling(choice.sampling, choice.max_tokens)
        self.stage.tell("The next answer uses these settings.")
