"""The downloads of this program: started, paused, resumed, cancelled, and found again after it ended.

Called by the command line and by the interface's facade. A model at a time is fetched by a thread of its own, two at
once, the others wait their turn. Files go to FOLDER/OWNER/NAME; what is unfinished there can be resumed by any later
run. Nothing of the hub is imported before the first download begins.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from urial_tui.crash import write_crash_log
from urial_tui.errors import ModelError, UrialError
from urial_tui.models.hub import ticket
from urial_tui.models.hub.download import (
    Download,
    Stopped,
    Watch,
    Wish,
    check_space,
    held,
    id_of,
    is_whole,
    keep_tickets,
)
from urial_tui.models.hub.names import target_of
from urial_tui.models.hub.notifier import Notifier
from urial_tui.models.hub.types import DownloadState, DownloadStatus, Quant, RepoListing
from urial_tui.safetext import sanitize_line

MAX_ACTIVE: Final = 2
_CLOSE_S: Final = 5.0


class Downloads:
    """`on_change` is called from a thread of this object, never two calls at a time: at once when a state changes, at
    most four times a second while bytes come. The methods look at small files at most; `wait` waits.
    """

    def __init__(self, folder: Path, on_change: Callable[[DownloadStatus], None]) -> None:
        self._folder = folder
        self._on_change = on_change
        self._changed = threading.Condition(threading.RLock())
        self._known: dict[str, Download] = {}
        self._problems: tuple[str, ...] | None = None
        self._closed = False
        self._notifier = Notifier(self._tell)

    @property
    def problems(self) -> tuple[str, ...]:
        """What earlier runs left that cannot be resumed, in words."""
        with self._changed:
            self._discover()
            return self._problems or ()

    def start(self, listing: RepoListing, quant: Quant) -> str:
        """Fetch `quant`, or go on with it; its id. One that is on its way already stays on it.

        Raises ModelError (`hub-name`) for names that cannot be files here.
        """
        for wanted in ticket.tickets_for(listing, quant):
            target_of(self._folder, wanted.repo, wanted.path)
        with self._changed:
            self._discover()
            id = id_of(listing, quant)
            known = self._known.get(id)
            if known is not None and known.thread is not None:
                known.wish = "run"
            elif known is None or known.state != "waiting":
                self._enqueue(Download(id, listing, quant))
            return id

    def pause(self, id: str) -> None:
        """Stop it for now; everything that came is kept. Without effect on one that is not on its way."""
        self._end(id, "pause")

    def resume(self, id: str) -> None:
        """Go on with one that is paused, failed or cancelled."""
        with self._changed:
            download = self._find(id)
            if download.thread is not None:
                download.wish = "run"
            elif download.state in ("paused", "failed", "cancelled"):
                self._enqueue(Download(id, download.listing, download.quant))

    def cancel(self, id: str, *, forget: bool = False) -> None:
        """Give it up. What came of it stays on disk, where a later `start` uses it; `forget` removes it, too.

        Raises ModelError when it cannot be removed; `hub-busy` when another program is fetching it.
        """
        self._end(id, "forget" if forget else "cancel")

    def all(self) -> tuple[DownloadStatus, ...]:
        """Every download of this run, and those that earlier runs left, as paused. Forgotten ones are not there."""
        with self._changed:
            self._discover()
            return tuple(found.status() for found in self._known.values() if not found.forgotten)

    def wait(self, id: str) -> DownloadStatus:
        """Wait until it is done, failed, paused or cancelled; how it stands then."""
        with self._changed:
            while True:
                download = self._find(id)
                if download.thread is None and not download.status().is_active:
                    return download.status()
                self._changed.wait(0.5)  # a limit, so that Ctrl+C comes through on every system

    def close(self) -> None:
        """Pause what is on its way, and end the threads. The object is of no use afterwards."""
        with self._changed:
            self._closed = True
            threads = []
            for download in self._known.values():
                if download.thread is not None:
                    if download.wish == "run":
                        download.wish = "pause"
                    download.stop.set()
                    threads.append(download.thread)
                elif download.state == "waiting":
                    self._set(download, "paused")
        end = time.monotonic() + _CLOSE_S
        for thread in threads:
            thread.join(max(end - time.monotonic(), 0.0))
        self._notifier.close(max(end - time.monotonic(), 0.1))

    def _find(self, id: str) -> Download:
        self._discover()
        if id not in self._known:
            raise ModelError(f"there is no download {id!r}", kind="unknown-download")
        return self._known[id]

    def _enqueue(self, download: Download) -> None:
        if self._closed:
            raise RuntimeError("these downloads are closed")
        self._known[download.id] = download
        download.done = sum(held(self._folder, wanted) for wanted in download.tickets())
        download.resumed = download.done
        self._set(download, "waiting")
        self._pump()

    def _pump(self) -> None:
        """Begin with the next ones that wait, as far as there is room."""
        active = sum(found.thread is not None for found in self._known.values())
        for download in self._known.values():
            if self._closed or active >= MAX_ACTIVE:
                return
            if download.state == "waiting" and download.thread is None:
                download.thread = threading.Thread(
                    target=self._run, args=(download,), name=f"download {download.id}", daemon=True
                )
                download.thread.start()
                active += 1

    def _end(self, id: str, wish: Wish) -> None:
        with self._changed:
            download = self._find(id)
            if download.thread is not None:
                download.wish = wish
                download.stop.set()
                return
            if wish == "pause":
                if download.state == "waiting":
                    self._set(download, "paused")
                return
            if download.state == "done":
                return
            if wish == "forget":
                self._forget(download)
            self._set(download, "cancelled")

    def _run(self, download: Download) -> None:
        """The thread of one download."""
        state: DownloadState = "failed"
        error: UrialError | None = None
        path: Path | None = None
        try:
            self._check_space(download)
            path = self._fetch(download)
            state = "done"
        except Stopped:
            state, error = self._stopped(download)
        except UrialError as failure:
            error = failure
            self._drop_if_empty(download, failure)
        except Exception as failure:  # noqa: BLE001 - a thread's mistake has to be shown, too
            where = write_crash_log(failure)
            error = ModelError(
                f"an unexpected error: {type(failure).__name__}",  # its text may have an address
                hint=f"The details are in {where}." if where else "",
                kind="unexpected",
            )
        with self._changed:
            download.thread = None
            download.error = error
            if state == "done":
                download.path, download.done = path, download.quant.size
            self._set(download, state)
            if state == "waiting":
                download.stop = threading.Event()
            self._pump()

    def _fetch(self, download: Download) -> Path:
        """Every file in turn; the first one's path."""
        from urial_tui.models.hub import fetch

        wanted = download.tickets()
        if len(wanted) > 1:
            keep_tickets(self._folder, wanted)
        watch = Watch(download, self._set, self._notifier.touch)
        targets = []
        for each in wanted:
            targets.append(fetch.fetch_file(self._folder, each, watch))
            watch.next_file(each.file.size)
        return targets[0]

    def _stopped(self, download: Download) -> tuple[DownloadState, UrialError | None]:
        """What becomes of a download whose thread was told to stop."""
        with self._changed:
            wish = download.wish
            if wish == "run" and not self._closed:
                return "waiting", None
        if wish in ("run", "pause"):
            return "paused", None
        if wish == "forget":
            try:
                self._forget(download)
            except UrialError as error:
                return "failed", error
        return "cancelled", None

    def _forget(self, download: Download) -> None:
        """Remove what came of it. A model that is whole stays."""
        from urial_tui.models.hub.part import remove_unfinished

        wanted = download.tickets()
        if not all(
            is_whole(target_of(self._folder, each.repo, each.path), each) for each in wanted
        ):
            for each in wanted:
                remove_unfinished(self._folder, each)
        download.done, download.forgotten = 0, True

    def _drop_if_empty(self, download: Download, failure: UrialError) -> None:
        """Leave nothing of a download that the hub refused before its first byte."""
        from urial_tui.models.hub.words import HubError

        if isinstance(failure, HubError) and failure.kind != "hub-busy":
            self._is_dropped(download)

    def _is_dropped(self, download: Download) -> bool:
        """Whether nothing of it is on disk, in which case its empty files are not there any more."""
        from urial_tui.models.hub.part import remove_if_empty

        try:
            return remove_if_empty(self._folder, download.tickets())
        except (ModelError, OSError):  # they are of no use, and looked at again by the next run
            return False

    def _check_space(self, download: Download) -> None:
        with self._changed:
            others = sum(
                found.quant.size - found.done
                for found in self._known.values()
                if found.thread is not None and found is not download
            )
        check_space(self._folder, download, others)

    def _discover(self) -> None:
        """Find what earlier runs left, once."""
        if self._problems is not None:
            return
        problems: list[str] = []
        for file, found in ticket.found_in(self._folder):
            place = file.with_name(file.name.removesuffix(ticket.SUFFIX))
            if found is None or target_of(self._folder, found.repo, found.path) != place:
                problems.append(f"{sanitize_line(str(file))} cannot be used to go on")
                continue
            listing = found.listing
            download = Download(id_of(listing, found.quant), listing, found.quant, "paused")
            if download.id not in self._known:
                download.done = sum(held(self._folder, each) for each in download.tickets())
                if not download.done and self._is_dropped(download):
                    continue
                self._known[download.id] = download
        self._problems = tuple(problems)

    def _set(self, download: Download, state: DownloadState) -> None:
        with self._changed:
            download.state = state
            self._changed.notify_all()
        self._notifier.touch(download.id, urgent=True)

    def _tell(self, id: str) -> None:
        with self._changed:
            download = self._known.get(id)
            status = download.status() if download is not None else None
        if status is not None:
            self._on_change(status)
