"""Answers for promptfoo to grade again, a file a side, and finished scores, a file for each judge and rubric.

A score s of 1 to 5 is (s - 1) / 4 there; the score of a row is the mean of its aspects. What has none is in no row.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Final

from urial_tui.exchange.exports import (
    Document,
    Export,
    Names,
    Wanted,
    bad_row,
    check_texts,
    counted,
    json_array,
    json_object,
    nothing,
)
from urial_tui.exchange.selecting import about_judge, judgements_of, left_out, wanted_sides
from urial_tui.exchange.sources import Answered, SideAnswers, Source
from urial_tui.store.judging.types import Judgement

_FORMAT: Final = 3
_Json = dict[str, Any]


def export(source: Source, wanted: Wanted) -> Export:
    """Raises ExchangeError: `no-side`, `no-judge`, `nothing`, `bad-row`."""
    sides = wanted_sides(source, wanted)
    names = Names()
    documents: list[Document] = []
    notes = left_out(source, sides, "promptfoo")
    if wanted.what != "judgements":
        documents += [_outputs(names, source, side) for side in sides if side.rows]
    if wanted.what != "outputs":
        unscored = 0
        for found in judgements_of(source, wanted).values():
            document, n = _scores(names, source, sides, found)
            unscored += n
            if document is not None:
                documents.append(document)
        if unscored:
            notes.append(f"left out: {counted(unscored, 'aspect', 'has', 'have')} no score")
        if wanted.what == "judgements" and not documents:
            raise nothing(
                "nothing of this has a score", "Judge it: urial-tui judge --run ID --judge SIDE"
            )
    return Export(tuple(documents), tuple(notes))


def _outputs(names: Names, source: Source, side: SideAnswers) -> Document:
    name = names.make(source.name, side.side, "outputs", extension=".json")
    rows: list[_Json] = []
    for row in side.rows:
        made: _Json = {"output": row.turns[0].answer}
        tags = [tag for tag in (row.dataset, row.category, *row.task, *row.topic) if tag]
        rows.append(made | ({"tags": list(dict.fromkeys(tags))} if tags else {}))
    check_texts(rows, name, ("output",))
    about = {"kind": "outputs", "side": side.side, "side_number": side.number}
    return Document(name, json_array(rows, name), len(rows), about)


def _scores(
    names: Names, source: Source, sides: Sequence[SideAnswers], found: Mapping[str, Judgement]
) -> tuple[Document | None, int]:
    """The file, and how many aspects have no score."""
    first = next(iter(found.values()))
    places = {index: n for n, index in enumerate(sorted({r.index for s in sides for r in s.rows}))}
    rows: list[_Json] = []
    unscored = 0
    for number, side in enumerate(sides):
        for row in side.rows:
            judgement = found.get(row.turns[0].message_id)
            if judgement is None:
                continue
            unscored += sum(score.score is None for score in judgement.scores)
            if any(score.score is not None for score in judgement.scores):
                made = _row(row, judgement, side.side, number, places[row.index])
                rows.append(made | _latency(source, row))
    if not rows:
        return None, unscored
    name = names.make(source.name, first.judge.judge, first.rubric.id, "scores", extension=".json")
    check_scores(rows, len(sides), name)
    made = {
        "version": _FORMAT,
        "timestamp": source.made_at,
        "prompts": [
            {"raw": "{{instruction}}", "label": side.side, "provider": side.side} for side in sides
        ],
        "results": rows,
    }
    about = {"kind": "judgements", **about_judge(first)}
    whole = {"config": {"description": source.name}, "results": made}
    return Document(name, json_object(whole, name), len(rows), about), unscored


def _row(row: Answered, judgement: Judgement, side: str, prompt: int, test: int) -> _Json:
    turn = row.turns[0]
    named = {
        score.aspect: (score.score - 1) / 4 for score in judgement.scores if score.score is not None
    }
    score = fmean(named.values())
    reasons = [f"{one.aspect}: {one.reason}" for one in judgement.scores if one.reason]
    return {
        "promptIdx": prompt,
        "testIdx": test,
        "testCase": {"vars": {"instruction": turn.question}},
        "vars": {"instruction": turn.question},
        "prompt": {"raw": turn.question, "label": side},
        "provider": {"id": side},
        "response": {"output": turn.answer},
        "success": True,
        "failureReason": 0,
        "score": score,
        "namedScores": named,
        "gradingResult": {
            "pass": True,
            "score": score,
            "reason": "\n".join(reasons),
            "namedScores": named,
        },
        "metadata": {"id": row.id, "judge": judgement.judge.judge, "rubric": judgement.rubric.id},
    }


def _latency(source: Source, row: Answered) -> _Json:
    """How long the answer took, reading the prompt and writing; nothing where nobody measured it."""
    generation = source.store.generation_of(row.turns[0].message_id)
    timings = generation.end.timings if generation is not None and generation.end else {}
    if "prefill_s" not in timings or "decode_s" not in timings:
        return {}
    return {"latencyMs": round(1000 * (timings["prefill_s"] + timings["decode_s"]))}


def check_scores(rows: Sequence[_Json], n_prompts: int, name: str) -> None:
    """Raises ExchangeError (`bad-row`) for a row that promptfoo cannot place, or whose score is not on its scale."""
    seen = set()
    for number, row in enumerate(rows, 1):
        place = (row["promptIdx"], row["testIdx"])
        if not 0 <= row["promptIdx"] < n_prompts or place in seen:
            raise bad_row(name, number, "promptIdx", "is of no prompt, or there twice")
        seen.add(place)
        for key, score in (("score", row["score"]), *row["namedScores"].items()):
            if not 0 <= score <= 1:
                raise bad_row(name, number, key, "is none from 0 to 1")
