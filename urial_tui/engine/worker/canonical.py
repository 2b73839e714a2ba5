"""Scoring a given answer (the canonical path): every side teacher-forced, in the same batches, on a clean cache.

The bits of a logit row depend on how the tokens before it were grouped into batches and on where their cells lie. Here
both follow from the token ids alone: the prompt goes in from position 0 in the model's own chunk size; at every BORDER
the state is saved and put back, whether it was just computed or kept from another answer; then the answer follows in
chunks of CHUNK. A side that is scored against itself therefore gets the very same numbers.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from urial_tui.engine import protocol as wire
from urial_tui.engine.worker.context import Context
from urial_tui.engine.worker.faults import Cancelled, Fault
from urial_tui.engine.worker.model import Model
from urial_tui.engine.worker.prefix import chunk_size
from urial_tui.engine.worker.prompting import span_ids
from urial_tui.engine.worker.scoring import (
    NOT_NUMBERS,
    ScoreWriter,
    Send,
    check_known,
    failure,
    generator_not_numbers,
    reference_ids,
)
from urial_tui.engine.worker.statistics import GetRow, Statistics
from urial_tui.shift.records import TokenScore

CHUNK = 32
"""Answer tokens of one decode."""
LEAST = 8
"""A shorter last chunk is joined to the one before; a shorter answer goes with the last tokens of the prompt."""
BORDER = 512
"""Prompt tokens between the points where a state is kept."""
_KEPT_BYTES = 256 * 1024 * 1024


class BorderStates:
    """States of one context at multiples of BORDER, in memory, the least recently used dropped."""

    def __init__(self) -> None:
        self._states: dict[tuple[int, ...], bytes] = {}

    def longest(self, ids: list[int], upto: int) -> tuple[int, bytes]:
        """(length, state) of the longest kept beginning of `ids` of at most `upto` tokens; (0, b"") without one."""
        for n in range(upto // BORDER * BORDER, 0, -BORDER):
            state = self._states.pop(tuple(ids[:n]), None)
            if state is not None:
                self._states[tuple(ids[:n])] = state
                return n, state
        return 0, b""

    def keep(self, ids: list[int], state: bytes) -> None:
        """A state larger than all that may be kept is not."""
        if len(state) > _KEPT_BYTES:
            return
        self._states[tuple(ids)] = state
        while sum(map(len, self._states.values())) > _KEPT_BYTES:
            del self._states[next(iter(self._states))]


def row_chunks(n_answer: int) -> list[tuple[int, int]]:
    """Ranges of answer tokens that are scored together, the same for every side of a request."""
    found = [(a, min(a + CHUNK, n_answer)) for a in range(0, n_answer, CHUNK)]
    if len(found) > 1 and found[-1][1] - found[-1][0] < LEAST:
        last = found.pop()
        found[-1] = (found[-1][0], last[1])
    return found


def pieces(n: int, size: int) -> list[tuple[int, int]]:
    """How the first `n` tokens are cut: at every BORDER, and between borders every `size` tokens."""
    cuts = [
        a for border in range(0, n, BORDER) for a in range(border, min(border + BORDER, n), size)
    ]
    return list(zip(cuts, [*cuts[1:], n], strict=True)) if n else []


def head_of(n_prompt: int, n_first: int, size: int) -> int:
    """How many prompt tokens go in before the first chunk of answer rows, which holds `n_first` of them.

    The last prompt token's row predicts the first answer token, so it belongs to that chunk; further ones do when
    otherwise one of the two decodes would have fewer than LEAST tokens.
    """
    head = max(0, min(n_prompt - 1, n_prompt - 1 + n_first - LEAST))
    cut = pieces(head, size)
    return cut[-1][0] if cut and cut[-1][1] - cut[-1][0] < LEAST else head


@dataclass
class Forced:
    """One side of a Score request. `number` -1 is the generator. `fed` answer rows were computed."""

    number: int
    context: Context
    states: BorderStates
    ids: list[int]
    fed: int = 0
    failed: bool = False

    def fill(
        self, n: int, on_progress: Callable[[int, int], None], cancelled: Callable[[], bool]
    ) -> None:
        """Decode the first `n` prompt tokens on a clean cache."""
        context, ids = self.context, self.ids[:n]
        context.clear()
        done, state = self.states.longest(ids, n)
        if done:
            self._restore(state, ids[:done])
        for start, end in pieces(n, chunk_size(context)):
            if end <= done:
                continue
            if cancelled():
                raise Cancelled
            context.decode(ids[start:end])
            if end % BORDER == 0:
                state = context.save_state()
                self.states.keep(ids[:end], state)
                self._restore(state, ids[:end])
            on_progress(end, n)

    def _restore(self, state: bytes, ids: list[int]) -> None:
        if not self.context.restore_state(state, ids):
            raise Fault(
                "decode", "llama.cpp does not take its own state back", "See the engine log."
            )

    def rows(self, answer: list[int], upto: int) -> GetRow:
        """Decode on until answer token `upto` - 1 is predicted; gives row k of the tokens since the last call."""
        start = len(self.context.ids)
        end = len(self.ids) - 1 + upto
        n = upto - self.fed
        fed = (self.ids + answer)[start:end]
        check_known(self.context, fed)
        self.context.decode(fed, outputs=n)
        self.fed = upto
        rows = self.context.logit_rows(n)  # (n, n_vocab)
        return lambda k: rows[k]


def answer_ids(context: Context, request: wire.Score) -> list[int]:
    """The tokens to score. Raises Fault for none, and for ids outside the vocabulary."""
    model = context.model
    ids = list(request.tokens)
    if not ids and request.text:
        ids = text_ids(model, request.text)
    if not ids:
        raise Fault("empty-answer", "there is no token to score", "Give an answer that has text.")
    if any(not 0 <= token < model.n_vocab for token in ids):
        raise Fault("vocabulary", "the answer has a token id outside the model's vocabulary")
    return ids


def text_ids(model: Model, text: str) -> list[int]:
    """The text's ids as it stands behind a prompt: without the space that some tokenizers put before a first word."""
    ids = span_ids(model, (wire.Span(text, user=True),))
    if b"".join(model.piece(token) for token in ids) != b" " + text.encode():
        return ids
    newline = span_ids(model, (wire.Span("\n"),))
    behind = span_ids(model, (wire.Span("\n"), wire.Span(text, user=True)))
    found = behind[len(newline) :]
    whole = b"".join(model.piece(token) for token in found) == text.encode()
    return found if behind[: len(newline)] == newline and whole else ids


