"""When the file cannot be written: go on in memory with a copy, and bring the changes back when it can.

Ids stay the same, so whoever streams an answer repeats the call that failed on the copy and goes on.
"""

from collections.abc import Sequence

from urial_tui.errors import StoreError
from urial_tui.store.database import locks
from urial_tui.store.database.connection import Connection
from urial_tui.store.database.faults import translated
from urial_tui.store.exchange import lossless
from urial_tui.store.exchange.transfer_judging import (
    make_room_for_session,
    write_comparisons,
    write_run,
)
from urial_tui.store.exchange.upsert import upsert
from urial_tui.store.messages import drafts, messages
from urial_tui.store.types import Draft

_SESSION_OF_TRACE = (
    "(SELECT m.session_id FROM trace t JOIN message m ON m.id = t.message_id WHERE t.seq = {})"
)
_SESSION_OF_MESSAGE = "(SELECT session_id FROM message WHERE id = {})"

_CHANGES = (
    ("session", "INSERT", "session", "new.id", "touched"),
    ("session", "UPDATE", "session", "new.id", "touched"),
    ("session", "DELETE", "session", "old.id", "removed"),
    ("message", "INSERT", "session", "new.session_id", "touched"),
    ("message", "UPDATE", "session", "new.session_id", "touched"),
    ("message", "DELETE", "message", "old.id", "removed"),
    ("draft", "INSERT", "session", "new.session_id", "touched"),
    ("draft", "UPDATE", "session", "new.session_id", "touched"),
    ("draft", "DELETE", "session", "old.session_id", "touched"),
    ("session_tag", "INSERT", "session", "new.session_id", "touched"),
    ("session_tag", "DELETE", "session", "old.session_id", "touched"),
    ("trace", "INSERT", "session", _SESSION_OF_TRACE.format("new.seq"), "touched"),
    ("trace", "UPDATE", "session", _SESSION_OF_TRACE.format("new.seq"), "touched"),
    ("trace_side", "UPDATE", "session", _SESSION_OF_TRACE.format("new.trace_seq"), "touched"),
    ("scored_token", "INSERT", "session", _SESSION_OF_TRACE.format("new.trace_seq"), "touched"),
    ("run", "INSERT", "run", "new.id", "touched"),
    ("run", "UPDATE", "run", "new.id", "touched"),
    ("run", "DELETE", "run", "old.id", "removed"),
    ("judgement", "INSERT", "session", _SESSION_OF_MESSAGE.format("new.message_id"), "touched"),
    ("judgement", "DELETE", "judgement", "old.id", "removed"),
    ("comparison", "INSERT", "comparison", "new.id", "touched"),
    ("comparison", "DELETE", "comparison", "old.id", "removed"),
)
"""Table, event, what changed with it (a table and the id there), where that is noted. Tokens and generations come with
their message, items and sides with their run; a trace or a judgement may come long after. Reference scores never come
without the row of their token."""


def copy_to_memory(source: Connection) -> Connection:
    """A database in memory with everything that `source` holds. Raises StoreError when it cannot be read, or is damaged
    in a way that no work could go on in the copy either."""
    target = Connection(None)
    try:
        with translated(source.path):
            source.raw.backup(target.raw)
            (sound,) = target.raw.execute("PRAGMA quick_check(1)").fetchone()
        if sound != "ok":
            raise StoreError(f"{source.path} is damaged ({sound})", kind="corrupt")
    except BaseException:
        target.close()
        raise
    return target


def track(memory: Connection) -> None:
    """Note from now on what changes, for `write_back`."""
    for name in ("touched", "removed"):
        memory.execute(
            f"CREATE TEMP TABLE {name} (kind TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (kind, id))"
        )
    memory.execute("CREATE TEMP TABLE draft_before (text TEXT NOT NULL, beginning TEXT NOT NULL)")
    before = drafts.load(memory, None)
    memory.execute("INSERT INTO draft_before VALUES (?, ?)", (before.text, before.beginning))
    for table, event, kind, id_, noted in _CHANGES:
        # Not INSERT OR IGNORE: inside a trigger the conflict clause of the outer statement would win.
        memory.execute(
            f"CREATE TEMP TRIGGER {table}_{event} AFTER {event} ON main.{table} WHEN {id_} IS NOT NULL BEGIN "
            f"INSERT INTO {noted} SELECT '{kind}', {id_} "
            f"WHERE NOT EXISTS (SELECT 1 FROM {noted} WHERE kind = '{kind}' AND id = {id_}); END"
        )


