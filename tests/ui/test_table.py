"""The table of models: which columns there is room for, and where its cursor stays."""

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from urial_tui.ui.widgets.table import Cell, Column, Row, Table, laid_out

COLUMNS = (
    Column("name", "name", 16, stretches=True),
    Column("quant", "quant", 8, rank=1),
    Column("size", "size", 8, rank=2, right=True),
    Column("where", "where", 20, rank=5),
)


def row(name: str, **cells: str) -> Row:
    return Row(name, {"name": Cell(name), **{key: Cell(text) for key, text in cells.items()}})


ROWS = [row(name, quant="Q4_K_M", size="1.2 GB", where="models folder") for name in "abcdef"]


@pytest.mark.parametrize(
    ("width", "kept"),
    [
        (80, ["name", "quant", "size", "where"]),
        (60, ["name", "quant", "size", "where"]),
        (59, ["name", "quant", "size"]),
        (37, ["name", "quant"]),
        (20, ["name"]),
        (5, ["name"]),
    ],
)
def test_what_matters_least_gives_way_first(width: int, kept: list[str]) -> None:
    found = laid_out(COLUMNS, ROWS, width)
    assert [column.key for column, _ in found] == kept
    assert sum(room + 2 for _, room in found) <= max(width, 3)


def test_one_column_takes_the_room_that_is_left_but_no_more_than_it_needs() -> None:
    long = [row("x" * 40)]
    assert laid_out(COLUMNS, long, 80)[0][1] == 16 + 20
    assert laid_out(COLUMNS, long, 200)[0][1] == 40
    assert laid_out(COLUMNS, [row("x")], 200)[0][1] == 16


def test_what_is_of_little_use_gives_way_to_a_name_in_full() -> None:
    columns = (COLUMNS[0], Column("where", "where", 20, rank=7))
    for name, kept in [("x" * 16, 2), ("x" * 30, 1), ("x" * 60, 1)]:
        assert len(laid_out(columns, [row(name)], 44)) == kept


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield Table(id="table")


def shown(table: Table) -> list[list[str]]:
    return [[str(cell) for cell in table.get_row_at(n)] for n in range(table.row_count)]


async def test_the_cursor_stays_on_its_row_when_others_come_and_go() -> None:
    app = Host()
    async with app.run_test(size=(80, 20)) as pilot:
        table = app.query_one(Table)
        table.focus()
        table.show_rows(COLUMNS, ROWS)
        await pilot.press("down", "down")
        assert table.chosen == "c"
        table.show_rows(COLUMNS, [row("0"), *ROWS])
        await pilot.pause()
        assert table.chosen == "c"
        table.show_rows(COLUMNS, [row("0"), *(r for r in ROWS if r.key != "c")])
        await pilot.pause()
        assert table.chosen == "d"
        table.show_rows(COLUMNS, [])
        await pilot.pause()
        assert table.chosen is None
        table.show_rows(COLUMNS, ROWS)
        await pilot.pause()
        assert table.chosen == "a"
        table.choose("e")
        assert table.chosen == "e"


async def test_columns_come_back_with_the_room_for_them() -> None:
    app = Host()
    async with app.run_test(size=(36, 20)) as pilot:
        table = app.query_one(Table)
        table.show_rows(COLUMNS, ROWS)
        await pilot.pause()
        assert table.hidden == ["size", "where"]
        await pilot.resize_terminal(100, 20)
        await pilot.pause()
        assert table.hidden == []
        assert shown(table)[0][-1].strip() == "models folder"


async def test_texts_are_cut_to_their_column_and_never_read_as_markup() -> None:
    app = Host()
    async with app.run_test(size=(80, 20)) as pilot:
        table = app.query_one(Table)
        table.show_rows(COLUMNS, [row("[b]漢字[/b]" * 9, size="9 B")])
        await pilot.pause()
        name, _, size, _ = shown(table)[0]
        assert name.startswith("[b]漢字[/b]") and name.endswith("…")
        assert cell_len(name) <= 36
        assert size == "     9 B"
