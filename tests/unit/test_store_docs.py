"""`docs/history.md` is true: each query of it runs and finds something; every table and column has its words."""

import re
from pathlib import Path

import pytest

from tests.support.full_history import Filled, fill
from urial_tui.store.schema.reading import GROUPS, TableInfo, tables
from urial_tui.store.sessions.organising import KEPT_IN_BIN, REMOVED_AT_ONCE
from urial_tui.store.sessions.search import MAX_RANKED
from urial_tui.store.store import Store

TEXT = (Path(__file__).parents[2] / "docs" / "history.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def filled() -> tuple[Store, Filled]:
    store = Store.in_memory()
    return store, fill(store)


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_finds_what_it_is_about(filled: tuple[Store, Filled], query: str) -> None:
    store, ids = filled
    values = {
        "session": ids.session,
        "message": ids.answer,
        "run": ids.run,
        "tag": "walks",
        "pack": "urial-general",
    }
    names = set(re.findall(r"(?<=:)[a-z]+", query))
    found = store._db.raw.execute(query, {name: values[name] for name in names}).fetchall()
    assert found
    assert any(value is not None for value in found[0])


def test_every_table_and_view_has_words() -> None:
    with Store.in_memory() as store:
        there = {
            row["name"]
            for row in store._db.rows(
                "SELECT name FROM main.sqlite_master WHERE type IN ('table', 'view') AND name NOT GLOB '*_fts_*'"
            )
        }
    worded = [name for group in GROUPS.values() for name in group]
    assert sorted(worded) == sorted(there)


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
def test_every_column_has_words_and_all_words_are_about_a_column(table: TableInfo) -> None:
    assert table.about
    assert [column.name for column in table.columns if not column.about] == []
    words = GROUPS[table.group][table.name]
    assert set(words.columns) == {column.name for column in table.columns}


def test_the_numbers_in_the_text_are_those_of_the_program() -> None:
    for said in (
        f"{KEPT_IN_BIN.days} days goes for good",
        f"{REMOVED_AT_ONCE} sessions at most at a time",
        f"the newest {MAX_RANKED:,} are ranked",
    ):
        assert said in " ".join(TEXT.split())
