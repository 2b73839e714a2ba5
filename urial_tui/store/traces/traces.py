"""Traces: the token records of an answer, written while they arrive, each append whole or not at all.

A score in which a number is NaN is no score: that side has none for the token. Log-probabilities in `top` are kept in
single precision, as the engine computes them. `reading` reads what is written here.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, TypeGuard

from urial_tui.errors import StoreError
from urial_tui.shift.records import Alternatives, GeneratorScore, ReferenceScore, TokenScore
from urial_tui.store.database import locks
from urial_tui.store.database.connection import Connection
from urial_tui.store.database.ids import new_id, now, storable
from urial_tui.store.database.json_columns import to_json
from urial_tui.store.messages.messages import get as get_message
from urial_tui.store.traces import shift_totals
from urial_tui.store.traces.generations import pack_context, pack_ids
from urial_tui.store.types import TraceSide, TraceStart

GENERATOR = -1
"""`trace_side.number` of the generator; references count from 0."""

_PAIR = "if"
"""One alternative in `top`: token id as int32, log-probability as float32, little-endian."""


def begin(db: Connection, message_id: str, start: TraceStart) -> str:
    """Write which sides score the answer `message_id`; returns the id of the trace.

    Raises StoreError: `not-found`, or `session-locked` while another program writes the session.
    """
    trace_id = new_id()
    with db.transaction():
        locks.guard(db, get_message(db, message_id).session_id)
        db.execute(
            "INSERT INTO vocabulary (fingerprint, n_vocab) VALUES (?, ?) ON CONFLICT (fingerprint) DO NOTHING",
            (start.vocabulary, start.n_vocab),
        )
        db.execute(
            "INSERT INTO trace (id, message_id, generation_seq, path, created_at, top_k, vocabulary_seq, n_common, "
            "versions) VALUES (?, ?, (SELECT max(seq) FROM generation WHERE message_id = ?), ?, ?, ?, "
            "(SELECT seq FROM vocabulary WHERE fingerprint = ?), ?, ?)",
            (
                trace_id,
                message_id,
                message_id,
                start.path,
                now(),
                start.top_k,
                start.vocabulary,
                start.n_common,
                to_json(start.versions),
            ),
        )
        seq = find(db, trace_id).seq
        if start.generator is not None:
            _add_side(db, seq, GENERATOR, start.generator)
        for number, side in enumerate(start.references):
            _add_side(db, seq, number, side)
    return trace_id


def append(
    db: Connection, trace_id: str, scores: Sequence[TokenScore], pieces: Mapping[int, bytes]
) -> None:
    """Add scores and the bytes of ids in them. A score of a token that has one takes its place.

    Raises StoreError (`not-found`) for a trace, or a reference of it, that is not there.
    """
    with db.transaction():
        trace = find(db, trace_id)
        references = _reference_seqs(db, trace.seq)
        shift_totals.forget(db, trace.seq)
        db.executemany(
            "INSERT OR IGNORE INTO piece (vocabulary_seq, token_id, raw) VALUES (?, ?, ?)",
            [(trace.vocabulary_seq, id_, raw) for id_, raw in pieces.items()],
        )
        db.executemany(
            "INSERT OR REPLACE INTO scored_token (trace_seq, i, token_id, control, cut, logprob, entropy, rank, top) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (trace.seq, t.i, t.id, t.control, t.cut, *_generator_row(t.generator))
                for t in scores
            ],
        )
        present: list[tuple[Any, ...]] = []
        missing: list[tuple[int, int]] = []
        for token in scores:
            for number, score in enumerate(token.references):
                if number >= len(references):
                    raise _no_reference(trace_id, number)
                key = (references[number], token.i)
                if _is_whole(score):
                    present.append((*key, *_reference_row(score)))
                else:
                    missing.append(key)
        db.executemany("DELETE FROM reference_token WHERE side_seq = ? AND i = ?", missing)
        db.executemany(
            "INSERT OR REPLACE INTO reference_token (side_seq, i, logprob, entropy, rank, emitted_margin, "
            "argmax_rank, margin, kl, top) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            present,
        )


def fail_reference(db: Connection, trace_id: str, reference: int, message: str) -> None:
    """Note why scores of a reference are missing. -1: of all references that have not failed by themselves before.

    Raises StoreError (`not-found`).
    """
    with db.transaction():
        seq = find(db, trace_id).seq
        if reference == GENERATOR:
            db.execute(
                "UPDATE trace_side SET error = ? WHERE trace_seq = ? AND role = 'reference' AND error = ''",
                (storable(message), seq),
            )
        elif not db.execute(
            "UPDATE trace_side SET error = ? WHERE trace_seq = ? AND role = 'reference' AND number = ?",
            (storable(message), seq, reference),
        ):
            raise _no_reference(trace_id, reference)


def set_noise(
    db: Connection, trace_id: str, reference: int, noise: float | None, null_rate: float | None
) -> None:
    """Write what was measured for a reference after the trace had begun. Raises StoreError (`not-found`)."""
    with db.transaction():
        seq = find(db, trace_id).seq
        if not db.execute(
            "UPDATE trace_side SET noise = ?, null_rate = ? WHERE trace_seq = ? AND role = 'reference' AND number = ?",
            (noise, null_rate, seq, reference),
        ):
            raise _no_reference(trace_id, reference)


def finish(db: Connection, trace_id: str, *, complete: bool, timings: Mapping[str, float]) -> None:
    """Close a trace and count its classes. `complete`: every token of the answer has been scored.

    Raises StoreError (`not-found`).
    """
    with db.transaction():
        seq = find(db, trace_id).seq
        db.execute(
            "UPDATE trace SET ended_at = ?, complete = ?, timings = ? WHERE seq = ?",
            (now(), complete, to_json(dict(timings)), seq),
        )
        message_id = db.value("SELECT message_id FROM trace WHERE seq = ?", (seq,))
        shift_totals.count(db, message_id)


def copy_scores(db: Connection, from_trace_id: str, to_trace_id: str, n: int) -> None:
    """Copy the scores of the first `n` tokens, each reference's to the one with the same number.

    For an answer that begins with tokens of another one, under the same sides: that is for the caller to know. Raises
    StoreError: `not-found`, or `vocabulary` when the ids of the two traces do not mean the same.
    """
    with db.transaction():
        source, target = find(db, from_trace_id), find(db, to_trace_id)
        if source.vocabulary_seq != target.vocabulary_seq:
            raise StoreError(
                f"the traces {from_trace_id} and {to_trace_id} are of different vocabularies",
                kind="vocabulary",
            )
        shift_totals.forget(db, target.seq)
        columns = "i, token_id, control, cut, logprob, entropy, rank, top"
        db.execute(
            f"INSERT OR REPLACE INTO scored_token (trace_seq, {columns}) "
            f"SELECT ?, {columns} FROM scored_token WHERE trace_seq = ? AND i < ?",
            (target.seq, source.seq, n),
        )
        columns = "i, logprob, entropy, rank, emitted_margin, argmax_rank, margin, kl, top"
        pairs = zip(_reference_seqs(db, source.seq), _reference_seqs(db, target.seq), strict=False)
        for theirs, ours in pairs:
            db.execute(
                f"INSERT OR REPLACE INTO reference_token (side_seq, {columns}) "
                f"SELECT ?, {columns} FROM reference_token WHERE side_seq = ? AND i < ?",
                (ours, theirs, n),
            )


@dataclass(frozen=True)
class Keys:
    """Row numbers of a trace."""

    seq: int
    vocabulary_seq: int


def find(db: Connection, trace_id: str) -> Keys:
    """Raises StoreError (`not-found`)."""
    row = db.row("SELECT seq, vocabulary_seq FROM trace WHERE id = ?", (trace_id,))
    if row is None:
        raise StoreError(f"there is no trace {storable(trace_id)}", kind="not-found")
    return Keys(row["seq"], row["vocabulary_seq"])


def pack_top(top: Alternatives) -> bytes:
    return struct.pack("<" + _PAIR * len(top), *_flat(top))


def unpack_top(blob: bytes) -> Alternatives:
    size = struct.calcsize("<" + _PAIR)
    return tuple(struct.iter_unpack("<" + _PAIR, blob[: len(blob) // size * size]))


def _flat(top: Alternatives) -> Iterator[float]:
    for id_, logprob in top:
        yield id_
        yield logprob


def _add_side(db: Connection, trace_seq: int, number: int, side: TraceSide) -> None:
    values: dict[str, Any] = {
        "trace_seq": trace_seq,
        "number": number,
        "role": side.role,
        "side": storable(side.side),
        "model_path": storable(side.model_path),
        "model_sha256": side.model_sha256,
        "adapter_path": None if side.adapter_path is None else storable(side.adapter_path),
        "adapter_sha256": side.adapter_sha256,
        "adapter_scale": side.adapter_scale,
        "style": storable(side.style),
        "pack_id": side.pack_id,
        "pack_hash": side.pack_hash,
        "template_hash": side.template_hash,
        "prompt_ids": pack_ids(side.prompt_ids),
        "n_ctx": side.n_ctx,
        "noise": side.noise,
        "null_rate": side.null_rate,
        "error": storable(side.error),
        "context": pack_context(side.context),
    }
    db.execute(
        f"INSERT INTO trace_side ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
        tuple(values.values()),
    )


def _reference_seqs(db: Connection, trace_seq: int) -> list[int]:
    rows = db.rows(
        "SELECT seq FROM trace_side WHERE trace_seq = ? AND role = 'reference' ORDER BY number",
        (trace_seq,),
    )
    return [row["seq"] for row in rows]


def _generator_row(score: GeneratorScore | None) -> tuple[Any, ...]:
    if score is None or _has_nan(score.top, score.logprob, score.entropy):
        return (None, None, None, None)
    return (score.logprob, score.entropy, score.rank, pack_top(score.top))


def _reference_row(score: ReferenceScore) -> tuple[Any, ...]:
    return (
        score.logprob,
        score.entropy,
        score.rank,
        score.emitted_margin,
        score.argmax_rank,
        score.margin,
        score.kl,
        pack_top(score.top),
    )


def _is_whole(score: ReferenceScore | None) -> TypeGuard[ReferenceScore]:
    return score is not None and not _has_nan(
        score.top, score.logprob, score.entropy, score.emitted_margin, score.margin, score.kl
    )


def _has_nan(top: Alternatives, *values: float | None) -> bool:
    return any(value is not None and isnan(value) for value in values) or any(
        isnan(logprob) for _, logprob in top
    )


def _no_reference(trace_id: str, reference: int) -> StoreError:
    return StoreError(f"trace {storable(trace_id)} has no reference {reference}", kind="not-found")
