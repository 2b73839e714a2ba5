"""Judgements and comparisons: one for each judge, rubric and answer; what is no score is never a number."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.store_rows import START
from tests.support.store_runs import (
    COMPARED,
    JUDGE,
    NOT_APPLICABLE,
    OK,
    PERSON,
    RUBRIC,
    answer_all,
    comparison,
    judgement,
    make_run,
)
from urial_tui.errors import StoreError
from urial_tui.store.judging.types import AspectScore, Judgement
from urial_tui.store.runs.types import RunAnswer
from urial_tui.store.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as opened:
        yield opened


@pytest.fixture
def rows(store: Store) -> list[RunAnswer]:
    return answer_all(store, make_run(store))


def test_a_judgement_is_read_as_it_was_written(store: Store, rows: list[RunAnswer]) -> None:
    saved = store.save_judgement(judgement(rows[0].message_id))
    assert replace(saved, id="", created_at="") == judgement(rows[0].message_id)
    assert saved.id
    assert saved.created_at
    assert store.judgements() == [saved]
    person = store.save_judgement(
        Judgement(rows[0].message_id, PERSON, RUBRIC, "ok", (replace(OK, probabilities=()),))
    )
    assert store.judgements(message_ids=[rows[0].message_id]) == [saved, person]
    (brief, _) = store.judgements(texts=False)
    assert brief == replace(saved, prompt="", raw=())


def test_the_same_judge_and_rubric_have_one_for_each_answer(
    store: Store, rows: list[RunAnswer]
) -> None:
    first = store.save_judgement(judgement(rows[0].message_id))
    for changes in (
        {"judge": replace(JUDGE, key="key-2")},
        {"rubric": replace(RUBRIC, version=2, hash="cc" * 32)},
        {"message_id": rows[1].message_id},
    ):
        store.save_judgement(replace(judgement(rows[0].message_id), **changes))
    assert len(store.judgements()) == 4
    again = store.save_judgement(judgement(rows[0].message_id, scores=(OK,), note="better"))
    assert first.id not in {j.id for j in store.judgements()}
    assert [j for j in store.judgements() if j.id == again.id] == [again]
    assert len(store.judgements()) == 4
    assert store._db.value("SELECT count(*) FROM judgement_score") == 3 * 3 + 1


def test_judgements_of_a_run_are_asked_for(store: Store, rows: list[RunAnswer]) -> None:
    other = answer_all(store, make_run(store, name="other"))
    for row in (rows[0], rows[1], other[0]):
        store.save_judgement(judgement(row.message_id))
    ids = [row.message_id for row in (rows[1], other[0])]
    assert [j.message_id for j in store.judgements(run_id=rows[0].run_id)] == [
        rows[0].message_id,
        rows[1].message_id,
    ]
    assert [j.message_id for j in store.judgements(message_ids=ids)] == ids
    assert [j.message_id for j in store.judgements(run_id=other[0].run_id, message_ids=ids)] == [
        other[0].message_id
    ]
    assert store.judgements(message_ids=[]) == []
    many = [f"x{n}" for n in range(3000)]
    assert [j.message_id for j in store.judgements(message_ids=[*many, ids[0]])] == ids[:1]


@pytest.mark.parametrize(
    "bad",
    [
        AspectScore("clarity", "na", 5),
        AspectScore("clarity", "invalid", 1),
        AspectScore("clarity", "refused", 3),
        AspectScore("clarity", "ok"),
        AspectScore("clarity", "ok", 0),
        AspectScore("clarity", "ok", 6),
    ],
)
def test_what_is_no_score_is_never_a_number(
    store: Store, rows: list[RunAnswer], bad: AspectScore
) -> None:
    kept = store.save_judgement(judgement(rows[0].message_id))
    with pytest.raises(StoreError) as refused:
        store.save_judgement(judgement(rows[0].message_id, scores=(OK, bad)))
    assert refused.value.kind == "bad-score"
    assert store.judgements() == [kept]  # the one before it stays
    with pytest.raises(StoreError):  # the file itself refuses it, too
        store._db.execute(
            "UPDATE judgement_score SET outcome = ?, score = ?", (bad.outcome, bad.score)
        )


@pytest.mark.parametrize("column", ["expected", "spread"])
def test_without_a_score_there_is_no_expected_one(
    store: Store, rows: list[RunAnswer], column: str
) -> None:
    odd = replace(NOT_APPLICABLE, expected=2.5, spread=1.0, probabilities=(0.01,) * 5)
    saved = store.save_judgement(judgement(rows[0].message_id, scores=(OK, odd)))
    assert saved.scores[1] == replace(odd, expected=None, spread=None)
    assert store.judgements() == [saved]
    assert store._db.value(f"SELECT count({column}) FROM score") == 1
    with pytest.raises(StoreError):
        store._db.execute(f"UPDATE judgement_score SET {column} = 1.0")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"message_id": "nowhere"}, "not-found"),
        ({"scores": (OK, OK)}, "store"),
        ({"scores": (replace(OK, probabilities=(float("nan"),)),)}, "not-json"),
        ({"outcome": "fine"}, "store"),
        ({"timings": {"x": object()}}, "not-json"),
    ],
)
def test_a_bad_judgement_leaves_what_was_there(
    store: Store, rows: list[RunAnswer], changes: dict[str, Any], kind: str
) -> None:
    kept = store.save_judgement(judgement(rows[0].message_id))
    with pytest.raises(StoreError) as refused:
        store.save_judgement(replace(judgement(rows[0].message_id), **changes))
    assert refused.value.kind == kind
    assert store.judgements() == [kept]


def test_a_question_cannot_be_judged(store: Store, rows: list[RunAnswer]) -> None:
    question = store.branch(rows[0].message_id)[0].id
    for attempt in (
        lambda: store.save_judgement(judgement(question)),
        lambda: store.save_comparison(comparison(rows[0].message_id, question)),
    ):
        with pytest.raises(StoreError) as refused:
            attempt()
        assert refused.value.kind == "not-an-answer"


def test_the_view_has_a_row_an_aspect_also_of_answers_outside_of_runs(
    store: Store, rows: list[RunAnswer]
) -> None:
    store.save_judgement(judgement(rows[2].message_id))
    session = store.create_session("demo").id
    alone = store.begin_answer(session, store.add_user_message(session, None, "q").id)
    store.begin_generation(alone.id, START)
    store.save_judgement(judgement(alone.id))
    shown = store._db.rows(
        "SELECT run, item, category, side, turn, aspect, outcome, score, expected FROM score "
        "ORDER BY run IS NULL, aspect"
    )
    assert [tuple(row.values()) for row in shown] == [
        ("just-eval-40", 1, "writing", "demo@urial-general", 0, "clarity", "ok", 4, 3.75),
        ("just-eval-40", 1, "writing", "demo@urial-general", 0, "depth", "invalid", None, None),
        ("just-eval-40", 1, "writing", "demo@urial-general", 0, "factuality", "na", None, None),
        (None, None, None, "demo@urial-general", None, "clarity", "ok", 4, 3.75),
        (None, None, None, "demo@urial-general", None, "depth", "invalid", None, None),
        (None, None, None, "demo@urial-general", None, "factuality", "na", None, None),
    ]


# --- comparisons


def test_a_comparison_is_read_as_it_was_written(store: Store, rows: list[RunAnswer]) -> None:
    a, b = rows[0].message_id, rows[1].message_id
    saved = store.save_comparison(comparison(a, b))
    assert replace(saved, id="", created_at="") == comparison(a, b)
    assert store.comparisons() == [saved]
    assert store.comparisons(texts=False) == [replace(saved, prompts=(), raw=())]
    shown = store._db.rows("SELECT side_a, side_b, aspect, winner FROM preference ORDER BY aspect")
    assert [tuple(row.values()) for row in shown] == [
        ("demo@urial-general", "demo@zero-shot", "clarity", "tie"),
        ("demo@urial-general", "demo@zero-shot", "depth", None),
    ]


def test_a_pair_is_compared_once_whichever_is_called_a(store: Store, rows: list[RunAnswer]) -> None:
    a, b = rows[0].message_id, rows[1].message_id
    store.save_comparison(comparison(a, b))
    again = store.save_comparison(comparison(b, a))
    assert store.comparisons() == [again]
    person = store.save_comparison(comparison(a, b, judge=PERSON))
    assert store.comparisons() == [again, person]
    with pytest.raises(StoreError):
        store._db.execute("UPDATE comparison SET judge_key = 'same'")


def test_comparisons_are_asked_for_by_run_and_by_answer(
    store: Store, rows: list[RunAnswer]
) -> None:
    other = answer_all(store, make_run(store, name="other"))
    within = store.save_comparison(comparison(rows[0].message_id, rows[1].message_id))
    across = store.save_comparison(comparison(rows[0].message_id, other[0].message_id))
    runs = [rows[0].run_id, other[0].run_id]
    assert store.comparisons(run_ids=runs[:1]) == [within]
    assert store.comparisons(run_ids=runs[1:]) == []
    assert store.comparisons(run_ids=runs) == [within, across]
    assert store.comparisons(message_ids=[other[0].message_id]) == [across]
    assert store.comparisons(message_ids=[rows[0].message_id]) == [within, across]
    assert store.comparisons(run_ids=runs[:1], message_ids=[other[0].message_id]) == []


def test_a_comparison_that_makes_no_sense_is_refused(store: Store, rows: list[RunAnswer]) -> None:
    a, b = rows[0].message_id, rows[1].message_id
    kept = store.save_comparison(comparison(a, b))
    for bad, kind in (
        (comparison(a, a), "same-answer"),
        (comparison(a, "nowhere"), "not-found"),
        (comparison(a, b, picks=(replace(COMPARED[1], winner="a"),)), "bad-pick"),
        (comparison(a, b, picks=(replace(COMPARED[0], winner=None),)), "bad-pick"),
        (comparison(a, b, picks=(replace(COMPARED[0], winner="c"),)), "store"),
    ):
        with pytest.raises(StoreError) as refused:
            store.save_comparison(bad)
        assert refused.value.kind == kind
    assert store.comparisons() == [kept]


# --- deleting


def test_what_is_deleted_leaves_no_parts(store: Store, rows: list[RunAnswer]) -> None:
    a, b = rows[0].message_id, rows[1].message_id
    store.delete_judgement(store.save_judgement(judgement(a)).id)
    store.delete_comparison(store.save_comparison(comparison(a, b)).id)
    for delete in (store.delete_judgement, store.delete_comparison):
        with pytest.raises(StoreError) as gone:
            delete("nowhere")
        assert gone.value.kind == "not-found"
    store.save_judgement(judgement(a))
    store.save_comparison(comparison(a, b))
    store.delete_session(rows[0].session_id)
    for table in ("judgement", "judgement_score", "comparison", "comparison_pick"):
        assert store._db.value(f"SELECT count(*) FROM {table}") == 0
    assert store.check() == []
