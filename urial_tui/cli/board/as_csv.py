"""A board as CSV: a line for each number, with what it is of. Texts that begin like a formula are marked as texts."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

from urial_tui.exchange.csv_cells import csv_cell
from urial_tui.judge.board.types import Board, BoardRow, Duel, Line, Panel, PublishedTable
from urial_tui.shift.summary import Interval

Json = dict[str, Any]

CSV_COLUMNS: Final = (
    "table", "run", "row", "side", "opponent", "judge", "judge_kind", "rubric", "rubric_version", "rubric_hash",
    "by", "group", "aspect", "measure", "value", "low", "high", "n", "n_items", "n_na", "n_invalid", "n_refused",
)  # fmt: skip


def board_csv(
    board: Board, *, compatible: bool = False, published: Sequence[PublishedTable] = ()
) -> str:
    """A line for each number of the board, with what it is of."""
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in _csv_rows(board, compatible, published):
        writer.writerow({name: csv_cell(value) for name, value in row.items() if value is not None})
    return out.getvalue()


def _csv_rows(
    board: Board, compatible: bool, published: Sequence[PublishedTable]
) -> Iterator[Json]:
    sides = {row.key: {"run": row.run_id, "row": row.label, "side": row.side} for row in board.rows}
    for row in board.rows:
        yield from _csv_side(row, sides[row.key])
    for panel in board.panels:
        yield from _csv_panel(panel, sides, compatible, {})
    for group in board.breakdown.groups if board.breakdown else ():
        assert board.breakdown is not None
        part = {"by": board.breakdown.by, "group": group.name}
        for panel in group.panels:
            yield from _csv_panel(panel, sides, compatible, part)
    for duel in board.duels:
        yield from _csv_duel(duel, sides)
    for pair in board.agreement:
        head = {
            "table": f"agreement {pair.kind}", "judge": pair.judge, "opponent": pair.other,
            "rubric": pair.rubric.id, "rubric_version": pair.rubric.version, "rubric_hash": pair.rubric.hash,
        }  # fmt: skip
        for found in pair.aspects:
            for name in ("exact", "within_one", "rho", "kappa"):
                value = getattr(found, name)
                yield head | {"aspect": found.aspect, "measure": name, "value": value, "n": found.n}
    for table in published:
        for entry in table.rows:
            for column, value in entry.values.items():
                yield {
                    "table": f"published: {table.title}", "side": entry.system, "judge": table.judge,
                    "group": table.items, "aspect": column, "measure": "published", "value": value,
                }  # fmt: skip


def _csv_side(row: BoardRow, side: Json) -> Iterator[Json]:
    head = {"table": "sides"} | side
    for name in ("n_answers", "n_wanted", "n_failed", "length_share"):
        yield head | {"measure": name, "value": getattr(row, name)}
    yield head | {"measure": "words"} | _csv_mean(row.words)
    for shift in row.shifts:
        named = {"table": "shift", "opponent": shift.reference} | side
        for name, share in (shift.ratios or {}).items():
            part = {"aspect": name, "n": shift.n_tokens}
            yield named | part | {"measure": "pooled share", "value": share}
        for name, share_of_items in shift.per_item.items():
            yield (
                named
                | {"aspect": name, "measure": "mean share of items"}
                | _csv_mean(share_of_items)
            )
        yield named | {"measure": "mean KL, nats", "value": shift.mean_kl, "n": shift.n_tokens}


def _csv_panel(panel: Panel, sides: Json, compatible: bool, part: Json) -> Iterator[Json]:
    head = {"table": "scores", **_csv_judge(panel)} | part
    for line in panel.lines:
        mine = head | sides[line.row]
        for cell in line.cells:
            counts = {
                "aspect": cell.aspect, "n_na": cell.n_na, "n_invalid": cell.n_invalid, "n_refused": cell.n_refused,
            }  # fmt: skip
            yield mine | {"measure": "score"} | _csv_mean(cell.score) | counts
            yield mine | {"aspect": cell.aspect, "measure": "expected"} | _csv_mean(cell.expected)
            yield mine | {"aspect": cell.aspect, "measure": "digit mass", "value": cell.mass}
            if compatible:
                yield mine | {
                    "aspect": cell.aspect, "measure": "just-eval compatible", "value": cell.compatible,
                }  # fmt: skip
        yield from _csv_averages(line, mine, compatible)


def _csv_averages(line: Line, mine: Json, compatible: bool) -> Iterator[Json]:
    yield mine | {"measure": "average"} | _csv_mean(line.average)
    yield mine | {"measure": "average expected"} | _csv_mean(line.average_expected)
    if compatible:
        yield mine | {"measure": "just-eval compatible average", "value": line.average_compatible}
    yield mine | {"measure": "judged", "value": line.n_judged, "n": line.n_answers}
    yield from _csv_weakened(line, mine, line.n_judged)


def _csv_duel(duel: Duel, sides: Json) -> Iterator[Json]:
    head = {
        "table": "compared", **_csv_judge(duel), **sides[duel.row], "opponent": sides[duel.opponent]["row"],
    }  # fmt: skip
    yield head | {"measure": "words more"} | _csv_mean(duel.words)
    yield from _csv_weakened(duel, head, duel.n)
    for cell in duel.cells:
        mine = head | {
            "aspect": cell.aspect, "n": cell.n, "n_na": cell.n_na, "n_invalid": cell.n_invalid,
            "n_refused": cell.n_refused,
        }  # fmt: skip
        for name, share in zip(("wins", "ties", "losses"), cell.rates or (None,) * 3, strict=True):
            yield mine | {"measure": name, "value": share}
        yield head | {"aspect": cell.aspect, "measure": "margin"} | _csv_mean(cell.margin)
        yield head | {
            "aspect": cell.aspect, "measure": "longer wins", "value": cell.longer, "n": cell.n_decided,
        }  # fmt: skip


def _csv_weakened(of: Line | Duel, head: Json, n: int) -> Iterator[Json]:
    for name, count in (("own", of.n_own), ("shortened", of.n_shortened), ("blind", of.n_blind)):
        yield head | {"measure": name, "value": count, "n": n}


def _csv_judge(of: Panel | Duel) -> Json:
    return {
        "judge": of.judge.label, "judge_kind": of.judge.kind, "rubric": of.rubric.id,
        "rubric_version": of.rubric.version, "rubric_hash": of.rubric.hash,
    }  # fmt: skip


def _csv_mean(interval: Interval | None) -> Json:
    if interval is None:
        return {"n": 0}
    return {
        "value": interval.mean, "low": interval.low, "high": interval.high, "n": interval.n,
        "n_items": interval.n_items,
    }  # fmt: skip
