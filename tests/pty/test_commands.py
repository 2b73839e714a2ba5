"""Commands in a terminal: `ask` beside the interface, Ctrl+C, and text that would drive the terminal."""

import contextlib
import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pty.conftest import Start
from tests.pty.driving import ask_and_watch, status, until_ready
from tests.support import pty_history as history
from tests.support.pty_processes import run
from tests.support.pty_program import Terminal
from urial_tui.store.store import Store

EVIL = "\x1b]0;stolen\x07\x1b[31mred\x1b[2J\x9b5n\u202eback"


@contextlib.contextmanager
def slowed(engine: int) -> Iterator[None]:
    """The engine runs for a fifth of the time in the block, so that an answer outlasts what goes on beside it."""
    over = threading.Event()

    def pulse() -> None:
        while not over.wait(0.02):
            os.kill(engine, signal.SIGSTOP)
            over.wait(0.08)
            os.kill(engine, signal.SIGCONT)

    thread = threading.Thread(target=pulse)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_ask_works_while_the_interface_streams(start: Start, home: Path) -> None:
    terminal = start()
    until_ready(terminal)
    with slowed(terminal.engine()):
        ask_and_watch(terminal, "What is a haiku?")
        answer = run(home, "ask", "--max-tokens", "5", "--json", "Beside it?").json()
        assert answer["completion_tokens"] == 5
        before = re.findall(r"ctx (\d+)/", status(terminal))
        terminal.until(
            lambda: re.findall(r"ctx (\d+)/", status(terminal)) > before, what="more text"
        )
        terminal.send("escape")
        until_ready(terminal)
    assert len(history.sessions(home)) == 2
    assert sorted(a.status for a in history.answers(home)) == ["complete", "stopped"]
    assert history.problems(home) == []
    listed = run(home, "history", "list", "--json").json()
    assert {session["title"] for session in listed} == {"What is a haiku?", "Beside it?"}


def stop_between_writes(asking: Terminal, home: Path) -> None:
    """Stop the program where it is, but not in the middle of a write: nobody else could write then."""
    for _ in range(100):
        asking.signal(signal.SIGSTOP)
        if history.takes_writes(home):
            return
        asking.signal(signal.SIGCONT)
        time.sleep(0.02)
    raise AssertionError("it is always writing")


@contextlib.contextmanager
def held(asking: Terminal, home: Path) -> Iterator[None]:
    """The program and its engine stand still in the block, so that its answer does not come to its end meanwhile."""
    engine = asking.engine()
    os.kill(engine, signal.SIGSTOP)
    stop_between_writes(asking, home)
    try:
        yield
    finally:
        asking.signal(signal.SIGCONT)
        os.kill(engine, signal.SIGCONT)


def test_the_interface_opens_while_ask_streams(start: Start, home: Path) -> None:
    asking = start("ask", "A long one?")
    asking.until(lambda: history.answers(home) and history.answers(home)[0].content, what="text")
    with held(asking, home):
        terminal = start()
        terminal.until_text("this session is open in urial-tui ask")
        terminal.until_text(str(asking.process.pid))
        until_ready(terminal)
        terminal.send("ctrl+n")
        terminal.until_text("Write a message and press Enter")
        ask_and_watch(terminal, "What is a haiku?")
        asking.send("ctrl+c")
    assert asking.ended() == 130


def test_ctrl_c_ends_an_ask_and_keeps_the_text(start: Start, home: Path) -> None:
    terminal = start("ask", "A long one?")
    terminal.until(lambda: history.answers(home) and history.answers(home)[0].content, what="text")
    terminal.send("ctrl+c")
    assert terminal.ended() == 130
    assert b"Traceback" not in terminal.raw
    assert terminal.unrestored() == []
    (answer,) = history.answers(home)
    assert answer.status == "stopped"
    assert answer.content


def test_a_model_that_writes_controls_is_harmless_on_a_terminal_and_exact_in_a_pipe(
    start: Start, home: Path
) -> None:
    terminal = start("ask", "--max-tokens", "600", "What is a haiku?")
    assert terminal.ended() == 0
    check_harmless(bytes(terminal.raw))
    (answer,) = history.answers(home)
    assert re.search("[\x01-\x08\x0e-\x1f]", answer.content), "the test would see nothing"
    piped = run(home, "ask", "--max-tokens", "600", "--no-save", "What is a haiku?")
    assert piped.out == answer.content + "\n"


@pytest.mark.parametrize(
    "command",
    [
        ["history", "list"],
        ["history", "list", "--json"],
        ["history", "show", "last"],
        ["history", "list", "--search", "back"],
        ["packs", "list"],
        ["packs", "show", "evil"],
        ["packs", "lint"],
        ["prompt", "--pack", "evil", EVIL],
        ["models", "list"],
        ["doctor"],
        ["ask", "--side", f"/nowhere/{EVIL}.gguf", "Why?"],
        ["ask", "--pack", EVIL, "Why?"],
        [EVIL],
        ["settings", "set", EVIL, EVIL],
    ],
    ids=lambda command: " ".join(command).encode("unicode_escape").decode()[:30],
)
def test_no_command_passes_controls_to_the_terminal(
    start: Start, home: Path, command: list[str]
) -> None:
    with Store.open(history.history_file(home)) as store:
        session = store.create_session(EVIL)
        store.set_title(session.id, EVIL)
        user = store.add_user_message(session.id, None, EVIL)
        answer = store.begin_answer(session.id, user.id, content=EVIL)
        store.finish_answer(answer.id, None, "failed", end=None, error=EVIL)
    packs = home / "config" / "packs"
    packs.mkdir()
    text = json.dumps(EVIL)
    (packs / "evil.toml").write_text(
        f'id = "evil"\nname = {text}\nversion = "1"\nlanguage = "en"\nlicense = "x"\n'
        f"description = {text}\nsystem = {text}\n[[example]]\nquery = {text}\nanswer = {text}\n"
    )
    (packs / f"{EVIL.replace('/', '')}.toml").write_text("id = [")
    models = home / "data" / "models"
    models.mkdir()
    (models / f"{EVIL}.gguf").write_bytes(b"GGUF")
    terminal = start(*command)
    terminal.ended()
    assert terminal.raw
    assert b"Traceback" not in terminal.raw
    check_harmless(bytes(terminal.raw))


def check_harmless(raw: bytes) -> None:
    """Text, newlines, tabs and colours: nothing else reaches the terminal."""
    text = re.sub(rb"\x1b\[[0-9;]*m", b"", raw) if b"\x1b[31mred" not in raw else raw
    found = re.findall(rb".{0,30}[\x00-\x08\x0b\x0c\x0e-\x1f\x7f].{0,30}", text)
    # A terminal echoes Ctrl+C and Ctrl+D itself; nothing was typed here.
    assert found == []
    hidden = re.findall(
        ".{0,30}[\x80-\x9f\u202a-\u202e\u200b].{0,30}", text.decode(errors="replace")
    )
    assert hidden == []
