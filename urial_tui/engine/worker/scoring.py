"""Scoring while an answer is written (the live path): each reference decodes the same tokens, a batch at a time.

The generator's rows come from its own decoding and are copied into a small ring; the row that predicts a token is the
reference's row after the token before it. At most MOST rows a side are held, never one for each token of the context.
What fails on a reference's side ends that reference, never the answer.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from urial_tui.engine import protocol as wire
from urial_tui.engine.worker.context import Context
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.model import Model
from urial_tui.engine.worker.prefix import PrefixCache
from urial_tui.engine.worker.prompting import constant_ids, prompt_ids
from urial_tui.engine.worker.statistics import GetRow, Scores, Statistics
from urial_tui.shift.records import TokenScore
from urial_tui.shift.statistics import Row

BATCHES = (4, 8, 16)
"""Sizes of a batch. Fewer than 4 tokens take llama.cpp's one-row kernels, which round otherwise and cost as much as
writing the tokens did; above 16 little is gained and the reader waits. Multiples of 8 suit its kernels best."""
LAG_S = 0.4
"""No token should wait longer for its class; a batch is planned to fit, with what drawing it on the screen takes."""
_SCREEN_S = 0.06
_PATIENCE_S = 1.0
"""After a stop, the tokens still waiting are scored when that takes no longer."""

Send = Callable[[wire.Event], None]


@dataclass
class LiveReference:
    """One reference with its prompt in the cache. `unfed` is the token that was scored but not decoded yet (none at
    the beginning: the prompt's own last row then predicts the first token)."""

    number: int
    context: Context
    unfed: list[int] = field(default_factory=list)
    failed: bool = False

    def mark(self) -> tuple[int, list[int]]:
        """Where this reference is, for `go_back`."""
        return len(self.context.ids), list(self.unfed)

    def go_back(self, mark: tuple[int, list[int]]) -> None:
        """Forget what was decoded since; a reference that cannot is at its end."""
        n, unfed = mark
        lost = len(self.context.ids) < n or not self.context.trim(n)
        self.failed = self.failed or lost or not unfed  # the prompt's own row is gone
        self.unfed = unfed

    def rows(self, tokens: list[int]) -> GetRow:
        """Decode so that there is a row for each of `tokens`; gives row k, valid until the next call."""
        fed = self.unfed + tokens[:-1]
        first = self.context.logits() if not self.unfed else None
        if not fed:
            self.unfed = tokens[-1:]
            assert first is not None
            return [first].__getitem__
        check_known(self.context, fed)
        held = first.copy() if first is not None else None  # the decode overwrites it
        self.context.decode(fed, outputs=len(fed))
        self.unfed = tokens[-1:]
        rows = self.context.logit_rows(len(fed))  # (len(fed), n_vocab)
        if held is None:
            return lambda k: rows[k]
        return lambda k: held if k == 0 else rows[k - 1]


def start_scoring(
    request: wire.Generate,
    scoring: wire.Scoring,
    ids: list[int],
    context: Context,
    caches: Sequence[PrefixCache | Fault],
    send: Send,
    cancelled: Callable[[], bool],
) -> tuple["LiveScorer", float]:
    """Bring each reference's prompt into its context; the scorer, and the seconds that took. Raises Cancelled.

    `ids` is the generator's prompt, `caches` one entry for each of `scoring.references`.
    """
    began = time.monotonic()
    number = request.request
    live: list[LiveReference | None] = []
    prompts: list[tuple[int, ...]] = []
    for k, (reference, cache) in enumerate(zip(scoring.references, caches, strict=True)):
        try:
            if isinstance(cache, Fault):
                raise cache
            own = reference_ids(cache.context, reference, ids)
            constant = constant_ids(cache.context.model, reference.prompt or wire.Prompt(), own)
            cache.fill(
                own,
                constant,
                lambda done, total: send(wire.Progress(number, "reference", done, total)),
                cancelled,
            )
        except Fault as fault:
            send(failure(number, k, fault))
            live.append(None)
            prompts.append(())
            continue
        live.append(LiveReference(k, cache.context))
        prompts.append(tuple(own))
    send(wire.ScoringStarted(number, tuple(prompts)))
    scorer = LiveScorer(
        number,
        context.model,
        live,
        send,
        top_k=scoring.top_k,
        n_threads=context.n_threads,
    )
    return scorer, time.monotonic() - began


def reference_ids(context: Context, reference: wire.Reference, ids: Sequence[int]) -> list[int]:
    """The reference's prompt, `ids` for `same`. Raises Fault when it cannot be used."""
    own = list(ids) if reference.prompt is None else prompt_ids(context.model, reference.prompt)
    if not own:
        raise Fault("prompt", "the reference's prompt is empty")
    if any(not 0 <= token < context.model.n_vocab for token in own):
        raise Fault("vocabulary", "the prompt has a token that the reference does not know")
    if len(own) >= context.n_ctx:
        raise Fault(
            "context-full",
            f"the reference's prompt has {len(own)} tokens and its context holds {context.n_ctx}",
            "Choose a shorter style for the reference, or raise n_ctx.",
        )
    return own


class LiveScorer:
    """Feed it each drawn token with the generator's row (`observe`) and each one that was told (`told`), in order."""

    def __init__(
        self,
        request: int,
        model: Model,
        references: list[LiveReference | None],
        send: Send,
        *,
        top_k: int,
        n_threads: int,
    ) -> None:
        self._request = request
        self._references = references
        self._send = send
        commons = [
            min(model.n_vocab, reference.context.model.n_vocab) if reference else model.n_vocab
            for reference in references
        ]
        self._statistics = Statistics(commons or [model.n_vocab], top_k, n_threads)
        self._ring = np.empty((BATCHES[-1], model.n_vocab), np.float32)
        self._waiting: list[int] = []
        self._scored: deque[tuple[int, Scores]] = deque()
        self._told: deque[tuple[bool, bool]] = deque()
        self._pace = _Pace()
        self._out = ScoreWriter(request, model, send)
        self._decode_s = self._statistics_s = 0.0
        self._batches = 0

    def observe(self, token: int, row: Row) -> None:
        """`token` was drawn from `row`, the generator's raw logits."""
        np.copyto(self._ring[len(self._waiting)], row)
        self._waiting.append(token)
        self._pace.drawn()

    def told(self, *, control: bool, cut: bool) -> None:
        """The next drawn token is certainly part of the answer."""
        self._told.append((control, cut))

    def step(self) -> None:
        """Score what waits when it is enough for a batch; the first token of an answer at once."""
        if self._waiting and (not self._batches or len(self._waiting) >= self._pace.batch()):
            self._score()
        self._release()
        self._pace.mark()

    def finish(self, *, stopped: bool) -> None:
        """Score the rest (after a stop only when that is quick); tokens that were drawn and not told are dropped."""
        for reference in self._references:
            if reference is not None:
                reference.context.abort.clear()
        if self._waiting and not (stopped and self._pace.seconds(len(self._waiting)) > _PATIENCE_S):
            self._score()
        self._release()

    def close(self) -> None:
        self._statistics.close()

    def timings(self, prefill_s: float) -> wire.ScoreTimings:
        return wire.ScoreTimings(
            prefill_s, self._decode_s, self._statistics_s, self._batches, self._out.sent
        )

    # --- inside -----------------------------------------------------------------------------------------------------

    def _score(self) -> None:
        tokens, self._waiting = self._waiting, []
        began = time.monotonic()
        marks = [reference.mark() if reference else None for reference in self._references]
        try:
            rows = [self._rows(reference, tokens) for reference in self._references]
        except BaseException:
            # Cancelled in the middle: some references may have decoded the batch, it will come again.
            self._waiting = tokens
            for reference, mark in zip(self._references, marks, strict=True):
                if reference is not None and mark is not None:
                    reference.go_back(mark)
            raise
        decoded = time.monotonic()
        scores = self._statistics.score(tokens, self._ring.__getitem__, rows)
        ended = time.monotonic()
        if self._statistics.generator_is_broken(tokens, scores):
            self._end_all(generator_not_numbers())
        for number in self._statistics.broken(tokens, rows, scores):
            self._end(number, NOT_NUMBERS)
        self._scored.extend(zip(tokens, scores, strict=True))
        self._batches += 1
        self._decode_s += decoded - began
        self._statistics_s += ended - decoded
        self._pace.scored(len(tokens), ended - began)

    def _rows(self, reference: LiveReference | None, tokens: list[int]) -> GetRow | None:
        if reference is None or reference.failed:
            return None
        try:
            return reference.rows(tokens)
        except Fault as fault:
            self._end(reference.number, fault)
            return None

    def _end(self, number: int, fault: Fault) -> None:
        reference = self._references[number]
        if reference is not None:
            reference.failed = True
        self._send(failure(self._request, number, fault))

    def _end_all(self, fault: Fault) -> None:
        """Nothing can be compared any more; the first reason is told."""
        live = [reference for reference in self._references if reference and not reference.failed]
        for reference in live:
            reference.failed = True
        if live:
            self._send(failure(self._request, -1, fault))

    def _release(self) -> None:
        ready = []
        while self._told and self._scored:
            control, cut = self._told.popleft()
            token, (generator, references) = self._scored.popleft()
            ready.append((token, generator, references, control, cut))
        self._out.send(
            [
                TokenScore(self._out.sent + k, token, generator, references, control, cut)
                for k, (token, generator, references, control, cut) in enumerate(ready)
            ]
        )


class ScoreWriter:
    """Sends scores in order, with the bytes of each token id the first time that a list of alternatives names it."""

    def __init__(self, request: int, model: Model, send: Send) -> None:
        self._request, self._model, self._send = request, model, send
        self._named: set[int] = set()
        self.sent = 0

    def send(self, scores: list[TokenScore]) -> None:
        if not scores:
            return
        pieces: dict[int, bytes] = {}
        for score in scores:
            ids = [score.id]
            for side in (score.generator, *score.references):
                if side is not None:
                    ids += [id_ for id_, _ in side.top]
            for id_ in ids:
                if id_ not in self._named:
                    self._named.add(id_)
                    pieces[id_] = self._model.piece(id_)
        self.sent += len(scores)
        self._send(wire.Scored(self._request, tuple(scores), pieces))


class _Pace:
    """Chooses the batch size: the largest one whose first token still has its class within LAG_S."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._token_s = 0.0
        self._score_s = 0.0

    def mark(self) -> None:
        """The loop begins with its next token."""
        self._since = time.monotonic()

    def scored(self, tokens: int, seconds: float) -> None:
        if tokens >= BATCHES[0]:
            self._score_s = _smooth(self._score_s, seconds / tokens)

    def drawn(self) -> None:
        """The loop has drawn its next token."""
        if self._since is not None:
            self._token_s = _smooth(self._token_s, time.monotonic() - self._since)

    def seconds(self, tokens: int) -> float:
        """What scoring that many takes."""
        return tokens * (self._score_s or self._token_s)

    def batch(self) -> int:
        each = self._score_s or self._token_s / 2
        fitting = [n for n in BATCHES if (n - 1) * self._token_s + n * each + _SCREEN_S <= LAG_S]
        return max(fitting, default=BATCHES[0])


def _smooth(old: float, new: float) -> float:
    return new if not old else 0.8 * old + 0.2 * new


NOT_NUMBERS = Fault(
    "not-numbers",
    "the reference's logits are not numbers",
    "Its file may be damaged; try another one.",
)


def generator_not_numbers() -> Fault:
    """A new one each time: a fault that was raised holds on to what it passed through."""
    return Fault(NOT_NUMBERS.kind, "the generator's logits are not numbers", NOT_NUMBERS.hint)


def check_known(context: Context, tokens: Sequence[int]) -> None:
    """Raise Fault for a token that the model does not have: an added one at the end of another's vocabulary."""
    if any(token >= context.model.n_vocab for token in tokens):
        raise Fault(
            "vocabulary", "the answer goes on after a token that this reference does not have"
        )


def failure(request: int, number: int, fault: Fault) -> wire.ReferenceFailed:
    return wire.ReferenceFailed(request, number, fault.kind, fault.message, fault.hint)
