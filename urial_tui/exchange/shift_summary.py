"""Aggregates over several compared answers, as `--json` gives them: pooled ratios, intervals over items, positions."""

from collections.abc import Sequence
from dataclasses import asdict

from urial_tui.exchange.shift_json import Item, Json, finite, reference_aggregates
from urial_tui.shift.summary import (
    Position,
    by_position,
    by_relative_position,
    intervals,
    summarise,
)

MAX_POSITIONS = 400
"""Positions listed one by one; later ones are in the relative positions and in `late`."""


def summary_of(items: Sequence[Item]) -> Json:
    """One object over all items: for each reference what a single answer has, and intervals and positions besides."""
    if not items:
        return {"items": 0, "tokens": 0, "references": []}
    answers = [item.scores for item in items]
    pieces = {id_: raw for item in items for id_, raw in item.pieces.items()}
    generator = items[0].record["generator"]
    summary = {
        "items": len(items),
        "tokens": sum(token.counted for answer in answers for token in answer),
        "generator": generator and {k: v for k, v in generator.items() if k != "prompt_ids"},
        "references": [
            _reference(items, n, pieces, entry)
            for n, entry in enumerate(items[-1].record["references"])
        ],
        "path": "canonical",
    }
    checked = finite(summary)
    assert isinstance(checked, dict)
    return checked


def _reference(items: Sequence[Item], n: int, pieces: dict[int, bytes], head: Json) -> Json:
    answers = [item.scores for item in items]
    noise = head["noise"]
    each = [summarise(answer, n, noise=noise) for answer in answers]
    return {
        "side": head["side"],
        "noise": noise,
        "null_rate": head["null_rate"],
        **reference_aggregates(answers, pieces, n, noise),
        "intervals": {name: asdict(found) for name, found in intervals(each).items()},
        "by_position": [_position(p) for p in by_position(answers, n) if p.at < MAX_POSITIONS],
        "by_relative_position": [_position(p) for p in by_relative_position(answers, n)],
        "warnings": head["warnings"],
        "failed_items": [
            item.index for item in items if item.record["references"][n]["error"] is not None
        ],
    }


def _position(position: Position) -> Json:
    return {
        "at": position.at,
        "n": position.n,
        "counts": position.counts,
        "mean_kl": position.mean_kl,
    }
