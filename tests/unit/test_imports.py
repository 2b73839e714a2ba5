"""Files of other tools become runs, sessions, judgements and comparisons; what cannot be used is named."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.store_runs import answer_all, comparison, make_run
from urial_tui.errors import ExchangeError
from urial_tui.exchange import (
    alpaca_eval,
    exports,
    jsonl,
    just_eval,
    mt_bench,
    urial_pairwise,
    writing,
)
from urial_tui.exchange import imports as importing
from urial_tui.exchange.exports import Wanted
from urial_tui.exchange.import_types import Options, Tally
from urial_tui.exchange.sources import source_of_run
from urial_tui.store.store import Store

DATA = os.environ.get("URIAL_TUI_TEST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="URIAL_TUI_TEST_DATA is not set")


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as made:
        yield made


def put(path: Path, value: Any) -> Path:
    """A file with a JSON value, with lines of a list of texts, or with a text."""
    if isinstance(value, str):
        path.write_text(value, "utf-8")
    else:
        path.write_text(json.dumps(value), "utf-8")
    return path


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def take(store: Store, path: Path, format_: str | None = None, **options: Any) -> Tally:
    (tally,) = importing.write(store, [importing.read(path, format_, Options(**options))])
    return tally


def refused(path: Path, format_: str | None = None, **options: Any) -> ExchangeError:
    """What is said of a file; nothing of it reaches a history."""
    with Store.in_memory() as store:
        with pytest.raises(ExchangeError) as raised:
            take(store, path, format_, **options)
        assert store.stats().sessions == store.stats().runs == 0
    assert raised.value.exit_code == 7
    return raised.value


def output(n: int, generator: str = "gpt", **more: Any) -> dict[str, Any]:
    return {"instruction": f"Question {n}", "output": f"Answer {n}", "generator": generator} | more


def judged(n: int, score: Any = "4", **more: Any) -> dict[str, Any]:
    parsed = {
        aspect: {"reason": f"because {n}", "score": score}
        for aspect in just_eval.MODES["score_multi"]
    }
    return {
        "id": n,
        "input": f"Question {n}",
        "output_cand": f"Answer {n}",
        "generator_cand": "gpt",
        "eval_config": {"mode": "score_multi", "gpt": "judge-1", "max_words": -1},
        "prompt": f"Judge {n}",
        "result": json.dumps(parsed, indent=4),
        "parsed_result": parsed,
    } | more


def back(store: Store, run_id: str, folder: Path, format_: Any = just_eval) -> dict[str, Any]:
    """The files of a run's export, by name."""
    made = format_.export(source_of_run(store, store.run(run_id)), Wanted())
    written = writing.write(folder, made.documents)
    return {str(one.path.relative_to(folder)): one.path.read_text("utf-8") for one in written}


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


QUESTIONS = [
    {"question_id": 81, "category": "writing", "turns": ["First?", "Second?"]},
    {"question_id": 82, "category": "math", "turns": ["One?"]},
]


def mt_answer(id_: int, model: str, *turns: str) -> dict[str, Any]:
    return {
        "question_id": id_,
        "answer_id": "x",
        "model_id": model,
        "choices": [{"index": 0, "turns": list(turns)}],
        "tstamp": 1.5,
    }


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


# --- chats


def shown(store: Store, session_id: str) -> list[tuple[str, str]]:
    session = store.session(session_id)
    return [(m.role, m.content) for m in store.branch(session.leaf_id or "")]


def test_lists_of_turns_become_sessions(store: Store, tmp_path: Path) -> None:
    rows = [
        {
            "id": "a1",
            "conversations": [
                {"from": "system", "value": "Be brief."},
                {"from": "human", "value": "Hi"},
                {"from": "gpt", "value": "Hello"},
                {"from": "gpt", "value": "again"},
                {"from": "tool", "value": "x"},
                {"from": "human", "value": "Bye"},
            ],
        },
        {
            "title": "A \x1b[31mtitle",
            "model": "m-7",
            "messages": [
                {"role": "assistant", "content": "I begin."},
                {"role": "user", "content": [{"type": "text", "text": "Ok"}, {"type": "image"}]},
            ],
        },
    ]
    path = put(tmp_path / "chats.json", rows)
    tally = take(store, path)
    assert (tally.format, len(tally.sessions)) == ("chat", 2)
    one, two = tally.sessions
    assert shown(store, one) == [("user", "Hi"), ("assistant", "Hello\n\nagain"), ("user", "Bye")]
    assert shown(store, two) == [("user", ""), ("assistant", "I begin."), ("user", "Ok")]
    session = store.session(one)
    assert (session.title, session.origin["system"], session.origin["id"]) == ("Hi", "Be brief.", "a1")  # fmt: skip
    assert store.session(two).side == "m-7"
    assert tally.notes == [
        "1 message joined the one before it, which is of the same side",
        "1 message that is no text of user or assistant is left out",
    ]
    again = take(store, path)
    assert (again.sessions, again.there) == ([], 2)
    assert len(take(store, path, as_new=True).sessions) == 2


