"""A file that is not complete: FILE.part, locked while it grows, hashed as it is written, renamed when it is right.

One program at a time holds it, by a lock of the operating system that ends with the process. Whatever ends the work,
what was written stays and can be gone on with, except when the hash shows that it is damaged.
"""

import contextlib
import hashlib
import io
import os
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

from urial_tui.errors import ModelError
from urial_tui.models import hashes
from urial_tui.models.hub import origin, ticket
from urial_tui.models.hub.download import is_whole
from urial_tui.models.hub.names import PART, check_way, target_of
from urial_tui.models.hub.ticket import Ticket
from urial_tui.models.hub.words import HubError

MAGIC: Final = b"GGUF"
_BLOCK: Final = 4 * 1024 * 1024
_LOCKED_BYTE: Final = 2**62
"""Where Windows, which locks bytes and not files, has the lock: behind any content."""


class Part:
    """The growing file of `target`. Use as a context manager; `size` is what it has, in bytes."""

    def __init__(self, folder: Path, target: Path, wanted: Ticket) -> None:
        """Open and lock it. Raises ModelError: `hub-busy`, `in-the-way`, `disk-full`, `unwritable`."""
        self.folder, self.target, self.ticket = folder, target, wanted
        self.path = target.with_name(target.name + PART)
        check_way(folder, target)
        self._file = self._locked()
        self.size = self.restarts = 0
        self._digest = hashlib.sha256()

    def _locked(self) -> io.FileIO:
        """The open file, which is the one that has the name: another program may just have renamed the first one."""
        while True:
            file = _open(self.path)
            try:
                if not _lock(file):
                    raise _busy(self.target)
                held = os.fstat(file.fileno())
                with contextlib.suppress(FileNotFoundError):
                    there = self.path.lstat()
                    if (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino):
                        return file
            except BaseException:
                file.close()
                raise
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def has_bytes(self) -> bool:
        """Whether there is anything in it, be it of use or not."""
        return os.fstat(self._file.fileno()).st_size > 0

    def reuse(self, proceed: Callable[[], None]) -> str:
        """Take what an earlier run left, if it is of the same content; why it cannot be used, in words, if not.

        What is there is read again for its hash; `proceed` is called meanwhile, and may raise to stop.
        """
        held = os.fstat(self._file.fileno()).st_size
        before = ticket.read_ticket(ticket.ticket_file(self.target))
        why = ""
        if held and before is None:
            why = "nothing says where what is there came from, so that fetching it begins anew"
        elif held and before is not None and not ticket.is_same(before, self.ticket):
            why = "the file changed on the hub, so that fetching it begins anew"
        elif held > self.ticket.file.size:
            why = "what was fetched is longer than the file, so that fetching it begins anew"
        if why or not held:
            self.restart()
        else:
            assert before is not None
            self.ticket = msgspec.structs.replace(self.ticket, etag=before.etag)
            self._rehash(held, proceed)
        self.keep_ticket()
        return why

    def _rehash(self, held: int, proceed: Callable[[], None]) -> None:
        """Read what is there, for its hash. Raises ModelError where the disk does not give it."""
        try:
            self._file.seek(0)
            while self.size < held:
                proceed()
                block = self._file.read(min(_BLOCK, held - self.size))
                if not block:
                    break
                self._digest.update(block)
                self.size += len(block)
            self._file.truncate(self.size)
        except OSError as error:
            raise origin.unwritable(self.path, error) from error

    def restart(self) -> None:
        """Forget what is there. Raises ModelError."""
        try:
            self._file.seek(0)
            self._file.truncate(0)
        except OSError as error:
            raise origin.unwritable(self.path, error) from error
        self.size, self._digest = 0, hashlib.sha256()

    def tag(self, etag: str) -> None:
        """Keep the hub's tag of the content that is being written. Raises ModelError."""
        if etag and etag != self.ticket.etag:
            self.ticket = msgspec.structs.replace(self.ticket, etag=etag)
            self.keep_ticket()

    def keep_ticket(self) -> None:
        ticket.write_ticket(self.target, msgspec.structs.replace(self.ticket, pid=os.getpid()))

    def append(self, block: bytes) -> None:
        """Write at the end. Raises ModelError (`disk-full`, `unwritable`), HubError when it is no GGUF or too long."""
        if self.size + len(block) > self.ticket.file.size:
            raise self._damaged("is longer than the hub said")
        expected = MAGIC[self.size : self.size + len(block)]
        if not block.startswith(expected):
            raise self._damaged("is not a GGUF file")
        view = memoryview(block)
        while view:
            try:
                written = self._file.write(view)
            except OSError as error:
                raise origin.unwritable(self.path, error) from error
            written = written or 0
            self._digest.update(view[:written])
            self.size += written
            view = view[written:]

    def finish(self) -> str:
        """Check the hash, give the file its name, write down where it came from; the sha256.

        Raises HubError (`hub-damaged`; nothing is left then) and ModelError.
        """
        wanted, sha256 = self.ticket.file, self._digest.hexdigest()
        if self.size != wanted.size or (wanted.sha256 or sha256) != sha256:
            raise self._damaged("is not what the hub has: its sha256 is another")
        try:
            os.fsync(self._file.fileno())
            check_way(self.folder, self.target)
            if os.name == "nt":  # no open file can be renamed there
                self._file.close()
            self.path.replace(self.target)
            _sync_folder(self.target.parent)
        except OSError as error:
            raise origin.unwritable(self.target, error) from error
        settle(self.target, self.ticket, sha256)
        return sha256

    def _damaged(self, what: str) -> HubError:
        """Nothing of a damaged file is kept."""
        self.remove()
        return HubError(
            f"{self.ticket.path} of {self.ticket.repo}, as it came, {what}; it was removed",
            hint="Fetch it again. If it comes wrong again, something on the way changes it, or the hub's file is bad.",
            kind="hub-damaged",
        )

    def remove(self) -> None:
        """Take the unfinished file and its ticket away. Raises ModelError."""
        if os.name == "nt":
            self._file.close()
        try:
            self.path.unlink(missing_ok=True)
            ticket.ticket_file(self.target).unlink(missing_ok=True)
        except OSError as error:
            raise origin.unwritable(self.path, error) from error
        self._file.close()


