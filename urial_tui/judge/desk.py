"""Rating and judging for an event loop: what the interface's screens ask, put together from history, rubrics and judge.

It knows no screen. The history is the conversation's own, so both see the same rows; the engine is shared with it, and
`when_quiet` lets a judge work only while nobody waits for an answer.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from urial_tui.errors import JudgeError, UrialError
from urial_tui.judge import people
from urial_tui.judge.board.desk import BoardDesk
from urial_tui.judge.desk_types import AnswerPair, JudgingStep, Queue, RatedAnswer
from urial_tui.judge.drafts import Draft, Drafts, drafts_file
from urial_tui.prompts.types import Turn
from urial_tui.store.judging.types import Comparison, Judgement, RubricRef
from urial_tui.store.runs.types import Run, RunAnswer
from urial_tui.store.types import Message

if TYPE_CHECKING:
    from urial_tui.chat.active import ActiveSide
    from urial_tui.engine.api import Engine
    from urial_tui.judge.rubric_types import Rubric
    from urial_tui.judge.verdicts import Scored
    from urial_tui.store.aio import AsyncStore

T = TypeVar("T")

STAGES = {"load": "loading", "prefill": "reading", "judge": "judging"}
"""The engine's and the judge's stages in words."""
WAITING = JudgingStep("waiting")
Quietly = Callable[[Callable[[], Coroutine[Any, Any, T]]], Awaitable[T]]


class JudgeDesk(BoardDesk):
    """`store` and `engine` give the conversation's own, once there is one; `resolve` turns SIDE text into a side.
    `rater` is the name that this person's ratings are kept under, `judge` the SIDE of the usual judge, "" for none."""

    def __init__(
        self,
        store: "Callable[[], AsyncStore]",
        *,
        rater: str,
        judge: str = "",
        rubrics: "Callable[[], Sequence[Rubric]]",
        engine: "Callable[[], Engine]",
        resolve: "Callable[[str], Awaitable[ActiveSide]]",
        when_quiet: Callable[[], Quietly[Any]],
        drafts: Path | None = None,
    ) -> None:
        self.rater = rater
        self.judge_side = judge
        self._store, self._engine, self._when_quiet = store, engine, when_quiet
        self._resolve, self._find_rubrics = resolve, rubrics
        self._drafts = Drafts(drafts if drafts is not None else drafts_file())
        self._writing = asyncio.Lock()
        self._unwritten: dict[str, Draft | None] = {}

    def history(self) -> "AsyncStore":
        return self._store()

    # --- rubrics ----------------------------------------------------------------------------------------------------

    async def rubrics(self, kind: str) -> "list[Rubric]":
        """Those of a kind, `score` or `pairwise`; the usual one first. Raises JudgeError."""
        return [one for one in await asyncio.to_thread(self._find_rubrics) if one.kind == kind]

    # --- one answer -------------------------------------------------------------------------------------------------

    async def answer(self, message_id: str, rubric: RubricRef | None = None) -> RatedAnswer:
        """An answer with what was said of it; `rubric` parts this person's own with it from the others. Raises
        StoreError."""
        branch = await self.ask(lambda store: store.branch(message_id))
        judgements = await self.ask(
            lambda store: store.judgements(message_ids=[message_id], texts=False)
        )
        mine, others = self._parted(judgements, rubric)
        return RatedAnswer(
            message_id,
            tuple(Turn(one.role, one.content) for one in branch[:-1]),
            branch[-1].content,
            await self.written_by(message_id),
            branch[-1].status,
            mine,
            tuple(others),
        )

    async def judgements(self, message_id: str) -> list[Judgement]:
        """All of an answer, the oldest first."""
        return await self.ask(lambda store: store.judgements(message_ids=[message_id], texts=False))

    async def rate(
        self,
        message_id: str,
        rubric: "Rubric",
        marks: "dict[str, people.Mark]",
        note: str = "",
        *,
        blind: bool = False,
    ) -> Judgement:
        """Keep this person's marks of an answer, in place of earlier ones. Raises JudgeError, StoreError."""
        aspects = [aspect.id for aspect in rubric.aspects]
        made = people.rating(
            message_id, self.rater, rubric.ref, marks, aspects, note=note, blind=blind
        )
        return await self.ask(lambda store: store.save_judgement(made))

    async def forget(self, judgement: Judgement | Comparison) -> None:
        """Take a person's rating back. Raises StoreError."""
        if isinstance(judgement, Judgement):
            await self.ask(lambda store: store.delete_judgement(judgement.id))
        else:
            await self.ask(lambda store: store.delete_comparison(judgement.id))

    def _parted(
        self, judgements: Sequence[Judgement], rubric: RubricRef | None
    ) -> tuple[Judgement | None, list[Judgement]]:
        """This person's own with that rubric, and the others."""
        mine, others = None, []
        for one in judgements:
            if rubric is not None and people.is_by(one, self.rater, rubric):
                mine = one
            else:
                others.append(one)
        return mine, others

    async def written_by(self, message_id: str) -> str:
        """The side that wrote an answer; "" where that is not known. Raises StoreError."""
        generation = await self.ask(lambda store: store.generation_of(message_id))
        return generation.start.side if generation is not None else ""

    # --- a judge ----------------------------------------------------------------------------------------------------

    async def judge(
        self,
        message_id: str,
        side: str,
        rubric: "Rubric",
        on_step: Callable[[JudgingStep], None] = lambda step: None,
    ) -> Judgement:
        """Let a side judge an answer, and keep what it said in place of what it said before. It works while nobody
        waits for an answer of the chat, and frees its memory at the end. Cancelling stops it: nothing is kept then.

        Raises UrialError: the side cannot be used or loaded, the engine failed, the history takes no more.
        """
        from urial_tui.judge.judging import Judge
        from urial_tui.judge.planning import ScoreTask, plan_messages
        from urial_tui.judge.records import as_judgement

        on_step(JudgingStep("finding the judge"))
        active = await self._resolve(side)
        messages = [await self.ask(lambda store: store.message(message_id))]
        (task,) = (await plan_messages(self._store(), messages, active, [rubric])).tasks
        assert isinstance(task, ScoreTask)
        judge = Judge(
            self._engine(),
            active,
            on_progress=lambda stage, done, total: on_step(
                JudgingStep(STAGES.get(stage, stage), done, total)
            ),
        )

        async def work() -> "Scored":
            on_step(JudgingStep("loading"))
            try:
                await judge.prepare(rubric)
                return await judge.score(rubric, task.turns)
            except asyncio.CancelledError:
                on_step(WAITING)  # an answer is wanted; or nobody hears this any more
                raise

        on_step(WAITING)
        try:
            scored = await self._when_quiet()(work)
        finally:
            with contextlib.suppress(UrialError):
                await judge.aclose()
        made = as_judgement(message_id, judge.info, rubric, scored, own=task.own)
        return await self.ask(lambda store: store.save_judgement(made))

    # --- two answers ------------------------------------------------------------------------------------------------

    async def versions(self, message_id: str) -> list[Message]:
        """The answers to the same message, this one among them, in the order in which they were made."""
        found = await self.ask(lambda store: store.siblings(message_id))
        return [one for one in found if one.content.strip()]

    async def pair(self, message_a: str, message_b: str, rubric: RubricRef) -> AnswerPair:
        """Two answers with what was said of each. Raises StoreError."""
        a, b = await self.answer(message_a, rubric), await self.answer(message_b, rubric)
        first = people.shown_first(message_a, message_b, self.rater, rubric.id)
        found = await self.ask(
            lambda store: store.comparisons(message_ids=[message_a], texts=False)
        )
        mine = [
            one
            for one in found
            if {one.message_a, one.message_b} == {message_a, message_b}
            and people.is_by(one, self.rater, rubric)
        ]
        return AnswerPair(
            a, b, message_a if first == "a" else message_b, mine[-1] if mine else None
        )

    async def prefer(
        self,
        pair: AnswerPair,
        rubric: "Rubric",
        choices: "dict[str, people.Choice]",
        note: str = "",
        *,
        blind: bool = False,
    ) -> Comparison:
        """Keep which of two is better, in place of an earlier choice; `choices` name the pair's own a and b. Raises
        JudgeError, StoreError."""
        made = people.preference(
            (pair.a.message_id, pair.b.message_id),
            (pair.a.content, pair.b.content),
            self.rater,
            rubric.ref,
            choices,
            [aspect.id for aspect in rubric.aspects],
            first="a" if pair.first == pair.a.message_id else "b",
            note=note,
            blind=blind,
        )
        return await self.ask(lambda store: store.save_comparison(made))

    # --- runs -------------------------------------------------------------------------------------------------------

    async def runs(self) -> list[Run]:
        """The newest first."""
        return await self.ask(lambda store: store.runs())

    async def _complete(self, run_id: str) -> list[RunAnswer]:
        answers = await self.ask(lambda store: store.run_answers(run_id))
        return [one for one in answers if one.status == "complete"]

    async def rating_queue(self, run_id: str, rubric: RubricRef) -> Queue:
        """The run's answers that this person has not rated, shuffled; the order is the same after a restart.

        As a judge does, people rate safety items with the rubric `safety` and others with `just-eval`; another rubric
        is for all, and so is `safety` where a run has no such items.
        """
        complete = await self._complete(run_id)
        answers = await self._for_rubric(run_id, complete, rubric.id)
        judgements = await self.ask(lambda store: store.judgements(run_id=run_id, texts=False))
        rated = {one.message_id for one in judgements if people.is_by(one, self.rater, rubric)}
        left = [
            (one.message_id, (one.message_id,)) for one in answers if one.message_id not in rated
        ]
        tasks = people.shuffled(left, self.rater, rubric.id, run_id)
        n = len(answers)
        return Queue(tuple(tasks), n - len(left), n, len(complete) - n)

    async def _for_rubric(
        self, run_id: str, answers: Sequence[RunAnswer], rubric_id: str
    ) -> Sequence[RunAnswer]:
        from urial_tui.judge.rubrics import DEFAULT, SAFETY, usual

        if rubric_id not in (DEFAULT, SAFETY):
            return answers
        items = await self.ask(lambda store: store.run_items(run_id))
        of = {item.index: usual(item.category) for item in items}
        if rubric_id == SAFETY and SAFETY not in of.values():
            return answers
        return [answer for answer in answers if of[answer.index] == rubric_id]

    async def pair_queue(self, run_id: str, side_a: int, side_b: int, rubric: RubricRef) -> Queue:
        """The pairs of answers of two sides that this person has not compared, shuffled. Raises JudgeError for a side
        against itself."""
        if side_a == side_b:
            raise JudgeError("a side cannot be compared with itself", kind="same-answer")
        by_place: dict[tuple[int, int], dict[int, str]] = {}
        for one in await self._complete(run_id):
            by_place.setdefault((one.index, one.turn), {})[one.side] = one.message_id
        pairs = [
            (found[side_a], found[side_b])
            for found in by_place.values()
            if side_a in found and side_b in found
        ]
        comparisons = await self.ask(lambda store: store.comparisons(run_ids=[run_id], texts=False))
        compared = {
            frozenset((one.message_a, one.message_b))
            for one in comparisons
            if people.is_by(one, self.rater, rubric)
        }
        left = [
            ("\0".join(sorted(pair)), pair) for pair in pairs if frozenset(pair) not in compared
        ]
        tasks = people.shuffled(left, self.rater, rubric.id, run_id)
        return Queue(tuple(tasks), len(pairs) - len(left), len(pairs))

    # --- what is begun ----------------------------------------------------------------------------------------------

    def _draft_key(self, rubric: RubricRef, *messages: str) -> str:
        return "|".join((self.rater, rubric.hash, *sorted(messages)))

    async def draft(self, rubric: RubricRef, *messages: str) -> Draft | None:
        """What was rated of these and not saved."""
        key = self._draft_key(rubric, *messages)
        async with self._writing:
            return await asyncio.to_thread(self._drafts.get, key)

    async def keep_draft(self, draft: Draft | None, rubric: RubricRef, *messages: str) -> None:
        """Keep what is rated so far, or forget it, in the order of the calls. Raises JudgeError."""
        key = self._draft_key(rubric, *messages)
        self._unwritten[key] = draft
        async with self._writing:
            if (
                key in self._unwritten
            ):  # else a call before this one took it along, as with quick typing
                await asyncio.to_thread(self._drafts.keep, key, self._unwritten.pop(key))

    async def aclose(self) -> None:
        """Wait for what is being kept."""
        async with self._writing:
            return
