"""The schema, as the steps that lead to it. A step that was released is never edited: a change is a new step.

The words for tables and columns are in `words`; docs/schema.md is made of both.
"""

from dataclasses import dataclass

from urial_tui.store.schema import judging as schema_judging
from urial_tui.store.schema import organising as schema_organising

APPLICATION_ID = 0x75726961
"""`uria`, in the header of the file: tells our database from anybody else's."""


@dataclass(frozen=True)
class Migration:
    """One step: its statements run in one transaction, together with the record that they ran."""

    version: int
    name: str
    statements: tuple[str, ...]


RECORD = """
CREATE TABLE IF NOT EXISTS migration (
  version    INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  applied_at TEXT NOT NULL,
  program    TEXT NOT NULL
) STRICT
"""

_SESSION = """
CREATE TABLE session (
  seq        INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  title      TEXT NOT NULL DEFAULT '',
  side       TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  leaf_id    TEXT REFERENCES message (id) ON DELETE SET NULL,
  archived   INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1))
) STRICT
"""

# The parent is a message of the same session: the pair of keys says so. No CASCADE along parent_id, because a chain of
# a thousand messages would pass SQLite's limit on nested triggers; a session is always deleted whole.
_MESSAGE = """
CREATE TABLE message (
  seq        INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  parent_id  TEXT,
  role       TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
  content    TEXT NOT NULL DEFAULT '',
  status     TEXT NOT NULL CHECK (status IN ('complete', 'stopped', 'interrupted', 'failed')),
  created_at TEXT NOT NULL,
  closed_at  TEXT,
  prefill    TEXT NOT NULL DEFAULT '',
  error      TEXT NOT NULL DEFAULT '',
  UNIQUE (session_id, id),
  FOREIGN KEY (session_id, parent_id) REFERENCES message (session_id, id)
) STRICT
"""

_GENERATION = """
CREATE TABLE generation (
  seq                   INTEGER PRIMARY KEY,
  id                    TEXT NOT NULL UNIQUE,
  message_id            TEXT NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  created_at            TEXT NOT NULL,
  ended_at              TEXT,
  side                  TEXT NOT NULL,
  model_path            TEXT NOT NULL,
  model_sha256          TEXT,
  adapter_path          TEXT,
  adapter_sha256        TEXT,
  adapter_scale         REAL NOT NULL,
  style                 TEXT NOT NULL,
  pack_id               TEXT,
  pack_hash             TEXT,
  temperature           REAL,
  top_k                 INTEGER,
  top_p                 REAL,
  min_p                 REAL,
  repeat_penalty        REAL,
  frequency_penalty     REAL,
  presence_penalty      REAL,
  penalty_last_n        INTEGER,
  seed_asked            INTEGER,
  grammar               TEXT,
  stop_texts            TEXT NOT NULL DEFAULT '[]',
  stop_fence            TEXT,
  stop_prefilled        TEXT,
  n_ctx                 INTEGER NOT NULL,
  prompt_ids            BLOB NOT NULL,
  versions              TEXT NOT NULL DEFAULT '{}',
  continued_from        TEXT,
  dropped_turns         INTEGER NOT NULL DEFAULT 0,
  finish_reason         TEXT,
  prompt_tokens         INTEGER,
  completion_tokens     INTEGER,
  seed                  INTEGER,
  load_s                REAL,
  prefill_s             REAL,
  prefix_reused_tokens  INTEGER,
  first_token_s         REAL,
  decode_s              REAL,
  tokens_per_s          REAL,
  other                 TEXT NOT NULL DEFAULT '{}'
) STRICT
"""

# By far the largest table: the short key halves it (31 bytes a token; 61 with the text id). docs/benchmarks.md compares
# layouts.
_TOKEN = """
CREATE TABLE token (
  generation_seq INTEGER NOT NULL REFERENCES generation (seq) ON DELETE CASCADE,
  i              INTEGER NOT NULL,
  token_id       INTEGER NOT NULL,
  raw            BLOB NOT NULL,
  text           TEXT NOT NULL,
  visible        INTEGER NOT NULL,
  cut            INTEGER NOT NULL DEFAULT 0,
  control        INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (generation_seq, i)
) STRICT, WITHOUT ROWID
"""

_DRAFT = """
CREATE TABLE draft (
  slot       TEXT PRIMARY KEY,
  session_id TEXT REFERENCES session (id) ON DELETE CASCADE,
  text       TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  CHECK (slot = coalesce(session_id, 'new'))
) STRICT
"""

