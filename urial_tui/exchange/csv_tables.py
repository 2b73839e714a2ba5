"""Conversations as tables for other programs: messages, tokens with their classes, scores. A file a table.

Texts that begin like a formula are marked as texts, so that what is read back is not always what was written: the
lossless form is jsonl.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, get_args

from urial_tui.exchange.conversations import chosen, messages_of
from urial_tui.exchange.csv_cells import csv_line
from urial_tui.exchange.exports import Document, Export, Names, Wanted
from urial_tui.exchange.selecting import wanted_judges
from urial_tui.exchange.sources import Source, side_of
from urial_tui.shift.classes import Lane, is_near_tie, token_class
from urial_tui.shift.records import ReferenceScore, TokenScore
from urial_tui.store.types import Message, Session, Token, Trace

Row = tuple[object, ...]

MESSAGES: Final = (
    "session_id", "title", "run_id", "tags", "message_id", "parent_id", "role", "side", "status", "content", "prefill",
    "error", "created_at", "model", "model_sha256", "pack", "temperature", "seed", "finish_reason", "prompt_tokens",
    "completion_tokens",
)  # fmt: skip
TOKENS: Final = (
    "session_id", "message_id", "i", "token_id", "text", "hex", "control", "cut", "generator", "generator_logprob",
    "generator_entropy", "generator_rank", "path", "reference", "reference_number", "class", "emitted_class",
    "near_tie", "kl", "argmax_rank", "reference_logprob", "reference_entropy", "reference_rank",
)  # fmt: skip
SCORES: Final = (
    "session_id", "run_id", "message_id", "side", "judge_kind", "judge", "judge_key", "rubric", "rubric_version",
    "rubric_hash", "aspect", "outcome", "score", "expected", "spread", "reason", "blind", "own", "created_at",
)  # fmt: skip
_CLASS, _EMITTED = get_args(Lane)


def export(source: Source, wanted: Wanted) -> Export:
    """Raises ExchangeError: `no-side`, `no-judge`, `nothing`."""
    tables: dict[
        str, tuple[Sequence[str], Callable[[Session, Sequence[Message]], Iterator[Row]]]
    ] = {
        "messages": (MESSAGES, lambda session, its: _messages(source, session, its)),
        "tokens": (TOKENS, lambda session, its: _tokens(source, session, its)),
        "scores": (SCORES, _scores_by(source, wanted)),
    }
    names = Names()
    ids = chosen(source, wanted)
    return Export(
        tuple(
            Document(
                names.make(source.name, name, extension=".csv"),
                _Table(source, wanted, ids, rows),
                None,
                {"kind": name},
                csv_line(columns),
            )
            for name, (columns, rows) in tables.items()
            if wanted.what in ("all", name)
        )
    )


class _Table:
    """The lines of a table, read while they are written: a history may not fit into memory."""

    def __init__(
        self,
        source: Source,
        wanted: Wanted,
        ids: Sequence[str],
        rows: Callable[[Session, Sequence[Message]], Iterator[Row]],
    ) -> None:
        self._source, self._wanted, self._ids, self._rows = source, wanted, ids, rows

    def __iter__(self) -> Iterator[bytes]:
        for id_ in self._ids:
            session = self._source.store.session(id_)
            messages = messages_of(self._source.store, session, self._wanted)
            for row in self._rows(session, messages):
                yield csv_line(row)


def _messages(source: Source, session: Session, messages: Sequence[Message]) -> Iterator[Row]:
    for message in messages:
        found = source.store.generation_of(message.id) if message.role == "assistant" else None
        start, end = (found.start, found.end) if found is not None else (None, None)
        yield (
            session.id,
            session.title,
            session.run_id,
            " ".join(session.tags),
            message.id,
            message.parent_id,
            message.role,
            side_of(source.store, message, session) if message.role == "assistant" else "",
            message.status,
            message.content,
            message.prefill,
            message.error,
            message.created_at,
            start.model_path if start else None,
            start.model_sha256 if start else None,
            start.pack_id if start else None,
            start.sampling.get("temperature") if start else None,
            end.seed if end else None,
            end.finish_reason if end else None,
            end.prompt_tokens if end else None,
            end.completion_tokens if end else None,
        )


def _tokens(source: Source, session: Session, messages: Sequence[Message]) -> Iterator[Row]:
    """A row for each token and reference; one without a reference where the answer was not scored."""
    for message in messages:
        if message.role != "assistant":
            continue
        trace = source.store.trace_of(message.id)
        scores = {score.i: score for score in trace.scores} if trace is not None else {}
        for token in source.store.tokens(message.id):
            head = (session.id, message.id, token.i, token.token_id, _text(token), token.raw.hex())
            flags = (token.control, token.cut)
            score = scores.get(token.i)
            if trace is None or score is None:
                yield (*head, *flags, *[None] * (len(TOKENS) - len(head) - len(flags)))
                continue
            mine = _generator(trace, score)
            for number in range(len(trace.start.references)):
                yield (*head, *flags, *mine, *_reference(trace, score, number))


def _text(token: Token) -> str:
    return token.raw.decode("utf-8", "replace")


def _generator(trace: Trace, score: TokenScore) -> Row:
    side = trace.start.generator.side if trace.start.generator is not None else None
    own = score.generator
    if own is None:
        return (side, None, None, None)
    return (side, own.logprob, own.entropy, own.rank)


def _reference(trace: Trace, token: TokenScore, number: int) -> Row:
    side = trace.start.references[number]
    score: ReferenceScore | None = token.references[number]
    head = (trace.start.path, side.side, number)
    if score is None:
        return (*head, token_class(token, number, _CLASS), *[None] * 7)
    return (
        *head,
        token_class(token, number, _CLASS),
        token_class(token, number, _EMITTED),
        None if token.control else is_near_tie(score, side.noise),
        score.kl,
        score.argmax_rank,
        score.logprob,
        score.entropy,
        score.rank,
    )


def _scores_by(
    source: Source, wanted: Wanted
) -> Callable[[Session, Sequence[Message]], Iterator[Row]]:
    keys = wanted_judges(source, wanted)

    def rows(session: Session, messages: Sequence[Message]) -> Iterator[Row]:
        answers = {message.id: message for message in messages if message.role == "assistant"}
        sides = {id_: side_of(source.store, message, session) for id_, message in answers.items()}
        for judgement in source.store.judgements(message_ids=list(answers), texts=False):
            if keys is not None and judgement.judge.key not in keys:
                continue
            for score in judgement.scores:
                yield (
                    session.id,
                    session.run_id,
                    judgement.message_id,
                    sides[judgement.message_id],
                    judgement.judge.kind,
                    judgement.judge.judge,
                    judgement.judge.key,
                    judgement.rubric.id,
                    judgement.rubric.version,
                    judgement.rubric.hash,
                    score.aspect,
                    score.outcome,
                    score.score,
                    score.expected,
                    score.spread,
                    score.reason,
                    judgement.blind,
                    judgement.own,
                    judgement.created_at,
                )

    return rows
