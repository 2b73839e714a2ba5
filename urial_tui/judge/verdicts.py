"""From a judge's replies to scores and picks. Pure; here alone is decided what counts as which outcome.

An aspect that was not read is `invalid`, one that does not apply is `na`, and neither has a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from urial_tui.judge.expected import expected_score, share
from urial_tui.judge.reply import Chosen, Reply
from urial_tui.judge.rubric_types import CHOICES, N_LEVELS, NA, Rubric
from urial_tui.store.judging.types import AspectScore, Outcome, Pick, Winner


@dataclass(frozen=True)
class Scored:
    """One judged answer; fields as in `Judgement`. `problem`: why the judge was not asked (`outcome` is invalid)."""

    outcome: Outcome
    scores: tuple[AspectScore, ...]
    raw: tuple[str, ...] = ()
    prompt: str = ""
    shortened: dict[str, tuple[int, int]] = field(default_factory=dict)
    problem: str = ""
    timings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Compared:
    """Two compared answers; fields as in `Comparison`. `prompts`: with A first, then with B first."""

    picks: tuple[Pick, ...]
    raw: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    shortened: dict[str, tuple[int, int]] = field(default_factory=dict)
    problem: str = ""
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        return overall([pick.outcome for pick in self.picks])


def overall(outcomes: Sequence[Outcome]) -> Outcome:
    """Of a whole judgement: `ok` with one score at the least, else what is the case."""
    order: tuple[Outcome, ...] = ("ok", "na", "refused")
    return next((outcome for outcome in order if outcome in outcomes), "invalid")


def outcome_of(rubric: Rubric, reply: Reply) -> Outcome:
    return overall([score.outcome for score in scores(rubric, reply)])


def scores(rubric: Rubric, reply: Reply) -> tuple[AspectScore, ...]:
    """One for each aspect, in the rubric's order."""
    if reply.refused is not None:
        return tuple(
            AspectScore(aspect.id, "refused", reason=reply.refused) for aspect in rubric.aspects
        )
    return tuple(
        _score(aspect.id, reply.chosen.get(aspect.id), aspect.na) for aspect in rubric.aspects
    )


def _score(aspect: str, chosen: Chosen | None, na: bool) -> AspectScore:
    if chosen is None:
        return AspectScore(aspect, "invalid")
    digits = chosen.masses[:N_LEVELS]
    p_na = chosen.masses[N_LEVELS] if na and len(chosen.masses) > N_LEVELS else None
    if chosen.choice == NA:
        return AspectScore(aspect, "na", probabilities=digits, p_na=p_na, reason=chosen.reason)
    expected, spread = expected_score(digits) or (None, None)
    return AspectScore(
        aspect,
        "ok",
        score=int(chosen.choice),
        expected=expected,
        spread=spread,
        probabilities=digits,
        p_na=p_na,
        reason=chosen.reason,
    )


def picks(rubric: Rubric, first: Reply, second: Reply) -> tuple[Pick, ...]:
    """One for each aspect. `first` is the reply to A before B, `second` to B before A, where the judge's "A" is our B.

    Only what both orders say is a win: a judge that prefers a place, and not an answer, gives ties.
    """
    if first.refused is not None or second.refused is not None:
        reasons = tuple(filter(None, (first.refused, second.refused)))
        return tuple(Pick(aspect.id, "refused", reasons=reasons) for aspect in rubric.aspects)
    return tuple(
        _pick(aspect.id, first.chosen.get(aspect.id), second.chosen.get(aspect.id))
        for aspect in rubric.aspects
    )


_WINNERS: tuple[tuple[Winner, ...], tuple[Winner, ...]] = (("a", "b", "tie"), ("b", "a", "tie"))


def _pick(aspect: str, first: Chosen | None, second: Chosen | None) -> Pick:
    said = [
        _WINNERS[n][CHOICES.index(chosen.choice)] if chosen else None
        for n, chosen in enumerate((first, second))
    ]
    shares = [
        share(*(chosen.masses[:2] if n == 0 else chosen.masses[1::-1]))
        if chosen and len(chosen.masses) >= 2
        else None
        for n, chosen in enumerate((first, second))
    ]
    readable = first is not None and second is not None
    return Pick(
        aspect,
        "ok" if readable else "invalid",
        winner=None if not readable else said[0] if said[0] == said[1] else "tie",
        first=said[0],
        second=said[1],
        p_first=shares[0],
        p_second=shares[1],
        reasons=tuple(chosen.reason if chosen else "" for chosen in (first, second)),
    )
