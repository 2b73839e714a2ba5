"""Files of evaluators become runs, judgements and comparisons, and leave as they came."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.imported import (
    QUESTIONS,
    back,
    judged,
    lines,
    mt_answer,
    newer_runs,
    output,
    put,
    refused,
    take,
)
from urial_tui.errors import ExchangeError
from urial_tui.exchange import (
    alpaca_eval,
    mt_bench,
    urial_pairwise,
)
from urial_tui.store.store import Store

DATA = os.environ.get("URIAL_TUI_TEST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="URIAL_TUI_TEST_DATA is not set")


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as made:
        yield made


# --- just-eval


def test_outputs_become_a_run_with_the_generator_as_its_side(store: Store, tmp_path: Path) -> None:
    rows = [
        output(n, id=str(n + 38), dataset="d", category="regular", task="['a']", seen=n, model_input="in")
        for n in range(3)
    ]  # fmt: skip
    tally = take(store, put(tmp_path / "outs.json", rows))
    assert (tally.format, len(tally.runs), tally.sessions) == ("just-eval", 1, [])
    run = store.run(tally.runs[0])
    assert (run.start.name, run.start.sides, run.n_answered) == ("outs", ("gpt",), 3)
    items = store.run_items(run.id)
    assert [item.source_id for item in items] == ["38", "39", "40"]
    assert items[0].extra == {"seen": 0}
    answer = store.run_answers(run.id)[1]
    assert (answer.content, answer.status) == ("Answer 1", "complete")
    assert store.session(answer.session_id).origin == {
        "format": "just-eval",
        "file": "outs.json",
        "model_input": "in",
    }
    (text,) = back(store, run.id, tmp_path / "back").values()
    for row, came in zip(json.loads(text), rows, strict=True):
        assert row["task"] == ["a"]
        kept = {key: value for key, value in came.items() if key not in ("task", "model_input")}
        assert kept.items() <= row.items()


def test_judge_results_leave_as_they_came(store: Store, tmp_path: Path) -> None:
    rows = [judged(0), judged(1, "N/A"), judged(2, "1", id="7")]
    rows[1]["eval_config"] |= {"max_words": 100}
    tally = take(store, put(tmp_path / "judged.json", rows))
    assert (tally.judgements, len(tally.runs)) == (3, 1)
    found = store.judgements(run_id=tally.runs[0])
    assert [one.scores[0].outcome for one in found] == ["ok", "na", "ok"]
    assert [one.scores[0].score for one in found] == [4, None, 1]
    assert [one.outcome for one in found] == ["ok", "na", "ok"]
    assert {one.judge.key for one in found} == {found[0].judge.key, found[1].judge.key}
    files = back(store, tally.runs[0], tmp_path / "back")
    exported = [row for text in files.values() for row in json.loads(text) if "result" in row]
    assert sorted(exported, key=lambda row: row["input"]) == rows


@needs_data
@pytest.mark.parametrize("mode", ["multi", "safety"])
def test_the_sample_of_judge_results_leaves_equal(store: Store, tmp_path: Path, mode: str) -> None:
    path = Path(DATA or "") / f"judgements_score_{mode}_sample.json"
    tally = take(store, path)
    files = back(store, tally.runs[0], tmp_path / "back")
    (text,) = [text for name, text in files.items() if f"score-{mode}.json" in name]
    assert json.loads(text) == json.loads(path.read_text("utf-8"))


@needs_data
@pytest.mark.parametrize("model", ["Llama-2-7b-chat-hf", "zephyr-7b-beta"])
def test_the_sample_of_outputs_leaves_with_its_ids_and_texts(
    store: Store, tmp_path: Path, model: str
) -> None:
    path = Path(DATA or "") / f"outputs_{model}_40.json"
    tally = take(store, path)
    (text,) = back(store, tally.runs[0], tmp_path / "back").values()
    for row, came in zip(json.loads(text), json.loads(path.read_text("utf-8")), strict=True):
        lists = {"task", "topic"} & came.keys()
        assert {k: row.get(k) for k in came.keys() - lists} == {
            k: came[k] for k in came.keys() - lists
        }


def test_judge_results_attach_to_answers_that_are_there(store: Store, tmp_path: Path) -> None:
    outputs = put(tmp_path / "outs.json", [output(n, id=n) for n in range(3)])
    run = take(store, outputs).runs[0]
    path = put(tmp_path / "judged.json", [judged(2), judged(0)])
    tally = take(store, path)
    assert (tally.runs, tally.judgements) == ([], 2)
    assert "answers that were in the history" in tally.notes[0]
    assert [one.prompt for one in store.judgements(run_id=run)] == ["Judge 2", "Judge 0"]
    again = take(store, path)
    assert (again.judgements, again.there) == (0, 2)
    copy = take(store, path, as_new=True)
    assert (copy.judgements, len(copy.runs)) == (2, 1)


def test_answers_are_found_in_a_run_however_many_are_newer(store: Store, tmp_path: Path) -> None:
    take(store, put(tmp_path / "outs.json", [output(0, id=0)]))
    newer_runs(store)
    tally = take(store, put(tmp_path / "judged.json", [judged(0)]))
    assert (tally.runs, tally.judgements) == ([], 1)


def test_what_a_judge_has_said_is_never_replaced(store: Store, tmp_path: Path) -> None:
    take(store, put(tmp_path / "o.json", [output(1)]))
    first = put(tmp_path / "first.json", [judged(1, "1")])
    other = put(tmp_path / "other.json", [judged(1, "5")])
    take(store, first)
    for refused_one in (other, put(tmp_path / "both.json", [judged(1, "1"), judged(1, "5")])):
        with pytest.raises(ExchangeError, match="row") as raised:
            take(store, refused_one)
        assert raised.value.kind == "exists" and "--as-new" in raised.value.hint
    (kept,) = store.judgements()
    assert {score.score for score in kept.scores} == {1}
    assert take(store, other, as_new=True).judgements == 1
    assert len(store.judgements()) == 2


def test_what_two_answers_were_compared_to_is_never_replaced(store: Store, tmp_path: Path) -> None:
    row = {"instruction": "Q", "output_1": "a", "output_2": "b", "generator_1": "x"}
    row |= {"generator_2": "y", "annotator": "judge"}
    take(store, put(tmp_path / "1.json", [row | {"preference": 1.0}]))
    with pytest.raises(ExchangeError) as raised:
        take(store, put(tmp_path / "2.json", [row | {"preference": 2.0}]))
    assert raised.value.kind == "exists"
    (kept,) = store.comparisons()
    assert kept.picks[0].winner == "a"


def test_a_verdict_without_orders_is_one_for_mt_bench_too(store: Store, tmp_path: Path) -> None:
    row = {"instruction": "Q", "output_1": "a", "output_2": "b", "generator_1": "x"}
    row |= {"generator_2": "y", "annotator": "judge", "preference": 1.7}
    (run,) = take(store, put(tmp_path / "1.json", [row])).runs
    found = back(store, run, tmp_path / "out", mt_bench)
    (pair,) = [json.loads(text) for name, text in found.items() if name.endswith("_pair.jsonl")]
    assert pair["g1_winner"] == pair["g2_winner"]
    assert pair[pair["g1_winner"]] == "y"


def test_a_run_that_is_named_must_have_the_answers(store: Store, tmp_path: Path) -> None:
    take(store, put(tmp_path / "outs.json", [output(0, id=0)]))
    path = put(tmp_path / "judged.json", [judged(0), judged(1)])
    with pytest.raises(ExchangeError, match="row 2: the run outs has no such answer by gpt"):
        take(store, path, run="outs")
    assert store.judgements() == []
    assert len(take(store, path).runs) == 1  # not named: made of the rows


def test_a_row_that_is_not_judged_or_not_readable_is_no_number(
    store: Store, tmp_path: Path
) -> None:
    pending, unparsed, unreadable, odd = (judged(n) for n in range(4))
    for row in (pending, unparsed, unreadable):
        del row["parsed_result"]
    pending["result"] = "N/A"
    unparsed["result"] = "```" + json.dumps({"clarity": {"reason": "so", "score": 3}}) + "```"
    unreadable["result"] = "I cannot say."
    odd["parsed_result"] = {
        "helpfulness": {"score": "4/5"},
        "clarity": "good",
        "depth": {"score": 9},
        "factuality": {"score": "n/a"},
    }
    tally = take(store, put(tmp_path / "x.json", [pending, unparsed, unreadable, odd]))
    assert tally.judgements == 3
    assert "1 row was not judged yet" in tally.notes[0]
    said = {one.prompt: one for one in store.judgements(run_id=tally.runs[0])}
    scores = {
        prompt: [(s.aspect, s.outcome, s.score) for s in one.scores] for prompt, one in said.items()
    }
    assert scores["Judge 1"] == [("clarity", "ok", 3)]
    assert {outcome for _, outcome, _ in scores["Judge 2"]} == {"invalid"}
    assert said["Judge 2"].raw == ("I cannot say.",)
    assert scores["Judge 3"] == [
        ("helpfulness", "invalid", None),
        ("clarity", "invalid", None),
        ("factuality", "na", None),
        ("depth", "invalid", None),
    ]


# --- AlpacaEval and pairs


def test_outputs_of_several_generators_are_one_run_of_several_sides(
    store: Store, tmp_path: Path
) -> None:
    rows = [output(n, name) for name in ("a", "b") for n in (0, 0, 1)]
    tally = take(store, put(tmp_path / "model_outputs.json", rows))
    assert tally.format == "alpaca-eval"
    run = store.run(tally.runs[0])
    assert (run.start.sides, run.n_items, run.n_answered) == (("a", "b"), 3, 6)
    assert [item.source_id for item in store.run_items(run.id)] == [0, 1, 2]


def test_annotations_are_comparisons_and_leave_as_they_came(store: Store, tmp_path: Path) -> None:
    rows = [
        {
            "instruction": f"Question {n}",
            "output_1": "one word",
            "generator_1": "reference",
            "output_2": "two",
            "generator_2": "model",
            "dataset": "helpful",
            "annotator": "gpt4",
            "preference": preference,
        }
        for n, preference in enumerate((1.0, 2, 1.5, 1.25))
    ]
    pending = rows[0] | {"instruction": "Q", "preference": None}
    tally = take(store, put(tmp_path / "annotations.json", [*rows, pending]))
    assert (tally.comparisons, len(tally.runs)) == (4, 1)
    assert tally.notes == ["1 row was not judged yet: its answers are not compared"]
    found = store.comparisons(run_ids=tally.runs)
    assert [one.picks[0].winner for one in found] == ["a", "b", "tie", "a"]
    assert {one.judge.key for one in found} == {found[0].judge.key}
    assert (found[0].words_a, found[0].words_b) == (2, 1)
    assert found[3].judge.provenance["preference"] == 1.25
    files = back(store, tally.runs[0], tmp_path / "back", alpaca_eval)
    (text,) = [text for name, text in files.items() if name.endswith("annotations.json")]
    exported = {row["instruction"]: row for row in json.loads(text)}
    assert len(exported) == 4


def test_urial_pairs_are_comparisons_whichever_was_shown_first(
    store: Store, tmp_path: Path
) -> None:
    def row(n: int, a: str, choices: dict[str, Any]) -> dict[str, Any]:
        names = {"A": a, "B": "ref" if a == "model" else "model"}
        parsed = {"rationale": "why", "choices": choices}
        return {
            "input": f"Question {n}",
            "model_output": "two words",
            "ref_output": "one",
            "generator": "model",
            "ref_generator": "ref",
            "eval_config": {"mode": "pairwise", "gpt": "gpt-4", "max_words": -1},
            "assignment": names,
            "prompt": "compare",
            "result": json.dumps(parsed),
            "parsed_result": parsed,
        }

    rows = [
        row(0, "model", {"depth": "A", "clarity": "tie"}),
        row(1, "ref", {"depth": "A", "clarity": "B"}),
        row(2, "ref", {"depth": "C", "clarity": "B"}),
    ]
    tally = take(store, put(tmp_path / "pairs.json", rows))
    assert (tally.format, tally.comparisons) == ("urial-pairwise", 3)
    picks = [
        {pick.aspect: (pick.outcome, pick.winner, pick.first, pick.second) for pick in one.picks}
        for one in store.comparisons(run_ids=tally.runs)
    ]
    assert picks[0] == {"depth": ("ok", "a", "a", None), "clarity": ("ok", "tie", "tie", None)}
    assert picks[1] == {"depth": ("ok", "b", None, "b"), "clarity": ("ok", "a", None, "a")}
    assert picks[2]["depth"] == ("invalid", None, None, None)
    files = back(store, tally.runs[0], tmp_path / "back", urial_pairwise)
    (text,) = files.values()
    again = tmp_path / "again.json"
    again.write_text(text, "utf-8")
    with Store.in_memory() as other:
        more = take(other, again)
        assert [
            [pick.winner for pick in one.picks if pick.winner]
            for one in other.comparisons(run_ids=more.runs)
        ] == [["a", "tie"], ["b", "a"], ["a"]]


def test_comparisons_attach_to_answers_of_two_runs(store: Store, tmp_path: Path) -> None:
    for name in ("one", "two"):
        take(store, put(tmp_path / f"{name}.json", [output(0, name, id=0)]))
    row = {
        "instruction": "Question 0",
        "output_1": "Answer 0",
        "generator_1": "one",
        "output_2": "Answer 0",
        "generator_2": "two",
        "preference": 1,
        "annotator": "x",
    }
    tally = take(store, put(tmp_path / "annotations.json", [row]))
    assert (tally.runs, tally.comparisons) == ([], 1)


# --- MT-Bench


def test_answers_of_mt_bench_need_their_questions(store: Store, tmp_path: Path) -> None:
    path = put(tmp_path / "m.jsonl", lines([mt_answer(81, "m", "a", "b"), mt_answer(82, "m", "c")]))
    error = refused(path)
    assert (error.kind, "--questions" in error.hint) == ("no-questions", True)
    questions = put(tmp_path / "question.jsonl", lines(QUESTIONS))
    tally = take(store, path, questions=questions)
    run = store.run(tally.runs[0])
    assert (run.start.sides, run.n_wanted, run.n_answered) == (("m",), 3, 3)
    files = back(store, run.id, tmp_path / "back", mt_bench)
    exported = [json.loads(line) for line in files["model_answer/m.jsonl"].splitlines()]
    assert [row["choices"][0]["turns"] for row in exported] == [["a", "b"], ["c"]]
    assert [row["question_id"] for row in exported] == [81, 82]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (mt_answer(99, "m", "a"), "line 1: question 99 is not in the file of questions"),
        (mt_answer(82, "m", "a", "b"), "line 1: it has 2 turns, and question 82 has 1"),
        (mt_answer(82, "m"), "line 1: its first choice has no texts"),
        (mt_answer(82, "", "a"), "line 1: its `model_id` is not a text"),
    ],
)
def test_bad_answers_of_mt_bench_are_named(tmp_path: Path, row: Any, said: str) -> None:
    questions = put(tmp_path / "question.jsonl", lines(QUESTIONS))
    path = put(tmp_path / "m.jsonl", lines([row, mt_answer(81, "m", "a")]))
    assert said in refused(path, questions=questions).message


def test_pairs_of_mt_bench_attach_to_answers(store: Store, tmp_path: Path) -> None:
    questions = put(tmp_path / "question.jsonl", lines(QUESTIONS))
    for model in ("m", "n"):
        path = put(tmp_path / f"{model}.jsonl", lines([mt_answer(81, model, "a", "b")]))
        take(store, path, questions=questions)
    row = {
        "question_id": 81,
        "model_1": "m",
        "model_2": "n",
        "judge": ["gpt-4", "pair-v2"],
        "g1_user_prompt": "p1",
        "g1_judgment": "j1",
        "g2_user_prompt": "p2",
        "g2_judgment": "j2",
        "turn": 2,
        "tstamp": 1,
    }
    rows = [
        row | {"g1_winner": "model_1", "g2_winner": "model_1"},
        row | {"g1_winner": "model_1", "g2_winner": "tie", "turn": 1},
        row | {"g1_winner": "model_2", "g2_winner": "error", "judge": ["x", "y"]},
    ]
    tally = take(store, put(tmp_path / "pair.jsonl", lines(rows)))
    assert tally.comparisons == 3
    picks = [one.picks[0] for one in store.comparisons()]
    assert [(p.outcome, p.winner, p.first, p.second) for p in picks] == [
        ("ok", "a", "a", "a"),
        ("ok", "tie", "a", "tie"),
        ("invalid", None, "b", None),
    ]
    alone = put(tmp_path / "alone.jsonl", lines([rows[0] | {"question_id": 5}, rows[0]]))
    assert "line 1: m has no answer to turn 2 of question 5" in refused(alone).message


def test_scores_on_another_scale_are_refused(tmp_path: Path) -> None:
    row = {"question_id": 81, "model": "m", "judge": ["g", "s"], "score": 8, "turn": 1}
    error = refused(put(tmp_path / "single.jsonl", lines([row, row])))
    assert (error.kind, "1 to 10" in error.message) == ("scale", True)
