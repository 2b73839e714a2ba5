"""Tells content from scaffold in what a chat template gave, by comparing it with the same rendering of marks.

The template is rendered twice, once with the messages and once with a mark in the place of each. What stands between
the marks is scaffold; what the first rendering has in their places is content. Pure text work, run by the template
process within its limits; nothing here evaluates a template.
"""

import re
from collections.abc import Callable, Iterator, Sequence

Spans = list[tuple[str, bool]]
"""Pieces of text; True marks content."""

Ends = Callable[[int, int], Iterator[int]]
"""Where the content of the n-th mark may end, when it begins at a position of the text."""

MAX_STEPS = 20_000
MAX_OCCURRENCES = 64


def align(
    text: str, marked: str, contents: Sequence[str], marks: Sequence[str | None]
) -> Spans | None:
    """The spans of `text`, or None where its scaffold is not that of `marked`.

    `marks[i]` stands for `contents[i]` in `marked`; None where a message has no mark. A template may use a message
    once, several times or not at all, and may trim it. Where it takes only a part of a message (what follows
    `</think>`), the longest part that fits is content: text that a user copied from the scaffold stays content.
    """
    numbers = {mark: number for number, mark in enumerate(marks) if mark is not None}
    if not numbers:
        return [(text, False)] if text == marked and text else None
    pieces = re.split("(" + "|".join(map(re.escape, numbers)) + ")", marked)
    scaffold = pieces[0::2]
    used = [contents[numbers[mark]] for mark in pieces[1::2]]
    for ends in (_trimmed(text, used), _parts(text, used, scaffold)):
        found = _search(text, scaffold, ends)
        if found is not None:
            return _spans(text, found)
    return None


def _trimmed(text: str, used: Sequence[str]) -> Ends:
    """The whole message, with or without the white space around it, the longest first."""

    def ends(number: int, start: int) -> Iterator[int]:
        whole = used[number]
        variants = dict.fromkeys((whole, whole.rstrip(), whole.lstrip(), whole.strip()))
        for variant in sorted(variants, key=len, reverse=True):
            if text.startswith(variant, start):
                yield start + len(variant)

    return ends


def _parts(text: str, used: Sequence[str], scaffold: Sequence[str]) -> Ends:
    """Any part of the message that the next piece of scaffold follows, the longest first."""

    def ends(number: int, start: int) -> Iterator[int]:
        whole, after = used[number], scaffold[number + 1]
        high = min(start + len(whole), len(text))
        if number == len(used) - 1:
            high = min(high, len(text) - len(after))
            if high + len(after) == len(text) and start <= high and text[start:high] in whole:
                yield high
            return
        for _ in range(MAX_OCCURRENCES):
            end = text.rfind(after, start, high + len(after))
            if end < 0:
                return
            if text[start:end] in whole:
                yield end
            high = end - 1
            if high < start:
                return

    return ends


def _search(text: str, scaffold: Sequence[str], ends: Ends) -> list[tuple[int, int]] | None:
    """Begin and end of each content, so that the scaffold around them is exactly `scaffold`; depth first."""
    if not text.startswith(scaffold[0]):
        return None
    last = len(scaffold) - 1
    found: list[tuple[int, int]] = []
    begins = [len(scaffold[0])]
    tries = [ends(0, begins[0])] if last else []
    dead: set[tuple[int, int]] = set()
    for _ in range(MAX_STEPS):
        if not tries:
            return None
        number = len(tries) - 1
        end = next(tries[-1], None)
        if end is None:
            tries.pop()
            dead.add((number, begins.pop()))
            if found:
                found.pop()
            continue
        after = end + len(scaffold[number + 1])
        if not text.startswith(scaffold[number + 1], end) or (number + 1, after) in dead:
            continue
        if number + 1 < last:
            found.append((begins[-1], end))
            begins.append(after)
            tries.append(ends(number + 1, after))
        elif after == len(text):
            return [*found, (begins[-1], end)]
    return None


def _spans(text: str, contents: Sequence[tuple[int, int]]) -> Spans:
    spans: Spans = []
    at = 0
    for start, end in [*contents, (len(text), len(text))]:
        for piece, content in ((text[at:start], False), (text[start:end], True)):
            if piece and spans and spans[-1][1] == content:
                spans[-1] = (spans[-1][0] + piece, content)
            elif piece:
                spans.append((piece, content))
        at = end
    return spans
