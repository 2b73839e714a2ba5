"""Traces made by hand for tests of the inspector: every number in them is given, nothing is random."""

import math
from collections.abc import Sequence

from urial_tui.chat.pair import PairStatus, ReferenceStatus
from urial_tui.shift.records import GeneratorScore, ReferenceScore, TokenScore
from urial_tui.store.types import Trace, TracePath, TraceSide, TraceStart
from urial_tui.ui.inspect.trace_view import TraceView

GENERATOR = "demo@urial-general"
REFERENCE = "demo@zero-shot"
NOISE = 0.05


def log(share: float) -> float:
    return math.log(share) if share else -math.inf


def reference_score(
    rank: int = 1,
    *,
    written_rank: int | None = None,
    margin: float = 1.0,
    kl: float | None = 0.41,
    p: float = 0.29,
    top: tuple[tuple[int, float], ...] = (),
    given: bool = False,
) -> ReferenceScore:
    """`rank` of the generator's argmax; `given`: there was no generator."""
    return ReferenceScore(
        logprob=log(p),
        entropy=2.31,
        rank=written_rank if written_rank is not None else rank,
        emitted_margin=margin,
        argmax_rank=None if given else rank,
        margin=None if given else margin,
        kl=None if given else kl,
        top=top or ((101, log(0.37)), (100, log(p)), (102, log(0.004))),
    )


def token(
    i: int,
    id_: int = 100,
    *scores: ReferenceScore | None,
    top: tuple[tuple[int, float], ...] = (),
    generator: bool = True,
    control: bool = False,
    cut: bool = False,
) -> TokenScore:
    own = GeneratorScore(
        logprob=log(0.58),
        entropy=1.2,
        rank=1,
        top=top or ((id_, log(0.58)), (101, log(0.11)), (103, log(0.02))),
    )
    references = scores or (reference_score(),)
    return TokenScore(i, id_, own if generator else None, references, control, cut)


PIECES = {
    100: b" benefits",
    101: b" reasons",
    102: b"\n",
    103: b"\t\tways",
    104: "散歩の効果".encode(),
    105: b"\xe2\x82",
    106: "\x1b[31mred\x9b\u202eevil\u200b".encode(),
    107: b"<end_of_turn>",
}


def trace(
    scores: Sequence[TokenScore] = (),
    *,
    references: tuple[str, ...] = (REFERENCE,),
    generator: str | None = GENERATOR,
    noise: float | None = NOISE,
    null_rate: float | None = 0.0,
    path: TracePath = "live",
    complete: bool = True,
    pieces: dict[int, bytes] | None = None,
    name: str = "t1",
) -> Trace:
    start = TraceStart(
        path=path,
        top_k=10,
        vocabulary="v",
        n_vocab=262_144,
        n_common=262_144,
        generator=_side("generator", generator) if generator is not None else None,
        references=tuple(_side("reference", side, noise, null_rate) for side in references),
    )
    return Trace(
        name,
        f"m-{name}",
        "2026-03-01T10:00:00.000Z",
        complete,
        start,
        tuple(scores),
        PIECES if pieces is None else pieces,
    )


def _side(
    role: str, side: str, noise: float | None = None, null_rate: float | None = None
) -> TraceSide:
    return TraceSide(
        role=role,  # type: ignore[arg-type]
        side=side,
        model_path="/models/demo.gguf",
        model_sha256=None,
        adapter_path=None,
        adapter_sha256=None,
        adapter_scale=1.0,
        style="zero-shot",
        pack_id=None,
        pack_hash=None,
        template_hash=None,
        prompt_ids=(2,),
        n_ctx=4096,
        noise=noise,
        null_rate=null_rate,
    )


def answer(n: int = 57) -> list[TokenScore]:
    """An answer of `n` tokens: every 7th marginal, every 11th shifted (some near ties), the first one shifted."""
    scores = []
    for i in range(n):
        rank = 9 if i % 11 == 0 else 2 if i % 7 == 0 else 1
        margin = 0.01 if i % 22 == 0 else 1.0
        scores.append(
            token(i, 100 + i % 5, reference_score(rank, margin=margin, kl=(i % 13) / 10 + 0.02))
        )
    return scores


def view(n: int = 57, *, running: bool = False) -> TraceView:
    return TraceView(trace(answer(n)), running=running)


def pair(
    status: ReferenceStatus | None = None, *, generator: str = GENERATOR, scoring: bool = True
) -> PairStatus:
    ready = ReferenceStatus(REFERENCE, "ready", noise=NOISE, null_rate=0.0)
    return PairStatus(generator, (status or ready,), scoring)
