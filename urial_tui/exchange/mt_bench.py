"""Answers and judgements in MT-Bench's folders: `question.jsonl`, `model_answer/MODEL.jsonl`, and for each judge
`model_judgment/JUDGE_single.jsonl` and `JUDGE_pair.jsonl`.

MODEL is the name of the file, as its loader takes it. Its scores run from 1 to 10 and ours from 1 to 5: no score is put
on another scale, so rows of single judgements have what the judge wrote and -1, which its report drops.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
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
    nothing,
)
from urial_tui.exchange.pairs import Duel, Pair, duels_of
from urial_tui.exchange.selecting import about_judge, judgements_of, left_out, wanted_sides
from urial_tui.exchange.sources import Answered, SideAnswers, Source
from urial_tui.store.judging.types import Judgement, Pick, Winner

FORMAT: Final = "mt-bench"
"""What was imported has this as `format` in its provenance, beside `tstamp` and, of an answer, `answer_id`."""
NO_SCORE: Final = -1
_WINNERS: Final = ("model_1", "model_2", "tie", "error")
_TURNS: Final = 2
"""MT-Bench has two turns; of longer conversations these are exported."""


def export(source: Source, wanted: Wanted) -> Export:
    """Raises ExchangeError: `no-side`, `no-judge`, `nothing`, `bad-row`."""
    sides = wanted_sides(source, wanted)
    models = models_of([side.side for side in source.sides])
    documents: list[Document] = []
    notes: list[str] = left_out(source, sides)
    if wanted.what != "judgements":
        documents.append(_questions(sides))
        documents += [_answers(models[side.side], side, source) for side in sides if side.rows]
        longer = sum(len(row.turns) > _TURNS for side in sides for row in side.rows)
        if longer:
            notes.append(
                f"MT-Bench has two turns: {counted(longer, 'conversation', 'is', 'are')} cut after them"
            )
    if wanted.what != "outputs":
        single, of_single = _single(source, wanted, sides, models)
        pair, of_pair = _pair(source, wanted, models)
        documents += single + pair
        notes += of_single + of_pair
        if not single and not pair and wanted.what == "judgements":
            raise nothing(
                "nothing of this was judged", "Judge it: urial-tui judge --run ID --judge SIDE"
            )
    return Export(tuple(documents), tuple(notes))


def models_of(sides: Sequence[str]) -> dict[str, str]:
    """The name of each side's file, by the side: what answers and judgments call it."""
    names = Names()
    return {side: names.of_file(side) for side in sides}


def _questions(sides: Sequence[SideAnswers]) -> Document:
    name = "question.jsonl"
    found: dict[int, Answered] = {}
    for row in (row for side in sides for row in side.rows):
        if row.index not in found or len(row.turns) > len(found[row.index].turns):
            found[row.index] = row
    rows = [
        {
            "question_id": row.number,
            "category": row.category or "general",
            "turns": [turn.question for turn in row.turns[:_TURNS]],
        }
        for _, row in sorted(found.items())
    ]
    for number, made in enumerate(rows, 1):
        _check_turns(name, number, "turns", made["turns"])
    return Document(name, json_lines(rows, name), len(rows), {"kind": "questions"})


def _answers(model: str, side: SideAnswers, source: Source) -> Document:
    name = f"model_answer/{model}.jsonl"
    rows = []
    for row in side.rows:
        came = source.came(row, FORMAT)
        rows.append(
            {
                "question_id": row.number,
                "answer_id": came.get("answer_id") or row.turns[0].message_id,
                "model_id": model,
                "choices": [{"index": 0, "turns": [turn.answer for turn in row.turns[:_TURNS]]}],
                "tstamp": _stamp(row.turns[0].created_at, came),
            }
        )
    check_answers(rows, name)
    about = {"kind": "outputs", "side": side.side, "side_number": side.number, "model": model}
    return Document(name, json_lines(rows, name), len(rows), about)


def check_answers(rows: Sequence[dict[str, Any]], name: str) -> None:
    """Raises ExchangeError (`bad-row`) for a row that MT-Bench cannot load, or would take for another one."""
    seen = set()
    for number, row in enumerate(rows, 1):
        if row["question_id"] in seen:
            raise bad_row(name, number, "question_id", "is there twice")
        seen.add(row["question_id"])
        _check_turns(name, number, "choices", row["choices"][0]["turns"])


def _check_turns(name: str, number: int, key: str, turns: Any) -> None:
    if not turns or not all(isinstance(turn, str) for turn in turns):
        raise bad_row(name, number, key, "does not have texts as turns")


# --- judgements


def _single(
    source: Source,
    wanted: Wanted,
    sides: Sequence[SideAnswers],
    models: dict[str, str],
) -> tuple[list[Document], list[str]]:
    names = Names()
    documents = []
    total = 0
    for found in judgements_of(source, wanted).values():
        rows = [
            _single_row(found[its.message_id], models[side.side], row.number, turn)
            for side in sides
            for row in side.rows
            for turn, its in enumerate(row.turns[:_TURNS], 1)
            if its.message_id in found
        ]
        if not rows:
            continue
        total += len(rows)
        first = next(iter(found.values()))
        name = f"model_judgment/{names.make(first.judge.judge)}_single.jsonl"
        check_single(rows, name)
        about = {"kind": "judgements", **about_judge(first)}
        documents.append(Document(name, json_lines(rows, name), len(rows), about))
    if not total:
        return documents, []
    return documents, [
        f"{counted(total, 'judgement', 'has', 'have')} scores from 1 to 5 and not MT-Bench's 1 to 10: these are left "
        "out as -1, which its report drops"
    ]


