"""Writes one answer after the other for a `Chat`: waits for the side, runs the turn, always says how it ended.

At most one answer is written at a time. Every one that was begun ends in a TurnEnded event.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import msgspec

from urial_tui.chat.events import ChatEvent, StoreTrouble, Trouble, TurnEnded
from urial_tui.chat.keeping import keep_writing, write_back
from urial_tui.chat.resuming import Resumption
from urial_tui.chat.side_loader import SideLoader, retrieve
from urial_tui.chat.tracing import ReadyPair
from urial_tui.chat.turn import Outcome, Turn
from urial_tui.crash import internal_error
from urial_tui.engine.api import Engine
from urial_tui.engine.protocol import Sampling
from urial_tui.errors import UrialError
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import Message, Status

T = TypeVar("T")


class Answering:
    """`on_end` is called with how each answer ended, before the event is told; `on_death` when the engine died of it.
    `pair`: see `Turn.run`; `soon` is awaited before, for references that are there in a moment."""

    def __init__(
        self,
        engine: Engine,
        store: AsyncStore,
        loader: SideLoader,
        listener: Callable[[ChatEvent], None],
        on_end: Callable[[Outcome], None],
        pair: Callable[[], ReadyPair | UrialError | None],
        on_death: Callable[[UrialError], None],
        soon: Callable[[], Awaitable[None]],
    ) -> None:
        self._soon = soon
        self._engine, self._store, self._loader = engine, store, loader
        self._tell, self._on_end = listener, on_end
        self._pair, self._on_death = pair, on_death
        self._turn: Turn | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def busy(self) -> bool:
        """Whether an answer is being written or waits for the engine."""
        return self._task is not None and not self._task.done()

    def prepare(self) -> None:
        """An answer will begin, once a message is committed or a model loaded: stops are for that answer now."""
        self._stopping.clear()

    def begin(
        self,
        branch: tuple[Message, ...],
        answer: Message,
        sampling: Callable[[], tuple[Sampling, int]],
        *,
        resume: Resumption | None = None,
        attempt: int = 0,
        at_least_dropped: int = 0,
    ) -> None:
        """Write `answer`, whose row exists, in the background. `sampling` is asked once the side is loaded."""

        async def work() -> None:
            active = await self.unless_stopped(self._loader.ready())
            if active is not None:
                await self.unless_stopped(self._soon())
            if active is None or self._stopping.is_set():
                await self._without_turn(answer, "stopped")
                return
            chosen, max_tokens = sampling()
            self._loader.tell_phase("generating")
            self._turn = Turn(self._engine, self._store, active, self._loader.info, self._tell)
            outcome = await self._turn.run(
                branch,
                answer,
                sampling=_reseeded(chosen, attempt),
                max_tokens=max_tokens,
                resume=resume,
                at_least_dropped=at_least_dropped,
                pair=self._pair,
            )
            self._ended(outcome)

        self._task = asyncio.create_task(self._guarded(work(), answer), name="answer")
        self._task.add_done_callback(retrieve)

    async def stop(self) -> None:
        """End the running answer; what was written is kept. Returns when it has ended."""
        self._stopping.set()
        task = self._task
        if task is None or task.done():
            return
        if self._turn is not None:
            await self._turn.cancel()
        await asyncio.wait({task})

    async def unless_stopped(self, waiting: Awaitable[T]) -> T | None:
        """What it gives, or None when the user stopped waiting for it (see `prepare`). Loading itself goes on."""
        ready = asyncio.ensure_future(waiting)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({ready, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return await ready if ready.done() and not self._stopping.is_set() else None
        finally:
            stopping.cancel()
            ready.add_done_callback(retrieve)
            ready.cancel()

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _guarded(self, work: Awaitable[None], answer: Message) -> None:
        """Run it; whatever goes wrong, the answer ends and the reason is told."""
        try:
            await work
        except UrialError as error:
            await self._without_turn(answer, "failed", error)
        except Exception as error:  # noqa: BLE001 - an answer must end, and say why, whatever failed
            hint = "What was written is kept."
            unexpected = await asyncio.to_thread(internal_error, "the answer", error, hint)
            await self._without_turn(answer, "failed", unexpected)
            self._tell(Trouble(unexpected))
        finally:
            self._turn = None
        if await write_back(self._store):
            self._tell(StoreTrouble(None))

    async def _without_turn(
        self, answer: Message, status: Status, error: UrialError | None = None
    ) -> None:
        """End an answer that never began, or whose turn broke. A history that refuses leaves it `interrupted`."""
        words = error.message if error else ""
        try:
            answer = await keep_writing(
                self._store,
                lambda trouble: self._tell(StoreTrouble(trouble)),
                Store.finish_answer,
                answer.id,
                None,
                status,
                end=None,
                error=words,
            )
        except UrialError as refused:
            answer = replace(answer, status=status, error=words or refused.message)
            error = error or refused
        self._ended(Outcome(answer, None, error))

    def _ended(self, outcome: Outcome) -> None:
        error = outcome.error
        if error is not None and error.kind == "engine-died":
            self._on_death(error)
        elif self._loader.is_ready:
            self._loader.tell_phase("ready")
        self._on_end(outcome)
        self._tell(TurnEnded(outcome.message, outcome.finished, error))


def _reseeded(sampling: Sampling, attempt: int) -> Sampling:
    """Another answer to the same message takes another seed, also when the seed is fixed."""
    if sampling.seed is None or not attempt:
        return sampling
    return msgspec.structs.replace(sampling, seed=(sampling.seed + attempt) % 2**32)
