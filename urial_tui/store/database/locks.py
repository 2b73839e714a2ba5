"""A lock a session and a lock a run, so that two programs never write the same. A row, not a file lock: it says who.

Who writes a run writes its conversations: the lock of the run holds each of them too.
"""

import os
from dataclasses import dataclass
from datetime import datetime

from urial_tui.errors import StoreError
from urial_tui.store.database import processes
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.database.ids import now, storable
from urial_tui.store.types import LockHolder


@dataclass(frozen=True)
class _Kind:
    """What is locked: a table, its table of locks with the key of the row, and the words for a refusal."""

    table: str
    locks: str
    key: str
    refused: str
    taken: str
    hint: str
    hint_elsewhere: str


_SESSION = _Kind(
    table="session",
    locks="session_lock",
    key="session_id",
    refused="session-locked",
    taken="this session is open in",
    hint="Close it there, or use another session.",
    hint_elsewhere="Close it there, or use another session. If {host} is gone, take it over from the command palette.",
)
_RUN = _Kind(
    table="run",
    locks="run_lock",
    key="run_id",
    refused="run-locked",
    taken="this run is being written by",
    hint="Wait until it is done, or end it there.",
    hint_elsewhere="Wait until it is done, or end it there. If {host} is gone: urial-tui runs unlock {key}",
)


def lock(db: Connection, session_id: str, program: str, *, take_over: bool = False) -> None:
    """Take the lock of a session for this process; taking it twice is fine.

    A lock whose process is gone is taken over; with `take_over` any lock is. Raises StoreError (`session-locked`, or
    `run-locked` for a conversation of a run) naming the holder, or `not-found`.
    """
    with db.transaction():
        if not take_over:
            guard(db, session_id)
        _take(db, _SESSION, session_id, program)


def lock_run(db: Connection, run_id: str, program: str, *, take_over: bool = False) -> None:
    """The same for a run. Raises StoreError (`run-locked`) naming the holder, or `not-found`."""
    with db.transaction():
        if not take_over:
            guard_run(db, run_id)
        _take(db, _RUN, run_id, program)


def unlock(db: Connection, session_id: str) -> None:
    """Give the lock back; a lock of another process stays."""
    _give_back(db, _SESSION, session_id)


def unlock_run(db: Connection, run_id: str) -> None:
    _give_back(db, _RUN, run_id)


def guard(db: Connection, session_id: str) -> None:
    """Raise StoreError when another living process holds the lock of this session, or of the run that it is of."""
    _refuse(_SESSION, session_id, _holder(db, _SESSION, session_id))
    run_id = _run_of(db, session_id)
    if run_id is not None:
        guard_run(db, run_id)


def guard_run(db: Connection, run_id: str) -> None:
    """Raise StoreError (`run-locked`) when another living process holds the lock of this run."""
    _refuse(_RUN, run_id, _holder(db, _RUN, run_id))


def holder(db: Connection, session_id: str) -> LockHolder | None:
    """Who holds the lock, this process included. None when nobody does, or the holder's process is gone.

    A lock of another host counts as held: its processes cannot be seen from here.
    """
    found = _holder(db, _SESSION, session_id)
    if found is not None:
        return found
    run_id = _run_of(db, session_id)
    return None if run_id is None else run_holder(db, run_id)


def run_holder(db: Connection, run_id: str) -> LockHolder | None:
    """The same for a run."""
    return _holder(db, _RUN, run_id)


def others(db: Connection) -> list[LockHolder]:
    """The locks that other programs hold, as `holder` sees them."""
    found = []
    for kind in (_SESSION, _RUN):
        for row in db.rows(f"SELECT {kind.key} FROM {kind.locks}"):
            held = _holder(db, kind, row[kind.key])
            if held is not None and (held.pid, held.host) != (os.getpid(), processes.host()):
                found.append(held)
    return found


def remove_stale(db: Connection) -> None:
    """Drop the locks of processes of this host that are gone. Inside the caller's transaction."""
    for kind in (_SESSION, _RUN):
        for row in db.rows(f"SELECT * FROM {kind.locks}"):
            if _is_stale(row):
                db.execute(f"DELETE FROM {kind.locks} WHERE {kind.key} = ?", (row[kind.key],))


def _take(db: Connection, kind: _Kind, key: str, program: str) -> None:
    if db.value(f"SELECT 1 FROM {kind.table} WHERE id = ?", (key,)) is None:
        raise StoreError(f"there is no {kind.table} {storable(key)}", kind="not-found")
    pid = os.getpid()
    db.execute(
        f"INSERT OR REPLACE INTO {kind.locks} ({kind.key}, pid, host, started, program, since) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (key, pid, processes.host(), processes.started(pid), storable(program), now()),
    )


def _give_back(db: Connection, kind: _Kind, key: str) -> None:
    with db.transaction():
        db.execute(
            f"DELETE FROM {kind.locks} WHERE {kind.key} = ? AND pid = ? AND host = ?",
            (key, os.getpid(), processes.host()),
        )


def local_time(stored: str) -> str:
    """A time of the history as a sentence names it: in the time zone here, to the minute; as it stands where it cannot
    be read."""
    try:
        return datetime.fromisoformat(stored).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return stored


def _refuse(kind: _Kind, key: str, other: LockHolder | None) -> None:
    if other is None or (other.pid == os.getpid() and other.host == processes.host()):
        return
    elsewhere = other.host != processes.host()
    where = f" on {other.host}" if elsewhere else ""
    raise StoreError(
        f"{kind.taken} {other.program} (process {other.pid}{where}, since {local_time(other.since)})",
        kind=kind.refused,
        hint=(kind.hint_elsewhere if elsewhere else kind.hint).format(host=other.host, key=key),
    )


def _holder(db: Connection, kind: _Kind, key: str) -> LockHolder | None:
    row = db.row(f"SELECT * FROM {kind.locks} WHERE {kind.key} = ?", (key,))
    if row is None or _is_stale(row):
        return None
    return LockHolder(pid=row["pid"], host=row["host"], program=row["program"], since=row["since"])


def _run_of(db: Connection, session_id: str) -> str | None:
    found = db.value("SELECT run_id FROM session WHERE id = ?", (session_id,))
    return None if found is None else str(found)


def _is_stale(row: Row) -> bool:
    return row["host"] == processes.host() and not processes.is_alive(row["pid"], row["started"])
