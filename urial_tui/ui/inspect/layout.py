"""Which parts of the inspector fit into a pane, and in what length: the least important give way first. Pure drawing.

A wide and low pane has two columns: the token on the left, the answer on the right.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.cells import cell_len

from urial_tui.chat.pair import PairStatus
from urial_tui.ui.drawing.lines import Highlight, Line, fit_line, safe, wrapped
from urial_tui.ui.inspect import totals
from urial_tui.ui.inspect.alternatives import LEGEND, alternatives
from urial_tui.ui.inspect.detail import pinned_line, token_lines
from urial_tui.ui.inspect.header import header, problems, warnings
from urial_tui.ui.inspect.tally import Tally
from urial_tui.ui.inspect.trace_view import TraceView

TWO_COLUMNS = 72
"""Cells from which a low pane has two columns."""
LOW = 24
SEPARATOR = " │ "
FULL, SHORT = 2, 1


@dataclass(frozen=True)
class Shown:
    """What the pane is to draw."""

    view: TraceView | None = None
    cursor: int | None = None
    pinned: int | None = None
    pair: PairStatus | None = None
    offer: str = ""
    chosen: Highlight | None = None

    @property
    def offers(self) -> bool:
        """Whether scores are missing, so that the offer has its place."""
        if self.view is None or not self.offer:
            return bool(self.offer)
        whole = self.view.n > 0 and self.view.trace.complete and not self.view.error
        return not (whole or self.view.running)

    @property
    def token(self) -> int | None:
        """The place whose token is described: at the cursor, else the newest one while they come."""
        if self.view is None or self.view.n == 0:
            return None
        if self.cursor is not None:
            return self.cursor
        return self.view.n - 1 if self.view.running else None


@dataclass(frozen=True)
class Drawn:
    """The lines, and how many rows of the lists of alternatives are among them."""

    lines: list[Line] = field(default_factory=list)
    list_rows: int = 0


@dataclass
class _Part:
    """One part: `build(size)` draws it with at most that size, whose unit is the part's own. 0 draws nothing."""

    name: str
    build: Callable[[int], list[Line]]
    size: int
    gap: bool = False
    """Whether an empty line goes before it where there is room."""
    lines: list[Line] = field(default_factory=list)

    def resize(self, size: int) -> None:
        if size < self.size:
            self.size = size
            self.lines = self.build(size) if size else []


# (part, the size that it shrinks to): from the first thing that is given up to the last.
_STEPS = (
    ("shifted", 3), ("gaps", 0), ("kl", 0), ("lists", 6), ("shifted", 0), ("warnings", 3),
    ("early", 0), ("lists", 4), ("classes", SHORT), ("warnings", 2), ("share", 0), ("header", 2),
    ("legend", 0), ("detail", 5), ("detail", 4), ("lists", 3), ("warnings", 1), ("offer", 1),
    ("detail", 3), ("lists", 2), ("lists", 0), ("problems", 2), ("detail", 2), ("pin", 0),
    ("classes", 0), ("detail", 1),
)  # fmt: skip


def draw(shown: Shown, tally: Tally, width: int, height: int) -> Drawn:
    """At most `height` lines of at most `width` cells."""
    if width < 1 or height < 1:
        return Drawn()
    if shown.view is not None:
        tally.follow(shown.view)
        if width >= TWO_COLUMNS and height < LOW:
            left = (width - len(SEPARATOR)) // 2
            right = width - len(SEPARATOR) - left
            first = _arrange(_about_token(shown, left), height)
            second = _arrange(_about_answer(shown, tally, right), height)
            return Drawn(_beside(first.lines, second.lines, left), first.list_rows)
    parts = _about_token(shown, width)
    if shown.view is not None:
        answer = _about_answer(shown, tally, width)
        # Problems and warnings stand directly below the sides that they are about.
        parts = [parts[0], *answer[:3], *parts[1:], *answer[3:]]
    else:
        parts += _notices(shown, width)
    return _arrange(parts, height)