def unwritten(memory: Connection) -> list[str]:
    """Ids of the sessions that `write_back` would write; those of runs are left out."""
    return [
        session_id
        for session_id in _noted(memory, "touched", "session")
        if memory.value("SELECT run_id IS NULL FROM session WHERE id = ?", (session_id,))
    ]


def unwritten_drafts(memory: Connection) -> list[str]:
    """What was typed and not sent in those sessions, and for a new one: messages, and beginnings of answers."""
    found = [drafts.load(memory, session_id) for session_id in unwritten(memory)]
    new = drafts.load(memory, None)
    (before,) = memory.rows("SELECT text, beginning FROM draft_before")
    if new != Draft(before["text"], before["beginning"]):
        found.append(new)
    texts = [text for draft in found for text in (draft.text, draft.beginning)]
    return [text for text in texts if text.strip()]


def write_back(memory: Connection, target: Connection) -> None:
    """Write the sessions and runs that changed in `memory` to `target`, all of them or none.

    What other programs wrote to `target` meanwhile stays; where both changed the same row, ours wins. Raises
    StoreError when it still cannot be written, or when another program has taken one of the sessions or runs.
    """
    with target.transaction():
        for run_id in _noted(memory, "removed", "run"):
            locks.guard_run(target, run_id)
            target.execute("DELETE FROM run WHERE id = ?", (run_id,))
        for session_id in _noted(memory, "removed", "session"):
            locks.guard(target, session_id)
            target.execute("DELETE FROM session WHERE id = ?", (session_id,))
        messages.delete_below(target, _noted(memory, "removed", "message"))
        for table in ("judgement", "comparison"):
            target.executemany(
                f"DELETE FROM {table} WHERE id = ?",
                [(id_,) for id_ in _noted(memory, "removed", table)],
            )
        touched = _noted(memory, "touched", "session")
        for run_id in _runs_of(memory, touched):
            locks.guard_run(target, run_id)
            write_run(memory, target, run_id)
        for session_id in touched:
            locks.guard(target, session_id)
            _write_session(memory, target, session_id)
        write_comparisons(memory, target, _noted(memory, "touched", "comparison"))
        drafts.save(target, None, drafts.load(memory, None))
        messages.close_abandoned(target)


def _noted(memory: Connection, table: str, kind: str) -> list[str]:
    """Ids that were noted, in order; what was removed in the end counts as that."""
    rows = memory.rows(f"SELECT id FROM {table} WHERE kind = ? ORDER BY id", (kind,))
    ids = [row["id"] for row in rows]
    if table == "removed":
        return ids
    removed = set(_noted(memory, "removed", kind))
    return [id_ for id_ in ids if id_ not in removed]


def _runs_of(memory: Connection, session_ids: Sequence[str]) -> list[str]:
    """Runs that changed, and those that these sessions are of (another program may have deleted them)."""
    found = set(_noted(memory, "touched", "run"))
    for session_id in session_ids:
        run_id = memory.value("SELECT run_id FROM session WHERE id = ?", (session_id,))
        if run_id is not None:
            found.add(run_id)
    return sorted(found)


def _write_session(memory: Connection, target: Connection, session_id: str) -> None:
    """With all that belongs to it. Tags and a draft that are not there any more go."""
    tree = lossless.read(memory, "session", session_id)
    if tree is None:
        return
    for table in ("session_tag", "draft"):
        target.execute(f"DELETE FROM {table} WHERE session_id = ?", (session_id,))
    make_room_for_session(target, tree)
    lossless.write(target, "session", tree, upsert)
