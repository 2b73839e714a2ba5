"""Batch, flash attention and type of the KV cache: every allowed combination keeps what scoring promises."""

import subprocess
import sys
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import msgspec
import pytest

from tests.support.tinygguf import TinyShape, write_model
from urial_tui.engine import protocol as wire
from urial_tui.engine.client import EngineClient
from urial_tui.engine.options import FLASH_ATTENTION, KV_TYPES, refusal
from urial_tui.errors import EngineError
from urial_tui.shift.records import TokenScore

SHAPE = TinyShape(n_embd=128, n_head=4, n_head_kv=2, n_ff=160)
"""Heads of 32 numbers: a whole block of a quantised cache."""
BATCHES = (64, 100, 512, 2048)
PROMPT = wire.Prompt(ids=(1, *(3 + 7 * i % 500 for i in range(600))))
"""Passes a border of 512, where a state is saved and put back."""
ANSWER = tuple(3 + 11 * i % 500 for i in range(70))
ALLOWED = [
    (flash, kv)
    for flash, kv in product(FLASH_ATTENTION, KV_TYPES)
    if refusal(512, flash, kv) is None
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(
        tmp_path_factory.mktemp("models") / "m.gguf", shape=SHAPE, n_ctx=1024, sharpness=1.5
    )


@pytest.fixture
def spec(model: Path) -> wire.ContextSpec:
    return wire.ContextSpec(str(model), n_ctx=1024, n_threads=1)


@dataclass
class Scores:
    scores: list[TokenScore] = field(default_factory=list)
    failures: list[wire.ReferenceFailed] = field(default_factory=list)


async def score_against_itself(engine: EngineClient, spec: wire.ContextSpec) -> Scores:
    found = Scores()
    other = msgspec.structs.replace(spec, slot="reference-0")
    run = engine.score(wire.Reference(spec, PROMPT), (wire.Reference(other),), tokens=ANSWER)
    async for event in run:
        if isinstance(event, wire.Scored):
            found.scores += event.scores
        elif isinstance(event, wire.ReferenceFailed):
            found.failures.append(event)
    await engine.close_context(other)
    await engine.close_context(spec)
    return found


def test_the_sane_combinations_are_these() -> None:
    assert len(ALLOWED) == 13
    assert {kv for flash, kv in ALLOWED if flash == "off"} == {"f16", "bf16", "f32"}


@pytest.mark.parametrize(("flash", "kv"), ALLOWED)
async def test_a_side_against_itself_is_equal_to_the_bit(
    engine: EngineClient, spec: wire.ContextSpec, flash: str, kv: str
) -> None:
    for n_batch in BATCHES:
        used = msgspec.structs.replace(spec, n_batch=n_batch, flash_attention=flash, kv_type=kv)
        found = await score_against_itself(engine, used)
        assert not found.failures
        assert [score.id for score in found.scores] == list(ANSWER)
        for score in found.scores:
            (reference,) = score.references
            assert score.generator is not None and reference is not None
            assert reference.argmax_rank == 1 and reference.kl == 0.0
            assert reference.logprob == score.generator.logprob
            assert reference.top == score.generator.top


async def test_the_options_arrive_in_llama_cpp(
    engine: EngineClient, spec: wire.ContextSpec, tmp_path: Path
) -> None:
    for flash, kv in ALLOWED:
        await engine.open(msgspec.structs.replace(spec, flash_attention=flash, kv_type=kv))
    await engine.open(msgspec.structs.replace(spec, n_batch=96))
    log = (tmp_path / "engine.log").read_text()
    for kv in KV_TYPES:
        assert f"K ({kv}):" in log and f"V ({kv}):" in log
    for word in ("auto", "enabled", "disabled"):
        assert f"flash_attn            = {word}" in log
    assert "n_ubatch              = 96" in log and "n_batch               = 96" in log


async def answer(
    engine: EngineClient, spec: wire.ContextSpec
) -> tuple[list[int], wire.Started, wire.Finished]:
    spans = (
        wire.Span("hello the sea is good and we walk every day " * 4),
        wire.Span("what are the benefits of some haiku here you can help and not"),
    )
    started, finished, ids = None, None, []
    run = engine.generate(
        spec,
        wire.Prompt(spans=spans, constant=1),
        wire.Sampling(temperature=0.0),
        wire.Stops(),
        24,
    )
    async for event in run:
        if isinstance(event, wire.Started):
            started = event
        elif isinstance(event, wire.Token):
            ids.append(event.id)
        elif isinstance(event, wire.Finished):
            finished = event
    assert started is not None and finished is not None
    return ids, started, finished


@pytest.mark.parametrize(("flash", "kv"), ALLOWED)
async def test_an_answer_is_the_same_whether_its_prompt_was_read_or_restored(
    engine: EngineClient, spec: wire.ContextSpec, flash: str, kv: str
) -> None:
    for n_batch in (64, 512):
        used = msgspec.structs.replace(spec, n_batch=n_batch, flash_attention=flash, kv_type=kv)
        cold, before, _ = await answer(engine, used)
        await engine.close_context(used)
        warm, after, _ = await answer(engine, used)
        assert (before.from_disk, after.from_disk) == (False, True)
        assert cold == warm and len(warm) == 24
        await engine.close_context(used)


async def test_a_kept_prompt_of_other_options_is_not_taken(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    _, first, _ = await answer(engine, spec)
    assert not first.from_disk
    for change in (
        {"n_batch": 64},
        {"flash_attention": "off"},
        {"flash_attention": "on"},
        {"kv_type": "bf16"},
        {"kv_type": "q8_0"},
        {"n_ctx": 512},
    ):
        _, started, _ = await answer(engine, msgspec.structs.replace(spec, **change))
        assert not started.from_disk and started.reused == 0, change
    await engine.close_context(spec)
    _, again, _ = await answer(engine, spec)
    assert again.from_disk


async def test_a_model_that_does_not_go_with_a_cache_type_is_refused_in_words(
    engine: EngineClient, tiny: Path
) -> None:
    """Its heads have 16 numbers, a block of q8_0 has 32."""
    spec = wire.ContextSpec(str(tiny), n_ctx=256, n_threads=1)
    with pytest.raises(EngineError) as caught:
        await engine.open(msgspec.structs.replace(spec, kv_type="q8_0"))
    assert caught.value.kind == "context" and "q8_0" in caught.value.hint
    assert (await engine.open(spec)).n_ctx == 256


async def test_a_context_that_is_padded_takes_a_prompt_of_its_whole_size(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    """300 tokens become 512, and a chunk may then have more than 300."""
    small = msgspec.structs.replace(spec, n_ctx=300)
    assert (await engine.open(small)).n_ctx == 512
    ids = tuple(3 + i % 400 for i in range(450))
    found = []
    run = engine.generate(
        small, wire.Prompt(ids=ids), wire.Sampling(temperature=0.0), wire.Stops(), 5
    )
    async for event in run:
        if isinstance(event, wire.Token):
            found.append(event.id)
    assert len(found) == 5


NO_ROOM = """
import resource, sys
from urial_tui.engine.protocol import ContextSpec
from urial_tui.engine.worker import native
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.residents import Residents
native.start()
found = Residents(None)
found.get(ContextSpec(sys.argv[1], n_ctx=256, n_threads=1))
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
try:
    found.get(ContextSpec(sys.argv[1], n_ctx=8_000_000, n_threads=1))
except Fault as fault:
    print(fault.kind, "|", fault.message, "|", fault.hint)
print(found.get(ContextSpec(sys.argv[1], n_ctx=512, n_threads=1)).context.n_ctx)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_a_context_without_memory_says_so_and_the_others_go_on(model: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(model)], capture_output=True, text=True, check=False
    )
    told, after = done.stdout.splitlines()
    kind, message, hint = told.split(" | ")
    assert kind == "memory" and "8000000 tokens" in message
    assert "n_ctx" in hint and "kv_type" in hint
    assert after == "512"
