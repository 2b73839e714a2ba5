"""The statements of step 6: what keeps a large history in order. Pins, tags, a bin, where a session came from, and the
classes of each scored answer counted once.
"""

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

# What a list of thousands of sessions is filtered by cannot be counted from their tokens each time.
_SHIFT_TOTAL = """
CREATE TABLE shift_total (
  side_seq  INTEGER PRIMARY KEY REFERENCES trace_side (seq) ON DELETE CASCADE,
  unshifted INTEGER NOT NULL,
  marginal  INTEGER NOT NULL,
  shifted   INTEGER NOT NULL,
  control   INTEGER NOT NULL,
  n_scored  INTEGER NOT NULL,
  kl_sum    REAL NOT NULL,
  n_kl      INTEGER NOT NULL
) STRICT
"""

COUNTED_SHIFTS = """
SELECT
  r.seq AS side_seq,
  count(*) FILTER (WHERE NOT s.control AND NOT s.cut AND coalesce(x.argmax_rank, x.rank) <= 1) AS unshifted,
  count(*) FILTER (WHERE NOT s.control AND NOT s.cut AND coalesce(x.argmax_rank, x.rank) BETWEEN 2 AND 3) AS marginal,
  count(*) FILTER (WHERE NOT s.control AND NOT s.cut AND coalesce(x.argmax_rank, x.rank) > 3) AS shifted,
  count(*) FILTER (WHERE s.control) AS control,
  count(x.rank) AS n_scored,
  total(iif(s.control OR s.cut, NULL, x.kl)) AS kl_sum,
  count(iif(s.control OR s.cut, NULL, x.kl)) AS n_kl
FROM trace_side r
JOIN scored_token s ON s.trace_seq = r.trace_seq
LEFT JOIN reference_token x ON x.side_seq = r.seq AND x.i = s.i
WHERE r.number >= 0{only}
GROUP BY r.seq
"""
"""Rows of `shift_total` out of tokens: classes as the view `token_shift` has them, cut tokens left out, by the rules of
`shift.summary.summarise`. `only` narrows them to some sides `r`, as " AND ..."."""

COUNT_SHIFTS = f"""
INSERT OR REPLACE INTO shift_total (side_seq, unshifted, marginal, shifted, control, n_scored, kl_sum, n_kl)
{COUNTED_SHIFTS}
"""

STATEMENTS: tuple[str, ...] = (
    *_COLUMNS,
    "CREATE INDEX session_listed ON session (pinned, updated_at, seq) WHERE run_id IS NULL AND deleted_at IS NULL",
    "CREATE INDEX session_deleted ON session (deleted_at) WHERE deleted_at IS NOT NULL",
    _SESSION_TAG,
    "CREATE INDEX session_tag_tag ON session_tag (tag)",
    _SHIFT_TOTAL,
    COUNT_SHIFTS.format(only=""),
)
