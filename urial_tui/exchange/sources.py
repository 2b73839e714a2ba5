"""What an exporter gets: a run, or chosen sessions, as answered items side by side, with what was said of them.

Everything is read when it is first asked for: a transcript of ten thousand sessions needs no table of answers, answers
alone need no judgement. Nothing is written.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count, pairwise
from typing import Any, Final

from urial_tui.store.judging.types import Comparison, Judgement
from urial_tui.store.runs.types import Run, RunAnswer, RunItem
from urial_tui.store.store import Store
from urial_tui.store.types import Message, Session

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}")
"""An id that is the text of a number, as published files have them."""


@dataclass(frozen=True)
class Turn:
    """A question and its complete answer."""

    question: str
    answer: str
    message_id: str
    created_at: str = ""
    """When the answer was begun."""


@dataclass(frozen=True)
class Answered:
    """An item with its complete answers by one side, from the first turn on; there is at least one.

    `id` is the row's own id, the session's where it is of no run; `number` a number that no other item has. `n_turns`
    counts the turns that the item has.
    """

    index: int
    id: str | int
    number: int
    turns: tuple[Turn, ...]
    n_turns: int
    session_id: str
    dataset: str = ""
    category: str = ""
    task: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SideAnswers:
    """What one side answered, in the order of the items. `n_items`: how many it was asked."""

    side: str
    number: int
    rows: tuple[Answered, ...]
    n_items: int


class Source:
    """What shall leave. Use `source_of_run` or `source_of_sessions`."""

    def __init__(
        self,
        store: Store,
        name: str,
        run: Run | None,
        sessions: Sequence[str],
        left_out: Sequence[str] = (),
    ) -> None:
        """`left_out` says what was not chosen, in words, where that may surprise."""
        self.left_out = tuple(left_out)
        self.store = store
        self.name = name
        self.run = run
        self._sessions = tuple(sessions)

    @cached_property
    def sessions(self) -> tuple[str, ...]:
        """Ids of the conversations; of a run by item and side."""
        if self.run is None:
            return self._sessions
        return tuple(dict.fromkeys(one.session_id for one in self.store.run_answers(self.run.id)))

    @cached_property
    def sides(self) -> tuple[SideAnswers, ...]:
        """A run's sides in its order, those without answers too; of sessions in the order in which they answered."""
        if self.run is not None:
            return tuple(_of_run(self.store, self.run))
        return self._conversations[0]

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What of the conversations is in no row, in words."""
        return () if self.run is not None else self._conversations[1]

    def came(self, row: Answered, format_: str) -> dict[str, Any]:
        """What an answer that was imported in that format had beside it; empty where it was not."""
        origin = self.store.session(row.session_id).origin
        return origin if origin.get("format") == format_ else {}

    @cached_property
    def made_at(self) -> str:
        """When the last of it was written: the time that files bear, so that the same export is the same files."""
        if self.run is not None:
            return self.run.updated_at
        return max((self.store.session(id_).updated_at for id_ in self._sessions), default="")

    @cached_property
    def judgements(self) -> tuple[Judgement, ...]:
        if self.run is not None:
            return tuple(self.store.judgements(run_id=self.run.id))
        return tuple(self.store.judgements(message_ids=self._answers))

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """With an answer of this source at least; the other may be of another run."""
        ids = (
            self._answers
            if self.run is None
            else [one.message_id for one in self.store.run_answers(self.run.id)]
        )
        return tuple(self.store.comparisons(message_ids=ids))

    @cached_property
    def _answers(self) -> list[str]:
        """Ids of all answers of the sessions, of every branch."""
        return [
            message.id
            for id_ in self._sessions
            for message in self.store.messages(id_)
            if message.role == "assistant"
        ]

    @cached_property
    def _conversations(self) -> tuple[tuple[SideAnswers, ...], tuple[str, ...]]:
        return _of_sessions(self.store, self._sessions)


def source_of_run(store: Store, run: Run) -> Source:
    return Source(store, run.start.name, run, ())


def source_of_sessions(
    store: Store, ids: Sequence[str], name: str = "", left_out: Sequence[str] = ()
) -> Source:
    """`name` is for the files; without one, the title of the only session."""
    if not name:
        name = (store.session(ids[0]).title if len(ids) == 1 else "") or "sessions"
    return Source(store, name, None, ids, left_out)


# --- a run


def _of_run(store: Store, run: Run) -> Iterator[SideAnswers]:
    items = store.run_items(run.id)
    numbers = _numbers(items)
    for number, side in enumerate(run.start.sides):
        answers: dict[int, dict[int, RunAnswer]] = {}
        for answer in store.run_answers(run.id, side=number):
            if answer.status == "complete":
                answers.setdefault(answer.index, {})[answer.turn] = answer
        rows = tuple(
            _row(item, numbers[item.index], found)
            for item in items
            if 0 in (found := answers.get(item.index, {}))
        )
        yield SideAnswers(side, number, rows, len(items))


def _numbers(items: Sequence[RunItem]) -> dict[int, int]:
    """A number for each item, by its position: the first row of an own number, as a number or as text, keeps it; others
    have their position, or the next number that is in no row where that is taken."""
    owners: dict[int, int] = {}
    for item in items:
        own = item.source_id
        if isinstance(own, str) and _NUMBER.fullmatch(own):
            own = int(own)
        if isinstance(own, int):
            owners.setdefault(own, item.index)
    numbers = {index: number for number, index in owners.items()}
    spare = count(max((*owners, *(item.index for item in items)), default=0) + 1)
    for item in items:
        if item.index not in numbers:
            numbers[item.index] = next(spare) if item.index in owners else item.index
    return numbers


def _row(item: RunItem, number: int, answers: dict[int, RunAnswer]) -> Answered:
    turns = []
    for turn, question in enumerate(item.turns):
        if turn not in answers:
            break
        its = answers[turn]
        turns.append(Turn(question, its.content, its.message_id, its.created_at))
    return Answered(
        index=item.index,
        id=item.source_id,
        number=number,
        turns=tuple(turns),
        n_turns=len(item.turns),
        session_id=answers[0].session_id,
        dataset=item.dataset,
        category=item.category,
        task=item.task,
        topic=item.topic,
        extra=item.extra,
    )


# --- sessions


def _of_sessions(
    store: Store, ids: Sequence[str]
) -> tuple[tuple[SideAnswers, ...], tuple[str, ...]]:
    rows: dict[str, list[Answered]] = {}
    unfinished = other_side = 0
    for index, id_ in enumerate(ids):
        session = store.session(id_)
        found, side, why = _conversation(store, session)
        unfinished += why == "unfinished"
        other_side += why == "side"
        if found:
            row = Answered(index, id_, index, tuple(found), len(found), id_)
            rows.setdefault(side, []).append(row)
    notes = []
    if unfinished:
        notes.append(
            f"{_sessions(unfinished)}: answers that are not complete, and what follows, are left out"
        )
    if other_side:
        notes.append(
            f"{_sessions(other_side)}: turns after a change of side are left out, since a row has one side"
        )
    sides = tuple(
        SideAnswers(side, number, tuple(its), len(its))
        for number, (side, its) in enumerate(rows.items())
    )
    return sides, tuple(notes)


def _sessions(n: int) -> str:
    return "1 session" if n == 1 else f"{n} sessions"


def _conversation(store: Store, session: Session) -> tuple[list[Turn], str, str]:
    """The turns of the branch that was last on screen by the side of its first answer, that side, and what ended them
    before the branch does: `unfinished`, `side` or nothing."""
    branch = store.branch(session.leaf_id) if session.leaf_id is not None else []
    turns: list[Turn] = []
    side = ""
    for question, answer in _turns(branch):
        if answer.status != "complete":
            return turns, side, "unfinished"
        its = side_of(store, answer, session)
        if turns and its != side:
            return turns, side, "side"
        side = its
        turns.append(Turn(question.content, answer.content, answer.id, answer.created_at))
    return turns, side, ""


def _turns(branch: Sequence[Message]) -> Iterator[tuple[Message, Message]]:
    for before, message in pairwise(branch):
        if message.role == "assistant" and before.role == "user":
            yield before, message


def side_of(store: Store, answer: Message, session: Session) -> str:
    """Who wrote an answer. In a run it is the run's side, else what its generation says."""
    if session.run_id is not None:
        return session.side
    generation = store.generation_of(answer.id)
    return generation.start.side if generation is not None else session.side
