"""The inspector in a terminal, on the embedded model: live scores, the token cursor, branching, marks."""

import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import GiveDemo
from tests.pty.conftest import Start
from tests.pty.driving import ask, status, until_ready
from tests.pty.test_leaving import check_left, ctrl_c_twice
from tests.support import pty_history as history
from tests.support.pty_processes import run
from tests.support.pty_program import Terminal

pytestmark = pytest.mark.real

F6, RIGHT = "\x1b[17~", "\x1b[C"
QUESTION = "What are the benefits of walking every day?"
SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
SETTINGS = """\
side = "demo"
n_threads = 1
[sampling]
temperature = 0
max_tokens = {max_tokens}
"""
ATTRIBUTES = {"shifted": "reverse", "marginal": "underscore"}
"""How a class is seen without colours."""


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory, give_demo: GiveDemo) -> Path:
    """A home whose cache has the model and the prompt that was read."""
    home = give_demo(tmp_path_factory.mktemp("warm") / "home")
    configure(home, 1)
    run(home, "ask", "--no-save", "Hello?")
    return home


@pytest.fixture
def home(tmp_path: Path, warm: Path) -> Path:
    """A home without a history."""
    home = tmp_path / "home"
    shutil.copytree(warm / "cache" / "models", home / "cache" / "models", copy_function=os.link)
    shutil.copytree(warm / "cache", home / "cache", dirs_exist_ok=True, ignore=_models)
    configure(home, 40)
    return home


def _models(folder: str, names: list[str]) -> list[str]:
    return ["models"] if "models" in names else []


def configure(home: Path, max_tokens: int) -> None:
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "settings.toml").write_text(SETTINGS.format(max_tokens=max_tokens))


# --- what is on the screen ------------------------------------------------------------------------


def until_compared(terminal: Terminal) -> None:
    """The model is loaded and so is its reference: the next answer is scored while it is written."""
    until_ready(terminal)
    terminal.until(
        lambda: re.search(r"vs demo@zero-shot( · CPU)? *$", status(terminal), re.M),
        what="the reference",
    )


def until_shares(terminal: Terminal) -> None:
    """The status line has the shares of the classes."""
    terminal.until(lambda: re.search(r"\bu(nshifted)? \d+%", status(terminal)), what="shares")


def described(terminal: Terminal) -> tuple[str, str] | None:
    """The token that the inspector is about, and its class."""
    found = re.search(r'"(\S+?)" (unshifted|marginal|shifted|control)\b', terminal.text())
    return (found[1], found[2]) if found else None


def highlighted(terminal: Terminal) -> str | None:
    """The alternative that would be branched to."""
    found = re.search(r"(?:^|▏) >[ *][ ^=](\S+) ", terminal.text(), re.M)
    return found[1] if found else None


def marks(terminal: Terminal) -> dict[str, str]:
    """The characters of the last answer that look shifted or marginal, without blanks."""
    lines = terminal.lines()
    top = max(n for n, line in enumerate(lines) if re.search(r"(^|▕)[ ▌] ?Model\b", line))
    bottom = next(n for n in range(top, len(lines)) if "╭" in lines[n])
    left = lines[top].index("Model")
    found = dict.fromkeys(ATTRIBUTES, "")
    for row in range(top + 1, bottom):
        for column in range(left, terminal.screen.columns):
            cell = terminal.screen.buffer[row][column]
            if cell.data in "▏▐▕":
                break  # the inspector, beside
            if cell.data.strip() and not re.match("[\u2580-\u259f]", cell.data):
                for name, attribute in ATTRIBUTES.items():
                    found[name] += cell.data if getattr(cell, attribute) else ""
    return found


def colourless(colour: str) -> bool:
    """Whether a cell's colour is the terminal's own or a shade of grey."""
    grey = re.fullmatch(r"([0-9a-f]{2})\1\1", colour)
    return colour == "default" or grey is not None


# --- what is in the history -----------------------------------------------------------------------


def query(home: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(history.history_file(home), timeout=20)) as connection:
        return connection.execute(sql).fetchall()


def stored_marks(home: Path, message_id: str) -> dict[str, str]:
    """What `marks` must find, by the stored scores of an answer."""
    found = {}
    for name in ATTRIBUTES:
        sql = (
            f"SELECT raw FROM token_shift WHERE message_id = '{message_id}' "
            f"AND class = '{name}' ORDER BY i"
        )
        raw = b"".join(bytes(piece) for (piece,) in query(home, sql))  # type: ignore[call-overload]
        found[name] = "".join(raw.decode().split())
    return found


