"""Keeping and telling the token records of one answer while they arrive, live or canonical.

Scores are told at once and written every FLUSH_SECONDS or FLUSH_TOKENS. Nothing here ever stands in the way of the
answer: a history that refuses costs the trace, and its end says so.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec

from urial_tui.chat.active import ActiveSide
from urial_tui.chat.events import ChatEvent, TokensScored, TraceEnded, TraceStarted
from urial_tui.chat.keeping import keep_writing
from urial_tui.chat.noise import Measurements
from urial_tui.chat.recorder import FLUSH_SECONDS, FLUSH_TOKENS
from urial_tui.chat.references import ActiveReference, CheckedReference, trace_side
from urial_tui.engine import protocol as wire
from urial_tui.errors import EngineError, StoreError, UrialError
from urial_tui.shift.records import TokenScore, with_finite_kl
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import Trace, TracePath, TraceSide, TraceStart

P = ParamSpec("P")
R = TypeVar("R")

TOP_K = 10


@dataclass(frozen=True)
class ReadyReference:
    """A reference whose context is open and whose vocabulary fits."""

    active: ActiveReference
    info: wire.ContextInfo
    checked: CheckedReference


@dataclass(frozen=True)
class ReadyPair:
    """What an answer is scored with. `info` is that of the generator's context."""

    generator: ActiveSide
    info: wire.ContextInfo
    references: tuple[ReadyReference, ...]
    measurements: Measurements

    def start(
        self,
        path: TracePath,
        generator_ids: tuple[int, ...],
        reference_ids: tuple[tuple[int, ...], ...],
        errors: dict[int, UrialError],
    ) -> TraceStart:
        """The provenance of a trace; the ids are the exact prompts, the answer not among them."""
        measured = self.measurements.get
        return TraceStart(
            path=path,
            top_k=TOP_K,
            vocabulary=self.references[0].checked.fingerprint,
            n_vocab=self.info.n_vocab,
            n_common=min(ref.checked.n_common for ref in self.references),
            generator=trace_side(
                "generator",
                self.generator,
                self.generator.style,
                generator_ids,
                self.info,
                measured(self.generator.spec),
            ),
            references=tuple(
                trace_side(
                    "reference",
                    ref.active.side,
                    ref.active.style,
                    ids,
                    ref.info,
                    measured(ref.active.spec),
                    errors[number].message if number in errors else "",
                )
                for number, (ref, ids) in enumerate(
                    zip(self.references, reference_ids, strict=True)
                )
            ),
            versions=dict(self.generator.versions),
        )


