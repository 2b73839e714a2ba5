"""Breaks sanitised text into rows of terminal cells, incrementally: appended text re-wraps the last row only.

Pure text, no widgets. Widths come from Rich, because Textual crops and pads by them. A row is decided by the text from
its first character on and by nothing before it, and a finished row is never changed by what comes later; so text that
streams in pieces wraps exactly as the same text does at once.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

from rich.cells import cell_len

TAB = 4
"""Distance of tab stops, in characters of the line."""

MAX_HANGING = 256

# One cell each, and no cluster of more than one of them.
_SIMPLE = re.compile(
    r"[\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff\u0391-\u03a1\u03a3-\u03ff\u0400-\u0482\u2010-\u2027\u2500-\u257f]*"
)
_JOINER = "\u200d"
_NO_START = frozenset("、。，．・：；？！ー々〉》」』】〕〗）］｝”’…‥％!?,.:;)]}%")
_NO_END = frozenset("〈《「『【〔〖（［｛“‘([{")


@lru_cache(maxsize=8192)
def _char_width(char: str) -> int:
    return cell_len(char)


def _attaches(char: str, previous: str) -> bool:
    """Whether `char` belongs to the cluster that `previous` is the last character of."""
    code = ord(char)
    if previous == _JOINER or code in (0x200D, 0x20E3) or 0xFE00 <= code <= 0xFE0F:
        return True
    if 0x1F3FB <= code <= 0x1F3FF:
        return True
    return _char_width(char) == 0


def clusters(text: str) -> Iterator[tuple[int, int, int]]:
    """(start, end, cells) of each piece that must stay together: a base with its marks, a joined emoji."""
    start, end, length = 0, 0, len(text)
    while start < length:
        end = start + 1
        flag = 0x1F1E6 <= ord(text[start]) <= 0x1F1FF
        while end < length and (
            _attaches(text[end], text[end - 1]) or (flag and 0x1F1E6 <= ord(text[end]) <= 0x1F1FF)
        ):
            flag = False
            end += 1
        yield (
            start,
            end,
            _char_width(text[start]) if end == start + 1 else cell_len(text[start:end]),
        )
        start = end


def row_starts(line: str, width: int) -> list[int]:
    """Where the rows of one line (no newline in it) begin. The first is 0; spaces at a break hang on the row before it.

    Breaks after spaces and around wide characters, not before closing or after opening punctuation; a word that is
    longer than the row is cut where the row is full.
    """
    if len(line) <= width and _SIMPLE.fullmatch(line):
        return [0]
    return _simple_starts(line, width) if _SIMPLE.fullmatch(line) else _general_starts(line, width)


def _longest(width: int) -> int:
    """Characters after which spaces no longer hang on a row, so that re-wrapping a row has a bounded cost."""
    return max(4 * width, MAX_HANGING)


def _simple_starts(line: str, width: int) -> list[int]:
    starts, pos, length = [0], 0, len(line)
    while length - pos > width:
        limit = min(pos + _longest(width), length)
        ink = _skip_spaces(line, pos, limit)
        if ink >= pos + width:
            pos = ink
        else:
            cut = line.rfind(" ", ink, pos + width + 1)
            pos = _skip_spaces(line, cut + 1 if cut >= 0 else pos + width, limit)
        if pos >= length:
            break
        starts.append(pos)
    return starts


def _skip_spaces(line: str, pos: int, limit: int) -> int:
    while pos < limit and line[pos] == " ":
        pos += 1
    return pos


def _general_starts(line: str, width: int) -> list[int]:
    starts = [0]
    used = 0  # cells of the row so far
    chance = -1  # the last place in this row where a new one may begin, -1 for none
    since = 0  # cells from there on
    ink = False  # something but spaces is in the row
    longest = _longest(width)
    previous, previous_wide = "", False
    for start, end, cells in clusters(line):
        piece = line[start:end]
        if piece == " ":
            if start - starts[-1] >= longest:
                starts.append(start)
                used, chance, since, ink = 0, -1, 0, False
            used += 1
            if ink:
                chance, since = end, 0
            else:
                since += 1
            previous, previous_wide = piece, False
            continue
        # Of the first character only: a selector that makes it wide may still be to come.
        wide = _char_width(piece[0]) > 1
        joint = ink and previous != " " and (wide or previous_wide)
        if joint and piece not in _NO_START and previous not in _NO_END:
            chance, since = start, 0
        if used + cells > width and used:
            if chance > starts[-1]:
                starts.append(chance)
                used = since
            if used + cells > width and start > starts[-1]:
                starts.append(start)
                used = 0
            chance, since = -1, 0
        used += cells
        since += cells
        ink, previous, previous_wide = True, piece, wide
    return starts


def expand_tabs(text: str, column: int) -> tuple[str, int]:
    """Tabs as spaces up to the next stop; `column` is how many characters follow the last newline, before and after."""
    if "\t" not in text:
        newline = text.rfind("\n")
        return text, column + len(text) if newline < 0 else len(text) - newline - 1
    out: list[str] = []
    for piece in re.split(r"([\t\n])", text):
        if piece == "\t":
            fill = TAB - column % TAB
            out.append(" " * fill)
            column += fill
        elif piece == "\n":
            out.append(piece)
            column = 0
        else:
            out.append(piece)
            column += len(piece)
    return "".join(out), column


class WrappedText:
    """Growing text, as rows for one width. `starts` are the rows' offsets in `text`, newlines counted."""

    def __init__(self, width: int) -> None:
        self.width = max(width, 2)
        self.rows: list[str] = [""]
        self.starts = array("Q", [0])
        self.hard = bytearray([0])  # 1 where the row ends with a newline
        self._column = 0  # characters since the last newline

    @property
    def text(self) -> str:
        """All of it, tabs expanded."""
        return "".join(
            row + "\n" if hard else row for row, hard in zip(self.rows, self.hard, strict=True)
        )

    @property
    def length(self) -> int:
        """Characters in `text`."""
        return self.starts[-1] + len(self.rows[-1])

    def append(self, text: str) -> int:
        """Add text; the first row that changed."""
        changed = len(self.rows) - 1
        self._grow(self._expand_tabs(text))
        return changed

    def rewrap(self, width: int) -> None:
        """Everything again for another width."""
        text = self.text
        self.width = max(width, 2)
        self.rows, self.starts, self.hard = [""], array("Q", [0]), bytearray([0])
        self._grow(text)

    def row_at(self, offset: int) -> int:
        """The row that holds the character at `offset`."""
        return max(bisect_right(self.starts, offset) - 1, 0)

    def _expand_tabs(self, text: str) -> str:
        text, self._column = expand_tabs(text, self._column)
        return text

    def _grow(self, text: str) -> None:
        lines = text.split("\n")
        for number, line in enumerate(lines):
            self._grow_line(line)
            if number < len(lines) - 1:
                self.hard[-1] = 1
                self.starts.append(self.length + 1)
                self.rows.append("")
                self.hard.append(0)

    def _grow_line(self, line: str) -> None:
        if not line:
            return
        base = self.starts[-1]
        whole = self.rows[-1] + line
        starts = row_starts(whole, self.width)
        self.rows[-1] = whole[: starts[1]] if len(starts) > 1 else whole
        for number, start in enumerate(starts[1:], 1):
            end = starts[number + 1] if number + 1 < len(starts) else len(whole)
            self.rows.append(whole[start:end])
            self.starts.append(base + start)
            self.hard.append(0)
