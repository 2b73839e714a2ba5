"""What a format defines comes back equal: a file of comparisons, imported and exported, says what it said."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import evaluator_rules as rules
from tests.support.imported import QUESTIONS, back, judged, lines, mt_answer, output, put, take
from tests.support.judged_runs import judged_run
from urial_tui.exchange import alpaca_eval, just_eval, urial_pairwise, writing
from urial_tui.exchange.exports import Names, Wanted
from urial_tui.exchange.formats import EXPORTERS
from urial_tui.exchange.sources import source_of_run
from urial_tui.store.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as made:
        yield made


def files(store: Store, run_id: str, folder: Path, format_: str, **wanted: Any) -> dict[str, Path]:
    """The files of a run's export in a format, by name."""
    made = EXPORTERS[format_].export(source_of_run(store, store.run(run_id)), Wanted(**wanted))
    written = writing.write(folder, made.documents)
    return {str(one.path.relative_to(folder)): one.path for one in written}


def rows_of(path: Path) -> list[Any]:
    return rules.read_lines(path) if path.suffix == ".jsonl" else rules.read_json(path)


def annotated(n: int, preference: float, **more: Any) -> dict[str, Any]:
    return {
        "instruction": f"Question {n}",
        "output_1": f"reference {n}",
        "generator_1": "text_davinci_003",
        "output_2": f"model {n}",
        "generator_2": "vicuna-7b-v1.3",
        "dataset": "helpful",
        "annotator": "weighted_gpt4",
        "preference": preference,
    } | more


@pytest.mark.parametrize("format_", ["alpaca-eval", "urial-pairwise", "mt-bench"])
def test_comparisons_of_a_run_of_ours_go_round_with_roles_and_verdicts(
    store: Store, tmp_path: Path, format_: str
) -> None:
    run = judged_run(store)
    first = files(store, run.id, tmp_path / "first", format_)
    pairs = {"alpaca-eval": "annotations", "urial-pairwise": "_vs_", "mt-bench": "_pair"}[format_]
    judged = {name: path for name, path in first.items() if pairs in name}
    assert len(judged) == 2
    for path in judged.values():
        with Store.in_memory() as other:
            if format_ == "mt-bench":
                questions = path.parents[1] / "question.jsonl"
                for answers in (path.parents[1] / "model_answer").iterdir():
                    take(other, answers, questions=questions)
            tally = take(other, path)
            run_id = tally.runs[0] if tally.runs else other.runs()[0].id
            if (
                format_ == "mt-bench"
            ):  # answers of two models are two runs: that of model_1 is exported
                models = {one.start.sides[0]: one.id for one in other.runs()}
                run_id = models[rows_of(path)[0]["model_1"]]
            again = files(other, run_id, tmp_path / f"again-{path.parent.name}{path.name}", format_)
            (found,) = [rows_of(one) for name, one in again.items() if pairs in name]
            came = [row for row in rows_of(path) if row.get("result") != "N/A"]
            key = "question_id" if format_ == "mt-bench" else "instruction"
            by = {str(row.get(key, row.get("input"))): row for row in found}
            assert {str(row.get(key, row.get("input"))): row for row in came} == by
            assert len(found) == len(came)


def test_preferences_that_are_not_whole_and_an_annotators_own_fields_leave_as_they_came(
    store: Store, tmp_path: Path
) -> None:
    rows = [annotated(n, p) for n, p in enumerate((1.3, 2, 1.5, 1.987654321, 1.0))]
    rows[0] |= {"raw_completion": {"text": "m"}, "price_per_example": 0.5}
    tally = take(store, put(tmp_path / "a.json", rows))
    (name,) = [
        one for one in back(store, tally.runs[0], tmp_path / "x", alpaca_eval) if "anno" in one
    ]
    assert rules.read_json(tmp_path / "x" / name) == rows
    mirrored = files(store, tally.runs[0], tmp_path / "y", "alpaca-eval", sides=("1",))
    (path,) = [one for name, one in mirrored.items() if "anno" in name]
    turned = rules.read_json(path)
    assert [row["preference"] for row in turned] == [1.7, 1, 1.5, 1.012345679, 2.0]
    assert (turned[0]["output_2"], turned[0]["generator_1"]) == ("reference 0", "vicuna-7b-v1.3")
    assert "raw_completion" not in turned[0]


