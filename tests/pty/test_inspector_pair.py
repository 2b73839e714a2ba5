"""F7 to the aligned pair in a real terminal, on the embedded model: each cell of the answer tells its token's class."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import GiveDemo
from tests.pty.driving import ask, status, until_ready
from tests.pty.test_conversation import colours
from tests.support import pty_history as history
from tests.support.pty_program import Terminal

pytestmark = pytest.mark.real

ALIGNED, BASE = "demo+sft@chat", "demo@raw"
QUESTION = "How do I learn to cook?"
SETTINGS = """\
side = "demo"
n_threads = 1
[sampling]
temperature = 0
max_tokens = 40
"""
SMALL, LARGE = (80, 24), (160, 45)
TRANSCRIPT = {SMALL: range(2, 79), LARGE: range(34, 109)}
"""Columns of the answer's text: of the whole width, and between the sessions and the inspector."""
SHARES = r"\bu(?:nshifted)? \d+%"
NAME = r'"([^"\n]*)" (unshifted|marginal|shifted)\b'
"""What the inspector says of the token under the cursor first."""

Begin = Callable[..., Terminal]


@pytest.fixture
def home(tmp_path: Path, give_demo: GiveDemo) -> Path:
    folder = give_demo(tmp_path / "home")
    (folder / "config").mkdir()
    (folder / "config" / "settings.toml").write_text(SETTINGS)
    return folder


@pytest.fixture
def begin(home: Path) -> Iterator[Begin]:
    with ExitStack() as running:

        def run(**options: Any) -> Terminal:
            return running.enter_context(Terminal((), home, **options))

        yield run


def until_comparing(terminal: Terminal, reference: str) -> None:
    """The next answer will be scored: both sides are loaded."""
    until_ready(terminal)
    ready = rf"\bvs {re.escape(reference)}(?! *[,.…])"
    terminal.until(lambda: re.search(ready, status(terminal)), what=f"{reference} ready")


def until_scored(terminal: Terminal, home: Path) -> history.Row:
    """The last answer is whole, and so are its scores in the history; the answer."""
    terminal.until(lambda: re.search(SHARES, status(terminal)), what="shares of the classes")
    until_ready(terminal)

    def whole() -> history.Row | None:
        answer = history.answers(home)[-1]
        text = "".join(token.text for token in history.scored(home, answer.id))
        return answer if text.strip() == answer.content.strip() else None

    answer: history.Row = terminal.until(whole, what="the scores in the history")
    return answer


def quit_it(terminal: Terminal) -> None:
    terminal.send("ctrl+q")
    assert terminal.ended() == 0
    assert terminal.unrestored() == []


def drawn(terminal: Terminal) -> list[tuple[str, str]]:
    """Every visible character of the last answer, with the class that its attributes say."""
    columns = TRANSCRIPT[(terminal.screen.columns, terminal.screen.lines)]
    lines = terminal.lines()
    rows = [n for n, line in enumerate(lines) if line[columns.start :].startswith("Model")]
    ends = [n for n, line in enumerate(lines) if "╭" in line]
    if not rows or not ends:
        return []
    buffer = terminal.screen.buffer
    cells = [buffer[y][x] for y in range(rows[-1] + 1, ends[-1]) for x in columns]
    return [(cell.data, class_of_look(cell)) for cell in cells if cell.data.strip()]


def class_of_look(cell: Any) -> str:
    if cell.reverse and cell.bold:
        return "shifted"
    return "marginal" if cell.underscore else "unshifted"


def stored(home: Path, message_id: str) -> list[tuple[str, str]]:
    """The same, from the history's scores."""
    return [
        (character, token.name)
        for token in history.scored(home, message_id)
        if token.name != "control"
        for character in token.text
        if character.strip()
    ]


def shown_token(terminal: Terminal) -> tuple[str, str] | None:
    """Label and class of the token under the cursor, as the inspector names it."""
    found = re.search(NAME, terminal.text())
    return (found[1], found[2]) if found else None


def names(token: history.Scored) -> tuple[str, str]:
    return token.text.replace(" ", "␣"), token.name


def press_until(terminal: Terminal, key: str, token: history.Scored) -> None:
    terminal.send(key)
    terminal.until(lambda: shown_token(terminal) == names(token), what=f"{token} after {key}")


@pytest.mark.parametrize(
    ("size", "no_color"), [(LARGE, False), (SMALL, True)], ids=["160x45", "80x24 without colours"]
)
def test_f7_goes_to_the_aligned_pair_and_the_next_start_shows_its_classes_again(
    begin: Begin, home: Path, size: tuple[int, int], no_color: bool
) -> None:
    env = {"NO_COLOR": "1"} if no_color else {}
    first = begin(size=size, env=env)
    until_comparing(first, "demo@zero-shot")
    wanted = rf"{re.escape(f'{ALIGNED} vs {BASE}')}\b"
    first.send("f7")
    first.until(lambda: re.search(wanted, status(first)), what="the aligned pair")
    until_comparing(first, BASE)
    ask(first, QUESTION)
    answer = until_scored(first, home)
    assert history.sides(home, answer.id) == (ALIGNED, BASE)
    tokens = history.scored(home, answer.id)
    quit_it(first)

    again = begin(size=size, env=env)
    classes = stored(home, answer.id)
    assert {name for _, name in classes} == {"unshifted", "marginal", "shifted"}
    again.until(lambda: drawn(again) == classes, what="the stored answer in its classes")
    again.send("f6")
    again.until_text(f"gen {ALIGNED}")
    again.until_text(f"ref {BASE}")
    press_until(again, "home", tokens[0])
    shifted = [t for t in tokens[1:] if t.name == "shifted"]
    press_until(again, "n", shifted[0])
    press_until(again, "n", shifted[1])
    press_until(again, "N", shifted[0])
    press_until(again, "home", tokens[0])
    press_until(again, "m", next(t for t in tokens[1:] if t.name == "marginal"))
    assert len(history.answers(home)) == 1, "nothing was generated"
    for terminal in (first, again):
        assert (colours(bytes(terminal.raw)) == []) == no_color
    quit_it(again)
    assert history.problems(home) == []
