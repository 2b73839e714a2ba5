"""What there is to judge: answers of a run, pairs of them, or messages of a conversation, as tasks.

Nothing is judged here. A task has everything that a judge reads, so that judging asks the history for nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from urial_tui.chat.active import ActiveSide
from urial_tui.errors import JudgeError
from urial_tui.judge.rubric_types import Rubric
from urial_tui.prompts.types import Turn
from urial_tui.store.aio import AsyncStore
from urial_tui.store.runs.types import Run, RunAnswer, RunItem
from urial_tui.store.store import Store
from urial_tui.store.types import GenerationStart, Message

ENDED = ("complete", "stopped")
"""Statuses of a conversation's answers that are judged: nothing is added to them any more. One that streams, or that a
crash cut off, is `interrupted`."""

Choose = Callable[[str], Sequence[Rubric]]
"""The rubrics for an item of this category."""


@dataclass(frozen=True)
class ScoreTask:
    """One answer to score by one rubric. `turns` ends with it. `own`: the judge's model wrote it. `where` says which
    one it is, in words."""

    message_id: str
    rubric: Rubric
    turns: tuple[Turn, ...]
    own: bool = False
    where: str = ""


@dataclass(frozen=True)
class PairTask:
    """Two answers to compare by one rubric. `before` ends with the query; `before_b` where B's conversation differs."""

    message_a: str
    message_b: str
    rubric: Rubric
    before: tuple[Turn, ...]
    answer_a: str
    answer_b: str
    before_b: tuple[Turn, ...] | None = None
    own: bool = False
    where: str = ""


Task = ScoreTask | PairTask


@dataclass(frozen=True)
class Plan:
    """`unanswered` answers are not complete and so not judged; `own` sides were written by the judge's model."""

    tasks: tuple[Task, ...]
    unanswered: int = 0
    own: tuple[str, ...] = ()


async def plan_run(
    store: AsyncStore,
    run: Run,
    judge: ActiveSide,
    sides: Sequence[int],
    choose: Choose,
    limit: int | None = None,
) -> Plan:
    """Every complete answer of the sides, to the first `limit` items. Rubric by rubric, so that the judge reads each
    one once; within it item by item, so that what is done is as much of each side."""
    conversations = await _Conversations.of(store, run, limit)
    own = {side for side in sides if await _wrote(store, judge, conversations.first(side))}
    tasks = [
        ScoreTask(
            answer.message_id,
            rubric,
            conversations.turns(answer),
            side in own,
            _where(item, turn, run.start.sides[side]),
        )
        for item, turn in conversations.places()
        for side in sides
        if (answer := conversations.answers.get((item.index, side, turn))) is not None
        for rubric in choose(item.category)
    ]
    wanted = len(conversations.places()) * len(sides)
    there = sum(side in sides for _, side, _ in conversations.answers)
    return Plan(_by_rubric(tasks), wanted - there, tuple(run.start.sides[n] for n in sorted(own)))


async def plan_pairs(
    store: AsyncStore,
    judge: ActiveSide,
    one: tuple[Run, int],
    other: tuple[Run, int],
    rubrics: Sequence[Rubric],
    limit: int | None = None,
) -> Plan:
    """Every item that both sides have answered. Raises JudgeError where the runs ask different things."""
    (run_a, side_a), (run_b, side_b) = one, other
    if (run_a.id, side_a) == (run_b.id, side_b):
        raise JudgeError(
            "a side cannot be compared with itself", hint="Name two sides.", kind="same-side"
        )
    a = await _Conversations.of(store, run_a, limit)
    b = a if run_b.id == run_a.id else await _Conversations.of(store, run_b, limit)
    _check_equal(a.items, b.items)
    own = [
        run.start.sides[side]
        for run, side, talks in ((run_a, side_a, a), (run_b, side_b, b))
        if await _wrote(store, judge, talks.first(side))
    ]
    tasks: list[Task] = []
    wanted = 0
    for item, turn in a.places():
        if item.index not in b.items:
            continue
        wanted += 1
        answers = (
            a.answers.get((item.index, side_a, turn)),
            b.answers.get((item.index, side_b, turn)),
        )
        if answers[0] is None or answers[1] is None:
            continue
        before, before_b = a.turns(answers[0])[:-1], b.turns(answers[1])[:-1]
        tasks += [
            PairTask(
                answers[0].message_id,
                answers[1].message_id,
                rubric,
                before,
                answers[0].content,
                answers[1].content,
                before_b if before_b != before else None,
                bool(own),
                _where(item, turn),
            )
            for rubric in rubrics
        ]
    done = len(tasks) // max(1, len(rubrics))
    return Plan(_by_rubric(tasks), wanted - done, tuple(dict.fromkeys(own)))


