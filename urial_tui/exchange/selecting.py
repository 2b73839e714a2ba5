"""Which sides and judges an export is about, as a person names them, and what all formats say of what is left out."""

from collections.abc import Sequence
from typing import Any

from urial_tui.errors import ExchangeError
from urial_tui.exchange.exports import Wanted, nothing
from urial_tui.exchange.sources import SideAnswers, Source
from urial_tui.safetext import sanitize_line
from urial_tui.store.judging.types import Comparison, Judgement

JudgedBy = tuple[str, str]
"""A judge's key and a rubric's hash."""


def wanted_sides(source: Source, wanted: Wanted) -> list[SideAnswers]:
    """The sides named, in the source's order: by notation, or by number from 1.

    Raises ExchangeError: `no-side`, `nothing` where none of them has a complete answer.
    """
    numbers = side_numbers([one.side for one in source.sides], wanted.sides)
    sides = [source.sides[number] for number in numbers]
    if not any(side.rows for side in sides):
        raise nothing(
            "none of the answers is complete",
            "This format leaves out answers that were stopped or failed: continue or regenerate them. "
            "jsonl, markdown, html and csv have them all.",
        )
    return sides


def side_numbers(sides: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Numbers of the sides named, in their order; all of them where none is. Raises ExchangeError (`no-side`)."""
    found = set()
    for name in wanted:
        text = name.strip()
        matching = [number for number, side in enumerate(sides) if side == text]
        if not matching and text.isascii() and text.isdecimal() and 1 <= int(text) <= len(sides):
            matching = [int(text) - 1]
        if not matching:
            listed = "; ".join(f"{n} {sanitize_line(side)}" for n, side in enumerate(sides, 1))
            raise ExchangeError(
                f"there is no side {sanitize_line(name)}",
                hint=f"Sides are: {listed}." if listed else "Nothing was answered.",
                kind="no-side",
            )
        found.update(matching)
    return sorted(found) if wanted else list(range(len(sides)))


def judgements_of(source: Source, wanted: Wanted) -> dict[JudgedBy, dict[str, Judgement]]:
    """Judgements by the judges named, by message, for each judge and rubric. Raises ExchangeError (`no-judge`)."""
    keys = wanted_judges(source, wanted)
    found: dict[JudgedBy, dict[str, Judgement]] = {}
    for judgement in source.judgements:
        if keys is None or judgement.judge.key in keys:
            by = (judgement.judge.key, judgement.rubric.hash)
            found.setdefault(by, {})[judgement.message_id] = judgement
    return found


def wanted_judges(source: Source, wanted: Wanted) -> set[str] | None:
    """Keys of the judges named, by notation, name or key; None for all. Raises ExchangeError (`no-judge`)."""
    if not wanted.judges:
        return None
    said: list[Judgement | Comparison] = [*source.judgements, *source.comparisons]
    known = {one.judge.key: one.judge.judge for one in said}
    found = set()
    for name in wanted.judges:
        text = name.strip()
        matching = {key for key, judge in known.items() if text in (key, judge)}
        if not matching:
            names = ", ".join(sorted({sanitize_line(judge) for judge in known.values()}))
            raise ExchangeError(
                f"{sanitize_line(name)} has judged nothing of this",
                hint=f"Judges of it are: {names}."
                if names
                else "Nobody has. Try `urial-tui judge`.",
                kind="no-judge",
            )
        found |= matching
    return found


def about_judge(judged: Judgement | Comparison) -> dict[str, Any]:
    """What `--json` says of a file with what one judge said by one rubric."""
    return {
        "judge": judged.judge.judge,
        "judge_key": judged.judge.key,
        "rubric": judged.rubric.id,
        "rubric_hash": judged.rubric.hash,
    }


def left_out(source: Source, sides: Sequence[SideAnswers], one_turn: str = "") -> list[str]:
    """What of these sides' items is in no row, in words. `one_turn` is the name of a format that has no second one."""
    notes = [
        f"{side.side}: {missing} of {side.n_items} items {'has' if missing == 1 else 'have'} no complete answer and "
        f"{'is' if missing == 1 else 'are'} left out"
        for side in sides
        if (missing := side.n_items - len(side.rows))
    ]
    longer = len({row.session_id for side in sides for row in side.rows if row.n_turns > 1})
    if one_turn and longer:
        items = "1 conversation" if longer == 1 else f"{longer} conversations"
        notes.append(f"{one_turn} has one turn: of {items} only the first is exported")
    return [*source.notes, *notes]
