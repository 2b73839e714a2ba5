"""Makes what was read of a damaged history fit together: a row that refers to another one that is gone.

Where text can still be shown, something stands for what is gone: a session for its messages, a message for its
answers. What then still belongs to nothing is left out. Foreign keys are off, the damaged file is attached as `old`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from urial_tui.errors import StoreError
from urial_tui.sides import UNKNOWN
from urial_tui.store.care.salvage_tables import table_names
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.database.ids import now
from urial_tui.store.schema.check import SEARCH_TABLES
from urial_tui.store.schema.organising import COUNT_SHIFTS, SESSION_SIDES
from urial_tui.store.sessions.sessions import title_from

LOST = "(This message was lost with a damaged part of the history.)"
"""The text of a question, or of an answer without tokens, that is gone."""

_NO_ANSWER = "UPDATE session SET run_id = NULL WHERE run_id NOT NULL AND id NOT IN (SELECT session_id FROM run_answer)"
_WITHOUT_TOKEN = (
    "DELETE FROM reference_token WHERE NOT EXISTS (SELECT 1 FROM scored_token s JOIN trace_side r "
    "ON r.trace_seq = s.trace_seq WHERE r.seq = reference_token.side_seq AND s.i = reference_token.i)"
)
_LAST = (
    "UPDATE session SET leaf_id = (SELECT id FROM message m WHERE m.session_id = session.id ORDER BY seq DESC LIMIT 1) "
    "WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = leaf_id AND m.session_id = session.id)"
)

# Indexes have the keys of rows that are gone, and where the message stood; else those below it tell.
_LOST_BY_ID = (
    "SELECT seq, id, session_id FROM old.message INDEXED BY sqlite_autoindex_message_2 "
    "WHERE seq NOT IN (SELECT seq FROM main.message)"
)
_LOST_BY_PARENT = (
    "SELECT seq, parent_id FROM old.message INDEXED BY message_parent "
    "WHERE seq NOT IN (SELECT seq FROM main.message)"
)
_LOST_ABOVE = (
    "SELECT parent_id, session_id, min(seq) FROM message "
    "WHERE parent_id NOT IN (SELECT id FROM message) GROUP BY parent_id"
)
_ROLE = """
SELECT coalesce(
  (SELECT 'assistant' FROM generation WHERE message_id = ?1),
  (SELECT 'assistant' FROM run_answer WHERE message_id = ?1),
  (SELECT iif(role = 'user', 'assistant', 'user') FROM message WHERE session_id = ?2 AND parent_id = ?1),
  (SELECT iif(role = 'user', 'assistant', 'user') FROM message WHERE id = ?4),
  'user'
)
"""
_TEXT = (
    "SELECT group_concat(text, '') FROM (SELECT text FROM token WHERE generation_seq = "
    "(SELECT max(seq) FROM generation WHERE message_id = ?) ORDER BY i)"
)
_TIME = """
SELECT coalesce(
  (SELECT min(created_at) FROM generation WHERE message_id = ?1),
  (SELECT min(created_at) FROM message WHERE session_id = ?2 AND seq > ?3),
  (SELECT max(created_at) FROM message WHERE session_id = ?2),
  (SELECT created_at FROM session WHERE id = ?2)
)
"""
_SESSIONS = """
INSERT INTO session (id, title, side, created_at, updated_at, run_id)
SELECT m.session_id, '',
  coalesce((SELECT g.side FROM generation g JOIN message a ON a.id = g.message_id
    WHERE a.session_id = m.session_id ORDER BY g.seq DESC LIMIT 1), ?),
  min(m.created_at), max(coalesce(m.closed_at, m.created_at)),
  (SELECT run_id FROM run_answer WHERE session_id = m.session_id)
