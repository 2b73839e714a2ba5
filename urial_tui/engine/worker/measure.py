"""How much a model's own rounding moves its log-probabilities on this machine: one by one against in batches.

The two ways take other kernels, and quantised activations amplify the difference; neither is nearer to the weights in
full precision. What it moves is the width of a near tie.
"""

import time
from collections.abc import Callable

import numpy as np

from urial_tui.engine import protocol as wire
from urial_tui.engine.worker.canonical import (
    BORDER,
    CHUNK,
    LEAST,
    BorderStates,
    Side,
    score,
)
from urial_tui.engine.worker.context import Context
from urial_tui.engine.worker.faults import Cancelled, Fault
from urial_tui.engine.worker.scoring import Send
from urial_tui.shift.statistics import Row, RowScorer

N_CTX = 1024
"""Enough for the text; contexts of their own leave the conversation's cache as it is."""
TOKENS = 256
"""Positions that are compared."""
_SKIP = 32
"""Tokens of context before the first of them."""
_PERCENTILE = 99.0


def measure(
    request: wire.Measure,
    context: Context,
    twin: Context,
    ids: list[int],
    send: Send,
    cancelled: Callable[[], bool],
) -> None:
    """Run one Measure request in two contexts of the same side. Raises Fault, Cancelled."""
    began = time.monotonic()
    whole, ids = ids, ids[: min(_SKIP + TOKENS + 1, context.n_ctx)]
    if len(ids) < _SKIP + LEAST:
        raise Fault("prompt", "the text to measure with is too short")
    n = len(ids) - _SKIP - 1
    for each in (context, twin):
        each.clear()
        each.decode(ids[:_SKIP])
    scorer = RowScorer([context.model.n_vocab], 4)
    margins: list[float] = []
    divergences: list[float] = []
    changed = 0
    for start in range(0, n, CHUNK):
        chunk = ids[_SKIP + start : _SKIP + min(start + CHUNK, n)]
        twin.decode(chunk, outputs=len(chunk))
        batched = twin.logit_rows(len(chunk))
        for k, token in enumerate(chunk):
            if cancelled():
                raise Cancelled
            context.decode((token,), outputs=1)
            moved, kl, differs = _compare(scorer, context.logits(), batched[k])
            margins += moved
            divergences.append(kl)
            changed += differs
        send(wire.Progress(request.request, "measure", start + len(chunk), n))
    send(
        wire.Measured(
            request.request,
            noise=float(np.percentile(margins, _PERCENTILE)),
            mean_kl=float(np.mean(divergences)),
            changed=changed / n,
            null_rate=_null_rate(request.request, context, twin, whole, cancelled),
            tokens=n,
            seconds=time.monotonic() - began,
        )
    )


def _compare(scorer: RowScorer, single: Row, batched: Row) -> tuple[list[float], float, bool]:
    """How far the margins moved that decide a class (best against second, third against fourth, by the batched order),
    KL(single || batched), and whether the class of single's argmax is another one. Raises Fault for what is no number.
    """
    best = int(np.argmax(single))
    _, (other,) = scorer.score(best, single, [batched])
    if other is None or other.kl is None:
        raise Fault(
            "not-numbers", "the model's logits are not numbers", "The model file may be damaged."
        )
    order = [id_ for id_, _ in other.top]
    moved = [
        abs(float(single[a] - single[b]) - float(batched[a] - batched[b]))
        for a, b in ((order[0], order[1]), (order[2], order[3]))
    ]
    return moved, other.kl, other.argmax_rank != 1


def _null_rate(
    number: int, context: Context, twin: Context, ids: list[int], cancelled: Callable[[], bool]
) -> float:
    """Share of tokens that are not unshifted when the side is scored against itself canonically.

    Where the text is long enough, its prompt passes a border: one side computes the state there, the other takes it.
    """
    longer = len(ids) >= BORDER + 2 * CHUNK
    cut = BORDER + LEAST if longer else _SKIP
    prompt, answer = tuple(ids[:cut]), tuple(ids[cut : min(cut + TOKENS, context.n_ctx)])
    states = BorderStates()
    seen = shifted = 0

    def count(event: wire.Event) -> None:
        nonlocal seen, shifted
        if isinstance(event, wire.Scored):
            for token in event.scores:
                reference = token.references[0]
                seen += 1
                shifted += reference is None or reference.argmax_rank != 1

    sides = [
        Side(wire.Reference(wire.ContextSpec(""), wire.Prompt(ids=prompt)), each, states)
        for each in (context, twin)
    ]
    request = wire.Score(number, sides[0].reference, (sides[1].reference,), answer, top_k=4)
    score(request, sides[0], [sides[1]], count, cancelled)
    if cancelled():
        raise Cancelled
    return shifted / max(1, seen)
