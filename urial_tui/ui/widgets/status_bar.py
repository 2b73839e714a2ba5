"""The line that says what goes on: state, context used, speed, side. Numbers stay after an answer ends.

`compose` is pure: it drops what matters least until the rest fits. Meaning is in the words; colour only repeats it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from urial_tui.safetext import sanitize_line

Tone = Literal["normal", "busy", "good", "warn", "error"]
Piece = tuple[str, Tone]
SEPARATOR = " · "
WIDE = 98
"""From this many columns on (100 with the padding) the line says where the model runs, the rest shorter if need be."""
_WITHOUT_SIDE = 5
"""So many of the shortest lines do not name the side."""


@dataclass(frozen=True)
class Status:
    """What there is to say. None and "" are left out."""

    state: str = ""
    tone: Tone = "normal"
    notice: str = ""
    context_used: int | None = None
    context_size: int | None = None
    tokens_per_s: float | None = None
    side: str = ""
    shift: str = ""
    """Ratios of the classes, "unshifted 78% marginal 14% shifted 8%"."""
    short_shift: str = ""
    against: str = ""
    """What the side is compared with, "vs demo@zero-shot, live"."""
    foreign: bool = False
    """`shift` is of another generator than `side`, which `against` names: it is never shown without that."""
    device: str = ""
    """Where the model runs, "CPU", "GPU 20/33 layers"."""
    downloads: str = ""
    """Running downloads, "↓ 43 % 12 MB/s"."""
    judging: str = ""
    """A judge at work, "judging, 34 tokens"; it is said before downloads."""


def describe_phase(phase: str, done: int = 0, total: int = 0, detail: str = "") -> tuple[str, Tone]:
    """An engine phase in words, with its tone."""
    if phase == "loading":
        share = f"loading {done * 100 // total} %" if total else "loading the model"
        return (f"{share}, {detail}" if detail else share), "busy"
    if phase == "prefilling":
        return (f"reading prompt {done}/{total}" if total else "reading prompt"), "busy"
    if phase == "generating":
        return "generating", "busy"
    if phase == "ready":
        return "ready", "good"
    if phase == "failed":
        return (f"failed: {detail}" if detail else "failed"), "error"
    return (detail or "idle"), "normal"


def compose(status: Status, width: int) -> list[Piece]:
    """The pieces of the line, in order, that fit `width` cells; at the least the notice or the state, cut with `…`."""
    for pieces in [*_with_ends(status, width), *_shorter_and_shorter(status)]:
        if _width(pieces) <= width:
            return pieces
    if width <= 0:
        return []
    if status.notice:
        return [(_cut(sanitize_line(status.notice), width), "warn")]
    return [(_cut(sanitize_line(status.state), width), status.tone)]


def _with_ends(status: Status, width: int) -> list[list[Piece]]:
    """The line with what stands at its end, longest first: the device where the line is wide, and running downloads as
    long as the side is named."""
    choices = _shorter_and_shorter(status)
    # The speed gives way to what stands at the end, the side's name does not.
    without_speed = replace(status, tokens_per_s=None, against="")
    named = [*choices[:-_WITHOUT_SIDE], _shorter_and_shorter(without_speed)[-_WITHOUT_SIDE - 1]]
    device = sanitize_line(status.device) if width >= WIDE else ""
    on: list[Piece] = [(device, "normal")] if device else []
    found: list[list[Piece]] = []
    running = sanitize_line(status.judging or status.downloads)
    if running:
        share = running.partition(" % ")[0] + " %" if " % " in running else running
        share = share.partition(",")[0] if status.judging else share
        found += [[*choices[0], *on, (running, "busy")]]
        found += [[*pieces, *on, (share, "busy")] for pieces in named]
        found += [[*pieces, (share, "busy")] for pieces in named]
    return found + ([[*pieces, *on] for pieces in named] if on else [])


def _width(pieces: Sequence[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces) + len(SEPARATOR) * (len(pieces) - 1)


def _shorter_and_shorter(status: Status) -> list[list[tuple[str, Tone]]]:
    state: tuple[str, Tone] = (sanitize_line(status.state), status.tone)
    notice: tuple[str, Tone] = (sanitize_line(status.notice), "warn")
    context = short_context = speed = ""
    context_tone: Tone = "normal"
    if status.context_used is not None and status.context_size:
        share = status.context_used / status.context_size
        context = f"ctx {status.context_used}/{status.context_size}"
        short_context = f"ctx {share:.0%}"
        context_tone = "warn" if share >= 0.9 else "normal"
    if status.tokens_per_s is not None:
        speed = f"{status.tokens_per_s:.1f} tok/s"
    side = sanitize_line(status.side)
    short_side = _cut(side, 24)
    against = sanitize_line(status.against)
    both = f"{side} {against}" if against else side
    shift: tuple[str, Tone] = (sanitize_line(status.shift), "normal")
    short_shift: tuple[str, Tone] = (sanitize_line(status.short_shift), "normal")
    own_shift: tuple[str, Tone] = ("", "normal") if status.foreign else short_shift
    full_context, low_context = (context, context_tone), (short_context, context_tone)
    rate: tuple[str, Tone] = (speed, "normal")
    sides: list[tuple[str, Tone]] = [(both, "normal"), (side, "normal"), (short_side, "normal")]
    compared: list[list[tuple[str, Tone]]] = [
        [state, notice, shift, full_context, rate, sides[0]],
        [state, notice, short_shift, full_context, rate, sides[0]],
        [state, notice, short_shift, low_context, rate, sides[0]],
        [state, notice, short_shift, low_context, sides[0]],
    ]
    choices: list[list[tuple[str, Tone]]] = [
        *(compared if against else []),
        [state, notice, own_shift, full_context, rate, sides[1]],
        [state, notice, own_shift, full_context, rate, sides[2]],
        [state, notice, own_shift, low_context, rate, sides[2]],
        [state, notice, own_shift, low_context, rate],
        [state, notice, own_shift, low_context],
        [state, notice, low_context],
        [state, notice],
        [notice if status.notice else state],
    ]
    return [[(text, tone) for text, tone in pieces if text] for pieces in choices]


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


class StatusBar(Widget):
    """One line. `update` changes some of what it says and keeps the rest."""

    DEFAULT_CSS = """
    StatusBar { height: 1; width: 1fr; padding: 0 1; background: $panel; color: $text-muted; }
    """

    status: reactive[Status] = reactive(Status)

    STYLES: dict[Tone, str] = {
        "normal": "",
        "busy": "bold $text-accent",
        "good": "$text-success",
        "warn": "bold $text-warning",
        "error": "bold reverse $text-error",
    }

    def update(self, **changes: Any) -> None:
        """Change fields of the status by name."""
        self.status = replace(self.status, **changes)

    def render(self) -> Content:
        pieces = compose(self.status, self.content_size.width)
        return Content(SEPARATOR).join(styled(pieces))


def styled(pieces: Sequence[tuple[str, Tone]]) -> list[Content]:
    """The pieces as content, with their tones as styles."""
    return [Content.styled(text, StatusBar.STYLES[tone]) for text, tone in pieces]
