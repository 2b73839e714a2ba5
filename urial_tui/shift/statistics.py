"""Statistics of logit rows: log-probabilities, entropies, exact KL, ranks, top-k, margins. NumPy, called per token.

A decode of a small model with 262,144 vocabulary entries takes about 15 ms, so each pass over a row counts: one
exponential a row, dot products for the sums, top-k by group maxima, a rank by counting only outside the top-k. Sums
are float32 (BLAS, pairwise), their results are combined in float64; rows that hold infinities take a slower path.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from urial_tui.shift.records import Alternatives, GeneratorScore, ReferenceScore

Row = npt.NDArray[np.float32]
_GROUPS = 1024
_BOUNDARY = 4
"""Sorted values that decide the class of a token: the best three others, and itself."""


class _Distribution:
    """What one row says, computed once: `weights` are exp(logit - max), (n,) float32, in a borrowed buffer."""

    def __init__(self, row: Row, weights: Row, ones: Row, keep: int) -> None:
        self.row = row
        self.weights = weights
        groups, tail = _group_maxima(row)
        self.highest = float(max(groups.max(initial=-np.inf), tail.max(initial=-np.inf)))
        self.valid = math.isfinite(self.highest)
        if not self.valid:
            return
        np.subtract(row, np.float32(self.highest), out=weights)
        np.exp(weights, out=weights)
        self.total = float(np.dot(weights, ones))
        self.valid = math.isfinite(self.total)
        if not self.valid:
            return
        self.log_total = math.log(self.total) + self.highest
        self.top_ids = _top_ids(row, groups, tail, keep)
        self.top_values = row[self.top_ids].astype(np.float64)
        self.own_mean = self.mean_of(row)

    def logprob(self, token: int) -> float:
        return float(self.row[token]) - self.log_total

    def top(self, k: int) -> Alternatives:
        return tuple(
            (int(id_), float(value) - self.log_total)
            for id_, value in zip(self.top_ids[:k], self.top_values[:k], strict=True)
        )

    def mean_of(self, other: Row) -> float:
        """Sum of p * other over the ids with p > 0, in logits."""
        with np.errstate(invalid="ignore"):
            mean = float(np.dot(self.weights, other)) / self.total
        if math.isfinite(mean):
            return mean
        held = self.weights > 0  # 0 * -inf is not a number; such ids take no part
        return float(np.dot(self.weights[held].astype(np.float64), other[held])) / self.total

    def entropy(self) -> float:
        return max(0.0, self.log_total - self.own_mean)

    def divergence_to(self, other: "_Distribution") -> float:
        """KL(self || other) in nats; infinite where `other` excludes what `self` does not."""
        ours = self.own_mean - self.log_total
        theirs = self.mean_of(other.row) - other.log_total
        return max(0.0, ours - theirs)

    def rank(self, token: int) -> int:
        value = float(self.row[token])
        if value >= self.top_values[-1]:
            return 1 + int(np.count_nonzero(self.top_values > value))
        return 1 + int(np.count_nonzero(self.row > self.row[token]))

    def margin(self, token: int) -> float:
        """Distance, in log-probability, to the nearest competitor that decides the token's class.

        With the other tokens' logits sorted, o1 >= o2 >= o3, a token x is unshifted while x >= o1, marginal while
        o1 > x >= o3, shifted while o3 > x.
        """
        value = float(self.row[token])
        others = self.top_values[self.top_ids != token]
        best = float(others[0]) if len(others) else -math.inf
        third = float(others[2]) if len(others) > 2 else -math.inf
        if value >= best:
            return value - best
        if value >= third:
            return min(best - value, value - third)
        return third - value


class RowScorer:
    """Scores one token after the other. Owns its buffers: one a thread.

    `commons` has for each reference how many ids it shares with the generator: that pair is compared over those,
    renormalised. The generator's own record is over the largest of them.
    """

    def __init__(self, commons: Sequence[int], top_k: int) -> None:
        self._commons = tuple(commons)
        self._top_k = top_k
        self._generator_weights = {n: np.empty(n, np.float32) for n in set(commons)}
        self._reference_weights = np.empty(max(commons), np.float32)
        self._ones = np.ones(max(commons), np.float32)

    def score(
        self, token: int, generator: Row | None, references: Sequence[Row | None]
    ) -> tuple[GeneratorScore | None, tuple[ReferenceScore | None, ...]]:
        """`token` under the generator's row and each reference's, (>= common ids,) float32 logits.

        None for a row that is missing or not a distribution (NaN, all -inf), and for a token outside the common ids.
        """
        own = {
            n: self._read(generator, n, weights) for n, weights in self._generator_weights.items()
        }
        n, mine = max(own), None
        widest = own[n]
        if widest is not None and token < n:
            mine = GeneratorScore(
                logprob=widest.logprob(token),
                entropy=widest.entropy(),
                rank=widest.rank(token),
                top=widest.top(self._top_k),
            )
        return mine, tuple(
            None
            if token >= common or (generator is not None and own[common] is None)
            else self._reference(token, own[common], row, common)
            for common, row in zip(self._commons, references, strict=False)
        )

    def _reference(
        self, token: int, own: _Distribution | None, row: Row | None, n: int
    ) -> ReferenceScore | None:
        theirs = self._read(row, n, self._reference_weights[:n])
        if theirs is None:
            return None
        argmax = int(own.top_ids[0]) if own is not None else None
        return ReferenceScore(
            logprob=theirs.logprob(token),
            entropy=theirs.entropy(),
            rank=theirs.rank(token),
            emitted_margin=theirs.margin(token),
            argmax_rank=theirs.rank(argmax) if argmax is not None else None,
            margin=theirs.margin(argmax) if argmax is not None else None,
            kl=own.divergence_to(theirs) if own is not None else None,
            top=theirs.top(self._top_k),
        )

    def _read(self, row: Row | None, n: int, weights: Row) -> _Distribution | None:
        if row is None:
            return None
        keep = min(max(self._top_k, _BOUNDARY), n)
        found = _Distribution(row[:n], weights, self._ones[:n], keep)
        return found if found.valid else None


def _group_maxima(row: Row) -> tuple[Row, Row]:
    """Maxima of _GROUPS interleaved groups, and the elements that no group holds."""
    whole = len(row) // _GROUPS * _GROUPS
    if not whole:
        return np.empty(0, np.float32), row
    return row[:whole].reshape(-1, _GROUPS).max(axis=0), row[whole:]


def _top_ids(row: Row, groups: Row, tail: Row, k: int) -> npt.NDArray[np.int64]:
    """Ids of the k highest logits, highest first, the lower id first among equals."""
    candidates = np.arange(len(row) - len(tail), len(row))
    if len(groups):
        floor = np.partition(groups, -k)[-k] if k < len(groups) else -np.inf
        chosen = np.flatnonzero(groups >= floor)
        spread = np.arange(0, len(row) - len(tail), _GROUPS)
        candidates = np.concatenate([(spread[:, None] + chosen).ravel(), candidates])
    values = row[candidates]
    if k < len(values):
        held = values >= np.partition(values, -k)[-k]
        candidates, values = candidates[held], values[held]
    order = np.lexsort((candidates, -values))[:k]
    return candidates[order].astype(np.int64)
