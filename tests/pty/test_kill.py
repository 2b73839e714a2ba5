"""kill -9 of the whole program while it streams: what was acknowledged is there, the rest says `interrupted`."""

import random
import signal
import time
from pathlib import Path

import pytest

from tests.pty.conftest import Start
from tests.pty.driving import ask, ask_and_watch, until_ready
from tests.support import pty_history as history
from tests.support.pty_processes import is_running
from tests.support.pty_program import Terminal


def kill_while_it_streams(terminal: Terminal, question: str, delay: float) -> None:
    """Ask, and kill it `delay` seconds after the screen has said that the message is in the history."""
    until_ready(terminal)
    ask(terminal, question)
    end = time.monotonic() + delay
    while time.monotonic() < end:
        terminal.pump(0.005)
    engine = terminal.engine()
    terminal.signal(signal.SIGKILL)
    assert terminal.ended() == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while is_running(engine):
        assert time.monotonic() < deadline, "the engine outlives the program"
        time.sleep(0.02)


def check(home: Path, asked: list[str]) -> None:
    assert history.problems(home) == []
    assert history.users(home) == asked
    answers = history.answers(home)
    # The answer's row may not have been written yet when the last kill came.
    assert len(asked) - 1 <= len(answers) <= len(asked)
    for answer in answers:
        assert answer.status == "interrupted"
        assert answer.content == history.tokens_text(home, answer.id)


def run(start: Start, home: Path, rounds: int, seed: int) -> None:
    moments = random.Random(seed)
    asked: list[str] = []
    with_text = 0
    for number in range(1, rounds + 1):
        terminal = start()
        asked.append(f"Question number {number}?")
        kill_while_it_streams(terminal, asked[-1], moments.uniform(0.0, 1.5))
        check(home, asked)
        with_text += bool(history.answers(home)[-1:] and history.answers(home)[-1].content)
    assert with_text > rounds / 4, "hardly a kill met streamed text: the moments are wrong"
    after = start()
    until_ready(after)
    ask_and_watch(after, "One more question?")
    assert history.users(home) == [*asked, "One more question?"]
    assert len(history.sessions(home)) == 1


def test_three_kills(start: Start, home: Path) -> None:
    run(start, home, 3, seed=3)


@pytest.mark.accept
def test_fifty_kills(start: Start, home: Path) -> None:
    run(start, home, 50, seed=random.randrange(2**32))
