"""A history of 10,000 sessions, 100,000 messages and 5,000,000 tokens: opening, listing, searching, appending to it.

An append of the program is compared with a raw commit of the same bytes under the same journal settings, and with the
same append to an empty history, one after the other in each round.
"""

import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from history_rows import RARE, Size, Writer, vocabulary
from measuring import Row, median, own_home, percentile, program, spread
from terminal import Terminal

from urial_tui.store.database.connection import journal_mode_for
from urial_tui.store.store import Store
from urial_tui.store.types import GenerationStart, SessionFilter, Token

OPEN_BOUND = 1.5
LIST_BOUND_MS = 50.0
SEARCH_BOUND_MS = 150.0
RAW_BOUND = 2.0
EMPTY_BOUND = 1.5
BUILD_BOUND = 180.0
BATCH = 32
"""Tokens of an append, as `chat.recorder` collects them."""
APPENDS = 8
"""An answer of 256 tokens."""
START = GenerationStart(
    side="demo@urial-general",
    model_path="/models/model-1.gguf",
    model_sha256=None,
    adapter_path=None,
    adapter_sha256=None,
    adapter_scale=1.0,
    style="urial-general",
    pack_id="urial-general",
    pack_hash=None,
    sampling={"temperature": 0.0},
    stops={},
    n_ctx=4096,
    prompt_ids=tuple(range(1042)),
    versions={},
)
FILTERS = {
    "all": SessionFilter(),
    "side": SessionFilter(side="zero"),
    "pack": SessionFilter(pack="general"),
    "tag": SessionFilter(tags=("thesis",)),
    "date": SessionFilter(since="2024-03-01", until="2024-09-01"),
    "score": SessionFilter(score_min=3.5),
    "shift": SessionFilter(shifted_min=0.1),
    "side and score": SessionFilter(side="general", score_max=2.5),
}


def run(*, quick: bool = False) -> list[Row]:
    """All rows. Builds the histories in a home of its own, which goes afterwards."""
    rounds = 3 if quick else 5
    with own_home() as home, ExitStack() as stack:
        big = home / "data" / "history.db"
        big.parent.mkdir()
        began = time.perf_counter()
        size = Size(1000 if quick else 10_000)
        Writer(big).write(size)
        built = time.perf_counter() - began
        about = f"{size.sessions:,} sessions, {size.messages:,} messages, {size.tokens:,} tokens"
        rows = [
            Row("history: building it", built, BUILD_BOUND,
                f"{about}, {big.stat().st_size / 1e6:.0f} MB", unit="s"),
            _open_row(big, rounds),
            _screen_row(big, rounds),
        ]  # fmt: skip
        store = stack.enter_context(Store.open(big))
        rows += [_list_row(store, rounds), *_search_rows(store, rounds)]
        small = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=home)))
        empty = stack.enter_context(Store.open(small / "empty.db"))
        raw = stack.enter_context(Raw(small / "raw.db"))
        return [*rows, *_append_rows(store, empty, raw, 6 if quick else 40)]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _open_row(path: Path, rounds: int) -> Row:
    """Opening as the program does it, with the file out of the system's cache where the system lets go of it."""
    times = []
    for _ in range(rounds):
        _forget(path)
        times.append(_timed(lambda: Store.open(path).close()))
    detail = f"median of {rounds}, {spread(times)} s, the file dropped from the cache before each"
    return Row("history: opening it", median(times), OPEN_BOUND, detail, unit="s")


def _screen_row(path: Path, rounds: int) -> Row:
    """`urial-tui` from its start to the list with its first titles."""
    with Store.open(path, readonly=True) as store:
        word = store.sessions(limit=1)[0].title.split()[0]
    took = []
    for _ in range(rounds + 1):
        with Terminal([*program(), "--demo"]) as terminal:
            took.append(terminal.wait(lambda _, t=terminal: t.shows(word), 60))  # type: ignore[misc]
            terminal.quit()
    return Row(
        "history: start to the list of sessions on screen",
        median(took[1:]),
        OPEN_BOUND,
        f"median of {rounds}, {spread(took[1:])} s",
        unit="s",
    )


