"""How token rows could be laid out: size, append, reading one answer, a question over all of them.

`python benchmarks/history_layouts.py [ANSWERS]` prints a table in Markdown; 50,000 answers are 5,000,000 tokens. The
history's layout (`store.schema`) was chosen by it.
"""

import itertools
import random
import sqlite3
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_history import APPENDS, BATCH, Raw
from history_rows import ANSWER_TOKENS, vocabulary
from measuring import median

from urial_tui.store.database.connection import journal_mode_for

ROUNDS = 320
Tok = tuple[int, int, bytes, str, int, int, int]
"""i, token_id, raw, text, visible, cut, control."""

_COLUMNS = """
  i INTEGER NOT NULL, token_id INTEGER NOT NULL, raw BLOB NOT NULL, text TEXT NOT NULL, visible INTEGER NOT NULL,
  cut INTEGER NOT NULL DEFAULT 0, control INTEGER NOT NULL DEFAULT 0
"""
_MOST = (
    "SELECT g.pack, t.token_id, count(*) FROM generation g JOIN token t ON t.generation_seq = g.seq "
    "GROUP BY g.pack, t.token_id ORDER BY 3 DESC LIMIT 20"
)


class Rows:
    """A row a token."""

    def __init__(self, name: str, *statements: str) -> None:
        self.name = name
        self.statements = statements

    def append(self, db: sqlite3.Connection, seq: int, tokens: Sequence[Tok]) -> None:
        db.executemany(
            "INSERT INTO token (generation_seq, i, token_id, raw, text, visible, cut, control) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(seq, *token) for token in tokens],
        )

    def answer(self, db: sqlite3.Connection, seq: int) -> list[Tok]:
        return db.execute(
            "SELECT i, token_id, raw, text, visible, cut, control FROM token WHERE generation_seq = ? ORDER BY i",
            (seq,),
        ).fetchall()

    def most(self, db: sqlite3.Connection) -> object:
        return db.execute(_MOST).fetchall()


class Numbered(Rows):
    """A row a token, its key made of both numbers."""

    def append(self, db: sqlite3.Connection, seq: int, tokens: Sequence[Tok]) -> None:
        db.executemany(
            "INSERT INTO token (key, token_id, raw, text, visible, cut, control) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(seq << 24 | token[0], *token[1:]) for token in tokens],
        )

    def answer(self, db: sqlite3.Connection, seq: int) -> list[Tok]:
        return db.execute(
            "SELECT key & 0xffffff, token_id, raw, text, visible, cut, control FROM token "
            "WHERE key BETWEEN ? AND ? ORDER BY key",
            (seq << 24, (seq + 1 << 24) - 1),
        ).fetchall()

    def most(self, db: sqlite3.Connection) -> object:
        return db.execute(
            _MOST.replace("t.generation_seq = g.seq", "t.key >> 24 = g.seq")
        ).fetchall()


class Packed(Rows):
    """A blob a batch: nothing that SQL can look into."""

    def append(self, db: sqlite3.Connection, seq: int, tokens: Sequence[Tok]) -> None:
        data = b"".join(
            struct.pack("<iBBBB", token_id, len(raw), visible, cut, control) + raw
            for _, token_id, raw, _, visible, cut, control in tokens
        )
        db.execute("INSERT INTO token VALUES (?, ?, ?)", (seq, tokens[0][0], data))

    def answer(self, db: sqlite3.Connection, seq: int) -> list[Tok]:
        rows = db.execute(
            "SELECT first, data FROM token WHERE generation_seq = ? ORDER BY first", (seq,)
        )
        return [token for first, data in rows for token in _unpacked(first, data)]

    def most(self, db: sqlite3.Connection) -> object:
        counts: Counter[tuple[str, int]] = Counter()
        rows = db.execute(
            "SELECT g.pack, t.data FROM generation g JOIN token t ON t.generation_seq = g.seq"
        )
        for pack, data in rows:
            counts.update((pack, token[1]) for token in _unpacked(0, data))
        return counts.most_common(20)


def _unpacked(first: int, data: bytes) -> Iterator[Tok]:
    at = 0
    for i in itertools.count(first):
        if at >= len(data):
            return
        token_id, n, visible, cut, control = struct.unpack_from("<iBBBB", data, at)
        raw = data[at + 8 : at + 8 + n]
        yield i, token_id, raw, raw.decode("utf-8", "ignore"), visible, cut, control
        at += 8 + n


