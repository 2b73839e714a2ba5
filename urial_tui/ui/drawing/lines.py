"""Lines of the inspector before they have colours: pieces of safe text with the name of a look, and how to fit them.

Everything that the drawing functions put out is made of these; `look` gives the names their styles. Pure text.
"""

import math
from dataclasses import dataclass

from rich.cells import cell_len

from urial_tui.safetext import sanitize_line
from urial_tui.shift.classes import Class
from urial_tui.ui.drawing.wrap import clusters, row_starts

Line = list[tuple[str, str]]
"""(text, name of a look) pieces, from left to right."""

GLYPHS: dict[Class, str] = {"unshifted": "░", "marginal": "▒", "shifted": "█", "control": "·"}
"""What bars of a class are made of: told apart without colour."""

EIGHTHS = " ▁▂▃▄▅▆▇█"
LEFT_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class Highlight:
    """The alternative that `b` would take: in which list (0 the generator's, 1 the reference's), which row."""

    list: int
    row: int


def safe(text: str, limit: int = 400) -> str:
    """Untrusted text as one line that cannot do anything to a terminal."""
    return text if text.isascii() and text.isprintable() else sanitize_line(text, limit)


def fit(text: str, width: int, *, pad: bool = False) -> str:
    """Safe text in at most `width` cells, `…` for what is cut; exactly that many with `pad`."""
    used = cell_len(text)
    if used > width:
        kept, used = [], 0
        for start, end, cells in clusters(text):
            if used + cells > width - 1:
                break
            kept.append(text[start:end])
            used += cells
        text = "".join(kept) + ("…" if width > 0 else "")
        used += width > 0
    return text + " " * (width - used) if pad else text


def fit_middle(text: str, width: int) -> str:
    """Safe text in at most `width` cells, cut in the middle: a SIDE says most at its two ends."""
    if cell_len(text) <= width:
        return text
    if width < 3:
        return fit(text, width)
    tail: list[str] = []
    used = 0
    for start, end, cells in reversed(list(clusters(text))):
        if used + cells > (width - 1) * 3 // 5:
            break
        tail.append(text[start:end])
        used += cells
    head = fit(text, width - used)
    return head + "".join(reversed(tail))


def fit_line(line: Line, width: int) -> Line:
    """The line's first `width` cells, `…` where something is cut."""
    out: Line = []
    left = width
    for number, (text, name) in enumerate(line):
        cells = cell_len(text)
        more = any(rest for rest, _ in line[number + 1 :])
        if cells > left or (cells == left and more):
            out.append((fit(text if cells > left else text + " ", left), name))
            return out
        out.append((text, name))
        left -= cells
    return out


def wrapped(text: str, width: int, name: str, *, most: int = 4, indent: int = 0) -> list[Line]:
    """Safe text over several lines, at most `most`; the last one ends with `…` when there is more."""
    room = max(width - indent, 4)
    starts = row_starts(text, room)
    rows = [text[a:b].rstrip() for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    if len(rows) > most:
        last = fit(rows[most - 1], room - 1) if rows[most - 1] else ""
        rows = [*rows[: most - 1], last if last.endswith("…") else last + "…"]
    return [[(" " * (indent if number else 0) + row, name)] for number, row in enumerate(rows)]


def text_of(lines: list[Line]) -> str:
    """The lines as plain text."""
    return "\n".join("".join(text for text, _ in line) for line in lines)


# --- numbers as words ---------------------------------------------------------------------------


def number(value: float | None, digits: int = 2) -> str:
    """A value in nats. What is no number is said in words."""
    if value is None:
        return "none"
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinity"
    if 0 < abs(value) < 10**-digits / 2:
        return f"<{10**-digits:.{digits}f}" if value > 0 else f"-<{10**-digits:.{digits}f}"
    return f"{value:.{digits}f}"


def probability(logprob: float | None, digits: int = 2) -> str:
    """A probability from a log-probability: `.58`, `<.01`, `1`, `0` where it is excluded."""
    if logprob is None:
        return "none"
    if math.isnan(logprob):
        return "NaN"
    share = share_of(logprob)
    if share == 0.0:
        return "0"
    if share < 10**-digits:
        return "<" + f"{10**-digits:.{digits}f}".removeprefix("0")
    shown = f"{share:.{digits}f}"
    return "1" if float(shown) >= 1 and share > 0.9999999 else _below_one(share, digits)


def _below_one(share: float, digits: int) -> str:
    """Rounded, but never up to one: a certain token and an almost certain one are told apart."""
    cut = min(round(share, digits), 1 - 10**-digits)
    return f"{cut:.{digits}f}".removeprefix("0")


def share_of(logprob: float) -> float:
    """exp(logprob) within [0, 1]; 0 for what is not a number."""
    return 0.0 if math.isnan(logprob) else min(1.0, math.exp(min(logprob, 0.0)))


def percent(share: float) -> str:
    """A share with one decimal: `7.8 %`."""
    return f"{share * 100:.1f} %"


def whole_percent(share: float) -> str:
    """A share in whole percents; neither none nor all is said of what is only nearly so."""
    if 0 < share < 0.01:
        return "<1%"
    if 0.99 < share < 1:
        return ">99%"
    return f"{share * 100:.0f}%"


def bar(share: float, width: int) -> str:
    """A horizontal bar of `share` of `width` cells; anything above nothing is seen."""
    cells = min(width, round(share * width))
    return ("▇" * max(cells, 1 if share > 0.005 and width > 0 else 0)).ljust(width)


def fine_bar(share: float, width: int) -> str:
    """A horizontal bar of `share` of `width` cells, in eighths of a cell; anything above nothing is seen."""
    eighths = min(round(share * width * 8), width * 8)
    whole, rest = divmod(max(eighths, 1 if share > 0 and width > 0 else 0), 8)
    return (LEFT_EIGHTHS[8] * whole + LEFT_EIGHTHS[rest].strip()).ljust(width)


def column(share: float) -> str:
    """One cell of a sparkline; anything above nothing is seen."""
    if math.isnan(share):
        return "?"
    step = round(min(max(share, 0.0), 1.0) * 8)
    return EIGHTHS[max(step, 1 if share > 0 else 0)]