def _arrange(parts: list[_Part], height: int) -> Drawn:
    for part in parts:
        part.lines = part.build(part.size)
    by_name = {part.name: part for part in parts}
    gaps = True
    for name, size in _STEPS:
        if _count(parts, gaps=gaps) <= height:
            break
        if name == "gaps":
            gaps = False
        elif name in by_name:
            by_name[name].resize(size)
    lines: list[Line] = []
    for part in parts:
        if part.gap and gaps and part.lines and lines:
            lines.append([])
        lines += part.lines
    lists = by_name.get("lists")
    rows = max(len(lists.lines) - 1, 0) if lists is not None else 0
    return Drawn(lines[:height], rows)


def _count(parts: list[_Part], *, gaps: bool) -> int:
    used = [part for part in parts if part.lines]
    return sum(len(part.lines) for part in used) + gaps * sum(part.gap for part in used[1:])


def _about_token(shown: Shown, width: int) -> list[_Part]:
    view, token, pinned = shown.view, shown.token, shown.pinned
    parts = [_Part("header", lambda size: header(view, shown.pair, width, size), 9)]
    if view is None or token is None:
        return parts
    chosen = shown.chosen if shown.cursor is not None else None
    if pinned is not None and pinned != token:
        pin = [pinned_line(view, pinned, width)]
        parts.append(_Part("pin", lambda size: pin, 1, gap=True))
    detail = token_lines(view, token, width)
    parts += [
        _Part("detail", lambda size: detail[:size], 6, gap=len(parts) == 1),
        _Part("lists", lambda size: alternatives(view, token, width, size, chosen), 10, gap=True),
    ]
    if any(alternatives(view, token, width, 1)):
        parts.append(_Part("legend", lambda size: [fit_line([(LEGEND, "dim")], width)], 1))
    return parts


def _notices(shown: Shown, width: int) -> list[_Part]:
    view, pair = shown.view, shown.pair
    failed = problems(view, pair, width)
    said = warnings(view, pair, width)
    offer = wrapped(safe(shown.offer), width, "strong", most=3) if shown.offers else []
    return [
        _Part("problems", lambda size: _first(failed, size, width), 12),
        _Part("warnings", lambda size: _first(said, size, width), 12),
        _Part("offer", lambda size: _first(offer, size, width), 3),
    ]


def _about_answer(shown: Shown, tally: Tally, width: int) -> list[_Part]:
    view = shown.view
    assert view is not None
    summary = view.summary()
    kinds = {FULL: totals.class_lines, SHORT: totals.short_class_lines}
    place = shown.cursor
    early = totals.early_line(tally, width)
    return [
        *_notices(shown, width),
        _Part("classes", lambda size: kinds[size](summary, width), FULL, gap=True),
        _Part(
            "share", lambda size: totals.position_lines(tally, width, place, kl=False), 1, gap=True
        ),
        _Part("early", lambda size: [early] if early else [], 1),
        _Part("kl", lambda size: totals.position_lines(tally, width, place, kl=True), 1),
        _Part(
            "shifted",
            lambda size: totals.shifted_lines(view, tally.most_shifted(size), width),
            8,
            gap=True,
        ),
    ]


def _first(lines: list[Line], size: int, width: int) -> list[Line]:
    """The first `size` lines, the last one marked when there are more."""
    if len(lines) <= size:
        return lines
    kept = lines[:size]
    last = kept[-1]
    text = "".join(piece for piece, _ in last)
    return [*kept[:-1], fit_line([(text.rstrip("…") + " …", last[0][1])], width)]


def _beside(left: list[Line], right: list[Line], width: int) -> list[Line]:
    lines: list[Line] = []
    for row in range(max(len(left), len(right))):
        own = left[row] if row < len(left) else []
        other = right[row] if row < len(right) else []
        used = sum(cell_len(text) for text, _ in own)
        lines.append([*own, (" " * (width - used), ""), (SEPARATOR, "dim"), *other])
    return lines
