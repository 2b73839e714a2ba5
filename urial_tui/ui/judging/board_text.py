"""The board's texts: a row in detail with bars, win rates, agreement of judges, published figures. Pure, safe lines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from urial_tui.ui.inspect.lines import Line, fit, fit_line, safe, wrapped
from urial_tui.ui.judging.board_rows import interval_words
from urial_tui.ui.judging.words import short_side

if TYPE_CHECKING:
    from urial_tui.judge.agreement import Agreement, AspectAgreement
    from urial_tui.judge.board_types import (
        Board,
        BoardRow,
        Cell,
        Duel,
        DuelCell,
        Panel,
        PublishedTable,
    )
    from urial_tui.judge.board_types import Line as PanelLine

BAR = 20
"""Cells of a bar from 1 to 5."""
NAMES = 14


def _bar(score: float) -> str:
    """How far up from 1 to 5 a score is."""
    cells = round((min(max(score, 1.0), 5.0) - 1.0) / 4.0 * BAR)
    return "▇" * cells + "·" * (BAR - cells)


# --- one row --------------------------------------------------------------------------------------------------------


def row_lines(
    board: "Board", panel: "Panel | None", line: "PanelLine | None", key: str, width: int
) -> list[Line]:
    """What is known of one row: each aspect with a bar, its mean, interval and counts, then lengths and shift."""
    row = board.row(key)
    lines: list[Line] = wrapped(short_side(row.label), width, "title", most=2)
    if panel is not None and line is not None:
        lines += _scores(panel, line, width)
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
    for note in board.notes:
        lines += wrapped(f"! {safe(note, 600)}", width, "warn", most=4, indent=2)
    return lines


def _scores(panel: "Panel", line: "PanelLine", width: int) -> list[Line]:
    lines: list[Line] = []
    names = min(max((cell_len(safe(c.aspect, 40)) for c in line.cells), default=0), NAMES)
    for cell in line.cells:
        lines.append(_aspect(cell, names, width))
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


def _aspect(cell: "Cell", names: int, width: int) -> Line:
    line: Line = [(fit(safe(cell.aspect, 40), names, pad=True) + " ", "")]
    if cell.score is not None:
        line.append((_bar(cell.score.mean), "bar"))
        line.append((f" {interval_words(cell.score)}", "strong"))
        line.append((f" n {cell.n}", "dim"))
        if cell.expected is not None:
            line.append((f"  expected {cell.expected.mean:.2f}", ""))
    else:
        line.append(("no score".ljust(BAR), "dim"))
    others = [(cell.n_na, "n/a"), (cell.n_invalid, "unreadable"), (cell.n_refused, "refused")]
    for n, word in others:
        if n:
            line.append((f"  {n} {word}", "dim" if word == "n/a" else "bad"))
    return fit_line(line, width)


def _lengths(row: "BoardRow", width: int) -> list[Line]:
    words = f"{row.n_answers} of {row.n_wanted} answers"
    if row.n_failed:
        words += f", {row.n_failed} failed"
    if row.words is not None:
        words += f" · {interval_words(row.words, 0)} words"
    if row.length_share is not None:
        words += f" · {row.length_share:.0%} ended by the limit of tokens"
    return wrapped(words, width, "", most=3)


# --- win rates ------------------------------------------------------------------------------------------------------


def duel_lines(board: "Board", width: int) -> list[Line]:
    """Who won how often, an aspect a line, with how often the longer answer won."""
    if not board.duels:
        return wrapped(
            "No two answers were compared. `urial-tui judge --pairwise` lets a model do it; here c does it by hand.",
            width,
            "dim",
            most=4,
        )
    lines: list[Line] = []
    for duel in board.duels:
        if lines:
            lines.append([])
        lines += _duel(board, duel, width)
    return lines


def _duel(board: "Board", duel: "Duel", width: int) -> list[Line]:
    row, other = (short_side(board.row(key).label) for key in (duel.row, duel.opponent))
    lines = wrapped(f"{row} against {other}", width, "title", most=3)
    about = f"{short_side(duel.judge.label)} · {safe(duel.rubric.id, 40)} · {duel.n} pairs"
    if duel.words is not None:
        about += f" · {duel.words.mean:+.0f} words"
    lines += wrapped(about, width, "dim", most=2)
    names = min(max((cell_len(safe(c.aspect, 40)) for c in duel.cells), default=0), NAMES)
    return [*lines, *(_pick_line(cell, names, width) for cell in duel.cells)]


def _pick_line(cell: "DuelCell", names: int, width: int) -> Line:
    line: Line = [(fit(safe(cell.aspect, 40), names, pad=True) + " ", "")]
    rates = cell.rates
    if rates is None:
        line.append(("nothing decided", "dim"))
    else:
        win, tie, loss = rates
        won, even = round(win * BAR), round(tie * BAR)
        even = min(even, BAR - won)
        line += [("█" * won, "bar"), ("░" * even, "dim"), ("▒" * (BAR - won - even), "warn")]
        line.append((f" win {win:.0%} tie {tie:.0%} loss {loss:.0%}", "strong"))
        line.append((f" n {cell.n}", "dim"))
        if cell.n_split:
            line.append((f"  {cell.n_split} ties by order", "dim"))
        if cell.longer is not None:
            line.append((f"  longer won {cell.longer:.0%} of {cell.n_decided}", ""))
    for n, word in ((cell.n_na, "n/a"), (cell.n_invalid, "unreadable"), (cell.n_refused, "refused")):  # fmt: skip
        if n:
            line.append((f"  {n} {word}", "dim" if word == "n/a" else "bad"))
    return fit_line(line, width)


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
    "with quadratic weights for scores. 1 is full agreement, 0 what chance gives; a dash: fewer than two common answers, "
    "or a judge that always says the same."
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
