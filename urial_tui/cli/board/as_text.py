"""A board for people: tables that fit the terminal, with bars. What has no room is left out by whole columns and said.

Numbers are never cut. Without colour, and without characters beyond ASCII, everything is still there.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from urial_tui.cli.board.tables import heading, sections
from urial_tui.cli.board.values import Column, Table
from urial_tui.judge.board.types import Board, PublishedTable
from urial_tui.safetext import sanitize

NARROWEST = 40
_GAP = 2
_BAR = 14
_WIDEST_BAR = 40
_SIDE, _INTERVAL = 24, 19
"""Of a table of means: a side, and a mean with its interval, which is shown where all of them have room."""
_NAME = 12
"""A text column is not made narrower than this."""
_ASCII = str.maketrans({"█": "#", "▌": "#", "░": ".", "…": "~", "─": "-", "–": "-"})


def board_text(
    board: Board,
    *,
    width: int = 80,
    colour: bool = False,
    unicode: bool = True,
    bars: bool = True,
    compatible: bool = False,
    published: Sequence[PublishedTable] = (),
) -> str:
    """The whole board. `width` in cells; `colour` False: plain text; `unicode` False: ASCII, but for what names say;
    `bars` False: numbers alone."""
    width = max(width, NARROWEST)
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for line in heading(board):
        console.print(Text(line, "bold"))
    room = all(_SIDE + _INTERVAL * (len(p.aspects) + 1) <= width for p in board.panels)
    found = sections(board, intervals=room, compatible=compatible, published=published)
    for title, tables in found:
        if title:
            console.print()
            console.print(Text(title, "bold underline" if colour else "bold"))
        for table in tables:
            _print(console, table if bars else _without_bars(table), width, unicode)
    if board.notes:
        console.print()
    for note in board.notes:
        console.print(Text(f"note: {sanitize(note, keep_newlines=False)}"))
    text = "\n".join(line.rstrip() for line in out.getvalue().split("\n"))
    return text if unicode else text.translate(_ASCII)


def _without_bars(table: Table) -> Table:
    kept = [place for place, column in enumerate(table.columns) if not column.bar]
    return replace(
        table,
        columns=tuple(table.columns[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
    )


def _print(console: Console, table: Table, width: int, unicode: bool) -> None:
    console.print()
    if table.title:
        console.print(Text(table.title, "bold"))
    columns, rows, left_out = _fitted(table, width)
    shown = RichTable(
        box=box.SIMPLE_HEAD if unicode else _DASHES,
        pad_edge=False,
        padding=(0, _GAP - 1, 0, 0),  # and one cell of the box
        show_edge=False,
        header_style="dim",
    )
    for column in columns:
        shown.add_column(
            Text(column.name), justify="right" if column.right else "left", no_wrap=True
        )
    for row in rows:
        shown.add_row(*(_cell(text, column) for text, column in zip(row, columns, strict=True)))
    console.print(shown)
    for line in table.about:
        console.print(Text(line, "dim"))
    if left_out:
        names = ", ".join(left_out)
        console.print(Text(f"No room for: {names}. A wider terminal, or --json, has them.", "dim"))


_DASHES = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


def _cell(text: str, column: Column) -> Text:
    return Text(text, "cyan" if column.bar else "")


def bar(text: str, width: int) -> str:
    """A score from 1 to 5 as blocks: nothing at 1, all of the width at 5. The text is a number, or says none."""
    try:
        share = (min(5.0, max(1.0, float(text))) - 1) / 4
    except ValueError:
        return ""
    halves = round(2 * width * share)
    blocks = "█" * (halves // 2) + "▌" * (halves % 2)
    return blocks + "░" * (width - len(blocks))


def _fitted(table: Table, width: int) -> tuple[list[Column], list[list[str]], list[str]]:
    """Columns and rows that fit, and the names of the columns that do not.

    Bars are drawn in what is left; optional columns go first, then texts are shortened, then columns from the right.
    """
    columns = list(table.columns)
    rows = [
        ["" if column.bar else text for column, text in zip(columns, row, strict=True)]
        for row in table.rows
    ]
    left_out: list[str] = []

    def drop(which: Callable[[int, Column], bool]) -> bool:
        for place in range(len(columns) - 1, 0, -1):
            if which(place, columns[place]):
                left_out.insert(0, columns.pop(place).name)
                for row in rows:
                    row.pop(place)
                return True
        return False

    def over() -> int:
        return sum(_widths(columns, rows)) + _GAP * (len(columns) - 1) - width

    while over() > 0 and drop(lambda _, column: column.optional):
        pass
    _shorten(columns, rows, over)
    while over() > 0 and drop(lambda place, column: place > 1 and not column.bar):
        pass
    _shorten(columns, rows, over, least=1)
    bars = [column for column in columns if column.bar]
    if bars:
        place = columns.index(bars[0])
        room = min(_BAR + max(0, -over()), _WIDEST_BAR)
        scores = [row[table.columns.index(bars[0])] for row in table.rows]
        for row, score in zip(rows, scores, strict=True):
            row[place] = bar(score, room)
    return columns, rows, left_out


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    return [
        max(_BAR if column.bar else 0, cell_len(column.name), *(cell_len(r[n]) for r in rows), 0)
        for n, column in enumerate(columns)
    ]


def _shorten(
    columns: Sequence[Column],
    rows: Sequence[list[str]],
    over: Callable[[], int],
    least: int = _NAME,
) -> None:
    """Cut texts, names and not numbers, until they fit or have `least` cells."""
    for place, column in enumerate(columns):
        excess = over()
        if column.right or column.bar or excess <= 0:
            continue
        widest = max((cell_len(row[place]) for row in rows), default=0)
        target = max(least, widest - excess, cell_len(column.name))
        for row in rows:
            row[place] = cut(row[place], target, end=not column.path)


def cut(text: str, width: int, *, end: bool) -> str:
    """At most `width` cells. `end`: the beginning stays; else the letter of a row stays and, of the rest, the end."""
    if cell_len(text) <= width:
        return text
    if end:
        return set_cell_size(text, max(0, width - 1)).rstrip() + "…"
    first, space, rest = text.partition(" ")
    head = first + space if space and len(first) <= 3 and width > len(first) + 4 else ""
    tail = rest if head else text
    while tail and cell_len(head + tail) + 1 > width:
        tail = tail[1:]
    return head + "…" + tail
