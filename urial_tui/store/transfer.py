"""When the file cannot be written: go on in memory with a copy, and bring the changes back when it can.

Ids stay the same, so whoever streams an answer repeats the call that failed on the copy and goes on.
"""

from collections.abc import Sequence

from urial_tui.store import drafts, locks
from urial_tui.store.connection import Connection, Row
from urial_tui.store.faults import translated
from urial_tui.store.messages import close_abandoned

_SESSION_OF_TRACE = (
    "(SELECT m.session_id FROM trace t JOIN message m ON m.id = t.message_id WHERE t.seq = {})"
)

_CHANGES = (
    ("session", "INSERT", "new.id", "touched"),
    ("session", "UPDATE", "new.id", "touched"),
    ("session", "DELETE", "old.id", "removed"),
    ("message", "INSERT", "new.session_id", "touched"),
    ("message", "UPDATE", "new.session_id", "touched"),
    ("draft", "INSERT", "new.session_id", "touched"),
    ("draft", "UPDATE", "new.session_id", "touched"),
    ("draft", "DELETE", "old.session_id", "touched"),
    ("trace", "INSERT", _SESSION_OF_TRACE.format("new.seq"), "touched"),
    ("trace", "UPDATE", _SESSION_OF_TRACE.format("new.seq"), "touched"),
    ("trace_side", "UPDATE", _SESSION_OF_TRACE.format("new.trace_seq"), "touched"),
    ("scored_token", "INSERT", _SESSION_OF_TRACE.format("new.trace_seq"), "touched"),
)
"""Table, event, the session that it is about, where that is noted. Tokens and generations come with their message; a
trace may come long after it. Reference scores never come without the row of their token."""


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
    _upsert(target, "session", [session | {"leaf_id": None}])
    for message in memory.rows(
        "SELECT * FROM message WHERE session_id = ? ORDER BY seq", (session_id,)
    ):
        _upsert(target, "message", [message])
    target.execute("UPDATE session SET leaf_id = ? WHERE id = ?", (session["leaf_id"], session_id))
    for generation in memory.rows(
        "SELECT g.* FROM generation g JOIN message m ON m.id = g.message_id WHERE m.session_id = ? ORDER BY g.seq",
        (session_id,),
    ):
        _upsert(target, "generation", [generation])
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
    _write_traces(memory, target, session_id)
    drafts.save(target, session_id, drafts.load(memory, session_id))


def _write_traces(memory: Connection, target: Connection, session_id: str) -> None:
    vocabularies: dict[int, int] = {}
    for trace in memory.rows(
        "SELECT t.* FROM trace t JOIN message m ON m.id = t.message_id WHERE m.session_id = ? ORDER BY t.seq",
        (session_id,),
    ):
        theirs = trace["vocabulary_seq"]
        if theirs not in vocabularies:
            vocabularies[theirs] = _write_vocabulary(memory, target, theirs)
        generation = memory.value(
            "SELECT id FROM generation WHERE seq = ?", (trace["generation_seq"],)
        )
        row = trace | {
            "vocabulary_seq": vocabularies[theirs],
            "generation_seq": target.value(
                "SELECT seq FROM generation WHERE id = ?", (generation,)
            ),
        }
        _upsert(target, "trace", [row])
        seq = target.value("SELECT seq FROM trace WHERE id = ?", (trace["id"],))
        scored = memory.rows("SELECT * FROM scored_token WHERE trace_seq = ?", (trace["seq"],))
        _upsert(
            target,
            "scored_token",
            [row | {"trace_seq": seq} for row in scored],
            key=("trace_seq", "i"),
        )
        for side in memory.rows("SELECT * FROM trace_side WHERE trace_seq = ?", (trace["seq"],)):
            _upsert(target, "trace_side", [side | {"trace_seq": seq}], key=("trace_seq", "number"))
            side_seq = target.value(
                "SELECT seq FROM trace_side WHERE trace_seq = ? AND number = ?",
                (seq, side["number"]),
            )
            scores = memory.rows("SELECT * FROM reference_token WHERE side_seq = ?", (side["seq"],))
            _upsert(
                target,
                "reference_token",
                [row | {"side_seq": side_seq} for row in scores],
                key=("side_seq", "i"),
            )


def _write_vocabulary(memory: Connection, target: Connection, seq: int) -> int:
    """Write a vocabulary and its pieces; its row number in `target`."""
    row = memory.row("SELECT * FROM vocabulary WHERE seq = ?", (seq,))
    assert row is not None  # a trace refers to it
    _upsert(target, "vocabulary", [row], key=("fingerprint",))
    found = int(
        target.value("SELECT seq FROM vocabulary WHERE fingerprint = ?", (row["fingerprint"],))
    )
    pieces = memory.rows("SELECT * FROM piece WHERE vocabulary_seq = ?", (seq,))
    _upsert(
        target,
        "piece",
        [piece | {"vocabulary_seq": found} for piece in pieces],
        key=("vocabulary_seq", "token_id"),
    )
    return found


def _upsert(
    target: Connection, table: str, rows: Sequence[Row], *, key: tuple[str, ...] = ("id",)
) -> None:
    """Insert or update by the public id, or by `key`; `seq` is given by the target, in the order of the calls."""
    if not rows:
        return
    names = [name for name in rows[0] if name != "seq"]
    others = [name for name in names if name not in key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in others)
    # Unchanged rows are left alone, for the sake of the search index.
    differs = " OR ".join(f"{table}.{name} IS NOT excluded.{name}" for name in others)
    target.executemany(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes} WHERE {differs}",
        [tuple(row[name] for name in names) for row in rows],
    )
