"""A run in the files of just-eval: model outputs, a file a side; judge results, a file a side, judge and mode.

Each row is checked by what just-eval's own loader and report do with it. N/A stays "N/A"; an aspect that has no
readable score is left out of its row, and a row without any is as one that was not judged yet.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from urial_tui.errors import ExchangeError
from urial_tui.exchange.exports import Document, Export, Names, Wanted, bad_row, json_array
from urial_tui.exchange.selecting import judge_keys, side_numbers
from urial_tui.store.judging_types import AspectScore, Judgement
from urial_tui.store.run_types import Run, RunAnswer, RunItem
from urial_tui.store.store import Store

MODES: Final = {
    "score_multi": ("helpfulness", "clarity", "factuality", "depth", "engagement"),
    "score_safety": ("safety",),
}
"""just-eval's two modes and the aspects of each."""
_OF_RUBRIC: Final = {"just-eval": "score_multi", "safety": "score_safety"}
_PENDING: Final = "N/A"
_OUTPUT_KEYS: Final = ("id", "instruction", "output", "generator", "source_id")
_NEVER_COPIED: Final = frozenset((*_OUTPUT_KEYS, "model_input", "parsed_result", "result"))


@dataclass(frozen=True)
class _Answered:
    """A complete answer to the first turn of an item."""

    item: RunItem
    answer: RunAnswer


def export(store: Store, run: Run, wanted: Wanted) -> Export:
    """The files of `run`. Raises ExchangeError: `no-side`, `no-judge`, `nothing` to write, `bad-row`."""
    numbers = side_numbers(run, wanted.sides)
    items = store.run_items(run.id)
    answered = {
        number: _answered(items, store.run_answers(run.id, side=number)) for number in numbers
    }
    if not any(answered.values()):
        raise ExchangeError(
            "none of the run's answers is complete", hint="Let it go on first.", kind="nothing"
        )
    names = Names()
    documents: list[Document] = []
    notes = _missing(run, items, answered)
    if wanted.what != "judgements":
        documents += [_outputs(names, run, n, rows) for n, rows in answered.items() if rows]
    if wanted.what != "outputs":
        judged, more = _judged(store, run, wanted, answered, names)
        documents += judged
        notes += more
        if not judged and wanted.what == "judgements":
            raise ExchangeError(
                "the run has no judgements by just-eval's aspects",
                hint="Make some: urial-tui judge --run ID --judge SIDE",
                kind="nothing",
            )
    return Export(tuple(documents), tuple(notes))


def _answered(items: Sequence[RunItem], answers: Iterable[RunAnswer]) -> list[_Answered]:
    """In the data set's order."""
    first = {a.index: a for a in answers if a.turn == 0 and a.status == "complete"}
    return [_Answered(item, first[item.index]) for item in items if item.index in first]


def _missing(run: Run, items: Sequence[RunItem], answered: dict[int, list[_Answered]]) -> list[str]:
    notes = [
        f"{run.start.sides[number]}: {len(items) - len(rows)} of {len(items)} items have no complete answer and are "
        "left out, so that positions in the file are not those of the data set"
        for number, rows in answered.items()
        if len(rows) < len(items)
    ]
    longer = sum(len(item.turns) > 1 for item in items)
    if longer:
        notes.append(f"just-eval has one turn: of {longer} items only the first is exported")
    return notes


# --- model outputs


def _outputs(names: Names, run: Run, number: int, rows: Sequence[_Answered]) -> Document:
    side = run.start.sides[number]
    name = names.make(run.start.name, side, extension=".json")
    made = [_output_row(row, side) for row in rows]
    check_outputs(made, name)
    about = {"kind": "outputs", "side": side, "side_number": number}
    return Document(name, json_array(made, name), len(made), about)


def _output_row(row: _Answered, side: str) -> dict[str, Any]:
    item = row.item
    made: dict[str, Any] = {
        "id": _id(item),
        "instruction": item.turns[0],
        "output": row.answer.content,
        "generator": side,
        "source_id": str(item.extra.get("source_id", item.source_id)),
        "dataset": item.dataset,
        "category": item.category,
    }
    if item.task:
        made["task"] = list(item.task)
    if item.topic:
        made["topic"] = list(item.topic)
    more = {key: value for key, value in item.extra.items() if key not in _NEVER_COPIED}
    return made | {key: value for key, value in more.items() if key not in made}


def _id(item: RunItem) -> int:
    """The row's own number; its position where it has none."""
    return item.source_id if isinstance(item.source_id, int) else item.index


def check_outputs(rows: Sequence[dict[str, Any]], name: str) -> None:
    """Raises ExchangeError (`bad-row`) for a row that just-eval cannot load."""
    for number, row in enumerate(rows, 1):
        for key in ("instruction", "output", "generator"):
            if not isinstance(row.get(key), str):
                raise bad_row(name, number, key, "is no text")
        if not row["generator"]:
            raise bad_row(name, number, "generator", "is empty")


# --- judge results