def test_a_file_under_another_name_is_the_same_file(store: Store, tmp_path: Path) -> None:
    chat = [
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}
    ]
    take(store, put(tmp_path / "a.json", chat))
    tally = take(store, put(tmp_path / "b.json", chat))
    assert (tally.there, tally.sessions, store.stats().sessions) == (1, [], 1)


def test_one_conversation_as_a_list_of_messages(store: Store, tmp_path: Path) -> None:
    rows = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    tally = take(store, put(tmp_path / "talk.json", rows))
    assert shown(store, tally.sessions[0]) == [("user", "Hi"), ("assistant", "Hello")]


def node(id_: str, parent: str | None, role: str, text: str, *children: str) -> dict[str, Any]:
    return {
        "id": id_,
        "parent": parent,
        "children": list(children),
        "message": {
            "author": {"role": role},
            "create_time": 1700000000.25,
            "content": {"content_type": "text", "parts": [text]},
        },
    }


def test_a_tree_of_chatgpt_keeps_its_branches(store: Store, tmp_path: Path) -> None:
    mapping = {
        "end": node("end", "b2", "user", "Thanks"),
        "root": {"id": "root", "parent": None, "children": ["s"], "message": None},
        "s": node("s", "root", "system", ""),
        "q": node("q", "s", "user", "Why?", "a", "b"),
        "a": node("a", "q", "assistant", "Because."),
        "b": node("b", "q", "assistant", "Since", "t"),
        "t": node("t", "b", "tool", "42", "b2"),
        "b2": node("b2", "t", "assistant", "then.", "end"),
    }
    row = {
        "title": "Reasons",
        "mapping": mapping,
        "current_node": "a",
        "default_model_slug": "gpt-4",
    }
    tally = take(store, put(tmp_path / "conversations.json", [row]))
    session = store.session(tally.sessions[0])
    assert (session.title, session.side) == ("Reasons", "gpt-4")
    assert session.created_at == "2023-11-14T22:13:20.250Z"
    assert shown(store, session.id) == [("user", "Why?"), ("assistant", "Because.")]
    assert [(m.role, m.content) for m in store.messages(session.id)] == [
        ("user", "Why?"),
        ("assistant", "Because."),
        ("assistant", "Since\n\nthen."),
        ("user", "Thanks"),
    ]
    assert tally.notes[-1].startswith("1 message that is no text")


def test_a_message_with_followers_of_both_sides_is_kept_and_copied(
    store: Store, tmp_path: Path
) -> None:
    mapping = {
        "q": node("q", None, "user", "Q", "a"),
        "a": node("a", "q", "assistant", "A", "b", "u"),
        "b": node("b", "a", "assistant", "B"),
        "u": node("u", "a", "user", "U"),
    }
    tally = take(store, put(tmp_path / "c.json", {"mapping": mapping, "current_node": "u"}))
    assert [m.content for m in store.messages(tally.sessions[0])] == ["Q", "A", "A\n\nB", "U"]
    assert shown(store, tally.sessions[0])[-1] == ("user", "U")


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"a": node("a", "b", "user", "x"), "b": node("b", "a", "user", "y")}, "are no tree"),
        ({"a": node("a", "zz", "user", "x")}, "has a parent that is not there"),
        ({"a": 3}, "is not an object"),
        ([], "its `mapping` is not an object"),
        ({}, "has no text"),
    ],
)
def test_a_tree_that_is_none_is_refused(tmp_path: Path, mapping: Any, said: str) -> None:
    assert said in refused(put(tmp_path / "c.json", [{"mapping": mapping}])).message


def test_a_conversation_of_thousands_of_messages_and_one_that_repeats_itself(
    store: Store, tmp_path: Path
) -> None:
    deep = {
        str(n): node(str(n), str(n - 1) if n else None, ("user", "assistant")[n % 2], f"{n}")
        for n in range(5000)
    }
    tally = take(store, put(tmp_path / "deep.json", {"mapping": deep}))
    assert len(shown(store, tally.sessions[0])) == 5000
    spine = {
        f"a{n}": node(f"a{n}", f"a{n - 1}" if n else None, "assistant", "x" * 1000)
        for n in range(400)
    }
    spine |= {f"u{n}": node(f"u{n}", f"a{n}", "user", "u") for n in range(400)}
    assert "repeat too much" in refused(put(tmp_path / "spine.json", {"mapping": spine})).message


