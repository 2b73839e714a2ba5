"""MT-Bench's files: answers with their questions become a run, pairwise judgments comparisons of answers in runs.

Answers do not hold their questions, so the file of these has to be named. Scores of single judgments run from 1 to 10;
this history has 1 to 5 and puts no score on another scale: those files are refused.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from urial_tui.errors import ExchangeError
from urial_tui.exchange.incoming import mt_bench_answers, reading
from urial_tui.exchange.incoming.compared import save_comparison
from urial_tui.exchange.incoming.runs import (
    AnsweredRun,
    each,
    foreign_judge,
    foreign_rubric,
    numbered,
    text_of,
    write_run,
)
from urial_tui.exchange.incoming.types import (
    JUDGED,
    Importer,
    Loaded,
    Options,
    Row,
    Tally,
    Write,
)
from urial_tui.exchange.mt_bench import FORMAT
from urial_tui.exchange.pairs import OVERALL
from urial_tui.runs.inputs import read_input
from urial_tui.runs.json_rows import BadRow, id_of
from urial_tui.store.judging.types import Comparison, Pick, Winner
from urial_tui.store.runs.types import RunItem
from urial_tui.store.store import Store

_ANSWER: Final = frozenset(("question_id", "choices"))
_PAIR: Final = frozenset(("question_id", "model_1", "model_2", "g1_winner", "g2_winner"))
_SINGLE: Final = frozenset(("question_id", "model", "judge", "score"))


@dataclass(frozen=True)
class _Answer:
    where: str
    question: str | int
    model: str
    turns: tuple[str, ...]
    origin: dict[str, Any]
    more: int


@dataclass(frozen=True)
class _Pair:
    where: str
    question: str | int
    models: tuple[str, str]
    turn: int
    said: Comparison


def recognises(loaded: Loaded) -> bool:
    keys = loaded.keys()
    return any(keys >= needed for needed in (_ANSWER, _PAIR, _SINGLE))


def _uses(loaded: Loaded) -> Set[str]:
    return frozenset(("questions",)) if loaded.keys() >= _ANSWER else JUDGED


def make(loaded: Loaded, options: Options) -> Write:
    keys = loaded.keys()
    if keys >= _ANSWER:
        return _answers(loaded, options)
    if keys >= _PAIR:
        return _pairs(loaded, options)
    raise ExchangeError(
        f"{loaded.path} has MT-Bench's scores, which run from 1 to 10, and scores here run from 1 to 5",
        hint="A score is not put on another scale. Judge the answers here: urial-tui judge --run RUN",
        kind="scale",
    )


IMPORTER: Final = Importer(
    "MT-Bench's answers and pairwise judgments", recognises, make, uses=_uses
)


# --- answers


def _answers(loaded: Loaded, options: Options) -> Write:
    if options.questions is None:
        raise ExchangeError(
            f"{loaded.path} has answers of MT-Bench without their questions",
            hint="Name the file that has them: --questions question.jsonl",
            kind="no-questions",
        )
    asked = read_input(options.questions)
    items = {item.source_id: item for item in asked.items}
    answers = each(loaded, lambda row: _answer(row, loaded, items))
    sides = numbered(answer.model for answer in answers)
    texts: dict[tuple[int, int], tuple[str, ...]] = {}
    origin: dict[tuple[int, int], dict[str, Any]] = {}
    for answer in answers:
        place = (items[answer.question].index, sides[answer.model])
        if place in texts:
            why = f"question {answer.question} is answered twice by {answer.model}"
            raise reading.bad_rows(loaded.path, [f"{answer.where}: {why}"])
        texts[place], origin[place] = answer.turns, answer.origin
    run = AnsweredRun(tuple(sides), asked.items, texts, origin)

    def write(store: Store, tally: Tally) -> None:
        write_run(store, run, loaded, FORMAT, options, tally)
        more = sum(answer.more for answer in answers)
        tally.tell(
            more,
            "1 further choice of an answer is left out",
            "{} further choices of answers are left out",
        )

    return write


def _answer(row: Row, loaded: Loaded, items: dict[str | int, RunItem]) -> _Answer:
    value = row.value
    question = id_of(value, 0, "question_id")
    if question not in items:
        raise BadRow(f"question {question} is not in the file of questions")
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise BadRow("it has no `choices`")
    turns = choices[0].get("turns")
    if not isinstance(turns, list) or not turns or not all(isinstance(t, str) for t in turns):
        raise BadRow("its first choice has no texts as `turns`")
    if len(turns) > len(items[question].turns):
        raise BadRow(
            f"it has {len(turns)} turns, and question {question} has {len(items[question].turns)}"
        )
    model = value.get("model_id", loaded.path.stem)
    if not isinstance(model, str) or not model.strip():
        raise BadRow("its `model_id` is not a text")
    origin: dict[str, Any] = {key: value[key] for key in ("answer_id", "tstamp") if key in value}
    return _Answer(row.where, question, model, tuple(turns), origin, len(choices) - 1)


# --- judgments of pairs


def _pairs(loaded: Loaded, options: Options) -> Write:
    rows = each(loaded, _pair)

    asked = [
        mt_bench_answers.Asked(
            row.where, model, row.question, row.turn, "\n".join(row.said.prompts)
        )
        for row in rows
        for model in row.models
    ]

    def write(store: Store, tally: Tally) -> None:
        known = mt_bench_answers.find(store, asked, loaded, options)
        for row in rows:
            a, b = (known[model, (row.question, row.turn)] for model in row.models)
            save_comparison(store, a, b, row.said, tally, f"{loaded.path}, {row.where}")

    return write


def _pair(row: Row) -> _Pair:
    value = row.value
    models = (text_of(value, "model_1", empty=False), text_of(value, "model_2", empty=False))
    if models[0] == models[1]:
        raise BadRow("its two models are the same")
    turn = value.get("turn", 1)
    if turn not in (1, 2) or isinstance(turn, bool):
        raise BadRow("its `turn` is neither 1 nor 2")
    judge = value.get("judge")
    if (
        not isinstance(judge, list)
        or len(judge) != 2
        or not all(isinstance(one, str) and one for one in judge)
    ):
        raise BadRow("its `judge` is not a model and a template")
    winners = [_winner(value, key) for key in ("g1_winner", "g2_winner")]
    said = Comparison(
        message_a="",
        message_b="",
        judge=foreign_judge(FORMAT, judge[0], judge, judge=judge, tstamp=value.get("tstamp")),
        rubric=foreign_rubric(FORMAT, judge[1]),
        outcome="invalid" if None in winners else "ok",
        picks=(_overall(winners),),
        raw=tuple(text_of(value, key) for key in ("g1_judgment", "g2_judgment") if key in value),
        prompts=tuple(
            text_of(value, key) for key in ("g1_user_prompt", "g2_user_prompt") if key in value
        ),
    )
    return _Pair(row.where, id_of(value, 0, "question_id"), models, turn - 1, said)


def _winner(value: dict[str, Any], key: str) -> Winner | None:
    """None where the judge gave none."""
    names: dict[Any, Winner | None] = {"model_1": "a", "model_2": "b", "tie": "tie", "error": None}
    found = value.get(key)
    if not isinstance(found, str) or found not in names:
        raise BadRow(f"its `{key}` is none of {', '.join(names)}")
    return names[found]


def _overall(winners: Sequence[Winner | None]) -> Pick:
    """Two orders that disagree are a tie."""
    first, second = winners
    if first is None or second is None:
        return Pick(OVERALL, "invalid", None, first, second)
    return Pick(OVERALL, "ok", first if first == second else "tie", first, second)
