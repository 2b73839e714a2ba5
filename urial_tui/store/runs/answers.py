"""The answers of a run: one conversation for each item and side, begun, thrown away and read here.

Whatever kills the program, an answer is complete or it is made again, and it is never there twice: a row with a key
says which message answers what, and is written in the transaction that begins the answer.
"""

from urial_tui.errors import StoreError
from urial_tui.store.database import locks
from urial_tui.store.database.connection import Connection
from urial_tui.store.messages import messages
from urial_tui.store.runs import runs
from urial_tui.store.runs.types import RunAnswer
from urial_tui.store.sessions import sessions
from urial_tui.store.types import Message, Session

_SELECT = """
SELECT a.*, m.status, m.content, m.error, m.created_at, g.finish_reason, g.completion_tokens
FROM run_answer a
JOIN message m ON m.id = a.message_id
LEFT JOIN generation g ON g.seq = (SELECT max(seq) FROM generation WHERE message_id = a.message_id)
WHERE a.run_id = ?
"""


def begin(
    db: Connection, run_id: str, index: int, side: int, turn: int
) -> tuple[Session, tuple[Message, ...], Message]:
    """Begin an answer: the session, the branch up to and including the user's message, the empty answer.

    An unfinished earlier try at this turn is thrown away with all that follows it. Raises StoreError: `answered` when
    there is a complete one, `turn-before` when the turn before this one has none, `run-locked` (or `session-locked`)
    while another program writes it, `not-found`.
    """
    with db.transaction():
        locks.guard_run(db, run_id)
        item = runs.item(db, run_id, index)
        if not 0 <= turn < len(item.turns):
            raise StoreError(f"item {index} of run {run_id} has no turn {turn}", kind="not-found")
        notation = db.value(
            "SELECT side FROM run_side WHERE run_id = ? AND number = ?", (run_id, side)
        )
        if notation is None:
            raise StoreError(f"run {run_id} has no side {side}", kind="not-found")
        _throw_away(db, run_id, index, side, turn)
        if turn == 0:
            title = sessions.title_from(item.turns[0])
            session_id, parent = sessions.create(db, notation, title, run_id).id, None
        else:
            session_id, parent = _before(db, run_id, index, side, turn)
        # Not `add_user`: that takes the draft that the user has sent, and here nobody has sent one.
        content = item.turns[turn]
        user = messages.insert(
            db, session_id, parent, "user", content, status="complete", closed=True
        )
        answer = messages.begin_answer(db, session_id, user.id)
        db.execute(
            "INSERT INTO run_answer (run_id, item, side, turn, session_id, message_id) VALUES (?, ?, ?, ?, ?, ?)",
            (run_id, index, side, turn, session_id, answer.id),
        )
        return sessions.get(db, session_id), tuple(messages.branch(db, user.id)), answer


def listed(db: Connection, run_id: str, *, side: int | None = None) -> list[RunAnswer]:
    """By item, side and turn; also those that are not complete."""
    runs.check(db, run_id)
    only = "" if side is None else "AND a.side = ?"
    return [
        RunAnswer(
            run_id=row["run_id"],
            index=row["item"],
            side=row["side"],
            turn=row["turn"],
            session_id=row["session_id"],
            message_id=row["message_id"],
            status=row["status"],
            content=row["content"],
            words=len(row["content"].split()),
            error=row["error"],
            finish_reason=row["finish_reason"],
            completion_tokens=row["completion_tokens"],
            created_at=row["created_at"],
        )
        for row in db.rows(
            f"{_SELECT} {only} ORDER BY a.item, a.side, a.turn",
            (run_id,) if side is None else (run_id, side),
        )
    ]


def branch(db: Connection, run_id: str, index: int, side: int) -> list[Message]:
    """The conversation of an item and side, to its last answer; empty when it has not begun."""
    last = db.value(
        "SELECT message_id FROM run_answer WHERE run_id = ? AND item = ? AND side = ? ORDER BY turn DESC LIMIT 1",
        (run_id, index, side),
    )
    if last is None:
        runs.item(db, run_id, index)
        return []
    return messages.branch(db, last)


def _throw_away(db: Connection, run_id: str, index: int, side: int, turn: int) -> None:
    """Remove an unfinished try. Raises StoreError (`answered`)."""
    row = db.row(
        "SELECT a.session_id, m.parent_id, m.status FROM run_answer a JOIN message m ON m.id = a.message_id "
        "WHERE a.run_id = ? AND a.item = ? AND a.side = ? AND a.turn = ?",
        (run_id, index, side, turn),
    )
    if row is None:
        return
    if row["status"] == "complete":
        raise StoreError(
            f"turn {turn} of item {index} of run {run_id} is answered by side {side}",
            kind="answered",
        )
    locks.guard(db, row["session_id"])
    if turn == 0:
        db.execute("DELETE FROM session WHERE id = ?", (row["session_id"],))
    else:
        messages.delete_below(db, [row["parent_id"]])


def _before(db: Connection, run_id: str, index: int, side: int, turn: int) -> tuple[str, str]:
    """Session and message of the answer before this turn. Raises StoreError (`turn-before`)."""
    row = db.row(
        "SELECT a.session_id, a.message_id FROM run_answer a JOIN message m ON m.id = a.message_id "
        "WHERE a.run_id = ? AND a.item = ? AND a.side = ? AND a.turn = ? AND m.status = 'complete'",
        (run_id, index, side, turn - 1),
    )
    if row is None:
        raise StoreError(
            f"turn {turn} of item {index} of run {run_id} cannot be answered before turn {turn - 1} is",
            kind="turn-before",
        )
    return row["session_id"], row["message_id"]
