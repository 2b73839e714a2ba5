"""Pooled classes of pairs of sides, a few lines each: how many answers, ratios, mean KL. Pure drawing."""

from collections.abc import Sequence

from urial_tui.shift.classes import COUNTED, Class
from urial_tui.store.types import ShiftTotals
from urial_tui.ui.drawing.lines import (
    GLYPHS,
    Line,
    fit_line,
    fit_middle,
    number,
    percent,
    safe,
    whole_percent,
)
from urial_tui.ui.inspect.totals import class_bar


def totals_lines(totals: Sequence[ShiftTotals], width: int) -> list[Line]:
    """Each pair with its sides, path, size, class bar and numbers; one sentence when there is none."""
    if not totals:
        return [fit_line([("No answer has scores here.", "dim")], width)]
    lines: list[Line] = []
    for entry in totals:
        if lines:
            lines.append([])
        lines += _entry(entry, width)
    return lines


def _entry(entry: ShiftTotals, width: int) -> list[Line]:
    counts: dict[Class, int] = {
        "unshifted": entry.unshifted,
        "marginal": entry.marginal,
        "shifted": entry.shifted,
        "control": entry.control,
    }
    tokens = sum(counts[name] for name in COUNTED)
    generator = safe(entry.generator, 2000) if entry.generator is not None else "a given text"
    reference = safe(entry.reference, 2000)
    against = " against "
    if len(generator) + len(reference) + len(against) <= width:
        lines: list[Line] = [[(generator, "strong"), (against, "dim"), (reference, "strong")]]
    else:
        lines = [
            [("gen ", "dim"), (fit_middle(generator, width - 4), "strong")],
            [("ref ", "dim"), (fit_middle(reference, width - 4), "strong")],
        ]
    answers = f"{entry.answers} answer{'s' if entry.answers != 1 else ''}"
    about = f"{entry.path} · {answers} · {tokens} tokens"
    if entry.control:
        about += f" · {entry.control} control"
    lines.append(fit_line([(about, "dim")], width))
    if not tokens:
        return [*lines, [("no token is counted", "dim")]]
    lines.append(class_bar(counts, width))
    numbers: Line = []
    for name in COUNTED:
        word = name if width >= 70 else name[:1]
        share = (percent if width >= 50 else whole_percent)(counts[name] / tokens)
        numbers += [(GLYPHS[name], f"bar-{name}"), (f" {word} {share}  ", "")]
    numbers.append((f"KL {number(entry.mean_kl, 3)}", "dim"))
    return [*lines, fit_line(numbers, width)]
