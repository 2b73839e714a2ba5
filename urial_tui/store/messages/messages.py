"""The tree of messages of a session: a branch is the path from a root to a message.

An answer is written as `interrupted` when it begins and gets its real status when it ends. `closed_at` says that
nothing more is written to a message; only then its text is searchable.
"""

from collections.abc import Sequence

from urial_tui.errors import StoreError
from urial_tui.store.database import locks
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.database.ids import new_id, now, storable
from urial_tui.store.database.json_columns import to_json
from urial_tui.store.messages import drafts
from urial_tui.store.sessions.sessions import not_found as no_session
from urial_tui.store.sessions.sessions import title_from
from urial_tui.store.types import Message, Role, Status, Token

_UP = """
WITH RECURSIVE path (id, parent_id, depth) AS (
  SELECT id, parent_id, 0 FROM message WHERE id = ?
  UNION ALL
  SELECT m.id, m.parent_id, path.depth + 1 FROM message m JOIN path ON m.id = path.parent_id
)
SELECT m.* FROM path JOIN message m ON m.id = path.id ORDER BY path.depth DESC
"""

_DOWN = """
WITH RECURSIVE below (session_id, id, seq) AS (
  SELECT session_id, id, seq FROM message WHERE id = ?
  UNION ALL
  SELECT m.session_id, m.id, m.seq
  FROM message m JOIN below ON m.session_id = below.session_id AND m.parent_id = below.id
)
SELECT m.* FROM below JOIN message m ON m.id = below.id ORDER BY below.seq DESC LIMIT 1
"""

_VERSIONS = """
SELECT m.id,
  (SELECT count(*) FROM message o WHERE o.session_id = m.session_id AND o.parent_id IS m.parent_id AND o.seq <= m.seq)
    AS place,
  (SELECT count(*) FROM message o WHERE o.session_id = m.session_id AND o.parent_id IS m.parent_id) AS n
FROM json_each(?) wanted JOIN message m ON m.id = wanted.value
"""

_DELETE_BELOW = """
WITH RECURSIVE below (session_id, id) AS (
  SELECT session_id, id FROM message WHERE id IN (SELECT value FROM json_each(?))
  UNION
  SELECT m.session_id, m.id
  FROM message m JOIN below ON m.session_id = below.session_id AND m.parent_id = below.id
)
DELETE FROM message WHERE id IN (SELECT id FROM below)
"""


def add_user(db: Connection, session_id: str, parent_id: str | None, content: str) -> Message:
    """The user's message, on disk when this returns. The same transaction names a session that has no title, moves the
    visible branch to it and removes the draft that has become this message."""
    content = storable(content)
    with db.transaction():
        message = insert(db, session_id, parent_id, "user", content, status="complete", closed=True)
        db.execute(
            "UPDATE session SET title = ? WHERE id = ? AND title = ''",
            (title_from(content), session_id),
        )
        drafts.sent(db, session_id, content)
    return message


def begin_answer(
    db: Connection, session_id: str, parent_id: str | None, prefill: str = "", content: str = ""
) -> Message:
    """An answer that is about to stream. It begins with `content` (a continued answer) or else with `prefill`."""
    prefill, content = storable(prefill), storable(content)
    with db.transaction():
        return insert(
            db,
            session_id,
            parent_id,
            "assistant",
            content or prefill,
            status="interrupted",
            closed=False,
            prefill=prefill,
        )


def append_tokens(
    db: Connection, message_id: str, generation_id: str, tokens: Sequence[Token], text: str
) -> None:
    """Add streamed tokens and the text that became readable with them, both or nothing.

    Raises StoreError: `not-found`, or `finished` for an answer that has ended.
    """
    with db.transaction():
        changed = db.execute(
            "UPDATE message SET content = content || ?, closed_at = NULL "
            "WHERE id = ? AND role = 'assistant' AND status = 'interrupted'",
            (storable(text), message_id),
        )
        if not changed:
            status = get(db, message_id).status
            raise StoreError(f"the answer {message_id} has ended ({status})", kind="finished")
        seq = db.value(
            "SELECT seq FROM generation WHERE id = ? AND message_id = ?",
            (generation_id, message_id),
        )
        if seq is None:
            raise StoreError(
                f"there is no generation {generation_id} of message {message_id}", kind="not-found"
            )
        db.executemany(
            "INSERT INTO token (generation_seq, i, token_id, raw, text, visible, cut, control) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (seq, t.i, t.token_id, t.raw, storable(t.text), t.visible, t.cut, t.control)
                for t in tokens
            ],
        )


