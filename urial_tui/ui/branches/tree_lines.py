"""The tree of a session as lines, and what is known of one message. Pure drawing, safe text."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len

from urial_tui.chat.branch_tree import BranchTree, TreeRow
from urial_tui.shift.classes import COUNTED, Class
from urial_tui.store.sessions.outline import BEGINNING, OutlineRow
from urial_tui.ui.drawing.lines import (
    GLYPHS,
    Line,
    fit,
    fit_line,
    fit_middle,
    safe,
    whole_percent,
    wrapped,
)
from urial_tui.ui.drawing.roles import ROLES
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.inspect.totals import class_bar

STATUS = {"stopped": "stopped", "interrupted": "interrupted", "failed": "failed"}
"""What is said of an answer that did not end by itself."""
WRITTEN = "is written"
SIDE_WIDTH = 26
SIDES_FROM = 110
"""From this many columns on each line names the side."""
NUMBERS_FROM = 64
"""From this many columns on each line has its numbers."""
TEXT_ROOM = 28
"""Cells that rails leave to the rest of a line at least."""


@dataclass(frozen=True)
class Columns:
    """What the lines of a session say at their right end."""

    status: bool = False
    shifted: bool = False
    score: bool = False

    @classmethod
    def of(cls, tree: BranchTree) -> "Columns":
        messages = tree.messages.values()
        return cls(
            any(status_word(message) for message in messages),
            any(message.counted for message in messages),
            any(message.score is not None for message in messages),
        )

    def widths(self, width: int) -> dict[str, int]:
        """Their names with their cells, from left to right."""
        found = {"side": SIDE_WIDTH} if width >= SIDES_FROM else {}
        if self.status:
            found["status"] = len("interrupted")
        if self.shifted and width >= NUMBERS_FROM:
            found["shifted"] = len("shifted")
        if self.score and width >= NUMBERS_FROM:
            found["score"] = len("score")
        return found


def status_word(message: OutlineRow) -> str:
    """How an answer ended, "" when it did by itself."""
    return WRITTEN if message.being_written else STATUS.get(message.status, "")


def head_line(columns: Columns, width: int) -> Line:
    """The names of the columns."""
    right = "".join("  " + _aligned(name, name, cells) for name, cells in columns.widths(width).items())  # fmt: skip
    return [(fit("   message", width - cell_len(right), pad=True) + right, "dim")]


def _aligned(name: str, text: str, cells: int) -> str:
    text = fit_middle(text, cells) if name == "side" else fit(text, cells)
    fill = " " * (cells - cell_len(text))
    return fill + text if name in ("shifted", "score") else text + fill


def tree_line(
    row: TreeRow, columns: Columns, width: int, *, here: bool, mark: str, parts: bool
) -> Line:
    """One message. `mark` is a letter or a blank; `parts`: several messages follow it."""
    message = row.message
    values = {
        "side": short_side(message.side) if message.side else "",
        "status": status_word(message),
        "shifted": shifted_share(message),
        "score": f"{message.score:.1f}" if message.score is not None else "",
    }
    right: Line = []
    for name, cells in columns.widths(width).items():
        look = "warn" if name == "status" else "dim" if name == "side" else ""
        right.append(("  " + _aligned(name, values[name], cells), look))
    room = width - sum(cell_len(text) for text, _ in right)
    which, count = row.version
    dot = ("◆" if parts else "●") if row.shown else ("◇" if parts else "○")
    left: Line = [
        (">" if here else " ", "here" if here else ""),
        (mark, "chosen" if mark.strip() else ""),
        (_rails(row, room), "dim"),
        (f"{dot} ", "title" if row.shown else "dim"),
        (f"{which}/{count} " if count > 1 else "", "title"),
        (f"{ROLES[message.role]:<6}", "strong" if row.shown else ""),
    ]
    used = sum(cell_len(text) for text, _ in left)
    left.append((fit(first_line(message), max(room - used, 0)), "" if row.shown else "dim"))
    left = fit_line(left, room)
    left.append((" " * (room - sum(cell_len(text) for text, _ in left)), ""))
    return [*left, *right]


def _rails(row: TreeRow, room: int) -> str:
    """The main lines that go on beside this one; of very many the first are left out."""
    most = max((room - TEXT_ROOM) // 2, 1)
    level = min(row.level, most)
    rails = "│ " * level
    if row.level > most:
        rails = "… " + rails[2:]
    return rails[:-2] + "├ " if row.begins and rails else rails


def first_line(message: OutlineRow) -> str:
    """The first line of it with something in it, safe."""
    lines = (line for line in message.beginning.splitlines() if line.strip())
    return safe(next(lines, "(empty)").strip())


def shifted_share(message: OutlineRow) -> str:
    """The share of shifted tokens; "" without scores."""
    return whole_percent((message.shifted or 0) / message.counted) if message.counted else ""


def counts_of(message: OutlineRow) -> dict[Class, int]:
    return {
        "unshifted": message.unshifted or 0,
        "marginal": message.marginal or 0,
        "shifted": message.shifted or 0,
    }


def number_words(message: OutlineRow) -> list[str]:
    """Length, speed, score, and how it ended, each where it is known."""
    words = []
    if message.completion_tokens is not None:
        n = message.completion_tokens
        words.append(f"{n:,} token{'s' if n != 1 else ''}")
    if message.tokens_per_s:
        words.append(f"{message.tokens_per_s:.1f} tok/s")
    if message.score is not None:
        words.append(f"score {message.score:.1f}")
    if status_word(message):
        words.append(status_word(message))
    return words


def class_lines(message: OutlineRow, width: int) -> list[Line]:
    """A bar of the classes and their shares; nothing without scores."""
    if not message.counted:
        return []
    counts: Mapping[Class, int] = counts_of(message)
    shares: Line = []
    for name in COUNTED:
        short = f" {name} " if width >= 50 else " "
        share = whole_percent(counts[name] / message.counted)
        shares += [(GLYPHS[name], f"bar-{name}"), (f"{short}{share}  ", "")]
    return [class_bar(dict(counts), width), fit_line(shares, width)]


def detail_lines(row: TreeRow, width: int, height: int) -> list[Line]:
    """What is known of one message, in at most `height` lines."""
    message = row.message
    which, count = row.version
    words = [ROLES[message.role] + (f" {which}/{count}" if count > 1 else "")]
    if message.side:
        words.append(short_side(message.side))
    words += number_words(message)
    lines: list[Line] = [fit_line([(" · ".join(words), "title")], width)]
    if message.counted:
        against = f" against {short_side(message.reference or '')}"
        _, shares = class_lines(message, width)
        lines.append(fit_line([*shares, (against, "dim")], width))
    if message.error:
        lines += wrapped(safe(message.error), width, "bad", most=1)
    text = safe(" ".join(message.beginning.split()), 2000)
    if len(message.beginning) >= BEGINNING:
        text += "…"
    return [*lines, *wrapped(text or "(empty)", width, "", most=max(height - len(lines), 1))][
        :height
    ]
