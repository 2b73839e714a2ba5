"""`judge`: each answer of a run once, whatever interrupts it; what cannot be judged is told, and never a number."""

import json
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support import tinygguf
from tests.support.judging import SCORE, reply, scored
from tests.support.run_command import RunEngine, history, rows_file, the_run
from tests.support.run_main import Run, ran
from tests.support.scripted_engine import Script
from tests.support.store_rows import END, START, tokens
from urial_tui import paths, services
from urial_tui.settings import save_settings
from urial_tui.store.store import Store

DIGITS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.0)


class Engines:
    """Each command's engine in turn: `replies` are what the judges of all of them say, then the last one again."""

    def __init__(self) -> None:
        self.replies: list[Script] = []
        self.before: Callable[[str], None] = lambda _text: None

    def start(self, **_options: Any) -> "JudgeEngine":
        return JudgeEngine(self)


class JudgeEngine(RunEngine):
    """Answers as any run's engine; a prompt that names the rubric's aspects gets the next reply."""

    def __init__(self, engines: Engines) -> None:
        super().__init__()
        self._engines = engines

    def generate(self, spec: Any, prompt: Any, *args: Any, **more: Any) -> Any:
        text = "".join(span.text for span in prompt.spans)
        if "clarity: Is it clear?" in text:
            self._engines.before(text)
            replies = self._engines.replies
            self.failing = {"clarity": replies.pop(0) if len(replies) > 1 else replies[0]}
        return super().generate(spec, prompt, *args, **more)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Engines:
    engines = Engines()
    engines.replies = [reply(scored("4", "N/A"), DIGITS)]
    monkeypatch.setattr(services, "EngineClient", engines.start)
    return engines


@pytest.fixture
def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    engines: Engines,
) -> Run:
    """The command line, in a home with the rubric `two` and a run of three answers by one side."""
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))

    run_main = partial(ran, capsys)
    model = tinygguf.write_model(tmp_path / "one.gguf")
    rubrics = paths.ensure_private_dir(paths.user_rubrics_dir())
    (rubrics / "two.toml").write_text(SCORE, "utf-8")
    rows = rows_file(tmp_path / "in.json", "First?", "Second?", "Third?")
    assert run_main("run", "--input", str(rows), "--side", f"{model}@raw")[0] == 0
    return run_main


@pytest.fixture
def judge(tmp_path: Path) -> tuple[str, ...]:
    side = f"{tmp_path / 'one.gguf'}@urial-general"
    return ("judge", "--run", "last", "--judge", side, "--rubric", "two")


def judged() -> int:
    with history() as store:
        return len(store.judgements(run_id=the_run().id))


def test_every_answer_is_judged_once_and_what_is_no_number_is_counted_apart(
    run: Run, judge: tuple[str, ...]
) -> None:
    code, out, err = run(*judge, "--json")
    found = json.loads(out)
    assert code == 0, err
    assert (found["complete"], found["wanted"], found["there_before"], found["done"]) == (
        True,
        3,
        0,
        3,
    )
    clarity, truth = found["aspects"]
    assert (clarity["aspect"], clarity["counts"]["ok"], clarity["mean"]) == ("clarity", 3, 4.0)
    assert (truth["aspect"], truth["counts"]["na"], truth["mean"]) == ("truth", 3, None)
    again = json.loads(run(*judge, "--json")[1])
    assert (again["there_before"], again["done"], judged()) == (3, 3, 3)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_is_judged_and_the_same_command_goes_on(
    run: Run, judge: tuple[str, ...], engines: Engines, number: signal.Signals, code: int
) -> None:
    def stop(text: str) -> None:
        if "Third?" in text:
            signal.raise_signal(number)

    engines.before = stop
    left, _, err = run(*judge)
    assert left == code
    assert "stopped; 2 of 3 judgements are there. The same command goes on with them." in err
    assert judged() == 2
    engines.before = lambda _text: None
    found = json.loads(run(*judge, "--json")[1])
    assert (found["there_before"], found["done"], judged()) == (2, 3, 3)


def test_an_engine_that_dies_of_one_answer_costs_that_one_and_it_is_tried_again(
    run: Run, judge: tuple[str, ...], engines: Engines
) -> None:
    good = engines.replies[0]
    engines.replies = [good, Script(fail_after=1), good]
    code, _, err = run(*judge)
    assert code == 6
    assert "was not judged: the engine process ended" in err
    assert "1 of 3 judgements could not be made" in err
    assert "The same command tries them again." in err
    assert judged() == 2
    code, out, _ = run(*judge, "--json")
    assert (code, json.loads(out)["done"], judged()) == (0, 3, 3)


def test_an_engine_that_always_dies_ends_the_work_and_says_how_to_go_on(
    run: Run, judge: tuple[str, ...], engines: Engines
) -> None:
    engines.replies = [Script(fail_after=0)]
    code, out, _ = run(*judge, "--json")
    found = json.loads(out)
    assert (code, found["error"]["kind"], found["done"], len(found["problems"])) == (
        4,
        "engine-died",
        0,
        3,
    )


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("judge", "--run", "last"), 2, "there is no judge"),
        (("judge", "--judge", "demo"), 2, "it is not said what to judge"),
        (("judge", "--run", "nowhere", "--judge", "demo"), 5, "nowhere"),
        (("judge", "--run", "last", "--judge", "demo", "--rubric", "tow"), 6, "two"),
        (("judge", "--session", "last", "--judge", "demo"), 5, "no session"),
    ],
)
def test_what_cannot_be_judged_is_said(
    run: Run, args: tuple[str, ...], code: int, words: str
) -> None:
    left, _, err = run(*args)
    assert left == code
    assert words in err


def test_an_answer_that_is_being_written_is_not_judged_in_part(
    run: Run, judge: tuple[str, ...]
) -> None:
    with Store.open(paths.history_file()) as store:
        session = store.create_session("one@raw")
        user = store.add_user_message(session.id, None, "Why?")
        answer = store.begin_answer(session.id, user.id)
        generation = store.begin_generation(answer.id, START)
        store.append_tokens(answer.id, generation, tokens(0, 2), "half an answer")
        store.set_leaf(session.id, answer.id)
        command = ("judge", *judge[3:])
        for named in (("--message", answer.id), ("--session", session.id)):
            code, _, err = run(*command, *named)
            assert (code, "not complete" in err) == (2, True)
        store.finish_answer(answer.id, generation, "complete", END, tail=" and the rest")
        code, out, err = run(*command, "--message", answer.id, "--json")
        assert (code, json.loads(out)["done"]) == (0, 1), err
        assert "and the rest" in store.judgements(message_ids=[answer.id])[0].prompt


def test_a_judge_of_the_settings_that_cannot_be_used_is_told_with_its_key(
    run: Run, judge: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    there, _, _ = judge[4].rpartition("@")
    for side in (f"{there}@nope", "nobody"):
        name = side.rpartition("@")[2]
        save_settings({"judge": side}, paths.settings_file())
        code, _, err = run("judge", "--run", "last")
        assert code != 0 and name in err
        assert err.rstrip().endswith("Or change `judge` in the settings.")
        _, _, err = run("judge", "--run", "last", "--judge", side)
        assert name in err and "Or change" not in err
        monkeypatch.setenv("URIAL_TUI_JUDGE", side)
        _, _, err = run("judge", "--run", "last")
        assert name in err
        assert err.rstrip().endswith("Or change the environment variable URIAL_TUI_JUDGE.")
        monkeypatch.delenv("URIAL_TUI_JUDGE")
