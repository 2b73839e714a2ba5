"""Runs: an instruction set and the sides that answer it. `answers` has the conversations in them."""

import json
from collections.abc import Sequence

from urial_tui.errors import StoreError
from urial_tui.store.database import locks
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.database.ids import beginning, listed_ids, new_id, now, storable
from urial_tui.store.database.json_columns import texts, to_json
from urial_tui.store.runs.types import Run, RunItem, RunStart

_LARGEST = 2**63 - 1
"""The largest number that a column holds."""

_SIDES = """
  (SELECT json_group_array(side) FROM (SELECT side FROM run_side WHERE run_id = r.id ORDER BY number)) AS sides
"""
_SELECT = f"""
SELECT r.*, {_SIDES},
  max(r.updated_at, coalesce((SELECT max(s.updated_at) FROM session s WHERE s.run_id = r.id), '')) AS touched_at,
  (SELECT count(*) FROM run_item i WHERE i.run_id = r.id) AS n_items,
  (SELECT coalesce(sum(i.n_turns), 0) FROM run_item i WHERE i.run_id = r.id)
    * (SELECT count(*) FROM run_side d WHERE d.run_id = r.id) AS n_wanted,
  (SELECT count(*) FROM run_answer a JOIN message m ON m.id = a.message_id
    WHERE a.run_id = r.id AND m.status = 'complete') AS n_answered,
  (SELECT count(*) FROM run_answer a JOIN message m ON m.id = a.message_id
    WHERE a.run_id = r.id AND m.status = 'failed') AS n_failed
FROM run r
"""
_NEWEST = "ORDER BY r.seq DESC"


def create(db: Connection, start: RunStart, *, unless_there: bool = False) -> Run:
    """A new run; `unless_there`: the newest one of this fingerprint, where there is one.

    Raises StoreError (`bad-name`).
    """
    name = _checked_name(start.name)
    run_id, time = new_id(), now()
    with db.transaction():
        if unless_there and (
            row := db.row(
                f"{_SELECT} WHERE r.fingerprint = ? {_NEWEST} LIMIT 1", (start.fingerprint,)
            )
        ):
            return _run(row)
        db.execute(
            "INSERT INTO run (id, name, fingerprint, created_at, updated_at, input_name, input_format, input_sha256, "
            "reference_sides, settings, versions) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run_id,
                name,
                start.fingerprint,
                time,
                time,
                storable(start.input_name),
                start.input_format,
                start.input_sha256,
                to_json([storable(side) for side in start.references]),
                to_json(start.settings),
                to_json(start.versions),
            ),
        )
        db.executemany(
            "INSERT INTO run_side (run_id, number, side) VALUES (?, ?, ?)",
            [(run_id, number, storable(side)) for number, side in enumerate(start.sides)],
        )
    return get(db, run_id)


def get(db: Connection, run_id: str) -> Run:
    """Raises StoreError (`not-found`)."""
    row = db.row(f"{_SELECT} WHERE r.id = ?", (run_id,))
    if row is None:
        raise not_found(run_id)
    return _run(row)


def check(db: Connection, run_id: str) -> None:
    """Raise StoreError (`not-found`) when there is no such run."""
    if db.value("SELECT 1 FROM run WHERE id = ?", (run_id,)) is None:
        raise not_found(run_id)


def find(db: Connection, reference: str) -> Run:
    """The run that a person means: `last`, an id, a whole name, or the beginning of an id that is the only one.

    Raises StoreError (`not-found`, `ambiguous`).
    """
    wanted = storable(reference.strip())
    if wanted.lower() == "last":
        rows = db.rows(f"{_SELECT} ORDER BY touched_at DESC, r.seq DESC LIMIT 1")
        if not rows:
            raise StoreError(
                "there is no run yet", kind="not-found", hint="`urial-tui run` makes one."
            )
        return _run(rows[0])
    id_ = wanted.lower()
    rows = db.rows(f"{_SELECT} WHERE r.id = ?", (id_,)) or db.rows(
        f"{_SELECT} WHERE r.name = ? {_NEWEST} LIMIT 6", (wanted,)
    )
    if not rows and (ids := beginning(id_)) is not None:
        rows = db.rows(f"{_SELECT} WHERE r.id >= ? AND r.id < ? {_NEWEST} LIMIT 6", ids)
    if not rows:
        raise not_found(reference)
    if len(rows) > 1:
        raise StoreError(
            f"several runs are called {wanted}, or begin so: {listed_ids(rows)}",
            kind="ambiguous",
            hint="Write the id, or more of it.",
        )
    return _run(rows[0])


def listed(db: Connection, limit: int = 200) -> list[Run]:
    """The newest first."""
    return [_run(row) for row in db.rows(f"{_SELECT} {_NEWEST} LIMIT ?", (limit,))]


def of_input(db: Connection, input_sha256: str) -> list[Run]:
    """All that answer this input, the newest first."""
    rows = db.rows(f"{_SELECT} WHERE r.input_sha256 = ? {_NEWEST}", (input_sha256,))
    return [_run(row) for row in rows]


