"""What a loading side tells: what it needs and what is free, before its weights are read, and then how far it is."""

from dataclasses import replace

from tests.support.scripted_engine import ScriptedEngine
from urial_tui.chat.active import ActiveSide
from urial_tui.chat.events import ChatEvent, EngineStatus
from urial_tui.chat.side_loader import SideLoader
from urial_tui.engine.protocol import ContextSpec, Sampling
from urial_tui.prompts.render import RAW_SHAPE
from urial_tui.prompts.styles import Style

SIDE = ActiveSide(
    notation="demo@raw",
    spec=ContextSpec("/models/demo.gguf"),
    style=Style("raw", RAW_SHAPE),
    sampling=Sampling(),
    max_tokens=8,
)
WORDS = "tight: needs about 1.2 GB, 1.3 GB is free"


async def statuses(side: ActiveSide, engine: ScriptedEngine) -> list[EngineStatus]:
    told: list[ChatEvent] = []

    async def resolve(_text: str) -> ActiveSide:
        return side

    loader = SideLoader(engine, resolve, side.notation, told.append)
    await loader.ready()
    await loader.aclose()
    return [event for event in told if isinstance(event, EngineStatus)]


async def test_what_a_side_needs_is_told_before_it_is_opened() -> None:
    engine = ScriptedEngine()
    opened_before: list[int] = []

    async def need() -> str:
        opened_before.append(len(engine.calls))
        return WORDS

    told = await statuses(replace(SIDE, need=need), engine)
    assert opened_before == [0]
    loading = [status for status in told if status.phase == "loading"]
    assert loading[0] == EngineStatus("loading")
    assert {status.detail for status in loading[1:]} == {WORDS}
    assert any(status.total for status in loading)
    assert told[-1] == EngineStatus("ready")


async def test_a_side_that_does_not_know_says_nothing() -> None:
    told = await statuses(SIDE, ScriptedEngine())
    assert {status.detail for status in told} == {""}
