"""Bring a database to the current schema: all steps in one transaction, a backup first, a newer schema refused."""

from pathlib import Path

from urial_tui import __version__
from urial_tui.errors import StoreError
from urial_tui.store.database import files
from urial_tui.store.database.connection import Connection
from urial_tui.store.database.faults import translated
from urial_tui.store.database.ids import now
from urial_tui.store.schema.steps import APPLICATION_ID, MIGRATIONS, RECORD, Migration


def applied(db: Connection) -> dict[int, str]:
    """Version and name of each step that the database has been through; empty for a new database.

    Raises StoreError (`not-history`) when the database is somebody else's. Writes nothing.
    """
    if db.value("SELECT count(*) FROM sqlite_master") == 0:
        return {}
    if (
        db.value("PRAGMA application_id") != APPLICATION_ID
        or db.value("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migration'")
        is None
    ):
        raise StoreError(
            f"{db.path} is a SQLite database, but not a history of urial-tui",
            kind="not-history",
            hint="Move that file away; a new history is made in its place.",
        )
    return {
        row["version"]: row["name"]
        for row in db.rows("SELECT version, name FROM migration ORDER BY version")
    }


def pending(
    db: Connection, migrations: tuple[Migration, ...] = MIGRATIONS
) -> tuple[Migration, ...]:
    """The steps still to do. Raises StoreError (`schema-newer`) for a database with steps unknown to us."""
    done = applied(db)
    known = {step.version: step.name for step in migrations}
    unknown = [f"{version} {name}" for version, name in done.items() if known.get(version) != name]
    if unknown or int(db.value("PRAGMA user_version")) > migrations[-1].version:
        raise StoreError(
            f"{db.path} was written by a newer urial-tui (its schema has: {', '.join(unknown) or 'a higher version'})",
            kind="schema-newer",
            hint="Update urial-tui. The file was not touched.",
        )
    return tuple(step for step in migrations if step.version not in done)


def migrate(db: Connection, migrations: tuple[Migration, ...] = MIGRATIONS) -> Path | None:
    """Apply what is pending, all of it or nothing. Returns the backup, None when there was nothing to lose.

    Several programs may do this at the same moment: what is pending is asked again inside the transaction.
    """
    backup: Path | None = None
    if not pending(db, migrations):
        return None
    db.execute(
        "PRAGMA foreign_keys=OFF"
    )  # has no effect inside a transaction; a step may rebuild a table
    try:
        with db.transaction():
            steps = pending(db, migrations)
            if steps and _has_rows(db):
                backup = _back_up(db, steps[0].version - 1)
            for step in steps:
                _apply(db, step)
    finally:
        db.execute("PRAGMA foreign_keys=ON")
    return backup


def _apply(db: Connection, step: Migration) -> None:
    for statement in (RECORD, *step.statements):
        db.execute(statement)
    broken = db.rows("PRAGMA foreign_key_check")
    if broken:
        raise StoreError(
            f"cannot bring {db.path} to schema {step.version}: {len(broken)} rows lack what they refer to",
            kind="corrupt",
            hint="The file was not changed; go back to a backup.",
        )
    db.execute(
        "INSERT INTO migration (version, name, applied_at, program) VALUES (?, ?, ?, ?)",
        (step.version, step.name, now(), f"urial-tui {__version__}"),
    )
    db.execute(f"PRAGMA application_id={APPLICATION_ID}")
    db.execute(f"PRAGMA user_version={step.version}")


def _has_rows(db: Connection) -> bool:
    """Whether a migration could lose anything."""
    tables = {row["name"] for row in db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return any(
        db.value(f"SELECT 1 FROM {table} LIMIT 1")
        for table in ("session", "draft", "run")
        if table in tables
    )


def _back_up(db: Connection, version: int) -> Path | None:
    if db.path is None:
        return None
    target = files.backup_name(db.path, f"schema{version}")
    try:
        # A real write first: what takes none shall get no copy either, one more each time that it is opened.
        db.execute(f"PRAGMA user_version={version}")
        with translated(target):
            files.copy_database(db.path, target)
    except StoreError as error:
        raise StoreError(
            f"{db.path} must be brought up to date from schema {version}, which cannot be done: {error.message}",
            kind=error.kind,
            hint="Make the file and its folder writable and free some space; the file was not changed.",
        ) from error
    files.prune_backups(db.path)
    return target
