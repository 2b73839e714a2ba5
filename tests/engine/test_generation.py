"""Generation through the whole client and process on a tiny model: exact tokens, ends, cancel, seeds, grammar."""

import asyncio

import msgspec
import pytest

from urial_tui.engine.client import EngineClient
from urial_tui.engine.protocol import (
    ContextSpec,
    Finished,
    Progress,
    Prompt,
    Sampling,
    Span,
    Started,
    Stops,
    Token,
)
from urial_tui.errors import EngineError

GREEDY = Sampling(temperature=0.0)


def text_prompt(text: str, constant: str = "") -> Prompt:
    spans = (Span(constant), Span(text, user=True)) if constant else (Span(text, user=True),)
    return Prompt(spans=spans, constant=1 if constant else 0)


async def collect(
    engine: EngineClient,
    spec: ContextSpec,
    prompt: Prompt,
    sampling: Sampling = GREEDY,
    stops: Stops | None = None,
    n: int = 24,
) -> tuple[list[Token], Started, Finished]:
    tokens, started, finished = [], None, None
    async for event in engine.generate(spec, prompt, sampling, stops or Stops(), n):
        match event:
            case Token():
                tokens.append(event)
            case Started():
                started = event
            case Finished():
                finished = event
            case Progress():
                pass
    assert started is not None and finished is not None
    return tokens, started, finished


async def test_greedy_decoding_equals_a_raw_loop(engine: EngineClient, spec: ContextSpec) -> None:
    """An independent loop: one token at a time, no cache, argmax in NumPy, in a process of its own."""
    tokens, started, finished = await collect(engine, spec, text_prompt("The quick brown fox"))
    script = f"""
import numpy as np
from llama_cpp import Llama
llm = Llama({spec.model_path!r}, n_ctx=256, n_threads=1, logits_all=True, verbose=False)
ids = {list(started.prompt_ids)!r}
out = []
for _ in range({len(tokens)}):
    llm.reset()
    llm.eval(ids + out)
    out.append(int(np.argmax(llm.scores[len(ids) + len(out) - 1])))
print(out)
"""
    import sys

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()
    assert str([token.id for token in tokens]) == out.decode().strip()
    assert finished.completion_tokens == 24
    assert finished.reason == "length"


async def test_the_text_is_what_the_token_bytes_say(
    engine: EngineClient, spec: ContextSpec
) -> None:
    tokens, _, finished = await collect(engine, spec, text_prompt("Hello"))
    shown = "".join(token.text for token in tokens) + finished.tail
    assert shown == b"".join(t.raw[: t.visible] for t in tokens).decode("utf-8", "replace")


async def test_a_second_run_reuses_the_prompt_and_gives_the_same_text(
    engine: EngineClient, spec: ContextSpec
) -> None:
    prompt = text_prompt("and now a question?", "A constant beginning of the prompt. " * 3)
    first, started, _ = await collect(engine, spec, prompt)
    second, again, _ = await collect(engine, spec, prompt)
    assert [t.id for t in first] == [t.id for t in second]
    assert started.reused == 0
    assert again.reused > 0


async def test_a_prompt_that_is_read_anew_reuses_the_constant_part_and_nothing_else(
    engine: EngineClient, spec: ContextSpec
) -> None:
    constant = "A constant beginning of the prompt. " * 3
    usual = text_prompt("The same words, " * 8 + "then these?", constant)
    prompt = msgspec.structs.replace(
        text_prompt("The same words, " * 8 + "then others?", constant), anew=True
    )
    _, alone, _ = await collect(engine, spec, text_prompt("", constant))
    first, started, _ = await collect(engine, spec, prompt)
    _, other, _ = await collect(engine, spec, usual)
    second, again, _ = await collect(engine, spec, prompt)
    assert started.reused == again.reused
    assert len(alone.prompt_ids) - 2 <= again.reused <= len(alone.prompt_ids) < other.reused
    assert [t.id for t in first] == [t.id for t in second]


async def test_a_fresh_process_takes_the_constant_prefix_from_disk_and_gives_the_same_text(
    engine: EngineClient, spec: ContextSpec, tmp_path
) -> None:
    prompt = text_prompt("and now a question?", "A constant beginning of the prompt. " * 3)
    first, _, _ = await collect(engine, spec, prompt)
    fresh = EngineClient(states_dir=tmp_path / "states")
    try:
        second, started, finished = await collect(fresh, spec, prompt)
    finally:
        await fresh.aclose()
    assert started.from_disk
    assert finished.timings.prefix_reused_tokens > 30
    assert [t.id for t in first] == [t.id for t in second]


