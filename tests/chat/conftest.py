"""A real Chat over a real history and a scripted engine; events are recorded in order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.support.scripted_engine import ScriptedEngine
from urial_tui.chat.active import ActiveSide
from urial_tui.chat.chat import Chat
from urial_tui.chat.events import ChatEvent, TraceEnded
from urial_tui.engine.protocol import ContextSpec, Sampling
from urial_tui.errors import ModelError
from urial_tui.prompts.render import RAW_SHAPE
from urial_tui.prompts.styles import Style, default_library, resolve_style
from urial_tui.sides import CHAT, parse_side
from urial_tui.store.aio import AsyncStore

E = TypeVar("E")


class Room:
    """Everything a test of the chat needs; `new()` makes a further Chat over the same history."""

    def __init__(self, store: AsyncStore, engine: ScriptedEngine) -> None:
        self.store, self.engine = store, engine
        self.events: list[ChatEvent] = []
        self.packs = default_library()
        self.context: dict[str, Any] = {}
        """Options of the contexts of sides that are resolved from now on."""
        self.chat = self.new()

    def new(self, side: str = "demo@raw", **options: Any) -> Chat:
        return Chat(
            engine=self.engine,
            store=self.store,
            resolve=self.resolve,
            side=side,
            listener=self.events.append,
            **options,
        )

    async def resolve(self, text: str) -> ActiveSide:
        side = parse_side(text)
        if side.model == "missing":
            raise ModelError("there is no model missing", hint="Name another.")
        chat = Style(CHAT, RAW_SHAPE, template_hash="template")
        style = chat if side.style == CHAT else resolve_style(side.style, self.packs)
        adapter = f"/models/{side.adapter}.gguf" if side.adapter else None
        return ActiveSide(
            notation=str(side.with_style(style.id)),
            spec=ContextSpec(f"/models/{side.model}.gguf", adapter, side.scale, **self.context),
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

    async def paired(self, side: str = "demo@urial-general", **options: Any) -> None:
        """Start a Chat with that side, and wait until its references are ready or refused."""
        self.chat = self.new(side, **options)
        await self.chat.start()
        await self.chat._loader.ready()
        await self.chat._pairing.settled()

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the program work until the condition holds; a test that waits for ever is ended by its timeout."""
        while not condition():
            await asyncio.sleep(0)

    async def scored(self) -> TraceEnded:
        """Wait for the end of the scoring that runs."""
        task = self.chat._rescoring._task
        if task is not None:
            await task
        return self.told(TraceEnded)[-1]

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
