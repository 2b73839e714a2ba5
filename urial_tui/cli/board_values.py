"""What the tables of a board are made of, which the terminal, Markdown and the page show each in their way.

Texts are safe to show (`safetext`) and still plain: whoever writes a format escapes for it. Rows are named by a letter,
which the first table explains, because a side's notation may be a long path.
"""

from dataclasses import dataclass

from urial_tui.judge.board_types import Board
from urial_tui.safetext import sanitize_line
from urial_tui.shift.summary import Interval

NONE = "-"
"""Where there is no number."""
LABEL_CHARS = 300
TITLE_CHARS = 44


@dataclass(frozen=True)
class Column:
    """`optional`: may be left out where there is no room, from the last one on; `bar`: values from 1 to 5 as bars;
    `path`: texts whose ends tell more than their beginnings."""

    name: str
    right: bool = True
    optional: bool = False
    bar: bool = False
    path: bool = False


@dataclass(frozen=True)
class Table:
    """`rows` have a text for each column; the first row of a `group` names it, the others leave it empty."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    about: tuple[str, ...] = ()
    level: int = 2
    kind: str = ""
    grouped: bool = False


def letter(number: int) -> str:
    """A, B, ... Z, then R27 and so on."""
    return chr(ord("A") + number) if number < 26 else f"R{number + 1}"


class Letters:
    """The letter of each row."""

    def __init__(self, board: Board) -> None:
        self.of = {row.key: letter(number) for number, row in enumerate(board.rows)}
        self._labels = {row.key: row.label for row in board.rows}

    def named(self, key: str, limit: int = LABEL_CHARS) -> str:
        """Letter and label."""
        return f"{self.of[key]} {label(self._labels[key], limit)}"


def label(text: str, limit: int = LABEL_CHARS) -> str:
    """One safe line; the beginning of a long one is cut, since the end of a path tells more."""
    safe = sanitize_line(text, LABEL_CHARS)
    return safe if len(safe) <= limit else "…" + safe[len(safe) - limit + 1 :]


def number(value: float | None, digits: int = 2) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def span(interval: Interval | None, digits: int = 2) -> str:
    if interval is None:
        return NONE
    return f"[{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def mean(interval: Interval | None, digits: int = 2) -> str:
    return NONE if interval is None else number(interval.mean, digits)


def whole(interval: Interval | None, digits: int = 2) -> str:
    """Mean and interval."""
    return NONE if interval is None else f"{mean(interval, digits)} {span(interval, digits)}"


def percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.1f} %"
