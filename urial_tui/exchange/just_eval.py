"""Answers in the files of just-eval: model outputs, a file a side; judge results, a file a side, judge and mode.

Each row is checked by what just-eval's own loader and report do with it. N/A stays "N/A"; an aspect that has no
readable score is left out of its row, and a row without any is as one that was not judged yet.
"""

import json
from collections.abc import Sequence
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
    nothing,
)
from urial_tui.exchange.selecting import about_judge, judgements_of, left_out, wanted_sides
from urial_tui.exchange.sources import Answered, SideAnswers, Source
from urial_tui.store.judging.types import AspectScore, Judgement

FORMAT: Final = "just-eval"
"""What judges that were imported from it have as `format` in their provenance, beside `id`, `eval_config` and `row`;
`parsed_result` where it says more than their scores, or other things than `result`."""
MODES: Final = {
    "score_multi": ("helpfulness", "clarity", "factuality", "depth", "engagement"),
    "score_safety": ("safety",),
}
"""just-eval's two modes and the aspects of each."""
SCORES: Final = ("1", "2", "3", "4", "5", "N/A")
"""What its report can count."""
_OF_RUBRIC: Final = {"just-eval": "score_multi", "safety": "score_safety"}
PENDING: Final = "N/A"
"""The result of a row that was not judged yet."""
_OUTPUT_KEYS: Final = ("id", "instruction", "output", "generator", "source_id")
NULLABLE: Final = ("source_id", "dataset", "category", "task", "topic")
"""Fields that leave as null where the row that was imported had that."""
_NEVER_COPIED: Final = frozenset((*_OUTPUT_KEYS, "model_input", "parsed_result", "result"))


def export(source: Source, wanted: Wanted) -> Export:
    """The files of `source`. Raises ExchangeError: `no-side`, `no-judge`, `nothing` to write, `bad-row`."""
    sides = wanted_sides(source, wanted)
    names = Names()
    documents: list[Document] = []
    notes = left_out(source, sides, "just-eval")
    if any(len(side.rows) < side.n_items for side in sides):
        notes.append(
            "positions in the files are not those of the data set, by which just-eval takes its parts"
        )
    if wanted.what != "judgements":
        documents += [_outputs(names, source, side) for side in sides if side.rows]
    if wanted.what != "outputs":
        judged, more = _judged(source, wanted, sides, names)
        documents += judged
        notes += more
        if not judged and wanted.what == "judgements":
            raise nothing(
                "there are no judgements by just-eval's aspects",
                "Make some: urial-tui judge --run ID --judge SIDE",
            )
    return Export(tuple(documents), tuple(notes))


# --- model outputs


def _outputs(names: Names, source: Source, side: SideAnswers) -> Document:
    name = names.make(source.name, side.side, extension=".json")
    made = [_output_row(row, side.side) | _model_input(source, row) for row in side.rows]
    check_outputs(made, name)
    about = {"kind": "outputs", "side": side.side, "side_number": side.number}
    return Document(name, json_array(made, name), len(made), about)


def _output_row(row: Answered, side: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": _id(row),
        "instruction": row.turns[0].question,
        "output": row.turns[0].answer,
        "generator": side,
        "source_id": str(row.extra.get("source_id", row.id)),
        "dataset": row.dataset,
        "category": row.category,
    }
    if row.task:
        made["task"] = list(row.task)
    if row.topic:
        made["topic"] = list(row.topic)
    more = {key: value for key, value in row.extra.items() if key not in _NEVER_COPIED}
    made |= {key: value for key, value in more.items() if key not in made}
    return made | dict.fromkeys(
        key for key in NULLABLE if key in row.extra and row.extra[key] is None
    )


def _model_input(source: Source, row: Answered) -> dict[str, Any]:
    """What the model of an imported answer read, where its file said that."""
    came = source.came(row, FORMAT)
    return {"model_input": came["model_input"]} if "model_input" in came else {}


def _id(row: Answered) -> int | str:
    """The row's number, as a text where its own is one."""
    return row.id if row.id == str(row.number) else row.number


def check_outputs(rows: Sequence[dict[str, Any]], name: str) -> None:
    """Raises ExchangeError (`bad-row`) for a row that just-eval cannot load."""
    check_texts(rows, name, ("instruction", "output"), filled=("generator",))


# --- judge results


def _judged(
    source: Source, wanted: Wanted, sides: Sequence[SideAnswers], names: Names
) -> tuple[list[Document], list[str]]:
    by_judge: dict[tuple[str, str, str], dict[str, Judgement]] = {}
    others = set()
    for by, found in judgements_of(source, wanted).items():
        for message_id, judgement in found.items():
            mode = mode_of(judgement)
            if mode is None:
                others.add(judgement.rubric.id)
            else:
                by_judge.setdefault((*by, mode), {})[message_id] = judgement
    documents = []
    counts = {"na": 0, "unreadable": 0, "unrated": 0}
    for side in sides:
        for (_, _, mode), found in by_judge.items():
            pairs = [
                (row, found[row.turns[0].message_id])
                for row in side.rows
                if row.turns[0].message_id in found
            ]
            if pairs:
                documents.append(_judgements(names, source, side, mode, pairs))
                _count(pairs, mode, counts)
    return documents, _about(counts, others)


def mode_of(judgement: Judgement) -> str | None:
    """The mode that a judgement is of; None where its aspects are not just-eval's."""
    aspects = {score.aspect for score in judgement.scores}
    mode = _OF_RUBRIC.get(judgement.rubric.id)
    if mode is not None and (not aspects or aspects & set(MODES[mode])):
        return mode
    return next((name for name, its in MODES.items() if aspects == set(its)), None)


