"""Lets work in the background use the engine only while nobody waits for an answer, and give way when somebody does.

What somebody asked for (a judge) comes before what nobody did (loading references, measuring).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class GaveWay(Exception):
    """The work was ended because something comes before it; it may be tried again."""


class _Switch:
    """On or off, and both can be waited for."""

    def __init__(self) -> None:
        self.on, self.off = asyncio.Event(), asyncio.Event()
        self.off.set()

    def turn(self, on: bool) -> None:
        first, then = (self.off, self.on) if on else (self.on, self.off)
        first.clear()
        then.set()


class Quiet:
    """`begin` when the engine is needed for an answer, `end` when it is not any more; neither counts."""

    def __init__(self) -> None:
        self._busy = _Switch()
        """An answer is wanted."""
        self._asked = _Switch()
        """Something that somebody asked for is being done, or waits for the end of an answer."""
        self._n_asked = 0
        self._used = asyncio.Event()

    def begin(self) -> None:
        self._busy.turn(True)

    def end(self) -> None:
        self._busy.turn(False)
        self._used.set()

    async def used(self) -> None:
        """Wait until something has ended."""
        await self._used.wait()

    async def lasts(self, seconds: float = 0.0) -> None:
        """Wait until it has been quiet for so long at a stretch."""
        while True:
            await self._busy.off.wait()
            if seconds <= 0:
                return
            try:
                await asyncio.wait_for(self._busy.on.wait(), seconds)
            except TimeoutError:
                return

    async def run(self, work: Callable[[], Awaitable[T]], *, asked: bool = False) -> T:
        """Do it when it is quiet; it is cancelled as soon as that ends: raises GaveWay. What was not `asked` for waits
        for what was, and gives way to it, too."""
        before = [self._busy] if asked else [self._busy, self._asked]
        while any(switch.on.is_set() for switch in before):
            for switch in before:
                await switch.off.wait()
        running = asyncio.ensure_future(work())
        interrupted = [asyncio.ensure_future(switch.on.wait()) for switch in before]
        try:
            await asyncio.wait({running, *interrupted}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                return running.result()
            raise GaveWay
        finally:
            for one in interrupted:
                one.cancel()
            if not running.done():
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await running

    async def until_done(
        self,
        work: Callable[[], Coroutine[Any, Any, T]],
        after: float = 0.0,
        *,
        asked: bool = False,
    ) -> T:
        """Do it once it has been quiet for `after` seconds; where it gave way, begin it anew."""
        with self._asking() if asked else contextlib.nullcontext():
            while True:
                await self.lasts(after)
                with contextlib.suppress(GaveWay):
                    return await self.run(work, asked=asked)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        self._n_asked += 1
        self._asked.turn(True)
        try:
            yield
        finally:
            self._n_asked -= 1
            if not self._n_asked:
                self._asked.turn(False)
