"""A large synthetic history, written in bulk: the rows of years of work, without any meaning.

Words are drawn by Zipf's law from invented ones, so that the search index has common words and rare ones.
"""

import itertools
import random
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from urial_tui.store.database.ids import new_id, stamp
from urial_tui.store.schema.organising import COUNT_SHIFTS
from urial_tui.store.store import Store

TURNS = 5
"""Questions a session, each with one answer."""
ANSWER_TOKENS = 100
QUESTION_WORDS = 20
PROMPT_IDS = 1042
"""Tokens of a prompt with the default pack's examples."""
TOP_K = 10
SCORED = 10
"""One answer in so many has a trace, and is judged."""
PACKS = ("urial-general", "urial-brief", "urial-code", None)
TAGS = ("thesis", "todo", "haiku", "draft")
ASPECTS = ("helpfulness", "clarity", "factuality", "depth", "engagement")
BEGAN = datetime(2023, 1, 1, tzinfo=UTC)
APART = timedelta(hours=2)
"""Between one session and the next."""
RARE = "qwyjibo"
"""A word that one answer in ten thousand has."""


@dataclass(frozen=True)
class Size:
    """How much to write."""

    sessions: int

    @property
    def messages(self) -> int:
        return 2 * TURNS * self.sessions

    @property
    def tokens(self) -> int:
        return TURNS * ANSWER_TOKENS * self.sessions


def vocabulary(n: int = 20_000) -> list[str]:
    """Invented words, all different, of one to three syllables; the first are the shortest and the most common."""
    chooser = random.Random(5)
    syllables = [c + v for c in "bdfglmnprstvz" for v in "aeiou"]
    found = []
    for length in (1, 2, 3):
        words = ["".join(parts) for parts in itertools.product(syllables, repeat=length)]
        found += chooser.sample(words, min(len(words), n - len(found)))
    return found


