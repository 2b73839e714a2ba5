"""Full-text search over titles and messages. What the user types is never FTS5 syntax: only words and "phrases".

Words are indexed whole, without accents and case; the last word typed matches as a beginning. Scripts without blanks
between words (Chinese, Japanese, Thai, ...) and queries without a single letter or digit are looked for literally.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from urial_tui.store.connection import Connection
from urial_tui.store.ids import storable
from urial_tui.store.session_filter import condition
from urial_tui.store.types import Hit, SessionFilter

BEGIN, END = "\x02", "\x03"
"""What marks the match in a snippet."""
MAX_QUERY = 1000
MAX_TERMS = 32
_SNIPPET_TOKENS = 14
_BEFORE, _AFTER = 40, 80

_PARTS = re.compile(r'"([^"]*)"?|([^\s"]+)')
# Hangul is written with blanks and is not in here. Thai, Lao, Khmer, Myanmar, kana, Bopomofo, Han with extensions.
_NO_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def fts_query(text: str) -> str | None:
    """The FTS5 query for what a user typed: all words must be there. None when it must be looked for literally."""
    text = _cleaned(text)
    if _NO_BLANKS.search(text):
        return None
    terms = [phrase or word for phrase, word in _PARTS.findall(text)]
    terms = [term for term in terms if any(_is_indexed(c) for c in term)][:MAX_TERMS]
    if not terms:
        return None
    quoted = ['"' + term.replace('"', '""') + '"' for term in terms]
    prefix = "" if text.endswith(('"', " ")) else " *"
    return " ".join(quoted) + prefix


def search(db: Connection, query: str, limit: int, wanted: SessionFilter) -> list[Hit]:
    """Titles first, then messages by relevance, of sessions as wanted. An empty query finds nothing."""
    if not query.strip():
        return []
    where, params = condition(db, wanted)
    expression = fts_query(query)
    if expression is None:
        return _literal(db, _cleaned(query).strip(), limit, where, params)
    titles = db.rows(
        "SELECT s.id AS session_id, NULL AS message_id, s.title, highlight(session_fts, 0, ?, ?) AS snippet "
        "FROM session_fts JOIN session s ON s.seq = session_fts.rowid WHERE session_fts MATCH ? "
        f"AND {where} ORDER BY s.updated_at DESC LIMIT ?",
        (BEGIN, END, expression, *params, limit),
    )
    messages = db.rows(
        "SELECT m.session_id, m.id AS message_id, s.title, snippet(message_fts, 0, ?, ?, '…', ?) AS snippet "
        "FROM message_fts JOIN message m ON m.seq = message_fts.rowid JOIN session s ON s.id = m.session_id "
        f"WHERE message_fts MATCH ? AND {where} ORDER BY message_fts.rank LIMIT ?",
        (BEGIN, END, _SNIPPET_TOKENS, expression, *params, limit),
    )
    return [Hit(**row) for row in (titles + messages)[:limit]]


def session_condition(query: str) -> tuple[str, tuple[Any, ...]]:
    """A condition on `session s` with its parameters: the title or a message of it matches the query."""
    expression = fts_query(query)
    if expression is not None:
        return (
            "(s.seq IN (SELECT rowid FROM session_fts WHERE session_fts MATCH ?) OR s.id IN (SELECT m.session_id "
            "FROM message_fts JOIN message m ON m.seq = message_fts.rowid WHERE message_fts MATCH ?))",
            (expression, expression),
        )
    needle = _cleaned(query).strip()
    return (
        "(instr(s.title, ?) OR EXISTS (SELECT 1 FROM message m WHERE m.session_id = s.id AND m.closed_at IS NOT NULL "
        "AND instr(m.content, ?)))",
        (needle, needle),
    )


def _literal(
    db: Connection, needle: str, limit: int, where: str, params: Sequence[Any]
) -> list[Hit]:
    if not needle:
        return []
    titles = db.rows(
        "SELECT s.id AS session_id, NULL AS message_id, s.title, s.title AS text FROM session s "
        f"WHERE instr(s.title, ?) AND {where} ORDER BY s.updated_at DESC LIMIT ?",
        (needle, *params, limit),
    )
    messages = db.rows(
        "SELECT m.session_id, m.id AS message_id, s.title, m.content AS text FROM message m "
        "JOIN session s ON s.id = m.session_id WHERE m.closed_at IS NOT NULL AND instr(m.content, ?) "
        f"AND {where} ORDER BY m.seq DESC LIMIT ?",
        (needle, *params, limit),
    )
    return [
        Hit(row["session_id"], row["message_id"], row["title"], _marked(row["text"], needle))
        for row in (titles + messages)[:limit]
    ]


def _marked(text: str, needle: str) -> str:
    at = text.find(needle)
    if at < 0:
        return text[: _BEFORE + _AFTER]
    end = at + len(needle)
    start, stop = max(0, at - _BEFORE), min(len(text), end + _AFTER)
    return (
        ("…" if start else "")
        + text[start:at]
        + BEGIN
        + needle
        + END
        + text[end:stop]
        + ("…" if stop < len(text) else "")
    )


def _cleaned(text: str) -> str:
    return storable(text[:MAX_QUERY]).replace("\0", " ")


def _is_indexed(character: str) -> bool:
    """Whether the unicode61 tokenizer makes a word of it: letters, numbers, private use."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"
