"""Where in a shown text the words are that a search found. Pure."""

import re

from urial_tui.safetext import sanitize
from urial_tui.ui.drawing.wrap import expand_tabs

MATCH_START, MATCH_END = "\x02", "\x03"
"""How the store marks a match in a snippet."""
CUT = "…"
"""How the store marks that a snippet is not the beginning or the end."""
MOST = 1000


def matches_in(text: str, snippet: str) -> tuple[list[tuple[int, int]], int]:
    """(start, end) of every place of a word that is marked in `snippet`, and which of them the snippet shows first.

    `text` is sanitised with its tabs expanded, `snippet` is raw.
    """
    before, *pieces = snippet.split(MATCH_START)
    words = sorted({_shown(piece.partition(MATCH_END)[0]) for piece in pieces} - {""}, key=len)
    if not words:
        return [], 0
    pattern = re.compile("|".join(re.escape(word) for word in reversed(words)), re.IGNORECASE)
    found = [match.span() for _, match in zip(range(MOST), pattern.finditer(text), strict=False)]
    plain = _shown(snippet.replace(MATCH_START, "").replace(MATCH_END, "").strip(CUT))
    at = text.find(plain)
    place = at + len(_shown(before.lstrip(CUT))) if at >= 0 else 0
    return found, next((n for n, (start, _) in enumerate(found) if start >= place), 0)


def _shown(raw: str) -> str:
    return expand_tabs(sanitize(raw), 0)[0]
