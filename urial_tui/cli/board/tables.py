"""A board as tables of texts: the sides, what each judge gave them, and all sections in their order."""

from collections.abc import Iterable, Iterator, Sequence

from urial_tui.cli.board.beside import (
    agreement_tables,
    duel_table,
    published_table,
    shift_table,
)
from urial_tui.cli.board.values import (
    TITLE_CHARS,
    Column,
    Letters,
    Table,
    label,
    mean,
    n_items,
    over_items,
    percent,
    span,
    whole,
)
from urial_tui.cli.common.wording import NONE, many, number
from urial_tui.judge.board.types import Board, Breakdown, Line, Panel, PublishedTable

PUBLISHED_HEADING = "Published figures, for reference only"
EXPECTED = (
    "exp: mean of expected scores. mass: the share of the judge's probability that the five digits have; "
    "far below 1, exp says little."
)


# --- the sides ------------------------------------------------------------------------------------------------------


def heading(board: Board) -> list[str]:
    """Which runs these are."""
    lines = []
    for run in board.runs:
        items = many(run.n_items, "item")
        lines.append(f"{label(run.name)}  {label(run.id)}  {items}".replace("    ", "  "))
    return lines


def sides_table(board: Board) -> Table:
    letters = Letters(board)
    failed = any(row.n_failed for row in board.rows)
    return Table(
        "Sides",
        (
            Column(""),
            Column("side", right=False, path=True),
            Column("answers"),
            Column("words"),
            Column("95 %"),
            Column("cut short"),
            *([Column("failed")] if failed else []),
        ),
        tuple(
            (
                letters.of[row.key],
                label(row.label),
                f"{row.n_answers} of {row.n_wanted}",
                mean(row.words, 1),
                span(row.words, 1),
                percent(row.length_share),
                *([str(row.n_failed)] if failed else []),
            )
            for row in board.rows
        ),
        ("Words: the mean length of an answer. Cut short: ended by the limit of tokens.",),
    )


# --- scores ---------------------------------------------------------------------------------------------------------


def panel_title(board: Board, panel: Panel) -> str:
    rubric = board.rubric_label(panel.rubric)
    kind = "a person" if panel.judge.kind == "person" else "a model"
    return f"{label(rubric)} by {label(panel.judge.label, TITLE_CHARS)} ({kind})"


def matrix(board: Board, panel: Panel, *, intervals: bool) -> Table:
    """Sides by aspects: means, with the average last."""
    show = whole if intervals else mean
    letters = Letters(board)
    rows = []
    for line in panel.lines:
        average = [show(line.average)] if panel.averaged else []
        cells = (show(cell.score) for cell in line.cells)
        rows.append((letters.named(line.row), *cells, *average))
    return Table(
        panel_title(board, panel),
        _columns(panel, Column("side", right=False, path=True)),
        tuple(rows),
        tuple(_about(board, panel)),
        kind="matrix",
    )


def compatible_table(board: Board, panel: Panel) -> Table:
    """The same means as just-eval's own report has them, under that name only."""
    letters = Letters(board)
    rows = []
    for line in panel.lines:
        average = [number(line.average_compatible)] if panel.averaged else []
        cells = (number(cell.compatible) for cell in line.cells)
        rows.append((letters.of[line.row], *cells, *average))
    return Table(
        "just-eval compatible: N/A counts as 5",
        _columns(panel, Column("", right=False)),
        tuple(rows),
        level=3,
        kind="compatible",
    )


def _columns(panel: Panel, *first: Column) -> tuple[Column, ...]:
    aspects = [Column(label(aspect, 24)) for aspect in panel.aspects]
    return (*first, *aspects, *([Column("average")] if panel.averaged else []))


def _about(board: Board, panel: Panel) -> Iterator[str]:
    letters = Letters(board)
    n_judged = {line.row: line.n_judged for line in panel.lines}
    judged = [
        f"{letters.of[row.key]} {n_judged.get(row.key, 0)} of {row.n_answers}" for row in board.rows
    ]
    yield f"Answers judged: {', '.join(judged)}."
    if panel.averaged and len(panel.averaged) < len(panel.aspects):
        outside = [label(a, 24) for a in panel.aspects if a not in panel.averaged]
        yield f"Not in the average: {', '.join(outside)}."
    if any(panel.averaged and line.average is None for line in panel.lines):
        yield "No average where an aspect has no score: it could not be compared."
    own = _counted(panel.lines, letters, "n_own")
    if own:
        yield f"Judged by the model that wrote them: {own}. Such scores may be too kind."
    shortened = _counted(panel.lines, letters, "n_shortened")
    if shortened:
        yield f"The judge read a shortened text: {shortened}."
    blind = _counted(panel.lines, letters, "n_blind")
    if blind:
        yield f"Rated blind: {blind}."


