"""What many judgements come to: outcomes counted aspect by aspect, means over scores alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from urial_tui.judge.board.duels import duel_cell
from urial_tui.store.judging.types import Comparison, Judgement, Outcome

OUTCOMES: tuple[Outcome, ...] = ("ok", "na", "invalid", "refused")


@dataclass(frozen=True)
class AspectTotals:
    """One aspect of one rubric over many answers. The means are over `ok` scores (`mean`) and over those of them that
    have an expected score; None without any."""

    rubric: str
    aspect: str
    counts: dict[Outcome, int]
    mean: float | None
    mean_expected: float | None


@dataclass(frozen=True)
class PickTotals:
    """One aspect over many comparisons. Wins are A's; `disagreed`: ties because the two orders say different things."""

    rubric: str
    aspect: str
    counts: dict[Outcome, int]
    wins: int
    ties: int
    losses: int
    disagreed: int


def aspect_totals(judgements: Iterable[Judgement]) -> list[AspectTotals]:
    """In the order of the rubrics' aspects."""
    found: dict[tuple[str, str], list[tuple[Outcome, int | None, float | None]]] = {}
    for one in judgements:
        for score in one.scores:
            row = (score.outcome, score.score, score.expected)
            found.setdefault((one.rubric.id, score.aspect), []).append(row)
    return [
        AspectTotals(
            rubric,
            aspect,
            _counts([outcome for outcome, _, _ in rows]),
            _mean([score for outcome, score, _ in rows if outcome == "ok"]),
            _mean([expected for outcome, _, expected in rows if outcome == "ok"]),
        )
        for (rubric, aspect), rows in found.items()
    ]


def pick_totals(comparisons: Iterable[Comparison]) -> list[PickTotals]:
    """In the order of the rubrics' aspects."""
    found: dict[tuple[str, str], list[Comparison]] = {}
    for one in comparisons:
        for pick in one.picks:
            found.setdefault((one.rubric.id, pick.aspect), []).append(one)
    return [
        PickTotals(
            rubric,
            aspect,
            {"ok": cell.n, "na": cell.n_na, "invalid": cell.n_invalid, "refused": cell.n_refused},
            cell.wins,
            cell.ties,
            cell.losses,
            cell.n_split,
        )
        for (rubric, aspect), group in found.items()
        for cell in [duel_cell(aspect, group)]
    ]


def _counts(outcomes: Sequence[Outcome]) -> dict[Outcome, int]:
    counted = Counter(outcomes)
    return {outcome: counted[outcome] for outcome in OUTCOMES}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
