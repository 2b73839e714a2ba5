"""Sessions: made, listed, found, renamed, pinned, archived, deleted for good. `organising` has tags and the bin."""

import json
import re
from typing import Any

from urial_tui.errors import StoreError
from urial_tui.store.database import locks
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.database.ids import beginning, listed_ids, new_id, now, storable
from urial_tui.store.sessions import filters as session_filter
from urial_tui.store.sessions import search
from urial_tui.store.types import Session, SessionFilter

TITLE_LENGTH = 60
"""Longest title that is made from a first message, in characters."""
LONGEST_TITLE = 200
"""Longest title that a person may give, in characters."""

NOT_IN_BIN = SessionFilter(archived="yes")
"""Every session that `last` may mean for who only reads."""

_FENCES = ("```", "~~~")
_MARKS = re.compile(r"^(?:(?:#{1,6}|>|[-*+]) +)+")
_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»", "`": "`", "*": "*"}
# A stop after a short word may be that of an abbreviation.
_SENTENCE = re.compile(rf".{{14,{TITLE_LENGTH - 2}}}?(?:[?!](?=\s)|(?<=\w{{3}})\.(?=\s)|[。？！])")

_SELECT = """
SELECT s.*, (SELECT count(*) FROM message m WHERE m.session_id = s.id) AS n_messages,
  (SELECT json_group_array(tag) FROM (SELECT tag FROM session_tag t WHERE t.session_id = s.id ORDER BY tag)) AS tags
FROM {} s
"""
_ALL = _SELECT.format("session")


def create(db: Connection, side: str, title: str = "", run_id: str | None = None) -> Session:
    session_id, time = new_id(), now()
    with db.transaction():
        db.execute(
            "INSERT INTO session (id, title, side, created_at, updated_at, run_id) VALUES (?, ?, ?, ?, ?, ?)",
            (session_id, storable(title), storable(side), time, time, run_id),
        )
    return get(db, session_id)


def get(db: Connection, session_id: str) -> Session:
    """Raises StoreError (`not-found`)."""
    row = db.row(f"{_ALL} WHERE s.id = ?", (session_id,))
    if row is None:
        raise not_found(session_id)
    return _session(row)


def find(db: Connection, reference: str, among: SessionFilter = NOT_IN_BIN) -> Session:
    """The session that a person means: an id, the beginning of one that is the only one, or `last`.

    `last` is the one of `among` that was written to last, or where they are those of the bin, that came there last.
    Raises StoreError (`not-found`, `ambiguous`).
    """
    wanted = storable(reference.strip().lower())
    if wanted == "last":
        where, params = _condition(db, among)
        time = "deleted_at" if among.deleted == "only" else "updated_at"
        rows = db.rows(f"{_ALL} WHERE {where} ORDER BY s.{time} DESC, s.seq DESC LIMIT 1", params)
        if not rows:
            raise _none_of(among)
        return _session(rows[0])
    ids = beginning(wanted)
    if ids is None:
        raise not_found(reference)
    rows = db.rows(f"{_ALL} WHERE s.id >= ? AND s.id < ? ORDER BY s.id LIMIT 6", ids)
    if not rows:
        raise not_found(reference)
    if len(rows) > 1:
        raise StoreError(
            f"several sessions begin with {reference}: {listed_ids(rows)}",
            kind="ambiguous",
            hint="Write more of the id.",
        )
    return _session(rows[0])


def listed(
    db: Connection, wanted: SessionFilter | str = "", limit: int = 200, offset: int = 0
) -> list[Session]:
    """Sessions, pinned ones first, then the one written to last. A text is a filter by query alone.

    A run has a conversation for each of its items and sides: those are left out.
    """
    where, params = _condition(db, wanted)
    # Messages and tags are looked up for those of the page alone.
    order = "ORDER BY s.pinned DESC, s.updated_at DESC, s.seq DESC"
    page = f"(SELECT * FROM session s WHERE {where} {order} LIMIT ? OFFSET ?)"
    rows = db.rows(f"{_SELECT.format(page)} {order}", (*params, limit, offset))
    return [_session(row) for row in rows]


def count(db: Connection, wanted: SessionFilter | str = "") -> int:
    """How many `listed` has in all."""
    where, params = _condition(db, wanted)
    return int(db.value(f"SELECT count(*) FROM session s WHERE {where}", params))


def set_title(db: Connection, session_id: str, title: str) -> None:
    """Raises StoreError: `bad-title` for a long one, `of-run`, `session-locked`, `not-found`."""
    title = title.strip()
    if len(title) > LONGEST_TITLE:
        raise StoreError(
            f"a title of {len(title):,} characters is too long",
            kind="bad-title",
            hint=f"Write {LONGEST_TITLE} at most.",
        )
    _organise(db, session_id, "title", storable(title))


