"""Traces as values, and lists of them. Writes nothing; a side whose score is not whole has none."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from urial_tui.errors import StoreError
from urial_tui.shift.records import GeneratorScore, ReferenceScore, TokenScore
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.database.json_columns import texts
from urial_tui.store.traces.generations import unpack_context, unpack_ids
from urial_tui.store.traces.traces import GENERATOR, find, unpack_top
from urial_tui.store.types import Trace, TraceInfo, TraceSide, TraceStart

V = TypeVar("V")

_AT_ONCE = 500
"""Parameters of one query; SQLite may be built to allow 999."""


def load(db: Connection, trace_id: str) -> Trace:
    """Raises StoreError (`not-found`)."""
    row = db.row(
        "SELECT t.*, v.fingerprint, v.n_vocab FROM trace t JOIN vocabulary v ON v.seq = t.vocabulary_seq "
        "WHERE t.id = ?",
        (trace_id,),
    )
    if row is None:
        find(db, trace_id)
        raise StoreError(f"the vocabulary of trace {trace_id} is not there", kind="corrupt")
    sides = db.rows("SELECT * FROM trace_side WHERE trace_seq = ? ORDER BY number", (row["seq"],))
    scores = _scores(db, row["seq"], [side for side in sides if side["number"] != GENERATOR])
    return Trace(
        id=row["id"],
        message_id=row["message_id"],
        created_at=row["created_at"],
        complete=bool(row["complete"]),
        start=TraceStart(
            path=row["path"],
            top_k=row["top_k"],
            vocabulary=row["fingerprint"],
            n_vocab=row["n_vocab"],
            n_common=row["n_common"],
            generator=next((_side(side) for side in sides if side["number"] == GENERATOR), None),
            references=tuple(_side(side) for side in sides if side["number"] != GENERATOR),
            versions=json.loads(row["versions"]),
        ),
        scores=scores,
        pieces=_pieces(db, row["vocabulary_seq"], scores),
        timings=json.loads(row["timings"]),
    )


def of_message(db: Connection, message_id: str) -> Trace | None:
    """The trace that counts for a message: the newest complete one, else the newest with scores."""
    found = db.value("SELECT trace_id FROM shown_trace WHERE message_id = ?", (message_id,))
    return None if found is None else load(db, found)


def listed(db: Connection, message_id: str) -> list[TraceInfo]:
    """All traces of a message, the newest first."""
    found = []
    for row in db.rows(
        "SELECT t.*, (SELECT count(*) FROM scored_token s WHERE s.trace_seq = t.seq) AS n_scores "
        "FROM trace t WHERE t.message_id = ? ORDER BY t.seq DESC",
        (message_id,),
    ):
        sides = {
            side["number"]: side["side"]
            for side in db.rows(
                "SELECT number, side FROM trace_side WHERE trace_seq = ? ORDER BY number",
                (row["seq"],),
            )
        }
        found.append(
            TraceInfo(
                id=row["id"],
                path=row["path"],
                created_at=row["created_at"],
                complete=bool(row["complete"]),
                generator=sides.pop(GENERATOR, None),
                references=tuple(sides.values()),
                n_scores=row["n_scores"],
            )
        )
    return found


def having(db: Connection, message_ids: Iterable[str]) -> set[str]:
    """Those messages that have a trace with scores."""
    return {
        row["message_id"]
        for some in _chunks(list(message_ids))
        for row in db.rows(
            f"SELECT message_id FROM shown_trace WHERE message_id IN ({_marks(some)})", some
        )
    }


def scored_of_run(db: Connection, run_id: str) -> list[tuple[str, tuple[str, ...]]]:
    """(message, references) of each complete canonical trace of the run's answers."""
    return [
        (row["message_id"], texts(row["refs"]))
        for row in db.rows(
            "SELECT t.message_id, (SELECT json_group_array(side) FROM (SELECT side FROM trace_side "
            "WHERE trace_seq = t.seq AND number <> ? ORDER BY number)) AS refs FROM run_answer a "
            "JOIN trace t ON t.message_id = a.message_id "
            "WHERE a.run_id = ? AND t.path = 'canonical' AND t.complete ORDER BY t.seq",
            (GENERATOR, run_id),
        )
    ]


def _scores(db: Connection, trace_seq: int, references: Sequence[Row]) -> tuple[TokenScore, ...]:
    by_token: dict[int, list[ReferenceScore | None]] = defaultdict(lambda: [None] * len(references))
    for place, side in enumerate(references):
        for row in db.rows("SELECT * FROM reference_token WHERE side_seq = ?", (side["seq"],)):
            by_token[row["i"]][place] = ReferenceScore(
                logprob=row["logprob"],
                entropy=row["entropy"],
                rank=row["rank"],
                emitted_margin=row["emitted_margin"],
                argmax_rank=row["argmax_rank"],
                margin=row["margin"],
                kl=row["kl"],
                top=unpack_top(row["top"]),
            )
    return tuple(
        TokenScore(
            i=row["i"],
            id=row["token_id"],
            generator=_generator_score(row),
            references=tuple(by_token[row["i"]]),
            control=bool(row["control"]),
            cut=bool(row["cut"]),
        )
        for row in db.rows(
            "SELECT * FROM scored_token WHERE trace_seq = ? ORDER BY i", (trace_seq,)
        )
    )


def _generator_score(row: Row) -> GeneratorScore | None:
    if any(row[name] is None for name in ("logprob", "entropy", "rank", "top")):
        return None
    return GeneratorScore(row["logprob"], row["entropy"], row["rank"], unpack_top(row["top"]))


def _pieces(db: Connection, vocabulary_seq: int, scores: Iterable[TokenScore]) -> dict[int, bytes]:
    ids: set[int] = set()
    for token in scores:
        ids.add(token.id)
        for score in (token.generator, *token.references):
            if score is not None:
                ids.update(id_ for id_, _ in score.top)
    return {
        row["token_id"]: row["raw"]
        for some in _chunks(sorted(ids))
        for row in db.rows(
            f"SELECT token_id, raw FROM piece WHERE vocabulary_seq = ? AND token_id IN ({_marks(some)})",
            (vocabulary_seq, *some),
        )
    }


def _chunks(values: Sequence[V]) -> Iterator[Sequence[V]]:
    for first in range(0, len(values), _AT_ONCE):
        yield values[first : first + _AT_ONCE]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _side(row: Row) -> TraceSide:
    return TraceSide(
        role=row["role"],
        side=row["side"],
        model_path=row["model_path"],
        model_sha256=row["model_sha256"],
        adapter_path=row["adapter_path"],
        adapter_sha256=row["adapter_sha256"],
        adapter_scale=row["adapter_scale"],
        style=row["style"],
        pack_id=row["pack_id"],
        pack_hash=row["pack_hash"],
        template_hash=row["template_hash"],
        prompt_ids=unpack_ids(row["prompt_ids"]),
        n_ctx=row["n_ctx"],
        noise=row["noise"],
        null_rate=row["null_rate"],
        error=row["error"],
        context=unpack_context(row["context"]),
    )
