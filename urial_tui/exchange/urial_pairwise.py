"""Comparisons in the files of URIAL's pairwise evaluation, one for each two sides, judge and rubric.

`choices` are the verdicts: where the two orders of a comparison disagree, a tie. The evaluation reads `result` again
with every backslash doubled, so reasons leave without what JSON would escape.
"""

import json
import re
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
from urial_tui.exchange.pairs import Duel, Pair, duels_of, first_turns
from urial_tui.exchange.selecting import about_judge
from urial_tui.exchange.sources import Source
from urial_tui.store.judging.types import Comparison

FORMAT: Final = "urial-pairwise"
"""What rows that were imported have as `format` in their judge's provenance, beside `eval_config`."""
PENDING: Final = "N/A"
"""The result of a row that was not judged yet."""
_ESCAPED: Final = re.compile(r"[\x00-\x1f]+")
_CHOICES: Final = ("A", "B", "tie")


def export(source: Source, wanted: Wanted) -> Export:
    """Raises ExchangeError: `no-side`, `no-judge`, `nothing`, `bad-row`."""
    found, notes = duels_of(source, wanted)
    duels, later = first_turns(found, "URIAL's evaluation")
    if not duels:
        raise nothing(
            "no two answers were compared", "Compare some: urial-tui judge --pairwise, or by hand."
        )
    names = Names()
    documents = [_document(names, source, duel) for duel in duels]
    unread = sum(
        pick.outcome != "ok"
        for duel in duels
        for pair in duel.pairs
        for pick in pair.comparison.picks
    )
    if unread:
        notes.append(f"{counted(unread, 'aspect', 'has', 'have')} no verdict: not in the rows")
    return Export(tuple(documents), (*notes, *later))


def _document(names: Names, source: Source, duel: Duel) -> Document:
    judge = duel.first.judge
    name = names.make(source.name, duel.model, "vs", duel.reference, judge.judge, extension=".json")
    rows = [_row(duel, pair) for pair in duel.pairs]
    check(rows, name)
    about = {
        "kind": "comparisons",
        "side": duel.model,
        "reference": duel.reference,
        **about_judge(duel.first),
    }
    return Document(name, json_array(rows, name), len(rows), about)


def _row(duel: Duel, pair: Pair) -> dict[str, Any]:
    sides = {"model": duel.model, "reference": duel.reference}
    comparison, came = pair.comparison, pair.came(FORMAT) or {}
    first, second = ("model", "reference") if pair.model_is == "a" else ("reference", "model")
    if came and _shown_second(comparison):
        first, second = second, first
    letters = {first: "A", second: "B", "tie": "tie"}
    choices = {
        pick.aspect: letters[won]
        for pick in comparison.picks
        if (won := pair.won(pick.winner)) is not None
    }
    parsed, result = _as_it_came(comparison, choices) if came else (None, "")
    if parsed is None:
        rationale = _plain(comparison.note) if came else _rationale(comparison)
        parsed = {"rationale": rationale, "choices": choices}
        result = json.dumps(parsed, ensure_ascii=False)
    made: dict[str, Any] = {
        "input": pair.question,
        "model_output": pair.output,
        "ref_output": pair.reference_output,
        "generator": duel.model,
        "ref_generator": duel.reference,
        "eval_config": came.get("eval_config")
        or {"mode": "pairwise", "gpt": comparison.judge.judge, "max_words": -1},
        "assignment": {"A": sides[first], "B": sides[second]},
        "prompt": comparison.prompts[0] if comparison.prompts else "",
        "result": result if choices else PENDING,
    }
    return made | {"parsed_result": parsed} if choices else made


def said(duel: Duel) -> dict[str, Any]:
    """What a row says of the first pair."""
    return _row(duel, duel.pairs[0])


def _shown_second(comparison: Comparison) -> bool:
    """Whether the answer that is called A here was shown as B: an imported row was judged in one order."""
    return any(pick.second is not None for pick in comparison.picks)


def _as_it_came(
    comparison: Comparison, choices: dict[str, str]
) -> tuple[dict[str, Any] | None, str]:
    """`parsed_result` and `result` of an imported row, where the evaluation still reads the same in it."""
    result = comparison.raw[0] if comparison.raw else ""
    parsed = _read_again(result)
    if not isinstance(parsed, dict) or parsed.get("choices") != choices:
        return None, ""
    return (parsed, result) if parsed.get("rationale", "") == comparison.note else (None, "")


def _rationale(comparison: Comparison) -> str:
    reasons = [
        f"{pick.aspect}: {_plain(reason)}"
        for pick in comparison.picks
        for reason in pick.reasons[:1]
        if reason.strip()
    ]
    return " ".join(reasons)


def _plain(text: str) -> str:
    return _ESCAPED.sub(" ", text).replace("\\", "/").replace('"', "'").replace("`", "'").strip()


def check(rows: Sequence[dict[str, Any]], name: str) -> None:
    """Raises ExchangeError (`bad-row`) for a row that the evaluation would crash on or count as what it is not."""
    check_texts(
        rows,
        name,
        ("input", "model_output", "ref_output", "prompt", "result"),
        filled=("generator", "ref_generator"),
    )
    for number, row in enumerate(rows, 1):
        if set(row["assignment"]) != {"A", "B"} or set(row["assignment"].values()) != {
            row["generator"],
            row["ref_generator"],
        }:
            raise bad_row(name, number, "assignment", "does not have both sides")
        parsed = row.get("parsed_result")
        if parsed is None:
            if row["result"] != PENDING or "parsed_result" in row:
                raise bad_row(name, number, "result", "has choices that `parsed_result` has not")
            continue
        if not parsed["choices"] or not set(parsed["choices"].values()) <= set(_CHOICES):
            raise bad_row(name, number, "parsed_result", "has a choice that is none of A, B, tie")
        if _read_again(row["result"]) != parsed:
            raise bad_row(name, number, "result", "is not what `parsed_result` says")


def _read_again(result: str) -> Any:
    """`result` as the evaluation reads it when it goes on."""
    try:
        return json.loads(result.strip().strip("`").replace("\\", "\\\\"))
    except ValueError:
        return None
