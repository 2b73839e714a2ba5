"""Which stored answers MT-Bench's judgments are about. A judgment says model, question and turn, and several runs may
have those; its prompt holds the question and the answers as a rule.

So a model's answers are all of one run, those of both models of the same one where one has them; a run with other texts
than the judge read is none of them; and where several are left with different texts, a person has to name the run.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from urial_tui.errors import ExchangeError
from urial_tui.exchange.incoming.runs import not_found
from urial_tui.exchange.incoming.types import Loaded, Options
from urial_tui.exchange.mt_bench import models_of
from urial_tui.exchange.sources import source_of_run
from urial_tui.store.runs.types import Run
from urial_tui.store.store import Store

Key = tuple[str | int, int]
"""Question and turn, from 0."""
_HEAD: Final = 80
"""An answer of which so many letters and digits are in a prompt may be the one that was judged: tools shorten texts."""
_LEFT_OUT: Final = re.compile(r"\[\.\.\. (\d{1,9}) characters left out \.\.\.\]")
"""What a judge here reads at the end of a text that is shortened."""


@dataclass(frozen=True)
class Asked:
    """An answer that a judgment is about. `prompt` is what the judge read."""

    where: str
    model: str
    question: str | int
    turn: int
    prompt: str

    @property
    def key(self) -> Key:
        return self.question, self.turn


@dataclass(frozen=True)
class _Answer:
    message_id: str
    question: str
    text: str


@dataclass(frozen=True)
class _Candidate:
    """A run and what it has of one model."""

    run: Run
    answers: dict[Key, _Answer]

    def texts(self, keys: Sequence[Key]) -> tuple[str, ...]:
        return tuple(self.answers[key].text for key in keys)


@dataclass(frozen=True)
class _Prompt:
    """What a judge read. `left_out`: how many characters of its texts were not shown."""

    letters: str
    left_out: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> "_Prompt":
        counts = dict.fromkeys(int(count) for count in _LEFT_OUT.findall(text))
        return cls(_letters(text), tuple(counts))

    def shows(self, answer: _Answer) -> bool | None:
        """Whether the answer was read; None where the question is not to be seen, or too little of the answer."""
        question, text = _letters(answer.question), _letters(answer.text)
        if not text or not question or question not in self.letters:
            return None
        if text in self.letters:
            return True
        for count in self.left_out:
            if count <= len(answer.text):
                visible = _letters(answer.text[: len(answer.text) - count])
                if visible in self.letters:
                    return True if visible else None
        return None if text[:_HEAD] in self.letters and len(text) > _HEAD else False


def find(
    store: Store, asked: Sequence[Asked], loaded: Loaded, options: Options
) -> dict[tuple[str, Key], str]:
    """The message of each answer, by model, question and turn.

    Raises ExchangeError: `no-answer` where no run has them, or none with the texts that were judged; `several-runs`.
    """
    of_model: dict[str, list[Asked]] = {}
    for one in asked:
        of_model.setdefault(one.model, []).append(one)
    candidates = _candidates(store, list(of_model), options)
    left = {model: _judged(candidates[model], rows, loaded) for model, rows in of_model.items()}
    common = set.intersection(*({one.run.id for one in found} for found in left.values()))
    if common:
        left = {
            model: [one for one in found if one.run.id in common] for model, found in left.items()
        }
    made: dict[tuple[str, Key], str] = {}
    for model, found in left.items():
        keys = [one.key for one in of_model[model]]
        if len({one.texts(keys) for one in found}) > 1:
            raise _several(loaded, model, found)
        made |= {(model, key): found[0].answers[key].message_id for key in keys}
    return made


def _candidates(
    store: Store, models: Sequence[str], options: Options
) -> dict[str, list[_Candidate]]:
    """Runs that have a side of each model, the newest first; the one that was named alone where it has one."""
    named = store.find_run(options.run) if options.run is not None else None
    found: dict[str, list[_Candidate]] = {model: [] for model in models}
    for run_id, sides in store.sides_of_runs():
        if not (numbers := _numbers(sides, models)):
            continue
        run = store.run(run_id)
        source = source_of_run(store, run)
        for model, number in numbers.items():
            answers: dict[Key, _Answer] = {}
            for row in source.sides[number].rows:
                for turn, one in enumerate(row.turns):
                    answer = _Answer(one.message_id, one.question, one.answer)
                    answers.setdefault((row.id, turn), answer)
                    answers.setdefault((row.number, turn), answer)
            found[model].append(_Candidate(run, answers))
    if named is None:
        return found
    if not any(one.run.id == named.id for its in found.values() for one in its):
        raise ExchangeError(
            f"the run {named.start.name} has none of the models that were judged: {', '.join(models)}",
            hint="Name the run whose answers were judged, or leave --run out.",
            kind="no-answer",
        )
    return {
        model: [one for one in its if one.run.id == named.id] or its for model, its in found.items()
    }


def _numbers(sides: Sequence[str], models: Sequence[str]) -> dict[str, int]:
    """The number of the side that each of the models is: by its notation, or by the name that exports give it."""
    named = {name: sides.index(side) for side, name in models_of(sides).items()}
    named |= {side: sides.index(side) for side in sides}
    return {model: named[model] for model in models if model in named}


def _judged(
    candidates: Sequence[_Candidate], rows: Sequence[Asked], loaded: Loaded
) -> list[_Candidate]:
    """Those candidates that have all of these answers and no other text than was judged: where any is proven to have
    the judged ones, the proven ones. Raises ExchangeError (`no-answer`)."""
    whole = [one for one in candidates if all(row.key in one.answers for row in rows)]
    if not whole:
        has = candidates[0].answers if candidates else {}
        first = next(row for row in rows if row.key not in has)
        what = f"{first.model} has no answer to turn {first.turn + 1} of question {first.question}"
        raise not_found(loaded, first.where, what)
    prompts = [_Prompt.of(row.prompt) for row in rows]
    fitting: list[_Candidate] = []
    proven: list[_Candidate] = []
    other: Asked | None = None
    for one in whole:
        found = [
            prompt.shows(one.answers[row.key]) for row, prompt in zip(rows, prompts, strict=True)
        ]
        if False in found:
            other = other or rows[found.index(False)]
            continue
        fitting.append(one)
        if all(found):
            proven.append(one)
    if not fitting:
        assert other is not None  # each of them was left out for one
        what = (
            f"the judge read another text than the answer of {other.model} to turn {other.turn + 1} of question "
            f"{other.question} here"
        )
        raise not_found(loaded, other.where, what)
    return proven or fitting


def _letters(text: str) -> str:
    """What of a text no template changes: blanks, quotation marks and line ends are not in it."""
    return "".join(filter(str.isalnum, text.casefold()))


def _several(loaded: Loaded, model: str, found: Sequence[_Candidate]) -> ExchangeError:
    names = ", ".join(f"{one.run.start.name} ({one.run.id})" for one in found)
    return ExchangeError(
        f"{loaded.path}: several runs have answers of {model} to these questions, which differ, and the file does not "
        f"show which were judged: {names}",
        hint="Name the run whose answers were judged: --run RUN",
        kind="several-runs",
    )
