"""Judgements of answers. A judge (by key) and a rubric (by hash) have one for each answer; each is written whole."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from urial_tui.errors import StoreError
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.database.ids import new_id, now, storable
from urial_tui.store.database.json_columns import to_json
from urial_tui.store.judging import judged
from urial_tui.store.judging.types import AspectScore, Judgement


def save(db: Connection, judgement: Judgement) -> Judgement:
    """Write a judgement, in place of the one that this judge and rubric have of the answer.

    Where the outcome of an aspect is not `ok`, its expected score and spread are not kept; the masses are. Returns
    it as it is stored. Raises StoreError: `not-found`, `not-an-answer`, `bad-score` for an aspect that has a score
    outside of 1-5, one without `ok`, or `ok` without one.
    """
    scores = tuple(
        score if score.outcome == "ok" else replace(score, expected=None, spread=None)
        for score in judgement.scores
    )
    for score in scores:
        _refuse_bad(score)
    saved = replace(judgement, id=new_id(), created_at=now(), scores=scores)
    with db.transaction():
        judged.is_answer(db, judgement.message_id)
        remove_earlier(
            db, judgement.message_id, storable(judgement.judge.key), judgement.rubric.hash
        )
        judged.insert(
            db,
            "judgement",
            {
                "id": saved.id,
                "message_id": saved.message_id,
                "created_at": saved.created_at,
                **judged.values(saved),
                "prompt": storable(saved.prompt),
            },
        )
        seq = db.value("SELECT seq FROM judgement WHERE id = ?", (saved.id,))
        db.executemany(
            "INSERT INTO judgement_score (judgement_seq, number, aspect, outcome, score, expected, spread, "
            "probabilities, p_na, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    seq,
                    number,
                    storable(score.aspect),
                    score.outcome,
                    score.score,
                    score.expected,
                    score.spread,
                    to_json(score.probabilities),
                    score.p_na,
                    storable(score.reason),
                )
                for number, score in enumerate(scores)
            ],
        )
    return saved


def remove_earlier(
    db: Connection, message_id: str, judge_key: str, rubric_hash: str, *, but: str = ""
) -> None:
    """Delete what this judge and rubric have of the answer, `but` the one with this id."""
    db.execute(
        "DELETE FROM judgement WHERE message_id = ? AND judge_key = ? AND rubric_hash = ? AND id <> ?",
        (message_id, judge_key, rubric_hash, but),
    )


def listed(
    db: Connection,
    *,
    run_id: str | None = None,
    message_ids: Sequence[str] | None = None,
    texts: bool = True,
    outside_runs: bool = False,
) -> list[Judgement]:
    """Judgements of the answers of a run, of these messages (both: of those in both), or all; the oldest first.
    `outside_runs`: of no run's answers."""
    where, params = ["1"], []
    if outside_runs:
        where.append(f"t.message_id IN ({judged.OUTSIDE_RUNS})")
    if run_id is not None:
        where.append("t.message_id IN (SELECT message_id FROM run_answer WHERE run_id = ?)")
        params.append(run_id)
    if message_ids is not None:
        where.append("t.message_id IN (SELECT value FROM json_each(?))")
        params.append(to_json(list(message_ids)))
    condition = " AND ".join(where)
    scores: dict[int, list[AspectScore]] = {}
    for row in db.rows(
        "SELECT x.* FROM judgement_score x JOIN judgement t ON t.seq = x.judgement_seq "
        f"WHERE {condition} ORDER BY x.judgement_seq, x.number",
        params,
    ):
        scores.setdefault(row["judgement_seq"], []).append(_score(row))
    return [
        Judgement(
            message_id=row["message_id"],
            scores=tuple(scores.get(row["seq"], ())),
            prompt=row.get("prompt", ""),
            **judged.fields(row),
        )
        for row in db.rows(
            f"SELECT {judged.columns(db, 'judgement', long_texts=texts)} FROM judgement t "
            f"WHERE {condition} ORDER BY t.seq",
            params,
        )
    ]


def delete(db: Connection, judgement_id: str) -> None:
    """Raises StoreError (`not-found`)."""
    with db.transaction():
        if not db.execute("DELETE FROM judgement WHERE id = ?", (judgement_id,)):
            raise StoreError(f"there is no judgement {storable(judgement_id)}", kind="not-found")


def _refuse_bad(score: AspectScore) -> None:
    if score.outcome == "ok" and score.score is not None and 1 <= score.score <= 5:
        return
    if score.outcome != "ok" and score.score is None:
        return
    raise StoreError(
        f"{storable(score.aspect)}: {score.score} is no score of an aspect that is {score.outcome}",
        kind="bad-score",
    )


def _score(row: Row) -> AspectScore:
    values: dict[str, Any] = {
        name: row[name]
        for name in ("aspect", "outcome", "score", "expected", "spread", "p_na", "reason")
    }
    return AspectScore(probabilities=tuple(json.loads(row["probabilities"])), **values)
