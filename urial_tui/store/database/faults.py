"""SQLite's errors as StoreErrors with a stable kind, a clear message and something to do about it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from urial_tui.errors import StoreError

NOT_WRITABLE = ("read-only", "disk-full", "cannot-open")
"""Kinds of what the system refuses to whoever writes, though it may be read."""

_PRIMARY = 0xFF
_BACKUPS = "a backup (files ending in .bak beside it)."
_SALVAGE = (
    "`urial-tui history salvage` puts what can be read into a new file and leaves this one as it is. "
    f"Or go back to {_BACKUPS}"
)
_HEADER = 100
_TREE = (5, 13)
"""What follows the header: the kind of the page that lists the tables."""
_SCHEMA_ROW = b"tablesessionsession"
"""What the list of tables of every history has in it, near its beginning."""
_NEAR = 1 << 20
_ELSEWHERE = "Set URIAL_TUI_HOME to a folder that is writable, or work without saving."


def translate(error: sqlite3.Error, path: Path | None) -> StoreError:
    """The StoreError for an error of SQLite on the history at `path` (None: in memory)."""
    where = str(path) if path is not None else "the history in memory"
    code = getattr(error, "sqlite_errorcode", None)
    match (code or 0) & _PRIMARY:
        case sqlite3.SQLITE_FULL:
            return StoreError(
                f"no space left to write {where}",
                kind="disk-full",
                hint="Free some space on that disk; what was saved before is safe.",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreError(
                f"{where} is read-only",
                kind="read-only",
                hint=f"Check the permissions of the file and its folder. {_ELSEWHERE}",
            )
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(
                f"cannot open {where}",
                kind="cannot-open",
                hint=f"Check that the folder is there and writable. {_ELSEWHERE}",
            )
        case sqlite3.SQLITE_NOTADB:
            return _no_database(where, path)
        case sqlite3.SQLITE_CORRUPT:
            return StoreError(
                f"{where} is damaged ({error})",
                kind="corrupt",
                hint=_SALVAGE,
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError(
                f"another program keeps {where} locked",
                kind="locked",
                hint="Close the program that has the file open (a database browser, a backup), then try again.",
            )
        case sqlite3.SQLITE_IOERR:
            name = getattr(error, "sqlite_errorname", "") or "SQLITE_IOERR"
            return StoreError(
                f"reading or writing {where} failed ({name})",
                kind="io",
                hint="Check the disk, the free space and the quota.",
            )
        case sqlite3.SQLITE_TOOBIG:
            return StoreError(f"a text is too long for {where}", kind="too-big")
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return StoreError(f"{where} is closed", kind="closed")
    return StoreError(f"{where}: {error}", kind="store")


def _no_database(where: str, path: Path | None) -> StoreError:
    """SQLite goes by the first bytes alone; the tables of a history may still be behind them."""
    try:
        # Nothing of this process can hold a lock on a file that SQLite refuses.
        with (path or Path()).open("rb") as file:
            start = file.read(_NEAR)
    except OSError:
        start = b""
    if _SCHEMA_ROW not in start:
        return not_a_database(where)
    if start[_HEADER] in _TREE:
        return StoreError(
            f"the header of {where} is damaged (its first {_HEADER} bytes are not those of a database)",
            kind="corrupt",
            hint=_SALVAGE,
        )
    return StoreError(
        f"the first page of {where} is damaged, which says where everything is",
        kind="corrupt",
        hint=f"Go back to {_BACKUPS} Without that page `urial-tui history salvage` can read nothing.",
    )


def not_a_database(where: str) -> StoreError:
    return StoreError(
        f"{where} is not a SQLite database",
        kind="not-a-database",
        hint="Move that file away; a new history is made in its place.",
    )


@contextmanager
def translated(path: Path | None) -> Iterator[None]:
    """Raise StoreError in place of SQLite's errors."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, path) from error
