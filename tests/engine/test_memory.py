"""What a side takes, worked out from its header, against what llama.cpp takes: by its own plan for models of any size,
by its buffers for tiny ones that are really loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

from tests.support import planned_gguf
from tests.support.planned_gguf import Plan, write_plan
from tests.support.tinygguf import TinyShape, write_adapter, write_model
from urial_tui.engine.client import EngineClient
from urial_tui.engine.options import FLASH_ATTENTION, KV_TYPES, OUTPUT_ROWS, refusal
from urial_tui.engine.protocol import ContextSpec, Prompt, Reference
from urial_tui.engine.worker import native
from urial_tui.engine.worker.buffers import BufferLog
from urial_tui.engine.worker.parameters import context_params, model_params
from urial_tui.engine.worker.placement import run_dry
from urial_tui.models.gguf.header import read_header
from urial_tui.models.memory import MemoryEstimate, estimate

lib = native.lib
PLANS = {
    "llama 8B": planned_gguf.LLAMA_8B,
    "llama 2 7B": planned_gguf.LLAMA2_7B,
    "qwen2 7B": planned_gguf.QWEN2_7B,
    "qwen3 4B": planned_gguf.QWEN3_4B,
    "qwen3 30B of experts": planned_gguf.QWEN3_30B,
    "gemma3 1B": planned_gguf.GEMMA3_1B,
    "gemma2 2B": planned_gguf.GEMMA2_2B,
}
WIDE = TinyShape(n_embd=128, n_head=4, n_head_kv=2, n_ff=256)
"""Heads of 32 numbers, which is a whole block of a quantised cache."""


@pytest.fixture(autouse=True)
def log() -> None:
    native.start()


@contextmanager
def planned(path: Path) -> Iterator[object]:
    """The model, opened without its weights."""
    params = model_params(0, -1)
    params.no_alloc, params.load_mode = True, lib.LLAMA_LOAD_MODE_NONE
    model = lib.llama_model_load_from_file(str(path).encode(), params)
    assert model, list(native.recent_complaints)
    yield model
    lib.llama_model_free(model)


def plan_of(model: object, n_ctx: int, n_batch: int, flash: str, kv: str) -> tuple[int, int]:
    """(KV cache, compute buffers) as llama.cpp would make them."""
    caches: list[float] = []
    buffers = BufferLog()

    def hear(line: str) -> None:
        if line.startswith("llama_kv_cache: size ="):
            caches.append(float(line.split("=")[1].split(maxsplit=1)[0]))

    params = context_params(n_ctx, n_batch=n_batch, flash_attention=flash, kv_type=kv)
    with buffers.listening(), native.listening(hear):
        context = lib.llama_init_from_model(model, params)
    assert context, list(native.recent_complaints)
    lib.llama_free(context)
    return round(sum(caches) * 2**20), buffers.compute.total


@pytest.mark.parametrize("name", PLANS)
def test_the_estimate_is_llama_cpp_s_own_plan_for_models_of_real_size(
    name: str, tmp_path: Path
) -> None:
    path = write_plan(tmp_path / "m.gguf", PLANS[name])
    header = read_header(path)
    with planned(path) as model:
        assert lib.llama_model_size(model) == header.weight_bytes
        for n_ctx, n_batch, flash, kv in product(
            (2048, 8192, 32768), (64, 512, 2048), ("on", "off"), KV_TYPES
        ):
            if refusal(n_batch, flash, kv) is not None:
                continue
            said = (name, n_ctx, n_batch, flash, kv)
            kv_cache, compute = plan_of(model, n_ctx, n_batch, flash, kv)
            found = estimate(header, n_ctx, n_batch=n_batch, kv_type=kv, flash_attention=flash)
            assert found.kv_cache == pytest.approx(kv_cache, rel=0.005, abs=20_000), said
            assert found.compute == pytest.approx(compute, rel=0.15), said
            taken = header.weight_bytes + kv_cache + compute + found.output
            assert found.total == pytest.approx(taken, rel=0.03), said


def test_a_large_vocabulary_counts_by_its_rows_of_logits(tmp_path: Path) -> None:
    """At a small batch the rows are what counts: 40 of them at 262,144 tokens are 42 MB."""
    plan = Plan("gemma3", 4, 256, 512, 4, 1, 262144, 64, 512, norms_of_heads=True)
    path = write_plan(tmp_path / "m.gguf", plan)
    rows = OUTPUT_ROWS * 262144 * 4
    with planned(path) as model:
        _, compute = plan_of(model, 2048, 64, "on", "f16")
    found = estimate(read_header(path), 2048, n_batch=64)
    assert rows < found.compute < rows * 1.05
    assert found.compute == pytest.approx(compute, rel=0.02)
    assert found.output == 262144 * 4
    assert estimate(read_header(path), 2048, rows=OUTPUT_ROWS).output == rows


async def test_what_tiny_models_take_is_what_was_worked_out(
    engine: EngineClient, tmp_path: Path
) -> None:
    path = write_model(tmp_path / "m.gguf", shape=WIDE, n_ctx=2048)
    header = read_header(path)
    for flash, kv, n_batch in product(FLASH_ATTENTION, KV_TYPES, (64, 512)):
        if refusal(n_batch, flash, kv) is not None:
            continue
        spec = ContextSpec(
            str(path), None, 1.0, 2048, 1, kv_type=kv, flash_attention=flash, n_batch=n_batch
        )
        info = await engine.open(spec)
        await engine.close_context(spec)
        assert info.memory is not None
        found = estimate(header, 2048, n_batch=n_batch, kv_type=kv, flash_attention=flash)
        assert found.total == pytest.approx(info.memory.total, rel=0.15), spec
        assert info.memory.device == 0 and info.memory.main == info.memory.total


async def test_an_adapter_and_the_rows_of_scoring_are_counted(
    engine: EngineClient, tmp_path: Path
) -> None:
    path = write_model(tmp_path / "m.gguf", shape=WIDE, n_ctx=512)
    adapter = write_adapter(tmp_path / "a.gguf", shape=WIDE, rank=32)
    header, lora = read_header(path), read_header(adapter)
    tuned = ContextSpec(str(path), str(adapter), 1.0, 512, 1)
    base = ContextSpec(str(path), None, 1.0, 512, 1, slot="reference-0")
    info, second = await engine.open(tuned), await engine.open(base)
    assert info.memory is not None and second.memory is not None
    assert info.memory.adapter.total == pytest.approx(lora.weight_bytes, rel=0.02, abs=20_000)
    assert estimate(header, 512, lora).adapter == lora.weight_bytes
    assert (info.memory.shared, second.memory.shared) == (False, True)
    assert info.memory.weights == second.memory.weights
    assert estimate(header, 512, shared=True).weights == 0
    assert info.memory.output.total == 512 * 4
    prompt = Prompt(ids=tuple(range(3, 60)))
    run = engine.score(Reference(tuned, prompt), (Reference(base),), tokens=tuple(range(60, 130)))
    async for _ in run:
        pass
    after = (await engine.open(tuned)).memory
    assert after is not None
    # 70 tokens: chunks of 32, the short last one joined to the one before.
    assert after.output.total == 38 * 512 * 4 <= OUTPUT_ROWS * 512 * 4


async def test_the_process_grows_while_a_model_is_loaded(
    engine: EngineClient, tmp_path: Path
) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("this system does not tell how large a process is")
    shape = TinyShape(n_layers=4, n_embd=512, n_head=8, n_head_kv=8, n_ff=2048)
    path = write_model(tmp_path / "m.gguf", shape=shape)
    info = await engine.open(ContextSpec(str(path), None, 1.0, 512, 1))
    assert info.memory is not None
    weights = read_header(path).weight_bytes
    assert weights < info.memory.resident < 3 * weights


def test_a_model_can_be_measured_without_its_weights(tmp_path: Path) -> None:
    """What automatic GPU layers go by; without a GPU the compute buffers are the CPU's."""
    path = write_plan(tmp_path / "m.gguf", planned_gguf.GEMMA3_1B)
    found = run_dry(ContextSpec(str(path), n_ctx=8192))
    header = read_header(path)
    expected = estimate(header, 8192)
    assert found is not None
    assert (found.n_layers, found.weights) == (26, header.weight_bytes)
    assert found.kv_cache == pytest.approx(expected.kv_cache, rel=0.001)
    assert found.fixed == pytest.approx(expected.compute, rel=0.1)
    broken = tmp_path / "broken.gguf"
    with path.open("rb") as whole:
        broken.write_bytes(whole.read(1000))
    assert run_dry(ContextSpec(str(broken))) is None


def test_a_context_that_cannot_be_had_is_left_out_of_a_dry_run(tiny: Path) -> None:
    """The tiny model's heads have 16 numbers: no block of a quantised cache."""
    assert run_dry(ContextSpec(str(tiny), kv_type="q8_0")) is None


def test_totals_add_up() -> None:
    assert MemoryEstimate(1, 2, 4, 8, 16).total == 31