LAYOUTS = (
    Rows(
        "rows WITHOUT ROWID, key (generation_seq, i): today's",
        f"CREATE TABLE token (generation_seq INTEGER NOT NULL, {_COLUMNS}, PRIMARY KEY (generation_seq, i)) "
        "STRICT, WITHOUT ROWID",
    ),
    Rows(
        "rows with a row number, unique index (generation_seq, i)",
        f"CREATE TABLE token (seq INTEGER PRIMARY KEY, generation_seq INTEGER NOT NULL, {_COLUMNS}) STRICT",
        "CREATE UNIQUE INDEX token_key ON token (generation_seq, i)",
    ),
    Numbered(
        "rows whose row number is both numbers in one",
        f"CREATE TABLE token (key INTEGER PRIMARY KEY, {_COLUMNS.split(',', 1)[1]}) STRICT",
    ),
    Packed(
        "a packed blob a batch of 32",
        "CREATE TABLE token (generation_seq INTEGER NOT NULL, first INTEGER NOT NULL, data BLOB NOT NULL, "
        "PRIMARY KEY (generation_seq, first)) STRICT, WITHOUT ROWID",
    ),
)


@dataclass
class Measured:
    """One layout: bytes a token, seconds for all, medians of milliseconds."""

    layout: Rows
    bytes_a_token: float
    build_s: float
    append_ms: float
    to_raw: float
    answer_ms: float
    most_s: float


def measure(layout: Rows, answers: int, folder: Path) -> Measured:
    path = folder / "tokens.db"
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE generation (seq INTEGER PRIMARY KEY, pack TEXT)")
    _fill_generations(db, answers)
    base = path.stat().st_size
    for statement in layout.statements:
        db.execute(statement)
    chooser = random.Random(3)
    build_s = _timed(lambda: _fill(db, layout, answers, chooser))
    size = path.stat().st_size - base
    db.execute(f"PRAGMA journal_mode={journal_mode_for(sqlite3.sqlite_version_info)}")
    db.execute("PRAGMA synchronous=FULL")
    read = [chooser.randrange(answers) for _ in range(ROUNDS)]
    reads = [_timed(lambda n=n: layout.answer(db, n)) * 1e3 for n in read]  # type: ignore[misc]
    most_s = _timed(lambda: layout.most(db))
    appends, raws = _appends(db, layout, answers, folder)
    db.close()
    to_raw = median([a / b for a, b in zip(appends, raws, strict=True)])
    n_tokens = answers * ANSWER_TOKENS
    return Measured(
        layout, size / n_tokens, build_s, median(appends), to_raw, median(reads), most_s
    )


def _fill_generations(db: sqlite3.Connection, answers: int) -> None:
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO generation VALUES (?, ?)", ((n, f"pack-{n % 4}") for n in range(answers))
    )
    db.execute("COMMIT")


def _fill(db: sqlite3.Connection, layout: Rows, answers: int, chooser: random.Random) -> None:
    words = vocabulary()
    weights = list(itertools.accumulate(1 / (n + 2) for n in range(len(words))))
    db.execute("PRAGMA synchronous=OFF")
    db.execute("BEGIN")
    for seq in range(answers):
        chosen = chooser.choices(range(len(words)), cum_weights=weights, k=ANSWER_TOKENS)
        for first in range(0, ANSWER_TOKENS, BATCH):
            layout.append(
                db,
                seq,
                _tokens(first, (words[n] for n in chosen[first : first + BATCH]), chosen[first:]),
            )
    db.execute("COMMIT")


def _tokens(first: int, words: Iterable[str], ids: Sequence[int]) -> list[Tok]:
    return [
        (first + n, id_, f" {word}".encode(), f" {word}", len(word) + 1, 0, 0)
        for n, (word, id_) in enumerate(zip(words, ids, strict=False))
    ]


def _appends(
    db: sqlite3.Connection, layout: Rows, answers: int, folder: Path
) -> tuple[list[float], list[float]]:
    """Milliseconds of commits of a batch, and of raw commits of as many bytes, one after the other."""
    words, appends, raws = vocabulary()[200 : 200 + BATCH], [], []
    (folder / "raw.db").unlink(missing_ok=True)
    with Raw(folder / "raw.db") as raw:
        for n in range(ROUNDS):
            tokens = _tokens(n % APPENDS * BATCH, words, range(BATCH))
            data = bytes(sum(len(token[2]) + len(token[3]) + 13 for token in tokens))

            def append(seq: int = answers + n // APPENDS, tokens: Sequence[Tok] = tokens) -> None:
                db.execute("BEGIN IMMEDIATE")
                layout.append(db, seq, tokens)
                db.execute("COMMIT")

            appends.append(_timed(append) * 1e3)
            raws.append(_timed(lambda data=data: raw.append(data)) * 1e3)  # type: ignore[misc]
    return appends, raws


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    answers = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f"{answers * ANSWER_TOKENS:,} tokens\n")
    print(
        "| layout | bytes a token | filling | append of 32 | against raw | one answer | most frequent tokens by pack |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for layout in LAYOUTS:
        with tempfile.TemporaryDirectory(prefix="urial-bench-") as folder:
            m = measure(layout, answers, Path(folder))
        print(
            f"| {layout.name} | {m.bytes_a_token:.1f} | {m.build_s:.0f} s | {m.append_ms:.2f} ms | {m.to_raw:.2f} "
            f"| {m.answer_ms:.2f} ms | {m.most_s:.1f} s |",
            flush=True,
        )


if __name__ == "__main__":
    main()