def _judgements(
    names: Names,
    source: Source,
    side: SideAnswers,
    mode: str,
    pairs: Sequence[tuple[Answered, Judgement]],
) -> Document:
    judge = pairs[0][1].judge
    name = names.make(source.name, side.side, judge.judge, mode, extension=".json")
    made = [
        _judgement_row(row, judgement, side.side) | said(judgement, mode)
        for row, judgement in pairs
    ]
    check_judgements(made, mode, name, [_came(judgement) is not None for _, judgement in pairs])
    about = {
        "kind": "judgements",
        "side": side.side,
        "side_number": side.number,
        **about_judge(pairs[0][1]),
        "mode": mode,
    }
    return Document(name, json_array(made, name), len(made), about)


def _judgement_row(row: Answered, judgement: Judgement, side: str) -> dict[str, Any]:
    """What a row has beside what was said."""
    came = _came(judgement) or {}
    made: dict[str, Any] = {
        "id": came.get("id", _id(row)),
        "input": row.turns[0].question,
        "output_cand": row.turns[0].answer,
        "generator_cand": side,
    }
    rest: dict[str, Any] = came.get("row", {})
    return rest | made


def said(judgement: Judgement, mode: str) -> dict[str, Any]:
    """What a row says of an answer: by whom, what was read, `result`, and `parsed_result` where there is one."""
    came = _came(judgement)
    scores = {score.aspect: score for score in judgement.scores}
    parsed = {
        aspect: {"reason": scores[aspect].reason, "score": _score(scores[aspect])}
        for aspect in MODES[mode]
        if aspect in scores and scores[aspect].outcome in ("ok", "na")
    }
    given = None if came is None else came.get("parsed_result")
    if isinstance(given, dict):
        parsed = given
    return {
        "eval_config": (came or {}).get("eval_config")
        or {"mode": mode, "gpt": judgement.judge.judge, "max_words": -1},
        "prompt": judgement.prompt,
        "result": _result(judgement, parsed, came),
    } | ({"parsed_result": parsed} if parsed else {})


def _came(judgement: Judgement) -> dict[str, Any] | None:
    """What the row had that a judgement was imported from; None where it is from none."""
    provenance = judgement.judge.provenance
    return provenance if provenance.get("format") == FORMAT else None


def _result(judgement: Judgement, parsed: dict[str, Any], came: dict[str, Any] | None) -> str:
    """What the judge wrote where that says the same, so that imported results leave as they came; else anew. A reply
    that says nothing, or something else, was so in the file that it came from."""
    raw = judgement.raw[-1] if judgement.raw else PENDING
    found = read_again(raw)
    if came is not None and (came.get("differs") is True or not (parsed or found)):
        return raw
    if not parsed:
        return PENDING
    if found == parsed:
        return raw
    return json.dumps(parsed, indent=4, ensure_ascii=False)


def _score(score: AspectScore) -> str:
    return "N/A" if score.outcome == "na" else str(score.score)


def check_judgements(
    rows: Sequence[dict[str, Any]], mode: str, name: str, came: Sequence[bool] = ()
) -> None:
    """Raises ExchangeError (`bad-row`) for a row that just-eval would crash on, or would count as what it is not.

    `came`: whether a row was imported; such a one may have a reply that says nothing, or another thing than its scores,
    and further aspects.
    """
    check_texts(rows, name, ("input", "output_cand", "generator_cand", "prompt", "result"))
    for number, row in enumerate(rows, 1):
        ours = not (came and came[number - 1])
        if "parsed_result" not in row:
            if ours and row["result"] != PENDING:
                raise bad_row(name, number, "result", "has scores that `parsed_result` has not")
            continue
        parsed = row["parsed_result"]
        known = isinstance(parsed, dict) and (not ours or parsed.keys() <= set(MODES[mode]))
        if not parsed or not known:
            raise bad_row(name, number, "parsed_result", "does not have the mode's aspects")
        for aspect, found in parsed.items():
            if found["score"] not in SCORES:
                raise bad_row(name, number, "parsed_result", f"has no score of {aspect}")
        if ours and read_again(row["result"]) != parsed:
            raise bad_row(name, number, "result", "is not what `parsed_result` says")


def read_again(result: str) -> Any:
    """`result` as a run of just-eval that goes on reads it: line breaks between the tokens do not count."""
    try:
        return json.loads(result.replace("\n", ""))
    except ValueError:
        return None


def _count(pairs: Sequence[tuple[Answered, Judgement]], mode: str, counts: dict[str, int]) -> None:
    """An aspect that is not in a judgement was not rated; where it has none at all, nothing could be read."""
    for _, judgement in pairs:
        outcomes = {score.aspect: score.outcome for score in judgement.scores}
        for aspect in MODES[mode]:
            outcome = outcomes.get(aspect, None if outcomes else "invalid")
            counts["na"] += outcome == "na"
            counts["unreadable"] += outcome in ("invalid", "refused")
            counts["unrated"] += outcome is None


def _about(counts: dict[str, int], others: set[str]) -> list[str]:
    notes = []
    if counts["na"]:
        scores = counted(counts["na"], "score", "is", "are")
        notes.append(f"{scores} N/A; just-eval's own report counts each as a 5")
    if counts["unreadable"]:
        aspects = counted(counts["unreadable"], "aspect", "has", "have")
        notes.append(f"{aspects} no readable score: not in the rows")
    if counts["unrated"]:
        aspects = counted(counts["unrated"], "aspect", "was", "were")
        notes.append(f"{aspects} not rated: not in the rows")
    if others:
        notes.append(
            f"judgements by other aspects than just-eval's are left out: {', '.join(sorted(others))}"
        )
    return notes
