"""Rows of judgements and comparisons as values. A judge is a model (a SIDE) or a person (a name)."""

from dataclasses import dataclass, field
from typing import Any, Literal

JudgeKind = Literal["model", "person"]
Outcome = Literal["ok", "na", "invalid", "refused"]
"""`na`: the judge said that the aspect does not apply. `invalid`: nothing readable, also after the retry. `refused`:
the judge declined. None of the three is a number anywhere."""
Winner = Literal["a", "b", "tie"]


@dataclass(frozen=True)
class JudgeInfo:
    """Who judged. `judge` is SIDE notation or the person's name; `key` names everything that the judgement depends on
    apart from rubric and text (the files' hashes, template, sampling): equal keys are the same judge."""

    kind: JudgeKind
    judge: str
    key: str
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RubricRef:
    """Which rubric. `hash` is the sha256 of its file's bytes."""

    id: str
    version: int
    hash: str


@dataclass(frozen=True)
class AspectScore:
    """One aspect of a judgement. `score` is 1-5, only when the outcome is `ok`.

    `probabilities` are the judge's raw softmax masses of the digits 1 to 5 at the score (they need not sum to 1),
    `p_na` that of N/A. `expected` = sum of d p(d) / sum of p(d) over the digits; `spread` is the standard deviation
    of that distribution. None where there is no such row (a person, an unreadable answer).
    """

    aspect: str
    outcome: Outcome
    score: int | None = None
    expected: float | None = None
    spread: float | None = None
    probabilities: tuple[float, ...] = ()
    p_na: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Judgement:
    """Scores of one answer. The same judge (by key) and rubric (by hash) have one for each answer: a later one takes
    its place. `raw` has the text of each attempt, `prompt` what the judge read. `shortened` says what of the texts
    was left out: {"answer": [characters shown, characters in all], ...}; empty when nothing was. `own`: the judge's
    model is the one that wrote the answer."""

    message_id: str
    judge: JudgeInfo
    rubric: RubricRef
    outcome: Outcome
    scores: tuple[AspectScore, ...]
    raw: tuple[str, ...] = ()
    prompt: str = ""
    shortened: dict[str, tuple[int, int]] = field(default_factory=dict)
    note: str = ""
    blind: bool = False
    own: bool = False
    timings: dict[str, float] = field(default_factory=dict)
    id: str = ""
    created_at: str = ""


@dataclass(frozen=True)
class Pick:
    """One aspect of a comparison. `first` is who won when A was shown first, `second` when B was (None for a person,
    who sees one order); `winner` is that when both agree, else `tie`. `p_first` and `p_second` are A's share of the
    probability of A and B in each order; None where there is none."""

    aspect: str
    outcome: Outcome
    winner: Winner | None = None
    first: Winner | None = None
    second: Winner | None = None
    p_first: float | None = None
    p_second: float | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Which of two answers is better, an aspect at a time. As `Judgement` otherwise; `raw` and `prompts` have the
    order A, B first, then B, A. `words_a` and `words_b` are their lengths."""

    message_a: str
    message_b: str
    judge: JudgeInfo
    rubric: RubricRef
    outcome: Outcome
    picks: tuple[Pick, ...]
    words_a: int = 0
    words_b: int = 0
    raw: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    shortened: dict[str, tuple[int, int]] = field(default_factory=dict)
    note: str = ""
    blind: bool = False
    own: bool = False
    timings: dict[str, float] = field(default_factory=dict)
    id: str = ""
    created_at: str = ""
