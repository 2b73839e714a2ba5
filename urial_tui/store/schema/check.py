"""Is the history whole? Asked by `doctor` and by tests; reads everything, so not at every start."""

import sqlite3

from urial_tui.errors import StoreError
from urial_tui.store.database.connection import Connection
from urial_tui.store.database.faults import NOT_WRITABLE
from urial_tui.store.schema.migrate import applied
from urial_tui.store.types import Stats

SEARCH_TABLES = ("message_fts", "session_fts")
"""The search index."""
_MAX_LINES = 100


def problems(db: Connection) -> list[str]:
    """What is wrong with the database, in words; empty when nothing is. With the search index where `db` may write."""
    return row_problems(db) + ([] if db.readonly else index_problems(db))


def row_problems(db: Connection) -> list[str]:
    """Pages, and rows that do not fit together."""
    found: list[str] = []
    try:
        found += [
            row["integrity_check"]
            for row in db.rows(f"PRAGMA integrity_check({_MAX_LINES})")
            if row["integrity_check"] != "ok"
        ]
        found += [
            f"a row of {row['table']} refers to a row of {row['parent']} that is not there"
            for row in db.rows("PRAGMA foreign_key_check")
        ]
        found += [
            f"session {row['session_id']}: the visible branch ends in a message of another session"
            for row in db.rows(
                "SELECT s.id AS session_id FROM session s JOIN message m ON m.id = s.leaf_id WHERE m.session_id <> s.id"
            )
        ]
        found += [
            f"message {row['id']} comes before its parent"
            for row in db.rows(
                "SELECT m.id FROM message m JOIN message p ON p.id = m.parent_id WHERE p.seq >= m.seq"
            )
        ]
        found += [
            f"trace {row['id']} is of another message than its generation"
            for row in db.rows(
                "SELECT t.id FROM trace t JOIN generation g ON g.seq = t.generation_seq "
                "WHERE g.message_id <> t.message_id"
            )
        ]
        found += [
            f"trace {row['id']}: a reference has scores for {row['n']} tokens that are not there"
            for row in db.rows(
                "SELECT t.id, count(*) AS n FROM trace t JOIN trace_side r ON r.trace_seq = t.seq "
                "JOIN reference_token x ON x.side_seq = r.seq "
                "WHERE NOT EXISTS (SELECT 1 FROM scored_token s WHERE s.trace_seq = t.seq AND s.i = x.i) GROUP BY t.seq"
            )
        ]
        found += _run_problems(db)
    except StoreError as error:
        found.append(error.message)
    return found


def _run_problems(db: Connection) -> list[str]:
    """Each conversation of a run answers something of it, as its item and side say."""
    found = [
        f"session {row['id']} is of a run and answers nothing of it"
        for row in db.rows(
            "SELECT s.id FROM session s WHERE s.run_id IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM run_answer a WHERE a.session_id = s.id)"
        )
    ]
    found += [
        f"run {row['run_id']}: the answer to item {row['item']} is in a conversation of something else"
        for row in db.rows(
            "SELECT a.run_id, a.item FROM run_answer a JOIN session s ON s.id = a.session_id "
            "WHERE s.run_id IS NOT a.run_id OR EXISTS (SELECT 1 FROM run_answer b WHERE b.session_id = a.session_id "
            "AND (b.item, b.side) <> (a.item, a.side))"
        )
    ]
    return found + [
        f"run {row['run_id']}: item {row['item']} has an answer to a turn that it does not have, or a question for one"
        for row in db.rows(
            "SELECT a.run_id, a.item FROM run_answer a JOIN message m ON m.id = a.message_id "
            "JOIN run_item i ON i.run_id = a.run_id AND i.item = a.item "
            "WHERE a.turn >= i.n_turns OR m.role <> 'assistant'"
        )
    ]


def index_problems(db: Connection) -> list[str]:
    """FTS5 compares its index with the texts; the check is spelled as an INSERT that changes nothing.

    Raises StoreError where it cannot be asked: `locked`, or as `NOT_WRITABLE`.
    """
    found = []
    for table in SEARCH_TABLES:
        try:
            with db.transaction():
                db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")
        except StoreError as error:
            if error.kind in (*NOT_WRITABLE, "locked"):
                raise
            found.append(f"the search index {table} does not agree with the texts")
    return found


def stats(db: Connection) -> Stats:
    def count(table: str) -> int:
        return int(db.value(f"SELECT count(*) FROM {table}"))

    return Stats(
        path=str(db.path) if db.path is not None else None,
        sessions=count("session"),
        messages=count("message"),
        generations=count("generation"),
        tokens=count("token"),
        traces=count("trace"),
        size_bytes=int(db.value("PRAGMA page_count")) * int(db.value("PRAGMA page_size")),
        schema_version=max(applied(db), default=0),
        journal_mode=str(db.value("PRAGMA journal_mode")),
        sqlite_version=sqlite3.sqlite_version,
        runs=count("run"),
        judgements=count("judgement"),
        comparisons=count("comparison"),
    )
