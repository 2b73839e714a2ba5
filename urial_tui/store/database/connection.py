"""One SQLite connection with our pragmas, plain reads, and short write transactions. Its errors are StoreErrors.

Used from the thread that opened it. Every statement of the store goes through here.
"""

import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from urial_tui.errors import StoreError
from urial_tui.store.database.faults import translated
from urial_tui.store.database.files import uri

BUSY_TIMEOUT_S = 5.0
OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables."""
WAL_IS_SAFE_SINCE = (3, 51, 3)
"""Older libraries can corrupt a write-ahead log that several connections reset at once."""

Params = Sequence[Any]
Row = dict[str, Any]


def journal_mode_for(version: tuple[int, ...]) -> str:
    """The journal mode to use with this version of the SQLite library.

    TRUNCATE is the rollback journal that, with synchronous=FULL, also survives a power cut right after the commit:
    the end of the journal is synced, while the deletion of DELETE mode is not.
    """
    return "wal" if version >= WAL_IS_SAFE_SINCE else "truncate"


class Connection:
    """An open database. `path` None is a database in memory."""

    def __init__(
        self, path: Path | None, *, readonly: bool = False, busy_timeout: float = BUSY_TIMEOUT_S
    ) -> None:
        """Connect; nothing is written yet. Raises StoreError."""
        from sqlite_utils import Database

        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StoreError(
                f"SQLite {sqlite3.sqlite_version} is too old for the history",
                kind="sqlite-too-old",
                hint="Use a Python that was built with SQLite 3.37 or newer.",
            )
        self.path = path
        self.readonly = readonly
        with translated(path):
            # Also for reading the file is opened `rw`: after a crash the first reader must be able to roll back the
            # journal. `query_only` keeps a reader from writing anything of its own.
            raw = sqlite3.connect(
                ":memory:" if path is None else uri(path, "rw"),
                uri=path is not None,
                timeout=busy_timeout,
                isolation_level=None,
            )
            try:
                raw.text_factory = _text
                self.db = Database(raw, recursive_triggers=False, execute_plugins=False)
                raw.execute("PRAGMA foreign_keys=ON")
                raw.execute("PRAGMA cell_size_check=ON")
                raw.execute("PRAGMA temp_store=MEMORY")
                raw.execute("PRAGMA synchronous=FULL")
                if sys.platform == "darwin":
                    raw.execute("PRAGMA fullfsync=ON")
                if readonly:
                    raw.execute("PRAGMA query_only=ON")
                raw.execute(
                    "PRAGMA schema_version"
                ).fetchone()  # reads the file: is it a database at all?
            except BaseException:
                raw.close()
                raise
        self.raw = raw

    def stay_readonly(self) -> None:
        """From now on nothing is written any more."""
        self.execute("PRAGMA query_only=ON")
        self.readonly = True

    def prepare_writing(self) -> None:
        """Set what writing needs, once the schema is known to be ours. Going to WAL changes the file's header."""
        with translated(self.path):
            self.raw.execute("PRAGMA secure_delete=ON")
            if self.path is None:
                return
            wanted = journal_mode_for(sqlite3.sqlite_version_info)
            (mode,) = self.raw.execute(f"PRAGMA journal_mode={wanted}").fetchone()
            if mode == "wal" and wanted != "wal":
                raise StoreError(
                    f"{self.path} is in use by a program with a newer SQLite",
                    kind="locked",
                    hint="Close the other program first.",
                )

    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        """All rows of a query. Fetched at once: an unfinished read would keep a lock on the file."""
        with translated(self.path):
            return list(self.db.query(sql, params))

    def row(self, sql: str, params: Params = ()) -> Row | None:
        rows = self.rows(sql, params)
        return rows[0] if rows else None

    def value(self, sql: str, params: Params = ()) -> Any:
        """The first column of the first row, or None."""
        found = self.tuples(sql, params)
        return found[0][0] if found else None

    def tuples(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows as tuples: for tables of many small rows."""
        with translated(self.path):
            return self.raw.execute(sql, params).fetchall()

    def execute(self, sql: str, params: Params = ()) -> int:
        """Run a statement; return how many rows it changed."""
        with translated(self.path):
            return self.raw.execute(sql, params).rowcount

    def executemany(self, sql: str, rows: Iterable[Params | Row]) -> None:
        with translated(self.path):
            self.raw.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A write transaction: everything in the block, or nothing. Inside another one it is part of that one.

        IMMEDIATE, so that it waits for its turn at the beginning and cannot fail half way for a lock.
        """
        nested = self.raw.in_transaction
        if nested:
            yield
            return
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            # A full disk and some other errors have already rolled back by themselves.
            if self.raw.in_transaction:
                with suppress(sqlite3.Error):
                    self.raw.execute("ROLLBACK")
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Reads in the block see one moment of the database. Keep it short: writers wait."""
        if self.raw.in_transaction:
            yield
            return
        self.execute("BEGIN")
        try:
            yield
        finally:
            with suppress(sqlite3.Error):
                self.raw.execute("COMMIT")

    def close(self) -> None:
        self.raw.close()


def _text(raw: bytes) -> str:
    """Text as it is in the file; another program may have written bytes that are not UTF-8."""
    return str(raw, "utf-8", "replace")
