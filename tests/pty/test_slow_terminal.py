"""A terminal at the end of a slow line: keys answer, since little waits to be drawn, and the answer is whole."""

from pathlib import Path

from tests.pty.conftest import Start
from tests.pty.driving import ask_and_watch, until_ready, write
from tests.pty.test_leaving import check_left
from tests.support import pty_history as history

SCREEN = 10_000
"""Bytes of a whole screen of 80x24, about."""


def test_keys_answer_and_the_answer_is_kept_while_the_screen_comes_slowly(
    start: Start, home: Path
) -> None:
    settings = home / "config" / "settings.toml"
    settings.write_text(settings.read_text().replace("max_tokens = 4000", "max_tokens = 15000"))
    terminal = start(size=(80, 24))
    until_ready(terminal)
    terminal.at_once, terminal.rest = 128, 0.005  # at most 25 kB/s
    ask_and_watch(terminal, "What is a haiku?", more_than=200)
    before = len(terminal.raw)
    terminal.send("f1")
    terminal.until_text("Esc closes")
    assert len(terminal.raw) - before < 4 * SCREEN, "what was drawn for the answer came first"
    terminal.send("escape")
    terminal.until_gone("Esc closes")
    terminal.send("ctrl+c")
    until_ready(terminal)
    (answer,) = history.answers(home)
    assert answer.status == "stopped"
    written = history.tokens_text(home, answer.id)
    assert answer.content in (written, written + "\ufffd")  # the last character may be half
    write(terminal, "an unsent thought")
    terminal.send("ctrl+q")
    check_left(terminal, 0, home)
