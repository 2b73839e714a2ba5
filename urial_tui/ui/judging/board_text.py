"""The board's texts: a row in detail with bars, agreement of judges, published figures. Pure, safe lines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from urial_tui.ui.drawing.lines import Line, fit, fit_line, safe, wrapped
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.judging.board_rows import interval_words

if TYPE_CHECKING:
    from urial_tui.judge.agreement import Agreement, AspectAgreement
    from urial_tui.judge.board.types import (
        Board,
        BoardRow,
        Cell,
        DuelCell,
        Panel,
        PublishedTable,
    )
    from urial_tui.judge.board.types import Line as PanelLine
    from urial_tui.shift.summary import Interval

BAR = 20
"""Cells of a bar from 1 to 5."""
SHORT_BAR, WITH_LONG_BARS = 10, 100
"""Cells of a bar where there are fewer columns than that."""
NAMES = 14
LITTLE_MASS = 0.5
"""An expected score is of little that the judge wanted to write when its digits have less than this."""


def _bar(score: float, room: int) -> str:
    """How far up from 1 to 5 a score is."""
    cells = round((min(max(score, 1.0), 5.0) - 1.0) / 4.0 * room)
    return "▇" * cells + "·" * (room - cells)


def items_words(counts: Sequence[int]) -> str:
    """How many items the runs of a board have."""
    if len(set(counts)) == 1:
        items = f"{counts[0]} item{'s' if counts[0] != 1 else ''}"
        return items if len(counts) == 1 else f"{items} each"
    return f"{' + '.join(map(str, counts))} items"


# --- one row --------------------------------------------------------------------------------------------------------


def row_lines(
    board: "Board", panel: "Panel | None", line: "PanelLine | None", key: str, width: int
) -> list[Line]:
    """What is known of one row: each aspect with a bar, its mean, interval and counts, then lengths and shift."""
    row = board.row(key)
    lines: list[Line] = wrapped(short_side(row.label), width, "title", most=2)
    if panel is not None and line is not None:
        lines += _scores(panel, line, width)
    elif panel is not None:
        words = f"not judged by {short_side(panel.judge.label)} with {safe(panel.rubric.id, 40)}"
        lines += wrapped(words, width, "dim", most=2)
    lines += _lengths(row, width)
    for shift in row.shifts:
        ratios = shift.ratios
        if ratios is None:
            continue
        words = " ".join(f"{name} {share:.1%}" for name, share in ratios.items())
        lines += wrapped(
            f"shift against {short_side(shift.reference)}: {words} ({shift.n_tokens:,} tokens)",
            width,
            "",
            most=3,
            indent=2,
        )
    return lines + note_lines(board, width)


def note_lines(board: "Board", width: int) -> list[Line]:
    """What a reader has to know of the numbers."""
    return [
        line
        for note in board.notes
        for line in wrapped(f"! {safe(note, 600)}", width, "warn", most=4, indent=2)
    ]


def _scores(panel: "Panel", line: "PanelLine", width: int) -> list[Line]:
    lines: list[Line] = []
    names = min(max((cell_len(safe(c.aspect, 40)) for c in line.cells), default=0), NAMES)
    for cell in line.cells:
        lines += _aspect(cell, names, width)
    if line.average is not None:
        words = f"average {interval_words(line.average)} of {', '.join(panel.averaged)}"
        lines += wrapped(safe(words, 400), width, "strong", most=2)
    elif panel.averaged:
        lines += wrapped("no average: an aspect of it has no score", width, "dim", most=2)
    if line.n_own:
        words = (
            f"{line.n_own} of these were written by the judge's own model, which may favour itself"
        )
        lines += wrapped(words, width, "warn", most=2)
    if line.n_shortened:
        lines += wrapped(f"of {line.n_shortened} the judge read a shortened text", width, "warn", most=2)  # fmt: skip
    if line.n_blind:
        lines += wrapped(f"{line.n_blind} rated blind", width, "dim", most=1)
    return lines


def _aspect(cell: "Cell", names: int, width: int) -> list[Line]:
    """A line; what has no room beside the others is on further ones."""
    head: Line = [(fit(safe(cell.aspect, 40), names, pad=True) + " ", "")]
    room = BAR if width >= WITH_LONG_BARS else SHORT_BAR
    if cell.score is not None:
        head.append((_bar(cell.score.mean, room), "bar"))
        head.append((f" {interval_words(cell.score)}", "strong"))
        head.append((n_words(cell.score), "dim"))
    else:
        head.append(("no score".ljust(room), "dim"))
    parts: list[Line] = [[piece] for piece in no_numbers(cell)]
    if cell.expected is not None:
        parts.append([(f"  expected {cell.expected.mean:.2f}", "")])
        if cell.mass is not None:
            parts[-1].append((f" mass {cell.mass:.2f}", "warn" if cell.mass < LITTLE_MASS else "dim"))  # fmt: skip
    lines = [head]
    for part in parts:
        if sum(cell_len(text) for text, _ in (*lines[-1], *part)) > width:
            lines.append([(" " * max(names - 1, 0), "")])
        lines[-1] += part
    return [fit_line(line, width) for line in lines]


def n_words(mean: "Interval") -> str:
    """How many values, and of how many items where those are fewer."""
    return f" n {mean.n}" + (f" of {mean.n_items} items" if mean.n != mean.n_items else "")


def no_numbers(cell: "Cell | DuelCell") -> Line:
    others = [(cell.n_na, "n/a"), (cell.n_invalid, "unreadable"), (cell.n_refused, "refused")]
    return [(f"  {n} {word}", "dim" if word == "n/a" else "bad") for n, word in others if n]


def _lengths(row: "BoardRow", width: int) -> list[Line]:
    words = f"{row.n_answers} of {row.n_wanted} answers"
    if row.n_failed:
        words += f", {row.n_failed} failed"
    if row.words is not None:
        words += f" · {interval_words(row.words, 0)} words"
    if row.length_share is not None:
        words += f" · {row.length_share:.0%} ended by the limit of tokens"
    return wrapped(words, width, "", most=3)


# --- agreement ------------------------------------------------------------------------------------------------------


def agreement_lines(board: "Board", width: int) -> list[Line]:
    """For every two judges of the same answers how far they agree; a judge is a model or a person."""
    if not board.agreement:
        return wrapped(
            "Two judges of the same answers are needed: rate some by hand (h), or let another model judge the run.",
            width,
            "dim",
            most=4,
        )
    lines: list[Line] = []
    for found in board.agreement:
        if lines:
            lines.append([])
        lines += _agreement(found, width)
    lines += [[], *wrapped(EXPLAINED, width, "dim", most=6)]
    return lines


EXPLAINED = (
    "same: equal verdicts. ±1: at most one apart. rho: Spearman's rank correlation. kappa: Cohen's, beyond chance, "
    "with quadratic weights for scores. 1 is full agreement, 0 what chance gives; a dash: fewer than two common "
    "answers, or a judge that always says the same."
)


def _agreement(found: "Agreement", width: int) -> list[Line]:
    lines = wrapped(
        f"{short_side(found.judge)} and {short_side(found.other)}", width, "title", most=3
    )
    lines.append(fit_line([(safe(found.rubric.id, 40), "dim")], width))
    names = max((cell_len(_name(one)) for one in found.aspects), default=0)
    names = min(max(names, 6), NAMES)
    head = f"{'':{names}}  {'n':>5} {'same':>6} {'±1':>6} {'rho':>6} {'kappa':>6}"
    lines.append(fit_line([(head, "dim")], width))
    for one in found.aspects:
        numbers = " ".join(
            [
                f"{one.n:>5}",
                _share(one.exact),
                _share(one.within_one),
                _number(one.rho),
                _number(one.kappa),
            ]
        )
        look = "strong" if not one.aspect else ""
        lines.append(fit_line([(f"{fit(_name(one), names, pad=True)}  {numbers}", look)], width))
    return lines


def _name(one: "AspectAgreement") -> str:
    return safe(one.aspect, 40) or "all"


def _share(value: float | None) -> str:
    return f"{'–' if value is None else f'{value:.0%}':>6}"


def _number(value: float | None) -> str:
    return f"{'–' if value is None else f'{value:.2f}':>6}"


# --- published ------------------------------------------------------------------------------------------------------


def published_lines(tables: "Sequence[PublishedTable]", width: int) -> list[Line]:
    """Figures that others published, each with its judge and why it is not to be compared with the board's own."""
    lines: list[Line] = wrapped(
        "Published figures, not of this machine. Each says who judged: a local judge's scores are not on their scale.",
        width,
        "warn",
        most=3,
    )
    for table in tables:
        lines += [[], *wrapped(safe(table.title, 200), width, "title", most=2)]
        judge = f"judge: {safe(table.judge, 80)}" if table.judge else "no judge"
        lines += wrapped(f"{judge} · {safe(table.items, 200)}", width, "dim", most=2)
        lines += wrapped(f"{safe(table.note, 400)}", width, "warn", most=3)
        names = max((cell_len(safe(row.system, 80)) for row in table.rows), default=0)
        names = min(names, max(width - 10 * len(table.columns), 12))
        head = f"{'':{names}}" + "".join(f"{safe(c, 40)[:9]:>10}" for c in table.columns)
        lines.append(fit_line([(head, "dim")], width))
        for row in table.rows:
            values = "".join(
                f"{'–' if c not in row.values else f'{row.values[c]:.{table.digits}f}':>10}"
                for c in table.columns
            )
            name = fit(safe(row.system, 80), names, pad=True)
            lines.append(fit_line([(name, ""), (values, "strong")], width))
        lines += wrapped(f"from: {safe(table.source, 300)}", width, "dim", most=2)
    return lines
