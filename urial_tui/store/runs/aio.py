"""The calls of `AsyncStore` for runs and their answers."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from urial_tui.store.runs.calls import RunCalls
from urial_tui.store.runs.types import Run, RunAnswer, RunItem, RunStart
from urial_tui.store.types import Message, Session

R = TypeVar("R")


class AsyncRunCalls:
    """A part of `AsyncStore`, which has the thread."""

    async def _call(self, method: Callable[..., R], *args: object, **kwargs: object) -> R:
        raise NotImplementedError

    async def create_run(self, start: RunStart, *, unless_there: bool = False) -> Run:
        return await self._call(RunCalls.create_run, start, unless_there=unless_there)

    async def run(self, run_id: str) -> Run:
        return await self._call(RunCalls.run, run_id)

    async def find_run(self, reference: str) -> Run:
        return await self._call(RunCalls.find_run, reference)

    async def runs(self, limit: int = 200) -> list[Run]:
        return await self._call(RunCalls.runs, limit)

    async def rename_run(self, run_id: str, name: str) -> None:
        await self._call(RunCalls.rename_run, run_id, name)

    async def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        await self._call(RunCalls.add_run_items, run_id, items)

    async def run_items(self, run_id: str) -> list[RunItem]:
        return await self._call(RunCalls.run_items, run_id)

    async def begin_run_answer(
        self, run_id: str, index: int, side: int, turn: int
    ) -> tuple[Session, tuple[Message, ...], Message]:
        return await self._call(RunCalls.begin_run_answer, run_id, index, side, turn)

    async def run_answers(self, run_id: str, *, side: int | None = None) -> list[RunAnswer]:
        return await self._call(RunCalls.run_answers, run_id, side=side)

    async def run_branch(self, run_id: str, index: int, side: int) -> list[Message]:
        return await self._call(RunCalls.run_branch, run_id, index, side)

    async def lock_run(self, run_id: str, program: str, *, take_over: bool = False) -> None:
        await self._call(RunCalls.lock_run, run_id, program, take_over=take_over)

    async def unlock_run(self, run_id: str) -> None:
        await self._call(RunCalls.unlock_run, run_id)