def test_annotations_of_answers_that_are_there_keep_their_roles(
    store: Store, tmp_path: Path
) -> None:
    """The run has the sides in the other order than the file."""
    generators = {"vicuna-7b-v1.3": "model", "text_davinci_003": "reference"}
    answers = [
        output(n, generator, output=f"{text} {n}")
        for generator, text in generators.items()
        for n in range(2)
    ]
    for order in (answers, answers[::-1]):
        with Store.in_memory() as other:
            (run_id,) = take(other, put(tmp_path / "outs.json", order)).runs
            rows = [annotated(0, 1.2), annotated(1, 2.0)]
            assert take(other, put(tmp_path / "a.json", rows)).runs == []
            found = files(other, run_id, tmp_path / order[0]["generator"], "alpaca-eval")
            (path,) = [one for name, one in found.items() if "annotations" in name]
            without = [{k: v for k, v in row.items() if k != "dataset"} for row in rows]
            assert [
                {k: v for k, v in row.items() if k != "dataset"} for row in rules.read_json(path)
            ] == without


def pairwise(n: int, first: str, choices: dict[str, str], rationale: str = "Why") -> dict[str, Any]:
    parsed = {"rationale": rationale, "choices": choices}
    return {
        "input": f"Question {n}",
        "model_output": f"model {n}",
        "ref_output": f"ref {n}",
        "generator": "model",
        "ref_generator": "ref",
        "eval_config": {"mode": "pairwise", "gpt": "gpt-4-0613", "max_words": 300},
        "assignment": {"A": first, "B": "ref" if first == "model" else "model"},
        "prompt": f"compare {n}",
        "result": json.dumps(parsed, indent=1, ensure_ascii=False),
        "parsed_result": parsed,
    }


def test_urial_pairs_leave_as_they_came_whichever_was_shown_first(
    store: Store, tmp_path: Path
) -> None:
    rows = [
        pairwise(0, "model", {"depth": "A", "clarity": "tie"}),
        pairwise(1, "ref", {"depth": "A", "clarity": "B"}),
        pairwise(2, "ref", {"depth": "tie"}, "It's “long”."),
    ]
    tally = take(store, put(tmp_path / "pairs.json", rows))
    (text,) = back(store, tally.runs[0], tmp_path / "x", urial_pairwise).values()
    assert json.loads(text) == rows
    turned = files(store, tally.runs[0], tmp_path / "y", "urial-pairwise", sides=("ref",))
    (path,) = turned.values()
    assert [row["assignment"] for row in rules.read_json(path)] == [
        row["assignment"] for row in rows
    ]
    assert rules.urial_pairwise(path)["depth"] == {"lose": 1, "win": 1, "tie": 1}


def test_what_the_evaluation_could_not_read_again_is_written_anew(
    store: Store, tmp_path: Path
) -> None:
    """It doubles backslashes before it reads: what is escaped in a result is another text to it then."""
    row = pairwise(0, "ref", {"depth": "A"}, 'He said "no"\nand left') | {"result": "as prose"}
    escaped = pairwise(1, "model", {"depth": "B"}, "“Long”")
    escaped["result"] = json.dumps(escaped["parsed_result"])
    tally = take(store, put(tmp_path / "pairs.json", [row, escaped]))
    found = files(store, tally.runs[0], tmp_path / "x", "urial-pairwise")
    (path,) = found.values()
    made, other = rules.read_json(path)
    assert other["parsed_result"] == escaped["parsed_result"]
    assert made["parsed_result"] == {
        "rationale": "He said 'no' and left",
        "choices": {"depth": "A"},
    }
    assert rules.urial_pairwise(path) == {"depth": {"lose": 2}}


