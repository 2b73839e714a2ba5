"""Sides as the interface names them."""

import re

from urial_tui.ui.drawing.lines import safe


def short_side(text: str) -> str:
    """SIDE notation, or any other label, without the folders of its files: those say little and are long."""
    return _FOLDERS.sub("", safe(text, 400))


_FOLDERS = re.compile(r"(?<=\")[^\"]*/|(?<![^\s+])[~/][^\s\"+@]*/")
"""From where a path begins to its last separator; one with spaces is in quotes."""
