"""How far two judges agree who judged the same answers with the same rubric; a judge is a model or a person.

Plain functions over pairs of scores or picks, in plain Python. What is no number takes part nowhere.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from urial_tui.store.judging.types import RubricRef


@dataclass(frozen=True)
class AspectAgreement:
    """Agreement over `n` common answers. `aspect` "" is all aspects pooled.

    `exact` and `within_one` are shares; `rho` is Spearman's, `kappa` Cohen's (with quadratic weights for scores, plain
    for picks of a comparison). None where it is not defined: fewer than two common answers, or a judge that always says
    the same.
    For comparisons `within_one` and `rho` are None.
    """

    aspect: str
    n: int
    exact: float | None
    within_one: float | None
    rho: float | None
    kappa: float | None


@dataclass(frozen=True)
class Agreement:
    """Two judges (labels of the board's judges) with one rubric. `aspects` has the pooled one last."""

    judge: str
    other: str
    rubric: RubricRef
    kind: Literal["score", "pairwise"]
    aspects: tuple[AspectAgreement, ...]

    @property
    def pooled(self) -> AspectAgreement:
        return self.aspects[-1]


def of_scores(aspect: str, pairs: Sequence[tuple[int, int]]) -> AspectAgreement:
    """Agreement of two judges over pairs of scores 1-5 that they gave to the same answers."""
    n = len(pairs)
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    return AspectAgreement(
        aspect=aspect,
        n=n,
        exact=sum(a == b for a, b in pairs) / n if n else None,
        within_one=sum(abs(a - b) <= 1 for a, b in pairs) / n if n else None,
        rho=spearman(first, second),
        kappa=weighted_kappa(pairs),
    )


def of_picks(aspect: str, pairs: Sequence[tuple[str, str]]) -> AspectAgreement:
    """Agreement of two judges over pairs of winners (a, b or tie) of the same two answers."""
    n = len(pairs)
    exact = sum(a == b for a, b in pairs) / n if n else None
    return AspectAgreement(aspect, n, exact, None, None, kappa(pairs))


def ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the mean of the ranks that they take up (mid-ranks)."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in range(start, end + 1):
            found[order[place]] = (start + end) / 2 + 1
        start = end + 1
    return found


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rho: Pearson's correlation of the mid-ranks, which is right with ties as well.

    rho = sum (r_i - m)(s_i - m) / sqrt(sum (r_i - m)^2 sum (s_i - m)^2), m = (n + 1) / 2
    (Spearman 1904; ties as in Kendall, Rank Correlation Methods). None for fewer than two values, or when one side
    is constant and has no order to agree with.
    """
    middle = (len(first) + 1) / 2
    r = [rank - middle for rank in ranks(first)]
    s = [rank - middle for rank in ranks(second)]
    # Mid-ranks are halves: these sums are exact, so equal orders give exactly 1.
    across = sum(a * b for a, b in zip(r, s, strict=True))
    spread = sum(a * a for a in r) * sum(b * b for b in s)
    return across / math.sqrt(spread) if spread else None


def kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Cohen's kappa: agreement beyond what the judges' own habits would give by chance.

    kappa = (p_o - p_e) / (1 - p_e), p_o the share of equal pairs, p_e = sum over categories of the product of the two
    judges' shares (Cohen 1960). None for fewer than two pairs, or when a judge always says the same: the formula would
    give 0, whatever the other says.
    """
    n = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    if len(first) < 2 or len(second) < 2:
        return None
    by_chance = sum(count * second[name] for name, count in first.items())  # p_e n^2
    return (n * sum(a == b for a, b in pairs) - by_chance) / (n * n - by_chance)


def weighted_kappa(pairs: Sequence[tuple[int, int]]) -> float | None:
    """Cohen's kappa with quadratic weights, for scores: a difference of two counts four times one of one.

    kappa = 1 - sum (i - j)^2 O_ij / sum (i - j)^2 E_ij, O the shares of pairs (i, j), E the product of the two judges'
    shares (Cohen 1968). The scale's length cancels. None where `kappa` has none.
    """
    n = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    if len(first) < 2 or len(second) < 2:
        return None
    by_chance = sum(
        (i - j) ** 2 * times * count for i, times in first.items() for j, count in second.items()
    )
    return 1 - n * sum((a - b) ** 2 for a, b in pairs) / by_chance
