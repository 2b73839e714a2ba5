"""Intervals of many means at once, from one bootstrap over items: what `summary.bootstrap` does, for whole tables.

All columns of a draw are of the same items, as a table about the same items needs, and the draws are those that
`bootstrap` makes with the same seed. Plain Python.
"""

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from urial_tui.shift.summary import RESAMPLES, Interval, percentile_interval

Part = tuple[float, int]
"""What an item adds to a column: the sum of its values, and how many they are."""
NOTHING: Part = (0.0, 0)

_BITS = 64
_COUNT_BITS = 24
_SUM_BITS = _BITS - _COUNT_BITS


@dataclass(frozen=True)
class _Column:
    """A column in fixed point: `scale` times the values above `low`, added up, and their counts, one word an item."""

    words: list[int]
    low: float
    scale: float
    mean: float
    n: int
    n_items: int

    def mean_of(self, word: int) -> float | None:
        """The mean that the sum of some items' words stands for; None where no value is among them."""
        count = word >> _SUM_BITS
        if not count:
            return None
        return self.low + (word & ((1 << _SUM_BITS) - 1)) / (self.scale * count)


def mean_intervals(
    columns: Sequence[Sequence[Part]],
    averages: Sequence[Sequence[int]] = (),
    *,
    seed: int = 0,
) -> tuple[list[Interval | None], list[Interval | None]]:
    """The mean of each column's values, and for each of `averages` (numbers of columns) the mean of those means.

    Columns are over the same items. Each mean has its 95 % percentile bootstrap interval over the items that add
    anything to any column; `n` counts values and `n_items` the items that have one (of an average: the fewest of its
    columns). A column without values is None, and so is an average over one; a draw that leaves a column without values
    is not in its percentiles.

    Each item's sums and counts are 64 bits a column of one long integer, so that one addition takes all columns. Sums
    are in fixed point: whole numbers are exact, others within a 2^-39th of the sum of the largest values.
    """
    items = [
        number
        for number, parts in enumerate(zip(*columns, strict=True))
        if any(count for _, count in parts)
    ]
    made = [_column([column[number] for number in items]) for column in columns]
    columns_there = [column for column in made if column is not None]
    draws = iter(_draws(columns_there, len(items), seed) if columns_there else ())
    means = [None if column is None else next(draws) for column in made]
    found = [
        None
        if column is None or drawn is None
        else _interval(column.mean, drawn, column.n, column.n_items)
        for column, drawn in zip(made, means, strict=True)
    ]
    return found, [
        _average([made[n] for n in numbers], [means[n] for n in numbers]) for numbers in averages
    ]


def _column(parts: Sequence[Part]) -> _Column | None:
    n = sum(count for _, count in parts)
    if not n:
        return None
    low = min(total / count for total, count in parts if count)
    above = [total - low * count for total, count in parts]
    # No draw can hold more than its size times the largest part.
    largest = max(above) * len(parts)
    scale = ((1 << _SUM_BITS) - 1 - len(parts)) / largest if largest > 0 else 1.0
    if scale > 1:
        scale = float(int(scale))  # whole numbers stay whole
    most = max(count for _, count in parts) * len(parts)
    if most >> _COUNT_BITS:
        raise ValueError(f"{most} values are too many for a resampled mean")
    words = [
        (count << _SUM_BITS) + round(value * scale)
        for value, (_, count) in zip(above, parts, strict=True)
    ]
    n_items = sum(count > 0 for _, count in parts)
    return _Column(words, low, scale, sum(total for total, _ in parts) / n, n, n_items)


def _draws(columns: Sequence[_Column], n: int, seed: int) -> list[list[float | None]]:
    """For each column its mean in each draw of `n` items."""
    joined = [
        int.from_bytes(struct.pack(f"<{len(columns)}Q", *words), "little")
        for words in zip(*(column.words for column in columns), strict=True)
    ]
    draw = random.Random(seed)
    unpacked = struct.Struct(f"<{len(columns)}Q")
    sums = [
        unpacked.unpack(sum(draw.choices(joined, k=n)).to_bytes(unpacked.size, "little"))
        for _ in range(RESAMPLES)
    ]
    return [
        [column.mean_of(word) for word in words]
        for column, words in zip(columns, zip(*sums, strict=True), strict=True)
    ]


def _interval(mean: float, draws: Sequence[float | None], n: int, n_items: int) -> Interval:
    return percentile_interval(mean, [value for value in draws if value is not None], n, n_items)


def _average(
    columns: Sequence[_Column | None], draws: Sequence[list[float | None] | None]
) -> Interval | None:
    there = [column for column in columns if column is not None]
    if not there or len(there) < len(columns):
        return None
    means: list[float | None] = []
    for row in zip(*(drawn for drawn in draws if drawn is not None), strict=True):
        values = [value for value in row if value is not None]
        means.append(fmean(values) if len(values) == len(row) else None)
    return _interval(
        fmean(c.mean for c in there),
        means,
        min(c.n for c in there),
        min(c.n_items for c in there),
    )
