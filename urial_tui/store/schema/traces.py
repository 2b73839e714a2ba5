"""The statements of step 3: vocabularies, traces with their sides and scores, and the views over them."""

# Pieces are stored once a vocabulary: the ten alternatives of each token would repeat the same few thousand of them.
_VOCABULARY = """
CREATE TABLE vocabulary (
  seq         INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL UNIQUE,
  n_vocab     INTEGER NOT NULL
) STRICT
"""

_PIECE = """
CREATE TABLE piece (
  vocabulary_seq INTEGER NOT NULL REFERENCES vocabulary (seq) ON DELETE CASCADE,
  token_id       INTEGER NOT NULL,
  raw            BLOB NOT NULL,
  PRIMARY KEY (vocabulary_seq, token_id)
) STRICT, WITHOUT ROWID
"""

_TRACE = """
CREATE TABLE trace (
  seq            INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  message_id     TEXT NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  generation_seq INTEGER REFERENCES generation (seq) ON DELETE CASCADE,
  path           TEXT NOT NULL CHECK (path IN ('live', 'canonical')),
  created_at     TEXT NOT NULL,
  ended_at       TEXT,
  complete       INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)),
  top_k          INTEGER NOT NULL,
  vocabulary_seq INTEGER NOT NULL REFERENCES vocabulary (seq),
  n_common       INTEGER NOT NULL,
  timings        TEXT NOT NULL DEFAULT '{}',
  versions       TEXT NOT NULL DEFAULT '{}'
) STRICT
"""

_TRACE_SIDE = """
CREATE TABLE trace_side (
  seq            INTEGER PRIMARY KEY,
  trace_seq      INTEGER NOT NULL REFERENCES trace (seq) ON DELETE CASCADE,
  number         INTEGER NOT NULL CHECK (number >= -1),
  role           TEXT NOT NULL CHECK (role = iif(number = -1, 'generator', 'reference')),
  side           TEXT NOT NULL,
  model_path     TEXT NOT NULL,
  model_sha256   TEXT,
  adapter_path   TEXT,
  adapter_sha256 TEXT,
  adapter_scale  REAL NOT NULL,
  style          TEXT NOT NULL,
  pack_id        TEXT,
  pack_hash      TEXT,
  template_hash  TEXT,
  prompt_ids     BLOB NOT NULL,
  n_ctx          INTEGER NOT NULL,
  noise          REAL,
  null_rate      REAL,
  error          TEXT NOT NULL DEFAULT '',
  UNIQUE (trace_seq, number)
) STRICT
"""

# A score is whole or it is not there: without the generator's its columns are NULL, without a reference's there is no
# row of it. SQLite would turn a NaN into a NULL, so a score with one is no score.
_SCORED_TOKEN = """
CREATE TABLE scored_token (
  trace_seq INTEGER NOT NULL REFERENCES trace (seq) ON DELETE CASCADE,
  i         INTEGER NOT NULL,
  token_id  INTEGER NOT NULL,
  control   INTEGER NOT NULL DEFAULT 0,
  cut       INTEGER NOT NULL DEFAULT 0,
  logprob   REAL,
  entropy   REAL,
  rank      INTEGER,
  top       BLOB,
  PRIMARY KEY (trace_seq, i)
) STRICT, WITHOUT ROWID
"""

_REFERENCE_TOKEN = """
CREATE TABLE reference_token (
  side_seq       INTEGER NOT NULL REFERENCES trace_side (seq) ON DELETE CASCADE,
  i              INTEGER NOT NULL,
  logprob        REAL NOT NULL,
  entropy        REAL NOT NULL,
  rank           INTEGER NOT NULL,
  emitted_margin REAL NOT NULL,
  argmax_rank    INTEGER,
  margin         REAL,
  kl             REAL,
  top            BLOB NOT NULL,
  PRIMARY KEY (side_seq, i)
) STRICT, WITHOUT ROWID
"""

# What is shown and counted of an answer: the newest complete trace, else the newest one with scores, so that a scoring
# that was stopped hides nothing. Asked in a way that both a message and a trace can be looked up by index.
_SHOWN_TRACE = """
CREATE VIEW shown_trace AS
SELECT t.message_id, t.id AS trace_id
FROM trace t
WHERE EXISTS (SELECT 1 FROM scored_token s WHERE s.trace_seq = t.seq)
  AND NOT EXISTS (
    SELECT 1 FROM trace better
    WHERE better.message_id = t.message_id AND (better.complete, better.seq) > (t.complete, t.seq)
      AND EXISTS (SELECT 1 FROM scored_token s WHERE s.trace_seq = better.seq)
  )
"""

# The same classes as `shift.classes`, one row a token and reference.
_TOKEN_SHIFT = """
CREATE VIEW token_shift AS
SELECT
  t.message_id, t.id AS trace_id, t.path,
  g.side AS generator, r.number AS reference_number, r.side AS reference,
  s.i, s.token_id, p.raw, s.control, s.cut,
  CASE
    WHEN s.control THEN 'control'
    WHEN coalesce(x.argmax_rank, x.rank) <= 1 THEN 'unshifted'
    WHEN coalesce(x.argmax_rank, x.rank) <= 3 THEN 'marginal'
    WHEN x.rank IS NOT NULL THEN 'shifted'
  END AS class,
  CASE
    WHEN s.control THEN 'control'
    WHEN x.rank <= 1 THEN 'unshifted'
    WHEN x.rank <= 3 THEN 'marginal'
    WHEN x.rank IS NOT NULL THEN 'shifted'
  END AS emitted_class,
  coalesce(x.margin, x.emitted_margin) < r.noise AS near_tie,
  x.kl,
  s.logprob AS generator_logprob, x.logprob AS reference_logprob,
  s.entropy AS generator_entropy, x.entropy AS reference_entropy,
  s.rank AS generator_rank, x.rank AS reference_rank, x.argmax_rank
FROM trace t
JOIN trace_side r ON r.trace_seq = t.seq AND r.number >= 0
LEFT JOIN trace_side g ON g.trace_seq = t.seq AND g.number = -1
JOIN scored_token s ON s.trace_seq = t.seq
LEFT JOIN reference_token x ON x.side_seq = r.seq AND x.i = s.i
LEFT JOIN piece p ON p.vocabulary_seq = t.vocabulary_seq AND p.token_id = s.token_id
"""

STATEMENTS = (
    "ALTER TABLE generation ADD COLUMN template_hash TEXT",
    _VOCABULARY,
    _PIECE,
    _TRACE,
    "CREATE INDEX trace_message ON trace (message_id)",
    "CREATE INDEX trace_generation ON trace (generation_seq)",
    "CREATE INDEX trace_vocabulary ON trace (vocabulary_seq)",
    _TRACE_SIDE,
    _SCORED_TOKEN,
    _REFERENCE_TOKEN,
    _SHOWN_TRACE,
    _TOKEN_SHIFT,
)
