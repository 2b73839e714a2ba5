"""What rows of judgements and of comparisons share: who judged, by which rubric, and how it went."""

import json
from typing import Any

from urial_tui.errors import StoreError
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.database.ids import storable
from urial_tui.store.database.json_columns import texts, to_json
from urial_tui.store.judging.types import Comparison, JudgeInfo, Judgement, RubricRef

OUTSIDE_RUNS = (
    "SELECT m.id FROM message m JOIN session s ON s.id = m.session_id WHERE s.run_id IS NULL"
)
LONG = ("prompt", "prompts", "raw")
"""Columns that a table of thousands of scores does not need."""


def values(record: Judgement | Comparison) -> dict[str, Any]:
    """The shared columns of a record."""
    return {
        "judge_kind": record.judge.kind,
        "judge": storable(record.judge.judge),
        "judge_key": storable(record.judge.key),
        "provenance": to_json(record.judge.provenance),
        "rubric": storable(record.rubric.id),
        "rubric_version": record.rubric.version,
        "rubric_hash": record.rubric.hash,
        "outcome": record.outcome,
        "shortened": to_json(record.shortened),
        "note": storable(record.note),
        "blind": int(record.blind),
        "own": int(record.own),
        "timings": to_json(record.timings),
        "raw": to_json(record.raw),
    }


def fields(row: Row) -> dict[str, Any]:
    """The shared fields of a record, by name. A column that was not asked for is as if it were empty."""
    return {
        "id": row["id"],
        "created_at": row["created_at"],
        "judge": JudgeInfo(
            kind=row["judge_kind"],
            judge=row["judge"],
            key=row["judge_key"],
            provenance=json.loads(row["provenance"]),
        ),
        "rubric": RubricRef(row["rubric"], row["rubric_version"], row["rubric_hash"]),
        "outcome": row["outcome"],
        "shortened": {
            name: (int(shown), int(whole))
            for name, (shown, whole) in json.loads(row["shortened"]).items()
        },
        "note": row["note"],
        "blind": bool(row["blind"]),
        "own": bool(row["own"]),
        "timings": json.loads(row["timings"]),
        "raw": texts(row.get("raw", "[]")),
    }


def columns(db: Connection, table: str, *, long_texts: bool) -> str:
    """The columns of `table`, for a SELECT; without the long ones where they are not needed."""
    names = [row["name"] for row in db.rows(f"PRAGMA table_info({table})")]
    return ", ".join(f"t.{name}" for name in names if long_texts or name not in LONG)


def insert(db: Connection, table: str, row: dict[str, Any]) -> None:
    db.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
        tuple(row.values()),
    )


def is_answer(db: Connection, message_id: str) -> None:
    """Raise StoreError where the message is none that can be judged: `not-found`, `not-an-answer`."""
    role = db.value("SELECT role FROM message WHERE id = ?", (message_id,))
    if role is None:
        raise StoreError(f"there is no message {storable(message_id)}", kind="not-found")
    if role != "assistant":
        raise StoreError(f"message {message_id} is no answer", kind="not-an-answer")
