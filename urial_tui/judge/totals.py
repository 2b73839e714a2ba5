"""What many judgements come to: outcomes counted aspect by aspect, means over scores alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from urial_tui.store.judging_types import Comparison, Judgement, Outcome

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
    found: dict[tuple[str, str], list[tuple[Outcome, str | None, bool]]] = {}
    for one in comparisons:
        for pick in one.picks:
            disagreed = pick.winner == "tie" and pick.first != pick.second
            row = (pick.outcome, pick.winner, disagreed)
            found.setdefault((one.rubric.id, pick.aspect), []).append(row)
    totals = []
    for (rubric, aspect), rows in found.items():
        won = Counter(winner for outcome, winner, _ in rows if outcome == "ok")
        totals.append(
            PickTotals(
                rubric,
                aspect,
                _counts([outcome for outcome, _, _ in rows]),
                won["a"],
                won["tie"],
                won["b"],
                sum(disagreed for outcome, _, disagreed in rows if outcome == "ok"),
            )
        )
    return totals


def _counts(outcomes: Sequence[Outcome]) -> dict[Outcome, int]:
    counted = Counter(outcomes)
    return {outcome: counted[outcome] for outcome in OUTCOMES}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
