"""One download as its manager keeps it: what is wanted, how far it is, and what its thread may be told.

Only `downloads.py` makes these. What is on disk of a model is counted here, without reading it.
"""

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from urial_tui import paths
from urial_tui.errors import ModelError, UrialError
from urial_tui.models.hub import origin, ticket
from urial_tui.models.hub.names import PART, check_way, target_of
from urial_tui.models.hub.rate import Rate
from urial_tui.models.hub.ticket import Ticket
from urial_tui.models.hub.types import DownloadState, DownloadStatus, Quant, RepoListing

Wish = Literal["run", "pause", "cancel", "forget"]
"""What is to become of a download when its thread has stopped."""

RESERVE: int = 512 * 1000 * 1000
"""Bytes that a download leaves free on the disk."""


class Stopped(Exception):
    """The thread of a download was told to stop."""


@dataclass(eq=False)
class Download:
    id: str
    listing: RepoListing
    quant: Quant
    state: DownloadState = "waiting"
    done: int = 0
    resumed: int = 0
    fetched: int = 0
    note: str = ""
    error: UrialError | None = None
    path: Path | None = None
    wish: Wish = "run"
    forgotten: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    rate: Rate = field(default_factory=Rate)

    def status(self) -> DownloadStatus:
        """As it stands. Safe while its thread works: a number may be a moment old."""
        moving = self.state == "fetching"
        return DownloadStatus(
            id=self.id,
            repo=self.listing.id,
            label=self.quant.label,
            state=self.state,
            done=self.done,
            total=self.quant.size,
            rate=self.rate.per_second() if moving else 0.0,
            eta_s=self.rate.eta_s(self.quant.size - self.done) if moving else None,
            error=self.error,
            path=self.path,
            resumed=min(self.resumed, self.done),
            fetched=self.fetched,
            note=self.note,
        )

    def tickets(self) -> list[Ticket]:
        return ticket.tickets_for(self.listing, self.quant)


def id_of(listing: RepoListing, quant: Quant) -> str:
    """What a download is called, in this run and the next: REPO:QUANT."""
    return f"{listing.id}:{quant.label}"


def held(folder: Path, wanted: Ticket) -> int:
    """Bytes of the wanted file that are on disk, in the file itself or in its part."""
    target = target_of(folder, wanted.repo, wanted.path)
    if is_whole(target, wanted):
        return wanted.file.size
    before = ticket.read_ticket(ticket.ticket_file(target))
    if before is None or not ticket.is_same(before, wanted):
        return 0
    try:
        return min(target.with_name(target.name + PART).lstat().st_size, wanted.file.size)
    except OSError:
        return 0


def is_whole(target: Path, wanted: Ticket) -> bool:
    """Whether the wanted file is there, as far as its size and its origin tell."""
    try:
        size = target.stat().st_size
    except OSError:
        return False
    known = origin.read_origin(target)
    if size != wanted.file.size or known is None:
        return False
    return wanted.file.sha256 in (None, known.sha256)


def keep_tickets(folder: Path, wanted: Sequence[Ticket]) -> None:
    """Write the tickets of those files that are not there at all, so that a later run finds the whole model to fetch.

    Raises ModelError.
    """
    for each in wanted:
        target = target_of(folder, each.repo, each.path)
        check_way(folder, target)
        paths.ensure_private_dir(target.parent)
        if not target.exists() and not ticket.ticket_file(target).exists():
            ticket.write_ticket(target, each)


def check_space(folder: Path, download: Download, others: int) -> None:
    """Raise ModelError (`disk-full`) unless the disk has room for it beside `others`, bytes that are on their way."""
    missing = download.quant.size - download.done
    if not missing:
        return
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        free = shutil.disk_usage(place).free
    except OSError:
        return
    if free < missing + others + RESERVE:
        from urial_tui.models.fit import size_in_words  # slow to import, and seldom needed

        beside = f" and {size_in_words(others)} of other downloads" if others else ""
        raise ModelError(
            f"there is no room for {download.id}: {size_in_words(missing)} of it{beside} have still to come, "
            f"and {size_in_words(free)} is free in {place}",
            hint=f"{size_in_words(RESERVE)} is left free. Make room, choose a smaller quantisation, "
            "or set URIAL_TUI_HOME to a folder on another disk.",
            kind="disk-full",
        )


class Watch:
    """What the thread of a download reports to, and is stopped by. `base`: bytes of the files before this one."""

    def __init__(
        self,
        download: Download,
        set_state: Callable[[Download, DownloadState], None],
        touch: Callable[[str], None],
    ) -> None:
        self.stop = download.stop
        self.base = 0
        self._size: int | None = None
        """Of the file, at the last report; None before its first one, which counts what was there."""
        self._download = download
        self._set_state = set_state
        self._touch = touch

    def next_file(self, before: int) -> None:
        """The next file begins, after one of `before` bytes."""
        self.base += before
        self._size = None

    def progress(self, size: int) -> None:
        download = self._download
        if size and self._size is not None:
            download.fetched += size - self._size
        self._size = size
        download.done = self.base + size
        download.resumed = min(download.resumed, download.done)
        download.rate.add(download.done)
        self._touch(download.id)

    def state(self, state: DownloadState) -> None:
        if self._download.state != state:
            if state != "fetching":
                self._download.rate.clear()
            self._set_state(self._download, state)

    def note(self, text: str) -> None:
        self._download.note = text
        self._touch(self._download.id)
