"""The engine process: it dies, it is refused files, it goes when the parent goes; nothing hangs, nothing is lost."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from urial_tui.engine.client import EngineClient
from urial_tui.engine.protocol import ContextSpec, Prompt, Sampling, Span, Stops, Token
from urial_tui.errors import EngineError

PROMPT = Prompt(spans=(Span("Hello", user=True),))
MANY = 8000


def roomy(spec: ContextSpec) -> ContextSpec:
    """With a context for so many tokens that the answer is not over when its first ones arrive."""
    return msgspec.structs.replace(spec, n_ctx=MANY + 192)


def send(engine: EngineClient, number: signal.Signals) -> None:
    """A signal to the engine process; never to process 0, which is the tests' own group."""
    assert engine.pid is not None
    os.kill(engine.pid, number)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


async def until_stopped(engine: EngineClient) -> None:
    """A stopping process may still answer for an instant: wait until the system says that it has stopped."""
    stat = Path(f"/proc/{engine.pid}/stat")
    async with asyncio.timeout(10):
        while stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "T":
            await asyncio.sleep(0.01)


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while alive(pid):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("after", [0, 1, 7])
async def test_a_killed_process_is_said_and_the_next_request_starts_a_new_one(
    engine: EngineClient, spec: ContextSpec, after: int
) -> None:
    spec = roomy(spec)
    await engine.open(spec)
    seen = 0
    with pytest.raises(EngineError) as error:
        if after == 0:
            send(engine, signal.SIGKILL)
        async for event in engine.generate(spec, PROMPT, Sampling(temperature=0), Stops(), MANY):
            if isinstance(event, Token):
                seen += 1
                if seen == after:
                    send(engine, signal.SIGKILL)
        if after == 0:
            raise EngineError("started again before the death was seen", kind="engine-died")
    assert error.value.kind == "engine-died"
    assert seen >= after
    tokens = [
        e
        async for e in engine.generate(spec, PROMPT, Sampling(temperature=0), Stops(), 5)
        if isinstance(e, Token)
    ]
    assert len(tokens) == 5


async def test_a_file_that_is_no_model_is_refused_and_the_process_lives_on(
    engine: EngineClient, spec: ContextSpec, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + os.urandom(4096))
    await engine.open(spec)
    pid = engine.pid
    with pytest.raises(EngineError) as error:
        await engine.open(ContextSpec(str(bad)))
    assert error.value.kind == "model-load"
    assert "bad.gguf" in error.value.message
    assert engine.pid == pid
    await engine.open(spec)


async def test_a_truncated_model_is_refused(
    engine: EngineClient, tiny: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "short.gguf"
    bad.write_bytes(tiny.read_bytes()[:200_000])
    with pytest.raises(EngineError) as error:
        await engine.open(ContextSpec(str(bad)))
    assert error.value.kind == "model-load"


async def test_a_missing_model_and_a_missing_adapter_are_named(
    engine: EngineClient, spec: ContextSpec
) -> None:
    with pytest.raises(EngineError) as model:
        await engine.open(ContextSpec("/nowhere/model.gguf"))
    with pytest.raises(EngineError) as adapter:
        await engine.open(ContextSpec(spec.model_path, "/nowhere/adapter.gguf"))
    assert (model.value.kind, adapter.value.kind) == ("model-missing", "adapter-missing")


async def test_a_model_is_not_an_adapter(engine: EngineClient, spec: ContextSpec) -> None:
    with pytest.raises(EngineError) as error:
        await engine.open(ContextSpec(spec.model_path, spec.model_path))
    assert error.value.kind == "adapter-load"


async def test_the_process_ends_when_its_parent_is_killed(
    spec: ContextSpec, tmp_path: Path
) -> None:
    script = tmp_path / "parent.py"
    script.write_text(f"""
import asyncio
from urial_tui.engine.client import EngineClient
from urial_tui.engine.protocol import *
async def main():
    engine = EngineClient()
    async for event in engine.generate(ContextSpec({spec.model_path!r}, n_ctx=256), Prompt(spans=(Span("Hi"),)),
                                       Sampling(), Stops(), 100000):
        if isinstance(event, Token):
            print(engine.pid, flush=True)
            await asyncio.sleep(60)
asyncio.run(main())
""")
    parent = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert alive(child)
    parent.kill()
    await parent.wait()
    await until_gone(child)


async def test_closing_ends_the_process_also_in_the_middle_of_an_answer(
    tmp_path: Path, spec: ContextSpec
) -> None:
    engine = EngineClient()
    generation = engine.generate(
        roomy(spec), PROMPT, Sampling(temperature=0), Stops(), MANY
    ).__aiter__()
    async for event in generation:
        if isinstance(event, Token):
            break
    pid = engine.pid
    assert pid is not None
    await engine.aclose()
    await until_gone(pid)


async def test_a_hung_process_is_killed_when_it_does_not_acknowledge(
    spec: ContextSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urial_tui.engine.client.ACK_SECONDS", 0.3)
    engine = EngineClient()
    generation = engine.generate(roomy(spec), PROMPT, Sampling(temperature=0), Stops(), MANY)
    stopped = False
    with pytest.raises(EngineError) as error:
        async for event in generation:
            if isinstance(event, Token) and not stopped:
                stopped = True
                send(engine, signal.SIGSTOP)
                await until_stopped(engine)
                await generation.cancel()
    assert error.value.kind == "engine-died"
    await engine.aclose()


async def test_secrets_do_not_reach_the_process(
    spec: ContextSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    engine = EngineClient()
    await engine.open(spec)
    environment = Path(f"/proc/{engine.pid}/environ")
    if not environment.exists():
        pytest.skip("no /proc on this system")
    assert b"HF_TOKEN" not in environment.read_bytes()
    await engine.aclose()


async def test_a_module_in_the_working_folder_does_not_shadow_ours(
    tmp_path: Path, spec: ContextSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llama_cpp.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    engine = EngineClient()
    assert (await engine.open(spec)).n_vocab == 512
    await engine.aclose()


async def test_the_description_names_versions_and_devices(engine: EngineClient) -> None:
    description = await engine.describe()
    assert description.llama_cpp_version
    assert description.missing_symbols == ()
    assert description.devices


async def test_the_log_file_is_private(
    engine: EngineClient, spec: ContextSpec, tmp_path: Path
) -> None:
    await engine.open(spec)
    assert (tmp_path / "engine.log").stat().st_mode & 0o777 == 0o600


async def test_a_cancelled_decode_is_not_named_as_the_reason_of_a_later_end(
    engine: EngineClient, spec: ContextSpec
) -> None:
    spec = roomy(spec)
    await engine.open(spec)
    generation = engine.generate(spec, PROMPT, Sampling(temperature=0), Stops(), MANY)
    engine._channel._complaints.append((float("-inf"), "a line of long ago: failed"))
    engine._channel._note("llama_decode: failed to decode, ret = 2")
    with pytest.raises(EngineError) as error:
        async for event in generation:
            if isinstance(event, Token):
                send(engine, signal.SIGKILL)
    assert error.value.kind == "engine-died"
    assert error.value.message == "the engine process ended by SIGKILL"
