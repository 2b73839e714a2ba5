"""`run`: every item by every side once, whatever interrupts it; what makes a run another one; what failed is told."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support import tinygguf
from tests.support.fake_hub import COMMIT, serving
from tests.support.run_command import (
    RunEngine,
    answers,
    assert_each_once,
    history,
    rows_file,
    the_run,
)
from tests.support.run_main import Run, ran
from tests.support.scripted_engine import Script
from tests.support.store_runs import make_run
from urial_tui import paths, services
from urial_tui.errors import EngineError, StoreError
from urial_tui.store.store import Store

HOLDS = """
import sys; from pathlib import Path; from urial_tui.store.store import Store
with Store.open(Path(sys.argv[1])) as store:
    store.lock_run(sys.argv[2], "urial-tui run"); print("locked", flush=True); input()
"""
DIES = Script(fail_after=1)
LONG = Script(
    fail_after=0,
    error=EngineError("the message is too long", hint="Shorten it.", kind="context-full"),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("URIAL_TUI_DEBUG", raising=False)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        name: tinygguf.write_model(folder / f"{name}.gguf", seed=seed)
        for seed, name in enumerate(("one", "two"))
    }


class Engines:
    """The engines of the commands, in order; `following` makes the next command's, for a test to prepare."""

    def __init__(self) -> None:
        self.made: list[RunEngine] = []
        self._waiting: list[RunEngine] = []

    def start(self, **_options: Any) -> RunEngine:
        self.made.append(self._waiting.pop(0) if self._waiting else RunEngine())
        return self.made[-1]

    def following(self) -> RunEngine:
        self._waiting.append(RunEngine())
        return self._waiting[-1]

    @property
    def asked(self) -> list[str]:
        """The prompts of the last command."""
        return self.made[-1].asked


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Engines:
    engines = Engines()
    monkeypatch.setattr(services, "EngineClient", engines.start)
    return engines


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], engines: Engines) -> Run:
    return partial(ran, capsys)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    return rows_file(tmp_path / "in.json", "First?", "Second?", "Third?")


@pytest.fixture
def command(three: Path, models: dict[str, Path]) -> tuple[str, ...]:
    """Three items, two sides on one model."""
    one = models["one"]
    return ("run", "--input", str(three), "--side", f"{one}@raw", "--side", f"{one}@zero-shot")


# --- what a run does --------------------------------------------------------------------------------------------------


def test_every_item_is_answered_by_every_side_in_turn(
    run: Run, engines: Engines, command: tuple[str, ...]
) -> None:
    code, out, err = run(*command, "--json")
    found = json.loads(out)
    assert code == 0, err
    assert (found["complete"], found["wanted"], found["done"], found["items"]) == (True, 6, 6, 3)
    assert [side["done"] for side in found["sides"]] == [3, 3]
    assert found["input"]["format"] == "just-eval"
    assert_each_once(answers(), 3, 2)
    assert {a.content for a in answers()} == {"One two."}
    order = ["First?", "Second?", "Third?"] * 2
    assert all(word in text for word, text in zip(order, engines.asked, strict=True))
    stored = the_run(found["run_id"])
    assert stored.start.sides == tuple(command[4::2])
    assert (stored.start.name, stored.n_wanted, stored.n_answered) == ("in", 6, 6)
    with history() as store:
        assert [item.source_id for item in store.run_items(stored.id)] == [100, 101, 102]
        assert store.sessions() == [], "hidden from the list of conversations"
        assert store.check() == []


def test_the_first_line_names_the_run_and_the_last_ones_what_comes_next(
    run: Run, command: tuple[str, ...]
) -> None:
    code, out, _ = run(*command)
    lines = out.splitlines()
    name = the_run().id
    assert code == 0
    assert (
        lines[0] == f"run {name} (in): 3 items (just-eval rows), 2 sides; 0 of 6 answers are there"
    )
    assert "same command" in lines[1]
    assert lines[-2:] == [
        f"  urial-tui judge --run {name} --judge SIDE",
        f"  urial-tui board --run {name}",
    ]


def test_a_finished_run_loads_nothing(run: Run, engines: Engines, command: tuple[str, ...]) -> None:
    run(*command)
    before = answers()
    code, out, _ = run(*command)
    assert code == 0
    assert "Everything is done already." in out
    assert engines.made[-1].calls == [], "nothing was asked of the engine"
    assert answers() == before


