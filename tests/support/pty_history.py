"""The history as a stranger sees it: plain SQL on the public tables, read-only, beside the program."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """A row of `message`."""

    id: str
    session_id: str
    parent_id: str | None
    role: str
    content: str
    status: str


def history_file(home: Path) -> Path:
    return home / "data" / "history.db"


def _query(home: Path, sql: str) -> list[tuple[object, ...]]:
    path = history_file(home)
    if not path.exists():
        return []
    # Not read-only: after a kill the first reader has to roll back what was half written.
    connection = sqlite3.connect(path, timeout=20)
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):  # the program is making the file right now
            return []
        raise
    finally:
        connection.close()


def takes_writes(home: Path) -> bool:
    """Whether nobody is in the middle of a write now."""
    connection = sqlite3.connect(history_file(home), timeout=0.1, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    else:
        connection.execute("ROLLBACK")
        return True
    finally:
        connection.close()


def rows(home: Path) -> list[Row]:
    """Every message, in the order of writing."""
    sql = "SELECT id, session_id, parent_id, role, content, status FROM message ORDER BY id"
    return [Row(*values) for values in _query(home, sql)]  # type: ignore[arg-type]


def users(home: Path) -> list[str]:
    return [row.content for row in rows(home) if row.role == "user"]


def answers(home: Path) -> list[Row]:
    return [row for row in rows(home) if row.role == "assistant"]


def sessions(home: Path) -> list[str]:
    """Session ids, in the order of making."""
    return [str(found) for (found,) in _query(home, "SELECT id FROM session ORDER BY id")]


def problems(home: Path) -> list[str]:
    """What SQLite finds wrong with the file; empty when it is sound."""
    found = [str(text) for (text,) in _query(home, "PRAGMA integrity_check")]
    broken = _query(home, "PRAGMA foreign_key_check")
    return [text for text in found if text != "ok"] + [str(row) for row in broken]


def tokens_text(home: Path, message_id: str) -> str:
    """The text of a message's stored tokens, joined."""
    sql = (
        "SELECT token.text FROM token JOIN generation ON generation.seq = generation_seq "
        f"WHERE message_id = '{message_id}' ORDER BY generation_seq, i"
    )
    return "".join(str(text) for (text,) in _query(home, sql))


@dataclass(frozen=True)
class Scored:
    """A row of `token_shift`: one token of an answer as its reference ranks it."""

    i: int
    text: str
    name: str
    """Its class."""


def scored(home: Path, message_id: str) -> list[Scored]:
    """The scores of an answer that are shown, in the order of its tokens; of its first reference."""
    sql = (
        "SELECT i, raw, class FROM token_shift JOIN shown_trace USING (trace_id) "
        f"WHERE token_shift.message_id = '{message_id}' AND reference_number = 0 ORDER BY i"
    )
    return [
        Scored(int(str(i)), bytes(raw or b"").decode(errors="replace"), str(name))  # type: ignore[call-overload]
        for i, raw, name in _query(home, sql)
    ]


def sides(home: Path, message_id: str) -> tuple[str, str]:
    """Generator and first reference of the scores that are shown."""
    sql = (
        "SELECT DISTINCT generator, reference FROM token_shift JOIN shown_trace USING (trace_id) "
        f"WHERE token_shift.message_id = '{message_id}' AND reference_number = 0"
    )
    ((generator, reference),) = _query(home, sql)
    return str(generator), str(reference)
