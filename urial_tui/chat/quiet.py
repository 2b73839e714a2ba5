"""Lets work in the background use the engine only while nobody waits for an answer, and give way when somebody does."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class GaveWay(Exception):
    """The work was ended because an answer is wanted; it may be tried again."""


class Quiet:
    """`begin` when the engine is needed for an answer, `end` when it is not any more; neither counts."""

    def __init__(self) -> None:
        self._busy = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()
        self._used = asyncio.Event()

    def begin(self) -> None:
        self._free.clear()
        self._busy.set()

    def end(self) -> None:
        self._busy.clear()
        self._free.set()
        self._used.set()

    async def used(self) -> None:
        """Wait until something has ended."""
        await self._used.wait()

    async def lasts(self, seconds: float = 0.0) -> None:
        """Wait until it has been quiet for so long at a stretch."""
        while True:
            await self._free.wait()
            if seconds <= 0:
                return
            try:
                await asyncio.wait_for(self._busy.wait(), seconds)
            except TimeoutError:
                return

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it when it is quiet; it is cancelled as soon as that ends: raises GaveWay."""
        await self._free.wait()
        running = asyncio.ensure_future(work())
        interrupted = asyncio.ensure_future(self._busy.wait())
        try:
            await asyncio.wait({running, interrupted}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                return running.result()
            raise GaveWay
        finally:
            interrupted.cancel()
            if not running.done():
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await running

    async def until_done(self, work: Callable[[], Coroutine[Any, Any, T]], after: float = 0.0) -> T:
        """Do it once it has been quiet for `after` seconds; where it gave way, begin it anew."""
        while True:
            await self.lasts(after)
            with contextlib.suppress(GaveWay):
                return await self.run(work)
