"""Columns of a board whose means get their intervals together, from one bootstrap over the items of a run.

A column is put down while the board is made and read when all are there: `Means` is the one place of a board that
resamples.
"""

from collections.abc import Iterable, Mapping, Sequence

from urial_tui.shift.resampling import NOTHING, Part, mean_intervals
from urial_tui.shift.summary import Interval


class Means:
    """Columns over items of several runs. Items of one run are drawn together, those of different runs apart."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Mapping[str, Part]]] = {}
        self._averages: dict[str, list[tuple[int, ...]]] = {}
        self._found: dict[str, tuple[list[Interval | None], list[Interval | None]]] = {}

    def column(self, run: str, values: Iterable[tuple[str, float]]) -> tuple[str, int]:
        """Put down a column: pairs of an item and one of its values. Returns where `mean` finds it."""
        parts: dict[str, Part] = {}
        for item, value in values:
            total, count = parts.get(item, NOTHING)
            parts[item] = (total + value, count + 1)
        columns = self._columns.setdefault(run, [])
        columns.append(parts)
        return run, len(columns) - 1

    def average(self, places: Sequence[tuple[str, int]]) -> tuple[str, int]:
        """Put down the mean of some columns' means; they are all of one run. Returns where `averaged` finds it."""
        run = places[0][0]
        averages = self._averages.setdefault(run, [])
        averages.append(tuple(number for _, number in places))
        return run, len(averages) - 1

    def mean(self, place: tuple[str, int]) -> Interval | None:
        run, number = place
        return self._resampled(run)[0][number]

    def averaged(self, place: tuple[str, int]) -> Interval | None:
        run, number = place
        return self._resampled(run)[1][number]

    def _resampled(self, run: str) -> tuple[list[Interval | None], list[Interval | None]]:
        if run not in self._found:
            columns = self._columns[run]
            items = list(dict.fromkeys(item for parts in columns for item in parts))
            self._found[run] = mean_intervals(
                [[parts.get(item, NOTHING) for item in items] for parts in columns],
                self._averages.get(run, ()),
            )
        return self._found[run]
