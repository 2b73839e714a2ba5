"""The database as a file: made private before SQLite sees it, refused when something else is in its place, backed up.

An existing database is never opened here by hand: closing such a descriptor would drop the POSIX locks that another
connection of this process holds on the file.
"""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from urial_tui.errors import StoreError, UrialError
from urial_tui.files import new_part
from urial_tui.paths import ensure_private_dir
from urial_tui.store.database.faults import not_a_database

SMALLEST_DATABASE = 512
"""One page of the smallest size, in bytes."""

JOURNALS = ("-journal", "-wal", "-shm")
"""What SQLite may keep beside a database, by the ends of the names."""

ANOTHER_PLACE = (
    "Check the permissions and the free space of that folder, or name a file in another one."
)

KEPT_BACKUPS = 3
"""How many backups made before migrations stay beside the database."""
_PART = "history-copy"
"""In the names of copies that are being made."""
_LOCK = "urial-tui.lock"
"""What a living program holds in a folder of its own."""


def uri(path: Path, mode: str) -> str:
    """`path` as a SQLite URI; `mode` is ro, rw or rwc. Safe for `?`, `#`, `%` and names that are not UTF-8."""
    return f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}"


def find(path: Path) -> Path | None:
    """The regular file at `path` with links followed, or None when nothing is there.

    Raises StoreError when something else is there: a directory, a device, a link that leads nowhere.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise StoreError(
                f"{path} is a link to {path.readlink()}, which is not there",
                kind="dangling-link",
                hint="Remove the link or bring back the file that it leads to.",
            ) from None
        return None
    except OSError as error:
        raise cannot_open(path, error) from error
    if stat.S_ISDIR(found.st_mode):
        raise StoreError(
            f"{path} is a folder, not a history",
            kind="is-a-directory",
            hint="Move the folder away; the history is a single file of that name.",
        )
    if not stat.S_ISREG(found.st_mode):
        raise StoreError(
            f"{path} is not a regular file", kind="not-a-database", hint="Move it away."
        )
    if (
        0 < found.st_size < SMALLEST_DATABASE
    ):  # SQLite would take it for an empty one and write over it
        raise not_a_database(str(path))
    return path.resolve()


def existing(path: Path) -> Path:
    """The same, where one must be there. Raises StoreError (`missing`), too."""
    found = find(path)
    if found is None:
        raise StoreError(f"there is no history at {path} yet", kind="missing", hint="Chat first.")
    return found


def create(path: Path) -> Path:
    """Make an empty file of mode 0600 in a folder of mode 0700 (both only when missing), and return its real path."""
    try:
        ensure_private_dir(path.parent)
    except UrialError as error:
        raise StoreError(error.message, hint=error.hint, kind="cannot-open") from error
    path = path.parent.resolve() / path.name
    flags = (
        os.O_RDWR
        | os.O_CREAT
        | os.O_EXCL
        | getattr(os, "O_NOFOLLOW", 0)
        | getattr(os, "O_CLOEXEC", 0)
    )
    try:
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        found = find(path)  # another program was faster
        if found is None:
            raise StoreError(f"{path} appears and disappears", kind="cannot-open") from None
        return found
    except OSError as error:
        raise cannot_open(path, error) from error
    return path


def cannot_open(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot open {path}: {error.strerror or error}",
        kind="cannot-open",
        hint="Check the permissions and the free space, or set URIAL_TUI_HOME to a folder that is writable.",
    )


def cannot_make(path: Path, error: OSError) -> StoreError:
    """The same for a new file that was asked for at `path`."""
    return StoreError(
        f"cannot make {path}: {error.strerror or error}", kind="cannot-open", hint=ANOTHER_PLACE
    )


def backup_name(path: Path, label: str) -> Path:
    """A free name beside `path`, for example history.db.schema1-20260102T030405Z.bak."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    candidate = path.with_name(f"{path.name}.{label}-{stamp}.bak")
    n = 1
    while candidate.exists():
        n += 1
        candidate = path.with_name(f"{path.name}.{label}-{stamp}-{n}.bak")
    return candidate