def remove_unfinished(folder: Path, wanted: Ticket) -> None:
    """Take away what came of a file, whole or not, and the folders that are empty then.

    Raises ModelError: `hub-busy` when another program is fetching it.
    """
    target = target_of(folder, wanted.repo, wanted.path)
    check_way(folder, target)
    if not target.parent.is_dir():
        return
    with Part(folder, target, wanted) as part:
        part.remove()
    known = origin.read_origin(target)
    try:
        if known is not None and (known.repo, known.path) == (wanted.repo, wanted.path):
            target.unlink(missing_ok=True)
            origin.origin_file(target).unlink(missing_ok=True)
    except OSError as error:
        raise origin.unwritable(target, error) from error
    _remove_empty_folders(folder, target)


def remove_if_empty(folder: Path, wanted: Sequence[Ticket]) -> bool:
    """Whether no byte of a model, whose files `wanted` are, is on disk, and nobody fetches it; its empty parts and its
    tickets are taken away then. Raises ModelError for a place that cannot be written.
    """
    targets = [target_of(folder, each.repo, each.path) for each in wanted]
    with contextlib.ExitStack() as held:
        parts = []
        for each, target in zip(wanted, targets, strict=True):
            check_way(folder, target)
            if is_whole(target, each):
                return False
            path = target.with_name(target.name + PART)
            if path.is_file():
                if path.stat().st_size:
                    return False
                try:
                    parts.append(held.enter_context(Part(folder, target, each)))
                except HubError:  # another program has it
                    return False
                if parts[-1].has_bytes:
                    return False
        for part in parts:
            part.remove()
        for target in targets:
            try:
                ticket.ticket_file(target).unlink(missing_ok=True)
            except OSError as error:
                raise origin.unwritable(target, error) from error
            _remove_empty_folders(folder, target)
    return True


def _remove_empty_folders(folder: Path, target: Path) -> None:
    for empty in target.parents[: len(target.relative_to(folder).parts) - 1]:
        with contextlib.suppress(OSError):
            empty.rmdir()


def settle(target: Path, wanted: Ticket, sha256: str) -> None:
    """`target` is complete and right: keep its origin and its hash, drop the ticket. Raises ModelError."""
    file = wanted.file
    origin.write_origin(
        target,
        origin.Origin(
            repo=wanted.repo,
            commit=wanted.commit,
            path=wanted.path,
            size=file.size,
            sha256=sha256,
            checked=file.sha256 is not None,
            license=wanted.license,
            base_model=wanted.base_model,
            fetched=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        ),
    )
    hashes.remember_sha256(target, sha256)
    with contextlib.suppress(
        OSError
    ):  # one that stays is dropped when it is found beside the whole file
        ticket.ticket_file(target).unlink(missing_ok=True)


def _open(path: Path) -> io.FileIO:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise ModelError(
                f"{path} is a link, and nothing is written through links",
                hint="Move it away, and try again.",
                kind="in-the-way",
            ) from None
        raise origin.unwritable(path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ModelError(
            f"{path} is not a file", hint="Move it away, and try again.", kind="in-the-way"
        )
    return io.FileIO(descriptor, "r+b")


def _lock(file: io.FileIO) -> bool:
    """Whether nobody else has it. Where a file system knows no locks there is none."""
    try:
        import fcntl
    except ImportError:
        return _lock_byte(file)
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _lock_byte(file: io.FileIO) -> bool:
    import msvcrt

    file.seek(_LOCKED_BYTE)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    finally:
        file.seek(0)
    return True


def _busy(target: Path) -> HubError:
    found = ticket.read_ticket(ticket.ticket_file(target))
    who = f"process {found.pid}" if found is not None and found.pid else "another program"
    return HubError(
        f"{target.name} is being fetched by {who} already",
        hint="Wait for it, or stop it there first.",
        kind="hub-busy",
    )


def _sync_folder(folder: Path) -> None:
    """Have the new name on disk, too, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
