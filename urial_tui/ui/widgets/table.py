"""A table whose columns fit its width: what matters least gives way, one column takes the room that is left.

For the screens of models. It shows what it is given and keeps the cursor on the same row; the screen decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.theme import Theme
from textual.widgets import DataTable

from urial_tui.ui.drawing.lines import fit
from urial_tui.ui.drawing.look import style_of

PADDING = 1
"""Empty cells on each side of a column."""
COMFORTABLE = 32
OF_LITTLE_USE = 4


@dataclass(frozen=True)
class Column:
    """`width` in cells; the one that `stretches` takes at least so many. A larger `rank` gives way first."""

    key: str
    title: str
    width: int
    rank: int = 0
    right: bool = False
    stretches: bool = False


@dataclass(frozen=True)
class Cell:
    """Safe text with the name of a look (see `ui.inspect.look`)."""

    text: str
    look: str = ""


@dataclass(frozen=True)
class Row:
    """`cells` by the columns' keys."""

    key: str
    cells: dict[str, Cell]


def laid_out(
    columns: Sequence[Column], rows: Sequence[Row], width: int
) -> list[tuple[Column, int]]:
    """The columns that fit `width` cells, with the width that each gets.

    A column that says little (of a rank from OF_LITTLE_USE on) also gives way to the texts of the one that stretches.
    """
    kept = list(columns)

    def used() -> int:
        return sum(column.width + 2 * PADDING for column in kept)

    def least_useful() -> Column:
        return max(reversed(kept), key=lambda column: column.rank)

    while len(kept) > 1 and used() > width:
        kept.remove(least_useful())
    wanted = sum(
        max(0, min(_longest(column, rows), COMFORTABLE) - column.width)
        for column in kept
        if column.stretches
    )
    while least_useful().rank >= OF_LITTLE_USE and used() + wanted > width:
        kept.remove(least_useful())
    found = []
    for column in kept:
        room = column.width
        if column.stretches:
            free = column.width + width - used()
            room = max(min(_longest(column, rows), free), min(column.width, width))
        found.append((column, max(min(room, width - 2 * PADDING), 1)))
    return found


def _longest(column: Column, rows: Sequence[Row]) -> int:
    return max(
        (cell_len(row.cells[column.key].text) for row in rows if column.key in row.cells), default=0
    )


class Table(DataTable[Text], inherit_bindings=False):
    """Rows with a cursor. Enter is the screen's: it knows what to do with a row."""

    DEFAULT_CSS = """
    Table { height: 1fr; background: $background; scrollbar-gutter: stable; overflow-x: hidden; }
    Table:focus { background-tint: $foreground 0%; }
    Table > .datatable--header { background: $panel; color: $text-muted; text-style: bold; }
    Table > .datatable--cursor { background: $foreground 12%; color: $foreground; text-style: none; }
    Table:focus > .datatable--cursor {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
        text-style: bold;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor_up", "Up", show=False),
        Binding("down", "cursor_down", "Down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("home,ctrl+home", "scroll_top", "Top", show=False),
        Binding("end,ctrl+end", "scroll_bottom", "Bottom", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(
            id=id,
            cursor_type="row",
            cell_padding=PADDING,
            show_row_labels=False,
            cursor_foreground_priority="css",
        )
        self._wanted: Sequence[Column] = ()
        self._given: Sequence[Row] = ()
        self._drawn: list[str] = []
        self._drawn_layout: list[tuple[Column, int]] = []
        self._width = -1

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._theme_changed)

    def _theme_changed(self, theme: Theme) -> None:
        self._fill()

    def show_rows(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Show these instead; the cursor stays on its row, or at its height where that is gone."""
        self._wanted, self._given = columns, rows
        self._fill()

    @property
    def chosen(self) -> str | None:
        """The key of the row under the cursor."""
        return self._drawn[self.cursor_row] if 0 <= self.cursor_row < len(self._drawn) else None

    @property
    def hidden(self) -> list[str]:
        """The titles of the columns that there is no room for."""
        shown = {column.key for column, _ in self._layout()}
        return [column.title for column in self._wanted if column.key not in shown]

    def choose(self, key: str) -> None:
        """Put the cursor on that row, if it is there."""
        if key in self._drawn:
            self.move_cursor(row=self._drawn.index(key))

    def _layout(self) -> list[tuple[Column, int]]:
        return laid_out(self._wanted, self._given, self.scrollable_content_region.width)

    def on_resize(self, event: events.Resize) -> None:
        if self.scrollable_content_region.width != self._width:
            self._fill()

    def _fill(self) -> None:
        self._width = self.scrollable_content_region.width
        if self._width <= 0 or not self._wanted:
            return
        layout = self._layout()
        keys = [row.key for row in self._given]
        if layout == self._drawn_layout and keys == self._drawn:
            self._update(layout)
            return
        before, height, offset = self.chosen, self.cursor_row, self.scroll_y
        self.clear(columns=True)
        for column, width in layout:
            title = column.title.rjust(width) if column.right else column.title
            self.add_column(Text(fit(title, width)), width=width, key=column.key)
        for row in self._given:
            self.add_row(*(self._cell(row, *place) for place in layout), key=row.key)
        self._drawn, self._drawn_layout = keys, layout
        if keys:
            row_now = keys.index(before) if before in keys else min(height, len(keys) - 1)
            self.move_cursor(row=row_now)
            self.call_after_refresh(self.scroll_to, y=offset, animate=False)

    def _update(self, layout: list[tuple[Column, int]]) -> None:
        """Only what the cells say has changed: nothing moves."""
        for y, row in enumerate(self._given):
            for x, place in enumerate(layout):
                cell, at = self._cell(row, *place), Coordinate(y, x)
                before = self.get_cell_at(at)
                if (before.plain, before.style) != (cell.plain, cell.style):
                    self.update_cell_at(at, cell)

    def _cell(self, row: Row, column: Column, width: int) -> Text:
        cell = row.cells.get(column.key, Cell(""))
        text = fit(cell.text, width)
        if column.right:
            text = " " * (width - cell_len(text)) + text
        style = style_of(cell.look, self.app.theme_variables)
        return Text(text, style=style, no_wrap=True, overflow="crop", end="")
