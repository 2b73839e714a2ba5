"""Intervals of whole tables against those of single columns, and against numbers by hand."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from urial_tui.shift.resampling import NOTHING, Part, mean_intervals
from urial_tui.shift.summary import Interval, bootstrap


def single(values: list[float]) -> list[Part]:
    return [(value, 1) for value in values]


def close(found: Interval | None, wanted: Interval, tolerance: float = 1e-6) -> None:
    assert found is not None and found.n == wanted.n
    for name in ("mean", "low", "high"):
        number = getattr(wanted, name)
        near = None if number is None else pytest.approx(number, abs=tolerance)
        assert getattr(found, name) == near, name


def test_a_table_has_the_intervals_that_its_columns_have_alone() -> None:
    draw = random.Random(1)
    scores = [float(draw.randint(1, 5)) for _ in range(150)]
    expected = [draw.uniform(1, 5) for _ in range(150)]
    words = [float(draw.randint(0, 900)) for _ in range(150)]
    below_zero = [-value for value in words]
    columns = [scores, expected, words, below_zero]
    found, _ = mean_intervals([single(column) for column in columns])
    for interval, column in zip(found, columns, strict=True):
        close(interval, bootstrap(column))
    assert found[0] == bootstrap(scores)  # whole numbers are exact
    assert found == mean_intervals([single(column) for column in columns])[0]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=12))
def test_any_numbers_have_the_intervals_of_the_plain_way(values: list[float]) -> None:
    found, _ = mean_intervals([single(values)])
    close(found[0], bootstrap(values), 1e-4)


def test_values_that_are_missing_are_in_no_mean() -> None:
    some: list[Part] = [(2.0, 1), NOTHING, (4.0, 1), NOTHING]
    found, averages = mean_intervals([some, single([1.0, 1.0, 1.0, 1.0]), [NOTHING] * 4], [[0, 1]])
    assert found[0] is not None and (found[0].mean, found[0].n) == (3.0, 2)
    assert (found[0].low, found[0].high) == (2.0, 4.0)
    assert found[1] == Interval(1.0, 1.0, 1.0, 4, 4) and found[0].n_items == 2
    assert found[2] is None
    average = averages[0]
    assert average is not None and (average.mean, average.n) == (2.0, 2)
    assert (average.low, average.high) == (1.5, 2.5)


def test_items_that_add_nothing_to_any_column_change_nothing() -> None:
    values = single([1.0, 2.0, 5.0, 3.0])
    with_empty = [NOTHING, *values[:2], NOTHING, *values[2:]]
    assert mean_intervals([with_empty]) == mean_intervals([values])


def test_an_average_over_a_column_without_values_is_none() -> None:
    assert mean_intervals([single([1.0]), [NOTHING]], [[0, 1], [0]]) == (
        [Interval(1.0, None, None, 1, 1), None],
        [None, Interval(1.0, None, None, 1, 1)],
    )
    assert mean_intervals([], [[]]) == ([], [None])
    assert mean_intervals([[]]) == ([None], [])


def test_several_values_of_an_item_are_drawn_together() -> None:
    # Two items of two values each: a draw has both values of an item or none of them.
    found, _ = mean_intervals([[(2.0, 2), (10.0, 2)]])
    assert found[0] == Interval(3.0, 1.0, 5.0, 4, 2)


def test_values_of_one_item_have_no_interval_however_many_they_are() -> None:
    found, averages = mean_intervals([[(2.0, 2), NOTHING], single([1.0, 3.0])], [[0, 1]])
    assert found[0] == Interval(1.0, None, None, 2, 1)
    assert found[1] == Interval(2.0, 1.0, 3.0, 2, 2)
    assert averages[0] == Interval(1.5, None, None, 2, 1)


def test_an_average_is_drawn_jointly() -> None:
    # One column is the other turned round: their mean never moves, however the items are drawn.
    first = [float(value) for value in (1, 5, 2, 4, 1, 5)]
    columns = [single(first), single([6 - value for value in first])]
    _, averages = mean_intervals(columns, [[0, 1]])
    assert averages[0] is not None
    assert (averages[0].low, averages[0].high) == (pytest.approx(3.0), pytest.approx(3.0))
