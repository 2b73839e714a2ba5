"""The header of a database file, its first 100 bytes: made anew in the copy that `salvage` works on.

SQLite refuses a file by it, whatever is behind. After "Database File Format", section 1.3. The list of free pages is
lost with it: nothing is read from pages that are in no table unless a table is damaged, too.
"""

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

from urial_tui.store.care.pages import MAGIC
from urial_tui.store.database import files
from urial_tui.store.schema.steps import APPLICATION_ID, LATEST

_PAGE_SIZES = (4096, 8192, 16384, 32768, 65536, 2048, 1024, 512)
"""SQLite's own for new files first."""
_SIZE = 100
_SCHEMA_FORMAT, _UTF8 = 4, 1
_JOURNAL, _LOG = 1, 2


def is_refused(path: Path) -> bool:
    """Whether SQLite takes the file for no database at all. Else it takes in the journals beside it, where it can."""
    try:
        with closing(sqlite3.connect(files.uri(path, "rw"), uri=True)) as raw:
            raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.DatabaseError as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_NOTADB
    return False


def put_back(path: Path) -> None:
    """Give a history whose header alone is damaged another one. Any other file stays as it is."""
    with path.open("rb") as file:
        before = file.read(_SIZE)
    if len(before) < _SIZE:
        return
    for page_size in _PAGE_SIZES:
        _write(path, _header(path, page_size))
        if _is_history(path):
            return
    _write(path, before)


def _header(path: Path, page_size: int) -> bytes:
    log = path.with_name(f"{path.name}-wal").exists()
    journal = _LOG if log else _JOURNAL
    shown_size = 1 if page_size == 65536 else page_size
    pages = path.stat().st_size // page_size
    made_by = 0
    for part in sqlite3.sqlite_version_info:
        made_by = made_by * 1000 + part
    return (
        struct.pack(">16sHBB4B", MAGIC, shown_size, journal, journal, 0, 64, 32, 32)
        + struct.pack(">6I", 1, pages, 0, 0, 1, _SCHEMA_FORMAT)
        + struct.pack(">6I", 0, 0, _UTF8, LATEST, 0, APPLICATION_ID)
        + struct.pack(">20xII", 1, made_by)
    )


def _is_history(path: Path) -> bool:
    """Whether our tables are there; which schema it is of is written into the header then."""
    try:
        with closing(sqlite3.connect(files.uri(path, "rw"), uri=True)) as raw:
            raw.execute("SELECT id, title, side FROM session LIMIT 0")
            (version,) = raw.execute("SELECT max(version) FROM migration").fetchone()
            raw.execute(f"PRAGMA user_version={int(version)}")
    except (sqlite3.DatabaseError, TypeError):  # no such table, or none of its rows
        return False
    return True


def _write(path: Path, header: bytes) -> None:
    with path.open("r+b") as file:
        file.write(header)
