"""Plain output, for screen readers and logs: nothing is drawn over, no bars, no attributes, every number is there."""

import io
import re

import pytest

from tests.unit.test_cli_board import small
from urial_tui.cli.board.command import Shown
from urial_tui.cli.common import progress as shift_progress
from urial_tui.cli.common.plain import plain
from urial_tui.cli.common.progress import ProgressLine
from urial_tui.cli.shift import as_text as shift_text

BLOCKS, ESCAPES = re.compile("[█▌░]"), re.compile(r"\x1b\[[0-9;]*m")
PLAIN = pytest.mark.parametrize("asked", [{"URIAL_TUI_PLAIN": "1"}, {"TERM": "dumb"}], ids=str)


class FakeTerminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]) -> FakeTerminal:
    """Both streams are one terminal that can do everything, with `asked` in the environment. (Not a fixture: pytest
    exchanges the streams after them.)"""
    made = FakeTerminal()
    monkeypatch.setattr("sys.stdout", made)
    monkeypatch.setattr("sys.stderr", made)
    for name in ("NO_COLOR", "URIAL_TUI_PLAIN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm-256color"} | asked).items():
        monkeypatch.setenv(name, value)
    return made


def work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three items of twenty steps, 0.6 s a step by the clock that the line reads."""
    now = 100.0
    monkeypatch.setattr(shift_progress.time, "monotonic", lambda: now)
    line = ProgressLine(3, what="answers")
    line.start(0)
    for _ in range(3):
        for step in range(20):
            now += 0.6
            line.stage("generate", step, 20)
        line.item()
    line.clear()


def test_progress_is_one_moving_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch, {})
    work(monkeypatch)
    assert "\r" in terminal.getvalue() and "\n" not in terminal.getvalue()
    assert not plain()


@PLAIN
def test_plain_progress_is_a_line_now_and_then(
    asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = at_a_terminal(monkeypatch, asked)
    work(monkeypatch)
    text = terminal.getvalue()
    assert "\r" not in text and "\x1b" not in text
    lines = text.splitlines()
    assert 3 <= len(lines) <= 5
    assert lines[0].startswith("0/3 answers, writing 16/20")
    assert lines[-1] == "3 of 3 answers"


def printed(monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]) -> str:
    at_a_terminal(monkeypatch, asked)
    return Shown(small(), compatible=False, published=()).printed("text")


@PLAIN
def test_a_plain_board_has_its_numbers_and_no_bars(
    asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, text = printed(monkeypatch, {}), printed(monkeypatch, asked)
    assert "\x1b" in drawn and BLOCKS.search(drawn)
    assert "\x1b" not in text and not BLOCKS.search(text)
    numbers = set(re.findall(r"\d+\.\d+", ESCAPES.sub("", drawn)))
    assert numbers and numbers <= set(re.findall(r"\d+\.\d+", text))


@PLAIN
def test_the_most_shifted_tokens_have_counts_without_bars(
    asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_a_terminal(monkeypatch, asked)
    said: list[str] = []
    tokens = [{"hex": b"walk".hex(), "shifted": 3, "occurrences": 4}]
    shift_text._print_most_shifted(tokens, said.append)
    assert said[-1].split() == ["walk", "3", "of", "4"]
