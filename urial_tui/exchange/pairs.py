"""Comparisons of two answers by two sides, put in one direction: what the formats for pairs export.

Of two sides the one that comes first in the source is the model, the other is what it is held against; in a comparison
that was imported it is the one that was the model there. An answer of another run is always the latter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from urial_tui.exchange.exports import Wanted, counted
from urial_tui.exchange.selecting import side_numbers, wanted_judges
from urial_tui.exchange.sources import Answered, Source, side_of
from urial_tui.store.judging.types import Comparison, Pick, Winner

OVERALL = "overall"
"""The aspect that says which answer is better in all; a rubric with one aspect needs none of this name."""
Won = Literal["model", "reference", "tie"]
MODEL_IS: Final[dict[Any, Literal["a", "b"]]] = {
    "alpaca-eval": "b",
    "mt-bench": "a",
    "urial-pairwise": "a",
}
"""Which answer is the model's in a comparison that was imported from a tool's file, so that it leaves as it came."""


@dataclass(frozen=True)
class Pair:
    """A comparison, with what was compared. `turn` counts from 0. `model_is`: what the comparison calls the model's
    answer. `row` is the item, where the model's answer is in a row of the source."""

    comparison: Comparison
    model_is: Literal["a", "b"]
    question: str
    output: str
    reference_output: str
    turn: int
    row: Answered | None

    def won(self, winner: Winner | None) -> Won | None:
        if winner in (None, "tie"):
            return winner
        return "model" if winner == self.model_is else "reference"

    def came(self, format_: str) -> dict[str, Any] | None:
        """What a file of that format, that it was imported from, had beside the verdict; None where it is from none."""
        provenance = self.comparison.judge.provenance
        return provenance if provenance.get("format") == format_ else None

    @property
    def overall(self) -> Pick | None:
        picks = self.comparison.picks
        named = [pick for pick in picks if pick.aspect == OVERALL]
        return named[0] if named else picks[0] if len(picks) == 1 else None


@dataclass(frozen=True)
class Duel:
    """All pairs of two sides by one judge and rubric, the oldest first."""

    model: str
    reference: str
    pairs: tuple[Pair, ...]

    @property
    def first(self) -> Comparison:
        return self.pairs[0].comparison


@dataclass(frozen=True)
class _Compared:
    """One of two answers. `order`: of its side in the source; None for an answer of another."""

    side: str
    order: int | None
    question: str
    text: str
    turn: int


def bare(comparison: Comparison, model_is: Literal["a", "b"]) -> Duel:
    """A comparison alone, of sides and texts that are not known: for what a format says of it."""
    pair = Pair(comparison, model_is, "", "", "", 0, None)
    return Duel("model", "reference", (pair,))


def duels_of(source: Source, wanted: Wanted) -> tuple[list[Duel], list[str]]:
    """Duels of the sides and by the judges named, and what was left out, in words. Raises ExchangeError (`no-side`,
    `no-judge`)."""
    sides = [one.side for one in source.sides]
    named = (
        {sides[number] for number in side_numbers(sides, wanted.sides)} if wanted.sides else None
    )
    keys = wanted_judges(source, wanted)
    rows = {
        turn.message_id: row for side in source.sides for row in side.rows for turn in row.turns
    }
    found: dict[tuple[str, str, str, str], list[Pair]] = {}
    alike = unfinished = 0
    for comparison in source.comparisons:
        if keys is not None and comparison.judge.key not in keys:
            continue
        a = _compared(source, sides, comparison.message_a)
        b = _compared(source, sides, comparison.message_b)
        if a is None or b is None:
            unfinished += 1
        elif a.side == b.side:
            alike += 1
        elif named is None or named & {a.side, b.side}:
            if _first(a, b, named, comparison):
                model, reference, model_is, id_ = a, b, "a", comparison.message_a
            else:
                model, reference, model_is, id_ = b, a, "b", comparison.message_b
            key = (model.side, reference.side, comparison.judge.key, comparison.rubric.hash)
            found.setdefault(key, []).append(
                Pair(
                    comparison,
                    "a" if model_is == "a" else "b",
                    model.question,
                    model.text,
                    reference.text,
                    model.turn,
                    rows.get(id_),
                )
            )
    notes = []
    if alike:
        notes.append(
            f"left out: {counted(alike, 'comparison', 'is', 'are')} of two answers by one side"
        )
    if unfinished:
        notes.append(
            f"left out: {counted(unfinished, 'comparison', 'is', 'are')} of answers that are not complete"
        )
    return [Duel(key[0], key[1], tuple(pairs)) for key, pairs in found.items()], notes


def first_turns(duels: Sequence[Duel], format_: str) -> tuple[list[Duel], list[str]]:
    """Without the pairs of later turns, for a format that has none."""
    kept = [
        Duel(duel.model, duel.reference, tuple(pair for pair in duel.pairs if pair.turn == 0))
        for duel in duels
    ]
    later = sum(pair.turn > 0 for duel in duels for pair in duel.pairs)
    notes = (
        [
            f"{format_} has one turn: {counted(later, 'comparison', 'is', 'are')} of later ones and left out"
        ]
        if later
        else []
    )
    return [duel for duel in kept if duel.pairs], notes


def _first(a: _Compared, b: _Compared, named: set[str] | None, comparison: Comparison) -> bool:
    """Whether A is the model: the side that was named where one was, else that of the imported file, else the one that
    comes first."""
    if named is not None and (a.side in named) != (b.side in named):
        return a.side in named
    if a.order is None or b.order is None:
        return a.order is not None
    format_ = comparison.judge.provenance.get("format")
    if isinstance(format_, str) and format_ in MODEL_IS:
        return MODEL_IS[format_] == "a"
    return a.order <= b.order


def _compared(source: Source, sides: Sequence[str], message_id: str) -> _Compared | None:
    """None for an answer that is not complete."""
    branch = source.store.branch(message_id)
    answer, question = branch[-1], branch[-2] if len(branch) > 1 else None
    if answer.status != "complete" or question is None:
        return None
    session = source.store.session(answer.session_id)
    side = side_of(source.store, answer, session)
    here = session.run_id == source.run.id if source.run is not None else session.run_id is None
    return _Compared(
        side=side,
        order=sides.index(side) if here and side in sides else None,
        question=question.content,
        text=answer.content,
        turn=sum(message.role == "assistant" for message in branch) - 1,
    )
