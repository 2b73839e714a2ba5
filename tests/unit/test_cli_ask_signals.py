"""`ask` and a signal at the moments that a test from outside cannot hit: an answer that has a row is kept and told."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.scripted_engine import ScriptedEngine
from urial_tui.chat.active import ActiveSide
from urial_tui.cli.ask import asking
from urial_tui.engine.protocol import ContextSpec, Sampling
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


def test_without_a_signal_the_answer_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = ask(ScriptedEngine(), monkeypatch)
    assert answered.finish_reason == "stop"
    assert answered.as_dict()["text"] == "Hello, this is an answer."