_SESSION_LOCK = """
CREATE TABLE session_lock (
  session_id TEXT PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
  pid        INTEGER NOT NULL,
  host       TEXT NOT NULL,
  started    TEXT NOT NULL,
  program    TEXT NOT NULL,
  since      TEXT NOT NULL
) STRICT
"""

TABLES = Migration(
    1,
    "tables",
    (
        _SESSION,
        "CREATE INDEX session_updated ON session (updated_at)",
        "CREATE INDEX session_leaf ON session (leaf_id)",
        _MESSAGE,
        "CREATE INDEX message_parent ON message (session_id, parent_id)",
        "CREATE INDEX message_unclosed ON message (session_id) WHERE closed_at IS NULL",
        _GENERATION,
        "CREATE INDEX generation_message ON generation (message_id)",
        _TOKEN,
        _DRAFT,
        "CREATE INDEX draft_session ON draft (session_id)",
        _SESSION_LOCK,
    ),
)

# An answer that is still being written is not in the index: each append would index the whole text again. It enters
# when it is closed, at its end or at the next start after a crash. The index reads its text through a view that
# shows closed messages only, so that FTS5's own integrity check holds at any moment.
SEARCH = Migration(
    2,
    "search",
    (
        """
        CREATE VIEW message_closed AS
        SELECT seq, content FROM message WHERE closed_at IS NOT NULL
        """,
        """
        CREATE VIRTUAL TABLE message_fts USING fts5 (
          content, content = 'message_closed', content_rowid = 'seq', tokenize = "unicode61 remove_diacritics 2"
        )
        """,
        """
        CREATE TRIGGER message_fts_insert AFTER INSERT ON message WHEN new.closed_at IS NOT NULL BEGIN
          INSERT INTO message_fts (rowid, content) VALUES (new.seq, new.content);
        END
        """,
        """
        CREATE TRIGGER message_fts_delete AFTER DELETE ON message WHEN old.closed_at IS NOT NULL BEGIN
          INSERT INTO message_fts (message_fts, rowid, content) VALUES ('delete', old.seq, old.content);
        END
        """,
        """
        CREATE TRIGGER message_fts_update AFTER UPDATE OF content, closed_at ON message
        WHEN old.closed_at IS NOT NULL OR new.closed_at IS NOT NULL BEGIN
          INSERT INTO message_fts (message_fts, rowid, content)
            SELECT 'delete', old.seq, old.content WHERE old.closed_at IS NOT NULL;
          INSERT INTO message_fts (rowid, content)
            SELECT new.seq, new.content WHERE new.closed_at IS NOT NULL;
        END
        """,
        """
        CREATE VIRTUAL TABLE session_fts USING fts5 (
          title, content = 'session', content_rowid = 'seq', tokenize = "unicode61 remove_diacritics 2"
        )
        """,
        """
        CREATE TRIGGER session_fts_insert AFTER INSERT ON session BEGIN
          INSERT INTO session_fts (rowid, title) VALUES (new.seq, new.title);
        END
        """,
        """
        CREATE TRIGGER session_fts_delete AFTER DELETE ON session BEGIN
          INSERT INTO session_fts (session_fts, rowid, title) VALUES ('delete', old.seq, old.title);
        END
        """,
        """
        CREATE TRIGGER session_fts_update AFTER UPDATE OF title ON session BEGIN
          INSERT INTO session_fts (session_fts, rowid, title) VALUES ('delete', old.seq, old.title);
          INSERT INTO session_fts (rowid, title) VALUES (new.seq, new.title);
        END
        """,
        "INSERT INTO message_fts (message_fts) VALUES ('rebuild')",
        "INSERT INTO session_fts (session_fts) VALUES ('rebuild')",
    ),
)

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

TRACES = Migration(
    3,
    "traces",
    (
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
    ),
)

_CONTEXT_COLUMN = "ALTER TABLE {} ADD COLUMN context TEXT"
CONTEXT = Migration(
    4, "context", tuple(_CONTEXT_COLUMN.format(table) for table in ("generation", "trace_side"))
)

JUDGING = Migration(5, "judging", schema_judging.STATEMENTS)

ORGANISING = Migration(6, "organising", schema_organising.STATEMENTS)

MIGRATIONS: tuple[Migration, ...] = (TABLES, SEARCH, TRACES, CONTEXT, JUDGING, ORGANISING)
LATEST = MIGRATIONS[-1].version
