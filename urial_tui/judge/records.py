"""From what a judge said to the rows of the history."""

from urial_tui.judge.rubric_types import Rubric
from urial_tui.judge.verdicts import Compared, Scored
from urial_tui.store.judging.types import Comparison, JudgeInfo, Judgement


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
