"""Traces made by hand, for tests of what shows them: ranks, entropies and divergences that the test chooses."""

from collections.abc import Mapping, Sequence
from typing import Any

from urial_tui.shift.records import GeneratorScore, ReferenceScore, TokenScore
from urial_tui.store.types import Trace, TraceSide, TraceStart

RANK = {"u": 1, "m": 2, "s": 9}
"""unshifted, marginal, shifted"""


def side(name: str, role: Any = "reference", **changes: Any) -> TraceSide:
    values: dict[str, Any] = {
        "role": role,
        "side": name,
        "model_path": "demo.gguf",
        "model_sha256": None,
        "adapter_path": None,
        "adapter_sha256": None,
        "adapter_scale": 1.0,
        "style": "zero-shot",
        "pack_id": None,
        "pack_hash": None,
        "template_hash": None,
        "prompt_ids": (2, 105),
        "n_ctx": 4096,
    }
    return TraceSide(**{**values, **changes})


def empty_trace(
    message_id: str,
    *,
    references: Sequence[str] = ("demo@zero-shot",),
    path: Any = "live",
    noise: float | None = None,
    scores: Sequence[TokenScore] = (),
    pieces: Mapping[int, bytes] | None = None,
    complete: bool = True,
) -> Trace:
    start = TraceStart(
        path,
        10,
        "v",
        1000,
        1000,
        side("demo@urial-general", "generator"),
        tuple(side(name, noise=noise) for name in references),
    )
    return Trace(
        f"t-{message_id}",
        message_id,
        "2026-03-01T10:00:00.000Z",
        complete,
        start,
        tuple(scores),
        dict(pieces or {}),
    )


def reference_score(kind: str, **changes: Any) -> ReferenceScore | None:
    """`kind`: u, m or s; "-" for no score; two letters when the emitted class is another one ("su")."""
    if kind == "-":
        return None
    argmax, emitted = RANK[kind[0]], RANK[kind[-1]]
    values: dict[str, Any] = {
        "logprob": -0.5 * emitted,
        "entropy": 1.5,
        "rank": emitted,
        "emitted_margin": 0.5,
        "argmax_rank": argmax,
        "margin": 0.5,
        "kl": 0.1 * argmax,
        "top": ((7, -0.4), (8, -1.5), (9, -2.5)),
    }
    return ReferenceScore(**{**values, **changes})


def score(
    i: int,
    *kinds: str,
    id: int | None = None,
    entropy: float = 1.2,
    control: bool = False,
    **changes: Any,
) -> TokenScore:
    """A score against one reference for each of `kinds`. The id is 100 + i unless it is given."""
    own = 100 + i if id is None else id
    generator = GeneratorScore(-0.3, entropy, 1, ((own, -0.3), (7, -1.4), (8, -2.6)))
    return TokenScore(
        i, own, generator, tuple(reference_score(kind, **changes) for kind in kinds), control
    )


def scores_of(kinds: str, first: int = 0) -> tuple[TokenScore, ...]:
    """A score for each letter, against one reference."""
    return tuple(score(first + i, kind) for i, kind in enumerate(kinds))


def pieces_of(texts: Sequence[str | bytes], first: int = 0) -> dict[int, bytes]:
    """The pieces of tokens with the ids that `scores_of` gives them."""
    return {
        100 + first + i: text.encode() if isinstance(text, str) else text
        for i, text in enumerate(texts)
    }