def finish_answer(
    db: Connection,
    message_id: str,
    status: Status,
    tail: str = "",
    error: str = "",
) -> Message:
    """Close an answer: `tail` is added to its text, its status is final."""
    time = now()
    with db.transaction():
        session_id = get(db, message_id).session_id
        db.execute(
            "UPDATE message SET content = content || ?, status = ?, error = ?, closed_at = ? WHERE id = ?",
            (storable(tail), status, storable(error), time, message_id),
        )
        db.execute("UPDATE session SET updated_at = ? WHERE id = ?", (time, session_id))
        return get(db, message_id)


def close_abandoned(db: Connection) -> None:
    """Close the answers whose writer is gone (after a crash), so that they can be searched; they stay `interrupted`.

    Inside the caller's transaction. Sessions that another living program has locked are left alone.
    """
    for row in db.rows("SELECT DISTINCT session_id FROM message WHERE closed_at IS NULL"):
        if locks.holder(db, row["session_id"]) is None:
            db.execute(
                "UPDATE message SET closed_at = ? WHERE session_id = ? AND closed_at IS NULL",
                (now(), row["session_id"]),
            )


def get(db: Connection, message_id: str) -> Message:
    """Raises StoreError (`not-found`)."""
    row = db.row("SELECT * FROM message WHERE id = ?", (message_id,))
    if row is None:
        raise StoreError(f"there is no message {message_id}", kind="not-found")
    return as_message(row)


def branch(db: Connection, message_id: str) -> list[Message]:
    """The path to a message, root first."""
    rows = db.rows(_UP, (message_id,))
    if not rows:
        get(db, message_id)
    return [as_message(row) for row in rows]


def children(db: Connection, session_id: str, parent_id: str | None) -> list[Message]:
    """The messages right below `parent_id` (None: the roots), oldest first."""
    return [
        as_message(row)
        for row in db.rows(
            "SELECT * FROM message WHERE session_id = ? AND parent_id IS ? ORDER BY seq",
            (session_id, parent_id),
        )
    ]


def siblings(db: Connection, message_id: str) -> list[Message]:
    """The message and those that share its parent, oldest first."""
    message = get(db, message_id)
    return children(db, message.session_id, message.parent_id)


def versions(db: Connection, message_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """(position from 1, how many) of each message among those that share its parent."""
    rows = db.rows(_VERSIONS, (to_json(list(message_ids)),))
    found = {row["id"]: (row["place"], row["n"]) for row in rows}
    for message_id in message_ids:
        if message_id not in found:
            get(db, message_id)
    return found


def delete_below(db: Connection, message_ids: Sequence[str]) -> None:
    """Delete these messages and all that follow them. Inside the caller's transaction."""
    db.execute(_DELETE_BELOW, (to_json(list(message_ids)),))


def leaf_below(db: Connection, message_id: str) -> Message:
    """The newest message of the tree below (or the message itself): the end of the branch written to last there."""
    row = db.row(_DOWN, (message_id,))
    return as_message(row) if row is not None else get(db, message_id)


def of_session(db: Connection, session_id: str) -> list[Message]:
    """All messages of a session, all branches, oldest first."""
    return [
        as_message(row)
        for row in db.rows("SELECT * FROM message WHERE session_id = ? ORDER BY seq", (session_id,))
    ]


def as_message(row: Row) -> Message:
    return Message(
        id=row["id"],
        session_id=row["session_id"],
        parent_id=row["parent_id"],
        role=row["role"],
        content=row["content"],
        status=row["status"],
        created_at=row["created_at"],
        prefill=row["prefill"],
        error=row["error"],
    )


def insert(
    db: Connection,
    session_id: str,
    parent_id: str | None,
    role: Role,
    content: str,
    *,
    status: Status,
    closed: bool,
    prefill: str = "",
) -> Message:
    """Add a message below `parent_id` and make it the end of the visible branch. A session that is written to is no
    longer in the bin. Inside the caller's transaction."""
    locks.guard(db, session_id)
    if (
        parent_id is not None
        and db.value(
            "SELECT 1 FROM message WHERE session_id = ? AND id = ?", (session_id, parent_id)
        )
        is None
    ):
        raise StoreError(f"session {session_id} has no message {parent_id}", kind="not-found")
    message_id, time = new_id(), now()
    if not db.execute(
        "UPDATE session SET leaf_id = NULL, updated_at = ?, deleted_at = NULL WHERE id = ?",
        (time, session_id),
    ):
        raise no_session(session_id)
    db.execute(
        "INSERT INTO message (id, session_id, parent_id, role, content, status, created_at, closed_at, prefill) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message_id,
            session_id,
            parent_id,
            role,
            content,
            status,
            time,
            time if closed else None,
            prefill,
        ),
    )
    db.execute("UPDATE session SET leaf_id = ? WHERE id = ?", (message_id, session_id))
    return get(db, message_id)
