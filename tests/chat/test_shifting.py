"""The core of `shift`: what a generation knew of its tokens is in the records; cancelling ends the engine's work."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.scripted_scoring import Scoring, ScoringEngine
from urial_tui.chat.active import ActiveSide
from urial_tui.chat.noise import Measurements
from urial_tui.chat.references import ActiveReference
from urial_tui.chat.shifting import Shifter, greedy_unless
from urial_tui.engine import protocol as wire
from urial_tui.errors import EngineError, UsageError
from urial_tui.prompts.packs import PackLibrary
from urial_tui.prompts.styles import resolve_style
from urial_tui.prompts.types import Turn

QUERY = [Turn("user", "Hi")]


def side(slot: str = "generator") -> ActiveSide:
    style = resolve_style("raw", PackLibrary([]))
    spec = wire.ContextSpec("/m.gguf", slot=slot)
    return ActiveSide("m@raw", spec, style, wire.Sampling(top_p=0.9, repeat_penalty=1.1), 64)


def shifter(engine: ScoringEngine, **rest: Any) -> Shifter:
    reference = side("reference-0")
    references = [ActiveReference("m@raw", reference, reference.style)]
    return Shifter(engine, side(), references, Measurements(None), **rest)


class Cut:
    """A generation whose last token holds the begin of a stop text."""

    async def cancel(self) -> None: ...

    async def __aiter__(self) -> AsyncIterator[Any]:
        yield wire.Token(1, 0, 300, b"Yes", "Yes", 3)
        yield wire.Token(1, 1, 301, b".\n#", ".", 1, cut=True)
        yield wire.Finished(1, "stop", 2, 2, wire.Timings(), seed=9)


async def test_a_token_that_a_stop_cuts_is_kept_marked_and_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = ScoringEngine(scoring=Scoring("s"))
    monkeypatch.setattr(engine, "generate", lambda *_: Cut())
    result = await shifter(engine).run(QUERY, sampling=wire.Sampling(0.0), max_tokens=9)
    assert result.text == "Yes."
    assert result.raw == (b"Yes", b".\n#")
    assert [score.cut for score in result.scores] == [False, True]
    assert [score.counted for score in result.scores] == [True, False]
    assert engine.scored[0].tokens == (300, 301)
    assert result.sampling is not None
    assert (result.sampling["seed"], result.finish_reason) == (9, "stop")


async def test_cancelling_ends_the_engines_work() -> None:
    engine = ScoringEngine()
    engine.pace.close()
    working = asyncio.create_task(shifter(engine).run(QUERY, answer="a b c"))
    while not engine.pace.waiting:
        await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert engine.runs[0].cancelled


async def test_progress_is_told_by_stage() -> None:
    seen: set[str] = set()
    engine = ScoringEngine()
    compared = shifter(engine, on_progress=lambda stage, _done, _total: seen.add(stage))
    await compared.run(QUERY, sampling=wire.Sampling(0.0), max_tokens=9)
    assert seen >= {"load", "measure", "prefill", "generate"}


async def test_an_engine_that_dies_while_writing_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = ScoringEngine()

    async def dies() -> AsyncIterator[Any]:
        raise EngineError("the engine process ended", kind="engine-died")
        yield

    monkeypatch.setattr(engine, "generate", lambda *_: dies())
    with pytest.raises(EngineError, match="ended"):
        await shifter(engine).run(QUERY, sampling=wire.Sampling(0.0), max_tokens=9)


async def test_an_answer_of_blanks_is_no_answer() -> None:
    with pytest.raises(UsageError, match="empty"):
        await shifter(ScoringEngine()).run(QUERY, answer=" \n")


def test_greedy_is_plain_and_a_temperature_brings_the_sides_own_settings() -> None:
    assert greedy_unless(side(), 0.0, 3) == wire.Sampling(temperature=0.0, seed=3)
    assert greedy_unless(side(), 0.5, 3) == wire.Sampling(
        temperature=0.5, top_p=0.9, repeat_penalty=1.1, seed=3
    )
