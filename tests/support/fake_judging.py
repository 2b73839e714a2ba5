"""Rubrics, answers and a run in memory, for the screens of rating: no history, no engine, no threads.

Every call is recorded in `calls`. `errors` maps a method's name to an error that it raises once, `gates` one to an
event that it waits for first. What is rated is made by the program's own functions, so rows are what they would be.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from tests.support.recorded import Recorded
from urial_tui.errors import StoreError, UrialError
from urial_tui.judge import people
from urial_tui.judge.board.building import build, tells_apart
from urial_tui.judge.board.desk import BoardItem
from urial_tui.judge.board.material import BoardAnswer, Material, RowHead
from urial_tui.judge.board.types import Board, BoardRun, By
from urial_tui.judge.desk_types import AnswerPair, JudgingStep, Queue, RatedAnswer
from urial_tui.judge.drafts import Draft
from urial_tui.judge.rubrics import Rubric, RubricLibrary, builtin_rubrics_dir
from urial_tui.prompts.types import Turn
from urial_tui.store.judging.types import (
    AspectScore,
    Comparison,
    JudgeInfo,
    Judgement,
    RubricRef,
)
from urial_tui.store.runs.types import AnswerShift, Run, RunAnswer, RunItem, RunStart
from urial_tui.store.types import Message

LIBRARY = RubricLibrary([builtin_rubrics_dir()])
SCORE, SAFETY, PAIRWISE = (LIBRARY.get(one) for one in ("just-eval", "safety", "pairwise"))
NOW = "2026-03-01T10:00:00.000Z"
SIDES = ("demo@urial-general", "demo@zero-shot")
QUESTIONS = (
    "What are the benefits of walking every day?",
    "How do I learn to cook?",
    "Why are there tides?",
)
RUN = Run(
    "r1", NOW, NOW,
    RunStart("just-eval-3", "f1", "rows.json", "just-eval", "ab" * 32, SIDES, settings={"max_tokens": 64}),
    n_items=3, n_wanted=6, n_answered=6, n_failed=0,
)  # fmt: skip
ITEMS = tuple(
    RunItem(number, number, (text,), "helpful", "general", (("advice", "facts")[number // 2],))
    for number, text in enumerate(QUESTIONS)
)
GOOD = """Walking every day is good for you:

1. It strengthens your heart.
2. It lifts your mood.

Start with 20 minutes."""
BAD = "Walking is when you walk. Walking is when you walk. Walking is when you walk."
JUDGED = Judgement(
    "", JudgeInfo("model", "smollm2@chat", "k1"), SCORE.ref, "ok",
    (
        AspectScore("helpfulness", "ok", 4, 3.62, 0.81, (0.02, 0.08, 0.29, 0.42, 0.17), 0.0, "It names real benefits."),
        AspectScore("clarity", "ok", 5, 4.7, 0.5, (0.0, 0.01, 0.03, 0.2, 0.75), 0.0, "A short list, easy to read."),
        AspectScore("factuality", "na", p_na=0.6, reason="Nothing is claimed."),
        AspectScore("depth", "invalid"),
        AspectScore("engagement", "ok", 3, 3.1, 0.9, (0.05, 0.2, 0.4, 0.25, 0.08), 0.0, "Polite."),
    ), id="j1", created_at=NOW,
)  # fmt: skip


def run_answers() -> list[RunAnswer]:
    """Two answers to each of three questions; `x1a` is the first side's to the first."""
    return [
        RunAnswer("r1", item, side, 0, f"s{item}{side}", f"x{item}{'ab'[side]}", "complete", text, len(text.split()))
        for item in range(3)
        for side, text in enumerate((GOOD, BAD))
    ]  # fmt: skip


