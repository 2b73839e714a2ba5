"""Full-text search over titles and messages. What the user types is never FTS5 syntax: only words and "phrases".

Words are indexed whole, without accents and case; the last word typed matches as a beginning. Scripts without blanks
between words (Chinese, Japanese, Thai, ...) and queries without a single letter or digit are looked for literally.

Ranking is by bm25, and by age where that tells little apart. Of a word that is everywhere the newest messages are
ranked only: the relevance of a hundred thousand takes a quarter of a second and says nothing.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from urial_tui.store.database.connection import Connection
from urial_tui.store.database.ids import storable
from urial_tui.store.database.json_columns import to_json
from urial_tui.store.sessions import excerpts
from urial_tui.store.sessions.excerpts import BEGIN, END
from urial_tui.store.sessions.filters import condition
from urial_tui.store.types import Hit, Role, SessionFilter

MAX_QUERY = 1000
MAX_TERMS = 32
MAX_RANKED = 2000
"""Matching messages that are ranked, the newest ones."""
HITS_A_SESSION = 3
LONGEST_SHOWN = 1000
"""Characters of a title that is given whole where it matches."""
_SNIPPET_TOKENS = 14
_LONG = 20_000
"""Characters. FTS5's own snippets take time with the square of the matches in a text: half a minute for 64,000."""

_PARTS = re.compile(r'"([^"]*)"?|([^\s"]+)')
# Hangul is written with blanks and is not in here. Thai, Lao, Khmer, Myanmar, kana, Bopomofo, Han with extensions.
_NO_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def fts_query(text: str) -> str | None:
    """The FTS5 query for what a user typed: all words must be there. None when it must be looked for literally."""
    terms, is_beginning = _terms(_cleaned(text))
    if not terms:
        return None
    return " ".join(f'"{term}"' for term in terms) + " *" * is_beginning


def _terms(text: str) -> tuple[list[str], bool]:
    """Words and phrases, and whether the last one may be a beginning. None of them where the text must be looked for
    literally."""
    if _NO_BLANKS.search(text):
        return [], False
    terms = [phrase or word for phrase, word in _PARTS.findall(text)]
    terms = [term for term in terms if any(_is_indexed(c) for c in term)][:MAX_TERMS]
    # A single letter as a beginning would be of nearly every message.
    alone = len(terms) == 1 and len(terms[0]) == 1
    return terms, not alone and not text.endswith(('"', " "))


class _Match(NamedTuple):
    """A message that matches. `score`: the lower, the better."""

    seq: int
    session_id: str
    updated_at: str
    score: float


class _Query:
    """What a user typed, as the SQL that finds it."""

    def __init__(self, text: str) -> None:
        text = _cleaned(text)
        expression = fts_query(text)
        self.is_literal = expression is None
        self.wanted = text.strip() if expression is None else expression
        terms, is_beginning = _terms(text)
        self.places = (
            excerpts.literal(self.wanted)
            if self.is_literal
            else excerpts.words(terms, last_may_go_on=is_beginning)
        )
        """Finds in a text what the index found in it."""

    def titles(self) -> str:
        """A condition on `session s`; it takes `wanted`."""
        if self.is_literal:
            return "instr(s.title, ?)"
        return "s.seq IN (SELECT rowid FROM session_fts WHERE session_fts MATCH ?)"

    def messages(self) -> tuple[str, str]:
        """A condition on `message m` (it takes `wanted`), and the table that it needs."""
        if self.is_literal:
            return "m.closed_at IS NOT NULL AND instr(m.content, ?)", "message m"
        return "message_fts MATCH ?", "message_fts JOIN message m ON m.seq = message_fts.rowid"


def search(db: Connection, query: str, limit: int, wanted: SessionFilter) -> list[Hit]:
    """Hits of a session one after the other, a few at most, those of the best session first. An empty query finds
    nothing.

    Sessions whose title matches come first. One whose title alone matches has a hit without a message.
    """
    if not query.strip():
        return []
    typed = _Query(query)
    where, params = condition(db, wanted)
    titled = db.tuples(
        f"SELECT s.id, s.updated_at FROM session s WHERE {typed.titles()} AND {where} ORDER BY s.seq DESC LIMIT ?",
        (typed.wanted, *params, limit),
    )
    matches = _matches(db, typed, where, params, MAX_RANKED)
    by_session: dict[str, list[_Match]] = {session_id: [] for session_id, _ in titled}
    in_title = set(by_session)
    age = dict(titled)
    for match in matches:
        by_session.setdefault(match.session_id, []).append(match)
        age[match.session_id] = match.updated_at
    order = sorted(by_session, key=age.__getitem__, reverse=True)
    order.sort(key=lambda s: (s not in in_title, min((m.score for m in by_session[s]), default=0)))
    chosen: list[tuple[str, list[_Match], int]] = []
    room = limit
    for session_id in order:
        if room <= 0:
            break
        best = by_session[session_id][: min(HITS_A_SESSION, room)]
        chosen.append((session_id, best, len(by_session[session_id]) - len(best)))
        room -= max(1, len(best))
    return _hits(db, typed, chosen)


