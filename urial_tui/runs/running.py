"""Answers an instruction set: every item by every side, each answer once, each scored where there are references.

The history is the only state: what is complete there is not made again, everything else is. So the same call goes on
after any interruption, and whatever ends this process ends it between two facts.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from urial_tui.chat.canonical import CanonicalScoring, canonical_request, stored_answer
from urial_tui.chat.events import ChatEvent, ContextNotice, TextStreamed, TraceEnded
from urial_tui.chat.measuring import Measurements
from urial_tui.chat.turn import Turn
from urial_tui.engine import protocol as wire
from urial_tui.engine.api import Engine
from urial_tui.engine.giving_up import Patience
from urial_tui.errors import EngineError, StoreError, UrialError
from urial_tui.runs.contexts import Contexts
from urial_tui.runs.plan import RunSide, groups
from urial_tui.store.aio import AsyncStore
from urial_tui.store.runs.types import Run, RunItem
from urial_tui.store.store import Store

Place = tuple[int, int, int]
"""(item, side, turn) of an answer."""


@dataclass(frozen=True)
class Failure:
    """An answer that is not there, or (`scoring`) has no complete scores, and why. `turn` is the first that is missing.
    `item` None: the side as a whole could not be used."""

    item: int | None
    side: int
    turn: int
    error: UrialError
    scoring: bool = False


@dataclass
class Tally:
    """How far a run is, in answers. `there` were done before this call, `done` are now, scores included; `fatal` is
    what ended the work before its end."""

    wanted: int
    there: int = 0
    done: int = 0
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fatal: UrialError | None = None

    @property
    def complete(self) -> bool:
        return self.done == self.wanted


@dataclass(frozen=True)
class Watch:
    """Who looks on. `stage`: as engine Progress, and "generate" with answer tokens; `ended`: one more answer has ended,
    well or not; `note`: something unusual, in words."""

    stage: Callable[[str, int, int], None] = lambda _stage, _done, _total: None
    ended: Callable[[], None] = lambda: None
    note: Callable[[str], None] = lambda _text: None


class Runner:
    """Works once. `items` are those to answer now, all of them in the history; the run is locked by the caller.

    Cancelling `work` leaves the running answer unfinished: it is made again next time.
    """

    def __init__(
        self,
        engine: Engine,
        store: AsyncStore,
        run: Run,
        sides: Sequence[RunSide],
        items: Sequence[RunItem],
        measurements: Measurements,
        watch: Watch | None = None,
    ) -> None:
        self._engine, self._store, self._run = engine, store, run
        self._sides, self._items = tuple(sides), tuple(items)
        self._watch = watch or Watch()
        turns = sum(len(item.turns) for item in self._items)
        self.tally = Tally(wanted=turns * len(self._sides))
        self._contexts = Contexts(
            engine,
            self._sides,
            measurements,
            lambda progress: self._watch.stage(progress.stage, progress.done, progress.total),
            self._note,
        )
        self._answers: dict[Place, str] = {}
        """The messages of complete answers."""
        self._scored: set[str] = set()
        self._patience = Patience()

    async def look(self) -> Tally:
        """Find what is there. Nothing is loaded."""
        wanted = {item.index: len(item.turns) for item in self._items}
        for answer in await self._store.call(Store.run_answers, self._run.id):
            if answer.turn < wanted.get(answer.index, 0) and answer.status == "complete":
                self._answers[answer.index, answer.side, answer.turn] = answer.message_id
        if any(side.references for side in self._sides):
            scored = set(await self._store.call(Store.scored_answers, self._run.id))
            for (_, side, _), message_id in self._answers.items():
                wanted_by = tuple(ref.notation for ref in self._sides[side].references)
                if wanted_by and (message_id, wanted_by) in scored:
                    self._scored.add(message_id)
        self.tally.there = self.tally.done = sum(map(self._is_done, self._answers))
        return self.tally

    def done_by_side(self) -> list[tuple[int, int]]:
        """(answers that are done, answers that are wanted) of each side."""
        wanted = self.tally.wanted // len(self._sides)
        done = Counter(side for _, side, _ in filter(self._is_done, self._answers))
        return [(done[number], wanted) for number in range(len(self._sides))]

    def missing_groups(self) -> list[list[int]]:
        """Numbers of the sides that have something to do, those with shared weights together, in order."""
        open_sides = {
            side
            for side in range(len(self._sides))
            for item in self._items
            for turn in range(len(item.turns))
            if not self._is_done((item.index, side, turn))
        }
        found = [[n for n in group if n in open_sides] for group in groups(self._sides)]
        return [group for group in found if group]

    async def work(self) -> Tally:
        """Do what is missing, after `look`. Raises StoreError when the history takes no more."""
        for group in self.missing_groups():
            await self._contexts.leave_only(group)
            for number in group:
                if self.tally.fatal is None:
                    await self._side(number)
        return self.tally

    # --- inside -----------------------------------------------------------------------------------------------------

    def _is_done(self, place: Place) -> bool:
        message_id = self._answers.get(place)
        if message_id is None:
            return False
        return not self._sides[place[1]].references or message_id in self._scored

    async def _side(self, number: int) -> None:
        """All items of one side. One that cannot be loaded or scored with does not keep the others from their turn."""
        error = await self._caught(self._ready(number))
        if error is not None:
            self.tally.failures.append(Failure(None, number, 0, error))
            return
        self._patience.restored()
        for item in self._items:
            await self._item(number, item)
            if self.tally.fatal is not None:
                return

    async def _ready(self, number: int) -> None:
        await self._contexts.info(number)
        await self._contexts.pair(number)

    async def _item(self, number: int, item: RunItem) -> None:
        for turn in range(len(item.turns)):
            place = (item.index, number, turn)
            if self._is_done(place):
                continue
            failure = await self._one(place)
            if failure is None:
                self.tally.done += 1
                self._patience.restored()
                self._watch.ended()
                continue
            self.tally.failures.append(failure)
            if self._patience.ended_by(failure.error):
                self.tally.fatal = failure.error
            if not failure.scoring:  # the next turn would follow an answer that is not there
                for _ in range(turn, len(item.turns)):
                    self._watch.ended()
                return
            self._watch.ended()

    async def _one(self, place: Place) -> Failure | None:
        """Have one answer, and its scores. What went wrong, unless nothing did."""
        item, number, turn = place
        if place not in self._answers:
            error = await self._caught(self._answer(place))
            if error is not None:
                return Failure(item, number, turn, error)
        error = await self._caught(self._score(place))
        return Failure(item, number, turn, error, scoring=True) if error is not None else None

    async def _caught(self, work: Awaitable[UrialError | None]) -> UrialError | None:
        """What went wrong with one answer. Raises StoreError: the next one would not be kept either."""
        try:
            error = await work
        except UrialError as failed:
            error = failed
        if isinstance(error, StoreError):
            raise error
        if error is not None and error.kind == "engine-died":
            self._contexts.lost()
        return error

    async def _answer(self, place: Place) -> UrialError | None:
        item, number, turn = place
        side = self._sides[number]
        info = await self._contexts.info(number)
        _, branch, answer = await self._store.call(
            Store.begin_run_answer, self._run.id, item, number, turn
        )
        writing = Turn(self._engine, self._store, side.side, info, self._heard(side.max_tokens))
        outcome = await writing.run(
            branch, answer, sampling=side.sampling, max_tokens=side.max_tokens
        )
        if outcome.error is not None:
            return outcome.error
        if outcome.message.status != "complete":
            return EngineError("the answer did not end", hint="Run the command again.")
        self._answers[place] = answer.id
        return None

    async def _score(self, place: Place) -> UrialError | None:
        """Score one answer canonically, all of it. An answer without a token has nothing to score."""
        item, number, _ = place
        pair = await self._contexts.pair(number)
        if pair is None:
            return None
        message_id = self._answers[place]
        messages = await self._store.call(Store.run_branch, self._run.id, item, number)
        at = next(n for n, message in enumerate(messages) if message.id == message_id)
        try:
            answer = await stored_answer(self._store, messages[at])
        except UrialError as nothing:
            if nothing.kind != "empty-answer":
                raise
            self._scored.add(message_id)
            return None
        ended: list[TraceEnded] = []

        def heard(event: ChatEvent) -> None:
            if isinstance(event, TraceEnded):
                ended.append(event)

        request = await canonical_request(self._engine, pair, messages[:at], answer)
        scoring = CanonicalScoring(self._engine, self._store, request, heard, self._on_progress)
        failed = await scoring.run()
        error = failed or (ended[-1].error if ended else None)
        if error is None:
            self._scored.add(message_id)
        return error

    def _on_progress(self, progress: wire.Progress) -> None:
        self._watch.stage(progress.stage, progress.done, progress.total)

    def _heard(self, max_tokens: int) -> Callable[[ChatEvent], None]:
        count = 0

        def heard(event: ChatEvent) -> None:
            nonlocal count
            if isinstance(event, TextStreamed):
                count += len(event.tokens)
                self._watch.stage("generate", count, max_tokens)
            elif isinstance(event, ContextNotice) and event.kind == "trimmed":
                self._note(
                    "a first turn was left out of a second one's prompt: the context is too small for both"
                )

        return heard

    def _note(self, text: str) -> None:
        if text not in self.tally.notes:
            self.tally.notes.append(text)
            self._watch.note(text)
