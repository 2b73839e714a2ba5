"""Aggregates over token records: ratios, positions, most shifted tokens, agreement, intervals. Plain Python.

Ratios are pooled over counted tokens (no control tokens, none that a stop cut in two, none without a score).
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from urial_tui.shift.classes import COUNTED, Class, Lane, is_near_tie, token_class
from urial_tui.shift.records import ReferenceScore, TokenScore

EARLY = 15
"""Positions that are compared with later ones: the paper finds most shifts among the first tokens."""
RESAMPLES = 2000


@dataclass(frozen=True)
class Summary:
    """Counts by class against one reference. `near_ties` are contained in `counts`."""

    counts: dict[Class, int]
    near_ties: dict[Class, int] | None
    """None while the reference's noise is not known."""
    mean_kl: float | None
    unscored: int = 0
    """Counted tokens that this reference has no score for."""

    @property
    def n(self) -> int:
        """Tokens in the ratios."""
        return sum(self.counts[name] for name in COUNTED)

    @property
    def ratios(self) -> dict[Class, float] | None:
        """Share of each class; None without tokens."""
        return shares(self.counts)

    @property
    def ratios_without_near_ties(self) -> dict[Class, float] | None:
        if self.near_ties is None:
            return None
        return shares({name: self.counts[name] - self.near_ties[name] for name in COUNTED})


def shares(counts: Mapping[Class, int]) -> dict[Class, float] | None:
    """Each class's share of all that count; None without any."""
    total = sum(counts[name] for name in COUNTED)
    return {name: counts[name] / total for name in COUNTED} if total else None


def summarise(
    tokens: Iterable[TokenScore],
    reference: int = 0,
    *,
    noise: float | None = None,
    lane: Lane = "class",
) -> Summary:
    """Pooled counts of one answer or of many put together."""
    counts: Counter[Class] = Counter()
    near: Counter[Class] = Counter()
    divergences: list[float] = []
    unscored = 0
    for token in tokens:
        name = token_class(token, reference, lane)
        if name is None:
            unscored += token.counted
            continue
        if name == "control" or token.cut:
            counts["control"] += token.control
            continue
        counts[name] += 1
        score = _score(token, reference)
        if is_near_tie(score, noise, lane):
            near[name] += 1
        if score.kl is not None:
            divergences.append(score.kl)
    return Summary(
        counts={name: counts[name] for name in (*COUNTED, "control")},
        near_ties=None if noise is None else {name: near[name] for name in COUNTED},
        mean_kl=fmean(divergences) if divergences else None,
        unscored=unscored,
    )


