"""Compared answers put together: wins, ties and losses of each pair of rows, with the lengths beside them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from urial_tui.judge.board.material import Material
from urial_tui.judge.board.means import Means
from urial_tui.judge.board.types import BoardJudge, Duel, DuelCell
from urial_tui.judge.flipping import flipped
from urial_tui.shift.summary import Interval
from urial_tui.store.judging.types import Comparison, Pick, Winner

_VALUES: dict[Winner, float] = {"a": 1.0, "tie": 0.0, "b": -1.0}
"""Of a pick in the margin."""


def duels(
    material: Material, judges: Mapping[str, BoardJudge], means: Means
) -> tuple[Callable[[], tuple[Duel, ...]], int]:
    """Put lengths and margins into `means`; what is returned makes the duels. Besides, how many comparisons are of two
    answers of one row and therefore in none."""
    answers = {answer.message_id: answer for answer in material.answers}
    place = {head.key: number for number, head in enumerate(material.rows)}
    found: dict[tuple[str, str, str, str], list[Comparison]] = {}
    inside = 0
    for comparison in material.comparisons:
        one, other = answers[comparison.message_a].row, answers[comparison.message_b].row
        if one == other:
            inside += 1
            continue
        if place[one] > place[other]:
            comparison, one, other = flipped(comparison), other, one  # noqa: PLW2901 - one direction
        key = (comparison.rubric.hash, comparison.judge.key, one, other)
        found.setdefault(key, []).append(comparison)
    waiting = []
    for key, group in found.items():
        asked = [(answers[comparison.message_a].item, comparison) for comparison in group]
        words = means.column((item, float(c.words_a - c.words_b)) for item, c in asked)
        margins = {
            aspect: means.column(
                (item, _VALUES[pick.winner])
                for item, comparison in asked
                if (pick := pick_of(comparison, aspect)) is not None and pick.winner is not None
            )
            for aspect in _aspects(group)
        }
        waiting.append((key, group, words, margins))

    def made() -> tuple[Duel, ...]:
        return tuple(
            Duel(
                judges[judge],
                group[0].rubric,
                one,
                other,
                len(group),
                means.mean(words),
                tuple(duel_cell(a, group, means.mean(margin)) for a, margin in margins.items()),
                n_own=sum(comparison.own for comparison in group),
                n_shortened=sum(bool(comparison.shortened) for comparison in group),
                n_blind=sum(comparison.blind for comparison in group),
            )
            for (_, judge, one, other), group, words, margins in waiting
        )

    return made, inside


def _aspects(comparisons: Sequence[Comparison]) -> list[str]:
    return list(dict.fromkeys(pick.aspect for c in comparisons for pick in c.picks))


def pick_of(comparison: Comparison, aspect: str) -> Pick | None:
    """What a comparison says of an aspect; as `score_of` otherwise."""
    found = next((pick for pick in comparison.picks if pick.aspect == aspect), None)
    if found is None and not comparison.picks and comparison.outcome != "ok":
        return Pick(aspect, comparison.outcome)
    return found


def duel_cell(
    aspect: str, comparisons: Sequence[Comparison], margin: Interval | None = None
) -> DuelCell:
    """What comparisons come to in one aspect, as seen from their A; `margin` is only passed on."""
    asked = [(comparison, pick_of(comparison, aspect)) for comparison in comparisons]
    picks = [(comparison, pick) for comparison, pick in asked if pick is not None]
    winners = Counter(pick.winner for _, pick in picks)
    outcomes = Counter(pick.outcome for _, pick in picks)
    decided = [
        (pick.winner == "a") == (comparison.words_a > comparison.words_b)
        for comparison, pick in picks
        if pick.winner in ("a", "b") and comparison.words_a != comparison.words_b
    ]
    return DuelCell(
        aspect,
        wins=winners["a"],
        ties=winners["tie"],
        losses=winners["b"],
        n_na=outcomes["na"],
        n_invalid=outcomes["invalid"],
        n_refused=outcomes["refused"],
        n_split=sum(
            pick.winner == "tie"
            and None not in (pick.first, pick.second)
            and pick.first != pick.second
            for _, pick in picks
        ),
        n_longer=sum(decided),
        n_decided=len(decided),
        margin=margin,
    )