def test_mt_bench_answers_and_pairs_leave_as_they_came(store: Store, tmp_path: Path) -> None:
    questions = put(tmp_path / "question.jsonl", lines(QUESTIONS))
    answers = [mt_answer(81, model, "a", "b") for model in ("vicuna-7b-v1.3", "gpt-3.5-turbo")]
    path = put(tmp_path / "both.jsonl", lines(answers))
    (run_id,) = take(store, path, questions=questions).runs
    row = {
        "question_id": 81,
        "model_1": "gpt-3.5-turbo",
        "model_2": "vicuna-7b-v1.3",
        "judge": ["gpt-4", "pair-v2"],
        "g1_user_prompt": "p1",
        "g1_judgment": "j1",
        "g2_user_prompt": "p2",
        "g2_judgment": "j2",
        "turn": 1,
        "tstamp": 1687222222.5,
    }
    rows = [
        row | {"g1_winner": "model_1", "g2_winner": "tie"},
        row | {"g1_winner": "model_2", "g2_winner": "error", "turn": 2},
    ]
    other = {**row, "judge": ["claude", "pair"], "g1_winner": "error", "g2_winner": "model_1"}
    for name in ("g1_judgment", "g2_judgment"):
        other[name] = ""
    take(store, put(tmp_path / "pair.jsonl", lines([*rows, other])))
    found = files(store, run_id, tmp_path / "x", "mt-bench")
    judged = {
        name.rpartition("/")[2]: rows_of(one) for name, one in found.items() if "_pair" in name
    }
    assert judged == {"gpt-4_pair.jsonl": rows, "claude_pair.jsonl": [other]}
    for answer in answers:
        (made,) = rows_of(found[f"model_answer/{answer['model_id']}.jsonl"])
        assert made == answer
    rules.mt_bench(tmp_path / "x")


def test_names_of_models_stay_what_they_are_where_a_file_can_have_them() -> None:
    names = Names()
    assert [names.of_file(n) for n in ("gpt-3.5-turbo", "a_b", "GPT-3.5-turbo")] == [
        "gpt-3.5-turbo",
        "a_b",
        "GPT-3.5-turbo-2",
    ]
    for bad in ("../x", ".hidden", "a.", "con.txt", "nul", "a/b", "a b", "é", "x" * 60, "-x", ""):
        made = Names().of_file(bad)
        assert made != bad
        assert made.replace("-", "").replace("_", "").isalnum()


def test_null_fields_of_just_eval_leave_as_null(store: Store, tmp_path: Path) -> None:
    nulls = dict.fromkeys(("source_id", "dataset", "category", "task", "topic", "more"))
    rows = [
        output(0, id=5, **nulls, model_input=None),
        output(1, id=6, source_id="x", dataset="d", category="c", task=["t"], topic=["u"], more=1, model_input="# Q"),
    ]  # fmt: skip
    (run_id,) = take(store, put(tmp_path / "outs.json", rows)).runs
    (text,) = back(store, run_id, tmp_path / "x", just_eval).values()
    assert json.loads(text) == rows
    plain = [output(n) | {"dataset": None} for n in range(2)]
    (run_id,) = take(store, put(tmp_path / "alpaca.json", plain)).runs
    (text,) = back(store, run_id, tmp_path / "y", alpaca_eval).values()
    assert json.loads(text) == plain


def test_other_fields_of_judge_results_leave_as_they_came(store: Store, tmp_path: Path) -> None:
    rows = [judged(0, id=None, datasplit=None), judged(1, cost=0.5), judged(2)]
    path = put(tmp_path / "judged.json", rows)
    (run_id,) = take(store, path).runs
    found = files(store, run_id, tmp_path / "x", "just-eval", what="judgements")
    (made,) = [rows_of(one) for one in found.values()]
    assert made == rows
    assert take(store, path).there == 3


@pytest.mark.parametrize("format_", ["just-eval", "urial-pairwise", "alpaca-eval", "mt-bench"])
def test_verdicts_of_our_own_export_are_there_already_in_the_history_that_they_are_of(
    store: Store, tmp_path: Path, format_: str
) -> None:
    run = judged_run(store)
    counts = len(store.judgements()), len(store.comparisons())
    first = files(store, run.id, tmp_path / "first", format_, what="judgements")
    paths = [path for name, path in first.items() if not name.endswith("_single.jsonl")]
    assert paths
    for path in paths:
        rows = [row for row in rows_of(path) if row.get("result") != "N/A"]
        tally = take(store, path)
        assert (tally.judgements, tally.comparisons, tally.runs) == (0, 0, [])
        assert tally.there == len(rows)
    assert (len(store.judgements()), len(store.comparisons())) == counts
    again = files(store, run.id, tmp_path / "again", format_, what="judgements")
    assert again.keys() == first.keys()