def test_a_text_is_an_answer_to_nothing(store: Store, tmp_path: Path) -> None:
    path = put(tmp_path / "poem.txt", "\ufeffRoses are red,\nviolets are blue.\n")
    tally = take(store, path)
    assert tally.format == "text"
    session = store.session(tally.sessions[0])
    assert shown(store, session.id) == [
        ("user", ""),
        ("assistant", "Roses are red,\nviolets are blue."),
    ]
    assert (session.title, session.origin["file"]) == ("poem.txt", "poem.txt")
    assert take(store, path).there == 1
    json_text = put(tmp_path / "x.json", '{"a": 1}')
    assert refused(json_text).kind == "unknown-format"
    assert len(take(store, json_text, "text").sessions) == 1


@pytest.mark.parametrize(
    "text",
    ["[Intro]\nWalk on.", "[1] A footnote.", "[] to do\n[x] done", "{name}, hello", "[...] on", "[-5] cold"],
)  # fmt: skip
def test_a_text_that_begins_with_a_bracket_and_is_no_json_is_a_text(
    store: Store, tmp_path: Path, text: str
) -> None:
    tally = take(store, put(tmp_path / "song.txt", text))
    assert tally.format == "text"
    assert shown(store, tally.sessions[0])[1] == ("assistant", text)


@pytest.mark.parametrize(
    "text", ['[{"a": 1}', '["a", ', "[1, 2", "{'a': 1}", '{"a": 1', "[1]", "[null, x]", "[", "[]\n[]"]
)  # fmt: skip
def test_what_may_be_damaged_json_is_never_kept_as_a_text(tmp_path: Path, text: str) -> None:
    error = refused(put(tmp_path / "cut.json", text))
    assert (error.kind, "--format text" in error.hint) == ("not-json", True)


@pytest.mark.parametrize("kind", ["session", "run", "comparison"])
def test_lines_of_our_own_export_without_its_header_are_no_chats(
    store: Store, tmp_path: Path, kind: str
) -> None:
    """A session has `messages` and a run `items`, which chats of other programs have too."""
    run = make_run(store)
    answer_all(store, run)
    one, other = [answer.message_id for answer in store.run_answers(run.id)][:2]
    store.save_comparison(comparison(one, other))
    sessions = [answer.session_id for answer in store.run_answers(run.id)]
    rows = [json.loads(line) for line in jsonl.lines(store, sessions)]
    text = lines([row for row in rows if row["type"] == kind])
    for format_ in (None, "chat", "jsonl"):
        error = refused(put(tmp_path / "x.jsonl", text), format_)
        assert error.kind == "bad-row"
        assert "line 1: " in error.message and "its header, is missing" in error.message


# --- what cannot be used


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([output(0), output(1, output=None)], "row 2: it has no `output`"),
        ([output(0), output(1, output=["x"])], "row 2: its `output` is not a text"),
        ([output(0, " ")], "row 1: its `generator` is empty"),
        ([output(0, instruction="")], "row 1: its `instruction` is empty"),
        ([output(0), 3], "row 2 is not an object"),
        ([output(0, extra="\ud800")], "row 1: `extra` holds half of a surrogate pair"),
        ([output(0, extra={"\udc00": 1})], "row 1: `extra` holds half of a surrogate pair"),
        ([judged(0, eval_config=None)], "row 1: it has no `eval_config`"),
        ([judged(0, parsed_result=None)], "row 1: its `parsed_result` is null"),
        ([judged(0, eval_config={"mode": "tag", "gpt": "x"})], "its mode is 'tag'"),
        ([judged(0, result=3)], "row 1: its `result` is not a text"),
        ([], "it is an empty array"),
        ('[{"instruction": "a", "output": NaN}]', "it has NaN"),
        ('[{"instruction": "a", "output": 1e999}]', "the number 1e999 is too large"),
        ('[{"a": 1, "a": 2}]', "the key `a` is there twice"),
        ('[{"instruction": "a"', "it is not JSON"),
        ("[" * 100_000, "it is nested too deeply"),
        ('[{"a": ' + "[" * 500 + "]" * 500 + "}]", "is nested too deeply"),
        ('{"a": 1}\n{"a": \n', "line 2: it is not JSON"),
        ("   \n", "is empty"),
    ],
    ids=range(20),
)
def test_what_cannot_be_used_is_named(tmp_path: Path, value: Any, said: str) -> None:
    assert said in refused(put(tmp_path / "x.json", value)).message


def test_of_many_bad_rows_the_first_are_named(tmp_path: Path) -> None:
    error = refused(put(tmp_path / "x.json", [output(n, "") for n in range(9)]))
    assert error.kind == "bad-row"
    assert "row 5: " in error.message
    assert "row 6" not in error.message
    assert "and 4 more" in error.message


def test_bytes_that_are_no_text_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b'[\n{"a": "\xe9"}]')
    error = refused(path)
    assert (error.kind, "line 2: byte 0xe9" in error.message) == ("not-text", True)


