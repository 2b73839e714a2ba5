"""`ask` and a signal at the moments that a test from outside cannot hit: an answer that has a row is kept and told."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.scripted_engine import ScriptedEngine
from urial_tui.chat.active import ActiveSide
from urial_tui.cli.ask import asking
from urial_tui.cli.ask.command import ask as command
from urial_tui.engine.protocol import ContextSpec, Sampling
from urial_tui.paths import history_file
from urial_tui.prompts.render import RAW_SHAPE
from urial_tui.prompts.styles import Style
from urial_tui.services import Services, SideChoice
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store

SIDE = ActiveSide(
    notation="demo@raw",
    spec=ContextSpec("/models/demo.gguf"),
    style=Style("raw", RAW_SHAPE),
    sampling=Sampling(temperature=0.0),
    max_tokens=64,
    sha256_of=lambda _path: "0" * 64,
)


class ScriptedServices(Services):
    """The program's services with an engine that plays a script."""

    async def activate(self, notation: str, *, pack_file: Path | None = None) -> ActiveSide:
        return SIDE


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))


def ask(engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> asking.Answered:
    monkeypatch.setattr(ScriptedServices, "engine", engine)
    monkeypatch.setattr(asking, "Services", ScriptedServices)
    choice = SideChoice(side="demo@raw")
    return asking.run(asking.Asking("Hi", choice, None, None, None, save=True, stream=False))


@pytest.mark.parametrize("moment", ["create_session", "begin_answer"])
def test_a_signal_while_the_rows_are_written_is_told_as_a_cancelled_answer(
    monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    write = AsyncStore.call

    async def write_and_interrupt(
        store: AsyncStore, method: Any, /, *arguments: Any, **more: Any
    ) -> Any:
        written = await write(store, method, *arguments, **more)
        if method is getattr(Store, moment):
            os.kill(os.getpid(), signal.SIGINT)
        return written

    monkeypatch.setattr(AsyncStore, "call", write_and_interrupt)
    answered = ask(ScriptedEngine(paced=True), monkeypatch)
    answer = answered.outcome.message
    assert (answered.finish_reason, answered.signal) == ("cancelled", signal.SIGINT)
    assert answered.as_dict()["text"] == answer.content
    assert answered.message_id == answer.id
    assert answer.status == "stopped"


Stopped = Callable[..., Result]


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Stopped:
    """`ask` with options, which Ctrl+C reaches when three tokens are there, or at the first of them."""

    def run(*options: str, tokens: int = 3) -> Result:
        engine = ScriptedEngine(paced=True)
        engine.pace.let(tokens)
        write = AsyncStore.call

        async def write_and_interrupt(
            store: AsyncStore, method: Any, /, *arguments: Any, **more: Any
        ) -> Any:
            written = await write(store, method, *arguments, **more)
            if method is Store.begin_generation:
                interrupting.append(asyncio.create_task(interrupt()))
            return written

        async def interrupt() -> None:
            while not engine.pace.waiting:
                await asyncio.sleep(0.001)
            os.kill(os.getpid(), signal.SIGINT)

        interrupting: list[asyncio.Task[None]] = []
        monkeypatch.setattr(AsyncStore, "call", write_and_interrupt)
        monkeypatch.setattr(ScriptedServices, "engine", engine)
        monkeypatch.setattr(asking, "Services", ScriptedServices)
        return CliRunner().invoke(command, ["--side", "demo@raw", *options, "Hi"])

    return run


def test_ctrl_c_says_where_the_text_so_far_is(stopped: Stopped) -> None:
    result = stopped()
    assert result.exit_code == 130
    with Store.open(history_file(), readonly=True) as store:
        (session,) = store.sessions()
    assert result.stderr.startswith("stopped; the text so far is kept")
    assert f"`urial-tui history show {session.id}`" in result.stderr


def test_ctrl_c_before_the_first_word_says_that_the_question_is_kept(
    stopped: Stopped,
) -> None:
    result = stopped("--json", tokens=0)
    assert result.exit_code == 130
    told = json.loads(result.stdout)
    assert told["finish_reason"] == "cancelled"
    assert result.stderr.startswith("stopped before the answer began; the question is kept")
    assert told["session_id"] in result.stderr


def test_ctrl_c_says_where_nothing_is_kept(stopped: Stopped) -> None:
    result = stopped("--no-save")
    assert result.exit_code == 130
    assert result.stderr == "stopped; nothing is kept in the history.\n"
    assert not history_file().exists()


def test_without_a_signal_the_answer_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = ask(ScriptedEngine(), monkeypatch)
    assert answered.finish_reason == "stop"
    assert answered.as_dict()["text"] == "Hello, this is an answer."
