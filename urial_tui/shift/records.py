"""The token records of a trace, as they travel from the engine, are stored, shown and exported. Values only.

A record of token o_t holds what each side's raw distribution (softmax of the logits, before samplers) at position
t-1 says about it. Log-probabilities, entropies and divergences are in nats; ranks count from 1.
"""

from math import isfinite

import msgspec

Alternatives = tuple[tuple[int, float], ...]
"""(token id, log-probability), most probable first."""


class GeneratorScore(msgspec.Struct, frozen=True, array_like=True):
    """The generator's own view of a token. `top[0]` is its argmax."""

    logprob: float
    entropy: float
    rank: int
    top: Alternatives

    @property
    def argmax_id(self) -> int:
        return self.top[0][0]


class ReferenceScore(msgspec.Struct, frozen=True, array_like=True):
    """One reference's view of a token.

    `rank` is that of the written token, `argmax_rank` that of the generator's argmax (None: a text scored without a
    generator), `kl` is KL(P_gen || P_ref) over the full common vocabulary (None without a generator). `margin` and
    `emitted_margin` are the distances in log-probability between the ranked token and the competitor that decides its
    class; below the reference's measured noise the class is a near tie.
    """

    logprob: float
    entropy: float
    rank: int
    emitted_margin: float
    argmax_rank: int | None
    margin: float | None
    kl: float | None
    top: Alternatives


class TokenScore(msgspec.Struct, frozen=True, array_like=True):
    """One token of the answer. A side that has no score for it (its context was full, its logits were not numbers) is
    None. `control`: an end-of-turn or control token; `cut`: a stop text began inside it. Neither is counted."""

    i: int
    id: int
    generator: GeneratorScore | None
    references: tuple[ReferenceScore | None, ...]
    control: bool = False
    cut: bool = False

    @property
    def counted(self) -> bool:
        return not (self.control or self.cut)


def with_finite_kl(score: TokenScore) -> TokenScore:
    """Without a divergence that is infinite (the reference excludes what the generator does not): one such token must
    not make a mean infinite."""
    if all(ref is None or ref.kl is None or isfinite(ref.kl) for ref in score.references):
        return score
    finite = tuple(
        ref
        if ref is None or ref.kl is None or isfinite(ref.kl)
        else msgspec.structs.replace(ref, kl=None)
        for ref in score.references
    )
    return msgspec.structs.replace(score, references=finite)
