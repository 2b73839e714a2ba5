"""Answers and comparisons in AlpacaEval's folders: `MODEL/model_outputs.json`, and for each judge `annotations.json`.

A preference is 1 for the reference, 2 for the model, 1.5 for a tie; what was imported keeps the one that it came with.
A comparison without a verdict is left out.
"""

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
from urial_tui.exchange.pairs import Duel, Pair, Won, duels_of, first_turns
from urial_tui.exchange.selecting import about_judge, left_out, wanted_sides
from urial_tui.exchange.sources import SideAnswers, Source

FORMAT: Final = "alpaca-eval"
"""What annotations that were imported have as `format` in their judge's provenance, beside `preference` and `row`."""
_PREFERENCE: Final[dict[Won, float]] = {"reference": 1.0, "tie": 1.5, "model": 2.0}


def export(source: Source, wanted: Wanted) -> Export:
    """Raises ExchangeError: `no-side`, `no-judge`, `nothing`, `bad-row`."""
    sides = wanted_sides(source, wanted)
    names = Names()
    folders = {side.side: names.make(side.side) for side in source.sides}
    documents: list[Document] = []
    notes: list[str] = []
    if wanted.what != "judgements":
        documents += [_outputs(folders[side.side], side) for side in sides if side.rows]
        notes += left_out(source, sides, "AlpacaEval")
    if wanted.what != "outputs":
        found, more = duels_of(source, wanted)
        duels, later = first_turns(found, "AlpacaEval")
        made, undecided = _annotations(folders, duels)
        documents += made
        notes += [*more, *later, *undecided]
        if not made and wanted.what == "judgements":
            raise nothing(
                "no two answers were compared overall",
                "Compare some: urial-tui judge --pairwise, or by hand.",
            )
    return Export(tuple(documents), tuple(notes))


def _outputs(folder: str, side: SideAnswers) -> Document:
    name = f"{folder}/model_outputs.json"
    rows = [
        {
            "dataset": row.extra.get("dataset", row.dataset),
            "instruction": row.turns[0].question,
            "output": row.turns[0].answer,
            "generator": side.side,
        }
        for row in side.rows
    ]
    check_outputs(rows, name)
    about = {"kind": "outputs", "side": side.side, "side_number": side.number}
    return Document(name, json_array(rows, name), len(rows), about)


def check_outputs(rows: Sequence[dict[str, Any]], name: str) -> None:
    """Raises ExchangeError (`bad-row`) for a row that AlpacaEval cannot load, or that is of another generator."""
    check_texts(rows, name, ("instruction", "output"), filled=("generator",))
    for number, row in enumerate(rows, 1):
        if row["generator"] != rows[0]["generator"]:
            raise bad_row(name, number, "generator", "is not that of the rows before")


def _annotations(
    folders: dict[str, str], duels: Sequence[Duel]
) -> tuple[list[Document], list[str]]:
    documents = []
    undecided = 0
    names: dict[str, Names] = {}
    for duel in duels:
        rows = [row for pair in duel.pairs if (row := _annotation(duel, pair)) is not None]
        undecided += len(duel.pairs) - len(rows)
        if not rows:
            continue
        judge = duel.first.judge
        inner = names.setdefault(duel.model, Names()).make(judge.judge, "vs", duel.reference)
        name = f"{folders[duel.model]}/{inner}/annotations.json"
        check_annotations(rows, name)
        about = {
            "kind": "judgements",
            "side": duel.model,
            "reference": duel.reference,
            **about_judge(duel.first),
        }
        documents.append(Document(name, json_array(rows, name), len(rows), about))
    notes = (
        [f"left out: {counted(undecided, 'comparison', 'says', 'say')} nothing overall"]
        if undecided
        else []
    )
    return documents, notes


def _annotation(duel: Duel, pair: Pair) -> dict[str, Any] | None:
    pick = pair.overall
    won = pair.won(pick.winner) if pick is not None else None
    if won is None:
        return None
    made = {
        "instruction": pair.question,
        "output_1": pair.reference_output,
        "generator_1": duel.reference,
        "output_2": pair.output,
        "generator_2": duel.model,
        "dataset": pair.row.dataset if pair.row is not None else "",
        "annotator": pair.comparison.judge.judge,
        "preference": _PREFERENCE[won],
    }
    return made | _as_it_came(pair, won)


def said(duel: Duel) -> dict[str, Any] | None:
    """What a row says of the first pair; None where there is none for it."""
    return _annotation(duel, duel.pairs[0])


def _as_it_came(pair: Pair, won: Won) -> dict[str, Any]:
    """What a row that was imported has beside what is told here: a preference that is not whole, seen from the other
    side where the roles are exchanged, and the fields of the annotator, which hold for the first order only."""
    came = pair.came(FORMAT)
    if came is None:
        return {}
    given = came.get("preference")
    if isinstance(given, bool) or not isinstance(given, int | float):
        given = _PREFERENCE[won]
    if pair.model_is == "a":
        return {"preference": round(3.0 - given, 12)}
    row = came.get("row")
    return (row if isinstance(row, dict) else {}) | {"preference": float(given)}


def check_annotations(rows: Sequence[dict[str, Any]], name: str) -> None:
    """Raises ExchangeError (`bad-row`)."""
    check_texts(
        rows,
        name,
        ("instruction", "output_1", "output_2"),
        filled=("generator_1", "generator_2", "annotator"),
    )
    for number, row in enumerate(rows, 1):
        if not 1 <= row["preference"] <= 2:
            raise bad_row(name, number, "preference", "is none from 1 to 2")