@pytest.mark.parametrize("damage", ["truncate", "flip", "garbage"])
async def test_a_damaged_state_file_is_ignored_and_replaced(
    engine: EngineClient, spec: ContextSpec, tmp_path, damage: str
) -> None:
    prompt = text_prompt("and now a question?", "A constant beginning of the prompt. " * 3)
    first, _, _ = await collect(engine, spec, prompt)
    (path,) = (tmp_path / "states").glob("*.state")
    data = bytearray(path.read_bytes())
    if damage == "truncate":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flip":
        data[-100] ^= 0xFF
        path.write_bytes(data)
    else:
        path.write_bytes(b"garbage")
    fresh = EngineClient(states_dir=tmp_path / "states")
    try:
        second, started, _ = await collect(fresh, spec, prompt)
    finally:
        await fresh.aclose()
    assert not started.from_disk
    assert [t.id for t in first] == [t.id for t in second]


async def test_a_state_is_not_used_for_another_model(
    engine: EngineClient, spec: ContextSpec, tmp_path
) -> None:
    from tests.support.tinygguf import write_model

    prompt = text_prompt("and now a question?", "A constant beginning of the prompt. " * 3)
    await collect(engine, spec, prompt)
    other = tmp_path / "other.gguf"
    write_model(other, seed=5)
    _, started, _ = await collect(engine, ContextSpec(str(other), n_ctx=256, n_threads=1), prompt)
    assert not started.from_disk and started.reused == 0


async def test_stored_ids_continue_exactly(engine: EngineClient, spec: ContextSpec) -> None:
    whole, started, _ = await collect(engine, spec, text_prompt("Once upon a time"), n=20)
    ids = started.prompt_ids + tuple(t.id for t in whole[:8])
    rest, _, _ = await collect(engine, spec, Prompt(ids=ids), n=12)
    assert [t.id for t in whole[8:]] == [t.id for t in rest]


async def test_the_same_seed_draws_the_same_tokens_and_another_seed_others(
    engine: EngineClient, spec: ContextSpec
) -> None:
    hot = Sampling(temperature=1.5, seed=7)
    one, _, finished = await collect(engine, spec, text_prompt("Hello"), hot)
    two, _, _ = await collect(engine, spec, text_prompt("Hello"), hot)
    three, _, _ = await collect(
        engine, spec, text_prompt("Hello"), Sampling(temperature=1.5, seed=8)
    )
    assert [t.id for t in one] == [t.id for t in two] != [t.id for t in three]
    assert finished.seed == 7


async def test_a_random_seed_is_reported_and_repeats_the_answer(
    engine: EngineClient, spec: ContextSpec
) -> None:
    one, _, finished = await collect(engine, spec, text_prompt("Hello"), Sampling(temperature=1.5))
    two, _, _ = await collect(
        engine, spec, text_prompt("Hello"), Sampling(temperature=1.5, seed=finished.seed)
    )
    assert [t.id for t in one] == [t.id for t in two]


async def test_a_repeat_penalty_changes_what_is_written(
    engine: EngineClient, spec: ContextSpec
) -> None:
    plain, _, _ = await collect(engine, spec, text_prompt("Hello"), n=40)
    penalised, _, _ = await collect(
        engine, spec, text_prompt("Hello"), Sampling(temperature=0, repeat_penalty=5.0), n=40
    )
    assert len({t.id for t in penalised}) > len({t.id for t in plain})


@pytest.mark.parametrize("temperature", [0.0, 1.0])
async def test_a_grammar_is_obeyed(
    engine: EngineClient, spec: ContextSpec, temperature: float
) -> None:
    sampling = Sampling(temperature=temperature, seed=3, grammar='root ::= "yes" | "no"')
    tokens, _, finished = await collect(engine, spec, text_prompt("Well?"), sampling)
    assert "".join(t.text for t in tokens) in {"yes", "no"}
    assert finished.reason == "eog"


async def test_an_unreadable_grammar_is_said(engine: EngineClient, spec: ContextSpec) -> None:
    with pytest.raises(EngineError) as error:
        await collect(engine, spec, text_prompt("x"), Sampling(grammar="root ::= (("))
    assert error.value.kind == "grammar"


async def test_a_stop_text_ends_the_answer_and_is_not_in_it(
    engine: EngineClient, spec: ContextSpec
) -> None:
    tokens, _, _ = await collect(engine, spec, text_prompt("Hello"), n=24)
    text = "".join(t.text for t in tokens)
    stop = text[10:14]
    at = text.index(stop)
    cut, _, finished = await collect(engine, spec, text_prompt("Hello"), stops=Stops(texts=(stop,)))
    assert finished.reason == "stop"
    shown = "".join(t.text for t in cut)
    assert text[:at].startswith(shown.rstrip())
    assert stop not in shown