async def plan_messages(
    store: AsyncStore, messages: Sequence[Message], judge: ActiveSide, rubrics: Sequence[Rubric]
) -> Plan:
    """Answers of stored conversations, each with what was said before it; those that have ended."""
    tasks: list[Task] = []
    own: dict[str, None] = {}
    ended = [message for message in messages if message.status in ENDED]
    for message in ended:
        branch = await store.call(Store.branch, message.id)
        generation = await store.call(Store.generation_of, message.id)
        mine = generation is not None and is_own(judge, generation.start)
        if mine and generation is not None:
            own[generation.start.side] = None
        turns = tuple(Turn(m.role, m.content) for m in branch)
        tasks += [
            ScoreTask(message.id, rubric, turns, mine, f"answer {message.id}") for rubric in rubrics
        ]
    return Plan(_by_rubric(tasks), len(messages) - len(ended), tuple(own))


def is_own(judge: ActiveSide, written: GenerationStart) -> bool:
    """Whether the judge's model file is the one that wrote: by hash where both are known, else by path."""
    mine, theirs = judge.model_sha256, written.model_sha256
    if mine is not None and theirs is not None:
        return mine == theirs
    return judge.spec.model_path == written.model_path


@dataclass(frozen=True)
class _Conversations:
    """A run's items and its complete answers, by (item, side, turn)."""

    items: dict[int, RunItem]
    answers: dict[tuple[int, int, int], RunAnswer]

    @classmethod
    async def of(cls, store: AsyncStore, run: Run, limit: int | None) -> "_Conversations":
        items = {item.index: item for item in (await store.call(Store.run_items, run.id))[:limit]}
        answers = {
            (answer.index, answer.side, answer.turn): answer
            for answer in await store.call(Store.run_answers, run.id)
            if answer.index in items and answer.status == "complete"
        }
        return cls(items, answers)

    def places(self) -> list[tuple[RunItem, int]]:
        """Each turn of each item."""
        return [(item, turn) for item in self.items.values() for turn in range(len(item.turns))]

    def first(self, side: int) -> RunAnswer | None:
        """An answer of that side; all of them were written by the same model."""
        return next((a for (_, number, _), a in self.answers.items() if number == side), None)

    def turns(self, answer: RunAnswer) -> tuple[Turn, ...]:
        """The conversation up to that answer."""
        found: list[Turn] = []
        for turn in range(answer.turn + 1):
            said = self.answers.get((answer.index, answer.side, turn))
            found.append(Turn("user", self.items[answer.index].turns[turn]))
            found.append(Turn("assistant", said.content if said else ""))
        return tuple(found)


async def _wrote(store: AsyncStore, judge: ActiveSide, answer: RunAnswer | None) -> bool:
    if answer is None:
        return False
    generation = await store.call(Store.generation_of, answer.message_id)
    return generation is not None and is_own(judge, generation.start)


def _check_equal(a: dict[int, RunItem], b: dict[int, RunItem]) -> None:
    """JudgeError unless the items that both runs have ask the same."""
    for index in a.keys() & b.keys():
        if a[index].turns != b[index].turns:
            raise JudgeError(
                f"the runs cannot be compared: item {index} asks one thing in the first and another in the second",
                hint="Compare runs of the same instruction set.",
                kind="runs-differ",
            )
    if not a.keys() & b.keys():
        raise JudgeError(
            "the runs have no item in common",
            hint="Compare runs of the same instruction set.",
            kind="runs-differ",
        )


def _by_rubric(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Those of one rubric together, else in the given order."""
    found: dict[str, list[Task]] = {}
    for task in tasks:
        found.setdefault(task.rubric.hash, []).append(task)
    return tuple(task for same in found.values() for task in same)


def _where(item: RunItem, turn: int, side: str = "") -> str:
    text = f"item {item.index} (id {item.source_id}"
    text += f", turn {turn + 1})" if len(item.turns) > 1 else ")"
    return f"{text} by {side}" if side else text
