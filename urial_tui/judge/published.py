"""Published figures as reference rows: read from `published.toml`, which says where each is from.

They are never mixed with the board's own rows, and each table carries the reason why it cannot be compared with them.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from urial_tui.judge.board.types import PublishedRow, PublishedTable


@cache
def published_tables() -> tuple[PublishedTable, ...]:
    """All tables, in the file's order."""
    text = (files("urial_tui.judge") / "published.toml").read_text("utf-8")
    return tuple(_table(entry) for entry in tomllib.loads(text)["table"])


def _table(entry: dict[str, Any]) -> PublishedTable:
    columns = tuple(entry["columns"])
    rows = tuple(
        PublishedRow(row["system"], {name: float(row[name]) for name in columns if name in row})
        for row in entry["rows"]
    )
    texts = {name: str(entry[name]) for name in ("title", "judge", "items", "source", "note")}
    return PublishedTable(columns=columns, rows=rows, digits=int(entry.get("digits", 2)), **texts)
