"""Care for the file of the history, beside no other program or beside a running one: is it whole, make it smaller.

Called by `urial-tui history`. `salvage` is for a file that is not whole any more.
"""

import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from urial_tui.errors import StoreError
from urial_tui.store.database import files, locks
from urial_tui.store.database.connection import Connection
from urial_tui.store.database.faults import NOT_WRITABLE, translate
from urial_tui.store.schema import check, migrate
from urial_tui.store.store import Store
from urial_tui.store.types import Stats

_MOST_TOLD = 10


@dataclass(frozen=True)
class Health:
    """What is wrong with a history, in words. `index` is about the search index; None: it could not be checked."""

    stats: Stats
    problems: tuple[str, ...]
    index: tuple[str, ...] | None

    @property
    def ok(self) -> bool:
        return not self.problems and not self.index


@dataclass(frozen=True)
class Compacted:
    """Sizes of the file in bytes. `needs` is not 0 where there was no room to write it anew: so much must be free."""

    before: int
    after: int
    needs: int = 0
    index_made_anew: bool = False


@dataclass(frozen=True)
class Copied:
    """A copy of a history, its size in bytes, and what is damaged in both of them."""

    path: Path
    size: int
    problems: tuple[str, ...]


def examine(path: Path) -> Health:
    """Read everything and compare it. Raises StoreError for what is no history, or cannot be opened now.

    Nothing is changed: a history of an older version is compared as a copy in memory that is brought up to date. SQLite
    compares the search index only where it may write, and keeps other writers waiting while it does (8 s for a million
    messages).
    """
    try:
        with Store(Connection(files.existing(path))) as store:
            if not migrate.pending(store._db):
                return _health(store, _stats(store))
            schema = store.schema_version
        with Store.read_into_memory(path) as copy:
            size = files.size(path)
            stats = replace(_stats(copy), path=str(path), size_bytes=size, schema_version=schema)
            return _health(copy, stats)
    except StoreError as error:
        if error.kind != "corrupt":
            raise
        stats = Stats(str(path), 0, 0, 0, 0, 0, files.size(path), 0, "", "")
        return Health(stats, (error.message,), None)


def _health(store: Store, stats: Stats) -> Health:
    problems = check.row_problems(store._db)
    index = None
    if not problems:
        try:
            index = tuple(check.index_problems(store._db))
        except StoreError as error:
            if error.kind not in NOT_WRITABLE:
                raise
    return Health(stats, tuple(problems), index)


def _stats(store: Store) -> Stats:
    """Counts of a damaged table are not to be had."""
    with suppress(StoreError):
        return store.stats()
    path = str(store.path)
    return Stats(path, 0, 0, 0, 0, 0, files.size(Path(path)), store.schema_version, "", "")


def back_up(source: Path, target: Path | None = None) -> Copied:
    """Copy what is committed to the new file `target`: by default, and in a folder, to a dated name.

    Raises StoreError: `exists`, `cannot-open`, `disk-full`, ...; a damaged history is copied as it is.
    """
    if target is None or target.is_dir():
        target = files.backup_name((target or source.parent) / source.name, "copy")
    try:
        files.copy_database(source, target)
    except sqlite3.Error as error:
        fault = translate(error, source)
        if fault.kind == "corrupt" and error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            files.copy_bytes(source, target)
        elif fault.kind in ("corrupt", "not-a-database"):
            raise fault from error
        else:  # a full disk, a folder that takes nothing
            refused = translate(error, target)
            if refused.kind in ("read-only", "cannot-open"):
                refused.hint = files.ANOTHER_PLACE
            raise refused from error
    return Copied(target, files.size(target), tuple(_page_problems(target)))


def _page_problems(path: Path) -> list[str]:
    """What SQLite finds wrong with a file, also of a newer schema; a few of many."""
    try:
        with closing(Connection(path, readonly=True)) as db:
            found = [str(line) for (line,) in db.tuples(f"PRAGMA quick_check({_MOST_TOLD})")]
    except StoreError as error:
        return [error.message]
    return [] if found == ["ok"] else found


def compact(path: Path) -> Compacted:
    """Write the file anew without the room that deleted rows have left, and the search index in one piece.

    Killed at any moment, the file is as before or as after. Raises StoreError: `locked` while another program writes.
    """
    with Store.open(path) as store:
        db = store._db
        assert db.path is not None
        _refuse_writers(db)
        before = files.size(db.path)
        broken = bool(check.index_problems(db))
        if broken:
            _search_index(db, "rebuild")
        needs = _room_needed(db)
        if needs <= shutil.disk_usage(db.path.parent).free:
            _search_index(db, "optimize")
            _rewrite(db, db.path)
            needs = 0
        return Compacted(before, files.size(db.path), needs, broken)


def _refuse_writers(db: Connection) -> None:
    for holder in locks.others(db):
        raise StoreError(
            f"{holder.program} (process {holder.pid}, since {locks.local_time(holder.since)}) writes this history now",
            kind="locked",
            hint="Close it first.",
        )


def _search_index(db: Connection, command: str) -> None:
    with db.transaction():
        for table in check.SEARCH_TABLES:
            db.execute(f"INSERT INTO {table} ({table}) VALUES ('{command}')")


def _room_needed(db: Connection) -> int:
    """The file as it will be, and a journal with all of it as it is."""
    pages = int(db.value("PRAGMA page_count"))
    free = int(db.value("PRAGMA freelist_count"))
    return (2 * pages - free) * int(db.value("PRAGMA page_size"))


def _rewrite(db: Connection, path: Path) -> None:
    """The new content goes through a temporary file, which shall be beside the history and not in memory."""
    folder = str(path.parent).replace("'", "''")
    db.execute("PRAGMA temp_store=FILE")
    with suppress(StoreError):  # libraries without deprecated parts know no such pragma
        db.execute(f"PRAGMA temp_store_directory='{folder}'")
    db.execute("VACUUM")
    db.value("PRAGMA wal_checkpoint(TRUNCATE)")
