"""Classes and aggregates over records that are written by hand."""

import pytest

from urial_tui.shift.classes import class_of_rank, is_near_tie, token_class
from urial_tui.shift.records import GeneratorScore, ReferenceScore, TokenScore
from urial_tui.shift.summary import (
    bootstrap,
    by_position,
    by_relative_position,
    early_and_late,
    intervals,
    most_shifted,
    summarise,
    top_agreement,
)


def token(
    i: int,
    argmax_rank: int | None,
    *,
    rank: int = 1,
    id_: int = 7,
    margin: float = 1.0,
    kl: float | None = 0.5,
    control: bool = False,
    cut: bool = False,
) -> TokenScore:
    reference = ReferenceScore(
        -1.0,
        2.0,
        rank,
        margin,
        argmax_rank,
        margin if argmax_rank else None,
        kl,
        ((7, -1.0), (8, -2.0)),
    )
    return TokenScore(
        i, id_, GeneratorScore(-0.5, 1.0, 1, ((7, -0.5), (9, -1.0))), (reference,), control, cut
    )


@pytest.mark.parametrize(
    ("rank", "name"),
    [(1, "unshifted"), (2, "marginal"), (3, "marginal"), (4, "shifted"), (262_144, "shifted")],
)
def test_classes_follow_the_ranks_of_the_paper(rank: int, name: str) -> None:
    assert class_of_rank(rank) == name


def test_the_class_ranks_the_argmax_and_the_emitted_class_the_written_token() -> None:
    sampled = token(0, 1, rank=9)
    assert token_class(sampled, 0) == "unshifted"
    assert token_class(sampled, 0, "emitted") == "shifted"
    assert token_class(token(0, None, rank=2), 0) == "marginal"
    assert token_class(sampled, 1) is None


def test_control_and_cut_tokens_are_never_in_a_ratio() -> None:
    found = summarise([token(0, 1), token(1, 5, control=True), token(2, 5, cut=True), token(3, 2)])
    assert found.counts == {"unshifted": 1, "marginal": 1, "shifted": 0, "control": 1}
    assert found.ratios == {"unshifted": 0.5, "marginal": 0.5, "shifted": 0.0}
    assert found.mean_kl == 0.5 and found.n == 2


def test_near_ties_are_counted_beside_the_classes_that_contain_them() -> None:
    tokens = [token(0, 1, margin=0.01), token(1, 1), token(2, 5, margin=0.2)]
    found = summarise(tokens, noise=0.1)
    assert found.near_ties == {"unshifted": 1, "marginal": 0, "shifted": 0}
    assert found.ratios_without_near_ties == {"unshifted": 0.5, "marginal": 0.0, "shifted": 0.5}
    assert summarise(tokens).near_ties is None
    score = tokens[0].references[0]
    assert score is not None
    assert is_near_tie(score, None) is None and is_near_tie(score, 0.01) is False


def test_missing_scores_are_said_and_not_counted() -> None:
    missing = TokenScore(1, 7, None, (None,))
    found = summarise([token(0, 1), missing])
    assert (found.n, found.unscored) == (1, 1)
    assert summarise([missing]).ratios is None


def test_positions_count_only_counted_tokens() -> None:
    answer = [token(0, 5), token(1, 1, control=True), token(2, 1), token(3, 2), token(4, 1)]
    absolute = by_position([answer, answer[:1]])
    assert [(p.at, p.n) for p in absolute] == [(0, 2), (1, 1), (2, 1), (3, 1)]
    assert absolute[0].share("shifted") == 1.0
    relative = by_relative_position([answer], bins=2)
    assert [p.counts for p in relative] == [
        {"shifted": 1, "unshifted": 1},
        {"marginal": 1, "unshifted": 1},
    ]


def test_the_first_fifteen_positions_are_apart_from_later_ones() -> None:
    answer = [token(i, 5 if i < 15 else 1) for i in range(20)]
    early, late = early_and_late([answer, answer])
    assert (early.n, early.counts["shifted"]) == (30, 30)
    assert (late.n, late.counts["shifted"]) == (10, 0)


def test_most_shifted_tokens_come_by_count_then_share() -> None:
    tokens = [
        token(0, 5, id_=1),
        token(1, 1, id_=1),
        token(2, 9, id_=2),
        token(3, 4, id_=3),
        token(4, 4, id_=3),
    ]
    found = most_shifted(tokens)
    assert [(t.id, t.shifted, t.occurrences) for t in found] == [(3, 2, 2), (2, 1, 1), (1, 1, 2)]


def test_intervals_are_over_items_and_the_same_every_time() -> None:
    items = [summarise([token(0, 1)] * a + [token(0, 5)] * (10 - a)) for a in (6, 7, 8, 9)]
    found = intervals(items)["unshifted"]
    assert found.mean == pytest.approx(0.75) and found.n == 4
    assert 0.6 <= found.low < 0.75 < found.high <= 0.9
    assert intervals(items) == intervals(items)


def test_one_item_says_nothing_of_others_and_has_no_interval() -> None:
    one = bootstrap([0.3])
    assert (one.mean, one.low, one.high, one.n, one.n_items) == (0.3, None, None, 1, 1)
    assert intervals([summarise([token(0, 1)])]) == {}


def test_agreement_is_the_share_of_common_alternatives() -> None:
    assert top_agreement([token(0, 1)], k=2) == 0.5
    assert top_agreement([token(0, 1)], k=1) == 1.0
    assert top_agreement([]) is None
