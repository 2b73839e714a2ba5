"""Texts to rate, and marks, as safe lines. Pure drawing, for all screens of rating."""

from collections.abc import Mapping, Sequence

from urial_tui.judge.people import NA
from urial_tui.prompts.types import Turn
from urial_tui.safetext import sanitize
from urial_tui.ui.drawing.lines import Line
from urial_tui.ui.drawing.wrap import TAB, row_starts
from urial_tui.ui.keymap import key_in_words

INDENT = 2

_WORDS: dict[int | str | None, str] = {NA: "n/a", "a": "A", "b": "B", "tie": "tie", None: "–"}


def mark_words(mark: int | str | None) -> str:
    """A mark as it is shown; `–` for none."""
    return _WORDS.get(mark, str(mark))


def text_lines(text: str, width: int, look: str = "", indent: int = INDENT) -> list[Line]:
    """A whole text, wrapped: raw text in, safe lines out."""
    room = max(width - indent, 4)
    lines: list[Line] = []
    for paragraph in sanitize(text).expandtabs(TAB).split("\n"):
        starts = row_starts(paragraph, room)
        for start, end in zip(starts, [*starts[1:], len(paragraph)], strict=True):
            lines.append([(" " * indent + paragraph[start:end].rstrip(), look)])
    return lines


def conversation_lines(before: Sequence[Turn], width: int) -> tuple[list[Line], int]:
    """The turns before an answer, and at which line the last of them begins."""
    lines: list[Line] = []
    last = 0
    for turn in before:
        last = len(lines)
        lines.append([("You" if turn.role == "user" else "Earlier answer", "title")])
        lines += text_lines(turn.text, width, "" if turn.role == "user" else "dim")
        lines.append([])
    return lines, last


def answer_lines(title: str, content: str, width: int) -> list[Line]:
    """An answer under its title; an empty one is said to be empty."""
    body = text_lines(content, width) if content.strip() else [[("  (empty)", "dim")]]
    return [[(title, "title")], *body]


def key_range(command_ids: Sequence[str], keymap: Mapping[str, str]) -> str:
    """The keys of several commands in one word: `1-5`, or all of them where they were bound anew."""
    keys = [key_in_words(one, keymap) for one in command_ids]
    if keys == [str(number) for number in range(1, len(keys) + 1)]:
        return f"1-{len(keys)}"
    return " ".join(keys)
