"""Insert rows, or bring those that are there up to date."""

from collections.abc import Sequence

from urial_tui.store.connection import Connection, Row


def upsert(
    target: Connection, table: str, rows: Sequence[Row], *, key: tuple[str, ...] = ("id",)
) -> None:
    """Insert or update by the public id, or by `key`; `seq` is given by the target, in the order of the calls."""
    if not rows:
        return
    names = [name for name in rows[0] if name != "seq"]
    others = [name for name in names if name not in key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in others)
    # Unchanged rows are left alone, for the sake of the search index.
    differs = " OR ".join(f"{table}.{name} IS NOT excluded.{name}" for name in others)
    target.executemany(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes} WHERE {differs}",
        [tuple(row[name] for name in names) for row in rows],
    )
