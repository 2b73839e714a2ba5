"""Short visits to the engine for commands that only ask: token ids of a prompt, a description of the build."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from urial_tui.chat.active import ActiveSide, as_prompt
from urial_tui.engine.client import EngineClient
from urial_tui.engine.memory import MemoryTaken
from urial_tui.engine.protocol import Description, Prompt, Span
from urial_tui.models.gguf.header import read_header
from urial_tui.models.memory import MemoryEstimate, estimate
from urial_tui.prompts.types import Rendered
from urial_tui.services import Services, SideChoice
from urial_tui.settings import Settings
from urial_tui.sides import RAW

T = TypeVar("T")


def describe() -> Description:
    """Versions, build features and devices. Leaves no file behind. Raises EngineError."""

    async def main() -> Description:
        engine = EngineClient()
        try:
            return await engine.describe()
        finally:
            await engine.aclose()

    return asyncio.run(main())


@dataclass(frozen=True)
class Loaded:
    """That a model runs: seconds to load it, tokens of a word, where it computes; its memory as it was worked out
    beforehand, and as llama.cpp took it."""

    load_s: float
    tokens: int
    device: str
    estimate: MemoryEstimate | None = None
    memory: MemoryTaken | None = None


def try_demo(settings: Settings) -> Loaded:
    """Load the embedded model as the settings want it and split a word. Leaves no file behind. Raises UrialError."""

    async def main() -> Loaded:
        engine = EngineClient()
        try:
            active = await _model(Services(settings), SideChoice(demo=True))
            info = await engine.open(active.spec)
            tokens = await engine.tokenize(active.spec, Prompt(spans=(Span("walking"),)))
            expected = estimate(
                read_header(Path(active.spec.model_path)),
                settings.n_ctx,
                n_batch=settings.n_batch,
                kv_type=settings.kv_type,
                flash_attention=settings.flash_attention,
            )
            return Loaded(info.load_s, len(tokens.ids), info.placement, expected, info.memory)
        finally:
            await engine.aclose()

    return asyncio.run(main())


def tokenize_prompt(
    side_text: str | None, rendered: Rendered, *, demo: bool = False
) -> list[tuple[int, bytes]]:
    """(id, bytes) of each token of the prompt on the side's model. Raises UrialError."""
    services = Services()

    async def ask(engine: EngineClient) -> list[tuple[int, bytes]]:
        active = await _model(services, SideChoice(side_text, demo))
        tokens = await engine.tokenize(active.spec, as_prompt(rendered), pieces=True)
        return list(zip(tokens.ids, tokens.pieces, strict=True))

    return _visit(services, ask)


def count_tokens(
    texts: list[str], side_text: str | None = None, *, demo: bool = False
) -> list[int]:
    """What each text takes at the start of a context, with the BOS where the model has one. One loading for all."""
    services = Services()

    async def ask(engine: EngineClient) -> list[int]:
        active = await _model(services, SideChoice(side_text, demo))
        counts = []
        for text in texts:
            prompt = Prompt(spans=(Span(text),))
            ids = (await engine.tokenize(active.spec, prompt)).ids if text else ()
            counts.append(len(ids))
        return counts

    return _visit(services, ask)


async def _model(services: Services, choice: SideChoice) -> ActiveSide:
    """The side's model. Its style is not asked for: raw is there when a pack is not."""
    return await services.activate(services.notation(replace(choice, pack=RAW)))


def _visit(services: Services, ask: Callable[[EngineClient], Awaitable[T]]) -> T:
    async def main() -> T:
        try:
            return await ask(services.engine)
        finally:
            await services.aclose()

    return asyncio.run(main())
