"""The statements of step 5: runs with their items and answers, judgements, comparisons, and views over them.

A run's conversations are ordinary sessions that have a `run_id`; lists of chats leave them out.
"""

_RUN = """
CREATE TABLE run (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  fingerprint  TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  updated_at   TEXT NOT NULL,
  input_name   TEXT NOT NULL,
  input_format TEXT NOT NULL,
  input_sha256 TEXT NOT NULL,
  reference_sides TEXT NOT NULL DEFAULT '[]',
  settings     TEXT NOT NULL DEFAULT '{}',
  versions     TEXT NOT NULL DEFAULT '{}'
) STRICT
"""

_RUN_SIDE = """
CREATE TABLE run_side (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number >= 0),
  side   TEXT NOT NULL,
  PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID
"""

# The row's own id may be a text or a number, and stays what it is.
_RUN_ITEM = """
CREATE TABLE run_item (
  run_id    TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  item      INTEGER NOT NULL CHECK (item >= 0),
  source_id ANY NOT NULL,
  turns     TEXT NOT NULL,
  n_turns   INTEGER NOT NULL CHECK (n_turns > 0),
  dataset   TEXT NOT NULL DEFAULT '',
  category  TEXT NOT NULL DEFAULT '',
  task      TEXT NOT NULL DEFAULT '[]',
  topic     TEXT NOT NULL DEFAULT '[]',
  extra     TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (run_id, item)
) STRICT, WITHOUT ROWID
"""

# The key holds that no turn is ever answered twice by a side.
_RUN_ANSWER = """
CREATE TABLE run_answer (
  run_id     TEXT NOT NULL,
  item       INTEGER NOT NULL,
  side       INTEGER NOT NULL,
  turn       INTEGER NOT NULL CHECK (turn >= 0),
  session_id TEXT NOT NULL,
  message_id TEXT NOT NULL UNIQUE,
  PRIMARY KEY (run_id, item, side, turn),
  FOREIGN KEY (run_id, item) REFERENCES run_item (run_id, item) ON DELETE CASCADE,
  FOREIGN KEY (run_id, side) REFERENCES run_side (run_id, number) ON DELETE CASCADE,
  FOREIGN KEY (session_id, message_id) REFERENCES message (session_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID
"""

_RUN_LOCK = """
CREATE TABLE run_lock (
  run_id  TEXT PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
  pid     INTEGER NOT NULL,
  host    TEXT NOT NULL,
  started TEXT NOT NULL,
  program TEXT NOT NULL,
  since   TEXT NOT NULL
) STRICT
"""

_JUDGE_COLUMNS = """
  judge_kind     TEXT NOT NULL CHECK (judge_kind IN ('model', 'person')),
  judge          TEXT NOT NULL,
  judge_key      TEXT NOT NULL,
  provenance     TEXT NOT NULL DEFAULT '{}',
  rubric         TEXT NOT NULL,
  rubric_version INTEGER NOT NULL,
  rubric_hash    TEXT NOT NULL,
  outcome        TEXT NOT NULL CHECK (outcome IN ('ok', 'na', 'invalid', 'refused')),
  shortened      TEXT NOT NULL DEFAULT '{}',
  note           TEXT NOT NULL DEFAULT '',
  blind          INTEGER NOT NULL DEFAULT 0 CHECK (blind IN (0, 1)),
  own            INTEGER NOT NULL DEFAULT 0 CHECK (own IN (0, 1)),
  timings        TEXT NOT NULL DEFAULT '{}',
  raw            TEXT NOT NULL DEFAULT '[]',
"""

_JUDGEMENT = f"""
CREATE TABLE judgement (
  seq            INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  message_id     TEXT NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  created_at     TEXT NOT NULL,
  {_JUDGE_COLUMNS.strip()}
  prompt         TEXT NOT NULL DEFAULT '',
  UNIQUE (message_id, judge_key, rubric_hash)
) STRICT
"""

# Only a readable answer of the judge has numbers: N/A and the like can never be averaged by mistake.
_JUDGEMENT_SCORE = """
CREATE TABLE judgement_score (
  judgement_seq INTEGER NOT NULL REFERENCES judgement (seq) ON DELETE CASCADE,
  number        INTEGER NOT NULL CHECK (number >= 0),
  aspect        TEXT NOT NULL,
  outcome       TEXT NOT NULL CHECK (outcome IN ('ok', 'na', 'invalid', 'refused')),
  score         INTEGER CHECK (score BETWEEN 1 AND 5),
  expected      REAL CHECK (expected BETWEEN 1 AND 5),
  spread        REAL CHECK (spread >= 0),
  probabilities TEXT NOT NULL DEFAULT '[]',
  p_na          REAL,
  reason        TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (judgement_seq, number),
  UNIQUE (judgement_seq, aspect),
  CHECK ((outcome = 'ok') = (score IS NOT NULL)),
  CHECK (outcome = 'ok' OR (expected IS NULL AND spread IS NULL))
) STRICT, WITHOUT ROWID
"""

_COMPARISON = f"""
CREATE TABLE comparison (
  seq            INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  message_a      TEXT NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  message_b      TEXT NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  created_at     TEXT NOT NULL,
  {_JUDGE_COLUMNS.strip()}
  prompts        TEXT NOT NULL DEFAULT '[]',
  words_a        INTEGER NOT NULL,
  words_b        INTEGER NOT NULL,
  CHECK (message_a <> message_b)
) STRICT
"""

