"""Taking trees of `lossless` from another history into this one: rows that are there stay, none is replaced.

Everything runs inside the caller's transaction, so that one row that cannot be taken leaves nothing behind.
"""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any, Final, Literal

from urial_tui.errors import StoreError
from urial_tui.store.database import locks
from urial_tui.store.database.connection import Connection
from urial_tui.store.database.ids import ALPHABET
from urial_tui.store.database.json_columns import to_json
from urial_tui.store.exchange.lossless import Tree, bad_row, insert, read, write
from urial_tui.store.exchange.lossless_parts import PIECE, ROOTS, VOCABULARY, Kind, Part
from urial_tui.store.judging import judged

Taken = Literal["new", "there"]

_IDS: Final = frozenset(
    ("id", "parent_id", "leaf_id", "message_id", "run_id", "continued_from", "generation")
) | {"message_a", "message_b"}
"""Fields of a tree that hold an id of this program."""
_TIME_CHARS: Final = 10
"""The beginning of an id that says when it was made."""


_ORDER: Final[dict[Kind, frozenset[str]]] = {
    "session": frozenset(
        ("title", "updated_at", "leaf_id", "archived", "pinned", "deleted_at", "tags", "drafts")
    ),
    "run": frozenset(("name", "updated_at")),
    "comparison": frozenset(),
}
"""What a person arranges, and what is on screen: two copies that differ in nothing else have the same content."""


class Fresh:
    """New ids in place of those of one import, the same one for the same id; their times stay."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)

    def id(self, old: str) -> str:
        digits = hashlib.blake2b(old.encode(), key=self._salt, digest_size=16).digest()
        return old[:_TIME_CHARS].rjust(_TIME_CHARS, "0") + "".join(
            ALPHABET[byte & 31] for byte in digits
        )

    def tree(self, kind: Kind, tree: Tree) -> Tree:
        """A copy of the tree under new ids. A run is not found by the command that made the other one."""
        made = _renamed(ROOTS[kind], tree, self)
        if kind == "run":
            made["fingerprint"] = self.id(tree["fingerprint"])
        return made


def take(db: Connection, kind: Kind, tree: Tree) -> Taken:
    """Write the tree of `kind`. One that is there already with the same content is left alone, whatever its title, its
    place in the list and the branch on screen are here.

    Raises StoreError: `differs` where the same id has other content here, `session-locked` or `run-locked` while
    another program writes it, `bad-row`.
    """
    id_ = tree["id"]
    _guard(db, kind, tree)
    if db.value(f"SELECT 1 FROM {kind} WHERE id = ?", (id_,)) is not None:
        where = _difference(_content(kind, read(db, kind, id_) or {}), _content(kind, tree), "")
        if where is None:
            return "there"
        raise StoreError(
            f"the {kind} {id_} is there already, with other content{f': {where}' if where else ''}",
            hint="--as-new takes everything under new ids, beside what is there.",
            kind="differs",
        )
    if kind == "comparison":
        for name in ("message_a", "message_b"):
            try:
                judged.is_answer(db, tree[name])
            except StoreError as error:
                raise bad_row(name, error.message) from error
    write(db, kind, tree, _put)
    return "new"


def runs_of(db: Connection, session_ids: Sequence[str], run_ids: Sequence[str] = ()) -> list[str]:
    """Runs that these sessions are conversations of, and these, the oldest first."""
    return [
        id_
        for (id_,) in db.tuples(
            "SELECT id FROM run WHERE id IN (SELECT value FROM json_each(?)) OR id IN (SELECT run_id FROM session "
            "WHERE id IN (SELECT value FROM json_each(?))) ORDER BY seq",
            (to_json(list(run_ids)), to_json(list(session_ids))),
        )
    ]


def in_order(db: Connection, session_ids: Sequence[str]) -> list[str]:
    """These sessions, without repetitions, in the order in which they were made."""
    return _ids(
        db,
        "SELECT id FROM session WHERE id IN (SELECT value FROM json_each(?)) ORDER BY seq",
        to_json(list(session_ids)),
    )


def comparisons_within(db: Connection, session_ids: Sequence[str]) -> list[str]:
    """Comparisons of two answers that are both in these sessions, the oldest first."""
    return _ids(
        db,
        "WITH chosen (id) AS (SELECT value FROM json_each(?)) SELECT c.id FROM comparison c "
        "JOIN message a ON a.id = c.message_a JOIN message b ON b.id = c.message_b "
        "WHERE a.session_id IN chosen AND b.session_id IN chosen ORDER BY c.seq",
        to_json(list(session_ids)),
    )


def _content(kind: Kind, tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if name not in _ORDER[kind]}


def _difference(one: Any, other: Any, where: str) -> str | None:
    """The first place in which two trees differ, as `messages[3].content`; None where they are equal."""
    if one == other:
        return None
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one | other:
            found = _difference(
                one.get(name), other.get(name), f"{where}.{name}" if where else name
            )
            if found is not None:
                return found
    if isinstance(one, list) and isinstance(other, list):
        for number, (a, b) in enumerate(zip(one, other, strict=False)):
            found = _difference(a, b, f"{where}[{number}]")
            if found is not None:
                return found
    return where


def _ids(db: Connection, sql: str, chosen: str) -> list[str]:
    return [id_ for (id_,) in db.tuples(sql, (chosen,))]


def _guard(db: Connection, kind: Kind, tree: Tree) -> None:
    if kind == "session":
        locks.guard(db, tree["id"])
        if tree["run_id"] is not None:
            if db.value("SELECT 1 FROM run WHERE id = ?", (tree["run_id"],)) is None:
                raise bad_row("run_id", "there is no such run, neither here nor before this line")
            locks.guard_run(db, tree["run_id"])
    elif kind == "run":
        locks.guard_run(db, tree["id"])


def _put(db: Connection, part: Part, names: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    """Rows that must be new, but for vocabularies: those are shared, and must agree."""
    if part not in (VOCABULARY, PIECE):
        insert(db, part, names, rows)
        return
    key = [names.index(name) for name in part.key]
    db.executemany(
        f"INSERT INTO {part.table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({', '.join(part.key)}) DO NOTHING",
        rows,
    )
    condition = " AND ".join(f"{name} = ?" for name in part.key)
    select = f"SELECT {', '.join(names)} FROM {part.table} WHERE {condition}"
    for row in rows:
        if db.tuples(select, [row[place] for place in key]) != [row]:
            raise bad_row(part.name, "the same vocabulary has other tokens here")


def _renamed(part: Part, tree: Tree, fresh: Fresh) -> Tree:
    parts = {one.name: one for one in part.parts}
    made: Tree = {}
    for name, value in tree.items():
        if name in _IDS and isinstance(value, str):
            made[name] = fresh.id(value)
        elif name in parts and not parts[name].columnar:
            made[name] = [_renamed(parts[name], row, fresh) for row in value]
        else:
            made[name] = value
    return made
