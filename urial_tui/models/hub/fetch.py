"""Fetches one file of a model into FILE.part, from what is there already on, until it is whole and right.

Called by a download's thread. Dropped and silent connections are taken up again a bounded number of times; whatever
ends the work, the bytes on disk stay good to go on from.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from urial_tui import paths
from urial_tui.errors import ModelError
from urial_tui.models import hashes
from urial_tui.models.hub import origin, session, words
from urial_tui.models.hub.download import Stopped
from urial_tui.models.hub.incoming import Answer, Incoming, RangeRefused
from urial_tui.models.hub.names import check_way, target_of
from urial_tui.models.hub.part import MAGIC, Part, settle
from urial_tui.models.hub.ticket import Ticket, ticket_file
from urial_tui.models.hub.types import DownloadState
from urial_tui.models.hub.words import HubError

DELAYS_S: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""How long to wait before each new try; after the last one the work ends with an error."""
PATIENT_S: Final = 120.0
"""A hub that asks for a longer wait is not waited for."""
GAIN: int = 1024 * 1024
"""After so many bytes the tries are counted anew: a bad line makes slow progress, but it makes some."""
MAX_RESTARTS: Final = 3


class Watch(Protocol):
    """Who looks on, and may stop it."""

    stop: threading.Event

    def progress(self, size: int) -> None:
        """The file has so many bytes."""

    def state(self, state: DownloadState) -> None: ...

    def note(self, text: str) -> None: ...


def fetch_file(folder: Path, ticket: Ticket, watch: Watch) -> Path:
    """Have the file of `ticket` below `folder`, and return where. One that is there already is not fetched.

    Raises Stopped when `watch.stop` is set; ModelError: what the hub says, `hub-damaged`, `hub-changed`, `hub-busy`,
    `disk-full`, `in-the-way`, `unwritable`.
    """
    target = target_of(folder, ticket.repo, ticket.path)
    check_way(folder, target)
    paths.ensure_private_dir(target.parent)
    if is_present(target, ticket, watch):
        return target
    with Part(folder, target, ticket) as part:
        if is_present(target, ticket, watch):  # another program has finished it meanwhile
            part.remove()
            return target
        why = part.reuse(lambda: _proceed(watch))
        if why:
            watch.note(why)
        _fill(part, watch)
        watch.state("verifying")
        part.finish()
    return target


def is_present(target: Path, ticket: Ticket, watch: Watch) -> bool:
    """Whether `target` is there, whole, and what `ticket` wants. An older version of it may be replaced.

    Raises ModelError (`in-the-way`) for a file that is not known to come from there, Stopped.
    """
    try:
        info = target.stat()
    except FileNotFoundError:
        return False
    wanted, known = ticket.file, origin.read_origin(target)
    if known is not None and known.repo == ticket.repo:
        if known.size != wanted.size or (wanted.sha256 or known.sha256) != known.sha256:
            return False
        if known.commit != ticket.commit or ticket_file(target).exists():
            settle(target, ticket, known.sha256)
        return True
    if info.st_size == wanted.size:
        watch.state("verifying")
        try:
            sha256 = hashes.file_sha256(target, watch.stop.is_set)
        except hashes.HashingStopped:
            raise Stopped from None
        if wanted.sha256 in (None, sha256):
            settle(target, ticket, sha256)
            return True
    raise ModelError(
        f"{target} is another file, and it is not known to come from the hub",
        hint="Move it away to fetch this one.",
        kind="in-the-way",
    )


def _proceed(watch: Watch) -> None:
    """While what an earlier run left is read again."""
    if watch.stop.is_set():
        raise Stopped
    watch.state("verifying")