def test_another_limit_goes_on_with_the_same_run(
    run: Run, engines: Engines, command: tuple[str, ...]
) -> None:
    run(*command, "--limit", "1")
    first = the_run()
    assert (first.n_items, first.n_answered) == (1, 2)
    run(*command)
    assert len(engines.asked) == 4
    assert (the_run().id, the_run().n_answered) == (first.id, 6)
    assert_each_once(answers(), 3, 2)


def test_decoding_is_greedy_with_the_sides_own_settings_unless_told(
    run: Run, engines: Engines, command: tuple[str, ...], models: dict[str, Path]
) -> None:
    pack = ("--side", f"{models['one']}@urial-general")
    run(*command, *pack, "--limit", "1", "--max-tokens", "2")
    calls = engines.made[-1].generations()
    assert [call.sampling.temperature for call in calls if call.sampling] == [0.0] * 3
    assert [call.max_tokens for call in calls] == [2] * 3
    own = services.Services().style(f"{models['one']}@urial-general").defaults
    if "repeat_penalty" in own:
        assert calls[2].sampling is not None
        assert calls[2].sampling.repeat_penalty == own["repeat_penalty"]
    settings = the_run().start.settings
    assert (settings["temperature"], settings["max_tokens"], settings["seed"]) == (0.0, 2, None)
    run(*command, "--limit", "1", "--temperature", "0.7", "--seed", "5")
    sampling = engines.made[-1].generations()[0].sampling
    assert sampling is not None
    assert (sampling.temperature, sampling.seed) == (0.7, 5)