def _counted(lines: Iterable[Line], letters: Letters, name: str) -> str:
    return ", ".join(
        f"{letters.of[li.row]} {getattr(li, name)}" for li in lines if getattr(li, name)
    )


def details(board: Board, panel: Panel) -> Table:
    """Each aspect of each side: mean, interval, how many scores, and what is no number."""
    letters = Letters(board)
    shown = [cell for line in panel.lines for cell in line.cells]
    items = over_items(cell.score for cell in shown)
    expected = any(cell.expected for cell in shown)
    rows: list[tuple[str, ...]] = []
    for place, aspect in enumerate(panel.aspects):
        for first, line in enumerate(panel.lines):
            cell = line.cells[place]
            rows.append(
                (
                    "" if first else label(aspect, 24),
                    letters.of[line.row],
                    number(cell.score.mean if cell.score else None, 4),
                    mean(cell.score),
                    span(cell.score),
                    str(cell.n),
                    *([n_items(cell.score)] if items else []),
                    str(cell.n_na),
                    str(cell.n_invalid),
                    str(cell.n_refused),
                    *([mean(cell.expected), number(cell.mass)] if expected else []),
                )
            )
    for first, line in enumerate(panel.lines if panel.averaged else ()):
        average = line.average
        rows.append(
            (
                "" if first else "average",
                letters.of[line.row],
                number(average.mean if average else None, 4),
                mean(average),
                span(average),
                str(average.n) if average else NONE,
                *([n_items(average)] if items else []),
                *[""] * 3,
                *([mean(line.average_expected), ""] if expected else []),
            )
        )
    return Table(
        "",
        (
            Column("aspect", right=False),
            Column("", right=False),
            Column("1 to 5", right=False, bar=True),
            Column("mean"),
            Column("95 %"),
            Column("n"),
            *([Column("items")] if items else []),
            Column("N/A"),
            Column("inv"),
            Column("ref"),
            *([Column("exp", optional=True), Column("mass", optional=True)] if expected else []),
        ),
        tuple(rows),
        (
            "n: scores in the mean (of an average: the fewest of its aspects). "
            "N/A, unreadable (inv) and refused (ref): in no mean.",
            *([EXPECTED] if expected else []),
        ),
        level=3,
        kind="details",
        grouped=True,
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def group_tables(board: Board, breakdown: Breakdown, *, intervals: bool) -> list[Table]:
    """A table for each judge and rubric: groups by sides, means of aspects."""
    letters = Letters(board)
    show = whole if intervals else mean
    tables = []
    for panel in board.panels:
        key = (panel.judge.key, panel.rubric.hash)
        rows: list[tuple[str, ...]] = []
        for group in breakdown.groups:
            found = next((p for p in group.panels if (p.judge.key, p.rubric.hash) == key), None)
            for first, line in enumerate(found.lines if found else ()):
                by_aspect = {cell.aspect: cell for cell in line.cells}
                cells = [
                    show(by_aspect[a].score) if a in by_aspect else NONE for a in panel.aspects
                ]
                average = [show(line.average)] if panel.averaged else []
                name = label(group.name, 40) or "(none)"
                rows.append(
                    (
                        "" if first else name,
                        letters.of[line.row],
                        str(line.n_judged),
                        *cells,
                        *average,
                    )
                )
        if rows:
            tables.append(
                Table(
                    f"By {breakdown.by}: {panel_title(board, panel)}",
                    _columns(
                        panel,
                        Column(breakdown.by, right=False),
                        Column(""),
                        Column("n", optional=True),
                    ),
                    tuple(rows),
                    kind="group",
                    grouped=True,
                )
            )
    return tables


def sections(
    board: Board,
    *,
    intervals: bool,
    compatible: bool = False,
    published: Sequence[PublishedTable] = (),
) -> Iterator[tuple[str, list[Table]]]:
    """All tables in their order, under headings ("" for none)."""
    yield "", [sides_table(board)]
    for panel in board.panels:
        shown = [matrix(board, panel, intervals=intervals)]
        shown += [details(board, panel)] if panel.aspects else []
        shown += [compatible_table(board, panel)] if compatible else []
        yield "", shown
    if board.duels:
        yield "Compared answers", [duel_table(board, duel) for duel in board.duels]
    shift = shift_table(board)
    if shift:
        yield "", [shift]
    if board.breakdown:
        yield "", group_tables(board, board.breakdown, intervals=intervals)
    if board.agreement:
        yield "Agreement", agreement_tables(board)
    if published:
        yield PUBLISHED_HEADING, [published_table(table) for table in published]
