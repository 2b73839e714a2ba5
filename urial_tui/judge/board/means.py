"""Columns of a board whose means get their intervals together, from one bootstrap over their items.

A column is put down while the board is made and read when all are there: `Means` is the one place of a board that
resamples.
"""

from collections.abc import Iterable, Mapping, Sequence

from urial_tui.shift.resampling import NOTHING, Part, mean_intervals
from urial_tui.shift.summary import Interval

Items = frozenset[str]
Place = tuple[Items, int]
"""Where a column or an average is found."""
_Found = tuple[list[Interval | None], list[Interval | None]]


class Means:
    """Columns about the same items are drawn together, others apart: an interval is over the items that were judged,
    however many more the run has. Items are named uniquely over all runs."""

    def __init__(self) -> None:
        self._columns: dict[Items, list[Mapping[str, Part]]] = {}
        self._averages: dict[Items, list[tuple[int, ...]]] = {}
        self._found: dict[Items, _Found] = {}

    def column(self, values: Iterable[tuple[str, float]], items: Items | None = None) -> Place:
        """Put down a column: pairs of an item and one of its values. `items` are those that it is about, also where
        they have no value; by default those that have one."""
        parts: dict[str, Part] = {}
        for item, value in values:
            total, count = parts.get(item, NOTHING)
            parts[item] = (total + value, count + 1)
        items = frozenset(parts) if items is None else items
        columns = self._columns.setdefault(items, [])
        columns.append(parts)
        return items, len(columns) - 1

    def average(self, places: Sequence[Place]) -> Place:
        """Put down the mean of some columns' means; they are about the same items."""
        items = places[0][0]
        averages = self._averages.setdefault(items, [])
        averages.append(tuple(number for _, number in places))
        return items, len(averages) - 1

    def mean(self, place: Place) -> Interval | None:
        items, number = place
        return self._resampled(items)[0][number]

    def averaged(self, place: Place) -> Interval | None:
        items, number = place
        return self._resampled(items)[1][number]

    def _resampled(self, items: Items) -> _Found:
        if items not in self._found:
            columns = self._columns[items]
            # In the order of the columns, not of the set: the draws are the same every time.
            order = list(dict.fromkeys(item for parts in columns for item in parts))
            self._found[items] = mean_intervals(
                [[parts.get(item, NOTHING) for item in order] for parts in columns],
                self._averages.get(items, ()),
            )
        return self._found[items]
