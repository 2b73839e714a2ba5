"""What stands beside the scores of a board, as tables: compared answers, token shift, agreement, published figures."""

from collections.abc import Iterator

from urial_tui.cli.board.values import (
    TITLE_CHARS,
    Column,
    Letters,
    Table,
    between,
    label,
    n_items,
    over_items,
    percent,
    points,
)
from urial_tui.cli.common.wording import NONE, number
from urial_tui.judge.agreement import Agreement, AspectAgreement
from urial_tui.judge.board.types import Board, Duel, PublishedTable
from urial_tui.shift.classes import COUNTED

# --- compared answers and shift ---------------------------------------------------------------------------------------


def duel_table(board: Board, duel: Duel) -> Table:
    letters = Letters(board)
    one, other = letters.of[duel.row], letters.of[duel.opponent]
    rubric = board.rubric_label(duel.rubric)
    items = over_items(cell.margin for cell in duel.cells)
    others = any(cell.n_na or cell.n_invalid or cell.n_refused for cell in duel.cells)
    rows = []
    for cell in duel.cells:
        rates = cell.rates or (None, None, None)
        rows.append(
            (
                label(cell.aspect, 24),
                *(percent(rate, 0) for rate in rates),
                f"{points(cell.margin.mean)} %" if cell.margin else NONE,
                between(cell.margin, points),
                str(cell.n),
                *([n_items(cell.margin)] if items else []),
                str(cell.n_split),
                f"{percent(cell.longer, 0)} of {cell.n_decided}" if cell.n_decided else NONE,
                *(
                    ["/".join(map(str, (cell.n_na, cell.n_invalid, cell.n_refused)))]
                    if others
                    else []
                ),
            )
        )
    return Table(
        f"{letters.named(duel.row, TITLE_CHARS)} against {letters.named(duel.opponent, TITLE_CHARS)}",
        (
            Column("aspect", right=False),
            Column(f"{one} wins"),
            Column("tie"),
            Column(f"{other} wins"),
            Column("margin"),
            Column("95 %"),
            Column("n"),
            *([Column("items")] if items else []),
            Column("split"),
            Column("longer wins", optional=True),
            *([Column("N/A/inv/ref")] if others else []),
        ),
        tuple(rows),
        (
            f"{label(rubric)} by {label(duel.judge.label, TITLE_CHARS)}; {duel.n} pairs; "
            f"{one}'s answers are {_longer(duel)} {other}'s on average.",
            f"margin: {one}'s wins less {other}'s. split: ties because the two orders disagree. "
            "longer wins: of decided pairs of unequal length.",
            *_weakened(duel),
        ),
        kind="duel",
    )


def _longer(duel: Duel) -> str:
    if duel.words is None or not duel.words.mean:
        return "as long as"
    more = "longer" if duel.words.mean > 0 else "shorter"
    return f"{abs(duel.words.mean):.1f} words {more} than"


def _weakened(duel: Duel) -> Iterator[str]:
    if duel.n_own:
        yield f"Pairs with an answer by the judge's own model: {duel.n_own}. It may favour its own."
    if duel.n_shortened:
        yield f"Pairs of which the judge read a shortened text: {duel.n_shortened}."
    if duel.n_blind:
        yield f"Pairs compared blind: {duel.n_blind}."


def shift_table(board: Board) -> Table | None:
    letters = Letters(board)
    rows = []
    for row in board.rows:
        for cell in row.shifts:
            ratios = cell.ratios
            for place, name in enumerate(COUNTED):
                per_item = cell.per_item.get(name)
                rows.append(
                    (
                        "" if place else letters.of[row.key],
                        "" if place else label(cell.reference),
                        name,
                        percent(ratios[name] if ratios else None),
                        percent(per_item.mean if per_item else None),
                        between(per_item, percent),
                        "" if place else f"{cell.n_tokens}",
                        "" if place else number(cell.mean_kl, 3),
                    )
                )
    if not rows:
        return None
    return Table(
        "Token shift",
        (
            Column("", right=False),
            Column("reference", right=False, path=True),
            Column("class", right=False),
            Column("pooled"),
            Column("mean of items"),
            Column("95 %"),
            Column("tokens", optional=True),
            Column("KL, nats", optional=True),
        ),
        tuple(rows),
        kind="shift",
        grouped=True,
    )


# --- agreement --------------------------------------------------------------------------------------------------------


def agreement_table(board: Board, found: Agreement) -> Table:
    rubric = board.rubric_label(found.rubric)
    scores = found.kind == "score"
    middle = ("within 1", "Spearman", "kappa, weighted") if scores else ("kappa",)
    columns = (
        Column("aspect", right=False),
        *(Column(name) for name in ("n", "equal", *middle)),
    )
    return Table(
        f"{label(found.judge, TITLE_CHARS)} and {label(found.other, TITLE_CHARS)}: {label(rubric)}",
        columns,
        tuple(_agreement_row(aspect, scores) for aspect in found.aspects),
        level=3,
        kind="agreement",
    )


def _agreement_row(found: AspectAgreement, scores: bool) -> tuple[str, ...]:
    name = label(found.aspect, 24) or "all together"
    middle = [percent(found.within_one), number(found.rho)] if scores else []
    return (name, str(found.n), percent(found.exact), *middle, number(found.kappa))


def agreement_matrix(board: Board, kind: str, rubric_hash: str) -> Table | None:
    """Judges by judges, all aspects together: kappa, and Spearman's rho for scores. None for fewer than three."""
    found = [a for a in board.agreement if a.kind == kind and a.rubric.hash == rubric_hash]
    names = list(dict.fromkeys(name for a in found for name in (a.judge, a.other)))
    if len(names) < 3:
        return None
    of = {frozenset((a.judge, a.other)): a.pooled for a in found}
    marks = [f"J{place}" for place in range(1, len(names) + 1)]

    def shown(one: str, other: str) -> str:
        pooled = of.get(frozenset((one, other)))
        if one == other or pooled is None:
            return NONE
        rho = f" {number(pooled.rho)}" if kind == "score" else ""
        return f"{number(pooled.kappa)}{rho} ({pooled.n})"

    rubric = board.rubric_label(found[0].rubric)
    words = "kappa, Spearman (n)" if kind == "score" else "kappa (n)"
    return Table(
        f"All together: {label(rubric)}",
        (Column("judge", right=False, path=True), *(Column(mark) for mark in marks)),
        tuple(
            (f"{mark} {label(name)}", *(shown(name, other) for other in names))
            for mark, name in zip(marks, names, strict=True)
        ),
        (
            f"In each place: {words}. - is fewer than two common answers, or a judge that always says the same.",
        ),
        level=3,
        kind="agreement-matrix",
    )


def agreement_tables(board: Board) -> list[Table]:
    kinds = dict.fromkeys((a.kind, a.rubric.hash) for a in board.agreement)
    matrices = [agreement_matrix(board, kind, hash_) for kind, hash_ in kinds]
    return [m for m in matrices if m] + [agreement_table(board, a) for a in board.agreement]


def published_table(table: PublishedTable) -> Table:
    judge = f"published, judge {table.judge}" if table.judge else "published"
    return Table(
        table.title,
        (Column("system", right=False), *(Column(name) for name in table.columns)),
        tuple(
            (
                row.system,
                *(number(row.values.get(c), table.digits) for c in table.columns),
            )
            for row in table.rows
        ),
        (f"{judge}, {table.items}: {table.note}.", f"Source: {table.source}."),
        level=3,
        kind="published",
    )
