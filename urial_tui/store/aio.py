"""The store for asyncio: each call runs on one thread of its own, in the order of the calls.

Cancelling the task that waits does not undo a write that was asked for. When the disk takes no more, `fall_back` goes
on in memory and `write_back` returns to the file.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from urial_tui.errors import StoreError
from urial_tui.shift.records import TokenScore
from urial_tui.store.judging.aio import AsyncJudgingCalls
from urial_tui.store.runs.aio import AsyncRunCalls
from urial_tui.store.runs.types import AnswerShift
from urial_tui.store.sessions.organising_aio import AsyncOrganisingCalls
from urial_tui.store.sessions.outline import OutlineRow
from urial_tui.store.store import Store
from urial_tui.store.types import (
    Generation,
    GenerationEnd,
    GenerationStart,
    Message,
    Session,
    ShiftTotals,
    Status,
    Token,
    Trace,
    TraceInfo,
    TraceStart,
)

P = ParamSpec("P")
R = TypeVar("R")


class AsyncStore(AsyncOrganisingCalls, AsyncRunCalls, AsyncJudgingCalls):
    """`Store` with coroutines. Use `open`, `in_memory` or `open_or_memory`; end with `aclose`."""

    def __init__(self, path: Path | None) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._store: Store | None = None
        self._file: Store | None = None
        self._path = path
        self.falls_back = True
        """Whether work goes on in memory when the disk refuses; False: the refusal is raised."""

    @classmethod
    async def open(cls, path: Path, *, readonly: bool = False) -> Self:
        """Raises StoreError."""
        self = cls(path)
        try:
            self._store = await self._run(Store.open, path, readonly=readonly)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    @classmethod
    async def in_memory(cls, path: Path | None = None) -> Self:
        """A history in memory; `path` is the file that `write_back` shall try."""
        self = cls(path)
        self._store = await self._run(Store.in_memory)
        return self

    @classmethod
    async def open_or_memory(cls, path: Path) -> tuple[Self, StoreError | None]:
        """The history at `path`, or one in memory together with the reason why.

        The one in memory has everything that can still be read: a full disk hides no conversation.
        """
        try:
            return await cls.open(path), None
        except StoreError as error:
            self = cls(path)
            self._store = await self._run(_readable, path)
            return self, error

    async def aclose(self) -> None:
        """Finish the calls that were made before, close, end the thread. Calling it twice is fine."""
        if self._store is None:
            return
        stores = [store for store in (self._store, self._file) if store is not None]
        try:
            for store in stores:
                await self._run(store.close)
        finally:
            self._store = self._file = None
            self._thread.shutdown(wait=False)

    @property
    def path(self) -> Path | None:
        """Where the history is written now; None in memory."""
        return self._current().path

    @property
    def not_updated(self) -> StoreError | None:
        """As of `Store`."""
        return self._current().not_updated

    @property
    def is_in_memory(self) -> bool:
        return self._current().path is None

    async def fall_back(self) -> None:
        """Go on in memory, with a copy of the history where it can be read, else with an empty one."""

        def work() -> None:
            store = self._current()
            if store.path is None:
                return
            try:
                memory = store.in_memory_copy()
            except StoreError:
                memory = Store.in_memory()
            self._file, self._store = store, memory

        await self._run(work)

    async def write_back(self) -> None:
        """Write what changed in memory to the file and go on there. Raises StoreError while that is not possible."""

        def work() -> None:
            memory = self._current()
            if memory.path is not None:
                return
            if self._path is None:
                raise StoreError("this history has no file", kind="in-memory")
            file = self._file or Store.open(self._path)
            try:
                file.write_back(memory)
            except BaseException:
                if self._file is None:
                    file.close()
                raise
            memory.close()
            self._store, self._file = file, None

        await self._run(work)

    # --- the calls of Store

    async def create_session(self, side: str, title: str = "") -> Session:
        return await self._call(Store.create_session, side, title)

    async def session(self, session_id: str) -> Session:
        return await self._call(Store.session, session_id)

    async def find_session(self, reference: str) -> Session:
        return await self._call(Store.find_session, reference)

    async def set_title(self, session_id: str, title: str) -> None:
        await self._call(Store.set_title, session_id, title)

    async def set_side(self, session_id: str, side: str) -> None:
        await self._call(Store.set_side, session_id, side)

    async def set_leaf(self, session_id: str, message_id: str) -> None:
        await self._call(Store.set_leaf, session_id, message_id)

    async def add_user_message(
        self, session_id: str, parent_id: str | None, content: str
    ) -> Message:
        return await self._call(Store.add_user_message, session_id, parent_id, content)

    async def begin_answer(
        self, session_id: str, parent_id: str | None, prefill: str = "", content: str = ""
    ) -> Message:
        return await self._call(Store.begin_answer, session_id, parent_id, prefill, content)

    async def begin_generation(self, message_id: str, start: GenerationStart) -> str:
        return await self._call(Store.begin_generation, message_id, start)

    async def append_tokens(
        self, message_id: str, generation_id: str, tokens: Sequence[Token], text: str
    ) -> None:
        await self._call(Store.append_tokens, message_id, generation_id, tokens, text)

    async def finish_answer(
        self,
        message_id: str,
        generation_id: str | None,
        status: Status,
        end: GenerationEnd | None,
        tail: str = "",
        error: str = "",
    ) -> Message:
        return await self._call(
            Store.finish_answer, message_id, generation_id, status, end, tail, error
        )

    async def message(self, message_id: str) -> Message:
        return await self._call(Store.message, message_id)

    async def outline(self, session_id: str) -> list[OutlineRow]:
        return await self._call(Store.outline, session_id)

    async def branch(self, message_id: str) -> list[Message]:
        return await self._call(Store.branch, message_id)

    async def siblings(self, message_id: str) -> list[Message]:
        return await self._call(Store.siblings, message_id)

    async def versions(self, message_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        return await self._call(Store.versions, message_ids)

    async def leaf_below(self, message_id: str) -> Message:
        return await self._call(Store.leaf_below, message_id)

    async def tokens(self, message_id: str) -> list[Token]:
        return await self._call(Store.tokens, message_id)

    async def generation_of(self, message_id: str) -> Generation | None:
        return await self._call(Store.generation_of, message_id)

    async def begin_trace(self, message_id: str, start: TraceStart) -> str:
        return await self._call(Store.begin_trace, message_id, start)

    async def append_scores(
        self, trace_id: str, scores: Sequence[TokenScore], pieces: Mapping[int, bytes]
    ) -> None:
        await self._call(Store.append_scores, trace_id, scores, pieces)

    async def fail_reference(self, trace_id: str, reference: int, message: str) -> None:
        await self._call(Store.fail_reference, trace_id, reference, message)

    async def set_noise(
        self, trace_id: str, reference: int, noise: float | None, null_rate: float | None
    ) -> None:
        await self._call(Store.set_noise, trace_id, reference, noise, null_rate)

    async def finish_trace(
        self, trace_id: str, *, complete: bool, timings: Mapping[str, float]
    ) -> None:
        await self._call(Store.finish_trace, trace_id, complete=complete, timings=timings)

    async def copy_scores(self, from_trace_id: str, to_trace_id: str, n: int) -> None:
        await self._call(Store.copy_scores, from_trace_id, to_trace_id, n)

    async def trace(self, trace_id: str) -> Trace:
        return await self._call(Store.trace, trace_id)

    async def trace_of(self, message_id: str) -> Trace | None:
        return await self._call(Store.trace_of, message_id)

    async def traces_of(self, message_id: str) -> list[TraceInfo]:
        return await self._call(Store.traces_of, message_id)

    async def answer_shifts(self, run_id: str) -> list[AnswerShift]:
        return await self._call(Store.answer_shifts, run_id)

    async def scored_answers(self, run_id: str) -> list[tuple[str, tuple[str, ...]]]:
        return await self._call(Store.scored_answers, run_id)

    async def shift_totals(self, session_id: str | None = None) -> list[ShiftTotals]:
        return await self._call(Store.shift_totals, session_id)

    async def save_draft(self, session_id: str | None, text: str) -> None:
        await self._call(Store.save_draft, session_id, text)

    async def draft(self, session_id: str | None) -> str:
        return await self._call(Store.draft, session_id)

    async def lock(self, session_id: str, program: str, *, take_over: bool = False) -> None:
        await self._call(Store.lock, session_id, program, take_over=take_over)

    async def unlock(self, session_id: str) -> None:
        await self._call(Store.unlock, session_id)

    # --- how

    def _current(self) -> Store:
        if self._store is None:
            raise StoreError("the history is closed", kind="closed")
        return self._store

    async def _call(self, method: Callable[..., R], *args: object, **kwargs: object) -> R:
        """Run a method of the store that is current when its turn comes (it may have fallen back meanwhile)."""
        self._current()
        return await self._run(lambda: method(self._current(), *args, **kwargs))

    async def _run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        return await asyncio.shield(
            loop.run_in_executor(self._thread, partial(work, *args, **kwargs))
        )


def _readable(path: Path) -> Store:
    """A history in memory with what can be read at `path`, else an empty one."""
    try:
        return Store.read_into_memory(path)
    except StoreError:
        return Store.in_memory()
