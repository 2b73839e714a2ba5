"""A lock a session, so that two programs never write the same conversation. A row, not a file lock: it says who."""

import os

from urial_tui.errors import StoreError
from urial_tui.store import processes
from urial_tui.store.connection import Connection, Row
from urial_tui.store.ids import now, storable
from urial_tui.store.types import LockHolder


def lock(db: Connection, session_id: str, program: str, *, take_over: bool = False) -> None:
    """Take the lock of a session for this process; taking it twice is fine.

    A lock whose process is gone is taken over; with `take_over` any lock is. Raises StoreError (`session-locked`)
    naming the holder, or `not-found`.
    """
    with db.transaction():
        if db.value("SELECT 1 FROM session WHERE id = ?", (session_id,)) is None:
            raise StoreError(f"there is no session {session_id}", kind="not-found")
        if not take_over:
            guard(db, session_id)
        pid = os.getpid()
        db.execute(
            "INSERT OR REPLACE INTO session_lock (session_id, pid, host, started, program, since) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (session_id, pid, processes.host(), processes.started(pid), storable(program), now()),
        )


def unlock(db: Connection, session_id: str) -> None:
    """Give the lock back; a lock of another process stays."""
    with db.transaction():
        db.execute(
            "DELETE FROM session_lock WHERE session_id = ? AND pid = ? AND host = ?",
            (session_id, os.getpid(), processes.host()),
        )


def guard(db: Connection, session_id: str) -> None:
    """Raise StoreError (`session-locked`) when another living process holds the lock of this session."""
    other = holder(db, session_id)
    if other is None or (other.pid == os.getpid() and other.host == processes.host()):
        return
    where = "" if other.host == processes.host() else f" on {other.host}"
    raise StoreError(
        f"this session is open in {other.program} (process {other.pid}{where}, since {other.since})",
        kind="session-locked",
        hint="Close it there, or use another session."
        if not where
        else f"Close it there, or use another session. If {other.host} is gone, take it over from the command palette.",
    )


def holder(db: Connection, session_id: str) -> LockHolder | None:
    """Who holds the lock, this process included. None when nobody does, or the holder's process is gone.

    A lock of another host counts as held: its processes cannot be seen from here.
    """
    row = db.row("SELECT * FROM session_lock WHERE session_id = ?", (session_id,))
    if row is None or _is_stale(row):
        return None
    return LockHolder(pid=row["pid"], host=row["host"], program=row["program"], since=row["since"])


def remove_stale(db: Connection) -> None:
    """Drop the locks of processes of this host that are gone. Inside the caller's transaction."""
    for row in db.rows("SELECT * FROM session_lock"):
        if _is_stale(row):
            db.execute("DELETE FROM session_lock WHERE session_id = ?", (row["session_id"],))


def _is_stale(row: Row) -> bool:
    return row["host"] == processes.host() and not processes.is_alive(row["pid"], row["started"])
