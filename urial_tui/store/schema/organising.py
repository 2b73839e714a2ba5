"""The statements of step 6: what keeps a large history in order. Pins, tags, a bin, where a session came from, and the
classes of each scored answer counted once.
"""

from urial_tui.store.schema import views as schema_views

# An item of the bin is as it was; lists and searches leave it out.
_COLUMNS = (
    "ALTER TABLE session ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1))",
    "ALTER TABLE session ADD COLUMN deleted_at TEXT",
    "ALTER TABLE session ADD COLUMN origin TEXT NOT NULL DEFAULT '{}'",
)

_SESSION_TAG = """
CREATE TABLE session_tag (
  session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  tag        TEXT NOT NULL CHECK (tag <> ''),
  PRIMARY KEY (session_id, tag)
) STRICT, WITHOUT ROWID
"""

# What a list of thousands of sessions is filtered by is neither looked for in their messages nor counted from their
# tokens each time. A trigger keeps the first of these, so that whoever writes answers writes it too.
_SESSION_SIDE = """
CREATE TABLE session_side (
  side       TEXT NOT NULL,
  pack_id    TEXT NOT NULL,
  session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  PRIMARY KEY (side, pack_id, session_id)
) STRICT, WITHOUT ROWID
"""

_SESSION_SIDE_ADDED = """
CREATE TRIGGER session_side_added AFTER INSERT ON generation BEGIN
  INSERT INTO session_side (side, pack_id, session_id)
    SELECT new.side, coalesce(new.pack_id, ''), session_id FROM message WHERE id = new.message_id
    ON CONFLICT (side, pack_id, session_id) DO NOTHING;
END
"""

SESSION_SIDES = """
INSERT INTO session_side (side, pack_id, session_id)
SELECT DISTINCT g.side, coalesce(g.pack_id, ''), m.session_id FROM generation g JOIN message m ON m.id = g.message_id
"""

_SHIFT_TOTAL = """
CREATE TABLE shift_total (
  side_seq   INTEGER PRIMARY KEY REFERENCES trace_side (seq) ON DELETE CASCADE,
  session_id TEXT NOT NULL,
  unshifted  INTEGER NOT NULL,
  marginal   INTEGER NOT NULL,
  shifted    INTEGER NOT NULL,
  control    INTEGER NOT NULL,
  n_scored   INTEGER NOT NULL,
  kl_sum     REAL NOT NULL,
  n_kl       INTEGER NOT NULL
) STRICT
"""

COUNTED_SHIFTS = """
SELECT
  r.seq AS side_seq,
  m.session_id,
  count(*) FILTER (WHERE NOT s.control AND NOT s.cut AND coalesce(x.argmax_rank, x.rank) <= 1) AS unshifted,
  count(*) FILTER (WHERE NOT s.control AND NOT s.cut AND coalesce(x.argmax_rank, x.rank) BETWEEN 2 AND 3) AS marginal,
  count(*) FILTER (WHERE NOT s.control AND NOT s.cut AND coalesce(x.argmax_rank, x.rank) > 3) AS shifted,
  count(*) FILTER (WHERE s.control) AS control,
  count(x.rank) AS n_scored,
  total(iif(s.control OR s.cut, NULL, x.kl)) AS kl_sum,
  count(iif(s.control OR s.cut, NULL, x.kl)) AS n_kl
FROM trace_side r
JOIN trace t ON t.seq = r.trace_seq
JOIN message m ON m.id = t.message_id
JOIN scored_token s ON s.trace_seq = r.trace_seq
LEFT JOIN reference_token x ON x.side_seq = r.seq AND x.i = s.i
WHERE r.number >= 0 AND EXISTS (SELECT 1 FROM shown_trace n WHERE n.trace_id = t.id){only}
GROUP BY r.seq
"""
"""Rows of `shift_total` out of tokens: classes as the view `token_shift` has them, cut tokens left out, by the rules of
`shift.summary.summarise`. Of traces `t` that count for their messages `m`; `only` narrows them, as " AND ..."."""

COUNT_SHIFTS = f"""
INSERT OR REPLACE INTO shift_total
  (side_seq, session_id, unshifted, marginal, shifted, control, n_scored, kl_sum, n_kl)
{COUNTED_SHIFTS}
"""

STATEMENTS: tuple[str, ...] = (
    *_COLUMNS,
    "CREATE INDEX session_listed ON session (pinned, updated_at, seq) WHERE run_id IS NULL AND deleted_at IS NULL",
    "CREATE INDEX session_deleted ON session (deleted_at) WHERE deleted_at IS NOT NULL",
    _SESSION_TAG,
    "CREATE INDEX session_tag_tag ON session_tag (tag)",
    _SESSION_SIDE,
    "CREATE INDEX session_side_session ON session_side (session_id)",
    _SESSION_SIDE_ADDED,
    SESSION_SIDES,
    _SHIFT_TOTAL,
    "CREATE INDEX shift_total_session ON shift_total (session_id, unshifted, marginal, shifted)",
    "CREATE INDEX trace_unended ON trace (message_id) WHERE ended_at IS NULL",
    COUNT_SHIFTS.format(only=""),
    *schema_views.STATEMENTS,
)
