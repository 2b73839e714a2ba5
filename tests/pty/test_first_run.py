"""The first run in a real terminal: a way to a model, the sides of the next start, the library, and a download that is
killed and goes on.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import GiveDemo
from tests.pty.conftest import Start
from tests.pty.driving import ask_and_watch, status, until_ready
from tests.support.fake_hub import FakeHub, Fault
from tests.support.pty_program import Terminal
from tests.support.tinygguf import write_model
from urial_tui.sides import Side

WELCOME = "A GGUF file on this machine"
SETTINGS = "n_ctx = 16384\nn_threads = 1\n[sampling]\ntemperature = 0\nmax_tokens = 4000\n"
LIBRARY = "\x1b[15;2~"
"""Shift+F5, as terminals send it."""
REPO = "o/Tiny-GGUF"
FILE = "Tiny-Q4_0.gguf"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose settings name no side."""
    config = tmp_path / "home" / "config"
    config.mkdir(parents=True)
    (config / "settings.toml").write_text(SETTINGS)
    return tmp_path / "home"


def leave(terminal: Terminal) -> None:
    terminal.send("ctrl+q")
    assert terminal.ended() == 0
    assert terminal.unrestored() == []


def test_a_file_is_chosen_and_the_next_start_goes_on_with_it(
    start: Start, home: Path, tiny: Path
) -> None:
    terminal = start(size=(80, 24))
    terminal.until_text(WELCOME)
    assert terminal.children() == [], "no engine before a model is chosen"
    terminal.send("down", "enter")
    terminal.until_text("The path of a GGUF file")
    terminal.send("/no/such.gguf", "enter")
    terminal.until_text("/no/such.gguf")
    terminal.send("\x15")  # Ctrl+U takes the line away
    terminal.until_text("~/models/model.gguf")
    terminal.send(str(tiny), "enter")
    until_ready(terminal)
    ask_and_watch(terminal, "What is a haiku?")
    terminal.send("escape")
    until_ready(terminal)
    leave(terminal)
    file = home / "state" / "last-sides.json"
    assert json.loads(file.read_text())["side"] == str(Side(str(tiny), style="urial-general"))
    assert file.stat().st_mode & 0o777 == 0o600
    again = start(size=(80, 24))
    until_ready(again)
    assert not again.shows(WELCOME)
    again.until_text("What is a haiku?")


def test_without_a_history_what_was_used_last_is_enough(
    start: Start, home: Path, tiny: Path
) -> None:
    (home / "state").mkdir()
    sides = {"side": f'"{tiny}"@raw', "references": [f'"{tiny}"@zero-shot']}
    (home / "state" / "last-sides.json").write_text(json.dumps(sides))
    terminal = start(size=(160, 40))
    until_ready(terminal)
    assert not terminal.shows(WELCOME)
    terminal.until(lambda: "@raw" in status(terminal), what="the side")
    terminal.until(lambda: "CPU" in status(terminal), what="the device")
    terminal.until(lambda: "@zero-shot" in status(terminal), what="the reference")


@pytest.mark.real
def test_enter_takes_the_embedded_model(tmp_path: Path, home: Path, give_demo: GiveDemo) -> None:
    give_demo(home)
    with Terminal((), home, size=(80, 24)) as terminal:
        terminal.until_text(WELCOME)
        terminal.send("enter")
        until_ready(terminal)
        terminal.until(lambda: "demo@urial-general" in status(terminal), what="the side")
    with Terminal((), home, size=(80, 24)) as again:
        until_ready(again)
        assert not again.shows(WELCOME)


@pytest.mark.real
def test_the_option_for_the_embedded_model_asks_nothing(home: Path, give_demo: GiveDemo) -> None:
    give_demo(home)
    with Terminal(("--demo",), home, size=(80, 24)) as terminal:
        until_ready(terminal)
        assert not terminal.shows(WELCOME)


def test_a_model_of_the_library_is_verified_and_used(start: Start, home: Path) -> None:
    folder = home / "data" / "models"
    folder.mkdir(parents=True)
    write_model(folder / "small-model.gguf", n_ctx=32768, name="Small")
    terminal = start(size=(80, 24))
    terminal.until_text("1 was found in the usual places")
    terminal.send("down", "down", "enter")
    terminal.until_text("on disk")
    terminal.send("/")
    terminal.until_gone("/ Filter")
    terminal.send("small")
    terminal.until_gone("demo")
    terminal.send("enter")
    terminal.until_text("/ Filter")
    terminal.send("v")
    terminal.until_text("the sha256 is known now")
    terminal.send("enter")
    until_ready(terminal)
    terminal.until(lambda: "small-model@" in status(terminal), what="the side")
    terminal.send(LIBRARY)
    terminal.until_text("● small-model")
    terminal.send("escape")
    terminal.until_text("Write a message")
    leave(terminal)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as fake:
        yield fake


def test_a_download_that_is_killed_is_listed_by_the_next_run_and_goes_on(
    home: Path, tmp_path: Path, hub: FakeHub
) -> None:
    pytest.importorskip("huggingface_hub")
    content = write_model(tmp_path / "source.gguf", n_ctx=32768).read_bytes()
    hub.add(REPO, {FILE: content})
    hub.cdn_faults[FILE] = Fault(times=1, hold_after=200_000)
    env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home / "hf"), "NO_PROXY": "*"}
    target = home / "data" / "models" / REPO / FILE
    with ExitStack() as running:

        def start() -> Terminal:
            terminal = running.enter_context(Terminal((), home, size=(100, 30), env=env))
            terminal.until_text(WELCOME)
            terminal.send("up", "enter")  # the last way
            terminal.until_text("Pairs to begin with")
            return terminal

        terminal = start()
        terminal.send("/")
        terminal.until_gone("/ Search")
        terminal.send(REPO, "enter")
        terminal.until_text("1 to choose from")
        terminal.send("enter")
        terminal.until(hub.held.is_set, what="the file half sent")
        part = target.with_name(FILE + ".part")
        terminal.until(lambda: part.exists() and part.stat().st_size > 0, what="the part")
        terminal.signal(signal.SIGKILL)
        terminal.ended()
        hub.release.set()
        assert not target.exists()

        again = start()
        again.until_text("paused")
        again.send("tab")
        again.until_text("r Resume")
        again.send("r")
        again.until(lambda: again.shows("done"), what="the end of the download")
        assert target.read_bytes() == content
        assert hub.ranges(FILE)[-1].startswith("bytes=") and hub.ranges(FILE)[-1] != "bytes=0-"
        again.send("escape", "escape")
        again.until_text("1 was found")
        leave(again)


def test_the_screens_of_models_leave_the_terminal_as_it_was(start: Start, home: Path) -> None:
    terminal = start(size=(60, 15))
    terminal.until_text("A GGUF file on this machine")
    terminal.send("up", "enter")
    terminal.until_text("Qwen2.5 1.5B")
    terminal.resize(200, 60)
    terminal.until_text("licence: Apache-2.0")
    terminal.send("ctrl+q")
    assert terminal.ended() == 0
    assert terminal.unrestored() == []
