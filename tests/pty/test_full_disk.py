"""A disk that takes no more: the chat goes on in memory, says so, and what was there stays as it was.

A limit on the size of files stands for the disk: every write beyond it fails.
"""

from pathlib import Path

from tests.pty.conftest import Start
from tests.pty.driving import ask_and_watch, until_ready
from tests.support import pty_history as history
from urial_tui.store.store import Store

BANNER = "The history cannot be written"


FULL = 1024
"""A limit on files under which no page of the history can be written."""


def a_session(home: Path) -> None:
    """Write a small conversation."""
    with Store.open(history.history_file(home)) as store:
        session = store.create_session("demo")
        user = store.add_user_message(session.id, None, "An old question?")
        answer = store.begin_answer(session.id, user.id, content="An old answer.")
        store.finish_answer(answer.id, None, "complete", end=None)


def test_a_disk_that_fills_while_an_answer_streams(start: Start, home: Path) -> None:
    a_session(home)
    room = history.history_file(home).stat().st_size + 40_000
    terminal = start(file_limit=room)
    until_ready(terminal)
    ask_and_watch(terminal, "What is a haiku?")
    terminal.until_text(BANNER)
    terminal.send("escape")
    until_ready(terminal)
    terminal.send("ctrl+q")
    assert terminal.ended() == 0
    assert history.problems(home) == []
    assert "An old question?" in history.users(home)


def test_a_disk_that_is_full_from_the_start(start: Start, home: Path) -> None:
    a_session(home)
    terminal = start(file_limit=FULL)
    until_ready(terminal)
    terminal.until_text("An old question?")
    ask_and_watch(terminal, "What is a haiku?")
    terminal.until_text(BANNER)
    terminal.send("ctrl+c", "ctrl+c")
    assert terminal.ended() == 0
    assert history.problems(home) == []
    assert history.users(home) == ["An old question?"]


def test_a_new_session_on_a_full_disk(start: Start, home: Path) -> None:
    a_session(home)
    terminal = start("--pack", "urial-brief", file_limit=FULL)
    until_ready(terminal)
    ask_and_watch(terminal, "What is a haiku?")
    terminal.until_text(BANNER)
