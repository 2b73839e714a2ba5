"""Classes of token shift, by rank (arXiv 2312.01552, section 2): 1 unshifted, 2 or 3 marginal, above 3 shifted."""

from typing import Literal

from urial_tui.shift.records import ReferenceScore, TokenScore

Class = Literal["unshifted", "marginal", "shifted", "control"]
Lane = Literal["class", "emitted"]
"""`class` ranks the generator's argmax (the paper's definition: sampling does not enter), `emitted` the written token;
the two agree under greedy decoding."""

UNSHIFTED_RANK = 1
MARGINAL_RANK = 3
COUNTED: tuple[Class, ...] = ("unshifted", "marginal", "shifted")


def class_of_rank(rank: int) -> Class:
    if rank <= UNSHIFTED_RANK:
        return "unshifted"
    return "marginal" if rank <= MARGINAL_RANK else "shifted"


def reference_class(score: ReferenceScore, lane: Lane = "class") -> Class:
    """The class by that lane; a text scored without a generator has the emitted one only."""
    if lane == "class" and score.argmax_rank is not None:
        return class_of_rank(score.argmax_rank)
    return class_of_rank(score.rank)


def deciding_margin(score: ReferenceScore, lane: Lane = "class") -> float:
    """Distance in log-probability to the competitor that decides the class, >= 0."""
    if lane == "class" and score.margin is not None:
        return score.margin
    return score.emitted_margin


def is_near_tie(score: ReferenceScore, noise: float | None, lane: Lane = "class") -> bool | None:
    """Whether the class could fall the other way within the measured noise; None while the noise is not known."""
    return None if noise is None else deciding_margin(score, lane) < noise


def token_class(token: TokenScore, reference: int, lane: Lane = "class") -> Class | None:
    """The class of a token against one reference; None where that reference has no score for it."""
    if token.control:
        return "control"
    score = token.references[reference] if reference < len(token.references) else None
    return None if score is None else reference_class(score, lane)
