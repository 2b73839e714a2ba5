"""Insert rows, or bring those that are there up to date."""

from collections.abc import Sequence
from typing import Any

from urial_tui.store.database.connection import Connection
from urial_tui.store.exchange.lossless_parts import Part


def upsert(
    target: Connection, part: Part, names: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    """Insert or update by the part's key; `seq` is given by the target, in the order of the calls."""
    others = [name for name in names if name not in part.key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in others)
    # Unchanged rows are left alone, for the sake of the search index.
    differs = " OR ".join(f"{part.table}.{name} IS NOT excluded.{name}" for name in others)
    change = f"UPDATE SET {changes} WHERE {differs}" if others else "NOTHING"
    target.executemany(
        f"INSERT INTO {part.table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({', '.join(part.key)}) DO {change}",
        rows,
    )
