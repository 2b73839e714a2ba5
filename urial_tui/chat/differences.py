"""What differs between two texts, piece by piece: tokens where both come from one vocabulary, words elsewhere.

Pure. The work is bounded whatever the texts are: pieces that occur once in both are matched first (patience diff), what
is between them is matched exactly where it is short, and where it is long and repeats itself it counts as different.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from urial_tui.store.types import Token

MOST_CELLS = 250_000
"""Pieces of one text times pieces of the other that are compared each with each, at most."""

# A word with the blanks before it; signs, and characters of scripts without blanks, are words of their own.
_WORDS = re.compile(
    r"\s*(?:[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|\w+|[^\w\s])"
    r"|\s+$"
)

Unit = Literal["token", "word"]


@dataclass(frozen=True)
class Pieces:
    """A text in pieces: their texts, which joined are the whole, and what they are compared by."""

    texts: tuple[str, ...]
    keys: tuple[Hashable, ...]


@dataclass(frozen=True)
class Run:
    """Pieces `a_start` to `a_end` of the one text against `b_start` to `b_end` of the other, ends left out."""

    same: bool
    a_start: int
    a_end: int
    b_start: int
    b_end: int

    @property
    def longest(self) -> int:
        return max(self.a_end - self.a_start, self.b_end - self.b_start)


@dataclass(frozen=True)
class Written:
    """An answer as it was written: `begun` was there before its first token."""

    content: str
    begun: str = ""
    tokens: tuple[Token, ...] = ()


def in_words(text: str) -> Pieces:
    """A text in words; joined they are the text."""
    words = tuple(_WORDS.findall(text))
    return Pieces(words, words)


def in_pieces(a: Written, b: Written) -> tuple[Unit, Pieces, Pieces]:
    """Two answers in the finest pieces in which they can be compared."""
    both = _in_tokens(a), _in_tokens(b)
    if both[0] is not None and both[1] is not None and _one_vocabulary(a.tokens, b.tokens):
        return "token", both[0], both[1]
    return "word", in_words(a.content), in_words(b.content)


def _in_tokens(written: Written) -> Pieces | None:
    """None where the tokens do not make up the text."""
    shown = [token for token in written.tokens if not token.control and token.visible > 0]
    if not shown:
        return None
    begun = in_words(written.begun)
    texts = [*begun.texts, *(token.text for token in shown)]
    keys: list[Hashable] = [*begun.keys, *(token.token_id for token in shown)]
    whole = "".join(texts)
    if not written.content.startswith(whole):
        return None
    if rest := written.content[len(whole) :]:
        texts.append(rest)
        keys.append(rest)
    return Pieces(tuple(texts), tuple(keys))


def _one_vocabulary(a: Sequence[Token], b: Sequence[Token]) -> bool:
    """Whether each id stands for the same bytes in both, and bytes for the same id. A single byte may have two ids."""
    raw_of: dict[int, bytes] = {}
    id_of: dict[bytes, int] = {}
    for token in (*a, *b):
        if token.control:
            continue
        if raw_of.setdefault(token.token_id, token.raw) != token.raw:
            return False
        if len(token.raw) > 1 and id_of.setdefault(token.raw, token.token_id) != token.token_id:
            return False
    return True


def runs_of(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Run]:
    """Both texts from beginning to end as runs that are the same and runs that differ, in turn.

    The same pieces that are fewer than what differs before and after them are a coincidence and count as different.
    """
    runs: list[Run] = []
    at_a = at_b = 0
    for i, j, n in [*_matches(a, b), (len(a), len(b), 0)]:
        if i > at_a or j > at_b:
            runs.append(Run(False, at_a, i, at_b, j))
        if n:
            runs.append(Run(True, i, i + n, j, j + n))
        at_a, at_b = i + n, j + n
    return _without_coincidences(runs)


def _without_coincidences(runs: list[Run]) -> list[Run]:
    kept: list[Run] = []
    for run in runs:
        kept.append(run)
        while len(kept) > 2 and not kept[-1].same and kept[-2].longest < min(
            kept[-3].longest, kept[-1].longest
        ):  # fmt: skip
            last, _, first = kept.pop(), kept.pop(), kept.pop()
            kept.append(Run(False, first.a_start, last.a_end, first.b_start, last.b_end))
    return kept


def _matches(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int, int]]:
    """Where the two are the same, in order: (place in `a`, place in `b`, how many pieces)."""
    pairs: list[tuple[int, int]] = []
    waiting = [(0, len(a), 0, len(b))]
    while waiting:
        a_start, a_end, b_start, b_end = waiting.pop()
        while a_start < a_end and b_start < b_end and a[a_start] == b[b_start]:
            pairs.append((a_start, b_start))
            a_start, b_start = a_start + 1, b_start + 1
        while a_start < a_end and b_start < b_end and a[a_end - 1] == b[b_end - 1]:
            a_end, b_end = a_end - 1, b_end - 1
            pairs.append((a_end, b_end))
        if a_start == a_end or b_start == b_end:
            continue
        if (a_end - a_start) * (b_end - b_start) <= MOST_CELLS:
            pairs += _longest_common(a, b, a_start, a_end, b_start, b_end)
            continue
        fixed = _fixed_points(a, b, a_start, a_end, b_start, b_end)
        pairs += fixed
        ends = [*fixed, (a_end, b_end)] if fixed else []
        for i, j in ends:
            waiting.append((a_start, i, b_start, j))
            a_start, b_start = i + 1, j + 1
    return _joined(sorted(pairs))


def _joined(pairs: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for i, j in pairs:
        if found and (i, j) == (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]):
            found[-1] = (found[-1][0], found[-1][1], found[-1][2] + 1)
        else:
            found.append((i, j, 1))
    return found


def _fixed_points(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    a_start: int,
    a_end: int,
    b_start: int,
    b_end: int,
) -> list[tuple[int, int]]:
    """Pieces that occur once in each, as many of them as come in the same order: the longest increasing sequence."""
    once = {key for key, n in Counter(a[a_start:a_end]).items() if n == 1}
    in_b = Counter(b[b_start:b_end])
    place_in_b = {b[j]: j for j in range(b_start, b_end)}
    unique = [
        (i, place_in_b[a[i]]) for i in range(a_start, a_end) if a[i] in once and in_b[a[i]] == 1
    ]
    ends: list[int] = []  # of sequences of each length, the smallest place in b
    last: list[int] = []  # which of `unique` that is
    before: list[int] = []
    for number, (_, j) in enumerate(unique):
        length = bisect_left(ends, j)
        ends[length : length + 1] = [j]
        last[length : length + 1] = [number]
        before.append(last[length - 1] if length else -1)
    found: list[tuple[int, int]] = []
    number = last[-1] if last else -1
    while number >= 0:
        found.append(unique[number])
        number = before[number]
    return found[::-1]


def _longest_common(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    a_start: int,
    a_end: int,
    b_start: int,
    b_end: int,
) -> list[tuple[int, int]]:
    """A longest common subsequence, exactly: time and memory as the product of the two lengths."""
    columns = range(b_end - 1, b_start - 1, -1)
    rows = [[0] * (b_end - b_start + 1)]  # of the ends of both, the last row first
    for i in range(a_end - 1, a_start - 1, -1):
        below, row, right = rows[-1], [0] * (b_end - b_start + 1), 0
        for j in columns:
            place = j - b_start
            right = below[place + 1] + 1 if a[i] == b[j] else max(below[place], right)
            row[place] = right
        rows.append(row)
    found: list[tuple[int, int]] = []
    i, j = a_start, b_start
    while i < a_end and j < b_end:
        row, below = rows[a_end - i], rows[a_end - i - 1]
        place = j - b_start
        if a[i] == b[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif below[place] >= row[place + 1]:
            i += 1
        else:
            j += 1
    return found
