"""Everything that can still be read of a damaged history, into a new one. The damaged file is not touched.

Tables that SQLite finds whole are copied by it, others page by page (`salvage_tables`). What then refers to rows that
are gone is mended, or left out (`mending`).
"""

import shutil
import sqlite3
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from urial_tui.errors import StoreError
from urial_tui.store.care import header, mending
from urial_tui.store.care.pages import Damaged, Pages
from urial_tui.store.care.salvage_tables import Tables, TableSaved
from urial_tui.store.database import files
from urial_tui.store.database.connection import BUSY_TIMEOUT_S, Connection
from urial_tui.store.database.faults import translated
from urial_tui.store.schema import check, migrate
from urial_tui.store.schema.steps import APPLICATION_ID, LATEST

_BACKUPS = "Go back to a backup (files ending in .bak beside it)."
_JOURNALS = ("-journal", "", "-wal")
"""A rollback journal is copied before the file, a write-ahead log after it: then each of them fits it."""


@dataclass(frozen=True)
class Salvaged:
    """A new history and what is in it. `rebuilt` messages and sessions are there without what was lost of them."""

    path: Path
    tables: tuple[TableSaved, ...]
    rebuilt: int
    damaged_pages: int


def salvage(source: Path, target: Path) -> Salvaged:
    """Read the history at `source` into the new file `target`, mode 0600, which appears when it is whole.

    Needs room for two copies beside `target` meanwhile. Raises StoreError: `missing`, `exists`, `locked`,
    `not-history`, `schema-newer`, `disk-full`, or `corrupt` where even the first page is gone.
    """
    found = files.existing(source)
    files.refuse_existing(target)
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(files.work_folder(target.absolute().parent, ".salvage-"))
        except OSError as error:
            raise files.cannot_make(target, error) from error
        copy, new = folder / "copy.db", folder / "new.db"
        _copy(found, copy)
        tables = _read(found, copy, new)
        files.publish(new, target)
    return Salvaged(target, tables.counts, tables.rebuilt, tables.damaged_pages)


def _copy(source: Path, copy: Path) -> None:
    """Copy the file with its journals as at one moment. In the copy SQLite rolls back what was half written."""
    with translated(source), closing(_holding(source)):
        for end in _JOURNALS:
            try:
                shutil.copyfile(f"{source}{end}", f"{copy}{end}")
            except FileNotFoundError:
                continue
            except OSError as error:
                raise files.cannot_make(copy, error) from error
    # Where it cannot, the pages are read as they are.
    if header.is_refused(copy):
        header.put_back(copy)


def _holding(source: Path) -> sqlite3.Connection:
    """A connection that keeps other programs from writing, where one can be had, and never writes itself.

    Raises sqlite3.Error when another program does not let go of the file.
    """
    raw = sqlite3.connect(files.uri(source, "ro"), uri=True, timeout=BUSY_TIMEOUT_S)
    try:
        raw.execute("BEGIN")
        raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        # A damaged file, and one with a journal to roll back, is written by nobody.
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raw.close()
            raise
    return raw


def _read(source: Path, copy: Path, new: Path) -> Tables:
    """Fill the new history, of today's schema: columns of earlier ones kept their names and places."""
    try:
        pages = Pages(copy)
    except Damaged as error:
        raise StoreError(
            f"nothing can be read of {source}: {error}", kind="corrupt", hint=_BACKUPS
        ) from error
    with pages, closing(Connection(files.create(new))) as db:
        _refuse_others(source, pages)
        db.execute("PRAGMA synchronous=OFF")  # the file is synced when it is whole
        migrate.migrate(db)
        db.execute("PRAGMA foreign_keys=OFF")
        with suppress(StoreError):  # where even the schema is damaged, the pages alone are read
            db.execute("ATTACH ? AS old", (files.uri(copy, "ro"),))
        tables = Tables(db, pages)
        with mending.made_anew(db):
            # Not in one transaction: in one that has met a damaged page of `old`, SQLite writes no more.
            tables.copy()
            lost = mending.lost_messages(db)
            with db.transaction():
                tables.mended(*mending.mend(db, lost))
        with suppress(StoreError):
            db.execute("DETACH old")
        problems = check.problems(db)
    if problems:
        raise StoreError(
            f"what was read of {source} does not fit together: {problems[0]}",
            kind="corrupt",
            hint=_BACKUPS,
        )
    return tables


def _refuse_others(source: Path, pages: Pages) -> None:
    if pages.application_id != APPLICATION_ID:
        raise StoreError(
            f"{source} is not a history of urial-tui", kind="not-history", hint="Name the file."
        )
    if pages.user_version > LATEST:
        raise StoreError(
            f"{source} was written by a newer urial-tui",
            kind="schema-newer",
            hint="Update urial-tui. The file was not touched.",
        )
