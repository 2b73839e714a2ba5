"""The messages of a session at a glance: how each begins, how it ended, and the numbers of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urial_tui.store.types import Role, Status

if TYPE_CHECKING:
    from urial_tui.store.database.connection import Connection

BEGINNING = 400
"""Characters of a message that are given."""

# The newest generation, the first reference of the trace that counts, every score of every judge.
_ROWS = f"""
SELECT m.id, m.parent_id, m.role, m.status, m.created_at, m.error, substr(m.content, 1, {BEGINNING}) AS beginning,
  g.side, g.completion_tokens, g.tokens_per_s,
  r.side AS reference, c.unshifted, c.marginal, c.shifted,
  (SELECT avg(a.score) FROM judgement j JOIN judgement_score a ON a.judgement_seq = j.seq
    WHERE j.message_id = m.id AND a.outcome = 'ok') AS score
FROM message m
LEFT JOIN generation g ON g.seq = (SELECT max(seq) FROM generation WHERE message_id = m.id)
LEFT JOIN trace_side r ON r.seq = (
  SELECT s.seq FROM shown_trace n JOIN trace t ON t.id = n.trace_id
  JOIN trace_side s ON s.trace_seq = t.seq AND s.number = 0 WHERE n.message_id = m.id)
LEFT JOIN shift_total c ON c.side_seq = r.seq
WHERE m.session_id = ? ORDER BY m.seq
"""


@dataclass(frozen=True)
class OutlineRow:
    """One message. What only an answer has, or is not known, is None; counts are of tokens against `reference`."""

    id: str
    parent_id: str | None
    role: Role
    status: Status
    created_at: str
    beginning: str
    error: str = ""
    side: str | None = None
    completion_tokens: int | None = None
    tokens_per_s: float | None = None
    reference: str | None = None
    unshifted: int | None = None
    marginal: int | None = None
    shifted: int | None = None
    score: float | None = None
    """The mean over all aspects of all judgements that have a score, 1 to 5."""
    being_written: bool = False
    """Said by who knows it: the history has an answer as interrupted until it ends."""

    @property
    def counted(self) -> int:
        """Tokens that have a class."""
        return (self.unshifted or 0) + (self.marginal or 0) + (self.shifted or 0)


def outline(db: Connection, session_id: str) -> list[OutlineRow]:
    """All messages of a session, the oldest first: every message comes after the one that it follows."""
    return [OutlineRow(**row) for row in db.rows(_ROWS, (session_id,))]