class TraceRecorder:
    """Owns one trace from `begin` to `finish`. `before_writing` is awaited before scores are written: their tokens go
    first. `offset` is the number of tokens that the answer had before the engine's own."""

    def __init__(
        self,
        store: AsyncStore,
        message_id: str,
        pair: ReadyPair,
        path: TracePath,
        listener: Callable[[ChatEvent], None],
        on_trouble: Callable[[StoreError], None],
        *,
        offset: int = 0,
        before_writing: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._store, self._message_id, self._pair, self._path = store, message_id, pair, path
        self._tell, self._on_trouble = listener, on_trouble
        self._offset, self._before_writing = offset, before_writing
        self._errors: dict[int, UrialError] = {}
        self._began: set[int] = set()
        """References that gave a score."""
        self._trace_id: str | None = None
        self._scored: set[int] = set()
        self._pending: list[TokenScore] = []
        self._pieces: dict[int, bytes] = {}
        self._flushed_at = time.monotonic()
        self._unwritable: StoreError | None = None

    async def begin(
        self,
        event: wire.ScoringStarted,
        generator_ids: tuple[int, ...],
        *,
        appended: int = 0,
        copy_from: str | None = None,
    ) -> None:
        """Write the provenance. The last `appended` ids of each prompt are the answer's own. With `copy_from`, another
        message's id, the scores of those tokens are taken from its trace, when it was made by the same sides."""
        ids = tuple(
            prompt[: max(0, len(prompt) - appended)] if appended else prompt
            for prompt in event.prompt_ids
        )
        start = self._pair.start(self._path, generator_ids, ids, self._errors)
        trace_id = await self._write(Store.begin_trace, self._message_id, start)
        if trace_id is None:
            return
        self._trace_id = trace_id
        if copy_from is not None and appended:
            await self._copy(copy_from, trace_id, start, appended)
        trace = await self._write(Store.trace, trace_id)
        if trace is not None:
            self._note(trace.scores)
            self._tell(TraceStarted(self._message_id, trace))

    async def reference_failed(self, event: wire.ReferenceFailed) -> None:
        """Note it; the others go on."""
        error = EngineError(event.message, hint=event.hint, kind=event.kind)
        numbers = range(len(self._pair.references)) if event.reference < 0 else [event.reference]
        for number in numbers:
            self._errors.setdefault(number, error)
        trace_id = self._trace_id
        if trace_id is not None:
            await self._flush()
            await self._write(Store.fail_reference, trace_id, event.reference, event.message)

    async def add(self, event: wire.Scored) -> None:
        """Tell the scores, and write them soon."""
        scores = tuple(
            msgspec.structs.replace(with_finite_kl(score), i=score.i + self._offset)
            for score in event.scores
        )
        if self._trace_id is not None:
            self._tell(TokensScored(self._message_id, scores, event.pieces))
        self._note(scores)
        self._pending.extend(scores)
        self._pieces.update(event.pieces)
        late = time.monotonic() - self._flushed_at >= FLUSH_SECONDS
        if late or len(self._pending) >= FLUSH_TOKENS:
            await self._flush()

    async def finish(
        self, n_tokens: int, timings: wire.ScoreTimings | None, error: UrialError | None = None
    ) -> None:
        """Write the end of a trace of an answer of `n_tokens`, and tell it. `error` is what ended the scoring."""
        await self._flush()
        trace_id = self._trace_id
        whole = self._scored >= set(range(n_tokens))
        # A reference that could not even begin (its context is too small, say) leaves the others' scores whole.
        others = not self._began & self._errors.keys()
        some = len(self._errors) < max(1, len(self._pair.references))
        complete = error is None and others and some and whole and self._unwritable is None
        spent: dict[str, Any] = msgspec.structs.asdict(timings) if timings is not None else {}
        if trace_id is not None:
            await self._write(Store.finish_trace, trace_id, complete=complete, timings=spent)
        trace = await stored_trace(self._store, self._message_id, trace_id)
        failure = error or self._unwritable or next(iter(self._errors.values()), None)
        self._tell(TraceEnded(self._message_id, trace, failure))

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _copy(self, message_id: str, trace_id: str, start: TraceStart, n: int) -> None:
        try:
            source = await _same_trace(self._store, message_id, start)
        except StoreError:
            return
        if source is not None:
            await self._write(Store.copy_scores, source, trace_id, n)

    def _note(self, scores: Sequence[TokenScore]) -> None:
        self._scored.update(score.i for score in scores)
        for score in scores:
            self._began.update(n for n, given in enumerate(score.references) if given is not None)

    async def _flush(self) -> None:
        scores, pieces = self._pending, self._pieces
        self._pending, self._pieces = [], {}
        self._flushed_at = time.monotonic()
        trace_id = self._trace_id
        if trace_id is None or not (scores or pieces):
            return
        if self._before_writing is not None:
            await self._before_writing()
        await self._write(Store.append_scores, trace_id, scores, pieces)

    async def _write(
        self, write: Callable[Concatenate[Store, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """None when the history refuses for good; the rest of the trace is then only told."""
        if self._unwritable is not None:
            return None
        try:
            return await keep_writing(self._store, self._on_trouble, write, *args, **kwargs)
        except StoreError as error:
            self._unwritable = error
            return None


async def stored_trace(store: AsyncStore, message_id: str, trace_id: str | None) -> Trace | None:
    """The trace when it is complete, else the one that counts for the message; None when there is none to read."""
    try:
        if trace_id is not None:
            trace = await store.call(Store.trace, trace_id)
            if trace.complete and trace.scores:
                return trace
        return await store.call(Store.trace_of, message_id)
    except StoreError:
        return None


async def _same_trace(store: AsyncStore, message_id: str, start: TraceStart) -> str | None:
    """The newest trace of the message that was made on the same path by the same sides with the same prompts."""
    for info in await store.call(Store.traces_of, message_id):
        if info.path != start.path or not info.n_scores:
            continue
        other = (await store.call(Store.trace, info.id)).start
        sides = (start.generator, *start.references)
        others = (other.generator, *other.references)
        if (
            (other.vocabulary, other.top_k) == (start.vocabulary, start.top_k)
            and len(sides) == len(others)
            and all(_same_side(one, two) for one, two in zip(sides, others, strict=True))
        ):
            return info.id
    return None


def _same_side(one: TraceSide | None, two: TraceSide | None) -> bool:
    """Whether the records of both mean the same. A hash that was not known yet says nothing against it. Contexts of
    other options give other numbers; which those of an older row were, nobody knows."""
    if one is None or two is None:
        return one is two
    if not (one.prompt_ids and two.prompt_ids):
        return False
    hashes = (
        (one.model_sha256, two.model_sha256),
        (one.adapter_sha256, two.adapter_sha256),
    )
    blank: dict[str, Any] = {
        "model_sha256": None, "adapter_sha256": None, "side": "", "n_ctx": 0,
        "noise": None, "null_rate": None, "error": "",
    }  # fmt: skip
    known_differ = any(a is not None and b is not None and a != b for a, b in hashes)
    return not known_differ and replace(one, **blank) == replace(two, **blank)
