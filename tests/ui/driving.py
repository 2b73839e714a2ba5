"""Running the app with a fake chat, and waiting for what should come true."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.support.fake_chat import FakeChat
from urial_tui.ui.app import UrialApp
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.command import real_keys
from urial_tui.ui.services import AppServices, ModelChoice


@dataclass(frozen=True)
class FakePack:
    id: str
    name: str
    language: str = "en"
    description: str = "Three examples of a helpful, honest answer."
    source: str = "builtin"


PACKS = (
    FakePack("urial-general", "General"),
    FakePack("urial-brief", "Brief", description="Answers of one or two sentences."),
    FakePack("urial-italian", "Italiano", "it", "Risponde in italiano."),
    FakePack("my-pack", "Mine", source="user"),
)

MODELS = (
    ModelChoice("demo", "demo", "gemma-3-270m Q4_K_M, 242 MB, embedded"),
    ModelChoice("qwen2.5-0.5b", "qwen2.5-0.5b", "Q4_K_M, 398 MB, LM Studio"),
)


async def models() -> tuple[ModelChoice, ...]:
    return MODELS


@dataclass
class Bench:
    """The running app and everything a test asks about it."""

    app: UrialApp
    pilot: Pilot[Any]
    chats: list[FakeChat] = field(default_factory=list)

    @property
    def chat(self) -> FakeChat:
        return self.chats[0]

    @property
    def screen(self) -> ChatScreen:
        return self.app.chat_screen

    async def until(self, true: Callable[[], Any], what: str = "") -> None:
        """Let the app work until `true()` holds; fails when the app is idle for long without it."""
        for _ in range(150):
            self.screen.relay.flush()
            for _ in range(
                40
            ):  # a pause takes 20 ms; most things need only a few turns of the loop
                if true():
                    return
                await asyncio.sleep(0)
            await self.pilot.pause()
        raise AssertionError(f"did not come true: {what or true}")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def write(self, text: str) -> None:
        """Put a text into the composer as typing would leave it."""
        self.screen.composer.insert(text)
        await self.pilot.pause()

    async def say(self, text: str) -> None:
        """Write and send."""
        before = len(self.chat.called("send"))
        await self.write(text)
        await self.press("enter")
        await self.until(lambda: len(self.chat.called("send")) > before, "the message is sent")
        await self.settle()

    async def settle(self) -> None:
        """Until nothing waits: text is handed on, workers are done."""
        self.screen.relay.flush()
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    def shown(self) -> list[tuple[str, str]]:
        """Author and text of each message on screen."""
        return [(entry.author, entry.text) for entry in self.screen.transcript.entries]

    def footer(self) -> set[str]:
        """The ids of the bindings that the footer shows now."""
        active = self.app.screen.active_bindings.values()
        found = [b.binding for b in active if b.enabled and real_keys(b.binding.key)]
        return {binding.id for binding in found if binding.show and binding.id}

    def said(self) -> str:
        """All the notices that were given and are still there, in one text."""
        return "\n".join(self.notices)

    @property
    def notices(self) -> list[str]:
        return self.app.notices  # type: ignore[attr-defined]


class WatchedApp(UrialApp):
    """Keeps what it notified."""

    def __init__(self, services: AppServices) -> None:
        super().__init__(services)
        self.notices: list[str] = []
        self.markup: list[bool] = []

    def notify(self, message: str, **rest: Any) -> None:  # type: ignore[override]
        self.notices.append(message)
        self.markup.append(rest.get("markup", True))
        super().notify(message, **rest)


def make_app(
    prepare: Callable[[FakeChat], None] | None = None,
    chats: list[FakeChat] | None = None,
    services: dict[str, Any] | None = None,
    **fake: Any,
) -> WatchedApp:
    """An app over a fake chat. `prepare` fills it before the app sees it; `fake` goes to FakeChat."""
    made = chats if chats is not None else []

    async def make_chat(listener: Any) -> FakeChat:
        chat = FakeChat(listener, **fake)
        if prepare is not None:
            prepare(chat)
        made.append(chat)
        return chat

    given = AppServices(
        make_chat=make_chat, list_packs=lambda: PACKS, list_models=models, **(services or {})
    )
    return WatchedApp(given)


@asynccontextmanager
async def running(
    prepare: Callable[[FakeChat], None] | None = None,
    *,
    size: tuple[int, int] = (80, 24),
    state_dir: Path | None = None,
    services: dict[str, Any] | None = None,
    toasts: bool = False,
    **fake: Any,
) -> AsyncIterator[Bench]:
    chats: list[FakeChat] = []
    app = make_app(prepare, chats, {"state_dir": state_dir, **(services or {})}, **fake)
    async with app.run_test(size=size, notifications=toasts) as pilot:
        bench = Bench(app, pilot, chats)
        await bench.until(lambda: chats, "the chat is made")
        await bench.settle()
        yield bench


__all__ = ["MODELS", "PACKS", "Bench", "dataclasses", "make_app", "running"]
