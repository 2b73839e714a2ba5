"""Answers and scores as logs of lm-evaluation-harness: a folder a side, with `results_DATE.json` and, for each judge
and rubric, `samples_TASK_DATE.jsonl`.

A task is what one judge said by one rubric; its metrics are the aspects, means over the scores that are there. Answers
without any are samples without a metric. DATE is
when the last answer was written, so that the same export is the same files. Prompts are the user's messages: the text
around them is kept as token ids, in the lossless form.
"""

import hashlib
import json
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
    json_lines,
    json_object,
)
from urial_tui.exchange.selecting import about_judge, judgements_of, left_out, wanted_sides
from urial_tui.exchange.sources import Answered, SideAnswers, Source
from urial_tui.store.judging.types import Judgement

_FILTER: Final = "none"
_VERSION: Final = 1
_SAMPLE_KEYS: Final = frozenset(
    "doc_id doc target arguments resps filtered_resps filter metrics doc_hash prompt_hash target_hash alias".split()
)
_Json = dict[str, Any]


def export(source: Source, wanted: Wanted) -> Export:
    """Raises ExchangeError: `no-side`, `no-judge`, `nothing`, `bad-row`."""
    sides = wanted_sides(source, wanted)
    judged = judgements_of(source, wanted)
    names = Names()
    documents: list[Document] = []
    for side in sides:
        if side.rows:
            documents += _side(names.make(side.side), source, side, list(judged.values()))
    notes = left_out(source, sides, "a task")
    without = sum(
        score.outcome != "ok"
        for found in judged.values()
        for judgement in found.values()
        for score in judgement.scores
    )
    if without:
        aspects = counted(without, "aspect", "has", "have")
        notes.append(f"{aspects} no score: samples do not have such a metric")
    return Export(tuple(documents), tuple(notes))


def _side(
    folder: str, source: Source, side: SideAnswers, judged: Sequence[Mapping[str, Judgement]]
) -> list[Document]:
    date = source.made_at.replace(":", "-").removesuffix("Z")
    tasks = Names()
    documents: list[Document] = []
    results: _Json = {}
    configs: _Json = {}
    n_scored: dict[str, int] = {}
    its = [found for found in judged if any(r.turns[0].message_id in found for r in side.rows)]
    for found in its or [{}]:
        first = next(iter(found.values()), None)
        named = (source.name, first.judge.judge, first.rubric.id) if first else (source.name,)
        task = tasks.make(*named)
        rows = [_sample(row, found.get(row.turns[0].message_id)) for row in side.rows]
        name = f"{folder}/samples_{task}_{date}.jsonl"
        check_samples(rows, name)
        aspects = list(dict.fromkeys(aspect for row in rows for aspect in row["metrics"]))
        n_scored[task] = sum(bool(row["metrics"]) for row in rows)
        results[task] = {"alias": task} | {
            f"{aspect},{_FILTER}": fmean(row[aspect] for row in rows if aspect in row)
            for aspect in aspects
        }
        configs[task] = {
            "task": task,
            "output_type": "generate_until",
            "metric_list": [
                {"metric": a, "aggregation": "mean", "higher_is_better": True} for a in aspects
            ],
        }
        about = {
            "kind": "samples",
            "side": side.side,
            "side_number": side.number,
            "task": task,
            **(about_judge(first) if first else {}),
        }
        documents.append(Document(name, json_lines(rows, name), len(rows), about))
    name = f"{folder}/results_{date}.json"
    made = {
        "results": results,
        "versions": dict.fromkeys(results, _VERSION),
        "n-samples": {
            task: {"original": side.n_items, "effective": scored}
            for task, scored in n_scored.items()
        },
        "configs": configs,
        "config": {
            "model": "urial-tui",
            "model_args": f"pretrained={side.side}",
            "gen_kwargs": _settings(source),
        },
        "model_name": side.side,
    }
    check_results(made, name)
    about = {"kind": "results", "side": side.side, "side_number": side.number}
    return [Document(name, json_object(made, name), len(results), about), *documents]


def _settings(source: Source) -> _Json:
    return dict(source.run.start.settings) if source.run is not None else {}


def _sample(row: Answered, judgement: Judgement | None) -> _Json:
    turn = row.turns[0]
    doc: _Json = {"id": row.id, "question": turn.question} | {
        key: value
        for key, value in (
            ("dataset", row.dataset),
            ("category", row.category),
            ("task", list(row.task)),
            ("topic", list(row.topic)),
        )
        if value
    }
    scores = {
        _metric(score.aspect): score.score
        for score in (judgement.scores if judgement else ())
        if score.score is not None
    }
    sample: _Json = {
        "doc_id": row.index,
        "doc": doc,
        "target": "",
        "arguments": {"gen_args_0": {"arg_0": turn.question, "arg_1": {}}},
        "resps": [[turn.answer]],
        "filtered_resps": [turn.answer],
        "filter": _FILTER,
        "metrics": list(scores),
        "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": _hash(turn.question),
        "target_hash": _hash(""),
    }
    return sample | scores


def _metric(aspect: str) -> str:
    """An aspect's name as a key of a sample, which has keys of its own."""
    return f"{aspect}_score" if aspect in _SAMPLE_KEYS else aspect


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def check_samples(rows: Sequence[_Json], name: str) -> None:
    """Raises ExchangeError (`bad-row`) for a row that the harness's own readers could not take."""
    check_texts(rows, name, ("target", "filter"), filled=("doc_hash", "prompt_hash", "target_hash"))
    for number, row in enumerate(rows, 1):
        if not isinstance(row["arguments"]["gen_args_0"]["arg_0"], str):
            raise bad_row(name, number, "arguments", "has no prompt")
        for metric in row["metrics"]:
            if not isinstance(row.get(metric), int | float):
                raise bad_row(name, number, metric, "is no number")


def check_results(made: _Json, name: str) -> None:
    """Raises ExchangeError (`bad-row`)."""
    for number, (task, values) in enumerate(made["results"].items(), 1):
        if task not in made["versions"] or task not in made["configs"]:
            raise bad_row(name, number, task, "has no version or configuration")
        for metric, value in values.items():
            if metric != "alias" and not isinstance(value, int | float):
                raise bad_row(name, number, metric, "is no number")