def snippets(db: Connection, query: str, session_ids: Sequence[str]) -> dict[str, str]:
    """The best match in the messages of each of these sessions, where there is one."""
    if not query.strip() or not session_ids:
        return {}
    typed = _Query(query)
    first: dict[str, list[_Match]] = {}
    for match in _matches(
        db, typed, "s.id IN (SELECT value FROM json_each(?))", [to_json(list(session_ids))], -1
    ):
        first.setdefault(match.session_id, [match])
    hits = _hits(db, typed, [(session_id, best, 0) for session_id, best in first.items()])
    return {hit.session_id: hit.snippet for hit in hits}


def session_condition(query: str) -> tuple[str, tuple[Any, ...]]:
    """A condition on `session s` with its parameters: the title or a message of it matches the query."""
    typed = _Query(query)
    if typed.is_literal:
        condition, _ = typed.messages()
        inside = f"EXISTS (SELECT 1 FROM message m WHERE m.session_id = s.id AND {condition})"
    else:
        # The matching row numbers are found once; the messages themselves are not read.
        inside = (
            "EXISTS (SELECT 1 FROM message m WHERE m.session_id = s.id "
            "AND m.seq IN (SELECT rowid FROM message_fts WHERE message_fts MATCH ?))"
        )
    return f"({typed.titles()} OR {inside})", (typed.wanted, typed.wanted)


def _matches(
    db: Connection, typed: _Query, where: str, params: Sequence[Any], limit: int
) -> list[_Match]:
    """The newest messages that match in sessions `s` that `where` is true for, the best first."""
    matching, table = typed.messages()
    # Scores are rounded, so that of two that are about as good the newer one comes first.
    score = "0.0" if typed.is_literal else "round(bm25(message_fts), 1)"
    by_age = "m.seq" if typed.is_literal else "message_fts.rowid"
    rows = db.tuples(
        f"SELECT m.seq, m.session_id, s.updated_at, {score} FROM {table} JOIN session s ON s.id = m.session_id "
        f"WHERE {matching} AND {where} ORDER BY {by_age} DESC LIMIT ?",
        (typed.wanted, *params, limit),
    )
    return sorted(map(_Match._make, rows), key=lambda match: match.score)


def _hits(
    db: Connection, typed: _Query, chosen: Sequence[tuple[str, Sequence[_Match], int]]
) -> list[Hit]:
    """The texts of what was chosen: sessions, their matches, and how many more matches they have."""
    ids = [session_id for session_id, _, _ in chosen]
    titles = dict(
        db.tuples(
            "SELECT id, title FROM session WHERE id IN (SELECT value FROM json_each(?))",
            (to_json(ids),),
        )
    )
    found = _excerpts(db, typed, [m.seq for _, matches, _ in chosen for m in matches])
    hits = []
    for session_id, matches, more in chosen:
        title = titles[session_id]
        if not matches:
            hits.append(Hit(session_id, None, title, _title_snippet(db, typed, session_id, title)))
        for n, match in enumerate(matches, 1):
            message_id, role, created_at, snippet = found[match.seq]
            rest = more if n == len(matches) else 0
            hits.append(Hit(session_id, message_id, title, snippet, role, created_at, rest))
    return hits


def _excerpts(
    db: Connection, typed: _Query, seqs: Sequence[int]
) -> dict[int, tuple[str, Role, str, str]]:
    """(id, role, time, snippet) of messages that match, by row number."""
    if not seqs:
        return {}
    if typed.is_literal:
        rows = db.tuples(
            "SELECT seq, id, role, created_at, content FROM message WHERE seq IN (SELECT value FROM json_each(?))",
            (to_json(list(seqs)),),
        )
        return {seq: (*rest, typed.places.excerpt(text)) for seq, *rest, text in rows}
    rows = db.tuples(
        "SELECT m.seq, m.id, m.role, m.created_at, "
        f"iif(length(m.content) > {_LONG}, NULL, snippet(message_fts, 0, ?, ?, '…', ?)) "
        "FROM message_fts JOIN message m ON m.seq = message_fts.rowid WHERE message_fts MATCH ? "
        # One pass over the rows of the index between the two; each row by itself would begin anew.
        "AND message_fts.rowid BETWEEN ? AND ? AND +message_fts.rowid IN (SELECT value FROM json_each(?))",
        (BEGIN, END, _SNIPPET_TOKENS, typed.wanted, min(seqs), max(seqs), to_json(list(seqs))),
    )
    return {
        seq: (*rest, typed.places.excerpt(_text(db, seq)) if snippet is None else snippet)
        for seq, *rest, snippet in rows
    }


def _text(db: Connection, seq: int) -> str:
    return str(db.value("SELECT content FROM message WHERE seq = ?", (seq,)))


def _title_snippet(db: Connection, typed: _Query, session_id: str, title: str) -> str:
    if typed.is_literal or len(title) > LONGEST_SHOWN:
        return typed.places.excerpt(title)
    return str(
        db.value(
            "SELECT highlight(session_fts, 0, ?, ?) FROM session_fts JOIN session s ON s.seq = session_fts.rowid "
            "WHERE session_fts MATCH ? AND session_fts.rowid = (SELECT seq FROM session WHERE id = ?)",
            (BEGIN, END, typed.wanted, session_id),
        )
    )


def _cleaned(text: str) -> str:
    return storable(text[:MAX_QUERY]).replace("\0", " ")


def _is_indexed(character: str) -> bool:
    """Whether the unicode61 tokenizer makes a word of it: letters, numbers, private use."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"