_COMPARISON_PICK = """
CREATE TABLE comparison_pick (
  comparison_seq INTEGER NOT NULL REFERENCES comparison (seq) ON DELETE CASCADE,
  number         INTEGER NOT NULL CHECK (number >= 0),
  aspect         TEXT NOT NULL,
  outcome        TEXT NOT NULL CHECK (outcome IN ('ok', 'na', 'invalid', 'refused')),
  winner         TEXT CHECK (winner IN ('a', 'b', 'tie')),
  a_first        TEXT CHECK (a_first IN ('a', 'b', 'tie')),
  b_first        TEXT CHECK (b_first IN ('a', 'b', 'tie')),
  p_a_first      REAL,
  p_b_first      REAL,
  reasons        TEXT NOT NULL DEFAULT '[]',
  PRIMARY KEY (comparison_seq, number),
  UNIQUE (comparison_seq, aspect),
  CHECK ((outcome = 'ok') = (winner IS NOT NULL))
) STRICT, WITHOUT ROWID
"""

_RUN_ANSWER_TEXT = """
CREATE VIEW run_answer_text AS
SELECT
  r.name AS run, a.run_id, a.item, i.source_id, i.dataset, i.category,
  s.side, a.side AS side_number, a.turn, q.content AS question, m.content AS answer, m.status, m.error,
  g.finish_reason, g.completion_tokens, a.session_id, a.message_id
FROM run_answer a
JOIN run r ON r.id = a.run_id
JOIN run_item i ON i.run_id = a.run_id AND i.item = a.item
JOIN run_side s ON s.run_id = a.run_id AND s.number = a.side
JOIN message m ON m.id = a.message_id
LEFT JOIN message q ON q.id = m.parent_id
LEFT JOIN generation g ON g.seq = (SELECT max(seq) FROM generation WHERE message_id = a.message_id)
"""

# Also answers of ordinary conversations: their side is that of the generation.
_SCORE = """
CREATE VIEW score AS
SELECT
  r.name AS run, a.run_id, a.item, i.source_id, i.dataset, i.category,
  coalesce(
    s.side, (SELECT side FROM generation WHERE message_id = j.message_id ORDER BY seq DESC LIMIT 1)
  ) AS side,
  a.side AS side_number, a.turn, j.message_id, j.id AS judgement_id,
  j.judge_kind, j.judge, j.judge_key, j.rubric, j.rubric_hash, j.own, j.blind,
  x.aspect, x.outcome, x.score, x.expected, x.spread, x.reason
FROM judgement j
JOIN judgement_score x ON x.judgement_seq = j.seq
LEFT JOIN run_answer a ON a.message_id = j.message_id
LEFT JOIN run r ON r.id = a.run_id
LEFT JOIN run_item i ON i.run_id = a.run_id AND i.item = a.item
LEFT JOIN run_side s ON s.run_id = a.run_id AND s.number = a.side
"""

_PREFERENCE = """
CREATE VIEW preference AS
SELECT
  c.id AS comparison_id, c.message_a, c.message_b,
  coalesce(
    sa.side, (SELECT side FROM generation WHERE message_id = c.message_a ORDER BY seq DESC LIMIT 1)
  ) AS side_a,
  coalesce(
    sb.side, (SELECT side FROM generation WHERE message_id = c.message_b ORDER BY seq DESC LIMIT 1)
  ) AS side_b,
  a.run_id AS run_id_a, b.run_id AS run_id_b, a.item AS item_a, b.item AS item_b, a.turn,
  c.judge_kind, c.judge, c.judge_key, c.rubric, c.rubric_hash, c.own, c.blind, c.words_a, c.words_b,
  x.aspect, x.outcome, x.winner, x.a_first, x.b_first, x.p_a_first, x.p_b_first
FROM comparison c
JOIN comparison_pick x ON x.comparison_seq = c.seq
LEFT JOIN run_answer a ON a.message_id = c.message_a
LEFT JOIN run_side sa ON sa.run_id = a.run_id AND sa.number = a.side
LEFT JOIN run_answer b ON b.message_id = c.message_b
LEFT JOIN run_side sb ON sb.run_id = b.run_id AND sb.number = b.side
"""

STATEMENTS = (
    _RUN,
    "CREATE INDEX run_fingerprint ON run (fingerprint)",
    _RUN_SIDE,
    _RUN_ITEM,
    "ALTER TABLE session ADD COLUMN run_id TEXT REFERENCES run (id) ON DELETE CASCADE",
    "CREATE INDEX session_run ON session (run_id, updated_at) WHERE run_id IS NOT NULL",
    _RUN_ANSWER,
    "CREATE INDEX run_answer_side ON run_answer (run_id, side)",
    "CREATE INDEX run_answer_session ON run_answer (session_id, message_id)",
    _RUN_LOCK,
    _JUDGEMENT,
    _JUDGEMENT_SCORE,
    _COMPARISON,
    # The same two answers are one pair, whichever is called A.
    "CREATE UNIQUE INDEX comparison_once ON comparison "
    "(min(message_a, message_b), max(message_a, message_b), judge_key, rubric_hash)",
    "CREATE INDEX comparison_a ON comparison (message_a)",
    "CREATE INDEX comparison_b ON comparison (message_b)",
    _COMPARISON_PICK,
    _RUN_ANSWER_TEXT,
    _SCORE,
    _PREFERENCE,
)
