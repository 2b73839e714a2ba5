"""Which sides are compared: the pair, its references, and whether answers are scored at all."""

from collections.abc import Sequence

from urial_tui.chat.pair import PairStatus
from urial_tui.sides import SAME, parse_side
from urial_tui.ui.chat.inspection import Inspection
from urial_tui.ui.chat.labels import Labels
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.scores import Scores
from urial_tui.ui.chat.sides import Sides
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.screens.references import ReferenceChoice, ReferencePicker


class Pairs(Part):
    """See the module."""

    def __init__(
        self,
        stage: ChatStage,
        labels: Labels,
        sides: Sides,
        inspection: Inspection,
        scores: Scores,
    ) -> None:
        super().__init__(stage)
        self.labels = labels
        self.sides = sides
        self.inspection = inspection
        self.scores = scores
        self._refused: set[tuple[str, str]] = set()
        """References, each with why it is not compared, that the user was told of."""

    def actions(self) -> Actions:
        return {
            "next_pair": self.next_pair,
            "choose_references": self.choose_references,
            "toggle_scoring": self.toggle_scoring,
        }

    def changed_to(self, pair: PairStatus) -> None:
        """Other sides are compared, or more is known of them."""
        self.inspection.pair = pair
        for reference in pair.references:
            if reference.error is None or reference.error.kind == "no-generator":
                continue  # why there is no generator was told already
            refusal = (reference.side, reference.error.message)
            if refusal not in self._refused:
                self._refused.add(refusal)
                words = f"{reference.side} is not compared with: {reference.error.message}"
                hint = f"\n{reference.error.hint}" if reference.error.hint else ""
                self.stage.tell(words + hint, title="Reference refused", severity="warning")
        if any(reference.noise is not None for reference in pair.references):
            self.scores.measured()
        self.scores.show_inspector()

    def next_pair(self) -> None:
        if self.stage.chat is not None:
            self.stage.do_turn(self._next_pair)

    async def _next_pair(self) -> None:
        if self.stage.chat is None:
            return
        await self.stage.chat.next_pair()
        self.labels.show_side()
        self.sides.remember()
        pair = self.stage.chat.pair
        names = ", ".join(reference.side for reference in pair.references) or "nothing"
        self.stage.tell(f"{pair.generator} against {names}", title="Pair")

    def choose_references(self) -> None:
        chat = self.stage.chat
        if chat is None:
            return

        def choose(choice: ReferenceChoice | None) -> None:
            if choice is not None:
                self.stage.do_turn(self._compare, choice)

        picker = ReferencePicker(chat.pair, chat.pairs(), self._check, chat.more_pairs)
        self.stage.app.push_screen(picker, choose)

    def _check(self, references: Sequence[str]) -> None:
        """Raise UrialError for a reference that cannot be found here. Whether it can be compared is seen when it is
        loaded."""
        check = self.stage.services.check_side
        if check is None:
            return
        for side in map(parse_side, references):
            check(str(side.with_style(None) if side.style == SAME else side))

    async def _compare(self, choice: ReferenceChoice) -> None:
        chat = self.stage.chat
        if chat is None:
            return
        generator = choice.generator or chat.side
        if not await self.sides.may_load((generator, *choice.references)):
            return
        if choice.generator is not None and choice.generator != chat.side:
            await chat.set_side(choice.generator)
            self.labels.show_side()
        if choice.scoring != chat.pair.scoring:
            await chat.set_scoring(choice.scoring)
        await chat.set_references(choice.references)
        self.sides.remember()

    def toggle_scoring(self) -> None:
        if self.stage.chat is not None:
            self.stage.do(self._set_scoring, not self.stage.chat.pair.scoring)

    def use_scoring(self, scoring: bool) -> None:
        """The settings say so now."""
        if self.stage.chat is not None:
            self.stage.do(self.stage.chat.set_scoring, scoring)

    async def _set_scoring(self, scoring: bool) -> None:
        if self.stage.chat is None:
            return
        await self.stage.chat.set_scoring(scoring)
        self.stage.tell("The next answers are scored." if scoring else "Scoring is off.")