def _judged(
    store: Store,
    run: Run,
    wanted: Wanted,
    answered: dict[int, list[_Answered]],
    names: Names,
) -> tuple[list[Document], list[str]]:
    judgements = store.judgements(run_id=run.id)
    keys = judge_keys((judgement.judge for judgement in judgements), wanted.judges)
    by_judge: dict[tuple[str, str, str], dict[str, Judgement]] = {}
    others = set()
    for judgement in judgements:
        if judgement.judge.key not in keys:
            continue
        mode = _mode(judgement)
        if mode is None:
            others.add(judgement.rubric.id)
            continue
        group = (judgement.judge.key, judgement.rubric.hash, mode)
        by_judge.setdefault(group, {})[judgement.message_id] = judgement
    documents = []
    counts = {"na": 0, "unreadable": 0}
    for number, rows in answered.items():
        for (_, _, mode), found in by_judge.items():
            pairs = [
                (row, found[row.answer.message_id])
                for row in rows
                if row.answer.message_id in found
            ]
            if pairs:
                documents.append(_judgements(names, run, number, mode, pairs))
                _count(pairs, mode, counts)
    return documents, _about(counts, others)


def _mode(judgement: Judgement) -> str | None:
    """The mode that a judgement is of; None where its aspects are not just-eval's."""
    aspects = {score.aspect for score in judgement.scores}
    mode = _OF_RUBRIC.get(judgement.rubric.id)
    if mode is not None and (not aspects or aspects & set(MODES[mode])):
        return mode
    return next((name for name, its in MODES.items() if aspects == set(its)), None)


def _judgements(
    names: Names, run: Run, number: int, mode: str, pairs: Sequence[tuple[_Answered, Judgement]]
) -> Document:
    side, judge = run.start.sides[number], pairs[0][1].judge
    name = names.make(run.start.name, side, judge.judge, mode, extension=".json")
    made = [_judgement_row(row, judgement, side, mode) for row, judgement in pairs]
    check_judgements(made, mode, name)
    about = {
        "kind": "judgements",
        "side": side,
        "side_number": number,
        "judge": judge.judge,
        "judge_key": judge.key,
        "rubric": pairs[0][1].rubric.id,
        "rubric_hash": pairs[0][1].rubric.hash,
        "mode": mode,
    }
    return Document(name, json_array(made, name), len(made), about)


def _judgement_row(row: _Answered, judgement: Judgement, side: str, mode: str) -> dict[str, Any]:
    scores = {score.aspect: score for score in judgement.scores}
    parsed = {
        aspect: {"reason": scores[aspect].reason, "score": _score(scores[aspect])}
        for aspect in MODES[mode]
        if aspect in scores and scores[aspect].outcome in ("ok", "na")
    }
    made: dict[str, Any] = {
        "id": _id(row.item),
        "input": row.item.turns[0],
        "output_cand": row.answer.content,
        "generator_cand": side,
        "eval_config": {"mode": mode, "gpt": judgement.judge.judge, "max_words": -1},
        "prompt": judgement.prompt,
        "result": json.dumps(parsed, indent=4, ensure_ascii=False) if parsed else _PENDING,
    }
    return made | {"parsed_result": parsed} if parsed else made


def _score(score: AspectScore) -> str:
    return "N/A" if score.outcome == "na" else str(score.score)


def check_judgements(rows: Sequence[dict[str, Any]], mode: str, name: str) -> None:
    """Raises ExchangeError (`bad-row`) for a row that just-eval would crash on, or would count as what it is not."""
    for number, row in enumerate(rows, 1):
        for key in ("input", "output_cand", "generator_cand", "prompt", "result"):
            if not isinstance(row.get(key), str):
                raise bad_row(name, number, key, "is no text")
        if "parsed_result" not in row:
            if row["result"] != _PENDING:
                raise bad_row(name, number, "result", "has scores that `parsed_result` has not")
            continue
        parsed = row["parsed_result"]
        if not isinstance(parsed, dict) or not parsed or not parsed.keys() <= set(MODES[mode]):
            raise bad_row(name, number, "parsed_result", "does not have the mode's aspects")
        for aspect, found in parsed.items():
            if found["score"] not in ("1", "2", "3", "4", "5", "N/A"):
                raise bad_row(name, number, "parsed_result", f"has no score of {aspect}")
        if _read_again(row["result"]) != parsed:
            raise bad_row(name, number, "result", "is not what `parsed_result` says")


def _read_again(result: str) -> Any:
    """`result` as a run of just-eval that goes on reads it: line breaks between the tokens do not count."""
    try:
        return json.loads(result.replace("\n", ""))
    except ValueError:
        return None


def _count(pairs: Sequence[tuple[_Answered, Judgement]], mode: str, counts: dict[str, int]) -> None:
    for _, judgement in pairs:
        outcomes = {score.aspect: score.outcome for score in judgement.scores}
        for aspect in MODES[mode]:
            outcome = outcomes.get(aspect, "invalid")
            counts["na"] += outcome == "na"
            counts["unreadable"] += outcome in ("invalid", "refused")


def _about(counts: dict[str, int], others: set[str]) -> list[str]:
    notes = []
    if counts["na"]:
        notes.append(f"{counts['na']} scores are N/A; just-eval's own report counts each as a 5")
    if counts["unreadable"]:
        notes.append(
            f"{counts['unreadable']} aspects have no readable score and are left out of their rows"
        )
    if others:
        notes.append(
            f"judgements by other aspects than just-eval's are left out: {', '.join(sorted(others))}"
        )
    return notes
