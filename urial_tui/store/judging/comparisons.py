"""Comparisons of two answers. A judge and a rubric have one for each pair, whichever of the two is called A."""

from collections.abc import Sequence
from dataclasses import replace

from urial_tui.errors import StoreError
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.database.ids import new_id, now, storable
from urial_tui.store.database.json_columns import texts as unpacked
from urial_tui.store.database.json_columns import to_json
from urial_tui.store.judging import judged
from urial_tui.store.judging.types import Comparison, Pick


def save(db: Connection, comparison: Comparison) -> Comparison:
    """Write a comparison, in place of the one that this judge and rubric have of the pair. Returns it as it is stored.

    Raises StoreError: `not-found`, `not-an-answer`, `same-answer`, `bad-pick` for an aspect with a winner and not
    `ok`, or the other way round.
    """
    if comparison.message_a == comparison.message_b:
        raise StoreError("an answer cannot be compared with itself", kind="same-answer")
    for pick in comparison.picks:
        if (pick.outcome == "ok") != (pick.winner is not None):
            raise StoreError(
                f"{storable(pick.aspect)}: {pick.winner} cannot be the winner of an aspect that is {pick.outcome}",
                kind="bad-pick",
            )
    saved = replace(comparison, id=new_id(), created_at=now())
    pair = sorted((saved.message_a, saved.message_b))
    with db.transaction():
        for message_id in pair:
            judged.is_answer(db, message_id)
        remove_earlier(db, pair, storable(saved.judge.key), saved.rubric.hash)
        judged.insert(
            db,
            "comparison",
            {
                "id": saved.id,
                "message_a": saved.message_a,
                "message_b": saved.message_b,
                "created_at": saved.created_at,
                **judged.values(saved),
                "prompts": to_json(saved.prompts),
                "words_a": saved.words_a,
                "words_b": saved.words_b,
            },
        )
        seq = db.value("SELECT seq FROM comparison WHERE id = ?", (saved.id,))
        db.executemany(
            "INSERT INTO comparison_pick (comparison_seq, number, aspect, outcome, winner, a_first, b_first, "
            "p_a_first, p_b_first, reasons) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    seq,
                    number,
                    storable(pick.aspect),
                    pick.outcome,
                    pick.winner,
                    pick.first,
                    pick.second,
                    pick.p_first,
                    pick.p_second,
                    to_json(pick.reasons),
                )
                for number, pick in enumerate(saved.picks)
            ],
        )
    return saved


def remove_earlier(
    db: Connection, pair: Sequence[str], judge_key: str, rubric_hash: str, *, but: str = ""
) -> None:
    """Delete what this judge and rubric have of two answers, in order of their ids, `but` the one with this id."""
    db.execute(
        "DELETE FROM comparison WHERE min(message_a, message_b) = ? AND max(message_a, message_b) = ? "
        "AND judge_key = ? AND rubric_hash = ? AND id <> ?",
        (*pair, judge_key, rubric_hash, but),
    )


def listed(
    db: Connection,
    *,
    run_ids: Sequence[str] | None = None,
    message_ids: Sequence[str] | None = None,
    texts: bool = True,
    outside_runs: bool = False,
) -> list[Comparison]:
    """Comparisons, the oldest first. `run_ids`: both answers are of one of these runs. `message_ids`: at least one is
    of these messages. Neither: all; both: those that are in both. `outside_runs`: at least one is of no run."""
    where, params = ["1"], []
    if outside_runs:
        outside = judged.OUTSIDE_RUNS
        where.append(f"(t.message_a IN ({outside}) OR t.message_b IN ({outside}))")
    if run_ids is not None:
        of_runs = (
            "(SELECT message_id FROM run_answer WHERE run_id IN (SELECT value FROM json_each(?)))"
        )
        where.append(f"t.message_a IN {of_runs} AND t.message_b IN {of_runs}")
        params += [to_json(list(run_ids))] * 2
    if message_ids is not None:
        these = "(SELECT value FROM json_each(?))"
        where.append(f"(t.message_a IN {these} OR t.message_b IN {these})")
        params += [to_json(list(message_ids))] * 2
    condition = " AND ".join(where)
    picks: dict[int, list[Pick]] = {}
    for row in db.rows(
        "SELECT x.* FROM comparison_pick x JOIN comparison t ON t.seq = x.comparison_seq "
        f"WHERE {condition} ORDER BY x.comparison_seq, x.number",
        params,
    ):
        picks.setdefault(row["comparison_seq"], []).append(_pick(row))
    return [
        Comparison(
            message_a=row["message_a"],
            message_b=row["message_b"],
            picks=tuple(picks.get(row["seq"], ())),
            words_a=row["words_a"],
            words_b=row["words_b"],
            prompts=unpacked(row.get("prompts", "[]")),
            **judged.fields(row),
        )
        for row in db.rows(
            f"SELECT {judged.columns(db, 'comparison', long_texts=texts)} FROM comparison t "
            f"WHERE {condition} ORDER BY t.seq",
            params,
        )
    ]


def other_runs(db: Connection, run_id: str) -> dict[str, int]:
    """Runs that answers of this one were compared with, itself left out: how many comparisons with each."""
    rows = db.rows(
        "SELECT b.run_id, count(*) AS n FROM run_answer a "
        "JOIN comparison c ON a.message_id IN (c.message_a, c.message_b) "
        "JOIN run_answer b ON b.message_id = iif(a.message_id = c.message_a, c.message_b, c.message_a) "
        "WHERE a.run_id = ? AND b.run_id <> ? GROUP BY b.run_id ORDER BY n DESC",
        (run_id, run_id),
    )
    return {row["run_id"]: row["n"] for row in rows}


def delete(db: Connection, comparison_id: str) -> None:
    """Raises StoreError (`not-found`)."""
    with db.transaction():
        if not db.execute("DELETE FROM comparison WHERE id = ?", (comparison_id,)):
            raise StoreError(f"there is no comparison {storable(comparison_id)}", kind="not-found")


def _pick(row: Row) -> Pick:
    return Pick(
        aspect=row["aspect"],
        outcome=row["outcome"],
        winner=row["winner"],
        first=row["a_first"],
        second=row["b_first"],
        p_first=row["p_a_first"],
        p_second=row["p_b_first"],
        reasons=unpacked(row["reasons"]),
    )
