"""Two branches beside each other as lines: what is the same plain, what differs marked in both columns.

The columns are in step: where the same line begins in both, it begins on the same row. Pure drawing, safe text.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from urial_tui.chat.differences import Pieces, Run, Unit
from urial_tui.safetext import Sanitizer
from urial_tui.ui.drawing.lines import Line, fit, safe
from urial_tui.ui.drawing.wrap import row_starts

GAP = " │ "
NEWLINE = "↵"
"""Stands before a line break that is (part of) a difference."""
TAB = "    "
KEPT_BEFORE = 20
"""Pieces of a folded beginning that are still shown, so that a reader knows where he is."""
FOLDED_FROM = 40

Row = list[tuple[str, int]]
"""(text, number of its run) pieces of one column."""


@dataclass(frozen=True)
class Passage:
    """One message of each branch. A branch without such a message has an empty title and no pieces."""

    titles: tuple[str, str]
    unit: Unit
    pieces: tuple[Pieces, Pieces]
    runs: tuple[Run, ...]


@dataclass
class Comparison:
    """The lines for one width. A line is two rows with their passage, or words across both columns."""

    width: int
    lines: list[str | tuple[int, Row, Row]] = field(default_factory=list)
    differences: list[tuple[int, int]] = field(default_factory=list)
    """(passage, run) of each difference."""
    places: list[int] = field(default_factory=list)
    """The line that each difference begins on."""

    @property
    def column(self) -> int:
        """Cells of one column."""
        return max((self.width - len(GAP)) // 2, 4)

    def draw(self, number: int, current: int | None) -> Line:
        """A line; `current` is the difference that is pointed out."""
        line = self.lines[number]
        if isinstance(line, str):
            return [(fit(line, self.width), "title" if not line.startswith("…") else "dim")]
        passage, left, right = line
        here = self.differences[current] if current is not None and self.differences else None
        return [
            *self._column(left, passage, here, pad=True),
            (GAP, "dim"),
            *self._column(right, passage, here, pad=False),
        ]

    def _column(self, row: Row, passage: int, here: tuple[int, int] | None, *, pad: bool) -> Line:
        found: Line = []
        used = 0
        for whole, run in row:
            text = fit_blanks(whole, self.column - used)
            look = "here" if (passage, run) == here else "differs" if run >= 0 else ""
            found.append((text, look))
            used += cell_len(text)
        if pad:
            found.append((" " * (self.column - used), ""))
        return found


def fit_blanks(text: str, room: int) -> str:
    """Blanks at the end of a row may hang over it."""
    return text if cell_len(text) <= room else fit(text.rstrip(" "), room)


def compared(
    passages: Sequence[Passage], width: int, *, folded: bool, before: Sequence[tuple[str, str]] = ()
) -> Comparison:
    """All lines of a comparison. `before` are the (title, text) of common messages, shown where it is not `folded`."""
    made = Comparison(width)
    if before and folded:
        n = len(before)
        made.lines += [f"… {n} message{'s' if n != 1 else ''} in common", ""]
    for title, text in before if not folded else ():
        made.lines.append(title)
        for row in _wrapped(_Text((text,), range(1)), width):
            made.lines.append("".join(part for part, _ in row) or " ")
        made.lines.append("")
    for number, passage in enumerate(passages):
        _add(made, number, passage, folded=folded and number == 0)
    return made


def _add(made: Comparison, number: int, passage: Passage, *, folded: bool) -> None:
    if any(passage.titles):
        title_a, title_b = passage.titles
        made.lines.append((number, [(safe(title_a, 80), -1)], [(safe(title_b, 80), -1)]))
    runs = list(passage.runs)
    skipped = 0
    if folded and runs and runs[0].same and runs[0].longest > FOLDED_FROM and len(runs) > 1:
        skipped = runs[0].longest - KEPT_BEFORE
        unit = f"{passage.unit}s"
        made.lines.append(f"… {skipped} {unit} in common")
        first = runs[0]
        runs[0] = Run(True, first.a_start + skipped, first.a_end, first.b_start + skipped, first.b_end)  # fmt: skip
    a = _Text(passage.pieces[0].texts, range(skipped, len(passage.pieces[0].texts)), runs, 0)
    b = _Text(passage.pieces[1].texts, range(skipped, len(passage.pieces[1].texts)), runs, 1)
    seen: set[int] = set()
    for left_lines, right_lines in _in_step(a, b):
        rows_a = [row for line in left_lines for row in _wrapped_line(a, line, made.column)]
        rows_b = [row for line in right_lines for row in _wrapped_line(b, line, made.column)]
        for place in range(max(len(rows_a), len(rows_b))):
            one = rows_a[place] if place < len(rows_a) else []
            other = rows_b[place] if place < len(rows_b) else []
            for _, run in (*one, *other):
                if run >= 0 and run not in seen:
                    seen.add(run)
                    made.differences.append((number, run))
                    made.places.append(len(made.lines))
            made.lines.append((number, one, other))
    made.lines.append((number, [], []))


class _Text:
    """A column's text, sanitised, with the run that each character is of; -1 for what is the same."""

    def __init__(
        self, texts: Sequence[str], pieces: range, runs: Sequence[Run] = (), side: int = 0
    ) -> None:
        self.starts: list[int] = []  # of pieces in the text
        self.run_of: list[int] = []  # for each piece
        self.twin: list[int] = []  # the number of the same piece in the other text; -1 for none
        ends = [(run.a_end, run.b_end)[side] for run in runs]
        sanitizer, safe_text, length = Sanitizer(), [], 0
        for piece in pieces:
            number = bisect_right(ends, piece)
            run = runs[number] if number < len(runs) else None
            differs = run is not None and not run.same
            self.starts.append(length)
            self.run_of.append(number if differs else -1)
            twin = -1
            if run is not None and run.same:
                twin = piece - (run.a_start, run.b_start)[side] + run.a_start
            self.twin.append(twin)
            text = texts[piece].replace("\t", TAB)
            if differs:
                text = text.replace("\n", NEWLINE + "\n")
            shown = sanitizer.feed(text)
            safe_text.append(shown)
            length += len(shown)
        self.text = "".join(safe_text) + sanitizer.finish()
        self.lines = self._lines()

    def _lines(self) -> list[tuple[int, int]]:
        """(start, end) of each line in the text."""
        found, start = [], 0
        while (end := self.text.find("\n", start)) >= 0:
            found.append((start, end))
            start = end + 1
        return [*found, (start, len(self.text))]

    def piece_at(self, place: int) -> int:
        return bisect_right(self.starts, place) - 1

    def anchors(self) -> list[tuple[int, int]]:
        """For each line after the first: what ends the line before it, as (piece of the first text, which newline of
        that piece); (-1, n) where the other text has no such piece."""
        found: list[tuple[int, int]] = []
        before = (-2, 0)
        for start, _ in self.lines[1:]:
            piece = self.piece_at(start - 1)
            count = before[1] + 1 if before[0] == piece else 0
            before = (piece, count)
            found.append((self.twin[piece] if self.twin else -1, count))
        return found


