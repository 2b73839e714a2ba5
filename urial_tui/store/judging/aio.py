"""The calls of `AsyncStore` for runs, judgements and comparisons."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from urial_tui.store.judging.calls import JudgingCalls
from urial_tui.store.judging.types import Comparison, Judgement
from urial_tui.store.runs.types import AnswerShift, Run, RunAnswer, RunItem, RunStart
from urial_tui.store.types import Message, Session

R = TypeVar("R")


class AsyncJudgingCalls:
    """A part of `AsyncStore`, which has the thread."""

    async def _call(self, method: Callable[..., R], *args: object, **kwargs: object) -> R:
        raise NotImplementedError

    async def create_run(self, start: RunStart, *, unless_there: bool = False) -> Run:
        return await self._call(JudgingCalls.create_run, start, unless_there=unless_there)

    async def run(self, run_id: str) -> Run:
        return await self._call(JudgingCalls.run, run_id)

    async def find_run(self, reference: str) -> Run:
        return await self._call(JudgingCalls.find_run, reference)

    async def runs(self, limit: int = 200) -> list[Run]:
        return await self._call(JudgingCalls.runs, limit)

    async def rename_run(self, run_id: str, name: str) -> None:
        await self._call(JudgingCalls.rename_run, run_id, name)

    async def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        await self._call(JudgingCalls.add_run_items, run_id, items)

    async def run_items(self, run_id: str) -> list[RunItem]:
        return await self._call(JudgingCalls.run_items, run_id)

    async def begin_run_answer(
        self, run_id: str, index: int, side: int, turn: int
    ) -> tuple[Session, tuple[Message, ...], Message]:
        return await self._call(JudgingCalls.begin_run_answer, run_id, index, side, turn)

    async def run_answers(self, run_id: str, *, side: int | None = None) -> list[RunAnswer]:
        return await self._call(JudgingCalls.run_answers, run_id, side=side)

    async def run_branch(self, run_id: str, index: int, side: int) -> list[Message]:
        return await self._call(JudgingCalls.run_branch, run_id, index, side)

    async def lock_run(self, run_id: str, program: str, *, take_over: bool = False) -> None:
        await self._call(JudgingCalls.lock_run, run_id, program, take_over=take_over)

    async def unlock_run(self, run_id: str) -> None:
        await self._call(JudgingCalls.unlock_run, run_id)

    async def answer_shifts(self, run_id: str) -> list[AnswerShift]:
        return await self._call(JudgingCalls.answer_shifts, run_id)

    async def scored_answers(self, run_id: str) -> list[tuple[str, tuple[str, ...]]]:
        return await self._call(JudgingCalls.scored_answers, run_id)

    async def save_judgement(self, judgement: Judgement) -> Judgement:
        return await self._call(JudgingCalls.save_judgement, judgement)

    async def judgements(
        self,
        *,
        run_id: str | None = None,
        message_ids: Sequence[str] | None = None,
        texts: bool = True,
        outside_runs: bool = False,
    ) -> list[Judgement]:
        return await self._call(
            JudgingCalls.judgements,
            run_id=run_id,
            message_ids=message_ids,
            texts=texts,
            outside_runs=outside_runs,
        )

    async def delete_judgement(self, judgement_id: str) -> None:
        await self._call(JudgingCalls.delete_judgement, judgement_id)

    async def save_comparison(self, comparison: Comparison) -> Comparison:
        return await self._call(JudgingCalls.save_comparison, comparison)

    async def comparisons(
        self,
        *,
        run_ids: Sequence[str] | None = None,
        message_ids: Sequence[str] | None = None,
        texts: bool = True,
        outside_runs: bool = False,
    ) -> list[Comparison]:
        return await self._call(
            JudgingCalls.comparisons,
            run_ids=run_ids,
            message_ids=message_ids,
            texts=texts,
            outside_runs=outside_runs,
        )

    async def compared_runs(self, run_id: str) -> dict[str, int]:
        return await self._call(JudgingCalls.compared_runs, run_id)

    async def delete_comparison(self, comparison_id: str) -> None:
        await self._call(JudgingCalls.delete_comparison, comparison_id)