def _list_row(store: Store, rounds: int) -> Row:
    """Pages of 200 at the beginning, the middle and the end, for each filter."""
    slowest: dict[str, float] = {}
    for name, wanted in FILTERS.items():
        n = store.count_sessions(wanted)
        for offset in (0, n // 2, max(0, n - 200)):
            times = [
                _timed(lambda o=offset, w=wanted: store.sessions(w, 200, o))
                for _ in range(rounds)  # type: ignore[misc]
            ]
            slowest[name] = max(slowest.get(name, 0.0), median(times) * 1e3)
    detail = ", ".join(f"{name} {ms:.0f}" for name, ms in slowest.items())
    return Row("history: a page of 200 sessions", max(slowest.values()), LIST_BOUND_MS,
               f"the slowest of first, middle and last page; by filter: {detail} ms", unit="ms")  # fmt: skip


def _search_rows(store: Store, rounds: int) -> Iterator[Row]:
    """Queries that find a few messages, and queries that find most of them."""
    words, chooser = vocabulary(), random.Random(1)
    queries = {
        "rare": [RARE, *chooser.sample(words[15_000:], 7)],
        "common": words[:8],
        "beginning": [words[n][:2] for n in range(70, 78)] + [words[n][:1] for n in range(4)],
        "several": [" ".join(chooser.sample(words[:200], 2)) for _ in range(8)],
        "phrase": [f'"{words[n]} {words[n + 1]}"' for n in range(8)],
        "literal": ["!!", "散步", "…"],
        "filtered": [],
    }
    took: dict[str, list[float]] = {}
    for kind, texts in queries.items():
        for text in texts:
            took.setdefault(kind, []).extend(
                _timed(lambda t=text: store.search(t)) * 1e3
                for _ in range(rounds)  # type: ignore[misc]
            )
    for wanted in list(FILTERS.values())[1:]:
        for text in (words[3], RARE):
            took.setdefault("filtered", []).extend(
                _timed(lambda t=text, w=wanted: store.search(t, 50, w)) * 1e3
                for _ in range(rounds)  # type: ignore[misc]
            )
    every = [ms for times in took.values() for ms in times]
    detail = ", ".join(f"{kind} {percentile(times, 95):.0f}" for kind, times in took.items())
    yield Row("history: search, p95", percentile(every, 95), SEARCH_BOUND_MS,
              f"{len(every)} searches, median {percentile(every, 50):.0f}, largest {max(every):.0f} ms; "
              f"p95 by kind: {detail} ms", unit="ms")  # fmt: skip


class Raw:
    """One table, one row a commit, nothing else: what SQLite itself takes for the same bytes."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute(f"PRAGMA journal_mode={journal_mode_for(sqlite3.sqlite_version_info)}")
        for pragma in ("synchronous=FULL", "secure_delete=ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("CREATE TABLE raw (id INTEGER PRIMARY KEY, data BLOB)")

    def append(self, data: bytes) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT INTO raw (data) VALUES (?)", (data,))
        self._db.execute("COMMIT")

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()


class Appending:
    """Answers that stream into a history, batch by batch."""

    def __init__(self, store: Store, words: Sequence[str]) -> None:
        self._store = store
        self._words = words
        self._session = store.create_session("demo@urial-general").id
        self._n = APPENDS

    def next(self) -> tuple[Callable[[], None], bytes]:
        """The next append, and the bytes that it has to bring to the disk."""
        if self._n == APPENDS:
            question = self._store.add_user_message(self._session, None, "A question?")
            self._answer = self._store.begin_answer(self._session, question.id).id
            self._generation = self._store.begin_generation(self._answer, START)
            self._n = 0
        chosen = [f" {word}" for word in self._words[self._n * BATCH :][:BATCH]]
        first = self._n * BATCH
        tokens = [Token(first + i, 1000 + i, w.encode(), w, len(w)) for i, w in enumerate(chosen)]
        text = "".join(chosen)
        self._n += 1
        row = sum(len(token.raw) + len(token.text) + 13 for token in tokens)
        return (
            lambda: self._store.append_tokens(self._answer, self._generation, tokens, text),
            bytes(row + len(text)),
        )


def _append_rows(big: Store, empty: Store, raw: Raw, answers: int) -> list[Row]:
    """Medians of the ratios of each round, so that a slow moment of the disk is in both."""
    words = vocabulary()[200:]
    filling, fresh = Appending(big, words), Appending(empty, words)
    times: dict[str, list[float]] = {"big": [], "empty": [], "raw": []}
    for _ in range(answers * APPENDS):
        (to_big, data), (to_empty, _) = filling.next(), fresh.next()
        works: dict[str, Callable[[], object]] = {
            "big": to_big, "raw": lambda d=data: raw.append(d), "empty": to_empty,  # type: ignore[misc]
        }  # fmt: skip
        for name in random.sample(list(works), len(works)):
            times[name].append(_timed(works[name]) * 1e3)
    detail = ", ".join(f"{name} {median(values):.2f}" for name, values in times.items())
    detail = f"medians of {len(times['raw'])} rounds of {BATCH} tokens with their text: {detail} ms"
    return [
        Row("history: append / raw commit of the same bytes", _ratio(times["big"], times["raw"]), RAW_BOUND, detail),
        Row("history: append / append to an empty history", _ratio(times["big"], times["empty"]), EMPTY_BOUND, detail),
    ]  # fmt: skip


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _forget(path: Path) -> None:
    """Ask the system to drop the file from its cache."""
    if hasattr(os, "posix_fadvise"):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)