def test_another_verdict_of_a_judge_of_that_name_is_taken(store: Store, tmp_path: Path) -> None:
    run = judged_run(store)
    for format_, change in {
        "just-eval": {"prompt": "another"},
        "urial-pairwise": {"prompt": "another"},
        "alpaca-eval": {"preference": 1.1},
        "mt-bench": {"g1_judgment": "another"},
    }.items():
        found = files(store, run.id, tmp_path / format_, format_, what="judgements")
        path = next(one for name, one in found.items() if not name.endswith("_single.jsonl"))
        row = next(row for row in rows_of(path) if row.get("result") != "N/A")
        tally = take(store, put(tmp_path / f"{format_}.jsonl", lines([row | change])))
        assert (tally.judgements + tally.comparisons, tally.there) == (1, 0)


FIVE = just_eval.MODES["score_multi"]


def replied(n: int, result: str | None = None, **scores: Any) -> dict[str, Any]:
    """A judged row with these scores in `parsed_result`, and another reply."""
    row = judged(n)
    for aspect, score in scores.items():
        row["parsed_result"][aspect] = {"reason": "so", "score": score}
    return row | {"result": json.dumps(row["parsed_result"]) if result is None else result}


def judgements_back(store: Store, run_id: str, folder: Path) -> list[Any]:
    found = files(store, run_id, folder, "just-eval", what="judgements")
    (made,) = [rows_of(one) for one in found.values()]
    return list(made)


def test_what_judge_results_say_beside_their_scores_leaves_as_it_came_and_is_said(
    store: Store, tmp_path: Path
) -> None:
    humor = replied(0, humor="3")
    noted = judged(1)
    noted["parsed_result"]["depth"]["note"] = "hi"
    noted["result"] = json.dumps(noted["parsed_result"])
    other = replied(2, json.dumps(judged(2, "3")["parsed_result"]))
    fenced = judged(3) | {"result": "```" + judged(3)["result"] + "```"}
    unread = judged(4, result="sorry, cannot")
    del unread["parsed_result"]
    rows = [humor, noted, other, fenced, unread]
    path = put(tmp_path / "judged.json", rows)
    tally = take(store, path)
    assert tally.notes == [
        "1 reply has no scores that can be read: it is kept as invalid",
        "1 row has other scores in `parsed_result` than in `result`: the former count",
        "aspects that are none of just-eval's count nowhere, and leave as they came: humor",
    ]
    assert {s.score for one in store.judgements() for s in one.scores} == {4, None}
    assert {s.aspect for one in store.judgements() for s in one.scores} == set(FIVE)
    assert judgements_back(store, tally.runs[0], tmp_path / "x") == rows
    again = take(store, path)
    assert (again.judgements, again.there) == (0, 5)


@pytest.mark.parametrize("score", [4.5, "6", 0, "4/5", None, True])
def test_a_score_that_is_none_is_said_and_leaves_its_aspect_out(
    store: Store, tmp_path: Path, score: Any
) -> None:
    tally = take(store, put(tmp_path / "judged.json", [replied(0, depth=score), judged(1)]))
    assert tally.notes == ["1 score is none from 1 to 5, nor N/A: it is kept as invalid"]
    made, whole = judgements_back(store, tally.runs[0], tmp_path / "x")
    assert (set(made["parsed_result"]), whole) == (set(FIVE) - {"depth"}, judged(1))
    assert json.loads(made["result"]) == made["parsed_result"]


def test_an_empty_parsed_result_is_as_if_it_were_not_there(store: Store, tmp_path: Path) -> None:
    rows = [judged(0, parsed_result={}), judged(1, parsed_result={}, result="N/A")]
    tally = take(store, put(tmp_path / "judged.json", rows))
    assert tally.notes == ["1 row was not judged yet: its answer has no judgement"]
    (found,) = store.judgements()
    assert [score.score for score in found.scores] == [4] * 5
    assert judgements_back(store, tally.runs[0], tmp_path / "x") == [judged(0)]
