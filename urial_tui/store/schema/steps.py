"""The schema, as the steps that lead to it. A step that was released is never edited: a change is a new step.

The words for tables and columns are in `words`; docs/schema.md is made of both.
"""

from dataclasses import dataclass

from urial_tui.store.schema import judging as schema_judging
from urial_tui.store.schema import organising as schema_organising
from urial_tui.store.schema import traces as schema_traces

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

TRACES = Migration(3, "traces", schema_traces.STATEMENTS)

_CONTEXT_COLUMN = "ALTER TABLE {} ADD COLUMN context TEXT"
CONTEXT = Migration(
    4, "context", tuple(_CONTEXT_COLUMN.format(table) for table in ("generation", "trace_side"))
)

JUDGING = Migration(5, "judging", schema_judging.STATEMENTS)

ORGANISING = Migration(6, "organising", schema_organising.STATEMENTS)

BEGINNINGS = Migration(
    7, "beginnings", ("ALTER TABLE draft ADD COLUMN beginning TEXT NOT NULL DEFAULT ''",)
)

MIGRATIONS: tuple[Migration, ...] = (
    TABLES,
    SEARCH,
    TRACES,
    CONTEXT,
    JUDGING,
    ORGANISING,
    BEGINNINGS,
)
LATEST = MIGRATIONS[-1].version
