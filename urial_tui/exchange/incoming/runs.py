"""Answers that another tool wrote, as a run: its instructions, its generators as sides, each answer a conversation.

Used by the importers whose rows are answers; judge, board and every export then work on them as on a run of our own.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from urial_tui.errors import ExchangeError
from urial_tui.exchange.incoming.reading import bad_rows
from urial_tui.exchange.incoming.types import Loaded, Options, Row, Tally
from urial_tui.runs.json_rows import BadRow
from urial_tui.safetext import sanitize_line
from urial_tui.store.database.ids import new_id
from urial_tui.store.exchange.arrivals import NewMessage, NewSession, Place
from urial_tui.store.judging.types import Comparison, JudgeInfo, Judgement, RubricRef
from urial_tui.store.runs.types import RunItem, RunStart
from urial_tui.store.store import Store

T = TypeVar("T")
V = TypeVar("V", Judgement, Comparison)
Answer = tuple[int, int, int]
"""Item, side and turn of an answer."""

_NAMED: Final = 5
"""So many bad rows are named in a refusal."""
_NAME_CHARS: Final = 60


@dataclass(frozen=True)
class AnsweredRun:
    """`answers` are texts by turn, of each item and side; `origin` is what the row of an answer had beside it."""

    sides: tuple[str, ...]
    items: tuple[RunItem, ...]
    answers: Mapping[tuple[int, int], tuple[str, ...]]
    origin: Mapping[tuple[int, int], dict[str, Any]] = field(default_factory=dict)


def each(loaded: Loaded, make: Callable[[Row], T]) -> list[T]:
    """`make` of every row. Raises ExchangeError naming the first rows that it refuses by BadRow."""
    made: list[T] = []
    problems: list[str] = []
    wrong = 0
    for row in loaded.rows:
        try:
            made.append(make(row))
        except BadRow as error:
            wrong += 1
            if wrong <= _NAMED:
                problems.append(f"{row.where}: {error}")
    if wrong:
        raise bad_rows(loaded.path, problems, wrong - len(problems))
    return made


def write_run(
    store: Store, run: AnsweredRun, loaded: Loaded, format_: str, options: Options, tally: Tally
) -> dict[Answer, str]:
    """Write the run, or find it where this file was imported before; ids of the answers' messages."""
    mark = new_id() if options.as_new else "first"
    fingerprint = (
        "import:" + hashlib.sha256(f"{format_}\0{mark}\0{loaded.sha256}".encode()).hexdigest()
    )
    made = store.create_run(
        RunStart(
            name=run_name(loaded),
            fingerprint=fingerprint,
            input_name=loaded.path.name,
            input_format=format_,
            input_sha256=loaded.sha256,
            sides=run.sides,
            settings={"imported": format_},
        ),
        unless_there=True,
    )
    if made.n_items:
        tally.there += 1
        answers = store.run_answers(made.id)
        return {(one.index, one.side, one.turn): one.message_id for one in answers}
    store.add_run_items(made.id, run.items)
    items = {item.index: item for item in run.items}
    found: dict[Answer, str] = {}
    for (index, side), texts in run.answers.items():
        found |= _write_answers(
            store,
            Place(made.id, index, side),
            items[index],
            texts,
            run.sides[side],
            {"format": format_, "file": loaded.path.name} | run.origin.get((index, side), {}),
        )
    tally.runs.append(made.id)
    return found


def _write_answers(
    store: Store,
    place: Place,
    item: RunItem,
    texts: Sequence[str],
    side: str,
    origin: dict[str, Any],
) -> dict[Answer, str]:
    messages: list[NewMessage] = []
    for question, text in zip(item.turns, texts, strict=False):
        parent = len(messages) - 1 if messages else None
        messages.append(NewMessage("user", question, parent))
        messages.append(NewMessage("assistant", text, len(messages) - 1))
    _, ids = store.add_conversation(NewSession(tuple(messages), side, origin=origin, place=place))
    return {(place.index, place.side, turn): id_ for turn, id_ in enumerate(ids[1::2])}


def run_name(loaded: Loaded) -> str:
    """The file's name without its ending, as a run may be called."""
    name = sanitize_line(loaded.path.stem, _NAME_CHARS).strip()
    return name if name and name.lower() != "last" else f"{name or 'a'} import".strip()


