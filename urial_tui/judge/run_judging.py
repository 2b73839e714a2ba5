"""Judges many answers one after the other, each in a transaction of its own: any interruption costs one at most.

The history is the only state: what this judge has said by this rubric is there and is not asked again. A judgement is
written while the next one is being made.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from urial_tui.engine.giving_up import Patience
from urial_tui.errors import EngineError, UrialError
from urial_tui.judge.flipping import flipped
from urial_tui.judge.judging import Judge
from urial_tui.judge.planning import PairTask, ScoreTask, Task
from urial_tui.judge.records import as_comparison, as_judgement
from urial_tui.store.aio import AsyncStore
from urial_tui.store.judging.types import Comparison, Judgement
from urial_tui.store.store import Store

_AT_ONCE = 400
"""Messages that are asked about in one query."""

Verdict = Judgement | Comparison


@dataclass(frozen=True)
class Failure:
    """A task that came to nothing, and why. It is tried again the next time."""

    task: Task
    error: UrialError


@dataclass
class Tally:
    """How far the judging is. `there` were done before this call; `verdicts` are all that are there now, without the
    texts that are only needed in the history. `fatal` is what ended the work before its end."""

    wanted: int
    there: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    fatal: UrialError | None = None

    @property
    def done(self) -> int:
        return len(self.verdicts)

    @property
    def complete(self) -> bool:
        return self.done == self.wanted


class Judging:
    """Works once. `again` judges anew what this judge has judged already. `ended` is called after each task.

    Cancelling `work` leaves what is done; the running judgement is lost.
    """

    def __init__(
        self,
        judge: Judge,
        store: AsyncStore,
        tasks: Sequence[Task],
        *,
        again: bool = False,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._judge, self._store, self._again, self._ended = judge, store, again, ended
        self._tasks = tuple(tasks)
        self._info = judge.info
        self._left: list[Task] = []
        self._saving: asyncio.Task[Verdict] | None = None
        self.tally = Tally(len(self._tasks))

    async def look(self) -> Tally:
        """Find what is there. Nothing is loaded. Raises StoreError."""
        found = {} if self._again else await self._there()
        self._left = [task for task in self._tasks if _key(task) not in found]
        self.tally.verdicts = [
            _oriented(found[_key(task)], task) for task in self._tasks if _key(task) in found
        ]
        self.tally.there = self.tally.done
        return self.tally

    async def work(self) -> Tally:
        """Do what is missing, after `look`. Raises UrialError when the judge cannot be loaded, and StoreError when the
        history takes no more."""
        if not self._left:
            return self.tally
        await self._judge.prepare()
        patience = Patience()
        try:
            for task in self._left:
                try:
                    made = await self._made(task)
                    patience.restored()
                except EngineError as error:
                    self.tally.failures.append(Failure(task, error))
                    self._ended()
                    if patience.ended_by(error):
                        self.tally.fatal = error
                        break
                    continue
                await self._saved()
                self._saving = asyncio.create_task(self._save(made), name="save a judgement")
        finally:
            await self._saved()
        return self.tally

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _there(self) -> dict[tuple[str, ...], Verdict]:
        """What this judge has said of these messages, by the tasks' keys."""
        ids = list(
            dict.fromkeys(
                task.message_id if isinstance(task, ScoreTask) else task.message_a
                for task in self._tasks
            )
        )
        pairs = any(isinstance(task, PairTask) for task in self._tasks)
        found: dict[tuple[str, ...], Verdict] = {}
        for first in range(0, len(ids), _AT_ONCE):
            some = ids[first : first + _AT_ONCE]
            said: Sequence[Verdict] = (
                await self._store.call(Store.comparisons, message_ids=some, texts=False)
                if pairs
                else await self._store.call(Store.judgements, message_ids=some, texts=False)
            )
            found |= {_key_of(one): one for one in said if one.judge.key == self._info.key}
        return found

    async def _made(self, task: Task) -> Verdict:
        if isinstance(task, ScoreTask):
            scored = await self._judge.score(task.rubric, task.turns)
            return as_judgement(task.message_id, self._info, task.rubric, scored, own=task.own)
        compared = await self._judge.compare(
            task.rubric, task.before, task.answer_a, task.answer_b, before_b=task.before_b
        )
        words = (len(task.answer_a.split()), len(task.answer_b.split()))
        return as_comparison(
            task.message_a,
            task.message_b,
            words,
            self._info,
            task.rubric,
            compared,
            own=task.own,
        )

    async def _save(self, made: Verdict) -> Verdict:
        if isinstance(made, Judgement):
            return await self._store.call(Store.save_judgement, made)
        return await self._store.call(Store.save_comparison, made)

    async def _saved(self) -> None:
        """Wait for what is being written, and count it. Raises StoreError."""
        saving, self._saving = self._saving, None
        if saving is not None:
            self.tally.verdicts.append(_light(await saving))
            self._ended()


def _light(verdict: Verdict) -> Verdict:
    if isinstance(verdict, Judgement):
        return replace(verdict, raw=(), prompt="")
    return replace(verdict, raw=(), prompts=())


def _oriented(verdict: Verdict, task: Task) -> Verdict:
    """A comparison as seen from the task: it may have been made with the answers the other way round."""
    if isinstance(verdict, Comparison) and isinstance(task, PairTask):
        return verdict if verdict.message_a == task.message_a else flipped(verdict)
    return verdict


def _key(task: Task) -> tuple[str, ...]:
    if isinstance(task, ScoreTask):
        return (task.rubric.hash, task.message_id)
    return (task.rubric.hash, *sorted((task.message_a, task.message_b)))


def _key_of(verdict: Verdict) -> tuple[str, ...]:
    if isinstance(verdict, Judgement):
        return (verdict.rubric.hash, verdict.message_id)
    return (verdict.rubric.hash, *sorted((verdict.message_a, verdict.message_b)))
