"""A run leaves as files that just-eval's own programs read, with nothing invalid turned into a number."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import just_eval_rules
from tests.support.store_rows import END
from tests.support.store_runs import JUDGE, PERSON, RUBRIC, begin, judgement, make_run
from urial_tui.errors import ExchangeError
from urial_tui.exchange import exports, just_eval, writing
from urial_tui.exchange.exports import Document, Names, Wanted
from urial_tui.exchange.sources import source_of_run
from urial_tui.store.judging.types import AspectScore, Outcome, RubricRef
from urial_tui.store.runs.types import Run, RunItem
from urial_tui.store.store import Store

DATA = os.environ.get("URIAL_TUI_TEST_DATA")
FIVE = just_eval.MODES["score_multi"]
SAFETY = RubricRef("safety", 1, "dd" * 32)
HOSTILE = (
    'He said: "reason": "x", "preference": {"A"} ``` \\" \\\\ {"score": "5"}',
    "\0\x1b[31m\r\n\u2028\u202e \U0001f34e é 散 \x85",
    "</script><!-- $(rm) {{x}} %s ${instruction}",
    "",
    "word " * 400_000,
)
ITEMS = tuple(
    RunItem(
        n,
        100 + n,
        (f"Question {n}? {text[:80]}",),
        "helpful_base",
        "regular",
        ("info-seek",),
        ("humanities", "é"),
        {"source_id": f"alpaca-{n}", "difficulty": "easy", "output": "theirs", "datasplit": "x"},
    )
    for n, text in enumerate(HOSTILE)
)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as opened:
        yield opened


def answered(store: Store, items: tuple[RunItem, ...] = ITEMS, **changes: Any) -> Run:
    """A run whose answers are the hostile texts."""
    run = store.create_run(replace(make_run(store).start, **changes))
    store.add_run_items(run.id, items)
    for item in items:
        for side in range(len(run.start.sides)):
            for turn in range(len(item.turns)):
                _, _, answer = store.begin_run_answer(run.id, item.index, side, turn)
                text = HOSTILE[item.index % len(HOSTILE)]
                store.finish_answer(answer.id, None, "complete", END, tail=text)
    return run


def scored(*outcomes: Outcome, reason: str = "Because.") -> tuple[AspectScore, ...]:
    return tuple(
        AspectScore(
            aspect,
            outcome,
            n + 1 if outcome == "ok" else None,
            probabilities=(0.2,) * 5,
            reason=reason,
        )
        for n, (aspect, outcome) in enumerate(zip(FIVE, outcomes, strict=True))
    )


def judge(store: Store, run: Run, rows: list[tuple[AspectScore, ...]], **changes: Any) -> None:
    """Judge the answers of the first side, one after the other."""
    for answer, scores in zip(store.run_answers(run.id, side=0), rows, strict=False):
        store.save_judgement(judgement(answer.message_id, scores=scores, **changes))


def export(
    store: Store, run: Run, folder: Path, **wanted: Any
) -> tuple[dict[str, Path], list[str]]:
    made = just_eval.export(source_of_run(store, run), Wanted(**wanted))
    written = writing.write(folder, made.documents)
    return {one.path.name: one.path for one in written}, list(made.notes)


# --- outputs


def test_there_is_a_file_a_side_with_all_answers_in_the_order_of_the_data_set(
    store: Store, tmp_path: Path
) -> None:
    run = answered(store, tuple(reversed(ITEMS)))
    files, notes = export(store, run, tmp_path / "new" / "folder")
    assert list(files) == [
        "just-eval-40_demo-urial-general.json",
        "just-eval-40_demo-zero-shot.json",
    ]
    assert notes == []
    for side, path in zip(run.start.sides, files.values(), strict=True):
        rows = just_eval_rules.load_outputs(path)
        assert [row["output"] for row in rows] == list(HOSTILE)
        assert [row["instruction"] for row in rows] == [item.turns[0] for item in ITEMS]
        assert rows[1] == {
            "id": 101,
            "instruction": ITEMS[1].turns[0],
            "output": HOSTILE[1],
            "generator": side,
            "source_id": "alpaca-1",
            "dataset": "helpful_base",
            "category": "regular",
            "task": ["info-seek"],
            "topic": ["humanities", "é"],
            "difficulty": "easy",
            "datasplit": "x",
        }
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_row_without_a_number_of_its_own_has_its_position(store: Store, tmp_path: Path) -> None:
    run = answered(store, (RunItem(0, 7, ("a",)), RunItem(1, "x-1", ("b",))))
    files, _ = export(store, run, tmp_path, sides=("1",))
    (path,) = files.values()
    rows = just_eval_rules.load_outputs(path)
    assert [(row["id"], row["source_id"]) for row in rows] == [(7, "7"), (1, "x-1")]


def test_no_two_rows_have_the_same_id(store: Store, tmp_path: Path) -> None:
    ids: tuple[int | str, ...] = ("x-1", 0, "x-2", 2, 0)
    run = answered(store, tuple(RunItem(n, id_, ("q",)) for n, id_ in enumerate(ids)))
    judge(store, run, [scored(*["ok"] * 5)] * 5)
    files, _ = export(store, run, tmp_path, sides=("1",))
    outputs, judgements = (json.loads(path.read_text("utf-8")) for path in files.values())
    # A number of its own stays; the position of a text is taken twice here, and a number is there twice.
    assert [row["id"] for row in outputs] == [5, 0, 6, 2, 4]
    assert [row["source_id"] for row in outputs] == [str(id_) for id_ in ids]
    assert [row["id"] for row in judgements] == [5, 0, 6, 2, 4]


def test_what_is_not_complete_is_left_out_and_said(store: Store, tmp_path: Path) -> None:
    run = make_run(store)
    begun, generation = begin(store, run, 0, 0)
    store.finish_answer(begun.id, generation, "complete", END)
    begun, generation = begin(store, run, 1, 0)
    store.finish_answer(begun.id, generation, "stopped", END)
    begin(store, run, 2, 1)
    files, notes = export(store, run, tmp_path)
    (path,) = files.values()  # the other side has nothing complete
    assert [row["id"] for row in just_eval_rules.load_outputs(path)] == [7]
    assert any("2 of 3 items have no complete answer" in note for note in notes)
    assert any("3 of 3 items have no complete answer" in note for note in notes)
    assert any("positions" in note for note in notes)


def test_of_several_turns_the_first_is_exported(store: Store, tmp_path: Path) -> None:
    run = answered(store, (RunItem(0, 1, ("first?", "second?")),), sides=("demo",))
    later = store.run_answers(run.id)[1]
    store.save_judgement(judgement(later.message_id, scores=scored(*["ok"] * 5)))
    files, notes = export(store, run, tmp_path)
    (path,) = files.values()  # the judgement is of the second turn: no file of it
    assert [row["instruction"] for row in just_eval_rules.load_outputs(path)] == ["first?"]
    assert any("one turn" in note for note in notes)


# --- judge results


def test_scores_leave_as_just_eval_has_them_and_nothing_invalid_becomes_a_number(
    store: Store, tmp_path: Path
) -> None:
    run = answered(store)
    rows = [
        scored("ok", "ok", "ok", "ok", "ok", reason=HOSTILE[0]),
        scored("ok", "na", "ok", "ok", "ok", reason=HOSTILE[1]),
        scored("ok", "ok", "invalid", "refused", "ok", reason=HOSTILE[2]),
        scored("invalid", "invalid", "invalid", "refused", "refused"),
        (),
    ]
    judge(store, run, rows, outcome="ok")
    files, notes = export(store, run, tmp_path, what="judgements")
    ((name, path),) = files.items()
    assert name == "just-eval-40_demo-urial-general_smol-chat_score-multi.json"
    found = just_eval_rules.check_judgements(path)
    assert [row["output_cand"] for row in found] == list(HOSTILE)
    assert [{a: s["score"] for a, s in row.get("parsed_result", {}).items()} for row in found] == [
        {a: str(n) for n, a in enumerate(FIVE, 1)},
        {a: "N/A" if a == "clarity" else str(n) for n, a in enumerate(FIVE, 1)},
        {"helpfulness": "1", "clarity": "2", "engagement": "5"},
        {},
        {},
    ]
    assert [row["result"] == "N/A" for row in found] == [False, False, False, True, True]
    assert [row["parsed_result"]["helpfulness"]["reason"] for row in found[:3]] == [*HOSTILE[:3]]
    assert found[0]["eval_config"] == {"mode": "score_multi", "gpt": "smol@chat", "max_words": -1}
    assert (found[0]["prompt"], found[0]["input"]) == ("Rate this: 散", ITEMS[0].turns[0])
    assert just_eval_rules.report(path) == {
        "total": 3,
        "means": {
            "helpfulness": 1.0,
            "clarity": 3.0,  # 2, N/A taken as 5, 2
            "factuality": 3.0,
            "depth": 4.0,
            "engagement": 5.0,
        },
        "n": {"helpfulness": 3, "clarity": 3, "factuality": 2, "depth": 2, "engagement": 3},
    }
    assert any("1 score is N/A" in note for note in notes)
    assert any("12 aspects have no readable score" in note for note in notes)


def test_what_a_person_left_out_is_not_unreadable(store: Store, tmp_path: Path) -> None:
    run = answered(store)
    some = (AspectScore("helpfulness", "ok", 4), AspectScore("depth", "invalid"))
    judge(store, run, [some], judge=PERSON)
    _, notes = export(store, run, tmp_path, what="judgements")
    assert "3 aspects were not rated: not in the rows" in notes
    assert "1 aspect has no readable score: not in the rows" in notes


def test_each_judge_and_rubric_has_a_file_of_its_own(store: Store, tmp_path: Path) -> None:
    run = answered(store)
    all_ok = [scored(*["ok"] * 5)]
    judge(store, run, all_ok)
    judge(store, run, all_ok, judge=PERSON, prompt="")
    judge(store, run, all_ok, rubric=replace(RUBRIC, id="mine", hash="ee" * 32))
    judge(store, run, [(AspectScore("safety", "ok", 5),)], rubric=SAFETY)
    judge(store, run, [(AspectScore("wit", "ok", 5),)], rubric=replace(RUBRIC, id="wit", hash="f"))
    files, notes = export(store, run, tmp_path, what="judgements")
    start = "just-eval-40_demo-urial-general_"
    assert list(files) == [
        f"{start}smol-chat_score-multi.json",
        f"{start}Zo_score-multi.json",
        f"{start}smol-chat_score-multi-2.json",
        f"{start}smol-chat_score-safety.json",
    ]
    for path in files.values():
        just_eval_rules.check_judgements(path)
        assert just_eval_rules.report(path)["total"] == 1
    assert any("wit" in note for note in notes)
    only, _ = export(store, run, tmp_path / "person", what="judgements", judges=("Zoë",))
    assert list(only) == [f"{start}Zo_score-multi.json"]


@pytest.mark.skipif(not DATA, reason="URIAL_TUI_TEST_DATA is not set")
@pytest.mark.parametrize("mode", ["score_multi", "score_safety"])
def test_rows_have_the_fields_of_published_files(store: Store, tmp_path: Path, mode: str) -> None:
    sample = json.loads((Path(DATA or "") / f"judgements_{mode}_sample.json").read_text("utf-8"))
    run = answered(store)
    judge(store, run, [scored(*["ok"] * 5)])
    judge(store, run, [(AspectScore("safety", "ok", 5),)], rubric=SAFETY)
    files, _ = export(store, run, tmp_path)
    (path,) = [path for name, path in files.items() if mode.replace("_", "-") in name]
    ours, theirs = just_eval_rules.check_judgements(path)[0], sample[0]
    assert list(ours) == list(theirs)
    assert {key: type(value) for key, value in ours.items()} == {
        key: type(value) for key, value in theirs.items()
    }
    assert list(ours["eval_config"]) == list(theirs["eval_config"])
    assert list(ours["parsed_result"]) == list(theirs["parsed_result"])
    assert json.loads(theirs["result"]) == theirs["parsed_result"]
    outputs = json.loads((Path(DATA or "") / "outputs_zephyr-7b-beta_40.json").read_text("utf-8"))
    rows = just_eval_rules.load_outputs(next(iter(files.values())))
    assert set(outputs[0]) - set(rows[0]) == {"num_tokens"}


@given(reason=st.text(), text=st.text())
def test_any_reason_reads_the_same_again(reason: str, text: str) -> None:
    with Store.in_memory() as store:
        run = store.create_run(replace(make_run(store).start, sides=("demo",)))
        store.add_run_items(run.id, [RunItem(0, 0, ("q" + text,))])
        _, _, answer = store.begin_run_answer(run.id, 0, 0, 0)
        store.finish_answer(answer.id, None, "complete", END, tail=text)
        judge(store, run, [scored(*["ok"] * 5, reason=reason)])
        outputs, judged = just_eval.export(source_of_run(store, run), Wanted()).documents
    assert json.loads(outputs.content)[0]["output"] == text
    row = json.loads(judged.content)[0]
    assert just_eval_rules._read_again(row["result"]) == row["parsed_result"]
    assert row["parsed_result"]["clarity"]["reason"] == reason


# --- refusals


def refused(kind: str, store: Store, run: Run, **wanted: Any) -> ExchangeError:
    with pytest.raises(ExchangeError) as raised:
        just_eval.export(source_of_run(store, run), Wanted(**wanted))
    assert raised.value.kind == kind
    assert raised.value.exit_code == 7
    return raised.value


def test_what_is_not_there_is_refused_with_what_is(store: Store) -> None:
    run = answered(store, ITEMS[:2])
    for name in ("3", "0", "-1", "demo", ""):
        assert "demo@zero-shot" in refused("no-side", store, run, sides=(name,)).hint
    refused("no-judge", store, run, judges=("smol@chat",))
    refused("nothing", store, run, what="judgements")
    judge(store, run, [scored(*["ok"] * 5)])
    assert "smol@chat" in refused("no-judge", store, run, judges=("gpt",)).hint
    refused("nothing", store, run, what="judgements", sides=("2",))
    empty = make_run(store)
    refused("nothing", store, empty)
    made = just_eval.export(
        source_of_run(store, run), Wanted(sides=("demo@zero-shot", "2"), judges=(JUDGE.key,))
    )
    assert [document.name for document in made.documents] == ["just-eval-40_demo-zero-shot.json"]


def test_a_row_that_is_no_json_is_named_with_its_key(store: Store) -> None:
    run = answered(store, ITEMS[:2])
    store._db.execute(
        "UPDATE run_item SET extra = ? WHERE run_id = ? AND item = 1",
        ('{"link": ["\\ud800"]}', run.id),
    )
    error = refused("bad-row", store, run)
    assert "row 2" in error.message
    assert "`link`" in error.message
    for value in (float("nan"), {1: 2}, b"x"):
        with pytest.raises(ExchangeError, match="row 1: `k`"):
            exports.json_array([{"k": value}], "f.json")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"result": '{"safety": {"reason": "", "score": "4"}}'}, "result"),
        ({"result": "N/A"}, "result"),
        ({"parsed_result": None}, "parsed_result"),
        ({"parsed_result": {}}, "parsed_result"),
        ({"parsed_result": {"wit": {"reason": "", "score": "5"}}}, "parsed_result"),
        ({"parsed_result": {"safety": {"reason": "", "score": "4/5"}}}, "parsed_result"),
        ({"parsed_result": {"safety": {"reason": "", "score": 5}}}, "parsed_result"),
        ({"output_cand": ["x"]}, "output_cand"),
    ],
)
def test_rows_that_its_report_would_crash_on_or_miscount_are_refused(
    changes: dict[str, Any], key: str
) -> None:
    good = {
        "input": "q",
        "output_cand": "a",
        "generator_cand": "demo",
        "prompt": "",
        "result": '{"safety": {"reason": "", "score": "5"}}',
        "parsed_result": {"safety": {"reason": "", "score": "5"}},
    }
    just_eval.check_judgements([good], "score_safety", "f.json")
    with pytest.raises(ExchangeError, match=f"f.json, row 2: `{key}`"):
        just_eval.check_judgements([good, good | changes], "score_safety", "f.json")


# --- files


def test_names_are_safe_and_no_two_are_alike() -> None:
    names = Names()
    made = [
        names.make(name, "demo@x", extension=".json")
        for name in ("../../etc/passwd", "A b", "a/b", "", "é\0\n", "x" * 500, "rows.json", "A-B")
    ]
    assert made[0] == "etc-passwd_demo-x.json"
    assert len({name.lower() for name in made}) == len(made)
    for name in made:
        assert name.endswith(".json")
        assert name.count(".") == 1
        assert not set(name) & set("/\\:\0\n")
        assert len(name) < 200


def test_files_that_are_there_are_kept_without_force_and_links_are_never_followed(
    tmp_path: Path,
) -> None:
    folder, outside = tmp_path / "out", tmp_path / "outside"
    folder.mkdir()
    outside.write_text("precious")
    (folder / "a.json").write_text("mine")
    (folder / "b.json").symlink_to(outside)
    (folder / "c.json").symlink_to(tmp_path / "dangling")
    documents = [Document(f"{name}.json", b"[]\n", 0, {}) for name in "zabc"]
    with pytest.raises(ExchangeError) as raised:
        writing.write(folder, documents)
    assert raised.value.kind == "exists"
    assert "a.json" in raised.value.message
    assert not (folder / "z.json").exists()
    assert (folder / "a.json").read_text() == "mine"
    written = writing.write(folder, documents, force=True)
    assert all(one.path.read_bytes() == b"[]\n" for one in written)
    assert not any(one.path.is_symlink() for one in written)
    assert outside.read_text() == "precious"
    assert not (tmp_path / "dangling").exists()
    assert {path.name for path in folder.iterdir()} == {f"{name}.json" for name in "zabc"}


def test_when_one_file_cannot_be_written_none_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = iter([None, OSError(28, "No space left on device")])
    real = os.fsync

    def fsync(descriptor: int) -> None:
        error = next(full)
        if error is not None:
            raise error
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(ExchangeError) as raised:
        writing.write(
            tmp_path, [Document(f"{name}.json", b"[]\n", 0, {}) for name in "ab"], force=True
        )
    assert "No space left" in raised.value.message
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.json": "old"}


@pytest.mark.parametrize("blocked", ["a.json", ""])
def test_a_folder_in_the_place_of_a_file_or_a_file_in_that_of_the_folder_is_refused(
    tmp_path: Path, blocked: str
) -> None:
    folder = tmp_path / "out"
    if blocked:
        (folder / blocked).mkdir(parents=True)
    else:
        folder.write_text("x")
    with pytest.raises(ExchangeError) as raised:
        writing.write(folder, [Document("a.json", b"", 0, {})], force=True)
    assert raised.value.kind == "unwritable"
