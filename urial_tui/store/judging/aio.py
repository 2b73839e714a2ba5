"""The calls of `AsyncStore` for judgements and comparisons."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from urial_tui.store.judging.calls import JudgingCalls
from urial_tui.store.judging.types import Comparison, Judgement

R = TypeVar("R")


class AsyncJudgingCalls:
    """A part of `AsyncStore`, which has the thread."""

    async def _call(self, method: Callable[..., R], *args: object, **kwargs: object) -> R:
        raise NotImplementedError

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
