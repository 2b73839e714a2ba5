"""Ctrl+C, SIGTERM, SIGHUP and a closed window, at any moment: the answer so far is kept, nothing is left behind."""

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pty.conftest import Start
from tests.pty.driving import ask, ask_and_watch, until_ready, write
from tests.support import pty_history as history
from tests.support.pty_processes import children_of, is_running
from tests.support.pty_program import Terminal

PROMPT = 8.0
"""Seconds within which it must be gone; the program's own watchdog would strike after 10."""


def ctrl_c_twice(terminal: Terminal) -> None:
    terminal.until(terminal.takes_keys, what="that Ctrl+C is a key")
    terminal.send("ctrl+c")
    terminal.until_text("Press Ctrl+C again")
    terminal.send("ctrl+c")


def term(terminal: Terminal) -> None:
    terminal.signal(signal.SIGTERM)


def hup(terminal: Terminal) -> None:
    terminal.signal(signal.SIGHUP)


def sigint(terminal: Terminal) -> None:
    terminal.signal(signal.SIGINT)


WAYS = pytest.mark.parametrize(
    ("leave", "code"), [(ctrl_c_twice, 0), (term, 143), (hup, 129), (sigint, 130)]
)
Leave = Callable[[Terminal], None]


def check_left(terminal: Terminal, code: int, home: Path) -> None:
    """It ended soon, with this code, silently, with the terminal as it was and no process behind."""
    children = terminal.children()
    assert terminal.ended(PROMPT) == code
    assert terminal.unrestored() == []
    assert b"Traceback" not in terminal.raw
    assert terminal.process.pid > 0
    deadline = time.monotonic() + 5
    while any(is_running(child) for child in children):
        assert time.monotonic() < deadline, "the engine is still there"
        time.sleep(0.05)
    assert history.problems(home) == []
    assert not list((home / "state").glob("crash-*"))


def check_kept(home: Path, answer: history.Row) -> None:
    """The text is what the stored tokens say; a character that was cut in two closes it as U+FFFD."""
    written = history.tokens_text(home, answer.id)
    assert written
    assert answer.content in (written, written + "\ufffd")


@WAYS
def test_while_the_first_screen_is_drawn(start: Start, home: Path, leave: Leave, code: int) -> None:
    terminal = start()
    terminal.until(lambda: 1049 in terminal.modes(), what="the alternate screen")
    leave(terminal)
    check_left(terminal, code, home)


@WAYS
def test_while_the_model_loads(start: Start, home: Path, leave: Leave, code: int) -> None:
    terminal = start()
    terminal.until(lambda: re.search("loading|reading prompt", terminal.text()), what="loading")
    leave(terminal)
    check_left(terminal, code, home)


@WAYS
def test_while_an_answer_streams(start: Start, home: Path, leave: Leave, code: int) -> None:
    terminal = start()
    until_ready(terminal)
    ask_and_watch(terminal, "What is a haiku?")
    leave(terminal)
    check_left(terminal, code, home)
    assert history.users(home) == ["What is a haiku?"]
    (answer,) = history.answers(home)
    assert answer.status == "stopped"
    check_kept(home, answer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_message_that_waits_for_the_model_is_kept(
    start: Start, home: Path, number: signal.Signals
) -> None:
    terminal = start()
    terminal.until(lambda: "loading" in terminal.text(), what="loading")
    ask(terminal, "What is a haiku?")
    terminal.signal(number)
    check_left(terminal, 128 + number, home)
    assert history.users(home) == ["What is a haiku?"]
    assert [answer.status for answer in history.answers(home)] in (["stopped"], ["interrupted"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("delay", [0.02, 0.1, 0.2, 0.3, 0.4])
def test_at_any_moment_of_the_start(
    start: Start, home: Path, number: signal.Signals, delay: float
) -> None:
    terminal = start()
    began = time.monotonic()
    while time.monotonic() < began + delay:
        terminal.pump(0.005)
    terminal.signal(number)
    # Before Python has our handlers, the signal itself ends it; the shell reports the same number.
    code = terminal.ended(PROMPT)
    if number == signal.SIGINT and b"init_import_site" in terminal.raw:
        return  # on a busy machine: Python itself had not begun, and has words and a code of its own
    assert code in (128 + number, -number)
    if number != signal.SIGINT or delay >= 0.2:  # earlier, Ctrl+C is still Python's own affair
        assert b"Traceback" not in terminal.raw
    assert terminal.unrestored() == []
    assert children_of(terminal.process.pid) == []


def test_a_closed_window_ends_it_and_keeps_the_answer(start: Start, home: Path) -> None:
    terminal = start()
    until_ready(terminal)
    ask_and_watch(terminal, "What is a haiku?")
    engine = terminal.engine()
    terminal.hang_up()
    # 120 is Python's own word for output that could not be flushed; nobody is there to read either.
    assert terminal.ended(PROMPT) in (129, 120)
    assert not is_running(engine)
    assert history.problems(home) == []
    (answer,) = history.answers(home)
    assert answer.status == "stopped"
    check_kept(home, answer)


def test_one_ctrl_c_stops_the_answer_and_the_program_goes_on(start: Start, home: Path) -> None:
    terminal = start()
    until_ready(terminal)
    ask_and_watch(terminal, "What is a haiku?")
    terminal.send("ctrl+c")
    until_ready(terminal)
    assert terminal.process.poll() is None
    assert [answer.status for answer in history.answers(home)] == ["stopped"]


def test_a_signal_keeps_the_draft(start: Start, home: Path) -> None:
    terminal = start()
    until_ready(terminal)
    write(terminal, "half a thought")
    terminal.signal(signal.SIGTERM)
    check_left(terminal, 143, home)
    again = start()
    again.until_text("half a thought")