def copy_database(source: Path, target: Path) -> None:
    """Copy the committed state of the database at `source` into the new file `target`, mode 0600.

    Uses a connection of its own, so that it works while another one holds a write transaction. `target` appears when
    the copy is whole and on the disk; what copies that were killed have left beside it goes. Pages are copied as they
    are, damaged ones too. Raises sqlite3.Error or StoreError (`exists`, `cannot-open`).
    """
    with (
        _copying(target) as part,
        closing(sqlite3.connect(uri(source, "rw"), uri=True, timeout=5.0)) as reader,
    ):
        reader.execute("PRAGMA query_only=ON")
        with closing(sqlite3.connect(uri(part, "rw"), uri=True)) as writer:
            reader.backup(writer)


def copy_bytes(source: Path, target: Path) -> None:
    """The same for a file that SQLite refuses, so that no program can be writing to it. Raises StoreError."""
    with _copying(target) as part:
        try:
            shutil.copyfile(source, part)
        except OSError as error:
            raise cannot_make(target, error) from error


@contextmanager
def _copying(target: Path) -> Iterator[Path]:
    """An empty file that the block fills; then it gets its name. It goes where the block raises."""
    refuse_existing(target)
    try:
        _remove_left_over(target.parent)
        handle, part = new_part(target.with_name(_PART))
    except OSError as error:
        raise cannot_make(target, error) from error
    try:
        _take(handle)
        yield part
        publish(part, target)
    finally:
        _remove(part)
        os.close(handle)


def _remove_left_over(folder: Path) -> None:
    """Parts of copies, with their journals, whose program is gone. Raises OSError."""
    for part in folder.glob(f".{_PART}.*.part"):
        try:
            handle = os.open(part, os.O_RDONLY)
        except OSError:  # gone meanwhile, or another user's
            continue
        try:
            if _take(handle):
                _remove(part)
        finally:
            os.close(handle)


@contextmanager
def work_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder of mode 0700 in `parent` for the time of the block; what blocks that were killed have left there goes.

    Raises OSError.
    """
    for lock in parent.glob(f"{prefix}*/{_LOCK}"):
        if lock.parent.is_symlink() or lock.is_symlink() or not lock.is_file():
            continue
        try:
            handle = os.open(lock, os.O_RDONLY)
        except OSError:  # gone meanwhile, or another user's
            continue
        try:
            if _take(handle):
                shutil.rmtree(lock.parent, ignore_errors=True)
        finally:
            os.close(handle)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as name:
        handle = os.open(Path(name, _LOCK), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _take(handle)
            yield Path(name)
        finally:
            os.close(handle)


def _take(handle: int) -> bool:
    """Mark a part, or the lock of a folder, as that of a living program, as long as the handle is open; False: it is
    another one's.

    Where a system, or its file system, knows no such locks, every part may be another one's.
    """
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _remove(part: Path) -> None:
    """With the journals that SQLite may have left beside it."""
    for end in JOURNALS:
        part.with_name(f"{part.name}{end}").unlink(missing_ok=True)
    part.unlink(missing_ok=True)


def refuse_existing(target: Path) -> None:
    """Raises StoreError (`exists`): nothing is ever written over."""
    if target.exists() or target.is_symlink():
        raise StoreError(
            f"{target} is there already", kind="exists", hint="Name a file that is not there."
        )


def publish(part: Path, target: Path) -> None:
    """Give a finished database its name, once it is on the disk; never over another file.

    Raises StoreError (`exists`, `cannot-open`).
    """
    try:
        handle = os.open(part, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        refuse_existing(target)
        try:
            os.link(part, target)
        except FileExistsError:
            refuse_existing(target)
            raise
        except OSError:  # a file system without links
            part.replace(target)
        else:
            part.unlink()
    except OSError as error:
        raise cannot_make(target, error) from error


def size(path: Path) -> int:
    """Bytes of the database with what is still in a write-ahead log beside it."""
    return sum(p.stat().st_size for p in (path, path.with_name(f"{path.name}-wal")) if p.exists())


def prune_backups(path: Path) -> None:
    """Remove the oldest backups that migrations made; those that a user asked for stay."""
    found = sorted(path.parent.glob(f"{path.name}.schema*.bak"), key=lambda p: p.stat().st_mtime_ns)
    for old in found[:-KEPT_BACKUPS]:
        old.unlink(missing_ok=True)
