"""The board's table: which columns and rows a panel makes, and the answers behind a row. Pure, safe text.

A number is the mean of the scores that the judge gave. What is no number has columns of its own.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from urial_tui.judge.board.desk import BoardItem
from urial_tui.store.judging.types import Judgement
from urial_tui.ui.drawing.lines import safe
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.widgets.table import Cell, Column, Row

if TYPE_CHECKING:
    from urial_tui.judge.board.types import Board, BoardRow, Breakdown, Line, Panel
    from urial_tui.shift.summary import Interval

WITH_INTERVALS = 130
"""From this many columns on each mean has its interval beside it."""
_SHORT = {"na": "n/a", "invalid": "unread", "refused": "refuse"}
GROUP = "\x1f"
"""Between a group's name and a row's key."""


def interval_words(mean: "Interval | None", digits: int = 2) -> str:
    """`3.41 [3.12, 3.70]`, without the interval where there is none; "" where there is no number."""
    if mean is None:
        return ""
    if mean.low is None or mean.high is None:
        return f"{mean.mean:.{digits}f}"
    return f"{mean.mean:.{digits}f} [{mean.low:.{digits}f}, {mean.high:.{digits}f}]"


def mean_words(mean: "Interval | None", wide: bool, digits: int = 2) -> str:
    if mean is None:
        return "–"
    return interval_words(mean, digits) if wide else f"{mean.mean:.{digits}f}"


def columns_of(panel: "Panel | None", board: "Board", width: int) -> list[Column]:
    """The columns of a panel; without one, of what needs no judge."""
    wide = width >= WITH_INTERVALS
    room = 17 if wide else 5
    found = [Column("side", "side", 20, stretches=True)]
    if panel is not None:
        if panel.averaged:
            found.append(Column("average", "mean" if not wide else "average", room, right=True))
        for aspect in panel.aspects:
            title = safe(aspect, 40)
            found.append(
                Column(f"a:{aspect}", title if wide else title[:6], max(room, 6), 1, right=True)
            )
        found += [
            Column("judged", "judged", 7, 2, right=True),
            Column("na", "n/a", 4, 2, right=True),
            Column("bad", "bad", 4, 2, right=True),
        ]
    else:
        found.append(Column("answers", "answers", 9, right=True))
    found.append(Column("words", "words", 6, 3, right=True))
    if any(row.shifts for row in board.rows):
        found.append(Column("shifted", "shifted", 8, 4, right=True))
    return found


def rows_of(panel: "Panel | None", board: "Board", width: int) -> list[Row]:
    """A row a side, also where the judge has not judged it; the sides of a breakdown's groups below them."""
    wide = width >= WITH_INTERVALS
    if panel is None:
        return [Row(row.key, _of_row(board, row.key)) for row in board.rows]
    lines = {line.row: line for line in panel.lines}
    rows = [
        _row(lines[row.key], panel, board, wide)
        if row.key in lines
        else _not_judged(row, panel, board, wide)
        for row in board.rows
    ]
    if board.breakdown is not None:
        rows += _groups(panel, board, board.breakdown, wide)
    return rows


def _groups(panel: "Panel", board: "Board", breakdown: "Breakdown", wide: bool) -> list[Row]:
    rows: list[Row] = []
    for group in breakdown.groups:
        same = [
            one
            for one in group.panels
            if one.judge.key == panel.judge.key and one.rubric.hash == panel.rubric.hash
        ]
        if not same:
            continue
        head = f"{safe(group.name, 60) or '(none)'} ({group.n_items})"
        rows.append(Row(f"{group.name}{GROUP}", {"side": Cell(head, "title")}))
        for line in same[0].lines:
            row = _row(line, same[0], board, wide)
            cells = {**row.cells, "side": Cell(f"  {row.cells['side'].text}")}
            for key in ("words", "shifted"):
                cells.pop(key, None)  # those are of all answers
            rows.append(Row(f"{group.name}{GROUP}{line.row}", cells))
    return rows


