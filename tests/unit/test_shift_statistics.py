"""The numbers of a token against plain float64 NumPy, and the rows that are no ordinary distributions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.raw_rows import expected
from urial_tui.shift.classes import class_of_rank
from urial_tui.shift.statistics import RowScorer


def rows(seed: int, n: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    generator = random.standard_normal(n) * spread
    return generator.astype(np.float32), (generator + random.standard_normal(n)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.sampled_from([4, 5, 11, 512, 1023, 1024, 1025, 5000, 33_000]),
    spread=st.sampled_from([0.01, 1.0, 4.0, 30.0]),
    k=st.integers(1, 12),
)
def test_every_number_equals_a_plain_float64_computation(
    seed: int, n: int, spread: float, k: int
) -> None:
    generator, reference = rows(seed, n, spread)
    token = seed % n
    mine, (theirs,) = RowScorer([n], k).score(token, generator, [reference])
    assert mine is not None and theirs is not None
    want = expected(token, generator.astype(np.float64), reference.astype(np.float64), min(k, n))
    assert mine.logprob == pytest.approx(want.generator_logprob, abs=2e-4)
    assert mine.rank == want.generator_rank
    assert mine.entropy == pytest.approx(want.generator_entropy, abs=5e-4)
    assert mine.argmax_id == want.argmax
    assert [id_ for id_, _ in mine.top] == want.top
    assert theirs.logprob == pytest.approx(want.logprob, abs=2e-4)
    assert theirs.entropy == pytest.approx(want.entropy, abs=5e-4)
    assert (theirs.rank, theirs.argmax_rank) == (want.rank, want.argmax_rank)
    assert theirs.kl == pytest.approx(want.kl, abs=5e-4)
    assert [id_ for id_, _ in theirs.top] == want.reference_top


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=4, max_size=40), st.data())
def test_equal_logits_share_a_rank_and_the_lower_id_comes_first(
    values: list[int], data: st.DataObject
) -> None:
    row = np.array(values, np.float32)
    token = data.draw(st.integers(0, len(values) - 1))
    mine, (theirs,) = RowScorer([len(values)], 5).score(token, row, [row.copy()])
    assert mine is not None and theirs is not None
    assert theirs.rank == 1 + sum(value > values[token] for value in values)
    by_logit = sorted(range(len(values)), key=lambda id_: (-values[id_], id_))
    assert [id_ for id_, _ in mine.top] == by_logit[:5]
    assert theirs.argmax_rank == 1 and theirs.kl == pytest.approx(0.0, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 19))
def test_a_class_changes_exactly_when_the_margin_is_passed(seed: int, token: int) -> None:
    """Moving the token's own logit by a little less than the margin keeps the class, by a little more can change it."""
    row = np.random.default_rng(seed).standard_normal(20).astype(np.float32)
    scorer = RowScorer([20], 4)

    def look(by: float) -> tuple[str, float]:
        moved = row.copy()
        moved[token] += by
        _, (score,) = scorer.score(token, row, [moved])
        assert score is not None
        return class_of_rank(score.rank), score.emitted_margin

    here, margin = look(0.0)
    assert margin >= 0
    little = 1e-3
    if margin > little:
        assert {look(margin - little)[0], look(little - margin)[0]} == {here}
    assert here != look(margin + little)[0] or here != look(-margin - little)[0]


def test_padding_beyond_the_common_ids_takes_no_part() -> None:
    generator, reference = rows(3, 600, 2.0)
    reference[512:] = 99.0
    mine, (theirs,) = RowScorer([512], 10).score(7, generator, [reference])
    want = expected(7, generator[:512].astype(float), reference[:512].astype(float))
    assert mine is not None and theirs is not None
    assert theirs.kl == pytest.approx(want.kl, abs=5e-4) and theirs.rank == want.rank
    assert mine.logprob == pytest.approx(want.generator_logprob, abs=2e-4)
    assert RowScorer([512], 10).score(512, generator, [reference]) == (None, (None,))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_row_that_is_no_distribution_has_no_score(bad: float) -> None:
    generator, reference = rows(1, 2000, 2.0)
    broken = reference.copy()
    broken[17] = bad
    mine, scores = RowScorer([2000, 2000], 10).score(5, generator, [reference, broken])
    assert mine is not None and scores[0] is not None and scores[1] is None
    assert RowScorer([2000], 10).score(5, broken, [reference]) == (None, (None,))
    empty = np.full(2000, -np.inf, np.float32)
    assert RowScorer([2000], 10).score(5, generator, [empty])[1] == (None,)


def test_tokens_that_a_side_excludes_give_an_infinite_divergence_and_finite_entropies() -> None:
    generator, reference = rows(2, 2000, 2.0)
    generator[:100] = -np.inf
    mine, (theirs,) = RowScorer([2000], 10).score(500, generator, [reference])
    want = expected(500, generator[100:].astype(float), reference.astype(float)[100:])
    assert mine is not None and theirs is not None
    assert mine.entropy == pytest.approx(want.generator_entropy, abs=1e-3)
    assert theirs.kl is not None and math.isfinite(theirs.kl)
    reference[int(np.argmax(generator))] = -np.inf
    _, (excluded,) = RowScorer([2000], 10).score(500, generator, [reference])
    assert excluded is not None and excluded.kl == math.inf and excluded.argmax_rank == 2000


def test_a_text_without_a_generator_has_ranks_and_no_divergence() -> None:
    _, reference = rows(4, 2000, 2.0)
    mine, (theirs,) = RowScorer([2000], 10).score(9, None, [reference])
    assert mine is None and theirs is not None
    assert (theirs.argmax_rank, theirs.margin, theirs.kl) == (None, None, None)
    assert theirs.rank == 1 + int((reference > reference[9]).sum())


def test_each_reference_is_compared_over_the_ids_that_it_shares() -> None:
    """A further reference with fewer ids changes nothing in the numbers of the first."""
    generator, reference = rows(6, 3000, 2.0)
    _, (alone,) = RowScorer([3000], 10).score(7, generator, [reference])
    mine, (first, second) = RowScorer([3000, 2048], 10).score(7, generator, [reference, reference])
    want = expected(7, generator[:2048].astype(float), reference[:2048].astype(float))
    assert first == alone and mine is not None and second is not None
    assert second.kl == pytest.approx(want.kl, abs=5e-4) and second.rank == want.rank
    _, (there, outside) = RowScorer([3000, 2048], 10).score(2500, generator, [reference] * 2)
    assert there is not None and outside is None