FROM message m WHERE m.session_id NOT IN (SELECT id FROM session) GROUP BY m.session_id
"""


@dataclass(frozen=True)
class LostMessage:
    """What indexes, or the messages below it, still tell of a message that is gone."""

    seq: int
    id: str
    session_id: str
    parent_id: str | None = None


@contextmanager
def made_anew(db: Connection) -> Iterator[None]:
    """Without triggers in the block; what they keep, and what is counted, is made anew after it."""
    triggers = db.rows("SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger'")
    _execute(db, (f"DROP TRIGGER {row['name']}" for row in triggers))
    yield
    with db.transaction():
        _execute(db, (SESSION_SIDES, COUNT_SHIFTS.format(only="")))
        _execute(db, (f"INSERT INTO {t} ({t}) VALUES ('rebuild')" for t in SEARCH_TABLES))
        _execute(db, (row["sql"] for row in triggers))


def mend(db: Connection, lost: Sequence[LostMessage]) -> tuple[int, dict[str, int]]:
    """How many messages and sessions were rebuilt, and how many rows of each table were left out. Inside the caller's
    transaction."""
    rebuilt = _rebuild_messages(db, lost) + _rebuild_sessions(db)
    before = {name: _count(db, name) for name in table_names(db)}
    while sum(_left_out(db, name) for name in before):
        pass
    _execute(db, (_NO_ANSWER, _WITHOUT_TOKEN, _LAST))
    return rebuilt, {name: n - _count(db, name) for name, n in before.items()}


def lost_messages(db: Connection) -> list[LostMessage]:
    """Messages that were there once, the oldest first: so what one follows comes before it."""
    found: dict[str, LostMessage] = {}
    parents: dict[int, str | None] = {}
    with suppress(StoreError):
        parents = dict(db.tuples(_LOST_BY_PARENT))
    with suppress(StoreError):
        for seq, id_, session_id in db.tuples(_LOST_BY_ID):
            found[id_] = LostMessage(seq, id_, session_id, parents.get(seq))
    for id_, session_id, below in db.tuples(_LOST_ABOVE):
        if id_ not in found:
            seq = below - 1
            while db.value("SELECT 1 FROM message WHERE seq = ?", (seq,)):
                seq -= 1
            found[id_] = LostMessage(seq, id_, session_id)
    return sorted(found.values(), key=lambda message: message.seq)


def _rebuild_messages(db: Connection, lost: Sequence[LostMessage]) -> int:
    for message in lost:
        keys = (message.id, message.session_id, message.seq, message.parent_id)
        role = db.value(_ROLE, keys)
        text = db.value(_TEXT, (message.id,)) if role == "assistant" else None
        time = db.value(_TIME, keys[:3]) or now()
        status = "interrupted" if role == "assistant" else "complete"
        db.execute(
            "INSERT INTO message (id, session_id, seq, parent_id, role, content, status, created_at, closed_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*keys, role, text or LOST, status, time, time),
        )
    return len(lost)


def _rebuild_sessions(db: Connection) -> int:
    n = db.execute(_SESSIONS, (UNKNOWN,))
    for session_id, text in db.tuples(
        "SELECT s.id, m.content FROM session s JOIN message m ON m.seq = (SELECT min(seq) FROM message "
        "WHERE session_id = s.id AND role = 'user' AND content <> ?) WHERE s.title = ''",
        (LOST,),
    ):
        db.execute("UPDATE session SET title = ? WHERE id = ?", (title_from(text), session_id))
    return n


def _left_out(db: Connection, table: str) -> int:
    """Delete the rows of a table that cannot do without what they refer to and that is not there; how many. A row that
    can lets it go: a conversation outlives its run, a message the one before it, a trace its generation."""
    optional = {c["name"] for c in db.rows(f"PRAGMA main.table_info({table})") if not c["notnull"]}
    keys: dict[int, list[Row]] = {}
    for row in db.rows(f"PRAGMA main.foreign_key_list({table})"):
        keys.setdefault(row["id"], []).append(row)
    n = 0
    for columns in keys.values():
        there = " AND ".join(f"c.{row['from']} IS NOT NULL" for row in columns)
        same = " AND ".join(f"p.{row['to']} = c.{row['from']}" for row in columns)
        gone = f"{there} AND NOT EXISTS (SELECT 1 FROM {columns[0]['table']} p WHERE {same})"
        let_go = next((row["from"] for row in columns if row["from"] in optional), None)
        if let_go is not None:  # not a draft: its slot says the session, too
            db.execute(f"UPDATE OR IGNORE {table} AS c SET {let_go} = NULL WHERE {gone}")
        n += db.execute(f"DELETE FROM {table} AS c WHERE {gone}")
    return n


def _execute(db: Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        db.execute(statement)


def _count(db: Connection, table: str) -> int:
    return int(db.value(f"SELECT count(*) FROM {table}"))
