"""The scripted engine keeps the engine's promises, so that tests built on it mean something."""

import asyncio

import pytest

from tests.support.scripted_engine import Script, ScriptedEngine
from urial_tui.engine.protocol import ContextSpec, Finished, Prompt, Sampling, Span, Stops, Token
from urial_tui.errors import EngineError

SPEC = ContextSpec("demo.gguf")
PROMPT = Prompt(spans=(Span("# Query: "), Span("Why?", user=True)), constant=1)


def start(engine: ScriptedEngine, max_tokens: int = 100, prompt: Prompt = PROMPT):
    return engine.generate(SPEC, prompt, Sampling(seed=7), Stops(), max_tokens)


async def text_of(generation) -> tuple[str, Finished]:
    text, finished = "", None
    async for event in generation:
        if isinstance(event, Token):
            text += event.text
        finished = event
    assert isinstance(finished, Finished)
    return text + finished.tail, finished


async def test_plays_its_scripts_in_order_and_repeats_the_last():
    engine = ScriptedEngine(["One two.", "Three."])
    texts = [(await text_of(start(engine)))[0] for _ in range(3)]
    assert texts == ["One two.", "Three.", "Three."]
    assert [call.max_tokens for call in engine.generations()] == [100, 100, 100]


async def test_a_character_split_over_tokens_becomes_readable_with_its_last_byte():
    euro = "€".encode()
    engine = ScriptedEngine([Script((b"5 ", euro[:1], euro[1:], euro[:2]))])
    tokens = [event async for event in start(engine) if isinstance(event, Token)]
    assert [token.text for token in tokens] == ["5 ", "", "€", ""]
    assert (await text_of(start(engine)))[0] == "5 €\ufffd"


async def test_max_tokens_ends_with_length():
    text, finished = await text_of(start(ScriptedEngine(["a b c d"]), max_tokens=2))
    assert (text, finished.reason, finished.completion_tokens) == ("a b", "length", 2)


async def test_a_paced_engine_waits_for_the_test_and_cancel_keeps_what_was_said():
    engine = ScriptedEngine(["a b c"], paced=True)
    generation = start(engine)
    said: list[str] = []
    finished: list[Finished] = []

    async def listen() -> None:
        async for event in generation:
            if isinstance(event, Token):
                said.append(event.text)
            elif isinstance(event, Finished):
                finished.append(event)

    task = asyncio.create_task(listen())
    engine.pace.let(1)
    while not (said and engine.pace.waiting):
        await asyncio.sleep(0)
    assert said == ["a"]
    await generation.cancel()
    await task
    assert said == ["a"]
    assert finished[0].reason == "cancelled"


async def test_a_crash_after_some_tokens_raises_died_and_unloads_everything():
    engine = ScriptedEngine([Script.of("a b c", fail_after=2)])
    await engine.open(SPEC)
    said = ""
    with pytest.raises(EngineError) as caught:
        async for event in start(engine):
            if isinstance(event, Token):
                said += event.text
    assert (said, caught.value.kind) == ("a b", "engine-died")
    assert engine.open_contexts == set()


async def test_load_waits_at_its_gate_and_fails_once_when_told_to():
    engine = ScriptedEngine(loaded=False)
    engine.load_error = EngineError("not a GGUF", kind="not-gguf")
    opening = asyncio.create_task(engine.open(SPEC))
    while not engine.load.waiting:
        await asyncio.sleep(0)
    engine.load.open()
    with pytest.raises(EngineError):
        await opening
    assert (await engine.open(SPEC)).n_ctx == 4096


@pytest.mark.parametrize("tokenizer", ["words", "bytes"])
async def test_tokens_concatenate_to_the_prompt(tokenizer):
    engine = ScriptedEngine(tokenizer=tokenizer)
    tokens = await engine.tokenize(SPEC, PROMPT, pieces=True)
    assert b"".join(tokens.pieces) == b"# Query: Why?"
    assert engine.text_of(tokens.ids) == b"# Query: Why?"
    again = await engine.tokenize(SPEC, Prompt(ids=tokens.ids))
    assert again.ids == tokens.ids


async def test_a_prompt_that_is_longer_than_the_context_is_refused():
    with pytest.raises(EngineError) as caught:
        await text_of(start(ScriptedEngine(n_ctx=3)))
    assert caught.value.kind == "context-full"


async def test_the_prefix_in_the_context_is_reused():
    engine = ScriptedEngine(["x"])
    await engine.prefill(SPEC, PROMPT)
    events = [event async for event in start(engine)]
    assert events[1].reused == 3  # BOS, "#", " Query:"
