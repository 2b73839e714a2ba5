"""A comparison as seen from its other side: judges, people, the board and the history may call either answer A."""

from dataclasses import replace

from urial_tui.store.judging.types import Comparison, Pick, Winner

_OTHER: dict[Winner | None, Winner | None] = {"a": "b", "b": "a", "tie": "tie", None: None}


def flipped(comparison: Comparison) -> Comparison:
    """The same comparison with its answers the other way round: what was B is A."""
    return replace(
        comparison,
        message_a=comparison.message_b,
        message_b=comparison.message_a,
        words_a=comparison.words_b,
        words_b=comparison.words_a,
        prompts=comparison.prompts[::-1],
        shortened={
            {"a": "b", "b": "a"}.get(name, name): counts
            for name, counts in comparison.shortened.items()
        },
        picks=tuple(_flipped(pick) for pick in comparison.picks),
    )


def _flipped(pick: Pick) -> Pick:
    """`second` is the order in which the new A was shown first; a person has seen one order, which stays the first."""
    both = pick.second is not None or pick.p_second is not None
    first, second = (pick.second, pick.first) if both else (pick.first, None)
    p_first, p_second = (pick.p_second, pick.p_first) if both else (pick.p_first, None)
    return replace(
        pick,
        winner=_OTHER[pick.winner],
        first=_OTHER[first],
        second=_OTHER[second],
        p_first=None if p_first is None else 1.0 - p_first,
        p_second=None if p_second is None else 1.0 - p_second,
        reasons=pick.reasons[::-1],
    )
