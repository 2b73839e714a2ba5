"""The SIDE notation: `MODEL[+ADAPTER[:SCALE]][@STYLE]`, read, written and completed the same way in CLI and UI.

A side is a model, an optional LoRA adapter and a style (how a conversation becomes prompt tokens). This module
knows the notation only; finding the files is `urial_tui.models`, rendering the style is `urial_tui.prompts`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from urial_tui.errors import UsageError

RAW = "raw"
ZERO_SHOT = "zero-shot"
CHAT = "chat"
SAME = "same"
TEXT = "text"
RESERVED_STYLES = frozenset({RAW, ZERO_SHOT, CHAT, SAME, TEXT})
"""Words that no pack may have as its id."""

DEMO = "demo"
"""The name of the embedded model, in any SIDE."""

UNKNOWN = "(unknown)"
"""In the place of a session's side that was lost with a damaged part of the history: no model has this name."""

_NEEDS_QUOTES = re.compile(r'[+@:\s"]')
_SIDE = re.compile(
    r"""
    (?P<model> "(?:[^"]+)" | [^+@"\s]+? )
    (?: \+ (?P<adapter> "(?:[^"]+)" | [^+@:"\s]+ ) (?: : (?P<scale> [^@:\s"]+ ) )? )?
    (?: @ (?P<style> [^+@:\s"]* ) )?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Side:
    """One side as the user wrote it; names are not resolved yet. `style` None means the default for the model."""

    model: str
    adapter: str | None = None
    scale: float = 1.0
    style: str | None = None

    def with_style(self, style: str | None) -> "Side":
        return replace(self, style=style)

    def __str__(self) -> str:
        text = _quoted(self.model)
        if self.adapter is not None:
            text += "+" + _quoted(self.adapter)
            if self.scale != 1.0:
                text += f":{self.scale:g}"
        if self.style is not None:
            text += "@" + self.style
        return text


def _quoted(name: str) -> str:
    return f'"{name}"' if _NEEDS_QUOTES.search(name) else name


def parse_side(text: str) -> Side:
    """Read SIDE notation. Raises UsageError that names what is wrong."""
    text = text.strip()
    if not text:
        raise UsageError(
            "the side is empty",
            hint="Write MODEL, MODEL@STYLE or MODEL+ADAPTER@STYLE, for example demo@raw.",
        )
    match = _SIDE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"cannot read the side {text!r}",
            hint="Write MODEL[+ADAPTER[:SCALE]][@STYLE]; a path with +, @, : or a space goes in double quotes.",
        )
    adapter = match["adapter"]
    scale = 1.0
    if match["scale"] is not None:
        try:
            scale = float(match["scale"])
        except ValueError:
            raise UsageError(
                f"the adapter scale {match['scale']!r} in {text!r} is not a number"
            ) from None
        if not -100.0 < scale < 100.0:
            raise UsageError(
                f"the adapter scale {scale:g} in {text!r} is out of range",
                hint="Use a number near 1.",
            )
    return Side(
        model=match["model"].strip('"'),
        adapter=adapter.strip('"') if adapter else None,
        scale=scale,
        style=match["style"] or None,
    )


def complete_side(
    text: str, models: Sequence[str], adapters: Sequence[str], styles: Sequence[str]
) -> list[str]:
    """How the SIDE that begins with `text` can go on: whole texts that parse, in the order of the names given.

    The part that is being written is completed, regardless of case; behind a name that is complete, the parts that may
    follow it are offered, too. [] where nothing fits, or where a number is due.
    """
    head, mark, part = _last_part(text)
    if mark == ":":
        return []
    names = {"": models, "+": adapters, "@": styles}[mark]
    written = [name if mark == "@" else _quoted(name) for name in names]
    wanted = part.lstrip('"').casefold()
    found = [
        head + mark + shown
        for name, shown in zip(names, written, strict=True)
        if name.casefold().startswith(wanted.removesuffix('"'))
    ]
    if mark != "@" and part in written:
        found += [f"{text}+{_quoted(name)}" for name in adapters if mark == ""]
        found += [f"{text}@{style}" for style in styles]
    return [side for side in dict.fromkeys(found) if _parses(side)]


def _parses(text: str) -> bool:
    try:
        parse_side(text)
    except UsageError:
        return False
    return True


def _last_part(text: str) -> tuple[str, str, str]:
    """What is before the last of the marks + : @ that no quotes enclose, that mark ("" at the MODEL), what follows."""
    quoted = False
    cut = -1
    for at, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character in "+:@" and not quoted:
            cut = at
    return (text[:cut], text[cut], text[cut + 1 :]) if cut >= 0 else ("", "", text)
