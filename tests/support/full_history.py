"""A history with something in every table, for tests of the whole file."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from tests.support.store_rows import END, START, tokens
from tests.support.store_runs import answer_all, comparison, judgement, make_run
from tests.support.store_traces import PIECES, SCORES, generator_score, reference_score
from tests.support.store_traces import START as TRACE
from urial_tui.shift.records import TokenScore
from urial_tui.store.care.salvage_tables import DERIVED, table_names
from urial_tui.store.database import files
from urial_tui.store.database.connection import Connection
from urial_tui.store.schema import migrate
from urial_tui.store.schema.steps import MIGRATIONS
from urial_tui.store.store import Store
from urial_tui.store.types import Draft

Rows = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True)
class Filled:
    """Ids of what is in it."""

    session: str
    question: str
    answer: str
    run: str


def answered(store: Store, session: str, question: str, n: int = 40) -> str:
    """An answer of so many tokens, every third of them shifted, judged; its id."""
    answer = store.begin_answer(session, question)
    generation = store.begin_generation(answer.id, START)
    store.append_tokens(answer.id, generation, tokens(0, n), " word" * n)
    store.finish_answer(answer.id, generation, "complete", END)
    trace = store.begin_trace(answer.id, TRACE)
    scores = [
        TokenScore(i, 7, generator_score(), (reference_score(1, 1 + 4 * (i % 3 == 0)), None))
        for i in range(n)
    ]
    store.append_scores(trace, scores, PIECES)
    store.finish_trace(trace, complete=True, timings={})
    store.save_judgement(judgement(answer.id))
    return answer.id


def fill(store: Store, sessions: int = 1) -> Filled:
    """Conversations, the last of them with a draft and an odd trace; a run that is answered, judged and compared."""
    for n in range(sessions):
        session = store.create_session("demo@urial-general")
        question = store.add_user_message(
            session.id, None, f"Does walking have benefits? {n} " + "x" * (n % 7 * 400)
        )
        first = answered(store, session.id, question.id)
        answered(store, session.id, question.id, n=20)
        store.add_tag(session.id, "walks")
    store.set_leaf(session.id, first)
    store.save_draft(session.id, Draft("and", "Well, "))
    store.save_draft(None, Draft("another", "So "))
    run = make_run(store)
    answers = answer_all(store, run)
    by_side = [
        next(a.message_id for a in answers if a.side == side and a.index == 0) for side in (0, 1)
    ]
    store.save_comparison(comparison(*by_side))
    store.save_judgement(judgement(by_side[0]))
    odd = store.begin_trace(by_side[0], TRACE)
    store.append_scores(odd, SCORES, PIECES)
    store.finish_trace(odd, complete=False, timings={})
    return Filled(session.id, question.id, first, run.id)


def at_version(path: Path, version: int, source: Path) -> Path:
    """The history at `source` as the schema of that version would hold it, in a new file."""
    db = Connection(files.create(path))
    migrate.migrate(db, MIGRATIONS[:version])
    db.execute("PRAGMA foreign_keys=OFF")
    db.execute("ATTACH ? AS newer", (str(source),))
    tables = table_names(db)
    with db.transaction():
        for table in tables:
            if table not in DERIVED:
                columns = ", ".join(r["name"] for r in db.rows(f"PRAGMA main.table_info({table})"))
                db.execute(
                    f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}"
                )
    db.execute("PRAGMA foreign_keys=ON")
    if "run" not in tables:  # a conversation of a run would be one like any other
        db.execute(
            "DELETE FROM main.session WHERE id IN (SELECT id FROM newer.session WHERE run_id IS NOT NULL)"
        )
    db.execute("DETACH newer")
    db.close()
    return path


def contents(path: Path, tables: dict[str, list[str]] | None = None) -> Rows:
    """All rows, of these columns of these tables; of all where nothing is said."""
    raw = sqlite3.connect(path)
    try:
        found = tables or columns_of(path)
        return {
            table: sorted(
                raw.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall(), key=repr
            )
            for table, columns in found.items()
        }
    finally:
        raw.close()


def columns_of(path: Path) -> dict[str, list[str]]:
    """The tables that people wrote something into, with their columns."""
    db = Connection(path)
    try:
        return {
            table: [row["name"] for row in db.rows(f"PRAGMA table_info({table})")]
            for table in table_names(db)
            if table not in DERIVED
        }
    finally:
        db.close()
