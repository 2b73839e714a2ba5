"""The scores of a panel as bars in SVG, with the intervals as whiskers. Every bar carries its row's letter and number:
colours only repeat what is written."""

from html import escape

from urial_tui.cli.board.values import Letters, label, mean, whole
from urial_tui.judge.board.types import Board, Panel
from urial_tui.shift.summary import Interval

_NAMES, _BAR, _NUMBERS = 150, 420, 70
_HIGH, _GAP = 16, 10
COLOURS = 6


def bars(board: Board, panel: Panel) -> str:
    """An `svg` element; "" where there is no score. A bar is empty at 1 and full at 5."""
    letters = Letters(board)
    places = {row.key: number for number, row in enumerate(board.rows)}
    parts: list[str] = []
    y = 4.0
    for number, aspect in enumerate(panel.aspects):
        scored = [(line, cell) for line in panel.lines if (cell := line.cells[number]).score]
        if not scored:
            continue
        parts.append(f'<text x="0" y="{y + 12:g}">{escape(label(aspect, 18))}</text>')
        for line, cell in scored:
            assert cell.score is not None
            letter = letters.of[line.row]
            told = f"{letters.named(line.row)}, {label(aspect)}: {whole(cell.score)}, n {cell.n}"
            parts.append(
                f"<g><title>{escape(told)}</title>"
                f'<text class="soft" x="{_NAMES - 30}" y="{y + 12:g}">{letter}</text>'
                f'<rect class="c{places[line.row] % COLOURS}" x="{_NAMES}" y="{y + 2:g}" '
                f'width="{_x(cell.score.mean):.1f}" height="{_HIGH - 4}"/>'
                f"{_whisker(cell.score, y + _HIGH / 2)}"
                f'<text x="{_NAMES + _BAR + 8}" y="{y + 12:g}">{mean(cell.score)}</text></g>'
            )
            y += _HIGH
        y += _GAP
    if not parts:
        return ""
    grid = [
        f'<line class="grid" x1="{_NAMES + _x(tick):g}" x2="{_NAMES + _x(tick):g}" y1="0" y2="{y:g}"/>'
        f'<text class="soft" x="{_NAMES + _x(tick) - 4:g}" y="{y + 14:g}">{tick}</text>'
        for tick in (1, 2, 3, 4, 5)
    ]
    width, height = _NAMES + _BAR + _NUMBERS, y + 20
    name = escape(f"Mean scores by {label(panel.judge.label)}, with 95 % intervals")
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{name}">'
        + "".join(grid + parts)
        + "</svg>"
    )


def _whisker(score: Interval, y: float) -> str:
    if score.low is None or score.high is None:
        return ""
    low, high = _NAMES + _x(score.low), _NAMES + _x(score.high)
    return f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{y:g}" y2="{y:g}"/>'


def _x(score: float) -> float:
    return (min(5.0, max(1.0, score)) - 1) / 4 * _BAR
