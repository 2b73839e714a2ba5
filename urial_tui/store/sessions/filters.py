"""A `SessionFilter` as a condition in SQL on `session s`. Its query is the business of `search`."""

from typing import Any

from urial_tui.store.database.connection import Connection
from urial_tui.store.database.ids import storable
from urial_tui.store.database.json_columns import to_json
from urial_tui.store.types import SessionFilter, Shown

_ARCHIVED: dict[Shown, list[str]] = {"no": ["NOT s.archived"], "yes": [], "only": ["s.archived"]}
_DELETED: dict[Shown, list[str]] = {
    "no": ["s.deleted_at IS NULL"],
    "yes": [],
    "only": ["s.deleted_at IS NOT NULL"],
}

_OF_ANSWERS = (
    "s.id IN (SELECT session_id FROM session_side WHERE {} IN (SELECT value FROM json_each(?)))"
)

# Each of these is a small list of sessions that is made once. Aspects without a score are no numbers: avg leaves NULL
# out, and where nothing is left its NULL is within no bound.
_SCORED = (
    "s.id IN (SELECT m.session_id FROM judgement j JOIN judgement_score x ON x.judgement_seq = j.seq "
    "JOIN message m ON m.id = j.message_id GROUP BY m.session_id HAVING avg(x.score) {} ?)"
)
_SHIFTED = (
    "s.id IN (SELECT session_id FROM shift_total GROUP BY session_id "
    "HAVING sum(shifted) * 1.0 / nullif(sum(unshifted + marginal + shifted), 0) {} ?)"
)


def condition(db: Connection, wanted: SessionFilter) -> tuple[str, list[Any]]:
    """The condition for everything but `query`, and its parameters. Conversations of runs never match."""
    where = ["s.run_id IS NULL", *_DELETED[wanted.deleted], *_ARCHIVED[wanted.archived]]
    params: list[Any] = []

    def add(sql: str, *values: Any) -> None:
        where.append(sql)
        params.extend(values)

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
        own, answers = (_names(db, t, "side", wanted.side) for t in ("session", "session_side"))
        add(
            f"(s.side IN (SELECT value FROM json_each(?)) OR {_OF_ANSWERS.format('side')})",
            own,
            answers,
        )
    if wanted.pack:
        add(_OF_ANSWERS.format("pack_id"), _names(db, "session_side", "pack_id", wanted.pack))
    for sql, low, high in (
        (_SCORED, wanted.score_min, wanted.score_max),
        (_SHIFTED, wanted.shifted_min, wanted.shifted_max),
    ):
        if low is not None:
            add(sql.format(">="), low)
        if high is not None:
            add(sql.format("<="), high)
    return " AND ".join(where), params


def as_tag(text: str) -> str:
    """A tag as it is kept: in small letters, single blanks inside, so that it is the same however it is typed."""
    return " ".join(storable(text).lower().split())


def _names(db: Connection, table: str, column: str, part: str) -> str:
    """Those names in a column that have `part` in them, whatever the case, as a JSON array: a few of many rows."""
    wanted = storable(part).casefold()
    rows = db.rows(f"SELECT DISTINCT {column} AS name FROM {table}")
    return to_json([row["name"] for row in rows if wanted in row["name"].casefold()])
