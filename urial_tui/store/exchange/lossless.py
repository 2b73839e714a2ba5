"""A session, a run or a comparison as one tree of its rows, and a tree as rows again, with nothing lost in between.

A tree is a dict of a row's columns, in the schema's order, and lists of the rows below it, by the names in
`lossless_parts`. Row numbers are not in it: they are another database's business. The export and import of a history
and the way back from memory to the file (`transfer`) are both made of this.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from urial_tui.errors import StoreError
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.database.json_columns import to_json
from urial_tui.store.exchange.lossless_parts import (
    PIECE,
    ROOTS,
    VOCABULARY,
    Kind,
    Part,
    has_seq,
    own_columns,
)
from urial_tui.store.traces import shift_totals
from urial_tui.store.traces.generations import unpack_ids

Tree = dict[str, Any]
Put = Callable[[Connection, Part, Sequence[str], list[tuple[Any, ...]]], None]
"""Writes rows (their names, their values) of a part: `insert`, or `transfer`'s that lets what is there give way."""


def read(db: Connection, kind: Kind, id_: str) -> Tree | None:
    """The tree of the session, run or comparison `id_`, as it is at one moment. None when there is none."""
    part = ROOTS[kind]
    with db.snapshot():
        found = _rows(db, part, _select(part, "t.id = ?"), (id_,))
        if not found:
            return None
        tree = found[0]
        if kind == "session" and (vocabularies := _vocabularies(db, tree)):
            tree[VOCABULARY.name] = vocabularies
        return tree


def write(db: Connection, kind: Kind, tree: Tree, put: Put) -> None:
    """Write a tree with its vocabularies. Inside the caller's transaction.

    Raises StoreError: `bad-row` for what the schema refuses, naming where in the tree it is.
    """
    part = ROOTS[kind]
    if kind == "session":
        _write_rows(db, VOCABULARY, tree.get(VOCABULARY.name, []), {}, put, VOCABULARY.name)
    _write_rows(db, part, [tree], {}, put, "")
    if kind == "session":
        shift_totals.count_session(db, tree["id"])


