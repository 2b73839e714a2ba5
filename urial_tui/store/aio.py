"""The store for asyncio: each call runs on one thread of its own, in the order of the calls.

Cancelling the task that waits does not undo a write that was asked for. When the disk takes no more, `fall_back` goes
on in memory and `write_back` returns to the file.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from urial_tui.errors import StoreError
from urial_tui.store.store import Store

P = ParamSpec("P")
R = TypeVar("R")


class AsyncStore:
    """A `Store` that is asked by `call`. Use `open`, `in_memory` or `open_or_memory`; end with `aclose`."""

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

    async def call(
        self, method: Callable[Concatenate[Store, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a method of `Store`, as in `call(Store.set_title, session_id, title)`, or a function of one.

        It gets the store that is current when its turn comes: work may have gone on in memory meanwhile. Raises what
        the method does, and StoreError (`closed`).
        """
        self._current()
        return await self._run(lambda: method(self._current(), *args, **kwargs))

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

    def _current(self) -> Store:
        if self._store is None:
            raise StoreError("the history is closed", kind="closed")
        return self._store

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
