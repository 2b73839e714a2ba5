"""From what a judge said to the rows of the history, and a comparison as seen from its other side."""

from dataclasses import replace

from urial_tui.judge.rubric_types import Rubric
from urial_tui.judge.verdicts import Compared, Scored
from urial_tui.store.judging_types import Comparison, JudgeInfo, Judgement, Pick, Winner


def as_judgement(
    message_id: str, judge: JudgeInfo, rubric: Rubric, scored: Scored, *, own: bool = False
) -> Judgement:
    """The row of one judged answer. `own`: the judge's model wrote it. Why nothing was asked is its note."""
    return Judgement(
        message_id=message_id,
        judge=judge,
        rubric=rubric.ref,
        outcome=scored.outcome,
        scores=scored.scores,
        raw=scored.raw,
        prompt=scored.prompt,
        shortened=scored.shortened,
        note=scored.problem,
        own=own,
        timings=scored.timings,
    )


def as_comparison(
    message_a: str,
    message_b: str,
    words: tuple[int, int],
    judge: JudgeInfo,
    rubric: Rubric,
    compared: Compared,
    *,
    own: bool = False,
) -> Comparison:
    """The row of two compared answers. `words` are the lengths of A and B; `own`: the judge's model wrote one."""
    return Comparison(
        message_a=message_a,
        message_b=message_b,
        judge=judge,
        rubric=rubric.ref,
        outcome=compared.outcome,
        picks=compared.picks,
        words_a=words[0],
        words_b=words[1],
        raw=compared.raw,
        prompts=compared.prompts,
        shortened=compared.shortened,
        note=compared.problem,
        own=own,
        timings=compared.timings,
    )


_OTHER: dict[Winner | None, Winner | None] = {"a": "b", "b": "a", "tie": "tie", None: None}


def flipped(comparison: Comparison) -> Comparison:
    """The same comparison with its answers the other way round: what was B is A."""
    return replace(
        comparison,
        message_a=comparison.message_b,
        message_b=comparison.message_a,
        words_a=comparison.words_b,
        words_b=comparison.words_a,
        prompts=comparison.prompts[::-1],
        shortened={
            {"a": "b", "b": "a"}.get(name, name): counts
            for name, counts in comparison.shortened.items()
        },
        picks=tuple(_flipped(pick) for pick in comparison.picks),
    )


def _flipped(pick: Pick) -> Pick:
    """`second` is the order in which the new A was shown first; a person has seen one order, which stays the first."""
    both = pick.second is not None or pick.p_second is not None
    first, second = (pick.second, pick.first) if both else (pick.first, None)
    p_first, p_second = (pick.p_second, pick.p_first) if both else (pick.p_first, None)
    return replace(
        pick,
        winner=_OTHER[pick.winner],
        first=_OTHER[first],
        second=_OTHER[second],
        p_first=None if p_first is None else 1.0 - p_first,
        p_second=None if p_second is None else 1.0 - p_second,
        reasons=pick.reasons[::-1],
    )
