"""The corpus of bad GGUFs given to the engine process itself: a typed error for each, and the program goes on.

What the header tells is refused before anything is loaded (tests/unit/test_bad_gguf.py); here nothing stands before
llama.cpp. A process that it ends is a typed error, too, and the next request starts a new one.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import bad_gguf
from tests.support.bad_gguf import ADAPTER_CASES, CASES, Case, Parts
from urial_tui.engine.client import EngineClient
from urial_tui.engine.protocol import ContextSpec
from urial_tui.errors import EngineError, ModelError
from urial_tui.models.library import Library
from urial_tui.models.resolve import resolve_side
from urial_tui.settings import Settings

SECONDS = 60
"""For one file, a new process included; a hang is what this is for."""
KINDS = {"model-load", "model-missing", "engine-died", "memory"}
GROUPS = [CASES[begin : begin + 30] for begin in range(0, len(CASES), 30)]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return bad_gguf.good_parts(tmp_path_factory.mktemp("good"))


@pytest.fixture
def good_spec(good: Parts, tmp_path: Path) -> ContextSpec:
    path = tmp_path / "good.gguf"
    path.write_bytes(good.written())
    return ContextSpec(str(path), n_ctx=128, n_threads=1)


async def opened(engine: EngineClient, spec: ContextSpec) -> str:
    """The kind of the error, or "" when it was loaded."""
    try:
        async with asyncio.timeout(SECONDS):
            await engine.open(spec)
    except EngineError as error:
        assert error.message
        return error.kind
    return ""


@pytest.mark.parametrize("cases", GROUPS, ids=lambda cases: cases[0].name)
async def test_a_bad_file_is_a_typed_error_of_the_engine(
    cases: Sequence[Case],
    good: Parts,
    good_spec: ContextSpec,
    engine: EngineClient,
    tmp_path: Path,
) -> None:
    wrong = []
    for number, case in enumerate(cases):
        path = tmp_path / f"bad-{number}.gguf"
        case.write(path, good)
        kind = await opened(engine, ContextSpec(str(path), n_ctx=128, n_threads=1))
        if kind not in KINDS and not (case.tolerated and not kind):
            wrong.append((case.name, kind or "loaded"))
    assert wrong == []
    assert await opened(engine, good_spec) == ""


@pytest.mark.parametrize("case", ADAPTER_CASES, ids=lambda case: case.name)
async def test_a_bad_adapter_is_a_typed_error_of_the_engine(
    case: Case, good_spec: ContextSpec, engine: EngineClient, tmp_path: Path
) -> None:
    path = tmp_path / "bad-lora.gguf"
    case.write(path, bad_gguf.good_adapter_parts(tmp_path))
    kind = await opened(
        engine, ContextSpec(good_spec.model_path, str(path), n_ctx=128, n_threads=1)
    )
    assert kind in ({"adapter-load", "engine-died"} | ({""} if case.tolerated else set()))
    assert await opened(engine, good_spec) == ""


async def test_what_passes_the_header_check_is_refused_by_the_engine_in_words(
    good: Parts, engine: EngineClient, tmp_path: Path
) -> None:
    """The way of a side: what `resolve_side` lets through is given to the engine, and one of the two says what is
    wrong, whatever the file is."""
    silent = []
    for number, case in enumerate(CASES):
        path = tmp_path / f"bad-{number:03}.gguf"
        case.write(path, good)
        try:
            side = resolve_side(str(path), Library([]), Settings())
        except ModelError:
            continue
        assert not case.refused, case.name
        spec = ContextSpec(str(side.model_path), n_ctx=128, n_threads=1)
        if not await opened(engine, spec):
            silent.append(case.name)
    assert silent == []
