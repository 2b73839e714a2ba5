"""When the file cannot be written: go on in memory with a copy, and bring the changes back when it can.

Ids stay the same, so whoever streams an answer repeats the call that failed on the copy and goes on.
"""

from urial_tui.store import drafts, locks
from urial_tui.store.connection import Connection, Row
from urial_tui.store.faults import translated
from urial_tui.store.messages import close_abandoned

_CHANGES = (
    ("session", "INSERT", "new.id", "touched"),
    ("session", "UPDATE", "new.id", "touched"),
    ("session", "DELETE", "old.id", "removed"),
    ("message", "INSERT", "new.session_id", "touched"),
    ("message", "UPDATE", "new.session_id", "touched"),
    ("draft", "INSERT", "new.session_id", "touched"),
    ("draft", "UPDATE", "new.session_id", "touched"),
    ("draft", "DELETE", "old.session_id", "touched"),
)
"""Table, event, the session that it is about, where that is noted. Tokens and generations come with their message."""


def copy_to_memory(source: Connection) -> Connection:
    """A database in memory with everything that `source` holds. Raises StoreError when it cannot be read."""
    target = Connection(None)
    try:
        with translated(source.path):
            source.raw.backup(target.raw)
    except BaseException:
        target.close()
        raise
    return target


def track(memory: Connection) -> None:
    """Note from now on which sessions change, for `write_back`."""
    for name in ("touched", "removed"):
        memory.execute(f"CREATE TEMP TABLE {name} (session_id TEXT PRIMARY KEY)")
    for table, event, session, noted in _CHANGES:
        # Not INSERT OR IGNORE: inside a trigger the conflict clause of the outer statement would win.
        memory.execute(
            f"CREATE TEMP TRIGGER {table}_{event} AFTER {event} ON main.{table} WHEN {session} IS NOT NULL BEGIN "
            f"INSERT INTO {noted} SELECT {session} "
            f"WHERE NOT EXISTS (SELECT 1 FROM {noted} WHERE session_id = {session}); END"
        )


def write_back(memory: Connection, target: Connection) -> None:
    """Write the sessions that changed in `memory` to `target`, all of them or none.

    What other programs wrote to `target` meanwhile stays; where both changed the same row, ours wins. Raises
    StoreError when it still cannot be written, or when another program has taken one of the sessions.
    """
    removed = {row["session_id"] for row in memory.rows("SELECT session_id FROM removed")}
    touched = {row["session_id"] for row in memory.rows("SELECT session_id FROM touched")} - removed
    with target.transaction():
        for session_id in removed:
            locks.guard(target, session_id)
            target.execute("DELETE FROM session WHERE id = ?", (session_id,))
        for session_id in sorted(touched):
            locks.guard(target, session_id)
            _write_session(memory, target, session_id)
        drafts.save(target, None, drafts.load(memory, None))
        close_abandoned(target)


def _write_session(memory: Connection, target: Connection, session_id: str) -> None:
    session = memory.row("SELECT * FROM session WHERE id = ?", (session_id,))
    if session is None:
        return
    _upsert(target, "session", session | {"leaf_id": None}, key="id")
    for message in memory.rows(
        "SELECT * FROM message WHERE session_id = ? ORDER BY seq", (session_id,)
    ):
        _upsert(target, "message", message, key="id")
    target.execute("UPDATE session SET leaf_id = ? WHERE id = ?", (session["leaf_id"], session_id))
    for generation in memory.rows(
        "SELECT g.* FROM generation g JOIN message m ON m.id = g.message_id WHERE m.session_id = ? ORDER BY g.seq",
        (session_id,),
    ):
        _upsert(target, "generation", generation, key="id")
        seq = target.value("SELECT seq FROM generation WHERE id = ?", (generation["id"],))
        target.executemany(
            "INSERT OR IGNORE INTO token (generation_seq, i, token_id, raw, text, visible, cut, control) "
            "VALUES (:seq, :i, :token_id, :raw, :text, :visible, :cut, :control)",
            [
                token | {"seq": seq}
                for token in memory.rows(
                    "SELECT * FROM token WHERE generation_seq = ?", (generation["seq"],)
                )
            ],
        )
    drafts.save(target, session_id, drafts.load(memory, session_id))


def _upsert(target: Connection, table: str, row: Row, *, key: str) -> None:
    """Insert or update by the public id; `seq` is given by the target, in the order of the calls."""
    row = {name: value for name, value in row.items() if name != "seq"}
    names = ", ".join(row)
    marks = ", ".join("?" * len(row))
    changes = ", ".join(f"{name} = excluded.{name}" for name in row if name != key)
    # Unchanged rows are left alone, for the sake of the search index.
    differs = " OR ".join(f"{table}.{name} IS NOT excluded.{name}" for name in row if name != key)
    target.execute(
        f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE {differs}",
        tuple(row.values()),
    )
