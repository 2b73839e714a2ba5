"""What the tables of a board are made of, which the terminal, Markdown and the page show each in their way.

Texts are safe to show (`safetext`) and still plain: whoever writes a format escapes for it. Rows are named by a letter,
which the first table explains, because a side's notation may be a long path.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from urial_tui.cli.common.wording import NONE, number
from urial_tui.judge.board.types import Board
from urial_tui.safetext import sanitize_line
from urial_tui.shift.summary import Interval

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


def span(interval: Interval | None, digits: int = 2) -> str:
    return between(interval, lambda value: number(value, digits))


def between(interval: Interval | None, show: Callable[[float], str]) -> str:
    """Both ends; a single item has none."""
    if interval is None or interval.low is None or interval.high is None:
        return NONE
    return f"[{show(interval.low)}, {show(interval.high)}]"


def mean(interval: Interval | None, digits: int = 2) -> str:
    return NONE if interval is None else number(interval.mean, digits)


def whole(interval: Interval | None, digits: int = 2) -> str:
    """Mean and interval, where there is one."""
    ends = span(interval, digits)
    return mean(interval, digits) + (f" {ends}" if ends != NONE else "")


def percent(share: float | None, digits: int = 1) -> str:
    return NONE if share is None else f"{100 * share:.{digits}f} %"


def points(share: float) -> str:
    """A difference of two shares in percentage points, with its sign."""
    found = round(100 * share)
    return f"{found:+d}" if found else "0"


def over_items(means: Iterable[Interval | None]) -> bool:
    """Whether some of these means have several values of an item: then `n` is not what was drawn."""
    return any(mean is not None and mean.n != mean.n_items for mean in means)


def n_items(interval: Interval | None) -> str:
    return NONE if interval is None else str(interval.n_items)
