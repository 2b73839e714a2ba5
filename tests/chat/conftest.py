"""A real Chat over a real history and a scripted engine; events are recorded in order."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.scripted_engine import ScriptedEngine
from urial_tui.chat.active import ActiveSide
from urial_tui.chat.chat import Chat
from urial_tui.chat.events import ChatEvent
from urial_tui.engine.protocol import ContextSpec, Sampling
from urial_tui.errors import ModelError
from urial_tui.prompts.styles import default_library, resolve_style
from urial_tui.sides import parse_side
from urial_tui.store.aio import AsyncStore

E = TypeVar("E")


class Room:
    """Everything a test of the chat needs; `new()` makes a further Chat over the same history."""

    def __init__(self, store: AsyncStore, engine: ScriptedEngine) -> None:
        self.store, self.engine = store, engine
        self.events: list[ChatEvent] = []
        self.packs = default_library()
        self.chat = self.new()

    def new(self, side: str = "demo@raw") -> Chat:
        return Chat(
            engine=self.engine,
            store=self.store,
            resolve=self.resolve,
            side=side,
            listener=self.events.append,
        )

    async def resolve(self, text: str) -> ActiveSide:
        side = parse_side(text)
        if side.model == "missing":
            raise ModelError("there is no model missing", hint="Name another.")
        style = resolve_style(side.style, self.packs)
        return ActiveSide(
            notation=str(side.with_style(style.id)),
            spec=ContextSpec(f"/models/{side.model}.gguf"),
            style=style,
            sampling=Sampling(temperature=0.0),
            max_tokens=64,
        )

    def told(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def ask(self, text: str, **rest: str) -> None:
        """Send and wait for the end of the answer."""
        await self.chat.send(text, **rest)
        await self.settled()

    async def settled(self) -> None:
        task = self.chat._answering._task
        if task is not None:
            await task


@pytest.fixture
async def make_room(tmp_path: Path) -> AsyncIterator[Callable[..., Room]]:
    store = await AsyncStore.open(tmp_path / "history.db")

    def make(*scripts: object, **options: object) -> Room:
        return Room(store, ScriptedEngine(scripts, **options))  # type: ignore[arg-type]

    yield make
    await store.aclose()