def judged(db: Connection) -> list[str]:
    """Ids of the runs of which an answer was judged, or compared with another one, the newest first."""
    rows = db.rows(
        "SELECT r.id FROM run r WHERE r.id IN ("
        "SELECT a.run_id FROM judgement j JOIN run_answer a ON a.message_id = j.message_id "
        "UNION SELECT a.run_id FROM comparison c JOIN run_answer a ON a.message_id = c.message_a "
        "UNION SELECT a.run_id FROM comparison c JOIN run_answer a ON a.message_id = c.message_b"
        f") {_NEWEST}"
    )
    return [row["id"] for row in rows]


def sides_of_all(db: Connection) -> list[tuple[str, tuple[str, ...]]]:
    """Every run's id and sides, the newest first."""
    rows = db.rows(f"SELECT r.id, {_SIDES} FROM run r {_NEWEST}")
    return [(row["id"], texts(row["sides"])) for row in rows]


def rename(db: Connection, run_id: str, name: str) -> None:
    """Raises StoreError: `not-found`, `bad-name`, or `run-locked` while another program writes it."""
    name = _checked_name(name)
    with db.transaction():
        locks.guard_run(db, run_id)
        if not db.execute("UPDATE run SET name = ? WHERE id = ?", (name, run_id)):
            raise not_found(run_id)


def _checked_name(name: str) -> str:
    name = storable(name.strip())
    if not name or name.lower() == "last":
        raise StoreError(
            f"a run cannot be called {name!r}",
            kind="bad-name",
            hint="`last` names the run that was written last. Choose another name."
            if name
            else "Write a name.",
        )
    return name


def delete(db: Connection, run_id: str) -> None:
    """Delete a run with its conversations and all that was made of them. Refused while another program writes it."""
    with db.transaction():
        locks.guard_run(db, run_id)
        for row in db.rows(
            "SELECT l.session_id FROM session_lock l JOIN session s ON s.id = l.session_id WHERE s.run_id = ?",
            (run_id,),
        ):
            locks.guard(db, row["session_id"])
        if not db.execute("DELETE FROM run WHERE id = ?", (run_id,)):
            raise not_found(run_id)


def add_items(db: Connection, run_id: str, items: Sequence[RunItem]) -> None:
    """Add rows of the instruction set; those whose index is there already are left alone.

    Raises StoreError: `not-found`, `run-locked`, or `no-turns` for an item that asks nothing.
    """
    with db.transaction():
        locks.guard_run(db, run_id)
        if not db.execute("UPDATE run SET updated_at = ? WHERE id = ?", (now(), run_id)):
            raise not_found(run_id)
        for item in items:
            if not item.turns:
                raise StoreError(f"item {item.index} of the run asks nothing", kind="no-turns")
        db.executemany(
            "INSERT INTO run_item (run_id, item, source_id, turns, n_turns, dataset, category, task, topic, extra) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run_id, item) DO NOTHING",
            [
                (
                    run_id,
                    item.index,
                    _source_id(item.source_id),
                    to_json([storable(turn) for turn in item.turns]),
                    len(item.turns),
                    storable(item.dataset),
                    storable(item.category),
                    to_json(item.task),
                    to_json(item.topic),
                    to_json(item.extra),
                )
                for item in items
            ],
        )


def items(db: Connection, run_id: str) -> list[RunItem]:
    """The rows of the instruction set, by index."""
    check(db, run_id)
    return [
        _item(row)
        for row in db.rows("SELECT * FROM run_item WHERE run_id = ? ORDER BY item", (run_id,))
    ]


def item(db: Connection, run_id: str, index: int) -> RunItem:
    """Raises StoreError (`not-found`)."""
    row = db.row("SELECT * FROM run_item WHERE run_id = ? AND item = ?", (run_id, index))
    if row is None:
        check(db, run_id)
        raise StoreError(f"run {run_id} has no item {index}", kind="not-found")
    return _item(row)


def not_found(run_id: str) -> StoreError:
    return StoreError(
        f"there is no run {storable(run_id)}",
        kind="not-found",
        hint="`urial-tui runs list` shows the runs.",
    )


def _source_id(value: str | int) -> str | int:
    """As it is; a number that no column holds as text."""
    if isinstance(value, str):
        return storable(value)
    return value if -_LARGEST <= value <= _LARGEST else str(value)


def _item(row: Row) -> RunItem:
    return RunItem(
        index=row["item"],
        source_id=row["source_id"],
        turns=texts(row["turns"]),
        dataset=row["dataset"],
        category=row["category"],
        task=texts(row["task"]),
        topic=texts(row["topic"]),
        extra=json.loads(row["extra"]),
    )


def _run(row: Row) -> Run:
    return Run(
        id=row["id"],
        created_at=row["created_at"],
        updated_at=row["touched_at"],
        start=RunStart(
            name=row["name"],
            fingerprint=row["fingerprint"],
            input_name=row["input_name"],
            input_format=row["input_format"],
            input_sha256=row["input_sha256"],
            sides=texts(row["sides"]),
            references=texts(row["reference_sides"]),
            settings=json.loads(row["settings"]),
            versions=json.loads(row["versions"]),
        ),
        n_items=row["n_items"],
        n_wanted=row["n_wanted"],
        n_answered=row["n_answered"],
        n_failed=row["n_failed"],
    )
