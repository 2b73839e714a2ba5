"""The part of a text around a match, the matches marked: for texts that FTS5's own snippets are too slow for, and for
what is looked for literally. Words are compared as in the index: whole, without case and accents.
"""

import re
import unicodedata
from collections.abc import Sequence

BEGIN, END = "\x02", "\x03"
"""What marks a match in a snippet."""
_BEFORE, _AFTER = 40, 80
_INDEXED = r"[^\W_]"
_ACCENT = "[\u0300-\u036f]"
"""Accents that are characters of their own follow their letter."""
_WORD = re.compile(rf"{_INDEXED}(?:{_INDEXED}|{_ACCENT})*")


class Places:
    """Finds the words of a query, or a literal one, in texts. The first pattern is what an excerpt is around."""

    def __init__(self, patterns: Sequence[str], *, folded: bool) -> None:
        self._first = re.compile(patterns[0])
        self._every = re.compile("|".join(patterns))
        self._folded = folded

    def excerpt(self, text: str) -> str:
        """Around the first match, with the matches near it marked; the beginning of a text without one."""
        compared = _fold(text) if self._folded else text
        found = self._first.search(compared)
        if found is None:
            return text[: _BEFORE + _AFTER]
        start = at = max(0, found.start() - _BEFORE)
        stop = min(len(text), found.end() + _AFTER)
        parts = ["…"] if start else []
        for match in self._every.finditer(compared, start, stop):
            parts += [text[at : match.start()], BEGIN, text[match.start() : match.end()], END]
            at = match.end()
        return "".join([*parts, text[at:stop], "…" if stop < len(text) else ""])


def literal(text: str) -> Places:
    """Places where exactly this is."""
    return Places([re.escape(text) or "(?!)"], folded=False)


def words(terms: Sequence[str], *, last_may_go_on: bool) -> Places:
    """Places of words and phrases; the last one may be the beginning of a word."""
    patterns = []
    for n, term in enumerate(terms, 1):
        tokens = [re.sub(_ACCENT, "", word) for word in _WORD.findall(_fold(term))]
        spelled = ["".join(f"{re.escape(c)}{_ACCENT}*" for c in token) for token in tokens]
        goes_on = last_may_go_on and n == len(terms)
        end = f"(?:{_INDEXED}|{_ACCENT})*" if goes_on else f"(?!{_INDEXED})"
        if spelled:  # private characters are in the index and are no letters here
            inner = r"[\W_]+".join(spelled)
            patterns.append(f"(?<!{_INDEXED})(?<!{_ACCENT}){inner}{end}")
    return Places(patterns or ["(?!)"], folded=True)


def _fold(text: str) -> str:
    """Small letters without accents, each in its place."""
    if text.isascii():
        return text.lower()
    return text.translate({ord(c): _letter(c) for c in set(text)})


def _letter(character: str) -> str:
    parts = unicodedata.normalize("NFD", character)
    is_accented = re.fullmatch(f".{_ACCENT}+", parts)  # syllables of Hangul fall apart, too
    return (parts if is_accented else character).lower()[0]
