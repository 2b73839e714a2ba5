"""The library screen's part that does something with the model under the cursor: use, compare, verify, remove; and with
the library: add, look again, get more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.app import App
from textual.worker import Worker

from urial_tui.models.facts import ModelFacts, Partner, Verification
from urial_tui.sides import Side
from urial_tui.ui.background import run_beside
from urial_tui.ui.commands_models import MODELS, MODELS_COMMANDS
from urial_tui.ui.library.words import size_words
from urial_tui.ui.screens.add_models import AddModels
from urial_tui.ui.screens.dialog import Confirm
from urial_tui.ui.screens.fitting import wanted
from urial_tui.ui.screens.partners import PartnerPicker
from urial_tui.ui.screens.working import CommandScreen, SidesChoice

if TYPE_CHECKING:
    from urial_tui.models.desk import ModelDesk


class ModelsActions(CommandScreen):
    """See the module. `busy` tells whether the chat's side cannot change now."""

    PLACE = MODELS
    COMMANDS_HERE = MODELS_COMMANDS

    def __init__(
        self,
        desk: ModelDesk,
        keymap: Mapping[str, str],
        *,
        side: str = "",
        loaded: Sequence[str] = (),
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """`side` is the chat's own, which is marked; `loaded` are the sides that are in memory now."""
        super().__init__(keymap)
        self.desk = desk
        self.side = side
        self.loaded = tuple(loaded)
        self.busy = busy
        self.verifying: str | None = None
        """The model whose file is being read."""
        self.verifying_words = ""
        self.verified: dict[str, Verification] = {}
        self._reading: Worker[None] | None = None

    def chosen(self) -> ModelFacts | None:
        """What the row under the cursor is about."""
        raise NotImplementedError

    async def load(self, *, rescan: bool = False) -> None:
        """Ask for the library and show it."""
        raise NotImplementedError

    async def know_more(self) -> None:
        """Show what became known of the same files."""
        raise NotImplementedError

    def show_detail(self) -> None:
        """Show what is known of the chosen model now."""
        raise NotImplementedError

    def changed(self) -> None:
        """Something else can be done now: the footer follows."""
        raise NotImplementedError

    # --- for the chat -----------------------------------------------------------------------

    def action_use(self) -> None:
        facts = self.chosen()
        if facts is None:
            return
        if facts.kind == "adapter" and "+" not in facts.name:
            self.tell("An adapter is used with a model: choose which.")
            self.action_compare()
            return
        self.do(self._use, facts)

    async def _use(self, facts: ModelFacts) -> None:
        side = facts.name if facts.kind == "adapter" else str(Side(facts.name))
        if await self.may_load((side,)):
            self.dismiss(SidesChoice(side))

    async def may_load(self, sides: tuple[str, ...]) -> bool:
        """Whether these sides fit, or the user wants them all the same."""
        return await wanted(cast(App[object], self.app), self.desk, sides, self.loaded)

    def action_compare(self) -> None:
        facts = self.chosen()
        if facts is None:
            return

        def choose(partner: Partner | None) -> None:
            if partner is not None:
                self.do(self._compare, partner)

        find = partial(self.desk.partners, facts.name)
        self.app.push_screen(PartnerPicker(facts.title or facts.name, find), choose)

    async def _compare(self, partner: Partner) -> None:
        if await self.may_load((partner.generator, *partner.references)):
            self.dismiss(SidesChoice(partner.generator, partner.references, inspect=True))

    # --- the file ---------------------------------------------------------------------------

    def action_verify(self) -> None:
        facts = self.chosen()
        if facts is not None and self.verifying is None:
            self.verifying, self.verifying_words = facts.name, "reading the file…"
            self._reading = run_beside(self, partial(self._guarded, self._verify, facts), "verify")
            self.show_detail()
            self.changed()

    async def _verify(self, facts: ModelFacts) -> None:
        try:
            found = await self.desk.verify(facts.name, self._read_so_far)
        finally:
            self.verifying = None
            if self.is_attached:
                self.show_detail()
                self.changed()
        self.verified[facts.name] = found
        name = facts.title or facts.name
        if found.ok is None:
            self.tell(f"{name}: the sha256 is known now; nothing says what it should be.")
        elif found.ok:
            self.tell(f"{name} is what {found.source} says.")
        else:
            self.tell_trouble(
                f"{name} is damaged: its sha256 is not what {found.source} says.",
                "Fetch it again, and remove this file.",
                title="Verified",
            )
        await self.know_more()
        self.show_detail()

    def _read_so_far(self, done: int, total: int) -> None:
        share = f"{done * 100 // total} %" if total > 0 else "…"
        words = f"reading the file, {share} of {size_words(total)}; Esc stops"
        if words != self.verifying_words:
            self.verifying_words = words
            self.show_detail()

    def action_stop(self) -> None:
        """Stop reading the file."""
        if self._reading is not None and self.verifying is not None:
            self._reading.cancel()
            self.tell("Stopped verifying; nothing is kept.")

    def action_remove(self) -> None:
        facts = self.chosen()
        if facts is not None:
            self.do(self._remove, facts)

    async def _remove(self, facts: ModelFacts) -> None:
        await self.desk.check_removable(facts.name)
        parts = f" in {facts.parts} files" if facts.parts > 1 else ""
        question = (
            f"{facts.name}, {size_words(facts.size)}{parts}, is deleted from\n{facts.path.parent}"
        )
        if not await self._ask(Confirm("Remove the model?", question, "Delete")):
            return
        files = await self.desk.remove(facts.name)
        number = "its file" if len(files) == 1 else f"{len(files)} files"
        self.tell(f"{facts.name} is gone: {number}, {size_words(facts.size)}.")
        await self.load()

    async def _ask(self, dialog: Confirm) -> bool:
        answer: bool | None = await self.app.push_screen_wait(dialog)
        return bool(answer)

    # --- the library ------------------------------------------------------------------------

    def action_rescan(self) -> None:
        self.do(self.load, rescan=True)

    def action_add(self) -> None:
        def added(folder: Path | None) -> None:
            if folder is not None:
                self.tell(f"Models in {folder} are found from now on.")
                self.do(self.load, rescan=True)

        self.app.push_screen(AddModels(self.desk.add), added)

    def action_get(self) -> None:
        from urial_tui.ui.screens.hub import HubScreen

        def left(choice: SidesChoice | None) -> None:
            if choice is not None:
                self.dismiss(choice)
            else:
                self.do(self.load)

        self.app.push_screen(
            HubScreen(self.desk, self.keymap, loaded=self.loaded, busy=self.busy), left
        )