def test_the_second_turn_follows_the_first_answer(
    run: Run, engines: Engines, models: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "question.jsonl"
    rows = [
        {"question_id": 81, "category": "writing", "turns": ["Write.", "Rewrite."]},
        {"question_id": 82, "category": "math", "turns": ["Add."]},
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    code, _, _ = run("run", "--input", str(file), "--side", f"{models['one']}@zero-shot")
    assert code == 0
    _, second, third = engines.asked
    assert "Write." in second and "One two." in second and "Rewrite." in second
    assert "Add." in third and "One two." not in third
    assert [(a.index, a.turn) for a in answers()] == [(0, 0), (0, 1), (1, 0)]


def test_one_group_of_sides_that_share_weights_is_loaded_at_a_time(
    run: Run, engines: Engines, three: Path, models: dict[str, Path]
) -> None:
    one, two = models["one"], models["two"]
    sides = (f"{one}@raw", f"{two}@raw", f"{one}@zero-shot")
    code, _, _ = run("run", "--input", str(three), *(w for s in sides for w in ("--side", s)))
    assert code == 0
    steps = [f"{what} {model}" for what, model, _ in engines.made[-1].events]
    assert steps == [
        "open one", *["generate one"] * 6, "close one", "open two", *["generate two"] * 3,
    ]  # fmt: skip
    assert_each_once(answers(), 3, 3)


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_an_item_that_fails_is_told_and_tried_again_alone(
    run: Run, engines: Engines, command: tuple[str, ...]
) -> None:
    engine = engines.following()
    engine.failing = {"Second?": LONG, "First?": Script("a", fail_after=0)}
    code, out, err = run(*command)
    assert code == 1
    assert "item 1 (id 101) was not answered by" in err
    assert "the message is too long" in err
    assert "4 of 6 answers are not there" in err
    assert "2 of 6 answers are there." in out
    assert sorted({a.status for a in answers()}) == ["complete", "failed"]
    assert the_run().n_failed == 4
    code, _, _ = run(*command)
    assert code == 0
    assert len(engines.asked) == 4
    assert_each_once(answers(), 3, 2)


def test_an_engine_that_dies_again_and_again_is_given_up(
    run: Run, engines: Engines, command: tuple[str, ...]
) -> None:
    engines.following().failing = {"?": DIES}
    code, out, _ = run(*command, "--json")
    found = json.loads(out)
    assert code == 4
    assert found["error"]["kind"] == "engine-died"
    assert len(found["problems"]) == len(engines.asked) == 3
    assert run(*command)[0] == 0
    assert_each_once(answers(), 3, 2)


def test_the_turn_after_a_failed_one_is_not_asked(
    run: Run, engines: Engines, models: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(json.dumps({"question_id": 1, "turns": ["Write.", "Rewrite."]}))
    command = ("run", "--input", str(file), "--side", f"{models['one']}@raw")
    engines.following().failing = {"Write.": LONG}
    assert run(*command)[0] == 1
    assert len(engines.asked) == 1
    engines.following().failing = {"Rewrite.": LONG}
    assert run(*command)[0] == 1
    assert run(*command)[0] == 0
    assert [(a.turn, a.status) for a in answers()] == [(0, "complete"), (1, "complete")]
    assert len(engines.asked) == 1, "the first turn is not asked again"


def test_a_side_that_cannot_be_loaded_does_not_keep_the_others_waiting(
    run: Run, engines: Engines, three: Path, models: dict[str, Path]
) -> None:
    engines.following().load_error = EngineError("no memory", hint="Free some.", kind="memory")
    command = [
        "run", "--input", str(three), "--side", f"{models['one']}@raw", "--side", f"{models['two']}@raw",
    ]  # fmt: skip
    code, out, err = run(*command)
    assert code == 1
    assert f"{models['one']}@raw cannot be used: no memory" in err
    assert f"{models['one']}@raw: 0 of 3" in out
    assert run(*command)[0] == 0
    assert_each_once(answers(), 3, 2)


def test_ctrl_c_leaves_the_running_answer_to_be_made_again(
    run: Run, engines: Engines, command: tuple[str, ...]
) -> None:
    def interrupt(text: str) -> None:
        if "Second?" in text:
            signal.raise_signal(signal.SIGINT)

    engine = engines.following()
    engine.before = interrupt
    engine.failing = {"Second?": Script(("slow",) * 500)}
    code, _, err = run(*command)
    assert code == 130
    assert "stopped; 1 of 6 answers are there. The same command goes on" in err
    kept = [a for a in answers() if a.status == "complete"]
    assert run(*command)[0] == 0
    assert_each_once(answers(), 3, 2)
    assert [a for a in answers() if a.message_id == kept[0].message_id] == kept


def test_a_full_disk_ends_the_run_and_the_same_command_goes_on_later(
    run: Run, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    appended: list[str] = []
    append = Store.append_tokens

    def full(self: Store, message_id: str, *rest: Any) -> None:
        appended.append(message_id)
        if len(appended) > 2:
            raise StoreError(
                "no space left to write history.db", hint="Free some.", kind="disk-full"
            )
        append(self, message_id, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "append_tokens", full)
        code, out, err = run(*command)
    assert code == 5
    assert "no space left" in err and "The same command then goes on from here." in err
    assert "2 of 6 answers are there." in out
    assert run(*command)[0] == 0
    assert_each_once(answers(), 3, 2)


def test_two_processes_do_not_write_the_same_run(
    run: Run, engines: Engines, command: tuple[str, ...]
) -> None:
    run(*command, "--limit", "1")
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(paths.history_file()), the_run().id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        code, _, err = run(*command)
        assert code == 5
        assert f"urial-tui run (process {other.pid}" in err
        assert len(engines.made) == 1
    finally:
        other.communicate(b"\n")
    assert run(*command)[0] == 0
    assert_each_once(answers(), 3, 2)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--side", "{one}@raw"), "is there twice"),
        (("--input", "/nowhere/rows.json"), "there is no file"),
        (("--side", "not a side"), "side"),
        (("--name", " "), "the name is empty"),
        (("--refresh",), "--refresh is for a data set"),
    ],
)
def test_what_cannot_begin_is_refused_before_anything_is_made(
    run: Run,
    engines: Engines,
    command: tuple[str, ...],
    models: dict[str, Path],
    args: tuple[str, ...],
    words: str,
) -> None:
    code, _, err = run(*command, *(arg.format(**models) for arg in args))
    assert code == 2
    assert words in err
    assert engines.made == []
    assert not paths.history_file().exists()


# --- which run --------------------------------------------------------------------------------------------------------


def test_an_unfinished_run_of_the_same_input_is_named_with_what_differs(
    run: Run, engines: Engines, command: tuple[str, ...]
) -> None:
    engines.following().failing = {"Second?": LONG}
    run(*command)
    first = the_run().id
    _, _, err = run(*command, "--max-tokens", "7")
    assert f"the unfinished {first} (in) of the same input differs in: max_tokens" in err.lower()
    with Store.open(paths.history_file()) as store, store.together():
        for n in range(201):
            make_run(store, name=f"newer {n}", fingerprint=f"{n}")
    _, _, err = run(*command[:-2], "--name", "mine")
    assert "differs in: sides" in err
    assert the_run("mine").start.sides == (command[4],)
    with history() as store:
        assert len(store.runs(limit=-1)) == 3 + 201


def test_a_run_that_is_there_keeps_its_name_and_that_is_said(
    run: Run, command: tuple[str, ...]
) -> None:
    run(*command, "--name", "t2")
    first = the_run().id
    _, out, err = run(*command, "--name", "t3")
    assert f"run {first} (t2)" in out
    assert "is called t2 and keeps that name" in err and "runs rename" in err and "--new" in err
    assert (the_run().id, the_run().start.name) == (first, "t2")
    assert "keeps that name" not in run(*command, "--name", "t2")[2]
    run(*command, "--name", "t3", "--new")
    assert the_run().start.name == "t3"


def test_the_same_file_under_another_name_is_the_same_side(
    run: Run,
    engines: Engines,
    command: tuple[str, ...],
    models: dict[str, Path],
    tmp_path: Path,
) -> None:
    run(*command, "--limit", "1")
    moved = tmp_path / "moved.gguf"
    moved.write_bytes(models["one"].read_bytes())
    again = [word.replace(str(models["one"]), str(moved)) for word in command]
    run(*again)
    with history() as store:
        assert [r.n_answered for r in store.runs()] == [6]


def test_new_begins_another_run_of_the_same_settings(run: Run, command: tuple[str, ...]) -> None:
    run(*command)
    assert "The same command without --new goes on" in run(*command, "--new")[1]
    with history() as store:
        found = store.runs()
    assert [r.n_answered for r in found] == [6, 6]
    assert found[0].start.fingerprint == found[1].start.fingerprint


def test_a_changed_input_makes_another_run(run: Run, command: tuple[str, ...], three: Path) -> None:
    run(*command)
    rows_file(three, "First?", "Second?", "Fourth?")
    run(*command)
    with history() as store:
        assert [r.n_answered for r in store.runs()] == [6, 6]


def test_a_data_set_by_name_is_fetched_and_then_read_offline(
    run: Run,
    engines: Engines,
    models: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = b"".join(
        json.dumps({"id": n, "instruction": f"Q{n}?"}).encode() + b"\n" for n in range(2)
    )
    with serving(tmp_path, monkeypatch) as hub:
        hub.add("datasets/org/set", {"test_all.jsonl": b"{}", "test_with_tags.jsonl": rows})
        command = ("run", "--input", "org/set", "--side", f"{models['one']}@raw")
        code, _, err = run(*command)
        assert code == 0
        assert "fetched org/set, test_with_tags.jsonl" in err
        stored = the_run().start
        assert (stored.name, stored.input_name) == ("set", "org/set/test_with_tags.jsonl")
        assert stored.settings["data_set"]["commit"] == COMMIT
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        code, out, _ = run(*command)
        assert (code, "Everything is done already." in out) == (0, True)
        code, _, err = run("run", "--input", "org/other", "--side", f"{models['one']}@raw")
        assert code == 3
        assert "--input FILE" in err


# --- references -------------------------------------------------------------------------------------------------------


@pytest.fixture
def scored(command: tuple[str, ...], models: dict[str, Path]) -> tuple[str, ...]:
    return (*command, "--reference", f"{models['one']}@urial-brief")


def test_every_answer_is_scored_on_the_canonical_path(
    run: Run, engines: Engines, scored: tuple[str, ...]
) -> None:
    code, out, _ = run(*scored, "--json")
    assert (code, json.loads(out)["done"]) == (0, 6)
    with history() as store:
        found = store.run_answers(the_run().id)
        for answer in found:
            (info,) = store.traces_of(answer.message_id)
            assert (info.path, info.complete) == ("canonical", True)
            trace = store.trace(info.id)
            assert trace.start.references[0].noise == 0.25
            assert len(trace.scores) == 2
        assert {s.reference for s in store.answer_shifts(the_run().id)} == {scored[-1]}


def test_an_answer_without_its_scores_is_scored_and_not_written_again(
    run: Run, engines: Engines, scored: tuple[str, ...]
) -> None:
    engines.following().score_dies_after = 0
    code, _, err = run(*scored)
    assert code == 1
    assert "could not be scored" in err
    assert "1 of 6 answers have no scores" in err
    before = answers()
    assert_each_once(before, 3, 2)
    assert run(*scored)[0] == 0
    assert engines.asked == []
    assert answers() == before
    assert len([call for call in engines.made[-1].calls if call.name == "score"]) == 1
    assert run(*scored)[0] == 0
    assert engines.made[-1].calls == []


def test_a_reference_of_another_vocabulary_is_refused_before_anything_is_written(
    run: Run, engines: Engines, command: tuple[str, ...], models: dict[str, Path]
) -> None:
    engines.following().foreign = {str(models["two"])}
    code, _, err = run(*command, "--reference", f"{models['two']}@raw")
    assert code == 1
    assert "cannot score" in err
    assert engines.asked == []


# --- runs -------------------------------------------------------------------------------------------------------------


def test_runs_are_listed_shown_renamed_and_deleted(
    run: Run, engines: Engines, command: tuple[str, ...]
) -> None:
    assert "No runs yet" in run("runs", "list")[1]
    engines.following().failing = {"Second?": LONG}
    run(*command, "--name", "a\x1bb")
    name = the_run().id
    (listed,) = json.loads(run("runs", "list", "--json")[1])
    assert (listed["id"], listed["n_answered"], listed["n_failed"], listed["finished"]) == (
        name,
        4,
        2,
        False,
    )
    _, out, _ = run("runs", "list")
    assert f"{name}  " in out and "4 of 6 answers, 2 failed  a␛b" in out
    _, out, _ = run("runs", "show", "last")
    assert "not finished" in out
    assert f"side 2  {command[6]}: 2 of 3 answers, 1 failed; 2 words on average" in out
    assert "failed: item 1, side 1, turn 1: the message is too long" in out
    assert "item 0 (id 100): First?" in out and "  side 1: One two." in out
    shown = json.loads(run("runs", "show", name[:12], "--json")[1])
    assert (len(shown["items"]), len(shown["answers"])) == (3, 6)
    assert run("runs", "rename", "last", "better")[0] == 0
    assert the_run("better").id == name
    code, _, err = run("runs", "delete", "better")
    assert (code, "has to be confirmed" in err) == (2, True)
    assert run("runs", "delete", "better", "--yes")[0] == 0
    code, _, err = run("runs", "show", "better")
    assert (code, "there is no run" in err) == (5, True)
    with history() as store:
        assert store.stats().messages == 0


def test_a_run_that_a_machine_that_is_gone_holds_is_taken_from_it_by_the_command_that_is_named(
    run: Run, engines: Engines, command: tuple[str, ...]
) -> None:
    run(*command, "--limit", "1")
    id_ = the_run().id
    with Store.open(paths.history_file()) as holder:
        holder.lock_run(id_, "urial-tui\x1b run")
        with sqlite3.connect(paths.history_file()) as raw:
            raw.execute("UPDATE run_lock SET host = 'elsewhere'")
        raw.close()
        code, _, err = run(*command)
        assert (code, f"urial-tui runs unlock {id_}" in err) == (5, True)
        code, _, err = run("runs", "unlock", "last")
        assert (code, "\x1b" in err) == (2, False)
        assert (
            f"taking the run {id_} from urial-tui␛ run (process {os.getpid()} on elsewhere)" in err
        )
        assert run(*command)[0] == 5, "it was not confirmed"
        assert run("runs", "unlock", "last", "--yes")[1].endswith(" is free.\n")
        assert run(*command)[0] == 0
    assert_each_once(answers(), 3, 2)
    assert run("runs", "unlock", "last")[:2] == (0, f"No program holds {id_} (in).\n")
    freed = json.loads(run("runs", "unlock", "last", "--json")[1])
    assert freed == {"run": id_, "taken_from": None}


@pytest.mark.parametrize(
    "action", [("show",), ("rename", "x"), ("delete", "--yes"), ("unlock", "--yes")]
)
def test_without_a_history_there_is_no_run_and_none_is_made(
    run: Run, action: tuple[str, ...]
) -> None:
    code, _, err = run("runs", action[0], "last", *action[1:])
    assert (code, "there is no run yet" in err) == (5, True)
    assert not paths.history_file().exists()


def test_nothing_that_is_stored_drives_the_terminal(run: Run) -> None:
    evil = "\x1b]0;pwn\x07\x1b[2J"
    paths.ensure_private_dir(paths.history_file().parent)
    with Store.open(paths.history_file()) as store:
        made = make_run(
            store,
            name="n" + evil,
            input_name=evil,
            input_format=evil,
            input_sha256=evil,
            sides=(evil,),
            references=(evil,),
            settings={"kv_type": evil, "data_set": {"repo": evil}, evil: 1},
        )
    for args in (("list",), ("show", made.id)):
        code, out, err = run("runs", *args)
        assert code == 0
        assert not {"\x1b", "\x07"} & set(out + err)
