"""Pictures of the screens of models. After a wanted change, look at them, then run with `--snapshot-update`."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.support.fake_desk import CHAT, FACTS, MB, FakeDesk
from tests.ui.driving import make_app
from tests.ui.test_snapshots import still
from urial_tui.errors import ModelError
from urial_tui.ui.app import UrialApp
from urial_tui.ui.screens import models as models_module

SIZES = [(80, 24), (160, 45)]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models_module, "LOOK_DELAY", 0.0)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/u"))


def desk() -> FakeDesk:
    known = dataclasses.replace(CHAT, sha256="0f" * 32, vocabulary="91c5e7d2a3b40f68")
    return FakeDesk([known if one is CHAT else one for one in FACTS])


def fetching(desk: FakeDesk) -> None:
    """One download that runs, one that is paused, one that failed, one that is done."""
    runs = desk.begin("bartowski/SmolLM2-135M-Instruct-GGUF", "Q4_1", 98 * MB)
    desk.change(runs, state="fetching", done=42 * MB, rate=12.1e6, eta_s=4.6)
    paused = desk.begin("allenai/OLMo-2-1124-7B-GGUF", "Q4_K_M", 4472 * MB)
    desk.change(paused, state="paused", done=1900 * MB)
    failed = desk.begin("mradermacher/gemma-3-1b-pt-GGUF", "Q4_K_M", 806 * MB)
    error = ModelError("the disk is full: 12 MB are free", hint="Make room, and go on.")
    desk.change(failed, state="failed", done=400 * MB, error=error)


Step = str | Callable[[UrialApp], None]


def doing(*steps: Step) -> Any:
    async def run(pilot: Pilot[Any]) -> None:
        await still(pilot)
        for step in steps:
            if isinstance(step, str):
                await pilot.press(step)
            else:
                step(pilot.app)  # type: ignore[arg-type]
            await still(pilot)

    return run


def open_hub(app: UrialApp) -> None:
    app.chat_screen.models.open_hub()


def app(desk: FakeDesk, **services: Any) -> Any:
    return make_app(services={"models": desk, **services})


def test_the_library_in_a_small_terminal(snap_compare: Any) -> None:
    run = doing("f17", "down", "down")
    assert snap_compare(app(desk()), terminal_size=(60, 15), run_before=run)


def test_the_library_without_colour(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    run = doing("f17", "down")
    assert snap_compare(app(desk()), terminal_size=(120, 30), run_before=run)


def test_the_library_in_the_light_theme(snap_compare: Any) -> None:
    run = doing("f17", "slash", *"qwen", "enter", "p")
    light = app(desk(), theme="urial-day")
    assert snap_compare(light, terminal_size=(120, 30), run_before=run)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_repository_and_downloads(snap_compare: Any, size: tuple[int, int]) -> None:
    shown = desk()
    run = doing(
        open_hub, lambda _: fetching(shown), "slash", *"smollm", "enter", "enter", "tab", "end"
    )
    assert snap_compare(app(shown), terminal_size=size, run_before=run)


def test_the_first_run_with_a_path(snap_compare: Any) -> None:
    shown = desk()
    shown.demo_problem = "it is not installed: pip install 'urial-tui[demo]'"
    run = doing("enter", *"/no/such", "enter")

    def check(side: str) -> None:
        raise ModelError("there is no file /no/such", hint="Check the path.")

    first = app(shown, first_run=True, check_side=check)
    assert snap_compare(first, terminal_size=(80, 24), run_before=run)


def test_the_side_picker_with_a_library(snap_compare: Any) -> None:
    assert snap_compare(app(desk()), run_before=doing("f5"))


def test_downloads_from_the_chat(snap_compare: Any) -> None:
    shown = desk()
    run = doing(lambda _: fetching(shown))
    assert snap_compare(app(shown), terminal_size=(120, 24), run_before=run)