class FakeJudging(Recorded):
    """See the module. `texts` are answers of the chat: id to (side, the turns that end with it)."""

    def __init__(self, *, rater: str = "me", judge: str = "") -> None:
        self.rater, self.judge_side = rater, judge
        self.all_rubrics: list[Rubric] = [SCORE, SAFETY, PAIRWISE]
        self.texts: dict[str, tuple[str, tuple[Turn, ...]]] = {}
        self.all_runs: list[Run] = [RUN]
        self.said: list[Judgement] = []
        self.compared: list[Comparison] = []
        self.drafts: dict[tuple[str, ...], Draft] = {}
        self.others: dict[str, list[Message]] = {}
        self.verdict = JUDGED
        """What a judge says."""
        self.steps: list[JudgingStep] = [
            JudgingStep("loading", 40, 100),
            JudgingStep("judging", 34, 600),
        ]
        self.harmful: set[int] | None = None
        """The run's items that are of the category safety; None where categories do not matter."""
        self.calls: list[tuple[Any, ...]] = []
        self.errors: dict[str, UrialError] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.stopped: list[str] = []
        for one in run_answers():
            turns = (Turn("user", QUESTIONS[one.index]), Turn("assistant", one.content))
            self.texts[one.message_id] = (SIDES[one.side], turns)

    # --- one answer ---------------------------------------------------------------------------

    async def rubrics(self, kind: str) -> list[Rubric]:
        return [one for one in self.all_rubrics if one.kind == kind]

    async def answer(self, message_id: str, rubric: RubricRef | None = None) -> RatedAnswer:
        await self._called("answer", message_id)
        if message_id not in self.texts:
            raise StoreError(f"there is no message {message_id}", kind="not-found")
        side, turns = self.texts[message_id]
        said = [one for one in self.said if one.message_id == message_id]
        mine = [one for one in said if rubric is not None and people.is_by(one, self.rater, rubric)]
        return RatedAnswer(
            message_id, turns[:-1], turns[-1].text, side, mine=mine[-1] if mine else None,
            others=tuple(one for one in said if one not in mine),
        )  # fmt: skip

    async def written_by(self, message_id: str) -> str:
        return self.texts[message_id][0]

    async def judgements(self, message_id: str) -> list[Judgement]:
        await self._called("judgements", message_id)
        return [one for one in self.said if one.message_id == message_id]

    async def rate(
        self,
        message_id: str,
        rubric: Rubric,
        marks: dict[str, people.Mark],
        note: str = "",
        *,
        blind: bool = False,
    ) -> Judgement:
        await self._called("rate", message_id, rubric.id, dict(marks), note, blind)
        aspects = [one.id for one in rubric.aspects]
        made = people.rating(message_id, self.rater, rubric.ref, marks, aspects, note=note, blind=blind)  # fmt: skip
        self.said = [
            one for one in self.said
            if not (one.message_id == message_id and people.is_by(one, self.rater, rubric.ref))
        ]  # fmt: skip
        self.said.append(made)
        return made

    async def judge(
        self,
        message_id: str,
        side: str,
        rubric: Rubric,
        on_step: Callable[[JudgingStep], None] = lambda step: None,
    ) -> Judgement:
        for step in self.steps:
            on_step(step)
        await self._called("judge", message_id, side, rubric.id)
        info = dataclasses.replace(self.verdict.judge, judge=side)
        made = dataclasses.replace(self.verdict, message_id=message_id, judge=info)
        self.said.append(made)
        return made

    # --- two answers --------------------------------------------------------------------------

    async def versions(self, message_id: str) -> list[Message]:
        await self._called("versions", message_id)
        return self.others.get(message_id, [])

    async def pair(self, message_a: str, message_b: str, rubric: RubricRef) -> AnswerPair:
        await self._called("pair", message_a, message_b)
        a, b = await self.answer(message_a, rubric), await self.answer(message_b, rubric)
        mine = [
            one
            for one in self.compared
            if {one.message_a, one.message_b} == {message_a, message_b}
            and people.is_by(one, self.rater, rubric)
        ]
        first = people.shown_first(message_a, message_b, self.rater, rubric.id)
        shown = message_a if first == "a" else message_b
        return AnswerPair(a, b, shown, mine[-1] if mine else None)

    async def prefer(
        self,
        pair: AnswerPair,
        rubric: Rubric,
        choices: dict[str, people.Choice],
        note: str = "",
        *,
        blind: bool = False,
    ) -> Comparison:
        ids = (pair.a.message_id, pair.b.message_id)
        await self._called("prefer", *ids, dict(choices), note, blind)
        made = people.preference(
            ids, (pair.a.content, pair.b.content), self.rater, rubric.ref, choices,
            [one.id for one in rubric.aspects],
            first="a" if pair.first == ids[0] else "b", note=note, blind=blind,
        )  # fmt: skip
        self.compared = [one for one in self.compared if {one.message_a, one.message_b} != set(ids)]
        self.compared.append(made)
        return made

    # --- runs ---------------------------------------------------------------------------------

    async def runs(self) -> Sequence[Run]:
        await self._called("runs")
        return tuple(self.all_runs)

    async def rating_queue(self, run_id: str, rubric: RubricRef) -> Queue:
        await self._called("rating_queue", run_id, rubric.id)
        rated = {one.message_id for one in self.said if people.is_by(one, self.rater, rubric)}
        mine = [
            one for one in run_answers() if self.harmful is None or
            (one.index in self.harmful) == (rubric.id == SAFETY.id)
        ]  # fmt: skip
        left = [(one.message_id, (one.message_id,)) for one in mine if one.message_id not in rated]
        tasks = people.shuffled(left, self.rater, rubric.id, run_id)
        return Queue(tuple(tasks), len(mine) - len(tasks), len(mine), 6 - len(mine))

    async def pair_queue(self, run_id: str, side_a: int, side_b: int, rubric: RubricRef) -> Queue:
        await self._called("pair_queue", run_id, side_a, side_b)
        done = {one.message_a for one in self.compared}
        pairs = [(f"x{n}a", f"x{n}b") for n in range(3)]
        left = [(pair[0], pair) for pair in pairs if pair[0] not in done]
        tasks = people.shuffled(left, self.rater, rubric.id, run_id)
        return Queue(tuple(tasks), 3 - len(tasks), 3)

    # --- the board ----------------------------------------------------------------------------

    def material(self) -> Material:
        """The run's, with what was said of its answers so far."""
        answers = run_answers()
        there = {one.message_id for one in answers}
        return Material(
            (BoardRun("r1", RUN.start.name, NOW, 3, "rows.json", "ab" * 32),),
            tuple(RowHead(f"r1:{number}", "r1", side, 3) for number, side in enumerate(SIDES)),
            tuple(
                BoardAnswer(one.message_id, f"r1:{one.side}", f"r1:{one.index}", 0, one.words, "stop")
                for one in answers
            ),
            {f"r1:{item.index}": item for item in ITEMS},
            tuple(one for one in self.said if one.message_id in there),
            tuple(self.compared),
            tuple(
                AnswerShift(one.message_id, "demo@raw", 80 + one.side, 12, 8, 0.4)
                for one in answers
            ),
        )  # fmt: skip

    async def board(
        self, run_ids: Sequence[str], by: By | None = None, *, again: bool = False
    ) -> Board:
        await self._called("board", tuple(run_ids), by, again)
        return build(self.material() if run_ids else Material((), (), (), {}), by=by)

    async def board_items(
        self, row: str, by: By | None = None, group: str | None = None
    ) -> list[BoardItem]:
        await self._called("board_items", row, by, group)
        return [
            BoardItem(
                one.message_id, one.index + 1, 0, QUESTIONS[one.index], one.words,
                tuple(said for said in self.said if said.message_id == one.message_id),
            )
            for one in run_answers()
            if f"r1:{one.side}" == row
        ]  # fmt: skip

    async def tells_apart(self, by: By) -> bool:
        return tells_apart(self.material(), by)

    # --- drafts -------------------------------------------------------------------------------

    async def draft(self, rubric: RubricRef, *messages: str) -> Draft | None:
        return self.drafts.get((rubric.id, *messages))

    async def keep_draft(self, draft: Draft | None, rubric: RubricRef, *messages: str) -> None:
        await self._called("keep_draft", draft, rubric.id, *messages)
        if draft is None:
            self.drafts.pop((rubric.id, *messages), None)
        else:
            self.drafts[rubric.id, *messages] = draft