def test_a_byte_order_mark_is_no_part_of_a_file(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([output(0)]).encode())
    assert len(take(store, path).runs) == 1


def test_limits_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "x.json", [output(n) for n in range(4)])
    monkeypatch.setattr("urial_tui.exchange.reading.MAX_ROWS", 3)
    assert "more than 3 rows" in refused(path).message
    monkeypatch.setattr("urial_tui.exchange.reading.MAX_FILE", 50)
    assert refused(path).kind == "too-large"


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    said = {
        fifo: "is not a regular file",
        Path(os.devnull): "is not a regular file",
        tmp_path: "is a folder",
        tmp_path / "dangling": "No such file",
        tmp_path / "a\0b": "null byte",
    }
    for path, words in said.items():
        for format_ in (None, "jsonl", "text"):
            error = refused(path, format_)
            assert words in error.message
            assert error.kind == "unreadable"


def test_a_link_to_a_file_is_read(store: Store, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(put(tmp_path / "real.json", [output(0)]))
    assert len(take(store, link).runs) == 1


HOSTILE = [
    "../../etc/passwd",
    "CON",
    "nul.txt",
    "a\0b",
    "\x1b[31mred",
    "/",
    "x" * 5000,
    "\u202eflip",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_in_rows_never_become_paths(store: Store, tmp_path: Path, name: str) -> None:
    rows = [output(0, name, id=0, dataset=name, category=name)]
    folder = tmp_path / "inner" / "back"
    folder.mkdir(parents=True)
    tally = take(store, put(tmp_path / "x.json", rows))
    chats = [{"title": name, "conversations": [{"from": "human", "value": name}], "id": name}]
    take(store, put(tmp_path / "y.json", chats))
    for format_ in (just_eval, alpaca_eval, mt_bench):
        back(store, tally.runs[0], folder / format_.__name__, format_)
    outside = [p for p in tmp_path.rglob("*") if p.is_file() and folder not in p.parents]
    assert sorted(p.name for p in outside) == ["x.json", "y.json"]
    for path in folder.rglob("*"):
        assert path.name.isascii() and path.name.isprintable()


def test_texts_of_ten_megabytes_are_taken(store: Store, tmp_path: Path) -> None:
    text = "word " * 2_000_000
    tally = take(store, put(tmp_path / "x.json", [output(0, output=text, id=1)]))
    (answer,) = store.run_answers(tally.runs[0])
    assert answer.content == text
    error = refused(put(tmp_path / "y.json", [output(0, instruction=text)]))
    assert "row 1: its text has 10,000,000 characters" in error.message


def test_the_wrong_format_is_said(tmp_path: Path) -> None:
    path = put(tmp_path / "x.json", [output(0)])
    error = refused(path, "chat")
    assert (error.kind, "not in the format chat" in error.message) == ("unknown-format", True)
    assert refused(path, "jsonl").kind == "bad-row"


def test_of_several_files_all_are_taken_or_none(store: Store, tmp_path: Path) -> None:
    good = importing.read(put(tmp_path / "a.json", [output(0)]), None, Options())
    pair = {
        "question_id": 1,
        "model_1": "a",
        "model_2": "b",
        "g1_winner": "tie",
        "g2_winner": "tie",
        "judge": ["x", "y"],
    }
    bad = importing.read(put(tmp_path / "b.jsonl", lines([pair, pair])), None, Options())
    with pytest.raises(ExchangeError, match="no answer"):
        importing.write(store, [good, bad])
    assert store.runs() == []
    assert [tally.format for tally in importing.write(store, [good])] == ["alpaca-eval"]


def test_no_format_takes_what_another_one_recognises(tmp_path: Path) -> None:
    """The order of the table decides only between just-eval and AlpacaEval, whose outputs are alike."""
    kinds = {
        "just-eval": [output(0, id=1)],
        "alpaca-eval": [output(0)],
        "urial-pairwise": [
            dict.fromkeys(
                ("input", "model_output", "ref_output", "generator", "ref_generator"), "x"
            )
        ],
        "mt-bench": [mt_answer(1, "m", "a")],
        "chat": [{"conversations": []}],
    }
    for name, value in kinds.items():
        loaded = importing._load(put(tmp_path / "x.json", value), as_text=False)
        fitting = [other for other, its in importing.IMPORTERS.items() if its.recognises(loaded)]
        assert fitting[0] == name
        assert set(fitting) - {name} <= {"alpaca-eval"}


def test_exports_and_imports_have_the_same_names() -> None:
    assert {"jsonl", "just-eval", "urial-pairwise", "alpaca-eval", "mt-bench"} <= set(
        importing.FORMATS
    )
    assert exports.Names().make("x", extension=".jsonl") == "x.jsonl"
