"""Agreement against published examples, other formulas of the same number, and what must hold for any judges."""

import random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from urial_tui.judge.agreement import (
    kappa,
    of_picks,
    of_scores,
    ranks,
    spearman,
    weighted_kappa,
)

PAIRS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=40)


def test_mid_ranks_share_the_places_of_equal_values() -> None:
    assert ranks([10, 20, 20, 5, 20]) == [2.0, 4.0, 4.0, 1.0, 4.0]
    assert ranks([]) == []


def test_rho_of_a_published_example() -> None:
    # IQ and hours of television a week, the worked example of Wikipedia's "Spearman's rank correlation coefficient".
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    assert spearman(iq, hours) == pytest.approx(-29 / 165)


def test_rho_with_ties_by_hand() -> None:
    # Ranks 1, 2.5, 2.5, 4 and 1.5, 1.5, 3, 4 less 2.5: products 1.5 + 0 + 0 + 2.25, squares 4.5 and 4.5.
    assert spearman([1, 2, 2, 3], [1, 1, 2, 3]) == pytest.approx(3.75 / 4.5)


def test_kappa_of_a_published_example() -> None:
    # 50 grant proposals, the worked example of Wikipedia's "Cohen's kappa".
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert kappa(pairs) == pytest.approx(0.4)


def test_weighted_kappa_by_hand() -> None:
    # Squares observed: 0, 1, 4, 0. Expected, of 1, 2, 3, 5 in turn with 1, 3, 5, 5: 36 + 20 + 12 + 20, over 16.
    found = weighted_kappa([(1, 1), (2, 3), (3, 5), (5, 5)])
    assert found == pytest.approx(1 - (5 / 4) / (88 / 16))


@given(PAIRS)
def test_weighted_kappa_is_the_concordance_of_the_scores(pairs: list[tuple[int, int]]) -> None:
    # Lin's concordance 2 cov / (var + var + (mean - mean)^2), with moments over n, is the same number.
    found = weighted_kappa(pairs)
    if not pairs:
        assert found is None
        return
    one, other = fmean(a for a, _ in pairs), fmean(b for _, b in pairs)
    covariance = fmean((a - one) * (b - other) for a, b in pairs)
    spread = fmean((a - one) ** 2 for a, _ in pairs) + fmean((b - other) ** 2 for _, b in pairs)
    below = spread + (one - other) ** 2
    assert found is None or found == pytest.approx(2 * covariance / below)
    assert (found is None) == (len({a for a, _ in pairs}) < 2 or len({b for _, b in pairs}) < 2)


@settings(max_examples=60)
@given(PAIRS, st.randoms(use_true_random=False))
def test_agreement_is_symmetric_and_forgets_the_order(
    pairs: list[tuple[int, int]], shuffler: random.Random
) -> None:
    found = of_scores("clarity", pairs)
    mixed = list(pairs)
    shuffler.shuffle(mixed)
    for other in (of_scores("clarity", [(b, a) for a, b in pairs]), of_scores("clarity", mixed)):
        assert (other.n, other.exact, other.within_one) == (found.n, found.exact, found.within_one)
        assert other.rho == pytest.approx(found.rho) if found.rho is not None else other.rho is None
        assert other.kappa == (None if found.kappa is None else pytest.approx(found.kappa))
    if found.rho is not None:
        assert -1.0 <= found.rho <= 1.0
    if found.kappa is not None:
        assert -1.0 <= found.kappa <= 1.0


@given(st.lists(st.integers(1, 5), min_size=2, max_size=30))
def test_a_judge_agrees_with_itself_unless_it_always_says_the_same(scores: list[int]) -> None:
    found = of_scores("depth", [(score, score) for score in scores])
    varied = len(set(scores)) > 1
    assert (found.exact, found.within_one) == (1.0, 1.0)
    assert (found.rho, found.kappa) == ((1.0, 1.0) if varied else (None, None))


def test_a_constant_judge_has_no_order_and_no_agreement_beyond_chance() -> None:
    # Whatever the other says, the formulas give 0 or nothing: a number that says nothing of either judge.
    found = of_scores("depth", [(3, 1), (3, 2), (3, 4), (3, 5)])
    assert (found.rho, found.kappa) == (None, None)
    assert (found.exact, found.within_one) == (0.0, 0.5)
    assert weighted_kappa([(1, 3), (5, 3)]) is None
    assert kappa([("a", "a"), ("a", "b"), ("a", "tie")]) is None
    assert kappa([("a", "b"), ("tie", "b")]) is None


def test_one_common_answer_is_no_agreement_beyond_chance() -> None:
    assert (weighted_kappa([(2, 4)]), kappa([("a", "b")])) == (None, None)


def test_nothing_in_common_is_no_number() -> None:
    nothing = of_scores("", [])
    assert (nothing.n, nothing.exact, nothing.within_one, nothing.rho, nothing.kappa) == (
        0, None, None, None, None,
    )  # fmt: skip
    assert of_picks("", []).kappa is None


def test_picks_have_plain_agreement_and_kappa() -> None:
    # Three of four are equal; by chance (2 * 2 + 1 * 0 + 1 * 2) / 16 would be.
    found = of_picks("clarity", [("a", "a"), ("a", "a"), ("b", "tie"), ("tie", "tie")])
    assert (found.n, found.exact, found.within_one, found.rho) == (4, 0.75, None, None)
    assert found.kappa == pytest.approx((0.75 - 6 / 16) / (1 - 6 / 16))
