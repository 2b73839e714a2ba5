"""Tiny models on disk and a running engine process for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.tinygguf import write_adapter, write_model
from urial_tui.engine.client import EngineClient
from urial_tui.engine.protocol import ContextSpec


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny.gguf"
    write_model(path)
    return path


@pytest.fixture(scope="session")
def tiny_adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny-lora.gguf"
    write_adapter(path)
    return path


@pytest.fixture
def spec(tiny: Path) -> ContextSpec:
    return ContextSpec(str(tiny), n_ctx=256, n_threads=1)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EngineClient]:
    client = EngineClient(states_dir=tmp_path / "states", log_file=tmp_path / "engine.log")
    yield client
    await client.aclose()
