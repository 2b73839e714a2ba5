"""Bins over positions and counts of tokens that grow with a trace: an update costs what came new, not the answer.

Positions count the tokens that ratios count, from 0. Bins hold 1, 2, 4, … positions, so that a longer answer joins
neighbours instead of beginning again.
"""

from collections import Counter
from dataclasses import dataclass, field
from heapq import nlargest

from urial_tui.shift.classes import COUNTED, Class, token_class
from urial_tui.shift.records import TokenScore
from urial_tui.shift.summary import EARLY, ShiftedToken
from urial_tui.ui.inspect.trace_view import TraceView

MOST_BINS = 256
"""Bins kept at the finest; a pane draws them joined to its own width."""


@dataclass
class Bin:
    """What happened in some neighbouring positions. `total_kl` in nats over `n_kl` tokens."""

    counts: dict[Class, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    total_kl: float = 0.0
    n_kl: int = 0

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    @property
    def mean_kl(self) -> float | None:
        return self.total_kl / self.n_kl if self.n_kl else None

    def share(self, *names: Class) -> float | None:
        """Share of these classes together; None without tokens."""
        return sum(self.counts[name] for name in names) / self.n if self.n else None

    def count(self, name: Class, kl: float | None) -> None:
        self.counts[name] += 1
        if kl is not None:
            self.total_kl += kl
            self.n_kl += 1

    def add(self, other: "Bin") -> None:
        for name, n in other.counts.items():
            self.counts[name] += n
        self.total_kl += other.total_kl
        self.n_kl += other.n_kl


def joined(bins: list[Bin], most: int) -> tuple[list[Bin], int]:
    """The bins in at most `most`, and how many of the old ones are in each new one."""
    each = max(1, -(-len(bins) // max(most, 1)))
    out: list[Bin] = []
    for start in range(0, len(bins), each):
        whole = Bin()
        for part in bins[start : start + each]:
            whole.add(part)
        out.append(whole)
    return out, each


class Tally:
    """Follows one TraceView: its chosen reference and class lane. `follow` before reading."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._view: TraceView | None = None
        self._begin()

    def _begin(self) -> None:
        self.bins: list[Bin] = []
        self.size = 1
        """Positions in each bin."""
        self.early = Bin()
        """The first EARLY positions."""
        self.late = Bin()
        self._seen = 0
        self._positions: list[int] = []  # of each place; counted tokens before it
        self._counted = 0
        self._shifted: Counter[int] = Counter()
        self._occurrences: Counter[int] = Counter()

    @property
    def positions(self) -> int:
        """Counted tokens so far, those without a score included."""
        return self._counted

    def follow(self, view: TraceView) -> "Tally":
        """Catch up with the view."""
        key = (view.revision, view.reference, view.class_lane)
        if view is not self._view or key != self._key or view.n < self._seen:
            self._view, self._key = view, key
            self._begin()
        for i in range(self._seen, view.n):
            self._positions.append(self._counted)
            token = view.score(i)
            if token is not None and token.counted:
                self._add(token, view)
        self._seen = view.n
        return self

    def _add(self, token: TokenScore, view: TraceView) -> None:
        position = self._counted
        self._counted += 1
        if position // self.size >= MOST_BINS:
            self.bins, _ = joined(self.bins, MOST_BINS // 2)
            self.size *= 2
        while len(self.bins) <= position // self.size:
            self.bins.append(Bin())
        name = token_class(token, view.reference, view.class_lane)
        if name is None:
            return
        score = token.references[view.reference]
        kl = score.kl if score is not None else None
        self.bins[position // self.size].count(name, kl)
        (self.early if position < EARLY else self.late).count(name, kl)
        self._occurrences[token.id] += 1
        if name == "shifted":
            self._shifted[token.id] += 1

    def position_of(self, i: int) -> int | None:
        """The position of a place; a token that is not counted has that of the next counted one."""
        return self._positions[i] if 0 <= i < len(self._positions) else None

    def most_shifted(self, limit: int) -> list[ShiftedToken]:
        """Like `shift.summary.most_shifted`."""
        found = (ShiftedToken(id_, n, self._occurrences[id_]) for id_, n in self._shifted.items())
        return nlargest(limit, found, key=lambda entry: (entry.shifted, entry.share, -entry.id))
