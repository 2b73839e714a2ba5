"""A history with damaged pages: the program says so with what to do, and the chat works."""

import sqlite3
from pathlib import Path

import pytest

from tests.pty.conftest import Start
from tests.pty.driving import ask_and_watch, until_ready
from tests.support import pty_history as history
from tests.support.pty_processes import run
from urial_tui.store.store import Store

PAGE = 4096


def damage(home: Path, table: str) -> None:
    """A history of a few conversations, with the first page of a table overwritten."""
    path = history.history_file(home)
    with Store.open(path) as store:
        for n in range(3):
            session = store.create_session("demo")
            store.add_user_message(session.id, None, f"An old question {n}?")
    raw = sqlite3.connect(path)
    (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    raw.close()
    data = bytearray(path.read_bytes())
    data[(root - 1) * PAGE : root * PAGE] = b"\xa5" * PAGE
    path.write_bytes(data)


@pytest.mark.parametrize("table", ["session", "message", "session_lock"])
def test_damage_is_said_with_what_to_do_and_the_chat_works(
    start: Start, home: Path, table: str
) -> None:
    damage(home, table)
    terminal = start(size=(160, 40))
    terminal.until_text("damaged")
    terminal.until_text("history salvage")
    until_ready(terminal)
    terminal.send("ctrl+n")
    terminal.settle()
    ask_and_watch(terminal, "What is a haiku?")
    terminal.send("escape")
    until_ready(terminal)
    terminal.send("ctrl+q")
    assert terminal.ended() == 0
    assert b"Traceback" not in terminal.raw


def test_damage_is_said_by_commands(home: Path) -> None:
    damage(home, "message")
    done = run(home, "history", "check")
    assert done.code == 1
    assert "history salvage" in done.out + done.err
    done = run(home, "history", "salvage")
    assert done.code == 0
    assert "To use the new one" in done.out
