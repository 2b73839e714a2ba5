"""Scores put together: what one judge with one rubric gave to each row of a board, an aspect at a time.

The sampled score leads, as it is what just-eval reports and what a person gives; the expected score stands beside it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from urial_tui.judge.board.material import BoardAnswer, Material
from urial_tui.judge.board.means import Items, Means, Place
from urial_tui.judge.board.types import SAFETY, BoardJudge, Cell, Line, Panel
from urial_tui.store.judging.types import AspectScore, Judgement, Outcome

COMPATIBLE = 5.0
"""What just-eval's own report takes N/A for."""


def panels(
    material: Material,
    judges: Mapping[str, BoardJudge],
    means: Means,
    *,
    only: Callable[[BoardAnswer], bool] | None = None,
) -> Callable[[], tuple[Panel, ...]]:
    """Put the columns of all panels into `means`; what is returned makes the panels when all columns are there.

    `only`: whether an answer is in them; a panel without a judged answer is left out.
    """
    answers = [answer for answer in material.answers if only is None or only(answer)]
    by_message = {answer.message_id: answer for answer in answers}
    n_answers = Counter(answer.row for answer in answers)
    judged: dict[tuple[str, str], list[Judgement]] = {}
    for judgement in material.judgements:
        if judgement.message_id in by_message:
            key = (judgement.rubric.hash, judgement.judge.key)
            judged.setdefault(key, []).append(judgement)
    waiting = []
    for (_, judge), group in judged.items():
        by_row: dict[str, list[tuple[str, Judgement]]] = {}
        for judgement in group:
            answer = by_message[judgement.message_id]
            by_row.setdefault(answer.row, []).append((answer.item, judgement))
        aspects = _aspects(judgement for judgement in group)
        averaged = tuple(aspect for aspect in aspects if aspect != SAFETY)
        averaged = averaged if len(averaged) > 1 else ()
        lines = [
            _line(head.key, n_answers[head.key], by_row[head.key], aspects, averaged, means)
            for head in material.rows
            if head.key in by_row
        ]
        waiting.append((judges[judge], group[0].rubric, aspects, averaged, lines))

    def made() -> tuple[Panel, ...]:
        return tuple(
            Panel(judge, rubric, aspects, averaged, tuple(line.read(means) for line in lines))
            for judge, rubric, aspects, averaged, lines in waiting
        )

    return made


@dataclass(frozen=True)
class _Aspect:
    aspect: str
    score: Place
    expected: Place
    outcomes: Counter[Outcome]
    compatible: float | None
    mass: float | None

    def read(self, means: Means) -> Cell:
        return Cell(
            self.aspect,
            means.mean(self.score),
            means.mean(self.expected),
            self.outcomes["na"],
            self.outcomes["invalid"],
            self.outcomes["refused"],
            self.compatible,
            self.mass,
        )


@dataclass(frozen=True)
class _Line:
    row: str
    n_answers: int
    judgements: Sequence[Judgement]
    aspects: Sequence[_Aspect]
    averaged: Sequence[str]
    average: Place | None
    average_expected: Place | None

    def read(self, means: Means) -> Line:
        compatible = [a.compatible for a in self.aspects if a.aspect in self.averaged]
        known = [value for value in compatible if value is not None]
        return Line(
            row=self.row,
            cells=tuple(aspect.read(means) for aspect in self.aspects),
            average=means.averaged(self.average) if self.average else None,
            average_expected=means.averaged(self.average_expected)
            if self.average_expected
            else None,
            average_compatible=fmean(known) if known and len(known) == len(compatible) else None,
            n_answers=self.n_answers,
            n_judged=len(self.judgements),
            n_own=sum(judgement.own for judgement in self.judgements),
            n_shortened=sum(bool(judgement.shortened) for judgement in self.judgements),
            n_blind=sum(judgement.blind for judgement in self.judgements),
        )


def _line(
    row: str,
    n_answers: int,
    judged: Sequence[tuple[str, Judgement]],
    aspects: Sequence[str],
    averaged: Sequence[str],
    means: Means,
) -> _Line:
    items = frozenset(item for item, _ in judged)
    found = [_aspect(aspect, judged, means, items) for aspect in aspects]
    inside = [aspect for aspect in found if aspect.aspect in averaged]
    return _Line(
        row,
        n_answers,
        [judgement for _, judgement in judged],
        found,
        averaged,
        means.average([aspect.score for aspect in inside]) if inside else None,
        means.average([aspect.expected for aspect in inside]) if inside else None,
    )


def _aspect(
    name: str, judged: Sequence[tuple[str, Judgement]], means: Means, items: Items
) -> _Aspect:
    asked = [(item, score_of(judgement, name)) for item, judgement in judged]
    scores = [(item, score) for item, score in asked if score is not None]
    outcomes = Counter(score.outcome for _, score in scores)
    given = [(item, float(s.score)) for item, s in scores if s.score is not None]
    expected = [(item, s.expected) for item, s in scores if s.expected is not None]
    masses = [sum(s.probabilities) for _, s in scores if s.expected is not None and s.probabilities]
    n = len(given) + outcomes["na"]
    total = sum(value for _, value in given) + COMPATIBLE * outcomes["na"]
    return _Aspect(
        name,
        means.column(given, items),
        means.column(expected, items),
        outcomes,
        total / n if n else None,
        fmean(masses) if masses else None,
    )


def score_of(judgement: Judgement, aspect: str) -> AspectScore | None:
    """What a judgement says of an aspect. None: the judge was not asked, or the person left it out.

    A judgement without any aspect (nothing could be read) says of each of them how it went.
    """
    found = next((score for score in judgement.scores if score.aspect == aspect), None)
    if found is None and not judgement.scores and judgement.outcome != "ok":
        return AspectScore(aspect, judgement.outcome)
    return found


def _aspects(judgements: Iterable[Judgement]) -> tuple[str, ...]:
    """All aspects, in the order in which the judgements have them."""
    return tuple(dict.fromkeys(s.aspect for judgement in judgements for s in judgement.scores))