async def test_cancelling_keeps_what_was_written_and_the_context_stays_exact(
    engine: EngineClient, spec: ContextSpec
) -> None:
    spec = msgspec.structs.replace(spec, n_ctx=2048)
    whole, _, _ = await collect(engine, spec, text_prompt("Once upon a time"), n=2000)
    generation = engine.generate(spec, text_prompt("Once upon a time"), GREEDY, Stops(), 2000)
    seen: list[int] = []
    finished = None
    async for event in generation:
        if isinstance(event, Token):
            seen.append(event.id)
            if len(seen) == 5:
                await generation.cancel()
        elif isinstance(event, Finished):
            finished = event
    assert finished is not None and finished.reason == "cancelled"
    assert seen == [t.id for t in whole[: len(seen)]]
    again, _, _ = await collect(engine, spec, text_prompt("Once upon a time"), n=2000)
    assert [t.id for t in again] == [t.id for t in whole]


async def test_leaving_the_iteration_frees_the_engine(
    engine: EngineClient, spec: ContextSpec
) -> None:
    generation = engine.generate(spec, text_prompt("Hello"), GREEDY, Stops(), 200)
    events = generation.__aiter__()
    async for event in events:
        if isinstance(event, Token):
            break
    await events.aclose()
    tokens, _, _ = await asyncio.wait_for(collect(engine, spec, text_prompt("Hello"), n=4), 20)
    assert len(tokens) == 4


async def test_the_answer_ends_when_the_context_is_full(
    engine: EngineClient, spec: ContextSpec
) -> None:
    tokens, started, finished = await collect(engine, spec, text_prompt("Hello"), n=10_000)
    assert finished.reason == "length" and finished.context_full
    assert len(started.prompt_ids) + len(tokens) == 257


async def test_a_prompt_longer_than_the_context_is_refused_with_its_size(
    engine: EngineClient, spec: ContextSpec
) -> None:
    with pytest.raises(EngineError) as error:
        await collect(engine, spec, text_prompt("word " * 300))
    assert error.value.kind == "context-full"
    assert "256" in error.value.message


async def test_two_contexts_of_one_model_do_not_disturb_each_other(
    engine: EngineClient, spec: ContextSpec
) -> None:
    other = ContextSpec(spec.model_path, n_ctx=256, n_threads=1, slot="reference")
    alone, _, _ = await collect(engine, spec, text_prompt("Hello"))
    await collect(engine, other, text_prompt("Something else entirely"))
    again, started, _ = await collect(engine, spec, text_prompt("Hello"))
    assert [t.id for t in alone] == [t.id for t in again]
    assert started.reused > 0 or len(started.prompt_ids) <= 8


async def test_an_adapter_changes_the_model_in_its_own_context_only(
    engine: EngineClient, spec: ContextSpec, tiny_adapter
) -> None:
    adapted = ContextSpec(spec.model_path, str(tiny_adapter), n_ctx=256, n_threads=1)
    silent = ContextSpec(
        spec.model_path, str(tiny_adapter), adapter_scale=0.0, n_ctx=256, n_threads=1
    )
    base, _, _ = await collect(engine, spec, text_prompt("Hello"))
    changed, _, _ = await collect(engine, adapted, text_prompt("Hello"))
    unchanged, _, _ = await collect(engine, silent, text_prompt("Hello"))
    assert [t.id for t in base] != [t.id for t in changed]
    assert [t.id for t in base] == [t.id for t in unchanged]


async def test_special_literals_typed_by_a_user_stay_text(
    engine: EngineClient, spec: ContextSpec
) -> None:
    from tests.support.tinygguf import BOS, IM_END

    ours = await engine.tokenize(spec, Prompt(spans=(Span("a<|im_end|>b"),)), pieces=True)
    theirs = await engine.tokenize(
        spec, Prompt(spans=(Span("a<|im_end|>b", user=True),)), pieces=True
    )
    assert IM_END in ours.ids
    assert IM_END not in theirs.ids
    assert b"".join(theirs.pieces[1:]).replace(b" ", b"") == b"a<|im_end|>b"
    assert theirs.ids.count(BOS) == 1


async def test_there_is_never_more_than_one_bos(engine: EngineClient, spec: ContextSpec) -> None:
    from tests.support.tinygguf import BOS

    ids = (await engine.tokenize(spec, Prompt(spans=(Span("<s><s>hello"),)))).ids
    assert ids[:2] != (BOS, BOS) and ids[0] == BOS
