"""The classes of scored answers, counted once each, and their sums over many answers.

`shift_total` has a row for each reference of the trace that counts for an answer, once that has ended. One that is
being written has none: its tokens are counted when they are asked for.
"""

from urial_tui.store.database import locks
from urial_tui.store.database.connection import Connection
from urial_tui.store.runs.types import AnswerShift
from urial_tui.store.schema.organising import COUNT_SHIFTS, COUNTED_SHIFTS
from urial_tui.store.types import ShiftTotals

# Only answers that the reference scored at least one token of are in. A trace that is being written may count in place
# of an earlier one that is in the table.
_OF_ANSWERS = f"""
  WITH live AS MATERIALIZED (
    SELECT t.seq, t.message_id FROM trace t JOIN shown_trace n ON n.trace_id = t.id
    JOIN trace_side r ON r.trace_seq = t.seq AND r.number >= 0
    WHERE t.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM shift_total c WHERE c.side_seq = r.seq)
  ),
  counted AS (
    SELECT * FROM shift_total
    UNION ALL
    {COUNTED_SHIFTS.format(only=" AND t.seq IN (SELECT seq FROM live)")}
  )
  SELECT g.side AS generator, r.side AS reference, r.number AS reference_number, t.path, t.message_id, c.*
  FROM counted c
  JOIN trace_side r ON r.seq = c.side_seq
  JOIN trace t ON t.seq = r.trace_seq
  LEFT JOIN trace_side g ON g.trace_seq = t.seq AND g.number = -1
  WHERE c.n_scored > 0 AND (t.seq IN (SELECT seq FROM live) OR t.message_id NOT IN (SELECT message_id FROM live))
"""
_TOTALS = """
SELECT
  generator, reference, path, count(DISTINCT message_id) AS answers,
  sum(unshifted) AS unshifted, sum(marginal) AS marginal, sum(shifted) AS shifted, sum(control) AS control,
  sum(kl_sum) / nullif(sum(n_kl), 0) AS mean_kl
FROM ({})
GROUP BY generator, reference, path ORDER BY generator, reference, path
"""
_OF_RUN = " AND t.message_id IN (SELECT message_id FROM run_answer WHERE run_id = ?)"
_OF_SESSION = " AND c.session_id = ?"


def count(db: Connection, message_id: str) -> None:
    """Count the classes of an answer by the trace that counts for it. Inside the caller's transaction, as all these."""
    _forget(db, "t.message_id = ?", message_id)
    db.execute(COUNT_SHIFTS.format(only=" AND m.id = ?"), (message_id,))


def count_session(db: Connection, session_id: str) -> None:
    """Count those of a session whose traces have come from elsewhere; one that is being written is left out."""
    db.execute("DELETE FROM shift_total WHERE session_id = ?", (session_id,))
    db.execute(
        COUNT_SHIFTS.format(only=" AND m.session_id = ? AND t.ended_at IS NOT NULL"), (session_id,)
    )


def forget(db: Connection, trace_seq: int) -> None:
    """The scores of a trace change: it is being written, again perhaps."""
    _forget(db, "t.seq = ?", trace_seq)
    db.execute(
        "UPDATE trace SET ended_at = NULL WHERE seq = ? AND ended_at IS NOT NULL", (trace_seq,)
    )


def count_abandoned(db: Connection) -> None:
    """Count what a program that is gone was writing; what a living one has locked is left alone."""
    for row in db.rows(
        "SELECT DISTINCT m.id, m.session_id FROM trace t JOIN message m ON m.id = t.message_id "
        "JOIN shown_trace n ON n.trace_id = t.id JOIN trace_side r ON r.trace_seq = t.seq AND r.number >= 0 "
        "WHERE t.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM shift_total c WHERE c.side_seq = r.seq)"
    ):
        if locks.holder(db, row["session_id"]) is None:
            count(db, row["id"])


def _forget(db: Connection, which: str, key: str | int) -> None:
    db.execute(
        "DELETE FROM shift_total WHERE side_seq IN "
        f"(SELECT r.seq FROM trace t JOIN trace_side r ON r.trace_seq = t.seq WHERE {which})",
        (key,),
    )


def totals(db: Connection, session_id: str | None = None) -> list[ShiftTotals]:
    """Classes of each pair of sides, pooled over the traces that count of all answers, or of one session's."""
    which, params = ("", ()) if session_id is None else (_OF_SESSION, (session_id,))
    rows = db.rows(_TOTALS.format(_OF_ANSWERS + which), params)
    return [ShiftTotals(**row) for row in rows]


def of_run(db: Connection, run_id: str) -> list[AnswerShift]:
    """Classes of each answer of a run against each reference, from the trace that counts for it."""
    return [
        AnswerShift(
            message_id=row["message_id"],
            reference=row["reference"],
            unshifted=row["unshifted"],
            marginal=row["marginal"],
            shifted=row["shifted"],
            mean_kl=row["kl_sum"] / row["n_kl"] if row["n_kl"] else None,
        )
        for row in db.rows(_OF_ANSWERS + _OF_RUN + " ORDER BY t.message_id, r.number", (run_id,))
    ]
