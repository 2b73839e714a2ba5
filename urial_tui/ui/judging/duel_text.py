"""Compared answers on the board as lines: who won how often, by how much, and what may have decided it. Pure, safe."""

from typing import TYPE_CHECKING

from rich.cells import cell_len

from urial_tui.ui.drawing.lines import Line, fit, fit_line, safe, wrapped
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.judging.board_text import BAR, NAMES, n_words, no_numbers, note_lines

if TYPE_CHECKING:
    from urial_tui.judge.board.types import Board, Duel, DuelCell
    from urial_tui.shift.summary import Interval


def duel_lines(board: "Board", width: int) -> list[Line]:
    """Who won how often, an aspect a line, with how often the longer answer won."""
    if not board.duels:
        return wrapped(
            "No two answers were compared. `urial-tui judge --pairwise` lets a model do it; here c does it by hand.",
            width,
            "dim",
            most=4,
        )
    lines: list[Line] = []
    for duel in board.duels:
        if lines:
            lines.append([])
        lines += _duel(board, duel, width)
    return [*lines, [], *note_lines(board, width)]


def _duel(board: "Board", duel: "Duel", width: int) -> list[Line]:
    row, other = (short_side(board.row(key).label) for key in (duel.row, duel.opponent))
    lines = wrapped(f"{row} against {other}", width, "title", most=3)
    about = f"{short_side(duel.judge.label)} · {safe(duel.rubric.id, 40)} · {duel.n} pairs"
    if duel.words is not None:
        about += f" · {duel.words.mean:+.0f} words"
    lines += wrapped(about, width, "dim", most=2)
    names = min(max((cell_len(safe(c.aspect, 40)) for c in duel.cells), default=0), NAMES)
    for cell in duel.cells:
        lines += _picks(cell, names, width)
    if duel.n_own:
        words = f"{duel.n_own} have an answer by the judge's own model, which may favour itself"
        lines += wrapped(words, width, "warn", most=2)
    if duel.n_shortened:
        lines += wrapped(f"of {duel.n_shortened} the judge read a shortened text", width, "warn", most=2)  # fmt: skip
    if duel.n_blind:
        lines += wrapped(f"{duel.n_blind} compared blind", width, "dim", most=1)
    return lines


def _picks(cell: "DuelCell", names: int, width: int) -> list[Line]:
    """Rates with their bar; below, what the margin's interval is and what may have decided instead."""
    line: Line = [(fit(safe(cell.aspect, 40), names, pad=True) + " ", "")]
    rates = cell.rates
    if rates is None:
        line.append(("nothing decided", "dim"))
    else:
        win, tie, loss = rates
        won, even = round(win * BAR), round(tie * BAR)
        even = min(even, BAR - won)
        line += [("█" * won, "bar"), ("░" * even, "dim"), ("▒" * (BAR - won - even), "warn")]
        line.append((f" win {win:.0%} tie {tie:.0%} loss {loss:.0%}", "strong"))
        line.append((n_words(cell.margin) if cell.margin else f" n {cell.n}", "dim"))
    line += no_numbers(cell)
    below: Line = []
    if cell.margin is not None:
        below.append((" " * (names + 1) + _margin_words(cell.margin), ""))
    if cell.n_split:
        below.append((f"  {cell.n_split} ties by order", "dim"))
    if cell.longer is not None:
        below.append((f"  longer won {cell.longer:.0%} of {cell.n_decided}", ""))
    return [fit_line(one, width) for one in (line, below) if one]


def _margin_words(margin: "Interval") -> str:
    """Wins less losses: an interval with 0 in it decides nothing."""
    words = f"margin {_points(margin.mean)}"
    if margin.low is None or margin.high is None:
        return words
    return f"{words} [{_points(margin.low)}, {_points(margin.high)}]"


def _points(share: float) -> str:
    found = round(100 * share)
    return f"{found:+d}%" if found else "0%"