@dataclass(frozen=True)
class Side:
    """Where a side of a request runs."""

    reference: wire.Reference
    context: Context
    states: BorderStates


def score(
    request: wire.Score,
    generator: Side | None,
    references: list[Side | Fault],
    send: Send,
    cancelled: Callable[[], bool],
) -> None:
    """Run one Score request to its ScoreFinished event. Raises Fault when nothing can be scored."""
    first = generator or next((side for side in references if isinstance(side, Side)), None)
    if first is None:
        raise (
            next(side for side in references if isinstance(side, Fault))
            if references
            else Fault("protocol", "nothing to score with")
        )
    tokens = answer_ids(first.context, request)
    own = reference_ids(first.context, first.reference, ()) if generator else []
    sides: list[Forced] = []
    if generator is not None:
        sides.append(Forced(-1, generator.context, generator.states, own))
        _fits(sides[0], tokens)
    prompts: list[tuple[int, ...]] = [()] * len(references)
    for k, side in enumerate(references):
        try:
            if isinstance(side, Fault):
                raise side
            ids = reference_ids(side.context, side.reference, own)
            forced = Forced(k, side.context, side.states, ids)
            _fits(forced, tokens)
        except Fault as fault:
            send(failure(request.request, k, fault))
            continue
        prompts[k] = tuple(ids)
        sides.append(forced)
    run = _Run(request, first.context, sides, len(references), tokens, send, cancelled)
    try:
        run.prefill(tuple(prompts), tuple(own))
        run.score()
        stopped = False
    except Cancelled:
        stopped = True
    finally:
        run.close()
    send(wire.ScoreFinished(request.request, run.timings(), stopped))


