"""Making a conversation fit the context: the oldest whole turns are left out, and how many is said."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from urial_tui.chat.active import ActiveSide, as_prompt
from urial_tui.engine.api import Engine
from urial_tui.errors import EngineError
from urial_tui.prompts.types import Rendered, Turn
from urial_tui.store.types import Message

MIN_ROOM = 16
"""Fewer tokens than these are not worth starting an answer for."""


@dataclass(frozen=True)
class Fitted:
    """`dropped` question-and-answer turns were left out of `rendered`; it has `prompt_tokens` tokens."""

    rendered: Rendered
    prompt_tokens: int
    dropped: int


def as_turns(messages: Sequence[Message]) -> list[Turn]:
    """The branch as rendering wants it: alternating, from user to user.

    An answer that is empty (it failed before its first token) is left out together with its question, and so is a
    question that was never answered: the later question stands for it.
    """
    turns: list[Turn] = []
    for message in messages:
        if message.role == "user":
            if turns and turns[-1].role == "user":
                turns.pop()
            turns.append(Turn("user", message.content))
        elif message.content and turns and turns[-1].role == "user":
            turns.append(Turn("assistant", message.content))
    return turns


def answer_room(max_tokens: int, n_ctx: int) -> int:
    """Tokens to keep free for the answer: what may be written, but at most a quarter of the context."""
    return max(MIN_ROOM, min(max_tokens, n_ctx // 4))


async def fit(
    engine: Engine,
    side: ActiveSide,
    turns: Sequence[Turn],
    n_ctx: int,
    max_tokens: int,
    *,
    prefill: str = "",
    at_least: int = 0,
) -> Fitted:
    """Render the turns, leaving out as many of the oldest as needed, at least `at_least` (what was left out before
    stays left out). Raises EngineError "context-full" when the last question alone does not fit."""
    room = answer_room(max_tokens, n_ctx)
    pairs = (len(turns) - 1) // 2
    dropped = min(at_least, pairs)
    while True:
        rendered = await asyncio.to_thread(side.style.render, turns[2 * dropped :], prefill)
        count = len((await engine.tokenize(side.spec, as_prompt(rendered))).ids)
        if count + room <= n_ctx:
            return Fitted(rendered, count, dropped)
        if dropped < pairs:
            dropped += 1
            # Leave out a little more at once, so that it does not happen again at each turn.
            room = max(room, n_ctx // 3)
            continue
        if count + MIN_ROOM <= n_ctx:
            return Fitted(rendered, count, dropped)
        raise EngineError(
            f"the message is too long: the prompt has {count} tokens and the context holds {n_ctx}",
            hint="Shorten the message, choose a shorter pack, or raise n_ctx in the settings.",
            kind="context-full",
        )