def _fill(part: Part, watch: Watch) -> None:
    """Fetch until the part has all its bytes."""
    tries = 0
    watch.progress(part.size)
    watch.state("fetching")
    while part.size < part.ticket.file.size:
        before = part.size
        failure: HubError | None
        try:
            failure = _receive(part, watch)
        except RangeRefused:
            _restart(part, watch, "the file on the hub is shorter now")
            failure = None
        except HubError as error:
            if not error.again:
                raise
            failure = error
        if part.size >= part.ticket.file.size:
            return
        if part.size - before >= GAIN:
            tries = 0
        if part.restarts > MAX_RESTARTS:
            raise _no_resuming(part)
        if failure is not None:
            _wait(failure, tries, part.size, watch)
            tries += 1


def _receive(part: Part, watch: Watch) -> HubError | None:
    """One request, to its end. None when the file has to be begun anew, by another request; else what to say if the
    file is not whole yet. Raises Stopped, RangeRefused, ModelError.
    """
    incoming = Incoming(part.ticket.repo, part.ticket.commit, part.ticket.path, part.size)
    try:
        answer = incoming.answer(watch.stop)
        _check(part, answer)
        blocks = incoming.blocks(watch.stop)
        first = b""
        changed = bool(answer.etag and part.ticket.etag and answer.etag != part.ticket.etag)
        if not part.size and answer.start:
            raise words.unreadable(session.host())
        if part.size and (changed or answer.start != part.size):
            if answer.start == 0:
                first = _beginning(blocks)  # a network's login page must not cost what was fetched
            why = "the file changed on the hub" if changed else "the hub does not resume"
            _restart(part, watch, why)
            if answer.start:
                return None
        part.tag(answer.etag)
        if first:
            part.append(first)
        for block in blocks:
            part.append(block)
            watch.state("fetching")
            watch.progress(part.size)
    finally:
        incoming.close()
    return _cut_off()


def _check(part: Part, answer: Answer) -> None:
    """Raise HubError (`hub-changed`) when the hub speaks of another file than the listing did."""
    wanted = part.ticket.file
    other_size = answer.total is not None and answer.total != wanted.size
    other_hash = len(answer.etag) == 64 and wanted.sha256 not in (None, answer.etag)
    if answer.start == 0 and other_size:
        raise HubError(
            f"{session.host()} sends {answer.total} bytes for {part.ticket.path}, its listing says {wanted.size}",
            hint="List the repository again; a proxy or a network's login page may have answered, too.",
            kind="hub-changed",
        )
    if other_size or other_hash:
        raise HubError(
            f"{part.ticket.path} is another file on {session.host()} now than it was when it was listed",
            hint="List the repository again, and fetch the new one.",
            kind="hub-changed",
        )


def _beginning(blocks: Iterator[bytes]) -> bytes:
    """The first bytes, once they show that a GGUF file is coming. Raises HubError."""
    first = b""
    while len(first) < len(MAGIC) and (block := next(blocks, b"")):
        first += block
    if not first.startswith(MAGIC):
        raise words.unreadable(session.host())
    return first


def _no_resuming(part: Part) -> HubError:
    return HubError(
        f"{session.host()} does not let {part.ticket.path} be resumed, and the connection does not last",
        hint="Try again over another connection.",
        kind="hub-unreachable",
    )


def _restart(part: Part, watch: Watch, why: str) -> None:
    part.restart()
    part.restarts += 1
    watch.progress(0)
    watch.note(f"{why}, so that fetching it begins anew")


def _cut_off() -> HubError:
    """The answer ended before the file did."""
    return HubError(
        f"{session.host()} dropped the connection",
        hint="Try again later.",
        kind="hub-unreachable",
        again=True,
    )


def _wait(failure: HubError, tries: int, size: int, watch: Watch) -> None:
    """Wait before the next try; `size` bytes are here. Raises Stopped, or the failure when it was the last one."""
    after = failure.after_s or 0.0
    if tries >= len(DELAYS_S) or after > PATIENT_S:
        raise HubError(
            failure.message + (f", {tries + 1} times in a row" if tries else ""),
            hint=f"{failure.hint} What was fetched is kept." if size else failure.hint,
            kind=failure.kind,
        )
    watch.state("stalled")
    if watch.stop.wait(max(DELAYS_S[tries], after)):
        raise Stopped
