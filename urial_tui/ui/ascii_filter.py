"""Draws with ASCII alone: the last thing that happens to a line, so that borders, scroll bars and our own marks are all
reached. What is copied and kept is as it was.
"""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from urial_tui.glyphs import to_ascii


class AsciiFilter(LineFilter):
    """Textual applies it to every line of every widget."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]
