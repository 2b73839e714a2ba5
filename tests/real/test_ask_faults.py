"""`ask` when something goes wrong in the middle: Ctrl+C, a killed engine, a disk that refuses."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.real.conftest import ONE_THREAD, QUESTION
from tests.support import pty_history as history
from tests.support.pty_processes import NO_BYTECODE, Done, begin, children_of, end, is_running, run
from urial_tui.store.store import Store

LONG = ("ask", "--demo", "--temperature", "0", QUESTION)
Process = subprocess.Popen[bytes]


def until(true: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 60
    while not (found := true()):
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.005)
    return found


def read_some(process: Process, n: int = 40) -> bytes:
    """The first `n` bytes of the answer: it streams."""
    assert process.stdout is not None
    seen = b""
    while len(seen) < n and (more := process.stdout.read(n)):
        seen += more
    return seen


def engine_of(process: Process) -> int:
    return int(until(lambda: children_of(process.pid), "the engine")[0])


def log_says(home: Path, words: bytes) -> Callable[[], bool]:
    log = home / "state" / "engine.log"
    return lambda: log.exists() and words in log.read_bytes()


@pytest.fixture
def forgetful(home: Path) -> Path:
    """A home without prompt states, so that every prompt is read in full."""
    (home / "config" / "settings.toml").write_text(ONE_THREAD + "prompt_state_quota_mb = 0\n")
    return home


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_keeps_the_text(
    used_home: Path, warm: Done, number: signal.Signals
) -> None:
    before = len(history.rows(used_home))
    process = begin(used_home, *LONG)
    seen = read_some(process)
    engine = engine_of(process)
    process.send_signal(number)
    done = end(process, seen)
    assert done.code == 128 + number
    (user, answer) = history.rows(used_home)[before:]
    assert user.content == QUESTION
    assert answer.status == "stopped"
    assert done.out == answer.content + "\n"
    assert warm.json()["text"].startswith(answer.content.removesuffix("\ufffd"))
    assert not is_running(engine)


def test_a_signal_in_the_middle_still_gives_json(used_home: Path, warm: Done) -> None:
    before = len(history.rows(used_home))
    process = begin(used_home, *LONG, "--json")
    until(
        lambda: [row for row in history.rows(used_home)[before:] if row.role == "assistant"],
        "the answer",
    )
    process.send_signal(signal.SIGINT)
    done = end(process)
    assert done.code == 130
    assert done.json()["finish_reason"] == "cancelled"
    assert done.json()["text"] == history.rows(used_home)[-1].content


def test_ctrl_c_while_the_model_loads_leaves_nothing_behind(home: Path) -> None:
    process = begin(home, *LONG)
    engine = engine_of(process)
    until(log_says(home, b"llama_model_loader"), "loading")
    process.send_signal(signal.SIGINT)
    done = end(process)
    assert (done.code, done.out, done.err.strip()) == (130, "", "")
    assert not is_running(engine)
    assert history.rows(home) == []


def test_an_engine_killed_while_it_loads(home: Path) -> None:
    process = begin(home, *LONG)
    engine = engine_of(process)
    until(log_says(home, b"llama_model_loader"), "loading")
    os.kill(engine, signal.SIGKILL)
    check_told(end(process))


def test_an_engine_killed_while_it_reads_the_prompt(forgetful: Path) -> None:
    process = begin(forgetful, *LONG)
    engine = engine_of(process)
    until(lambda: history.answers(forgetful), "the answer's row")
    os.kill(engine, signal.SIGKILL)
    done = end(process)
    check_told(done)
    assert history.users(forgetful) == [QUESTION]
    assert [(a.status, a.content) for a in history.answers(forgetful)] == [("failed", "")]


def test_an_engine_killed_at_a_token_keeps_what_was_written(used_home: Path, warm: Done) -> None:
    process = begin(used_home, *LONG)
    seen = read_some(process)
    os.kill(engine_of(process), signal.SIGKILL)
    done = end(process, seen)
    check_told(done)
    answer = history.rows(used_home)[-1]
    assert answer.status == "failed"
    assert len(answer.content) >= len(seen.decode(errors="ignore"))
    assert done.out.rstrip("\n") == answer.content
    assert warm.json()["text"].startswith(answer.content)


def test_an_engine_killed_at_a_token_is_told_in_json_too(used_home: Path, warm: Done) -> None:
    before = len(history.answers(used_home))
    process = begin(used_home, *LONG, "--json")
    until(lambda: [a for a in history.answers(used_home)[before:] if a.content], "text")
    os.kill(engine_of(process), signal.SIGKILL)
    done = end(process)
    assert done.code == 4
    result = done.json()
    assert result["finish_reason"] == "error"
    assert result["error"]["kind"] == "engine-died"
    assert result["text"] == history.answers(used_home)[-1].content != ""


def check_told(done: Done) -> None:
    assert done.code == 4
    assert done.err.startswith("error: the engine process ended by SIGKILL")
    assert "hint: " in done.err


def test_a_kill_9_of_ask_leaves_an_interrupted_answer(used_home: Path, warm: Done) -> None:
    process = begin(used_home, *LONG)
    seen = read_some(process, 80)
    engine = engine_of(process)
    process.kill()
    end(process, seen)
    until(lambda: not is_running(engine), "the engine's end")
    assert history.problems(used_home) == []
    answer = history.rows(used_home)[-1]
    assert answer.status == "interrupted"
    assert warm.json()["text"].startswith(answer.content)
    assert answer.content == history.tokens_text(used_home, answer.id)


def test_a_history_in_the_way_is_a_warning_and_the_answer_comes(home: Path) -> None:
    (home / "data").write_text("not a folder")
    done = run(home, *LONG, "--max-tokens", "8", "--json")
    assert done.code == 0
    assert done.json()["text"]
    assert done.json()["session_id"] is done.json()["message_id"] is None
    assert "warning: " in done.err
    assert "will not be in the history" in done.err


def test_a_damaged_history_is_a_warning_and_stays_as_it_is(home: Path) -> None:
    damaged = history.history_file(home)
    damaged.parent.mkdir()
    damaged.write_bytes(b"this is not a database. " * 100)
    done = run(home, *LONG, "--max-tokens", "8")
    assert done.code == 0
    assert done.out.strip()
    assert "warning: " in done.err
    assert damaged.read_bytes() == b"this is not a database. " * 100


def test_a_disk_that_is_full_for_the_question_is_a_warning_and_the_answer_comes(
    home: Path,
) -> None:
    """A limit on file size stands for the full disk: the history opens and cannot grow."""
    Store.open(history.history_file(home)).close()
    room = history.history_file(home).stat().st_size

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    question = "walk every day " * 500
    raw = ("ask", "--side", "demo@raw", "--max-tokens", "8", question)
    done = run(home, *raw, preexec_fn=limit, env=NO_BYTECODE)
    assert done.code == 0, done.err
    assert done.out.strip()
    assert "will not be in the history" in done.err
    assert history.problems(home) == []


def test_a_disk_that_is_full_at_the_start_is_a_warning_and_the_answer_comes(
    used_home: Path, warm: Done
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    done = run(used_home, *LONG, preexec_fn=limit, env=NO_BYTECODE)
    assert done.code == 0, done.err
    assert done.out == warm.json()["text"] + "\n"
    assert "will not be in the history" in done.err
    assert history.problems(used_home) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_home_is_a_warning_and_the_answer_comes(home: Path) -> None:
    home.chmod(0o500)
    try:
        done = run(home, *LONG, "--max-tokens", "8")
    finally:
        home.chmod(0o700)
    assert done.code == 0
    assert done.out.strip()
    assert "warning: " in done.err


def test_a_cache_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    """The embedded model has to be put somewhere: without a cache there is no answer, but words."""
    (tmp_path / "cache").touch()
    done = run(tmp_path, *LONG)
    assert done.code in (1, 3)
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert "hint: " in done.err
