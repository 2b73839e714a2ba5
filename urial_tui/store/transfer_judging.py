"""Runs, judgements and comparisons of `transfer`: what was changed in memory, written to the file. Ours wins."""

from collections.abc import Sequence

from urial_tui.store import comparisons, judgements
from urial_tui.store.connection import Connection, Row
from urial_tui.store.json_columns import to_json
from urial_tui.store.upsert import upsert


def write_run(memory: Connection, target: Connection, run_id: str) -> None:
    """A run with its sides and items. Inside the caller's transaction, as all of these."""
    upsert(target, "run", memory.rows("SELECT * FROM run WHERE id = ?", (run_id,)))
    for table, key in (("run_side", ("run_id", "number")), ("run_item", ("run_id", "item"))):
        rows = memory.rows(f"SELECT * FROM {table} WHERE run_id = ?", (run_id,))
        upsert(target, table, rows, key=key)


def write_run_answers(memory: Connection, target: Connection, session_id: str) -> None:
    """Which messages of a session answer what. A conversation of another program about the same item goes."""
    rows = memory.rows("SELECT * FROM run_answer WHERE session_id = ? ORDER BY turn", (session_id,))
    for row in rows[:1]:
        target.execute(
            "DELETE FROM session WHERE id IN (SELECT session_id FROM run_answer "
            "WHERE run_id = ? AND item = ? AND side = ? AND session_id <> ?)",
            (row["run_id"], row["item"], row["side"], session_id),
        )
    upsert(target, "run_answer", rows, key=("run_id", "item", "side", "turn"))


def write_judgements(memory: Connection, target: Connection, session_id: str) -> None:
    """The judgements of a session's messages."""
    for row in memory.rows(
        "SELECT j.* FROM judgement j JOIN message m ON m.id = j.message_id WHERE m.session_id = ? ORDER BY j.seq",
        (session_id,),
    ):
        key = (row["message_id"], row["judge_key"], row["rubric_hash"])
        judgements.remove_earlier(target, *key, but=row["id"])
        _write(memory, target, "judgement", row, "judgement_score")


def write_comparisons(memory: Connection, target: Connection, ids: Sequence[str]) -> None:
    """Comparisons, once the messages are there; one of an answer that another program deleted is dropped."""
    for row in memory.rows(
        "SELECT * FROM comparison WHERE id IN (SELECT value FROM json_each(?)) ORDER BY seq",
        (to_json(list(ids)),),
    ):
        pair = sorted((row["message_a"], row["message_b"]))
        if target.value("SELECT count(*) FROM message WHERE id IN (?, ?)", pair) < 2:
            continue
        comparisons.remove_earlier(
            target, pair, row["judge_key"], row["rubric_hash"], but=row["id"]
        )
        _write(memory, target, "comparison", row, "comparison_pick")


def _write(memory: Connection, target: Connection, table: str, row: Row, parts: str) -> None:
    """One row and its parts."""
    upsert(target, table, [row])
    key = f"{table}_seq"
    seq = target.value(f"SELECT seq FROM {table} WHERE id = ?", (row["id"],))
    rows = memory.rows(f"SELECT * FROM {parts} WHERE {key} = ?", (row["seq"],))
    upsert(target, parts, [part | {key: seq} for part in rows], key=(key, "number"))
