"""`docs/history.md` is true: each table and column of it exists, and each query of it runs."""

import re
from pathlib import Path

import pytest

from urial_tui.store.organising import KEPT_IN_BIN, REMOVED_AT_ONCE
from urial_tui.store.search import MAX_RANKED
from urial_tui.store.store import Store

TEXT = (Path(__file__).parents[2] / "docs" / "history.md").read_text(encoding="utf-8")
PUBLIC = (
    "session",
    "session_tag",
    "session_side",
    "message",
    "generation",
    "token",
    "trace",
    "trace_side",
    "scored_token",
    "reference_token",
    "token_shift",
    "shift_total",
    "run",
    "run_side",
    "run_item",
    "run_answer",
    "run_answer_text",
    "judgement",
    "judgement_score",
    "score",
    "comparison",
    "comparison_pick",
    "preference",
)
# Row numbers, and the key that the text names outside of the table.
NOT_LISTED = {table: {"seq"} for table in PUBLIC} | {"token": {"generation_seq", "i"}}


def documented_columns(table: str) -> set[str]:
    section = TEXT.split(f"**{table}**", 1)[1].split("\n**", 1)[0].split("\n#", 1)[0]
    first_cells = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    return {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("table", PUBLIC)
def test_every_column_is_documented_and_every_documented_column_is_there(table: str) -> None:
    with Store.in_memory() as store:
        real = {row["name"] for row in store._db.rows(f"PRAGMA table_info({table})")}
    assert documented_columns(table) == real - NOT_LISTED[table]


@pytest.mark.parametrize("query", re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL))
def test_every_query_runs(query: str) -> None:
    with Store.in_memory() as store:
        store.add_user_message(store.create_session("demo").id, None, "walking has benefits")
        names = dict.fromkeys(re.findall(r"(?<=:)[a-z]+", query), "x")
        assert isinstance(store._db.raw.execute(query, names).fetchall(), list)


def test_the_numbers_are_those_of_the_program() -> None:
    for said in (
        f"{KEPT_IN_BIN.days} days goes for good",
        f"{REMOVED_AT_ONCE} sessions at most at a time",
        f"the newest {MAX_RANKED:,} are ranked",
    ):
        assert said in " ".join(TEXT.split())


def test_every_table_is_named() -> None:
    with Store.in_memory() as store:
        tables = {
            row["name"]
            for row in store._db.rows(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
            )
        }
    for table in tables:
        if "_fts_" not in table:
            assert table in TEXT