def _score(token: TokenScore, reference: int) -> ReferenceScore:
    score = token.references[reference]
    assert score is not None
    return score


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % percentile bootstrap interval, over items. `n` counts values; `n_items` the items that have
    one. One item says nothing of others: `low` and `high` are None then."""

    mean: float
    low: float | None
    high: float | None
    n: int
    n_items: int


def intervals(items: Sequence[Summary], *, seed: int = 0) -> dict[Class, Interval]:
    """For each class the mean of the items' ratios, resampled over items. Items without tokens are left out; empty for
    fewer than two."""
    ratios = [ratio for item in items if (ratio := item.ratios) is not None]
    if len(ratios) < 2:
        return {}
    return {name: bootstrap([ratio[name] for ratio in ratios], seed=seed) for name in COUNTED}


def bootstrap(values: Sequence[float], *, seed: int = 0) -> Interval:
    """95 % percentile interval of the mean; a fixed seed makes it the same every time."""
    draw = random.Random(seed)
    n = len(values)
    means = [fmean(draw.choices(values, k=n)) for _ in range(RESAMPLES)]
    return percentile_interval(fmean(values), means, n, n)


def percentile_interval(mean: float, draws: Sequence[float], n: int, n_items: int) -> Interval:
    """The interval that leaves out 2.5 % of the draws at each end; none without draws, or of fewer than two items."""
    if not draws or n_items < 2:
        return Interval(mean, None, None, n, n_items)
    means = sorted(draws)
    low, high = int(len(means) * 0.025), int(len(means) * 0.975) - 1
    return Interval(mean, means[low], means[max(low, high)], n, n_items)


# --- positions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Position:
    """What happened at one absolute position, or in one bin of relative ones, over all answers."""

    at: int
    counts: dict[Class, int] = field(default_factory=dict)
    mean_kl: float | None = None

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    def share(self, name: Class) -> float:
        return self.counts.get(name, 0) / self.n if self.n else 0.0


def by_position(
    answers: Iterable[Sequence[TokenScore]], reference: int = 0, *, lane: Lane = "class"
) -> list[Position]:
    """Classes and mean KL at each token position from 0."""
    return _binned(answers, reference, lane, lambda i, _length: i)


def by_relative_position(
    answers: Iterable[Sequence[TokenScore]],
    reference: int = 0,
    *,
    bins: int = 10,
    lane: Lane = "class",
) -> list[Position]:
    """The same over i/T, in `bins` equal parts of each answer."""
    return _binned(answers, reference, lane, lambda i, length: min(bins - 1, i * bins // length))


def _binned(
    answers: Iterable[Sequence[TokenScore]],
    reference: int,
    lane: Lane,
    place: Callable[[int, int], int],
) -> list[Position]:
    counts: dict[int, Counter[Class]] = {}
    divergences: dict[int, list[float]] = {}
    for answer in answers:
        counted = [token for token in answer if token.counted]
        for index, token in enumerate(counted):
            name = token_class(token, reference, lane)
            if name is None:
                continue
            at = place(index, len(counted))
            counts.setdefault(at, Counter())[name] += 1
            kl = _score(token, reference).kl
            if kl is not None:
                divergences.setdefault(at, []).append(kl)
    return [
        Position(at, dict(counts[at]), fmean(divergences[at]) if at in divergences else None)
        for at in sorted(counts)
    ]


def early_and_late(
    answers: Iterable[Sequence[TokenScore]],
    reference: int = 0,
    *,
    noise: float | None = None,
    lane: Lane = "class",
) -> tuple[Summary, Summary]:
    """The first EARLY counted tokens of every answer, and the others."""
    early: list[TokenScore] = []
    late: list[TokenScore] = []
    for answer in answers:
        counted = [token for token in answer if token.counted]
        early += counted[:EARLY]
        late += counted[EARLY:]
    return (
        summarise(early, reference, noise=noise, lane=lane),
        summarise(late, reference, noise=noise, lane=lane),
    )


# --- tokens ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShiftedToken:
    """A token id that was shifted `shifted` of the `occurrences` times that it was written."""

    id: int
    shifted: int
    occurrences: int

    @property
    def share(self) -> float:
        return self.shifted / self.occurrences


def most_shifted(
    tokens: Iterable[TokenScore], reference: int = 0, *, limit: int = 20, lane: Lane = "class"
) -> list[ShiftedToken]:
    """Written tokens by how often they were shifted, then by share."""
    shifted: Counter[int] = Counter()
    occurrences: Counter[int] = Counter()
    for token in tokens:
        name = token_class(token, reference, lane)
        if name is None or not token.counted:
            continue
        occurrences[token.id] += 1
        shifted[token.id] += name == "shifted"
    found = [ShiftedToken(id_, n, occurrences[id_]) for id_, n in shifted.items() if n]
    return sorted(found, key=lambda entry: (-entry.shifted, -entry.share, entry.id))[:limit]


def top_agreement(tokens: Iterable[TokenScore], reference: int = 0, *, k: int = 10) -> float | None:
    """Mean share of the generator's top k ids that are in the reference's top k as well."""
    shares = []
    for token in tokens:
        score = token.references[reference] if reference < len(token.references) else None
        if score is None or token.generator is None or not token.counted:
            continue
        mine = {id_ for id_, _ in token.generator.top[:k]}
        theirs = {id_ for id_, _ in score.top[:k]}
        shares.append(len(mine & theirs) / max(1, len(mine)))
    return fmean(shares) if shares else None
