"""A run of 40 instructions, two sides, judged, leaves as files that other evaluators' own programs read."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import fmean

import pytest

from tests.support import evaluator_rules as rules
from tests.support import just_eval_rules
from tests.support.judged_runs import FIVE, NASTY, WINNERS, judged_run
from tests.support.store_rows import END, START, say
from tests.support.store_runs import (
    JUDGE,
    OK,
    PERSON,
    RUN,
    answer_all,
    comparison,
    judgement,
    make_run,
)
from urial_tui.errors import ExchangeError
from urial_tui.exchange import alpaca_eval, lm_eval, mt_bench, promptfoo, urial_pairwise
from urial_tui.exchange.exports import Wanted
from urial_tui.exchange.formats import EXPORTERS
from urial_tui.exchange.sources import source_of_run, source_of_sessions
from urial_tui.exchange.writing import write
from urial_tui.runs.inputs import read_input
from urial_tui.store.judging.types import Pick
from urial_tui.store.runs.types import Run, RunItem
from urial_tui.store.store import Store

DATA = os.environ.get("URIAL_TUI_TEST_DATA")
OURS, THEIRS = "demo@urial-general", "demo@zero-shot"
EVALUATORS = ("just-eval", "urial-pairwise", "alpaca-eval", "mt-bench", "lm-eval", "promptfoo")


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as opened:
        yield opened


def export(store: Store, run: Run, format_: str, folder: Path, **wanted: object) -> list[str]:
    """Write it; the notes."""
    made = EXPORTERS[format_].export(source_of_run(store, run), Wanted(**wanted))  # type: ignore[arg-type]
    write(folder, made.documents)
    return list(made.notes)


def published_items() -> tuple[RunItem, ...]:
    if not DATA:
        pytest.skip("URIAL_TUI_TEST_DATA is not set")
    return tuple(read_input(Path(DATA) / "just_eval_instructions_120.json").items[:40])


@pytest.mark.parametrize("published", [False, True])
def test_a_judged_run_of_40_loads_in_every_evaluator(
    store: Store, tmp_path: Path, published: bool
) -> None:
    rows = published_items() if published else None
    run = judged_run(store, rows)
    for format_ in EVALUATORS:
        export(store, run, format_, tmp_path / format_)
    outputs = tmp_path / "just-eval" / "walks_demo-urial-general.json"
    assert len(just_eval_rules.load_outputs(outputs)) == 40
    judged = [path for path in outputs.parent.iterdir() if "score-multi" in path.name]
    assert [len(just_eval_rules.check_judgements(path)) for path in sorted(judged)] == [40, 39]
    for path in (tmp_path / "urial-pairwise").iterdir():
        rules.urial_pairwise(path)
    alpaca = tmp_path / "alpaca-eval"
    assert len(rules.alpaca_outputs(alpaca / "demo-zero-shot" / "model_outputs.json")) == 39
    assert len(list(alpaca.glob("*/*/annotations.json"))) == 2
    _, answers = rules.mt_bench(tmp_path / "mt-bench")
    assert {model: len(found) for model, found in answers.items()} == {
        "demo-urial-general": 40,
        "demo-zero-shot": 39,
    }
    means = rules.lm_eval(tmp_path / "lm-eval" / "demo-urial-general")
    assert set(means["walks_smol-chat_just-eval"]) == set(FIVE)
    scored = rules.promptfoo_scores(
        tmp_path / "promptfoo" / "walks_smol-chat_just-eval_scores.json"
    )
    assert set(scored) == {OURS, THEIRS}
    every = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in every)


def test_urial_pairwise_has_the_verdicts_whichever_answer_was_called_a(
    store: Store, tmp_path: Path
) -> None:
    run = judged_run(store)
    notes = export(store, run, "urial-pairwise", tmp_path, judges=(JUDGE.judge,))
    (path,) = tmp_path.iterdir()
    assert path.name == "walks_demo-urial-general_vs_demo-zero-shot_smol-chat.json"
    table = rules.urial_pairwise(path)
    # Item n: A, tie, B, tie; the model is B at odd ones, which are ties.
    assert table["overall"] == Counter({"win": 10, "lose": 10, "tie": 19})
    assert set(table) == {"depth", "overall"}
    row = rules.read_json(path)[0]
    assert row["assignment"] == {"A": OURS, "B": THEIRS}
    assert row["prompt"] == "A then B"
    assert rules.read_json(path)[1]["assignment"] == {"A": THEIRS, "B": OURS}
    assert any("39 aspects have no verdict" in note for note in notes)


def test_without_a_verdict_a_pair_is_as_one_that_was_not_judged_yet(
    store: Store, tmp_path: Path
) -> None:
    run = judged_run(store, tuple(judged_items(1)), "one")
    (said,) = store.comparisons(run_ids=[run.id])[:1] or [None]
    assert said is None  # the second side did not answer the last item
    run = judged_run(store, tuple(judged_items(2)), "two")
    (one, other) = [a.message_id for a in store.run_answers(run.id) if a.index == 0]
    store.save_comparison(comparison(one, other, picks=(Pick("overall", "refused"),)))
    export(store, run, "urial-pairwise", tmp_path, judges=(JUDGE.key,))
    (path,) = tmp_path.iterdir()
    (row,) = rules.read_json(path)
    assert row["result"] == "N/A"
    assert rules.urial_pairwise(path) == {}
    with pytest.raises(ExchangeError) as none:
        export(store, run, "alpaca-eval", tmp_path, what="judgements", judges=(JUDGE.key,))
    assert none.value.kind == "nothing"


def judged_items(n: int) -> Iterator[RunItem]:
    return (RunItem(i, i, (f"q{i}",)) for i in range(n))


def test_alpaca_preferences_are_of_the_model_against_the_reference(
    store: Store, tmp_path: Path
) -> None:
    run = judged_run(store)
    notes = export(store, run, "alpaca-eval", tmp_path)
    folder = tmp_path / "demo-urial-general"
    model = folder / "smol-chat_vs_demo-zero-shot" / "annotations.json"
    assert rules.alpaca_annotations(model) == 50.0
    row = rules.read_json(model)[0]
    assert (row["generator_1"], row["generator_2"]) == (THEIRS, OURS)
    assert row["output_2"] == f"{NASTY[0]} by 0 in 0"
    assert row["preference"] == 2.0
    person = folder / "Zo_vs_demo-zero-shot" / "annotations.json"
    assert [r["preference"] for r in rules.read_json(person)] == [2.0, 2.0, 1.0]
    outputs = rules.alpaca_outputs(folder / "model_outputs.json")
    assert {row["dataset"] for row in outputs} == {"helpful_base"}
    assert any("AlpacaEval has one turn" in note for note in notes)
    assert any("demo@zero-shot: 1 of 40 items" in note for note in notes)


def test_the_side_that_is_named_is_the_model(store: Store, tmp_path: Path) -> None:
    run = judged_run(store)
    export(store, run, "alpaca-eval", tmp_path, sides=("2",), what="judgements", judges=("Zoë",))
    path = tmp_path / "demo-zero-shot" / "Zo_vs_demo-urial-general" / "annotations.json"
    assert [row["preference"] for row in rules.read_json(path)] == [1.0, 1.0, 2.0]


def test_mt_bench_has_both_turns_and_no_score_of_another_scale(
    store: Store, tmp_path: Path
) -> None:
    run = judged_run(store)
    notes = export(store, run, "mt-bench", tmp_path)
    questions, answers = rules.mt_bench(tmp_path)
    assert questions[1009]["turns"][1] == "And shorter?"
    assert questions[1001]["category"] == "writing"
    assert questions[1000]["category"] == "general"
    assert len(answers["demo-urial-general"][1009]) == 2
    judgments = tmp_path / "model_judgment"
    assert sorted(path.name for path in judgments.iterdir()) == [
        "Zo_pair.jsonl",
        "smol-chat_pair.jsonl",
        "smol-chat_single.jsonl",
    ]
    assert rules.mt_bench_single(judgments / "smol-chat_single.jsonl", set(answers)) == []
    assert any("79 judgements have scores from 1 to 5" in note for note in notes)
    counts = rules.mt_bench_pairs(judgments / "smol-chat_pair.jsonl", set(answers))
    assert counts == Counter({"tie": 19, "demo-urial-general": 10, "demo-zero-shot": 10})
    by_hand = rules.mt_bench_pairs(judgments / "Zo_pair.jsonl", set(answers))
    assert by_hand == Counter({"demo-urial-general": 2, "demo-zero-shot": 1})
    row = rules.read_lines(judgments / "smol-chat_pair.jsonl")[1]  # called the other way round
    assert (row["g1_user_prompt"], row["g2_user_prompt"]) == ("B then A", "A then B")
    first, second = WINNERS[1]
    named = {"a": "model_2", "b": "model_1"}
    assert (row["g1_winner"], row["g2_winner"]) == (named[second], named[first])


def test_mt_bench_ids_are_numbers_that_no_two_rows_have(store: Store, tmp_path: Path) -> None:
    rows = (RunItem(0, 1, ("a",)), RunItem(1, "x", ("b",)), RunItem(2, 3, ("c",)))
    export(store, judged_run(store, rows), "mt-bench", tmp_path)
    questions, answers = rules.mt_bench(tmp_path)
    assert list(questions) == [1, 4, 3]
    assert sorted(answers["demo-zero-shot"]) == [1, 4]


def test_lm_eval_and_promptfoo_average_what_has_a_score_and_nothing_else(
    store: Store, tmp_path: Path
) -> None:
    run = judged_run(store)
    notes = export(store, run, "lm-eval", tmp_path / "lm")
    judged = [
        judgement
        for judgement in store.judgements(run_id=run.id)
        if store.session(store.message(judgement.message_id).session_id).side == OURS
    ]
    means = rules.lm_eval(tmp_path / "lm" / "demo-urial-general")["walks_smol-chat_just-eval"]
    for aspect in FIVE:
        found = [
            score.score
            for judgement in judged
            for score in judgement.scores
            if score.aspect == aspect and score.score is not None
        ]
        assert means[aspect] == fmean(found)
    assert any("aspects have no score" in note for note in notes)
    samples = next((tmp_path / "lm" / "demo-urial-general").glob("samples_*"))
    assert "clarity" not in next(rules.lm_eval_samples(samples))["metrics"]  # N/A
    export(store, run, "promptfoo", tmp_path / "foo")
    rows = rules.read_json(tmp_path / "foo" / "walks_smol-chat_just-eval_scores.json")
    first = rows["results"]["results"][0]
    assert first["namedScores"] == {"helpfulness": 0.0, "factuality": 0.5, "engagement": 1.0}
    assert first["score"] == 0.5
    assert "latencyMs" not in first  # the run's timings do not have it
    outputs = rules.promptfoo_outputs(tmp_path / "foo" / "walks_demo-zero-shot_outputs.json")
    assert len(outputs) == 39


def test_lm_eval_counts_the_samples_that_have_a_score(store: Store, tmp_path: Path) -> None:
    run = make_run(store)
    first, *_ = answer_all(store, run)
    store.save_judgement(judgement(first.message_id, scores=(OK,)))
    export(store, run, "lm-eval", tmp_path / "lm")
    counts = {}
    for results in (tmp_path / "lm").rglob("results_*.json"):
        ((_, counts[results.parent.name]),) = json.loads(results.read_text())["n-samples"].items()
    n_items = len(store.run_items(run.id))
    assert counts == {
        "demo-urial-general": {"original": n_items, "effective": 1},
        "demo-zero-shot": {"original": n_items, "effective": 0},
    }


def test_what_is_one_is_told_as_one(store: Store, tmp_path: Path) -> None:
    run = make_run(store)
    first, *_ = answer_all(store, run)
    unreadable = replace(
        OK, aspect="other", outcome="invalid", score=None, expected=None, spread=None
    )
    store.save_judgement(judgement(first.message_id, scores=(OK, unreadable)))
    (note,) = [note for note in export(store, run, "lm-eval", tmp_path / "a") if "aspect" in note]
    assert note.startswith("1 aspect has no score")
    (note,) = [note for note in export(store, run, "promptfoo", tmp_path / "b") if "aspect" in note]
    assert note == "left out: 1 aspect has no score"


def test_mt_bench_has_the_time_of_each_answer(store: Store, tmp_path: Path) -> None:
    run = make_run(store)
    answer_all(store, run)
    store._db.execute(
        "UPDATE message SET created_at = format('2026-01-%02dT00:00:00.000Z', seq) WHERE role = 'assistant'"
    )
    export(store, run, "mt-bench", tmp_path / "mt", what="outputs")
    times = [
        json.loads(line)["tstamp"]
        for path in sorted((tmp_path / "mt" / "model_answer").iterdir())
        for line in path.read_text().splitlines()
    ]
    first = [one for one in store.run_answers(run.id) if one.turn == 0]
    wanted = [
        datetime.fromisoformat(store.message(one.message_id).created_at).timestamp()
        for one in sorted(first, key=lambda one: one.side)
    ]
    assert times == wanted
    assert len(set(times)) == len(times)


def test_promptfoo_has_the_time_that_an_answer_took_where_it_was_measured(
    store: Store, tmp_path: Path
) -> None:
    run = store.create_run(replace(RUN, name="timed", fingerprint="timed"))
    store.add_run_items(run.id, list(judged_items(2)))
    for index, timings in enumerate(({"prefill_s": 1.5, "decode_s": 0.25}, {})):
        _, _, answer = store.begin_run_answer(run.id, index, 0, 0)
        generation = store.begin_generation(answer.id, START)
        end = replace(END, timings=timings)
        store.finish_answer(answer.id, generation, "complete", end, tail="a")
        store.save_judgement(judgement(answer.id))
    export(store, store.run(run.id), "promptfoo", tmp_path, what="judgements")
    (path,) = tmp_path.iterdir()
    rows = rules.read_json(path)["results"]["results"]
    assert [row.get("latencyMs") for row in rows] == [1750, None]
    assert "latencyMs" not in rows[1]


def test_conversations_are_items_too(store: Store, tmp_path: Path) -> None:
    session = store.create_session("demo", "A talk").id
    first = say(store, session, None, "q1", "a1")
    say(store, session, first, "q2", "a2")
    changed = store.create_session("demo").id
    say(store, changed, None, "q3", "a3", "other@chat")
    source = source_of_sessions(store, [session, changed])
    for format_ in ("just-eval", "alpaca-eval", "mt-bench", "lm-eval", "promptfoo"):
        write(tmp_path / format_, EXPORTERS[format_].export(source, Wanted()).documents)
    outputs = just_eval_rules.load_outputs(
        tmp_path / "just-eval" / "sessions_demo-urial-general.json"
    )
    assert [(row["instruction"], row["output"]) for row in outputs] == [("q1", "a1")]
    _, answers = rules.mt_bench(tmp_path / "mt-bench")
    assert answers == {"demo-urial-general": {0: ["a1", "a2"]}, "other-chat": {1: ["a3"]}}
    assert rules.lm_eval(tmp_path / "lm-eval" / "other-chat") == {"sessions": {}}


def test_versions_of_an_answer_by_two_sides_are_a_pair(store: Store, tmp_path: Path) -> None:
    session = store.create_session("demo", "Talk").id
    one = say(store, session, None, "q", "a1")
    user = store.message(one).parent_id
    again = store.begin_answer(session, user)
    store.finish_answer(again.id, None, "complete", END, tail="a2")
    store.save_comparison(comparison(again.id, one, picks=(Pick("overall", "ok", "a", "a", "a"),)))
    source = source_of_sessions(store, [session])
    made = urial_pairwise.export(source, Wanted())
    (row,) = json.loads(next(iter(made.documents)).content)  # type: ignore[arg-type]
    assert (row["generator"], row["model_output"]) == ("demo", "a2")  # that on screen
    assert (row["ref_generator"], row["ref_output"]) == (OURS, "a1")
    assert row["parsed_result"]["choices"] == {"overall": "A"}
    assert row["assignment"] == {"A": "demo", "B": OURS}


def test_an_answer_of_another_run_is_the_reference(store: Store, tmp_path: Path) -> None:
    theirs = judged_run(store, (RunItem(0, 0, ("q",)), RunItem(1, 1, ("p",))), "theirs")
    mine = store.create_run(
        make_run(store).start.__class__("mine", "f9", "r", "just-eval", "ab", ("outside",))
    )
    store.add_run_items(mine.id, [RunItem(0, 0, ("q",))])
    _, _, answer = store.begin_run_answer(mine.id, 0, 0, 0)
    store.finish_answer(answer.id, None, "complete", END, tail="mine")
    other = store.run_answers(theirs.id, side=1)[0].message_id
    store.save_comparison(
        comparison(other, answer.id, picks=(Pick("overall", "ok", "b", "b", "b"),))
    )
    export(store, mine, "alpaca-eval", tmp_path)
    path = tmp_path / "outside" / "smol-chat_vs_demo-zero-shot" / "annotations.json"
    assert rules.alpaca_annotations(path) == 100.0


@pytest.mark.parametrize("format_", EVALUATORS)
def test_what_is_not_there_is_refused(store: Store, tmp_path: Path, format_: str) -> None:
    run = judged_run(store, tuple(judged_items(2)))
    with pytest.raises(ExchangeError) as side:
        export(store, run, format_, tmp_path / "x", sides=("nobody",))
    assert side.value.kind == "no-side"
    with pytest.raises(ExchangeError) as judge:
        export(store, run, format_, tmp_path / "x", judges=("nobody",))
    assert judge.value.kind == "no-judge"
    with pytest.raises(ExchangeError) as empty:
        export(store, make_run(store), format_, tmp_path / "x")
    assert empty.value.kind == "nothing"
    assert not (tmp_path / "x").exists()


def test_bad_rows_are_named_with_their_key() -> None:
    def refused(key: str, check: object, *arguments: object) -> None:
        with pytest.raises(ExchangeError, match=f"row 2: `{key}`") as raised:
            check(*arguments)  # type: ignore[operator]
        assert raised.value.kind == "bad-row"

    good = {"instruction": "i", "output": "o", "generator": "g"}
    refused("output", alpaca_eval.check_outputs, [good, good | {"output": ["o"]}], "f")
    refused("generator", alpaca_eval.check_outputs, [good, good | {"generator": "h"}], "f")
    pair = {
        "input": "i", "model_output": "a", "ref_output": "b", "generator": "g", "ref_generator": "h",
        "prompt": "", "assignment": {"A": "g", "B": "h"}, "result": "N/A",
    }  # fmt: skip
    refused("assignment", urial_pairwise.check, [pair, pair | {"assignment": {"A": "g"}}], "f")
    wrong = {"result": "{}", "parsed_result": {"rationale": "", "choices": {"x": "C"}}}
    refused("parsed_result", urial_pairwise.check, [pair, pair | wrong], "f")
    told = {"result": "{}", "parsed_result": {"rationale": "", "choices": {"x": "A"}}}
    refused("result", urial_pairwise.check, [pair, pair | told], "f")
    refused("result", urial_pairwise.check, [pair, pair | {"result": "A"}], "f")
    answer = {"question_id": 1, "choices": [{"turns": ["a"]}]}
    refused("question_id", mt_bench.check_answers, [answer, answer], "f")
    bad = {"question_id": 2, "choices": [{"turns": [None]}]}
    refused("choices", mt_bench.check_answers, [answer, bad], "f")
    single = {"model": "m", "user_prompt": "", "judgment": "", "score": -1, "turn": 1}
    refused("score", mt_bench.check_single, [single, single | {"score": 0}], "f")
    both = {"model_1": "m", "model_2": "n", "g1_judgment": "", "g2_judgment": ""}
    won = both | {"g1_winner": "tie", "g2_winner": "tie"}
    refused("g2_winner", mt_bench.check_pairs, [won, won | {"g2_winner": "A"}], "f")
    row = {"promptIdx": 0, "testIdx": 0, "score": 0.5, "namedScores": {}}
    refused("promptIdx", promptfoo.check_scores, [row, row], 1, "f")
    high = {"promptIdx": 0, "testIdx": 1, "score": 0.5, "namedScores": {"x": 2}}
    refused("x", promptfoo.check_scores, [row, high], 1, "f")
    sample = {
        "target": "", "filter": "none", "doc_hash": "a", "prompt_hash": "b", "target_hash": "c", "metrics": ["x"],
        "x": 1, "arguments": {"gen_args_0": {"arg_0": "q"}},
    }  # fmt: skip
    refused("x", lm_eval.check_samples, [sample, sample | {"x": None}], "f")


def test_a_person_has_no_prompt_and_is_there_by_name(store: Store, tmp_path: Path) -> None:
    run = judged_run(store, tuple(judged_items(3)))
    export(store, run, "urial-pairwise", tmp_path, judges=(PERSON.key,))
    (path,) = tmp_path.iterdir()
    assert {row["eval_config"]["gpt"] for row in rules.read_json(path)} == {"Zoë"}
    assert {row["prompt"] for row in rules.read_json(path)} == {""}