def scored(home: Path, message_id: str) -> list[tuple[object, ...]]:
    """(token id, class) of every scored token of an answer."""
    sql = f"SELECT token_id, class FROM token_shift WHERE message_id = '{message_id}' ORDER BY i"
    return query(home, sql)


def written(home: Path, message_id: str) -> int:
    """How many tokens of an answer are stored."""
    sql = (
        "SELECT count(*) FROM token JOIN generation ON generation.seq = generation_seq "
        f"WHERE message_id = '{message_id}'"
    )
    ((count,),) = query(home, sql)
    assert isinstance(count, int)
    return count


# --- the tests ------------------------------------------------------------------------------------


@SIZES
def test_tokens_are_scored_inspected_branched_and_still_marked_after_a_restart(
    start: Start, home: Path, size: tuple[int, int]
) -> None:
    first = start(size=size)
    until_compared(first)
    ask(first, QUESTION)
    until_shares(first)
    until_ready(first)

    first.send(F6)
    at_first = first.until(lambda: described(first), what="the token under the cursor")
    first.send(RIGHT)
    second = first.until(lambda: (d := described(first)) != at_first and d, what="the next token")
    first.send("n")
    label, name = first.until(
        lambda: (d := described(first)) != second and d, what="another token after n"
    )
    assert name == "shifted"

    first.send("l")
    if size[0] >= 160:
        first.until_text("lane: class of the written token")
    else:  # the rank that decides the class stands first
        first.until(lambda: re.search(r"written rank \d+ · argmax", first.text()), what="the lane")

    before = first.until(lambda: highlighted(first), what="a highlighted alternative")
    first.send("down")
    first.until(lambda: highlighted(first) not in (None, before), what="the next alternative")
    assert described(first) == (label, name) or size[0] < 160, "the cursor moved"
    first.send("b")
    first.until_text("2/2")
    # The number is there while the answer is written, with the shares of the one before still in sight.
    first.until(
        lambda: [answer.status for answer in history.answers(home)] == ["complete"] * 2,
        what="the end of the branched answer",
    )
    until_shares(first)
    until_ready(first)
    first.send("ctrl+q")
    assert first.ended() == 0
    assert first.unrestored() == []
    assert b"Traceback" not in first.raw

    old, new = history.answers(home)
    before_it, branched = scored(home, old.id), scored(home, new.id)
    assert len(before_it) == written(home, old.id) > 0
    assert len(branched) == written(home, new.id) > 0
    same = [mine[0] == its[0] for mine, its in zip(before_it, branched, strict=False)]
    at = same.index(False)
    assert at > 1, "the tokens before the cursor are kept"
    assert before_it[at][1] == "shifted"

    again = start(size=size)
    again.until_text("2/2")
    expected = stored_marks(home, new.id)
    assert all(expected.values()), "the test would see nothing"
    again.until(lambda: marks(again) == expected, what=f"the marks {expected}")
    assert len(history.answers(home)) == 2


def test_classes_are_seen_without_colours(start: Start, home: Path) -> None:
    terminal = start(size=(80, 24), env={"NO_COLOR": "1"})
    until_compared(terminal)
    ask(terminal, QUESTION)
    until_shares(terminal)
    until_ready(terminal)
    (answer,) = history.answers(home)
    terminal.until(lambda: len(scored(home, answer.id)) == 40, what="the stored scores")
    expected = stored_marks(home, answer.id)
    assert all(expected.values()), "the test would see nothing"
    terminal.until(lambda: marks(terminal) == expected, what=f"the marks {expected}")
    cells = [cell for row in terminal.screen.buffer.values() for cell in row.values()]
    assert {c for cell in cells for c in (cell.fg, cell.bg) if not colourless(c)} == set()


def test_ctrl_c_while_an_answer_is_scored_keeps_the_scores(start: Start, home: Path) -> None:
    configure(home, 1500)
    terminal = start()
    until_compared(terminal)
    ask(terminal, "Write a very long story about a lighthouse, a ship and a storm.")
    until_shares(terminal)
    assert "generating" in status(terminal), "the answer has ended already"
    ctrl_c_twice(terminal)
    check_left(terminal, 0, home)
    (answer,) = history.answers(home)
    assert answer.status == "stopped"
    ((count,),) = query(home, "SELECT count(*) FROM scored_token")
    assert isinstance(count, int)
    assert 0 < count <= written(home, answer.id)
    assert len(scored(home, answer.id)) == count
