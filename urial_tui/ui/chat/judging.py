"""Rating and judging: the chosen answer by hand or by a model, runs, the board."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.worker import Worker

from urial_tui.errors import UrialError
from urial_tui.judge.desk_types import JudgingStep
from urial_tui.judge.rubric_types import Rubric
from urial_tui.store.types import Message
from urial_tui.ui.background import run_beside
from urial_tui.ui.chat.branches import Branches
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.sides import Sides
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.judging.opinions import OUTCOMES, OWN
from urial_tui.ui.situation import Judged

if TYPE_CHECKING:
    from urial_tui.judge.desk import JudgeDesk
    from urial_tui.ui.judging.judgements import JudgementsDialog


class Judging(Part):
    """Everything that is said of answers."""

    def __init__(self, stage: ChatStage, branches: Branches, sides: Sides) -> None:
        super().__init__(stage)
        self.branches = branches
        self.sides = sides
        self.answer: str | None = None
        """The answer that a model judges now."""
        self._step = ""
        """How far it is."""
        self._judge_name = ""
        """Who judges, or judged last."""
        self._stopping = False
        """It was told to stop, and its memory is not free yet."""
        self._worker: Worker[None] | None = None

    def actions(self) -> Actions:
        return {
            "rate_answer": self.rate_chosen,
            "compare_versions": self.compare_chosen,
            "judge_answer": self.judge_chosen,
            "show_judgements": self.show_chosen,
            "stop_judging": self.stop,
            "rate_run": self.rate_run,
            "compare_run": self.compare_run,
            "open_board": self.open_board,
        }

    def rated_answer(self) -> Message | None:
        """The answer that is meant: the chosen one, else the last one that has a text and is not being written."""
        chosen = self.stage.message(self.stage.transcript.selected)
        if chosen is not None and chosen.role == "assistant":
            return chosen if self._can_be_rated(chosen) else None
        return next((m for m in reversed(self.stage.messages) if self._can_be_rated(m)), None)

    def judged(self) -> Judged:
        answer = self.rated_answer()
        return Judged(
            possible=self.stage.services.judging is not None,
            has_answer=answer is not None,
            versions=self.branches.count_of(answer.id)[1] if answer is not None else 1,
            running=self.answer is not None,
        )

    def _can_be_rated(self, message: Message) -> bool:
        return (
            message.role == "assistant"
            and bool(message.content.strip())
            and message.id != self.stage.streaming
        )

    def act(self, action: str, message_id: str) -> None:
        """What a key asks for about judging a message: "rate", "compare", "judge", "judgements"."""
        message = self.stage.message(message_id)
        if message is None or not self._can_be_rated(message):
            return
        match action:
            case "rate":
                self.do_judging(lambda desk: self._rate(desk, message.id))
            case "compare":
                self.do_judging(lambda desk: self._compare_versions(desk, message.id))
            case "judge":
                self.do_judging(lambda desk: self._choose_judge(desk, message.id))
            case "judgements":
                self.open_judgements(message.id)

    def do_judging(self, work: Callable[[JudgeDesk], Coroutine[Any, Any, None]]) -> None:
        """Do something with the desk, where there is one."""
        desk = self.stage.services.judging
        if desk is not None:
            self.stage.do(work, desk)

    # --- by hand ----------------------------------------------------------------------------

    def rate_chosen(self) -> None:
        answer = self.rated_answer()
        if answer is not None:
            self.act("rate", answer.id)

    async def _rate(self, desk: JudgeDesk, message_id: str) -> None:
        from urial_tui.ui.judging.rating import RatingScreen

        rubrics = await self._rubrics(desk, "score")
        screen = RatingScreen(desk, self.stage.keymap, rubrics, [(message_id,)], once=True)
        self.stage.app.push_screen(screen)

    async def _rubrics(self, desk: JudgeDesk, kind: str) -> Sequence[Rubric]:
        found = await desk.rubrics(kind)
        if not found:
            raise UrialError(
                f"there is no rubric of the kind {kind}",
                hint="`urial-tui rubrics` lists them and says which cannot be read.",
                kind="rubric-missing",
            )
        return found

    def compare_chosen(self) -> None:
        answer = self.rated_answer()
        if answer is not None:
            self.act("compare", answer.id)

    async def _compare_versions(self, desk: JudgeDesk, message_id: str) -> None:
        from urial_tui.ui.judging.pairing import PairScreen
        from urial_tui.ui.judging.versions import VersionPicker

        rubrics = await self._rubrics(desk, "pairwise")
        others = [one for one in await desk.versions(message_id) if one.id != message_id]
        if not others:
            self.stage.tell(
                f"This answer has one version. {self.stage.key('chat.regenerate')} makes another."
            )
            return
        other: str | None = others[0].id
        if len(others) > 1:
            other = await self.stage.app.push_screen_wait(VersionPicker(others))
        if other is not None:
            task = (message_id, other)
            self.stage.app.push_screen(
                PairScreen(desk, self.stage.keymap, rubrics, [task], once=True)
            )

    # --- by a model -------------------------------------------------------------------------

    def judge_chosen(self) -> None:
        answer = self.rated_answer()
        if answer is not None:
            self.act("judge", answer.id)

    def show_chosen(self) -> None:
        answer = self.rated_answer()
        if answer is not None:
            self.act("judgements", answer.id)

    async def _choose_judge(self, desk: JudgeDesk, message_id: str) -> None:
        from urial_tui.ui.judging.judge_picker import JudgePicker

        if self.answer is not None:
            self.open_judgements(self.answer)
            self.stage.tell("One judge at a time: this one is at work.")
            return
        rubrics = await self._rubrics(desk, "score")
        writer = await desk.written_by(message_id)
        models, loaded = self.stage.services.models, self.sides.loaded()
        picker = JudgePicker(
            self._judge_name or desk.judge_side,
            rubrics,
            self.stage.services.list_models,
            self.stage.services.check_side,
            [pack.id for pack in self.stage.services.list_packs()],
            fit=(lambda side: models.fit((*loaded, side), loaded)) if models is not None else None,
            written_by=writer,
        )
        side = await self.stage.app.push_screen_wait(picker)
        if side and self.answer is None:
            self._judge_name = side
            self.answer = message_id
            self._stopping = False
            work = partial(self._judge, desk, message_id, side, picker.rubric)
            self._worker = run_beside(self.stage, work, "judging")
            self.open_judgements(message_id)

    async def _judge(self, desk: JudgeDesk, message_id: str, side: str, rubric: Rubric) -> None:
        """Until it is done or stopped; the chat goes on meanwhile."""
        try:
            made = await desk.judge(message_id, side, rubric, self._judge_told)
        except UrialError as error:
            self.stage.tell_error(error)
            return
        finally:
            self._judging_ended()
        dialog = self._judgements_dialog()
        if dialog is None or dialog.message_id != message_id:
            words = "; ".join(
                f"{one.aspect} {one.score if one.score is not None else OUTCOMES[one.outcome]}"
                for one in made.scores
            )
            own = f" {OWN}" if made.own else ""
            key = self.stage.key("transcript.judgements")
            self.stage.tell(
                f"{words or OUTCOMES[made.outcome]}.{own} {key} on the answer shows why.",
                title=f"Judged by {short_side(side)}",
            )

    def _judge_told(self, step: JudgingStep) -> None:
        if not self._stopping:
            self._say(step.words)

    def _say(self, words: str) -> None:
        """How far the judge is, in the status line and where its judgements are shown."""
        self._step = words
        if self.stage.is_attached:
            self.stage.status.update(judging=words)
        dialog = self._judgements_dialog()
        if dialog is not None:
            dialog.show_state()

    def _judging_ended(self) -> None:
        if self.answer is None:
            return
        self.answer, self._step = None, ""
        if self.stage.is_attached:
            self.stage.status.update(judging="")
            self.stage.changed()
        dialog = self._judgements_dialog()
        if dialog is not None:
            dialog.reload()

    def stop(self) -> None:
        if self._worker is not None and self.answer is not None:
            self._worker.cancel()
            self._stopping = True
            self._say("stopping")
            self.stage.tell("The judge is stopped; nothing of it is kept.")

    def open_judgements(self, message_id: str) -> None:
        from urial_tui.ui.judging.judgements import JudgementsDialog

        desk = self.stage.services.judging
        if desk is None:
            return

        def working() -> str:
            return (
                f"{short_side(self._judge_name)}: {self._step}" if self.answer == message_id else ""
            )

        self.stage.app.push_screen(
            JudgementsDialog(message_id, lambda: desk.judgements(message_id), working, self.stop)
        )
        self.stage.changed()

    def _judgements_dialog(self) -> JudgementsDialog | None:
        from urial_tui.ui.judging.judgements import JudgementsDialog

        found = [one for one in self.stage.app.screen_stack if isinstance(one, JudgementsDialog)]
        return found[-1] if found and found[-1].is_mounted else None

    # --- runs -------------------------------------------------------------------------------

    def rate_run(self) -> None:
        self.do_judging(self._rate_run)

    async def _rate_run(self, desk: JudgeDesk) -> None:
        from urial_tui.ui.judging.opening import rate_run
        from urial_tui.ui.judging.run_picker import RunPicker

        rubrics = await self._rubrics(desk, "score")
        chosen = await self.stage.app.push_screen_wait(RunPicker(desk, rubrics, "Rate which run?"))
        if chosen is not None:
            await rate_run(self.stage, desk, *chosen)

    def compare_run(self) -> None:
        self.do_judging(self._compare_run)

    async def _compare_run(self, desk: JudgeDesk) -> None:
        from urial_tui.ui.judging.opening import compare_run
        from urial_tui.ui.judging.run_picker import RunPicker

        rubrics = await self._rubrics(desk, "pairwise")
        picker = RunPicker(desk, rubrics, "Compare sides of which run?", at_least=2)
        chosen = await self.stage.app.push_screen_wait(picker)
        if chosen is not None:
            await compare_run(self.stage, desk, *chosen)

    def open_board(self) -> None:
        from urial_tui.ui.judging.board import BoardScreen

        desk = self.stage.services.judging
        if desk is not None:
            self.stage.app.push_screen(
                BoardScreen(desk, self.stage.keymap, self.stage.services.exports)
            )