def split_key(key: str) -> tuple[str | None, str]:
    """The group (None: the whole run) and the row's key of a row of the table; the key is "" for a group's heading."""
    group, mark, row = key.rpartition(GROUP)
    return (group if mark else None), row


def _of_row(board: "Board", key: str) -> dict[str, Cell]:
    """What needs no judge."""
    row = board.row(key)
    cells = {
        "side": Cell(short_side(row.label)),
        "answers": Cell(f"{row.n_answers}/{row.n_wanted}"),
        "words": Cell("" if row.words is None else f"{row.words.mean:.0f}"),
    }
    if row.shifts:
        ratios = row.shifts[0].ratios
        cells["shifted"] = Cell(f"{ratios['shifted']:.1%}" if ratios else "")
    return cells


def _not_judged(row: "BoardRow", panel: "Panel", board: "Board", wide: bool) -> Row:
    """Dashes for scores; where there is room the first of them is in words."""
    cells = _of_row(board, row.key) | {"judged": Cell(f"0/{row.n_answers}")}
    names = [*(["average"] if panel.averaged else []), *(f"a:{aspect}" for aspect in panel.aspects)]
    for number, name in enumerate(names):
        cells[name] = Cell("not judged" if wide and not number else "–")
    return Row(row.key, {name: Cell(cell.text, "dim") for name, cell in cells.items()})


def _row(line: "Line", panel: "Panel", board: "Board", wide: bool) -> Row:
    cells = _of_row(board, line.row)
    cells["average"] = Cell(mean_words(line.average, wide), "strong" if line.average else "dim")
    for cell in line.cells:
        look = "" if cell.score is not None else "dim"
        cells[f"a:{cell.aspect}"] = Cell(mean_words(cell.score, wide), look)
    na = sum(cell.n_na for cell in line.cells)
    bad = sum(cell.n_invalid + cell.n_refused for cell in line.cells)
    cells["judged"] = Cell(f"{line.n_judged}/{line.n_answers}", "" if line.n_judged else "dim")
    cells["na"] = Cell(str(na) if na else "", "")
    cells["bad"] = Cell(str(bad) if bad else "", "bad")
    return Row(line.row, cells)


# --- answers --------------------------------------------------------------------------------------------------------


def item_columns(panel: "Panel | None") -> list[Column]:
    found = [
        Column("number", "#", 4, 3, right=True),
        Column("query", "instruction", 24, stretches=True),
        Column("words", "words", 5, 2, right=True),
    ]
    for aspect in panel.aspects if panel is not None else ():
        found.append(Column(f"a:{aspect}", safe(aspect, 40)[:6], 6, 1, right=True))
    return found


def item_rows(items: Sequence[BoardItem], panel: "Panel | None") -> list[Row]:
    rows = []
    for item in items:
        number = str(item.number or "") + (f".{item.turn + 1}" if item.turn else "")
        cells = {
            "number": Cell(number, "dim"),
            "query": Cell(safe(" ".join(item.query.split()), 300)),
            "words": Cell(str(item.words)),
        }
        if panel is not None:
            for judgement in item.judgements:
                if _is_of(judgement, panel):
                    cells |= _scores(judgement)
        rows.append(Row(item.message_id, cells))
    return rows


def _is_of(judgement: Judgement, panel: "Panel") -> bool:
    same_judge = judgement.judge.key == panel.judge.key
    return same_judge and judgement.rubric.hash == panel.rubric.hash


def _scores(judgement: Judgement) -> dict[str, Cell]:
    found = {}
    for score in judgement.scores:
        if score.outcome == "ok":
            found[f"a:{score.aspect}"] = Cell(str(score.score))
        else:
            look = "dim" if score.outcome == "na" else "bad"
            found[f"a:{score.aspect}"] = Cell(_SHORT[score.outcome], look)
    return found