class Writer:
    """Puts rows straight into the tables of a history that the program has made; nothing is synced."""

    def __init__(self, path: Path, seed: int = 6) -> None:
        Store.open(path).close()
        self._raw = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000"):
            self._raw.execute(f"PRAGMA {pragma}")
        self._chooser = random.Random(seed)
        self._words = vocabulary()
        self._weights = list(itertools.accumulate(1 / (n + 2) for n in range(len(self._words))))
        self._prompt = bytes(4 * PROMPT_IDS)
        self._top = bytes(8 * TOP_K)
        self._answers = 0

    def write(self, size: Size) -> None:
        """Everything, with the counts that the program keeps; triggers fill the search index."""
        self._raw.execute("BEGIN")
        self._insert("vocabulary", [(1, "synthetic", len(self._words))])
        self._insert("piece", [(1, n, word.encode()) for n, word in enumerate(self._words)])
        for number in range(1, size.sessions + 1):
            self._session(number)
        self._raw.execute(COUNT_SHIFTS.format(only=""))
        self._raw.execute("COMMIT")
        self._raw.close()

    def _session(self, number: int) -> None:
        began = BEGAN + APART * number
        session_id, leaf = new_id(), None
        title = " ".join(self._draw(6)).capitalize()
        pack = PACKS[number % len(PACKS)]
        side = f"demo@{pack or 'zero-shot'}"
        values = (number, session_id, title, side, stamp(began), stamp(began + APART / 2))
        self._insert("session", [values], "seq, id, title, side, created_at, updated_at")
        for turn in range(TURNS):
            time = stamp(began + APART / 2 * turn / TURNS)
            leaf = self._turn(session_id, leaf, time, side, pack)
        self._raw.execute(
            "UPDATE session SET leaf_id = ?, pinned = ?, archived = ?, deleted_at = ? WHERE seq = ?",
            (
                leaf,
                number % 500 == 0,
                number % 20 == 0,
                values[5] if number % 50 == 1 else None,
                number,
            ),
        )
        if number % 7 == 0:
            self._insert("session_tag", [(session_id, TAGS[number % len(TAGS)])])

    def _turn(
        self, session_id: str, parent: str | None, time: str, side: str, pack: str | None
    ) -> str:
        """A question and its answer; the answer's id."""
        self._answers += 1
        question_id, answer_id, seq = new_id(), new_id(), self._answers
        chosen = self._draw(ANSWER_TOKENS)
        if seq % 10_000 == 1:
            chosen[50] = RARE
        question = " ".join(self._draw(QUESTION_WORDS))
        answer = "".join(" " + word for word in chosen)
        self._insert(
            "message",
            [
                (question_id, session_id, parent, "user", question, "complete", time, time),
                (answer_id, session_id, question_id, "assistant", answer, "complete", time, time),
            ],
            "id, session_id, parent_id, role, content, status, created_at, closed_at",
        )
        generation = {
            "seq": seq, "id": new_id(), "message_id": answer_id, "created_at": time, "ended_at": time, "side": side,
            "model_path": f"/models/model-{seq % 5}.gguf", "adapter_scale": 1.0, "style": pack or "zero-shot",
            "pack_id": pack, "n_ctx": 4096, "prompt_ids": self._prompt, "temperature": 0.0, "top_k": 40, "top_p": 0.9,
            "seed": seq, "finish_reason": "stop", "prompt_tokens": PROMPT_IDS, "completion_tokens": ANSWER_TOKENS,
            "tokens_per_s": 20.0 + seq % 40, "first_token_s": 0.2, "decode_s": 2.0,
        }  # fmt: skip
        self._insert("generation", [tuple(generation.values())], ", ".join(generation))
        self._insert(
            "token",
            (
                (seq, i, 1000 + i, f" {word}".encode(), f" {word}", len(word) + 1, 0, 0)
                for i, word in enumerate(chosen)
            ),
        )
        if seq % SCORED == 0:
            self._trace(seq, answer_id, time, side)
            self._judgement(seq, answer_id, time)
        return answer_id

    def _trace(self, seq: int, answer_id: str, time: str, side: str) -> None:
        common = "seq, id, message_id, generation_seq, path, created_at, ended_at, complete, top_k, vocabulary_seq"
        row = (seq, new_id(), answer_id, seq, "live", time, time, 1, TOP_K, 1, len(self._words))
        self._insert("trace", [row], f"{common}, n_common")
        sides = ((2 * seq, -1, "generator", side), (2 * seq + 1, 0, "reference", "demo@chat"))
        self._insert(
            "trace_side",
            [(*s, seq, "/models/model-0.gguf", 1.0, "chat", self._prompt, 4096) for s in sides],
            "seq, number, role, side, trace_seq, model_path, adapter_scale, style, prompt_ids, n_ctx",
        )
        chosen = self._chooser.choices(
            range(len(self._words)), cum_weights=self._weights, k=ANSWER_TOKENS
        )
        self._insert(
            "scored_token",
            ((seq, i, token, 0, 0, -0.5, 1.25, 1, self._top) for i, token in enumerate(chosen)),
        )
        ranks = self._chooser.choices((1, 2, 5), weights=(78, 14, 8), k=ANSWER_TOKENS)
        self._insert(
            "reference_token",
            (
                (2 * seq + 1, i, -0.75, 1.5, rank, 0.5, rank, 0.5, 0.25, self._top)
                for i, rank in enumerate(ranks)
            ),
        )

    def _judgement(self, seq: int, answer_id: str, time: str) -> None:
        judge = (
            seq,
            new_id(),
            answer_id,
            time,
            "model",
            "judge@chat",
            "key",
            "just-eval",
            1,
            "hash",
            "ok",
        )
        names = "seq, id, message_id, created_at, judge_kind, judge, judge_key, rubric, rubric_version, rubric_hash"
        self._insert("judgement", [judge], f"{names}, outcome")
        self._insert(
            "judgement_score",
            [
                (seq, n, aspect, "ok", self._chooser.randint(1, 5))
                for n, aspect in enumerate(ASPECTS)
            ],
            "judgement_seq, number, aspect, outcome, score",
        )

    def _draw(self, n: int) -> list[str]:
        return self._chooser.choices(self._words, cum_weights=self._weights, k=n)

    def _insert(self, table: str, rows: Iterable[tuple[Any, ...]], columns: str = "") -> None:
        first, rows = _peek(rows)
        names = f" ({columns})" if columns else ""
        self._raw.executemany(
            f"INSERT INTO {table}{names} VALUES ({', '.join('?' * len(first))})", rows
        )


def _peek(rows: Iterable[tuple[Any, ...]]) -> tuple[tuple[Any, ...], Iterator[tuple[Any, ...]]]:
    iterator = iter(rows)
    first = next(iterator)
    return first, itertools.chain([first], iterator)
