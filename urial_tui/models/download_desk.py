"""Downloads for an event loop: begun, paused, resumed and cancelled in threads, their changes told in the loop.

The half of `ModelDesk` that is about `hub.downloads`. Changes that come faster than the loop looks are told as one,
the latest of each download.
"""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from urial_tui.errors import ModelError
from urial_tui.models.hub.types import DownloadStatus, Quant, RepoListing

if TYPE_CHECKING:
    from urial_tui.models.hub.downloads import Downloads

T = TypeVar("T")
Listener = Callable[[DownloadStatus], None]


class DownloadDesk:
    """`folder` is where fetched models go. Nothing is looked at before `open_downloads` or `start`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._downloads: Downloads | None = None
        self._making = threading.Lock()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._statuses: dict[str, DownloadStatus] = {}
        self._listeners: list[Listener] = []
        self._told_lock = threading.Lock()
        self._told: dict[str, DownloadStatus] = {}
        """What the threads told and the loop has not taken yet, by id."""

    async def open_downloads(self) -> tuple[DownloadStatus, ...]:
        """Find what an earlier run left unfinished; all downloads."""
        found = await self._ask(lambda downloads: downloads.all())
        for status in found:
            self._statuses.setdefault(status.id, status)
        return self.downloads()

    def downloads(self) -> tuple[DownloadStatus, ...]:
        """All as far as they are known, in the order in which they were begun."""
        return tuple(self._statuses.values())

    async def start(self, listing: RepoListing, quant: Quant) -> str:
        """Begin to fetch, or go on with it; the download's id. Raises ModelError for a name that cannot be used."""
        return await self._ask(lambda downloads: downloads.start(listing, quant))

    async def pause(self, id: str) -> None:
        await self._ask(lambda downloads: downloads.pause(id))

    async def resume(self, id: str) -> None:
        await self._ask(lambda downloads: downloads.resume(id))

    async def cancel(self, id: str) -> None:
        """End it and delete what came of it. Raises ModelError where that cannot be deleted."""
        await self._ask(lambda downloads: downloads.cancel(id, forget=True))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """`listener` is called in the loop for each change; calling the result ends that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    async def aclose(self) -> None:
        """Stop fetching; what came is kept. Downloads that are asked for afterwards are refused."""
        self._closed = True
        downloads = self._downloads
        if downloads is not None:
            await asyncio.to_thread(downloads.close)
        self._listeners.clear()

    def file_came(self) -> None:
        """A download is done: the library has another file."""

    async def _ask(self, question: "Callable[[Downloads], T]") -> T:
        self._loop = asyncio.get_running_loop()
        return await asyncio.to_thread(lambda: question(self._made()))

    def _made(self) -> "Downloads":
        """Called in a thread."""
        with self._making:
            if self._closed:
                raise ModelError("the program is being closed", kind="closing")
            if self._downloads is None:
                from urial_tui.models.hub.downloads import Downloads

                self._downloads = Downloads(self.folder, self._changed)
            return self._downloads

    def _changed(self, status: DownloadStatus) -> None:
        """Called by a thread of the downloads."""
        with self._told_lock:
            first = not self._told
            self._told[status.id] = status
        if first and self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._take)
            except RuntimeError:
                return  # the loop is closed: nobody is there to be told

    def _take(self) -> None:
        """In the loop: keep what was told, and pass it on."""
        with self._told_lock:
            told, self._told = self._told, {}
        for status in told.values():
            before = self._statuses.get(status.id)
            if status.state == "cancelled":
                self._statuses.pop(status.id, None)
            else:
                self._statuses[status.id] = status
            if status.state == "done" and (before is None or before.state != "done"):
                self.file_came()
            for listener in list(self._listeners):
                listener(status)
