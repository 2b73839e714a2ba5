"""Scores a stored answer anew, on the canonical path and under the present pair, in the background.

`Chat` owns one. Whatever goes wrong, a scoring that was begun ends in a TraceEnded event; its scores so far are kept.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from urial_tui.chat.canonical import (
    CanonicalRequest,
    CanonicalScoring,
    canonical_request,
    stored_answer,
)
from urial_tui.chat.events import ChatEvent, StoreTrouble, TraceEnded, Trouble
from urial_tui.chat.keeping import write_back
from urial_tui.chat.pairing import Pairing
from urial_tui.chat.quiet import Quiet
from urial_tui.chat.side_loader import SideLoader, retrieve
from urial_tui.chat.tracing import stored_trace
from urial_tui.crash import internal_error
from urial_tui.engine.api import Engine
from urial_tui.errors import UrialError, UsageError
from urial_tui.store.aio import AsyncStore
from urial_tui.store.types import Message


class Rescoring:
    """At most one scoring at a time."""

    def __init__(
        self,
        engine: Engine,
        store: AsyncStore,
        loader: SideLoader,
        pairing: Pairing,
        quiet: Quiet,
        listener: Callable[[ChatEvent], None],
        on_death: Callable[[UrialError], None],
    ) -> None:
        self._engine, self._store, self._loader, self._pairing = engine, store, loader, pairing
        self._quiet, self._tell, self._on_death = quiet, listener, on_death
        self._task: asyncio.Task[None] | None = None
        self._run: CanonicalScoring | None = None
        self._message_id: str | None = None

    @property
    def message_id(self) -> str | None:
        """The answer that is being scored, None when none is."""
        return self._message_id if self._task is not None and not self._task.done() else None

    def begin(self, branch: Sequence[Message], answer: Message) -> None:
        """Score `answer`, the one that follows `branch`."""
        self._run = None
        self._message_id = answer.id
        self._task = asyncio.create_task(self._guarded(branch, answer), name="score")
        self._task.add_done_callback(retrieve)

    async def stop(self) -> None:
        """End it; the scores so far are kept. Returns when it has ended."""
        task, run = self._task, self._run
        if task is None or task.done():
            return
        if run is None:
            task.cancel()
        else:
            await run.cancel()
        await asyncio.wait({task})

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _guarded(self, branch: Sequence[Message], answer: Message) -> None:
        try:
            request = await self._request(branch, answer)
            self._quiet.begin()
            try:
                await self._score(request)
            finally:
                self._quiet.end()
        except asyncio.CancelledError:
            await self._without_trace(answer.id, None)
        except UrialError as error:
            await self._without_trace(answer.id, error)
        except Exception as error:  # noqa: BLE001 - a scoring must end, and say why, whatever failed
            hint = "The answer is as it was."
            unexpected = await asyncio.to_thread(internal_error, "the scoring", error, hint)
            await self._without_trace(answer.id, unexpected)
            self._tell(Trouble(unexpected))
        if await write_back(self._store):
            self._tell(StoreTrouble(None))

    async def _without_trace(self, message_id: str, error: UrialError | None) -> None:
        """The end of a scoring that never began: what was stored before is what there is."""
        trace = await stored_trace(self._store, message_id, None)
        self._tell(TraceEnded(message_id, trace, error))

    async def _request(self, branch: Sequence[Message], message: Message) -> CanonicalRequest:
        answer = await stored_answer(self._store, message)
        active = await self._loader.ready()
        await self._pairing.settled()
        pair = self._pairing.ready()
        if isinstance(pair, UrialError):
            raise pair
        if pair is None:
            raise UsageError(
                "there is no reference to score the answer with",
                hint="Choose one, and see that scoring is on.",
            )
        # The side may have another style meanwhile, on the same context.
        return await canonical_request(
            self._engine, replace(pair, generator=active), branch, answer
        )

    async def _score(self, request: CanonicalRequest) -> None:
        self._run = run = CanonicalScoring(self._engine, self._store, request, self._tell)
        failed = await run.run()
        if failed is not None and failed.kind == "engine-died":
            self._on_death(failed)
