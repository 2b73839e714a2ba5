"""Loads a side in the background: finds its files, opens its context, reads its pack's prompt, and tells how far it is.

`Chat` owns one. A message that is sent meanwhile awaits `ready()`; what failed is tried again by the next message.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from urial_tui.chat.active import ActiveSide, as_prompt
from urial_tui.chat.events import ChatEvent, EnginePhase, EngineStatus, SideReady, Trouble
from urial_tui.engine.api import Engine
from urial_tui.engine.protocol import ContextInfo, Progress
from urial_tui.errors import UrialError
from urial_tui.sides import parse_side


class SideLoader:
    """`resolve` turns SIDE text into an ActiveSide; it may take a while and raises UrialError. `on_change` is called
    with another side before the old one is closed."""

    def __init__(
        self,
        engine: Engine,
        resolve: Callable[[str], Awaitable[ActiveSide]],
        side: str,
        listener: Callable[[ChatEvent], None],
        on_change: Callable[[ActiveSide], None] = lambda _: None,
    ) -> None:
        self._on_change = on_change
        self._engine, self._resolve, self._wanted, self._tell = engine, resolve, side, listener
        self._task: asyncio.Task[None] | None = None
        self.active: ActiveSide | None = None
        self.info: ContextInfo | None = None
        self.pack_tokens = 0
        self.phase: EnginePhase = "idle"

    @property
    def notation(self) -> str:
        """The side as it is written: the wanted one until it is resolved."""
        return self.active.notation if self.active else self._wanted

    @property
    def is_ready(self) -> bool:
        task = self._task
        return (
            task is not None and task.done() and not task.cancelled() and task.exception() is None
        )

    def start(self) -> None:
        """Start loading, unless that was done already."""
        if self._task is None:
            self.begin()

    def begin(self, active: ActiveSide | None = None) -> None:
        """Start loading the wanted side; `active` when it is resolved already."""
        self.active = active
        self.info = None
        self.pack_tokens = 0
        self._task = asyncio.create_task(self._load(active), name="load side")
        self._task.add_done_callback(retrieve)

    async def change(self, side: str) -> ActiveSide:
        """Resolve another side and start loading it. Raises UrialError; the old side stays then."""
        active = await self._resolve(side)
        old = self.active
        self._on_change(active)
        await self._stop_loading()
        if old is not None and old.spec != active.spec:
            with contextlib.suppress(UrialError):
                await self._engine.close_context(old.spec)
        self._wanted = active.notation
        self.begin(active)
        return active

    async def ready(self) -> ActiveSide:
        """The loaded side; loads again what failed before. Raises UrialError."""
        if self._task is None or (self._task.done() and not self.is_ready):
            self.begin()
        assert self._task is not None
        await asyncio.shield(self._task)
        assert self.active is not None
        return self.active

    async def with_pack(self, pack_id: str) -> ActiveSide:
        """The same model with another style, resolved only."""
        return await self._resolve(str(parse_side(self.notation).with_style(pack_id)))

    async def pack_cost(self, pack_id: str) -> int:
        """Tokens of the pack's constant part on this side's model."""
        active = await self.ready()
        constant = await asyncio.to_thread((await self.with_pack(pack_id)).style.constant)
        if not constant.spans:
            return 0
        return len((await self._engine.tokenize(active.spec, as_prompt(constant))).ids)

    def lost(self, error: UrialError) -> None:
        """The engine died: everything is loaded again when it is next needed."""
        self._task = None
        self.tell_phase("failed", detail=error.message)

    def tell_phase(
        self, phase: EnginePhase, done: int = 0, total: int = 0, detail: str = ""
    ) -> None:
        self.phase = phase
        self._tell(EngineStatus(phase, done, total, detail))

    async def aclose(self) -> None:
        await self._stop_loading()

    async def _stop_loading(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, UrialError):
                await self._task

    async def _load(self, active: ActiveSide | None) -> None:
        try:
            self.tell_phase("loading")
            active = active or await self._resolve(self._wanted)
            self.active = active
            need = await active.need()
            if need:
                self.tell_phase("loading", detail=need)
            self.info = await self._engine.open(active.spec, self._progress("loading", need))
            constant = await asyncio.to_thread(active.style.constant)
            if constant.spans:
                self.tell_phase("prefilling")
                prefilled = await self._engine.prefill(
                    active.spec, as_prompt(constant), self._progress("prefilling")
                )
                self.pack_tokens = prefilled.n_tokens
        except UrialError as error:
            self.tell_phase("failed", detail=error.message)
            self._tell(Trouble(error))
            raise
        self.tell_phase("ready")
        self._tell(SideReady(active.notation, self.info, self.pack_tokens))

    def _progress(self, phase: EnginePhase, detail: str = "") -> Callable[[Progress], None]:
        def tell(progress: Progress) -> None:
            self.tell_phase(phase, progress.done, progress.total, detail)

        return tell


def retrieve(task: "asyncio.Future[Any]") -> None:
    """Errors of background tasks are told as events; this only keeps asyncio from complaining."""
    if not task.cancelled():
        task.exception()
