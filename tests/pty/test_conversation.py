"""A conversation in a real terminal: type, stream, stop, leave, come back."""

import re
from pathlib import Path

from tests.pty.conftest import Start
from tests.pty.driving import ask_and_watch, status, until_ready, write
from tests.support import pty_history as history
from tests.support.pty_processes import is_running
from urial_tui.safetext import sanitize


def test_an_answer_streams_escape_keeps_it_and_the_next_start_has_everything(
    start: Start, home: Path
) -> None:
    first = start()
    until_ready(first)
    ask_and_watch(first, "What is a haiku?")
    before = re.findall(r"ctx (\d+)/", status(first))
    first.until(lambda: re.findall(r"ctx (\d+)/", status(first)) > before, what="more tokens")
    first.send("escape")
    until_ready(first)
    (answer,) = history.answers(home)
    assert answer.status == "stopped"
    written = history.tokens_text(home, answer.id)
    assert written
    assert answer.content in (written, written + "\ufffd")  # the last character may be half
    end = close(sanitize(answer.content))[-30:]
    first.until(lambda: end in close(first.text()), what="the end of the answer")
    write(first, "an unsent thought")
    first.send("ctrl+q")
    assert first.ended() == 0
    assert first.unrestored() == []

    again = start()
    until_ready(again)
    again.until_text("What is a haiku?")
    again.until(lambda: end in close(again.text()), what="the end of the answer")
    again.until_text("an unsent thought")
    assert history.users(home) == ["What is a haiku?"]


def test_the_terminal_is_given_back_and_the_engine_ends_with_the_program(start: Start) -> None:
    terminal = start()
    until_ready(terminal)
    assert terminal.modes() >= {1049, 1000, 1006, 2004}, "the test would see nothing"
    assert 25 not in terminal.modes()
    engine = terminal.engine()
    terminal.send("ctrl+q")
    assert terminal.ended() == 0
    assert terminal.unrestored() == []
    assert terminal.children() == []
    assert not is_running(engine)


def test_a_small_window_says_what_it_hides_and_a_large_one_has_it_all_back(start: Start) -> None:
    terminal = start()
    until_ready(terminal)
    ask_and_watch(terminal, "What is a haiku?")
    terminal.resize(40, 12)
    terminal.until_text("This terminal is 40x12")
    terminal.until_text("Nothing is lost")
    terminal.resize(50, 14)
    terminal.until_text("Small terminal, 50x14")
    terminal.resize(120, 40)
    terminal.until_text("What is a haiku?")
    terminal.until_gone("Small terminal")
    terminal.send("escape")
    until_ready(terminal)
    terminal.until_text("Write a message")


def test_it_starts_in_40_by_12_and_can_be_left(start: Start) -> None:
    terminal = start(size=(40, 12))
    terminal.until_text("This terminal is 40x12")
    terminal.send("ctrl+q")
    assert terminal.ended() == 0
    assert terminal.unrestored() == []


def test_no_color_is_obeyed_here_and_in_the_engine(start: Start) -> None:
    terminal = start(env={"NO_COLOR": "1"})
    until_ready(terminal)
    ask_and_watch(terminal, "What is a haiku?")
    assert colours(bytes(terminal.raw)) == []
    environ = Path(f"/proc/{terminal.engine()}/environ")
    if environ.exists():
        assert b"NO_COLOR=1" in environ.read_bytes().split(b"\0")


def test_without_no_color_there_are_colours(start: Start) -> None:
    terminal = start()
    until_ready(terminal)
    assert colours(bytes(terminal.raw)), "the test above would see nothing"


def close(text: str) -> str:
    """Text without blanks, line ends and the scroll bar: as it is before it is wrapped."""
    return re.sub(r"[\s\u2580-\u259f]", "", text)


def colours(raw: bytes) -> list[bytes]:
    """The SGR colours in what was sent that are not a shade of grey."""
    found = []
    for parameters in re.findall(rb"\x1b\[([0-9;]*)m", raw):
        for rgb in re.finditer(rb"[34]8;2;(\d+);(\d+);(\d+)", parameters):
            if len({rgb[1], rgb[2], rgb[3]}) > 1:
                found.append(rgb[0])
        rest = re.sub(rb"[34]8;(?:2;\d+;\d+;\d+|5;\d+)", b"", parameters).split(b";")
        found += [code for code in rest if re.fullmatch(rb"[349][1-6]|10[1-6]", code)]
    return found
