"""Material of boards by hand: runs, answers, judgements and comparisons as values, no history."""

from collections.abc import Sequence

from urial_tui.judge.board.material import BoardAnswer, Material, RowHead
from urial_tui.judge.board.types import BoardRun
from urial_tui.store.judging.types import (
    AspectScore,
    Comparison,
    JudgeInfo,
    Judgement,
    Outcome,
    Pick,
    RubricRef,
    Winner,
)
from urial_tui.store.runs.types import AnswerShift, RunItem

SMOL = JudgeInfo("model", "smol@chat", "key-smol", {"sha256": "01" * 32})
ZOE = JudgeInfo("person", "Zoë", "person:Zoë")
JUST_EVAL = RubricRef("just-eval", 1, "aa" * 32)
SAFETY = RubricRef("safety", 1, "5a" * 32)
PAIRWISE = RubricRef("pairwise", 1, "bb" * 32)

Given = int | float | Outcome
"""A score, an expected score (a float, which is rounded for the score), or what became of it instead."""


def aspect(name: str, given: Given) -> AspectScore:
    if isinstance(given, str):
        return AspectScore(name, given)
    return AspectScore(name, "ok", round(given), float(given) if isinstance(given, float) else None)


def judged(
    message_id: str,
    judge: JudgeInfo = SMOL,
    rubric: RubricRef = JUST_EVAL,
    *,
    own: bool = False,
    shortened: bool = False,
    **given: Given,
) -> Judgement:
    return Judgement(
        message_id,
        judge,
        rubric,
        "ok",
        tuple(aspect(name, value) for name, value in given.items()),
        own=own,
        shortened={"answer": (10, 20)} if shortened else {},
    )


def pick(name: str, first: Winner, second: Winner) -> Pick:
    """What a judge of both orders says."""
    return Pick(name, "ok", first if first == second else "tie", first, second)


def compared(
    a: str,
    b: str,
    *picks: Pick,
    judge: JudgeInfo = SMOL,
    words: tuple[int, int] = (10, 5),
) -> Comparison:
    return Comparison(a, b, judge, PAIRWISE, "ok", picks, *words)


def material(
    judgements: Sequence[Judgement] = (),
    comparisons: Sequence[Comparison] = (),
    *,
    sides: Sequence[str] = ("demo@urial-general", "demo@zero-shot"),
    items: Sequence[RunItem] = (),
    n: int = 4,
    words: Sequence[int] = (10, 20, 30, 40),
    shifts: Sequence[AnswerShift] = (),
    name: str = "walks",
    run: str = "r1",
    turns: int = 1,
) -> Material:
    """A run in which every side answered every item: answer `SIDE.ITEM` (`SIDE.ITEM.TURN` after the first turn)."""
    items = items or [RunItem(i, i, ("query",) * turns) for i in range(n)]
    answers = [
        BoardAnswer(
            f"{number}.{item.index}" + (f".{turn}" if turn else ""),
            f"{run}:{number}",
            f"{run}:{item.index}",
            turn,
            words[item.index % len(words)] * (number + 1),
            "length" if number else "stop",
        )
        for number in range(len(sides))
        for item in items
        for turn in range(len(item.turns))
    ]
    return Material(
        (BoardRun(run, name, "2026-01-01T00:00:00.000Z", len(items), "rows.json", "ab" * 32),),
        tuple(
            RowHead(f"{run}:{number}", run, side, sum(len(i.turns) for i in items))
            for number, side in enumerate(sides)
        ),
        tuple(answers),
        {f"{run}:{item.index}": item for item in items},
        tuple(judgements),
        tuple(comparisons),
        tuple(shifts),
    )
