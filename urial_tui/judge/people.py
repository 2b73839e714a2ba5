"""What a person says of answers, as the rows that judges have too: scores of an answer, choices between two.

Plain values and the order in which answers are shown; the desk stores them. An aspect that nobody rated is not in the
row, one that does not apply is `na`: neither is a number.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from urial_tui.errors import JudgeError
from urial_tui.judge.flipping import flipped
from urial_tui.store.judging.types import (
    AspectScore,
    Comparison,
    JudgeInfo,
    Judgement,
    Pick,
    RubricRef,
    Winner,
)

NA: Literal["na"] = "na"
Mark = int | Literal["na"]
"""What a person gives an aspect: 1-5, or that it does not apply."""
Choice = Winner | Literal["na"]
"""Which of two answers is better in an aspect, or that it applies to neither."""
Place = Literal["a", "b"]

T = TypeVar("T")


def person(name: str) -> JudgeInfo:
    """Who rates by hand. The same name is the same judge."""
    name = name.strip()
    return JudgeInfo("person", name, f"person:{name}")


def is_by(said: Judgement | Comparison, rater: str, rubric: RubricRef | None = None) -> bool:
    """Whether this person said it, with `rubric` (None: with any)."""
    return said.judge.key == person(rater).key and (
        rubric is None or said.rubric.hash == rubric.hash
    )


def rating(
    message_id: str,
    rater: str,
    rubric: RubricRef,
    marks: Mapping[str, Mark],
    aspects: Sequence[str],
    *,
    note: str = "",
    blind: bool = False,
) -> Judgement:
    """A person's judgement of an answer; `aspects` are the rubric's, whose order is kept.

    Raises JudgeError (`nothing-rated`) without a mark, `bad-mark` for one that is none.
    """
    scores = []
    for aspect in aspects:
        mark = marks.get(aspect)
        if mark is None:
            continue
        if mark == NA:
            scores.append(AspectScore(aspect, "na"))
        elif mark in (1, 2, 3, 4, 5):
            scores.append(AspectScore(aspect, "ok", score=int(mark)))
        else:
            raise JudgeError(f"{aspect}: {mark} is no score from 1 to 5", kind="bad-mark")
    if not scores:
        raise JudgeError(
            "no aspect is rated", hint="Give at least one a score.", kind="nothing-rated"
        )
    return Judgement(
        message_id=message_id,
        judge=person(rater),
        rubric=rubric,
        outcome="ok" if any(score.outcome == "ok" for score in scores) else "na",
        scores=tuple(scores),
        note=note.strip(),
        blind=blind,
    )


def marks_of(judgement: Judgement) -> dict[str, Mark]:
    """The marks that a person's judgement was made of."""
    found: dict[str, Mark] = {}
    for score in judgement.scores:
        if score.outcome == "ok" and score.score is not None:
            found[score.aspect] = score.score
        elif score.outcome == "na":
            found[score.aspect] = NA
    return found


def preference(
    messages: tuple[str, str],
    texts: tuple[str, str],
    rater: str,
    rubric: RubricRef,
    choices: Mapping[str, Choice],
    aspects: Sequence[str],
    *,
    first: Place,
    note: str = "",
    blind: bool = False,
) -> Comparison:
    """A person's comparison of answers A and B (`messages`, with their `texts`). `choices` name A and B, not the place
    on the screen; `first` is the one that was shown first.

    A person sees one order only, so each pick has its winner for that order and none for the other. Raises JudgeError
    (`nothing-rated`) without a choice.
    """
    picks = []
    for aspect in aspects:
        choice = choices.get(aspect)
        if choice is None:
            continue
        if choice == NA:
            picks.append(Pick(aspect, "na"))
            continue
        a_first = first == "a"
        picks.append(
            Pick(
                aspect,
                "ok",
                winner=choice,
                first=choice if a_first else None,
                second=None if a_first else choice,
            )
        )
    if not picks:
        raise JudgeError(
            "nothing is chosen", hint="Choose one of the two, or a tie.", kind="nothing-rated"
        )
    return Comparison(
        message_a=messages[0],
        message_b=messages[1],
        judge=person(rater),
        rubric=rubric,
        outcome="ok" if any(pick.outcome == "ok" for pick in picks) else "na",
        picks=tuple(picks),
        words_a=len(texts[0].split()),
        words_b=len(texts[1].split()),
        note=note.strip(),
        blind=blind,
    )


def choices_of(comparison: Comparison, message_a: str) -> dict[str, Choice]:
    """The choices that a person's comparison was made of, with `message_a` as A."""
    seen = comparison if comparison.message_a == message_a else flipped(comparison)
    found: dict[str, Choice] = {}
    for pick in seen.picks:
        if pick.outcome == "ok" and pick.winner is not None:
            found[pick.aspect] = pick.winner
        elif pick.outcome == "na":
            found[pick.aspect] = NA
    return found


# --- the order ------------------------------------------------------------------------------------------------------


def _draw(*words: str) -> bytes:
    """Bytes as good as random that the words alone decide: the same after any restart, on any machine."""
    return hashlib.sha256("\0".join(words).encode()).digest()


def shuffled(things: Iterable[tuple[str, T]], *seed: str) -> list[T]:
    """The things in an order that their names and `seed` decide. More things later do not change that of the others."""
    return [thing for _, thing in sorted(things, key=lambda pair: _draw(*seed, pair[0]))]


def shown_first(message_a: str, message_b: str, *seed: str) -> Place:
    """Which of two answers is shown first, as by a coin; the same for the same two, whichever is called A."""
    low, high = sorted((message_a, message_b))
    first = low if _draw(*seed, "first", low, high)[0] % 2 else high
    return "a" if first == message_a else "b"