_Lines = list[tuple[int, int]]


def _in_step(a: _Text, b: _Text) -> list[tuple[_Lines, _Lines]]:
    """The lines of both texts in groups: each group begins with the same line break in both."""
    place_in_b = {anchor: n for n, anchor in enumerate(b.anchors(), 1) if anchor[0] >= 0}
    groups: list[tuple[_Lines, _Lines]] = []
    from_a = from_b = 0
    for line, anchor in enumerate(a.anchors(), 1):
        other = place_in_b.get(anchor, 0)
        if anchor[0] >= 0 and other > from_b:
            groups.append((a.lines[from_a:line], b.lines[from_b:other]))
            from_a, from_b = line, other
    return [*groups, (a.lines[from_a:], b.lines[from_b:])]


def _wrapped(text: _Text, width: int) -> list[Row]:
    return [row for line in text.lines for row in _wrapped_line(text, line, width)]


def _wrapped_line(text: _Text, line: tuple[int, int], width: int) -> list[Row]:
    start, end = line
    words = text.text[start:end]
    starts = row_starts(words, width)
    rows: list[Row] = []
    for first, last in zip(starts, [*starts[1:], len(words)], strict=True):
        rows.append(_row(text, start + first, start + last))
    return rows


def _row(text: _Text, start: int, end: int) -> Row:
    row: Row = []
    piece = max(text.piece_at(start), 0)
    while start < end:
        until = text.starts[piece + 1] if piece + 1 < len(text.starts) else end
        until = min(max(until, start), end)
        if until > start:
            run = text.run_of[piece] if piece < len(text.run_of) else -1
            if row and row[-1][1] == run:
                row[-1] = (row[-1][0] + text.text[start:until], run)
            else:
                row.append((text.text[start:until], run))
        start = until
        piece += 1
    return row
