"""The schema as it is today, with its words: for `history schema` and the page about it."""

from contextlib import closing
from dataclasses import dataclass

from urial_tui.store.database.connection import Connection
from urial_tui.store.schema import migrate
from urial_tui.store.schema.words import CONVERSATIONS, TRACES, Words
from urial_tui.store.schema.words_judging import JUDGING, RUNS

GROUPS: dict[str, dict[str, Words]] = {
    "Conversations": CONVERSATIONS,
    "Token shift": TRACES,
    "Runs": RUNS,
    "Judgements": JUDGING,
}


@dataclass(frozen=True)
class ColumnInfo:
    name: str
    type: str
    """As declared; empty for a column of a view that is computed."""
    optional: bool
    """Whether it may be NULL. Of a view nothing is known."""
    key: bool
    """Part of the primary key."""
    about: str


@dataclass(frozen=True)
class TableInfo:
    group: str
    name: str
    kind: str
    """`table` or `view`."""
    about: str
    columns: tuple[ColumnInfo, ...]


def tables() -> list[TableInfo]:
    """Every table and view with words, in their order. Columns without words are in it, with an empty text."""
    with closing(Connection(None)) as db:
        migrate.migrate(db)
        return [
            _table(db, group, name, words)
            for group, of_group in GROUPS.items()
            for name, words in of_group.items()
        ]


def _table(db: Connection, group: str, name: str, words: Words) -> TableInfo:
    kind = str(db.value("SELECT type FROM sqlite_master WHERE name = ?", (name,)))
    columns = tuple(
        ColumnInfo(
            name=row["name"],
            type=row["type"],
            optional=not (row["notnull"] or row["pk"]),
            key=bool(row["pk"]),
            about=words.columns.get(row["name"], ""),
        )
        for row in db.rows(f"PRAGMA table_info({name})")
    )
    return TableInfo(group, name, kind, words.about, columns)
