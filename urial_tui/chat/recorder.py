"""Writing one answer to the history while it streams, without ever standing in its way.

Tokens are collected and written every FLUSH_SECONDS or FLUSH_TOKENS. When the disk refuses, the history goes on in
memory; `on_trouble` is told why.
"""

import time
from collections.abc import Callable

from urial_tui.chat.keeping import keep_writing
from urial_tui.engine import protocol as wire
from urial_tui.errors import StoreError
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import GenerationEnd, GenerationStart, Message, Status, Token

FLUSH_SECONDS = 0.25
FLUSH_TOKENS = 32


class Recorder:
    """Owns the answer's row from `begin_generation` to `finish`. `n_tokens` is how many it has, copied ones too."""

    def __init__(
        self, store: AsyncStore, answer: Message, on_trouble: Callable[[StoreError], None]
    ) -> None:
        self._store = store
        self._on_trouble = on_trouble
        self.message = answer
        self.n_tokens = 0
        self._generation: str | None = None
        self._pending: list[Token] = []
        self._pending_text: list[str] = []
        self._flushed_at = time.monotonic()

    async def begin(self, start: GenerationStart) -> None:
        """Write the provenance; call before the first token."""
        self._generation = await keep_writing(
            self._store, self._on_trouble, Store.begin_generation, self.message.id, start
        )

    async def copy(self, tokens: list[Token]) -> None:
        """Tokens of an earlier answer that this one goes on from; their text is in the message already."""
        self._pending.extend(tokens)
        self.n_tokens += len(tokens)
        await self.flush()

    async def add(self, token: wire.Token, offset: int = 0) -> None:
        """`offset` is the number of copied tokens before the engine's own."""
        self.n_tokens += 1
        self._pending_text.append(token.text)
        self._pending.append(
            Token(
                i=token.i + offset,
                token_id=token.id,
                raw=token.raw,
                text=token.text,
                visible=token.visible,
                cut=token.cut,
                control=token.control,
            )
        )
        late = time.monotonic() - self._flushed_at >= FLUSH_SECONDS
        if late or len(self._pending) >= FLUSH_TOKENS:
            await self.flush()

    async def flush(self) -> None:
        """Write what is pending in one transaction."""
        pending, text = self._pending, "".join(self._pending_text)
        self._pending, self._pending_text = [], []
        self._flushed_at = time.monotonic()
        generation = self._generation
        if generation is None or not (pending or text):
            return
        await keep_writing(
            self._store,
            self._on_trouble,
            Store.append_tokens,
            self.message.id,
            generation,
            pending,
            text,
        )

    async def finish(
        self, status: Status, end: GenerationEnd | None, *, tail: str = "", error: str = ""
    ) -> Message:
        """Write the end; returns the message as it is now."""
        await self.flush()
        self.message = await keep_writing(
            self._store,
            self._on_trouble,
            Store.finish_answer,
            self.message.id,
            self._generation,
            status,
            end=end,
            tail=tail,
            error=error,
        )
        return self.message
