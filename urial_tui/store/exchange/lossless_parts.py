"""What belongs to a session, a run and a comparison, table by table: the shape of `lossless`.

Columns are not listed here: they come from the schema itself, so that a new one is part of every tree at once.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from urial_tui.store.database.connection import Connection
from urial_tui.store.schema import migrate

Kind = Literal["session", "run", "comparison"]


@dataclass(frozen=True)
class Named:
    """A column that holds a row number of `table`; in a tree, `name` has that row's own `column` in its place."""

    seq: str
    name: str
    table: str
    column: str


@dataclass(frozen=True)
class Part:
    """Rows of a table that belong to a row above. `name` is where they are in that row's tree.

    `link` has pairs of an own column and the one above that it is equal to; those are not in the tree. `key` are the
    columns that tell a row from all others. `columnar` rows are lists, one a column. `later` columns refer to rows
    below and are written after them.
    """

    table: str
    name: str
    link: tuple[tuple[str, str], ...] = ()
    order: str = "seq"
    key: tuple[str, ...] = ("id",)
    columnar: bool = False
    later: tuple[str, ...] = ()
    named: tuple[Named, ...] = ()
    parts: "tuple[Part, ...]" = ()


@dataclass(frozen=True)
class Column:
    """As the schema declares it. `default` is a value; without one a column that may not be NULL is `required`."""

    name: str
    type: str
    nullable: bool
    required: bool
    default: Any


def _numbered(table: str, name: str, above: str, key: str = "seq") -> Part:
    """Rows that a number tells apart, below the row that `above` refers to."""
    return Part(table, name, ((above, key),), order="number", key=(above, "number"))


def _tokens(table: str, above: str) -> Part:
    return Part(table, "tokens", ((above, "seq"),), order="i", key=(above, "i"), columnar=True)


_GENERATION: Final = Part(
    "generation",
    "generations",
    (("message_id", "id"),),
    parts=(_tokens("token", "generation_seq"),),
)
_TRACE_SIDE: Final = Part(
    "trace_side",
    "sides",
    (("trace_seq", "seq"),),
    order="number",
    key=("trace_seq", "number"),
    parts=(_tokens("reference_token", "side_seq"),),
)
_TRACE: Final = Part(
    "trace",
    "traces",
    (("message_id", "id"),),
    named=(
        Named("generation_seq", "generation", "generation", "id"),
        Named("vocabulary_seq", "vocabulary", "vocabulary", "fingerprint"),
    ),
    parts=(_tokens("scored_token", "trace_seq"), _TRACE_SIDE),
)
_JUDGEMENT: Final = Part(
    "judgement",
    "judgements",
    (("message_id", "id"),),
    parts=(_numbered("judgement_score", "scores", "judgement_seq"),),
)
_MESSAGE: Final = Part(
    "message", "messages", (("session_id", "id"),), parts=(_GENERATION, _TRACE, _JUDGEMENT)
)
SESSION: Final = Part(
    "session",
    "session",
    later=("leaf_id",),
    parts=(
        Part(
            "session_tag",
            "tags",
            (("session_id", "id"),),
            order="tag",
            key=("session_id", "tag"),
        ),
        Part(
            "draft",
            "drafts",
            (("slot", "id"), ("session_id", "id")),
            order="slot",
            key=("slot",),
        ),
        _MESSAGE,
        Part(
            "run_answer",
            "answers",
            (("session_id", "id"),),
            order="run_id, item, side, turn",
            key=("run_id", "item", "side", "turn"),
        ),
    ),
)
RUN: Final = Part(
    "run",
    "run",
    parts=(
        _numbered("run_side", "sides", "run_id", "id"),
        Part("run_item", "items", (("run_id", "id"),), order="item", key=("run_id", "item")),
    ),
)
COMPARISON: Final = Part(
    "comparison",
    "comparison",
    parts=(_numbered("comparison_pick", "picks", "comparison_seq"),),
)
ROOTS: Final[dict[Kind, Part]] = {"session": SESSION, "run": RUN, "comparison": COMPARISON}

VOCABULARY: Final = Part("vocabulary", "vocabularies", key=("fingerprint",))
PIECE: Final = Part(
    "piece",
    "pieces",
    (("vocabulary_seq", "seq"),),
    order="token_id",
    key=("vocabulary_seq", "token_id"),
    columnar=True,
)
"""Vocabularies are shared by sessions: a session's tree has those of its traces, with the pieces that occur in them."""


@cache
def columns(table: str) -> tuple[Column, ...]:
    """The columns of a table at the current schema, without its row number."""
    return tuple(column for column in _schema()[table] if column.name != "seq")


@cache
def has_seq(table: str) -> bool:
    return any(column.name == "seq" for column in _schema()[table])


@cache
def own_columns(part: Part) -> tuple[Column, ...]:
    """Those columns of a part that its tree has under their own names."""
    left_out = {own for own, _ in part.link} | {named.seq for named in part.named}
    return tuple(column for column in columns(part.table) if column.name not in left_out)


@cache
def _schema() -> dict[str, tuple[Column, ...]]:
    db = Connection(None)
    try:
        migrate.migrate(db)
        tables = [
            row["name"]
            for row in db.rows(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%\\_fts%' ESCAPE '\\'"
            )
        ]
        return {
            table: tuple(
                Column(
                    row["name"],
                    row["type"],
                    not row["notnull"],
                    bool(row["notnull"]) and row["dflt_value"] is None,
                    None if row["dflt_value"] is None else db.value(f"SELECT {row['dflt_value']}"),
                )
                for row in db.rows(f"PRAGMA table_info({table})")
            )
            for table in tables
        }
    finally:
        db.close()
