"""Going on from where an answer ended, with the very tokens that were stored: nothing is tokenised again."""

from collections.abc import Sequence
from dataclasses import dataclass

from urial_tui.chat.active import ActiveSide
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import GenerationStart, Message, Token


@dataclass(frozen=True)
class Resumption:
    """An answer's exact prompt and tokens; a token that a stop had cut is left out, and so are control tokens. `begun`
    is the beginning of the answer that the prompt holds already."""

    message_id: str
    prompt_ids: tuple[int, ...]
    begun: str
    tokens: tuple[Token, ...]
    dropped: int
    ended: bool
    """The model ended the answer itself, by a stop or an end-of-generation token."""
    forced: tuple[int, ...] = ()
    """Tokens to write next, in place of drawn ones."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The whole prompt of the continuation."""
        return self.prompt_ids + tuple(token.token_id for token in self.tokens)

    @property
    def raw(self) -> bytes:
        """The answer so far, as bytes."""
        return self.begun.encode() + b"".join(token.raw[: token.visible] for token in self.tokens)

    @property
    def text(self) -> str:
        """The answer so far; half a character at its end comes back with the next token."""
        return self.raw.decode("utf-8", "ignore")


async def resumption(
    store: AsyncStore, answer: Message, active: ActiveSide, n_ctx: int
) -> Resumption | None:
    """None when the answer cannot be resumed token by token (another model, adapter or prompt wrote it, or the context
    is too small for it): the caller then lets its text begin the new answer."""
    generation = await store.call(Store.generation_of, answer.id)
    if generation is None:
        return None
    start = generation.start
    stored = await store.call(Store.tokens, answer.id)
    tokens = _going_on(stored)
    if not is_writer(active, start) or len(start.prompt_ids) + len(tokens) + 1 >= n_ctx:
        return None
    ended = generation.end is not None and generation.end.finish_reason in {"stop", "eog"}
    begun = beginning(answer, stored)
    return Resumption(answer.id, start.prompt_ids, begun, tokens, start.dropped_turns, ended)


def _going_on(stored: Sequence[Token]) -> tuple[Token, ...]:
    """Without what ended the answer; a control token in its middle is part of what the model saw."""
    kept = list(stored)
    while kept and (kept[-1].cut or kept[-1].control):
        kept.pop()
    return tuple(kept)


def is_writer(active: ActiveSide, start: GenerationStart) -> bool:
    """Whether the side is the one that wrote that generation."""
    return (
        start.model_path == active.spec.model_path
        and start.model_sha256 in {None, active.model_sha256}
        and start.adapter_path == active.spec.adapter_path
        and start.adapter_scale == active.spec.adapter_scale
        and start.style == active.style.id
        and start.pack_hash == active.style.hash
        and start.template_hash == active.style.template_hash
    )


def beginning(answer: Message, tokens: Sequence[Token]) -> str:
    """What of the answer was there before its first token. The content may end with a mark for half a character."""
    content, written = answer.content, "".join(token.text for token in tokens)
    for text in (content, content[:-1]):
        if text.endswith(written):
            return text[: len(text) - len(written)]
    return ""
