"""MT-Bench's judgments are attached to the answers that were judged, and to no other ones of that model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import evaluator_rules as rules
from tests.support.imported import QUESTIONS, lines, mt_answer, newer_runs, put, take
from tests.support.judged_runs import judged_run
from urial_tui.errors import ExchangeError
from urial_tui.exchange import mt_bench, writing
from urial_tui.exchange.exports import Wanted
from urial_tui.exchange.sources import source_of_run
from urial_tui.store.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as made:
        yield made


def answers(store: Store, folder: Path, name: str, model: str, *texts: str) -> str:
    """A run of one model that answers the first questions; its id."""
    rows = [mt_answer(81 + n, model, text) for n, text in enumerate(texts)]
    path = put(folder / f"{name}.jsonl", lines(rows))
    questions = put(folder / "question.jsonl", lines(QUESTIONS))
    return take(store, path, questions=questions).runs[0]


def judged_pair(id_: int, prompt: str, a: str = "vicuna", b: str = "llama") -> dict[str, Any]:
    return {
        "question_id": id_,
        "model_1": a,
        "model_2": b,
        "g1_winner": "model_1",
        "g2_winner": "model_1",
        "judge": ["gpt-4", "pair-v2"],
        "g1_user_prompt": prompt,
        "g1_judgment": "[[A]]",
        "g2_user_prompt": prompt,
        "g2_judgment": "[[B]]",
        "turn": 1,
        "tstamp": 1.5,
    }


def prompt(question: str, *texts: str) -> str:
    return f"[User Question]\n{question}\n\n" + "\n\n".join(f"[Answer]\n{one}" for one in texts)


def compared(store: Store) -> list[tuple[str, str]]:
    """The texts of the answers that were compared."""
    return [
        (store.branch(one.message_a)[-1].content, store.branch(one.message_b)[-1].content)
        for one in store.comparisons()
    ]


def test_of_several_runs_of_a_model_that_one_counts_whose_texts_the_judge_read(
    store: Store, tmp_path: Path
) -> None:
    answers(store, tmp_path, "v1", "vicuna", "the first text", "one")
    answers(store, tmp_path, "l", "llama", "of the llama", "two")
    answers(store, tmp_path, "v2", "vicuna", "a later text", "three")
    rows = [
        judged_pair(81, prompt("First?", "the first text", "of the llama")),
        judged_pair(82, prompt("One?", "one", "two")),
    ]
    tally = take(store, put(tmp_path / "pair.jsonl", lines(rows)))
    assert tally.comparisons == 2
    assert compared(store) == [("the first text", "of the llama"), ("one", "two")]


def test_answers_are_found_in_a_run_however_many_are_newer(store: Store, tmp_path: Path) -> None:
    answers(store, tmp_path, "v1", "vicuna", "the first text")
    answers(store, tmp_path, "l", "llama", "of the llama")
    newer_runs(store)
    row = judged_pair(81, prompt("First?", "the first text", "of the llama"))
    path = put(tmp_path / "pair.jsonl", lines([row]))
    assert take(store, path).comparisons == 1
    assert take(store, path, run="v1").there == 1


def test_where_nothing_shows_which_texts_were_judged_a_run_has_to_be_named(
    store: Store, tmp_path: Path
) -> None:
    first = answers(store, tmp_path, "v1", "vicuna", "the first text")
    answers(store, tmp_path, "l", "llama", "of the llama")
    second = answers(store, tmp_path, "v2", "vicuna", "a later text")
    path = put(tmp_path / "pair.jsonl", lines([judged_pair(81, "p1")] * 2))
    with pytest.raises(ExchangeError) as raised:
        take(store, path)
    error = raised.value
    assert (error.kind, "--run" in error.hint) == ("several-runs", True)
    assert all(word in error.message for word in ("vicuna", "v1", first, "v2", second))
    assert store.comparisons() == []
    assert take(store, path, run="v1").comparisons == 1
    assert compared(store) == [("the first text", "of the llama")]


def test_a_run_that_has_none_of_the_models_is_no_run_to_name(store: Store, tmp_path: Path) -> None:
    for model in ("vicuna", "llama", "other"):
        answers(store, tmp_path, model, model, f"of {model}")
    path = put(tmp_path / "pair.jsonl", lines([judged_pair(81, "p1")]))
    with pytest.raises(ExchangeError, match="the run other has none of the models") as raised:
        take(store, path, run="other")
    assert raised.value.kind == "no-answer"
    assert take(store, path, run="llama").comparisons == 1


def test_a_judgment_of_a_text_that_is_not_here_is_refused(store: Store, tmp_path: Path) -> None:
    answers(store, tmp_path, "v2", "vicuna", "a later text")
    answers(store, tmp_path, "l", "llama", "of the llama")
    row = judged_pair(81, prompt("First?", "the first text", "of the llama"))
    path = put(tmp_path / "pair.jsonl", lines([row]))
    for options in ({}, {"run": "v2"}):
        with pytest.raises(ExchangeError, match="the judge read another text") as raised:
            take(store, path, **options)
        assert raised.value.kind == "no-answer"
    assert store.comparisons() == []


def test_a_text_that_was_shortened_for_the_judge_is_the_one_that_was_judged(
    store: Store, tmp_path: Path
) -> None:
    whole = "Walk, since it is good for you in many ways."
    answers(store, tmp_path, "v1", "vicuna", whole)
    answers(store, tmp_path, "v2", "vicuna", "Run, since it is good for you in many ways.")
    answers(store, tmp_path, "l", "llama", "of the llama")
    cut = whole[:7] + f"\n[... {len(whole) - 7} characters left out ...]"
    row = judged_pair(81, prompt("First?", cut, "of the llama"))
    assert take(store, put(tmp_path / "pair.jsonl", lines([row]))).comparisons == 1
    assert compared(store) == [(whole, "of the llama")]


def test_both_answers_are_of_the_run_that_has_both(store: Store, tmp_path: Path) -> None:
    rows = [mt_answer(81, model, f"by {model}") for model in ("vicuna", "llama")]
    questions = put(tmp_path / "question.jsonl", lines(QUESTIONS))
    take(store, put(tmp_path / "both.jsonl", lines(rows)), questions=questions)
    answers(store, tmp_path, "v2", "vicuna", "a later text")
    take(store, put(tmp_path / "pair.jsonl", lines([judged_pair(81, "p1")] * 2)))
    assert compared(store) == [("by vicuna", "by llama")]


def test_answers_of_one_model_are_not_gathered_from_two_runs(store: Store, tmp_path: Path) -> None:
    answers(store, tmp_path, "l", "llama", "of the llama", "two")
    answers(store, tmp_path, "v1", "vicuna", "a", "b")
    answers(store, tmp_path, "v2", "vicuna", "c")
    rows = [judged_pair(81, "p1"), judged_pair(82, "p2")]
    take(store, put(tmp_path / "pair.jsonl", lines(rows)))
    assert compared(store) == [("a", "of the llama"), ("b", "two")]


@pytest.mark.parametrize("run", [None, "walks"])
def test_our_own_export_of_pairs_finds_the_run_that_it_was_made_of(
    store: Store, tmp_path: Path, run: str | None
) -> None:
    """Its sides have names there that a file can have."""
    its = judged_run(store)
    made = mt_bench.export(source_of_run(store, its), Wanted(what="judgements"))
    written = writing.write(tmp_path / "out", made.documents)
    pairs = [one.path for one in written if one.path.name.endswith("_pair.jsonl")]
    names = {row["model_1"] for path in pairs for row in rules.read_lines(path)}
    assert names and not names & set(its.start.sides)
    for path in pairs:
        tally = take(store, path, run=run)
        assert tally.runs == []
        assert tally.comparisons + tally.there == len(rules.read_lines(path))
