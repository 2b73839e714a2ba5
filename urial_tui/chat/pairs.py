"""Which sides are worth comparing with which, from the notation alone. No file is looked at."""

from urial_tui.chat.pair import Pair
from urial_tui.prompts.styles import DEFAULT_PACK
from urial_tui.sides import CHAT, DEMO, RAW, RESERVED_STYLES, ZERO_SHOT, Side, parse_side

DEMO_ADAPTER = "sft"
"""The adapter that comes with the embedded model and makes it follow instructions."""


def default_references(generator: str) -> tuple[str, ...]:
    """The references of a generator when nobody chose any.

    A base model with a pack: the same model without the pack. A model aligned by an adapter: the model without it.
    """
    side = parse_side(generator)
    if side.adapter is not None:
        return (_written(side, RAW),) if side.style in {None, CHAT} else ()
    return () if side.style in RESERVED_STYLES else (_written(side, ZERO_SHOT),)


def suggested_pairs(generator: str, pack: str = DEFAULT_PACK) -> tuple[Pair, ...]:
    """The pairs to go through with a key, for the model (and the adapter) of `generator`."""
    side = parse_side(generator)
    pairs = [
        Pair(_written(side, pack), (_written(side, ZERO_SHOT),), "the pack against no examples")
    ]
    if side.model != DEMO:
        pairs.append(
            Pair(_written(side, ZERO_SHOT), (_written(side, RAW),), "headings against raw text")
        )
    adapted = [side] if side.adapter is not None else []
    if side.model == DEMO and side.adapter != DEMO_ADAPTER:
        adapted.insert(0, Side(DEMO, DEMO_ADAPTER))
    for aligned in adapted:
        pairs.append(
            Pair(
                str(aligned.with_style(CHAT)),
                (_written(side, RAW),),
                f"{aligned.adapter} against the base model",
            )
        )
    return tuple(pairs)


def _written(side: Side, style: str) -> str:
    """The base model of `side` with another style."""
    return str(Side(side.model, style=style))
