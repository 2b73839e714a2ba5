"""The larger chart over positions: shifted share, marginal share and mean KL, one above the other. Pure drawing.

Heights are drawn in eighths of a cell, so that a share of a few percent is seen; each panel says what its top is.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from urial_tui.shift.classes import Class, Lane, token_class
from urial_tui.shift.records import TokenScore
from urial_tui.ui.drawing.lines import EIGHTHS, Line, fit, fit_line, number
from urial_tui.ui.inspect.tally import Bin, joined

AXIS = 7
"""Cells at the left for the numbers and the axis."""
MIN_WIDTH, MIN_HEIGHT = 24, 9
_SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Answer:
    """Token records of one answer, and which of their references is meant."""

    tokens: Sequence[TokenScore]
    reference: int = 0


def bins_of(answers: Iterable[Answer], lane: Lane, *, relative: int = 0) -> list[Bin]:
    """A bin for each position, or for each of `relative` equal parts of the answers."""
    bins: list[Bin] = [Bin() for _ in range(relative)]
    for answer in answers:
        counted = [token for token in answer.tokens if token.counted]
        for position, token in enumerate(counted):
            name = token_class(token, answer.reference, lane)
            if name is None:
                continue
            score = token.references[answer.reference]
            place = position * relative // len(counted) if relative else position
            while len(bins) <= place:
                bins.append(Bin())
            bins[place].count(name, score.kl if score is not None else None)
    return bins


def chart(bins: Sequence[Bin], width: int, height: int, *, relative: bool) -> list[Line]:
    """`bins` in at most `width` columns, exactly as many rows as fit `height`, axis and its labels below."""
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return [fit_line([("Too small for the chart.", "warn")], width)]
    if not any(part.n for part in bins):
        return [fit_line([("No token is counted yet.", "dim")], width)]
    room = width - AXIS
    columns, each = joined(list(bins), room)
    wide = max(room // len(columns), 1)
    panels = [_share_panel(columns, name) for name in ("shifted", "marginal")]
    if any(part.n_kl for part in columns):
        panels.append(_kl_panel(columns))
    rows = max((height - 2) // len(panels) - 1, 1)
    lines: list[Line] = []
    for panel in panels:
        lines += _draw(panel, rows, wide, width)
    return [*lines, *_axis(len(columns), wide, each, len(bins), width, relative=relative)]


@dataclass(frozen=True)
class _Panel:
    title: str
    look: str
    values: list[float | None]
    top: float
    top_label: str


def _share_panel(columns: Sequence[Bin], name: Class) -> _Panel:
    values = [part.share(name) for part in columns]
    highest = max((value for value in values if value is not None), default=0.0)
    top = next((share for share in _SHARES if highest <= share), 1.0)
    title = f"{name}, share of tokens"
    return _Panel(title, f"bar-{name}", values, top, f"{top * 100:.0f} %")


def _kl_panel(columns: Sequence[Bin]) -> _Panel:
    values = [part.mean_kl for part in columns]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    top = max(finite, default=0.0)
    return _Panel("mean KL, nats", "bar-unshifted", values, top, number(top))


def _draw(panel: _Panel, rows: int, wide: int, width: int) -> list[Line]:
    lines = [fit_line([(panel.title, "title")], width)]
    for row in range(rows):
        label = panel.top_label if row == 0 else "0" if row == rows - 1 else ""
        edge = "┤" if label else "│"
        cells = "".join(_cell(value, panel, rows - 1 - row, rows) * wide for value in panel.values)
        lines.append([(f"{fit(label, AXIS - 1):>{AXIS - 1}}{edge}", "dim"), (cells, panel.look)])
    return lines


def _cell(value: float | None, panel: _Panel, level: int, rows: int) -> str:
    """What a column shows in the row `level` (0 is the lowest)."""
    if value is None:
        return "·" if level == 0 else " "
    if math.isnan(value):
        return "?" if level == 0 else " "
    if math.isinf(value):
        return "∞"
    eighths = round(value / panel.top * rows * 8) if panel.top else 0
    eighths = max(eighths, 1 if value > 0 else 0)
    return EIGHTHS[min(max(eighths - level * 8, 0), 8)]


def _axis(
    columns: int, wide: int, each: int, positions: int, width: int, *, relative: bool
) -> list[Line]:
    """The line below, and what its ends and its middle are."""
    length = columns * wide
    base: Line = [(" " * (AXIS - 1) + "└" + "─" * length, "dim")]
    first, last = ("0 %", "100 %") if relative else ("1", str(positions))
    words = "part of the answer" if relative else "position"
    if each > 1:
        words += f", {each} to a column"
    gap = length - len(first) - len(last)
    middle = f" {words} ".center(gap) if gap >= len(words) + 2 else " " * max(gap, 1)
    return [base, fit_line([(" " * AXIS + first + middle + last, "dim")], width)]
