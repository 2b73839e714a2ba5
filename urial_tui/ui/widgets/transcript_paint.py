"""Rows of the transcript as strips, with a cache: a row that did not change is not made again."""

from collections.abc import Callable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from urial_tui.ui.widgets.transcript_lines import GUTTER, spans_of
from urial_tui.ui.widgets.transcript_model import Block, Row

KEPT = 2048
"""Strips in the cache: some dozen screens full."""


class Painter:
    """Draws rows for one widget. `look` gives the style for a style name of `spans_of`: the whole one
    for "", what goes over that for the others.
    """

    def __init__(self, look: Callable[[str], Style]) -> None:
        self._look = look
        self._strips: LRUCache[tuple[str, str, int, int, bool, int], Strip] = LRUCache(KEPT)
        self._styles: dict[str, Style] = {}

    def clear(self, *, styles: bool = False) -> None:
        """Forget all strips, and the styles too when the theme is another one."""
        self._strips.clear()
        if styles:
            self._styles.clear()

    def forget(self, block: Block, row: int) -> None:
        """A body row of this version of the block changed: the last one, which text was added to, or one whose tokens
        look different now."""
        for marked in (False, True):
            self._strips.discard((block.entry.id, "body", row, block.version, marked, block.width))

    def strip(self, row: Row, *, marked: bool, selected: tuple[int, int] | None) -> Strip:
        """A row, marker column included. `selected` is a span of its characters, -1 for the end."""
        if selected is not None:
            return self._draw(row, marked, selected)
        block = row.block
        key = (block.entry.id, row.part, row.number, block.version, marked, block.width)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._draw(row, marked, None)
        return strip

    def _draw(self, row: Row, marked: bool, selected: tuple[int, int] | None) -> Strip:
        width = row.block.width
        base = self._style("")
        text, spans = spans_of(row, width, marked=marked)
        segments: list[Segment] = []
        for start, end, name in spans:
            style = base + self._style(name) if name else base
            segments.extend(self._cut(text, start, end, style, selected))
        return Strip(segments, cell_len(text)).adjust_cell_length(width + GUTTER, base)

    def _cut(
        self, text: str, start: int, end: int, style: Style, selected: tuple[int, int] | None
    ) -> list[Segment]:
        if selected is None:
            return [Segment(text[start:end], style)]
        first, last = selected
        first = min(max(first, start), end)
        last = end if last < 0 else min(max(last, first), end)
        chosen = style + self._style("selection")
        pieces = [(start, first, style), (first, last, chosen), (last, end, style)]
        return [Segment(text[a:b], look) for a, b, look in pieces if b > a]

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self._look(name)
        return style
