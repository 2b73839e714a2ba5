"""The board's texts: a row's numbers are whole at any width."""

import pytest

from urial_tui.judge.board.types import Cell
from urial_tui.shift.summary import Interval
from urial_tui.ui.judging.board_text import _aspect

CELL = Cell(
    "helpfulness", Interval(3.25, 2.5, 4.0, 12, 6), Interval(2.87, 2.1, 3.2, 12, 6), 1, 2, 0, mass=0.91
)  # fmt: skip


@pytest.mark.parametrize("width", [56, 60, 80, 100, 140])
def test_the_expected_score_of_an_aspect_is_whole(width: int) -> None:
    lines = ["".join(text for text, _ in line) for line in _aspect(CELL, 11, width)]
    assert any("expected 2.87 mass 0.91" in line for line in lines)
    assert not any("…" in line for line in lines)
    assert len(lines) == 1 or width < 140
