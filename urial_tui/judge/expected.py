"""From the probabilities of the digits to an expected score. Pure arithmetic; the engine gives the probabilities.

A judge that hesitates between 3 and 4 writes one of them; the expected score keeps the hesitation, and it moves where a
sampled score does not. The weighting is that of G-Eval (arXiv 2303.16634, section 2, "scoring function").
"""

import math
from collections.abc import Sequence


def expected_score(masses: Sequence[float]) -> tuple[float, float] | None:
    """(expected score, spread) of a distribution over the scores 1, 2, ..., len(masses).

    `masses` m(d) are probabilities of the digits under the judge's raw softmax. They need not sum to 1: what is left
    went to tokens that are no score, so they are divided by their sum first. With p(d) = m(d) / sum of m:
    expected = sum of d p(d), spread = sqrt(sum of p(d) (d - expected)^2), both on the scale of the scores.
    None when the digits have no mass at all.
    """
    total = math.fsum(masses)
    if not (math.isfinite(total) and total > 0.0):
        return None
    shares = [mass / total for mass in masses]
    mean = math.fsum(d * p for d, p in enumerate(shares, 1))
    variance = math.fsum(p * (d - mean) ** 2 for d, p in enumerate(shares, 1))
    return min(max(mean, 1.0), float(len(shares))), math.sqrt(max(variance, 0.0))


def share(mine: float, other: float) -> float | None:
    """mine / (mine + other), from 0 to 1; None when neither has any mass."""
    total = mine + other
    return mine / total if math.isfinite(total) and total > 0.0 else None