def _single_row(judgement: Judgement, model: str, question_id: int, turn: int) -> dict[str, Any]:
    return {
        "question_id": question_id,
        "model": model,
        "judge": [judgement.judge.judge, judgement.rubric.id],
        "user_prompt": judgement.prompt,
        "judgment": judgement.raw[-1] if judgement.raw else judgement.note,
        "score": NO_SCORE,
        "turn": turn,
        "tstamp": _stamp(judgement.created_at),
    }


def check_single(rows: Sequence[dict[str, Any]], name: str) -> None:
    """Raises ExchangeError (`bad-row`)."""
    check_texts(rows, name, ("user_prompt", "judgment"), filled=("model",))
    for number, row in enumerate(rows, 1):
        if row["score"] != NO_SCORE:
            raise bad_row(name, number, "score", "is of another scale")
        if row["turn"] not in (1, 2):
            raise bad_row(name, number, "turn", "is neither 1 nor 2")


def _pair(
    source: Source, wanted: Wanted, models: dict[str, str]
) -> tuple[list[Document], list[str]]:
    duels, notes = duels_of(source, wanted)
    others = Names()
    for model in models.values():
        others.of_file(model)
    by_judge: dict[tuple[str, str], list[dict[str, Any]]] = {}
    first: dict[tuple[str, str], Duel] = {}
    skipped = 0
    for duel in duels:
        if duel.reference not in models:
            models[duel.reference] = others.of_file(duel.reference)
        by = (duel.first.judge.key, duel.first.rubric.hash)
        first.setdefault(by, duel)
        for pair in duel.pairs:
            if pair.row is None or pair.overall is None or pair.turn >= _TURNS:
                skipped += 1
                continue
            head = {
                "question_id": pair.row.number,
                "model_1": models[duel.model],
                "model_2": models[duel.reference],
            }
            by_judge.setdefault(by, []).append(head | _verdict(pair, pair.overall))
    if skipped:
        notes.append(
            f"left out: {counted(skipped, 'comparison', 'says', 'say')} nothing overall, or not of these turns"
        )
    names = Names()
    documents = []
    for by, rows in by_judge.items():
        judged = first[by].first
        name = f"model_judgment/{names.make(judged.judge.judge)}_pair.jsonl"
        check_pairs(rows, name)
        about = {"kind": "comparisons", **about_judge(judged)}
        documents.append(Document(name, json_lines(rows, name), len(rows), about))
    return documents, notes


def said(duel: Duel) -> dict[str, Any] | None:
    """What a row says of the first pair, but for the time; None where there is none for it."""
    pair = duel.pairs[0]
    if pair.overall is None:
        return None
    return {key: its for key, its in _verdict(pair, pair.overall).items() if key != "tstamp"}


def _verdict(pair: Pair, pick: Pick) -> dict[str, Any]:
    """`g1` is the order in which the model's answer was shown first. A person sees one order, which stands for both."""
    comparison, came = pair.comparison, pair.came(FORMAT)
    first, second = pick.first, pick.second
    if first is None and second is None:  # a verdict without orders, as of another tool
        first = second = pick.winner
    elif second is None and came is None and len(comparison.raw) < 2:
        second = first
    orders = list(zip((first, second), _two(comparison.prompts), _two(comparison.raw), strict=True))
    if pair.model_is == "b":
        orders.reverse()
    (winner_1, prompt_1, raw_1), (winner_2, prompt_2, raw_2) = orders
    return {
        "g1_winner": _winner(pair, winner_1),
        "g2_winner": _winner(pair, winner_2),
        "judge": [comparison.judge.judge, comparison.rubric.id],
        "g1_user_prompt": prompt_1,
        "g1_judgment": raw_1,
        "g2_user_prompt": prompt_2,
        "g2_judgment": raw_2,
        "turn": pair.turn + 1,
        "tstamp": _stamp(comparison.created_at, came),
    }


def _two(texts: Sequence[str]) -> tuple[str, str]:
    return (texts[0] if texts else "", texts[1] if len(texts) > 1 else "")


def _winner(pair: Pair, winner: Winner | None) -> str:
    won = pair.won(winner)
    if won is None:
        return "error"
    return {"model": "model_1", "reference": "model_2", "tie": "tie"}[won]


def check_pairs(rows: Sequence[dict[str, Any]], name: str) -> None:
    """Raises ExchangeError (`bad-row`)."""
    check_texts(rows, name, ("g1_judgment", "g2_judgment"), filled=("model_1", "model_2"))
    for number, row in enumerate(rows, 1):
        for key in ("g1_winner", "g2_winner"):
            if row[key] not in _WINNERS:
                raise bad_row(name, number, key, "is no winner")


def _stamp(time: str, came: Mapping[str, Any] | None = None) -> float:
    """A stored time as seconds of the Unix epoch, 0 where there is none; what was imported keeps the one it had."""
    given = (came or {}).get("tstamp")
    if isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    return datetime.fromisoformat(time).timestamp() if time else 0.0
