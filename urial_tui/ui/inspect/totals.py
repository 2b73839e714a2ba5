"""The answer as a whole: class bar, ratios, positions, most shifted tokens. Pure drawing."""

import math

from urial_tui.shift.classes import COUNTED, Class
from urial_tui.shift.summary import EARLY, ShiftedToken, Summary
from urial_tui.ui.drawing.lines import (
    GLYPHS,
    Line,
    column,
    fit,
    fit_line,
    number,
    percent,
    safe,
    whole_percent,
)
from urial_tui.ui.inspect.tally import Bin, Tally, joined
from urial_tui.ui.inspect.trace_view import TraceView


def proportions(counts: dict[Class, int], width: int) -> list[tuple[Class, int]]:
    """Cells of a bar of `width` for each class; a class that occurs has at least one."""
    total = sum(counts[name] for name in COUNTED)
    if not total or width < len(COUNTED):
        return []
    cells = {name: max(round(counts[name] / total * width), counts[name] > 0) for name in COUNTED}
    largest = max(COUNTED, key=lambda name: cells[name])
    cells[largest] += width - sum(cells.values())
    return [(name, cells[name]) for name in COUNTED if cells[name]]


def class_bar(counts: dict[Class, int], width: int) -> Line:
    """One line in which each class has its share; empty without tokens."""
    return [(GLYPHS[name] * n, f"bar-{name}") for name, n in proportions(counts, width)]


def class_lines(summary: Summary, width: int) -> list[Line]:
    """The bar, then each class with its ratio and near ties, control apart, mean KL."""
    ratios, clear = summary.ratios, summary.ratios_without_near_ties
    if ratios is None:
        return [*_unscored(summary, width), [("no token is counted yet", "dim")]]
    lines = [class_bar(summary.counts, width)]
    for name in COUNTED:
        line: Line = [
            (f"{GLYPHS[name]} ", f"bar-{name}"),
            (f"{name:<9}", name if name != "shifted" else "bar-shifted"),
            (f" {percent(ratios[name]):>7}{summary.counts[name]:>5}", ""),
        ]
        if summary.near_ties is not None and summary.near_ties[name]:
            line.append((f"  {summary.near_ties[name]} ?", "warn"))
        lines.append(fit_line(line, width))
    near = sum(summary.near_ties.values()) if summary.near_ties is not None else 0
    if summary.near_ties is None:
        lines.append(fit_line([("near ties (?): noise not measured", "dim")], width))
    elif near and clear is not None:
        short = " ".join(f"{name[0]} {clear[name] * 100:.1f}" for name in COUNTED)
        words = f"without {near} near tie{'s' if near != 1 else ''}" if width >= 44 else "without ?"
        lines.append(fit_line([(f"{words}: {short} %", "dim")], width))
    elif near:
        lines.append(fit_line([(f"all {near} are near ties (?)", "dim")], width))
    end = f"mean KL {number(summary.mean_kl, 3)}{' nats' if width >= 40 else ''}"
    if summary.counts["control"]:
        end += f" · control {summary.counts['control']}"
    return [*lines, fit_line([(end, "")], width), *_unscored(summary, width)]


def _unscored(summary: Summary, width: int) -> list[Line]:
    if not summary.unscored:
        return []
    n = summary.unscored
    words = f"{n} token{'s' if n != 1 else ''} without a score"
    return [fit_line([(words, "warn")], width)]


def short_class_lines(summary: Summary, width: int) -> list[Line]:
    """The same in two lines."""
    ratios = summary.ratios
    if ratios is None:
        return class_lines(summary, width)[:1]
    words: Line = []
    for name in COUNTED:
        short = f" {name}" if width >= 60 else name[:1]
        words.append((GLYPHS[name], f"bar-{name}"))
        words.append((f"{short} {whole_percent(ratios[name])} ", ""))
    near = sum(summary.near_ties.values()) if summary.near_ties is not None else 0
    if near:
        words.append((f"{near}? ", "warn"))
    words.append((f"KL {number(summary.mean_kl)}", "dim"))
    return [class_bar(summary.counts, width), fit_line(words, width)]


# --- positions ----------------------------------------------------------------------------------


def sparkline(
    bins: list[Bin], width: int, *, kl: bool = False, at: int | None = None
) -> tuple[Line, float, int]:
    """One cell for each bin, joined to `width`: share of tokens not unshifted, or mean KL as a part of the highest.

    Also the highest value, and how many of the bins are in a cell. `at` is the bin to point out.
    """
    cells, each = joined(bins, width)
    values = [cell.mean_kl if kl else cell.share("marginal", "shifted") for cell in cells]
    known = [value for value in values if value is not None and not math.isnan(value)]
    finite = [value for value in known if math.isfinite(value)]
    scale = max(finite, default=0.0) if kl else 1.0
    here = at // each if at is not None else -1
    line: Line = []
    for place, value in enumerate(values):
        if value is None:
            glyph = "·"
        elif math.isinf(value):
            glyph = "∞"
        else:
            glyph = column(value / scale if scale else 0.0)
        name = "here" if place == here else "bar" if kl else "bar-shifted"
        if line and line[-1][1] == name:
            line[-1] = (line[-1][0] + glyph, name)
        else:
            line.append((glyph, name))
    return line, max(known, default=math.nan), each


def position_lines(tally: Tally, width: int, cursor: int | None, *, kl: bool) -> list[Line]:
    """A title and a sparkline over the answer's positions."""
    if not tally.positions:
        return []
    place = tally.position_of(cursor) if cursor is not None else None
    at = place // tally.size if place is not None else None
    line, top, each = sparkline(tally.bins, width, kl=kl, at=at)
    per = each * tally.size
    if kl and not any(cell.n_kl for cell in tally.bins):
        return []
    title = f"mean KL, highest {number(top)}" if kl else "not unshifted by position"
    return [
        fit_line([(title, "title"), (f" ({per}/cell)" if per > 1 else "", "dim")], width),
        line,
    ]


def early_line(tally: Tally, width: int) -> Line:
    """The first positions against later ones; empty without tokens."""
    if not tally.early.n:
        return []
    shares = []
    for part in (tally.early, tally.late):
        share = part.share("shifted")
        shares.append(percent(share) if share is not None else "none")
    words = "shifted, " if width >= 44 else ""
    return fit_line(
        [
            (f"{GLYPHS['shifted']} ", "bar-shifted"),
            (f"{words}first {EARLY}: {shares[0]}, later: {shares[1]}", ""),
        ],
        width,
    )


# --- tokens -------------------------------------------------------------------------------------


def shifted_lines(view: TraceView, found: list[ShiftedToken], width: int) -> list[Line]:
    """Most shifted tokens of the answer: label, times shifted of times written, share."""
    if not found:
        return []
    lines: list[Line] = [fit_line([("most shifted tokens", "title")], width)]
    for entry in found:
        numbers = f" {entry.shifted} of {entry.occurrences}".rjust(11)
        numbers += f"{entry.share * 100:.0f} %".rjust(6)
        label = fit(safe(view.label(entry.id)), max(width - len(numbers), 4), pad=True)
        lines.append(fit_line([(label, ""), (numbers, "dim")], width))
    return lines
