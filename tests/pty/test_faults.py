"""A killed engine, a second program on the same session, and text that would drive the terminal."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.pty.conftest import Start
from tests.pty.driving import ask, ask_and_watch, until_ready, until_streaming, write
from tests.support import pty_history as history
from urial_tui.store.store import Store
from urial_tui.store.types import Draft

EVIL = "\x1b]0;stolen\x07\x1b[31mred\x1b[2J\x9b5n\u202eback[bold]markup[/bold]"


def test_a_killed_engine_is_said_the_text_is_kept_and_the_next_message_works(
    start: Start, home: Path
) -> None:
    terminal = start()
    until_ready(terminal)
    ask_and_watch(terminal, "What is a haiku?")
    first = terminal.engine()
    os.kill(first, signal.SIGKILL)
    terminal.until_text("SIGKILL")
    terminal.until_text("What was written is kept")
    (answer,) = history.answers(home)
    assert answer.status == "failed"
    assert history.tokens_text(home, answer.id)
    assert answer.content.startswith(history.tokens_text(home, answer.id))

    ask(terminal, "And a sonnet?")
    until_streaming(terminal)
    assert terminal.engine() != first
    terminal.send("escape")
    until_ready(terminal)
    statuses = [answer.status for answer in history.answers(home)]
    assert statuses == ["failed", "stopped"]


def test_an_engine_killed_while_it_loads_is_started_again_by_the_next_message(
    start: Start, home: Path
) -> None:
    terminal = start()
    os.kill(terminal.engine(), signal.SIGKILL)
    terminal.until_text("SIGKILL")
    ask_and_watch(terminal, "What is a haiku?")
    assert history.users(home) == ["What is a haiku?"]


def test_an_engine_killed_while_nothing_runs_is_started_again(start: Start) -> None:
    terminal = start()
    until_ready(terminal)
    os.kill(terminal.engine(), signal.SIGKILL)
    ask_and_watch(terminal, "What is a haiku?")


def test_a_second_program_on_the_session_is_told_who_has_it(start: Start, home: Path) -> None:
    first = start()
    until_ready(first)
    ask_and_watch(first, "What is a haiku?")
    first.send("escape")
    until_ready(first)

    second = start(size=(140, 40))
    second.until_text("What is a haiku?")
    second.until_text("this session is open in urial-tui")
    second.until_text(str(first.process.pid))
    write(second, "a second voice")
    second.send("enter")
    second.settle()
    assert history.users(home) == ["What is a haiku?"]
    assert second.shows("a second voice"), "what was typed is not lost"
    second.send("ctrl+n")
    second.until_text("Write a message and press Enter")


def test_the_session_is_free_when_the_first_program_was_killed(start: Start, home: Path) -> None:
    first = start()
    until_ready(first)
    ask_and_watch(first, "What is a haiku?")
    first.signal(signal.SIGKILL)
    assert first.ended() == -signal.SIGKILL

    second = start()
    until_ready(second)
    ask_and_watch(second, "And a sonnet?")
    assert history.users(home) == ["What is a haiku?", "And a sonnet?"]
    assert history.answers(home)[0].status == "interrupted"


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
def test_stored_text_cannot_drive_the_terminal(
    start: Start, home: Path, size: tuple[int, int]
) -> None:
    with Store.open(history.history_file(home)) as store:
        session = store.create_session(EVIL)
        store.set_title(session.id, EVIL)
        user = store.add_user_message(session.id, None, EVIL)
        answer = store.begin_answer(session.id, user.id, content=EVIL)
        store.finish_answer(answer.id, None, "failed", end=None, error=EVIL)
        store.save_draft(session.id, Draft(EVIL))
    terminal = start(size=size)
    until_ready(terminal)
    terminal.send("ctrl+o")
    terminal.settle()
    terminal.send("ctrl+f")
    terminal.settle()
    terminal.send("escape")
    terminal.settle()
    check_harmless(bytes(terminal.raw))
    assert terminal.screen.title == "", "the window's title was set"
    terminal.until_text("[bold]markup[/bold]")  # the markup is text
    terminal.until_text("␛")


def test_a_pack_cannot_drive_the_terminal(start: Start, home: Path) -> None:
    packs = home / "config" / "packs"
    packs.mkdir()
    escaped = EVIL.encode("unicode_escape").decode().replace("\\x", "\\u00")
    (packs / "evil.toml").write_text(
        f'id = "evil"\nname = "evil {escaped}"\nversion = "1"\nlanguage = "en"\n'
        f'license = "x"\ndescription = "{escaped}"\nsystem = "{escaped}"\n'
        f'[[example]]\nquery = "{escaped}"\nanswer = "{escaped}"\n'
    )
    terminal = start(size=(140, 40))
    until_ready(terminal)
    terminal.send("f3")
    terminal.until_text("evil")
    terminal.settle()
    terminal.send("end")
    terminal.settle()
    check_harmless(bytes(terminal.raw))
    assert terminal.screen.title == ""


def test_a_model_that_writes_controls_cannot_drive_the_terminal(start: Start, home: Path) -> None:
    terminal = start()
    until_ready(terminal)
    ask_and_watch(terminal, "What is a haiku?")
    written = terminal.until(
        lambda: any(c in history.answers(home)[0].content for c in "\x1b\x07\x08\x0e"),
        what="a control character from the model",
    )
    assert written
    terminal.send("escape")
    until_ready(terminal)
    terminal.settle()
    check_harmless(bytes(terminal.raw))


ALLOWED = re.compile(
    rb"\x1b\[[0-9;]*[mHJK]"  # colours, cursor, clearing
    rb"|\x1b\[\?[0-9;]+[hl]|\x1b\[\?[0-9;]*\$p"  # modes
    rb"|\x1b\[[<>=][0-9;]*u|\x1b\[c|\x1b\[[0-9]+t|\x1b\[6n"
    rb"|\x1b\][0-9]+;[^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\"
)


def check_harmless(raw: bytes) -> None:
    """Nothing but what a text interface sends: no control that came with a text."""
    rest = ALLOWED.sub(b"", raw)
    assert b"stolen\x07" not in raw
    assert b"\x1b[31mred" not in raw
    controls = set(re.findall(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", rest))
    assert controls == set(), re.findall(rb".{0,20}[\x00-\x08\x0b\x0c\x0e-\x1f\x7f].{0,20}", rest)
    decoded = rest.decode("utf-8", "replace")
    hidden = [c for c in decoded if "\x80" <= c <= "\x9f" or c in "\u202a\u202b\u202d\u202e\u200b"]
    assert hidden == []