def _fits(side: Forced, tokens: list[int]) -> None:
    need = len(side.ids) + len(tokens)
    if need > side.context.n_ctx:
        who = "generator" if side.number < 0 else "reference"
        raise Fault(
            "context-full",
            f"prompt and answer have {need} tokens and the {who}'s context holds {side.context.n_ctx}",
            "Choose a shorter style, or raise n_ctx.",
        )


class _Run:
    """All sides of one request, chunk by chunk: only the rows of one chunk of each side exist at a time."""

    def __init__(
        self,
        request: wire.Score,
        context: Context,
        sides: list[Forced],
        n_references: int,
        tokens: list[int],
        send: Send,
        cancelled: Callable[[], bool],
    ) -> None:
        self._request = request
        self._model = context.model
        self._sides = sides
        self._n_references = n_references
        self._tokens = tokens
        self._send = send
        self._cancelled = cancelled
        n_vocab = {side.number: side.context.model.n_vocab for side in sides}
        whole = n_vocab.get(-1, context.model.n_vocab)
        commons = [min(whole, n_vocab.get(number, whole)) for number in range(n_references)]
        self._statistics = Statistics(commons or [whole], request.top_k, context.n_threads)
        self._out = ScoreWriter(request.request, context.model, send)
        self._prefill_s = self._decode_s = self._statistics_s = 0.0
        self._batches = 0

    def prefill(self, prompts: tuple[tuple[int, ...], ...], own: tuple[int, ...]) -> None:
        """Everything before the first row that is wanted."""
        number = self._request.request
        began = time.monotonic()
        n_first = row_chunks(len(self._tokens))[0][1]
        for side in self._sides:
            side.fill(
                head_of(len(side.ids), n_first, chunk_size(side.context)),
                lambda done, total: self._send(wire.Progress(number, "prefill", done, total)),
                self._cancelled,
            )
        self._prefill_s = time.monotonic() - began
        self._send(
            wire.ScoringStarted(
                number,
                prompts,
                own,
                tuple(self._tokens),
                tuple(self._model.piece(token) for token in self._tokens),
            )
        )

    def score(self) -> None:
        """All chunks. Raises Cancelled between two of them, Fault when the generator's side fails."""
        for start, end in row_chunks(len(self._tokens)):
            if self._cancelled():
                raise Cancelled
            began = time.monotonic()
            rows = {
                side.number: found
                for side in self._sides
                if not side.failed and (found := self._rows(side, end)) is not None
            }
            if not rows:
                return
            decoded = time.monotonic()
            self._compare(start, end - start, rows)
            self._decode_s += decoded - began
            self._statistics_s += time.monotonic() - decoded
            self._batches += 1
            self._send(wire.Progress(self._request.request, "score", end, len(self._tokens)))

    def _rows(self, side: Forced, upto: int) -> GetRow | None:
        try:
            return side.rows(self._tokens, upto)
        except Fault as fault:
            if side.number < 0:
                raise
            side.failed = True
            self._send(failure(self._request.request, side.number, fault))
            return None

    def _compare(self, done: int, n: int, rows: dict[int, GetRow]) -> None:
        tokens = self._tokens[done : done + n]
        others = [rows.get(k) for k in range(self._n_references)]
        found = self._statistics.score(tokens, rows.get(-1), others)
        if -1 in rows and self._statistics.generator_is_broken(tokens, found):
            raise generator_not_numbers()
        broken = self._statistics.broken(tokens, others, found, alone=-1 not in rows)
        for side in self._sides:
            if side.number in broken:
                side.failed = True
                self._send(failure(self._request.request, side.number, NOT_NUMBERS))
        self._out.send(
            [
                TokenScore(
                    done + k, tokens[k], generator, references, self._model.is_control(tokens[k])
                )
                for k, (generator, references) in enumerate(found)
            ]
        )

    def timings(self) -> wire.ScoreTimings:
        return wire.ScoreTimings(
            self._prefill_s, self._decode_s, self._statistics_s, self._batches, self._out.sent
        )

    def close(self) -> None:
        self._statistics.close()
