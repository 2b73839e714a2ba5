"""A `SessionFilter` as a condition in SQL on `session s`. Its query is the business of `search`."""

from typing import Any

from urial_tui.store.connection import Connection
from urial_tui.store.ids import storable
from urial_tui.store.json_columns import to_json
from urial_tui.store.types import SessionFilter, Shown

_SHOWN: dict[Shown, tuple[str, ...]] = {"no": ("NOT {0}",), "yes": (), "only": ("{0}",)}

_OF_ANSWER = (
    "EXISTS (SELECT 1 FROM message m JOIN generation g ON g.message_id = m.id "
    "WHERE m.session_id = s.id AND g.{} IN (SELECT value FROM json_each(?)))"
)

# Aspects without a score are no numbers, and avg leaves NULL out.
_MEAN_SCORE = (
    "(SELECT avg(x.score) FROM message m JOIN judgement j ON j.message_id = m.id "
    "JOIN judgement_score x ON x.judgement_seq = j.seq WHERE m.session_id = s.id)"
)

# By the trace that counts for each answer, against all its references.
_SHIFTED = (
    "(SELECT sum(c.shifted) * 1.0 / nullif(sum(c.unshifted + c.marginal + c.shifted), 0) FROM message m "
    "JOIN shown_trace n ON n.message_id = m.id JOIN trace t ON t.id = n.trace_id "
    "JOIN trace_side r ON r.trace_seq = t.seq JOIN shift_total c ON c.side_seq = r.seq WHERE m.session_id = s.id)"
)


def condition(db: Connection, wanted: SessionFilter) -> tuple[str, list[Any]]:
    """The condition for everything but `query`, and its parameters. Conversations of runs never match."""
    where = ["s.run_id IS NULL"]
    params: list[Any] = []

    def add(sql: str, *values: Any) -> None:
        where.append(sql)
        params.extend(values)

    for shown, there in (
        (wanted.deleted, "(s.deleted_at IS NOT NULL)"),
        (wanted.archived, "s.archived"),
    ):
        where.extend(sql.format(there) for sql in _SHOWN[shown])
    if wanted.pinned is not None:
        add("s.pinned = ?", int(wanted.pinned))
    if wanted.since:
        add("s.updated_at >= ?", wanted.since)
    if wanted.until:
        add("s.updated_at < ?", wanted.until)
    for tag in wanted.tags:
        add(
            "EXISTS (SELECT 1 FROM session_tag t WHERE t.session_id = s.id AND t.tag = ?)",
            as_tag(tag),
        )
    if wanted.side:
        own = _names(db, "session", "side", wanted.side)
        answers = _names(db, "generation", "side", wanted.side)
        add(
            f"(s.side IN (SELECT value FROM json_each(?)) OR {_OF_ANSWER.format('side')})",
            own,
            answers,
        )
    if wanted.pack:
        add(_OF_ANSWER.format("pack_id"), _names(db, "generation", "pack_id", wanted.pack))
    for sql, low, high in (
        (_MEAN_SCORE, wanted.score_min, wanted.score_max),
        (_SHIFTED, wanted.shifted_min, wanted.shifted_max),
    ):
        if low is not None:
            add(f"{sql} >= ?", low)
        if high is not None:
            add(f"{sql} <= ?", high)
    return " AND ".join(where), params


def as_tag(text: str) -> str:
    """A tag as it is kept: in small letters, single blanks inside, so that it is the same however it is typed."""
    return " ".join(storable(text).lower().split())


def _names(db: Connection, table: str, column: str, part: str) -> str:
    """Those names in a column that have `part` in them, whatever the case, as a JSON array: a few of many rows."""
    wanted = storable(part).casefold()
    rows = db.rows(f"SELECT DISTINCT {column} AS name FROM {table} WHERE {column} IS NOT NULL")
    return to_json([row["name"] for row in rows if wanted in row["name"].casefold()])