def insert(db: Connection, part: Part, names: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    """Rows that are not there yet."""
    marks = ", ".join("?" * len(names))
    db.executemany(f"INSERT INTO {part.table} ({', '.join(names)}) VALUES ({marks})", rows)


def messages(tree: Tree) -> list[Tree]:
    """The messages of a session's tree."""
    found: list[Tree] = tree.get("messages", [])
    return found


# --- reading


def _read_part(db: Connection, part: Part, above: Row) -> Any:
    """What is below the row `above`; empty when nothing is."""
    condition = " AND ".join(f"t.{own} = ?" for own, _ in part.link)
    params = tuple(above[up] for _, up in part.link)
    if not part.columnar:
        return _rows(db, part, _select(part, condition), params)
    names = [column.name for column in own_columns(part)]
    found = db.tuples(_select(part, condition), params)
    return (
        {name: list(values) for name, values in zip(names, zip(*found, strict=True), strict=True)}
        if found
        else {}
    )


def _rows(db: Connection, part: Part, sql: str, params: Sequence[Any]) -> list[Tree]:
    rows = db.rows(sql, params)
    for row in rows:
        for below in part.parts:
            if content := _read_part(db, below, row):
                row[below.name] = content
        row.pop("seq", None)
    return rows


@cache
def _select(part: Part, condition: str) -> str:
    wanted = [f"t.{column.name}" for column in own_columns(part)]
    wanted += [
        f"(SELECT o.{named.column} FROM {named.table} o WHERE o.seq = t.{named.seq}) AS {named.name}"
        for named in part.named
    ]
    if has_seq(part.table) and not part.columnar:
        wanted.append("t.seq")
    return f"SELECT {', '.join(wanted)} FROM {part.table} t WHERE {condition} ORDER BY {part.order}"


def _vocabularies(db: Connection, tree: Tree) -> list[Tree]:
    """The vocabularies of a session's traces, by fingerprint, with the pieces of ids that occur in them."""
    ids: dict[str, set[int]] = {}
    for trace in (trace for message in messages(tree) for trace in message.get("traces", [])):
        used = ids.setdefault(trace["vocabulary"], set())
        scored = trace.get("tokens", {})
        used.update(scored.get("token_id", []))
        tables = [scored, *(side.get("tokens", {}) for side in trace.get("sides", []))]
        tops = b"".join(top for table in tables for top in table.get("top", []) if top)
        used.update(unpack_ids(tops)[::2])
    found = []
    for fingerprint in sorted(ids):
        (row,) = db.rows("SELECT * FROM vocabulary WHERE fingerprint = ?", (fingerprint,))
        pieces = db.tuples(
            "SELECT token_id, raw FROM piece WHERE vocabulary_seq = ? "
            "AND token_id IN (SELECT value FROM json_each(?)) ORDER BY token_id",
            (row.pop("seq"), to_json(sorted(ids[fingerprint]))),
        )
        if pieces:
            row[PIECE.name] = {
                "token_id": [id_ for id_, _ in pieces],
                "raw": [raw for _, raw in pieces],
            }
        found.append(row)
    return found


# --- writing


def _write_part(db: Connection, part: Part, content: Any, above: Row, put: Put, where: str) -> None:
    linked = {own: above[up] for own, up in part.link}
    if not part.columnar:
        _write_rows(db, part, content, linked, put, where)
        return
    given = tuple(linked.values())
    rows = [(*given, *values) for values in zip(*content.values(), strict=True)]
    with _placed(where):
        put(db, part, (*linked, *content), rows)


def _write_rows(
    db: Connection, part: Part, rows: Sequence[Tree], linked: Row, put: Put, where: str
) -> None:
    below = _below(part)
    needs_seq = any(up == "seq" for one in below for _, up in one.link)
    for number, tree in enumerate(rows):
        here = f"{where}[{number}]" if where else part.name
        values = linked | {
            column.name: tree[column.name] for column in own_columns(part) if column.name in tree
        }
        for named in part.named:
            values[named.seq] = _seq_of(db, named.table, named.column, tree.get(named.name))
        later = {name: values.pop(name) for name in part.later if name in values}
        with _placed(here):
            put(db, part, tuple(values), [tuple(values.values())])
        key = {name: values[name] for name in part.key}
        if needs_seq:
            values["seq"] = _seq(db, part, key)
        for one in below:
            if one.name in tree:
                inner = f"{here}.{one.name}" if where else one.name
                _write_part(db, one, tree[one.name], values, put, inner)
        if later:
            changes = ", ".join(f"{name} = ?" for name in later)
            with _placed(here):
                db.execute(
                    f"UPDATE {part.table} SET {changes} WHERE {_is(key)}",
                    (*later.values(), *key.values()),
                )


def _below(part: Part) -> tuple[Part, ...]:
    return (PIECE,) if part is VOCABULARY else part.parts


def _is(key: Row) -> str:
    return " AND ".join(f"{name} = ?" for name in key)


def _seq(db: Connection, part: Part, key: Row) -> int:
    return int(db.value(f"SELECT seq FROM {part.table} WHERE {_is(key)}", tuple(key.values())))


def _seq_of(db: Connection, table: str, column: str, value: Any) -> int | None:
    """The row number of the row that `value` names."""
    found = db.value(f"SELECT seq FROM {table} WHERE {column} = ?", (value,))
    return None if found is None else int(found)


@contextmanager
def _placed(where: str) -> Iterator[None]:
    """Says where in the tree a row is that the schema refuses."""
    try:
        yield
    except StoreError as error:
        if isinstance(error.__cause__, sqlite3.IntegrityError):
            raise bad_row(where, str(error.__cause__)) from error
        raise


def bad_row(where: str, why: str) -> StoreError:
    """`where` is the place in a tree, as `messages[3].content`."""
    return StoreError(f"{where}: {why}" if where else why, kind="bad-row")
