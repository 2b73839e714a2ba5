"""The schema of the history as text, as JSON and as docs/schema.md."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from urial_tui.store.schema.reading import ColumnInfo, TableInfo
from urial_tui.store.schema.steps import LATEST

_HEAD = """\
# The schema of the history

<!-- Made by `make docs`. Do not edit. -->

Schema {version}, written from the program; `urial-tui history schema` prints the same, with `--json` for programs. How
to open the file, what survives what, and queries to begin with are in [history.md](history.md).

Ids are 26 characters of text that sort by time. Times are UTC, ISO 8601 with milliseconds and `Z`. Columns named `seq`
are SQLite's row numbers. All distributions are the softmax of the raw logits, before samplers; ranks count from 1.
Columns and tables may be added by later versions; those below keep their names and meanings.
"""


def as_text(tables: Sequence[TableInfo]) -> str:
    """For a terminal: everything in it is the program's own."""
    lines = [f"Schema {LATEST}"]
    for table in tables:
        lines += ["", f"{table.name} ({table.kind}): {_plain(table.about)}"]
        width = max(len(column.name) for column in table.columns)
        lines += [
            f"  {column.name:<{width}}  {column.type:<7}  {_plain(column.about)}"
            for column in table.columns
        ]
    return "\n".join(lines) + "\n"


def as_markdown(tables: Sequence[TableInfo]) -> str:
    """The page docs/schema.md."""
    lines = [_HEAD.format(version=LATEST).rstrip()]
    for group, of_group in groupby(tables, key=lambda table: table.group):
        lines += ["", f"## {group}"]
        for table in of_group:
            lines += ["", f"**{table.name}**: {table.about}.", ""]
            lines += ["| column | type | meaning |", "| --- | --- | --- |"]
            lines += [_row(table, column) for column in table.columns]
    return "\n".join(lines) + "\n"


def as_dict(tables: Sequence[TableInfo]) -> dict[str, Any]:
    return {"schema": LATEST, "tables": [asdict(table) for table in tables]}


def _row(table: TableInfo, column: ColumnInfo) -> str:
    type_ = column.type.lower()
    if column.key:
        type_ += ", key"
    elif column.optional and table.kind == "table" and type_:
        type_ += " or NULL"
    return f"| `{column.name}` | {type_} | {column.about} |"


def _plain(text: str) -> str:
    """Without the marks of Markdown."""
    return text.replace("**", "").replace("`", "")