def set_side(db: Connection, session_id: str, side: str) -> None:
    _set(db, session_id, "side", storable(side))


def set_archived(db: Connection, session_id: str, archived: bool) -> None:
    """Raises StoreError: `of-run`, `session-locked`, `not-found`."""
    _organise(db, session_id, "archived", int(archived))


def set_pinned(db: Connection, session_id: str, pinned: bool) -> None:
    """Raises StoreError: `of-run`, `session-locked`, `not-found`."""
    _organise(db, session_id, "pinned", int(pinned))


def set_leaf(db: Connection, session_id: str, message_id: str) -> None:
    """Remember which branch is on screen. Raises StoreError when the message is not of this session."""
    if (
        db.value("SELECT 1 FROM message WHERE session_id = ? AND id = ?", (session_id, message_id))
        is None
    ):
        raise StoreError(f"session {session_id} has no message {message_id}", kind="not-found")
    _set(db, session_id, "leaf_id", message_id)


def delete(db: Connection, session_id: str) -> None:
    """Delete a session with its messages, tokens and draft. Refused while another program writes it."""
    with db.transaction():
        locks.guard(db, session_id)
        if not db.execute("DELETE FROM session WHERE id = ?", (session_id,)):
            raise not_found(session_id)


def title_from(text: str) -> str:
    """A title out of a first message: its first line with a word in it, without marks of markdown and quotes around
    it. A long one ends with its first sentence, else at a word."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    with_word = (line for line in lines if not line.startswith(_FENCES) and re.search(r"\w", line))
    line = next(with_word, lines[0] if lines else "")
    line = _MARKS.sub("", line)
    if len(line) > 2 and _QUOTES.get(line[0]) == line[-1] and line[-1] not in line[1:-1]:
        line = line[1:-1].strip()
    if len(line) <= TITLE_LENGTH:
        return line
    if sentence := _SENTENCE.match(line):
        return sentence[0]
    cut = line[: TITLE_LENGTH - 1]
    head, _, _ = cut.rpartition(" ")
    return (head if len(head) > TITLE_LENGTH // 2 else cut).rstrip() + "…"


def not_found(session_id: str) -> StoreError:
    return StoreError(
        f"there is no session {storable(session_id)}",
        kind="not-found",
        hint="`urial-tui history list` shows the sessions.",
    )


def _none_of(among: SessionFilter) -> StoreError:
    if among.deleted == "only":
        return StoreError("the bin is empty", kind="not-found")
    what = {
        "is archived": among.archived == "only",
        "is pinned": bool(among.pinned),
        f"has the tag {', '.join(among.tags)}": bool(among.tags),
    }
    words = " and ".join(state for state, asked in what.items() if asked)
    if not words:
        return StoreError("there is no session yet", kind="not-found")
    hint = "`urial-tui history list` shows the sessions."
    return StoreError(f"no session {words}", kind="not-found", hint=hint)


def guard_order(db: Connection, session_id: str) -> None:
    """Refuse to keep a conversation in order that no list has, or that another program writes.

    Raises StoreError: `not-found`, `of-run`, `session-locked`.
    """
    session = get(db, session_id)
    if session.run_id is not None:
        raise StoreError(
            f"session {session_id} is of run {session.run_id}, and no list shows it",
            kind="of-run",
            hint=f"Name the run instead (`urial-tui runs rename {session.run_id} NAME`), or delete it with its "
            f"conversations (`urial-tui runs delete {session.run_id}`).",
        )
    locks.guard(db, session_id)


def _condition(db: Connection, wanted: SessionFilter | str) -> tuple[str, list[Any]]:
    if isinstance(wanted, str):
        wanted = SessionFilter(query=wanted)
    where, params = session_filter.condition(db, wanted)
    if wanted.query.strip():
        matching, of_query = search.session_condition(wanted.query)
        return f"{where} AND {matching}", [*params, *of_query]
    return where, params


def _organise(db: Connection, session_id: str, column: str, value: str | int) -> None:
    """Set what only lists of sessions have."""
    with db.transaction():
        guard_order(db, session_id)
        _set(db, session_id, column, value)


def _set(db: Connection, session_id: str, column: str, value: str | int) -> None:
    with db.transaction():
        locks.guard(db, session_id)
        if not db.execute(f"UPDATE session SET {column} = ? WHERE id = ?", (value, session_id)):
            raise not_found(session_id)


def _session(row: Row) -> Session:
    return Session(
        id=row["id"],
        title=row["title"],
        side=row["side"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        leaf_id=row["leaf_id"],
        n_messages=row["n_messages"],
        archived=bool(row["archived"]),
        run_id=row["run_id"],
        pinned=bool(row["pinned"]),
        tags=tuple(json.loads(row["tags"])),
        deleted_at=row["deleted_at"],
        origin=json.loads(row["origin"]),
    )