def _first_answers(
    store: Store, run_id: str, sides: Sequence[str], side: str
) -> dict[tuple[str, str], str]:
    """Messages of a side's complete answers to first turns, by question and text; of equal ones the first."""
    found: dict[tuple[str, str], str] = {}
    questions = {item.index: item.turns[0] for item in store.run_items(run_id)}
    for number, notation in enumerate(sides):
        if notation == side:
            for answer in store.run_answers(run_id, side=number):
                if answer.turn == 0 and answer.status == "complete":
                    key = (questions[answer.index], answer.content)
                    found.setdefault(key, answer.message_id)
    return found


@dataclass(frozen=True)
class Said:
    """Which answer a row is about: that of `generator` to `question` with this very text."""

    where: str
    generator: str
    question: str
    text: str


def answers_of(
    store: Store, rows: Sequence[Said], loaded: Loaded, options: Options
) -> list[str] | None:
    """The message of each row, all in one run, the newest that has them; None where no run has.

    Raises ExchangeError (`no-answer`) for a run that was named and has not.
    """
    generators = {row.generator for row in rows}
    named = store.find_run(options.run) if options.run is not None else None
    runs = store.sides_of_runs() if named is None else [(named.id, named.start.sides)]
    for run_id, sides in runs:
        if not generators <= set(sides) and named is None:
            continue
        known = {name: _first_answers(store, run_id, sides, name) for name in generators}
        ids = [known[row.generator].get((row.question, row.text)) for row in rows]
        found = [id_ for id_ in ids if id_ is not None]
        if len(found) == len(rows):
            return found
        if named is not None:
            row = rows[ids.index(None)]
            what = f"the run {named.start.name} has no such answer by {row.generator}"
            raise not_found(loaded, row.where, what)
    return None


def not_found(loaded: Loaded, where: str, what: str) -> ExchangeError:
    return ExchangeError(
        f"{loaded.path}, {where}: {what}",
        hint="Import the answers first, or name the run that has them with --run.",
        kind="no-answer",
    )


def is_said(new: V, of_the_same: Iterable[V], left_as: Callable[[V, V], bool], where: str) -> bool:
    """Whether it is among what was said of the same answers, or one is that leaves as this one came (`left_as`).

    Raises ExchangeError (`exists`) where this judge has said something else of them: nothing that is there is replaced.
    """
    for one in of_the_same:
        if replace(one, id="", created_at="") == new:
            return True
        if (one.judge.key, one.rubric.hash) == (new.judge.key, new.rubric.hash):
            raise ExchangeError(
                f"{where}: {one.judge.judge} has said something else of this already",
                hint="--as-new takes the file's answers and what was said of them as a run of its own.",
                kind="exists",
            )
        if left_as(one, new):
            return True
    return False


def foreign_judge(format_: str, name: str, about: Any, **provenance: Any) -> JudgeInfo:
    """A judge of another tool. `about` is what tells two settings of one model apart."""
    mark = hashlib.sha256(repr(about).encode()).hexdigest()[:16]
    return JudgeInfo(
        "model",
        name,
        f"import:{format_}:{mark}",
        {"format": format_, **provenance},
    )


def foreign_rubric(format_: str, id_: str, about: str = "") -> RubricRef:
    """A rubric whose text is not known here; it is never taken for one of ours."""
    mark = hashlib.sha256(f"import\0{format_}\0{id_}\0{about}".encode()).hexdigest()
    return RubricRef(id_, 1, mark)


def text_of(row: dict[str, Any], key: str, *, empty: bool = True) -> str:
    """Raises BadRow unless there is a text (`empty`: it may be one)."""
    value = row.get(key)
    if not isinstance(value, str):
        raise BadRow(f"it has no `{key}`" if value is None else f"its `{key}` is not a text")
    if not empty and not value.strip():
        raise BadRow(f"its `{key}` is empty")
    return value


def numbered(names: Iterable[str]) -> dict[str, int]:
    """Each name once, with its number, in the order in which they come."""
    return {name: number for number, name in enumerate(dict.fromkeys(names))}
