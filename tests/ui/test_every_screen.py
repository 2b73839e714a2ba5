"""A picture of every screen at three sizes. After a wanted change, look at them, then run with `--snapshot-update`.

A journey is one start of the app that goes from screen to screen as a user would; at each the terminal is resized. A
screen that no journey stops at fails the last test here.
"""

import asyncio
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

import urial_tui.ui
from tests.support.fake_chat import FakeChat
from tests.support.fake_judging import GOOD, QUESTIONS, SIDES
from tests.ui import test_token_shift_pictures as scored
from tests.ui.driving import make_app
from tests.ui.test_branches_screen import branched
from tests.ui.test_export_dialog import FakeExports
from tests.ui.test_judging_pictures import compared
from tests.ui.test_model_pictures import desk as models_desk
from tests.ui.test_snapshots import still
from urial_tui.exchange.formats import EXPORTERS
from urial_tui.prompts.types import Turn
from urial_tui.ui.app import UrialApp
from urial_tui.ui.screens import models as models_module
from urial_tui.ui.screens.dialog import ChooseOne
from urial_tui.ui.screens.sides import SidePicker

SIZES = [(60, 20), (80, 24), (160, 45)]
BETWEEN = (80, 24)
"""Where a journey goes on."""

Do = str | Callable[[UrialApp], object]
"""Keys with blanks between them, or something to do with the app."""


@dataclass(frozen=True)
class Stop:
    """The name of a screen's class, the way to it from the stop before, and the way on from it."""

    screen: str
    there: tuple[Do, ...] = ()
    back: tuple[Do, ...] = ("escape",)


@dataclass(frozen=True)
class Journey:
    app: Callable[[], UrialApp]
    stops: tuple[Stop, ...]


def action(name: str) -> Do:
    """What the palette would do on the chat screen."""
    return lambda app: getattr(app.chat_screen, f"action_{name}")()


class RealFormats(FakeExports):
    """With as long a list as the program has."""

    def formats(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, exporter.about) for name, exporter in EXPORTERS.items())


# --- the journeys ---------------------------------------------------------------------------------


CHAT = Journey(
    lambda: make_app(
        scored.prepare,
        services={"exports": RealFormats(), "settings_file": Path("/none/settings.toml")},
    ),
    (
        Stop("ChatScreen", ("f6 n n",), ()),
        Stop("PositionChart", ("h",)),
        Stop("ShiftTotalsDialog", ("a",), ("escape", "escape")),
        Stop("ReferencePicker", (action("choose_references"),)),
        Stop("MarkdownView", ("ctrl+l",)),
        Stop("PackPicker", ("f3",)),
        Stop("SamplingDialog", ("f4",)),
        Stop("SidePicker", ("f5",)),
        Stop("HelpScreen", ("f1",)),
        Stop("SearchDialog", ("ctrl+f", "h e a r t")),
        Stop("AskText", ("f10",)),
        Stop("ExportDialog", ("f20",)),
        Stop("CommandPalette", ("ctrl+p",)),
        Stop("JumpScreen", ("f14",)),
        Stop("SettingsScreen", ("f16",), ()),
        Stop("ChooseOne", ("f l a s h", "enter", "enter")),
        Stop("ThemePicker", ("escape", "f3 t h e m e", "enter", "enter")),
        Stop("KeysScreen", ("escape", "f3 k e y m a p", "enter", "enter", "down down"), ()),
        Stop("PressKey", ("enter", "f5")),
    ),
)

BRANCHES = Journey(
    lambda: make_app(branched),
    (
        Stop("BranchesScreen", ("f19", "s up up c left left"), ()),
        Stop("CompareScreen", ("c", "n")),
    ),
)


def judged() -> UrialApp:
    def prepare(chat: FakeChat) -> None:
        chat.add_session("Walking", [QUESTIONS[0], GOOD], "5")

    made = asyncio.run(compared())
    made.compared.pop()  # one is left to compare
    made.texts["m2"] = (SIDES[0], (Turn("user", QUESTIONS[0]), Turn("assistant", GOOD)))
    return make_app(prepare, services={"judging": made})


JUDGING = Journey(
    judged,
    (
        Stop("RatingScreen", (action("rate_answer"), "4 5 n"), ()),
        Stop("RubricReader", ("l",), ("escape", "escape")),
        Stop("JudgePicker", (action("judge_answer"),)),
        Stop("JudgementsDialog", (action("show_judgements"),)),
        Stop("RunPicker", (action("compare_run"),), ()),
        Stop("PairScreen", ("enter", "p a t"), ("escape",)),
        Stop("BoardScreen", (action("open_board"),), ()),
        Stop("RunsChooser", ("r",)),
        Stop("BoardAnswers", ("o",), ()),
        Stop("AnswerReader", ("enter",)),
    ),
)

MODELS = Journey(
    lambda: make_app(services={"models": models_desk()}),
    (
        Stop("ModelsScreen", ("f17", "down down"), ()),
        Stop("PartnerPicker", ("slash", "q w e n", "enter p")),
        Stop("AddModels", ("escape", "a")),
        Stop("Confirm", ("d",)),
        Stop("HubScreen", ("g",)),
    ),
)

FIRST = Journey(
    lambda: make_app(services={"models": models_desk(), "first_run": True}),
    (Stop("WelcomeScreen", (), ()),),
)

JOURNEYS = {
    "chat": CHAT,
    "branches": BRANCHES,
    "judging": JUDGING,
    "models": MODELS,
    "first": FIRST,
}

NO_PICTURE = {
    "SidesPicker": "a ChooseOne in other words",
    "VersionPicker": "a ChooseOne in other words",
}

# --- the tests ------------------------------------------------------------------------------------


async def resting(pilot: Pilot[Any], times: int = 2) -> str:
    """The screen as SVG once it was the same so many times more."""
    before, same = "", 0
    for _ in range(100):
        for widget in pilot.app.screen.query(Input):
            widget.cursor_blink = False
        await pilot.pause()
        now = pilot.app.export_screenshot(simplify=True)
        same = same + 1 if now == before else 0
        if same == times:
            return now
        before = now
    raise AssertionError("the screen never comes to rest")


async def doing(pilot: Pilot[Any], steps: tuple[Do, ...]) -> None:
    for step in steps:
        if isinstance(step, str):
            await pilot.press(*step.split())
        else:
            step(pilot.app)  # type: ignore[arg-type]
        await resting(pilot)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models_module, "LOOK_DELAY", 0.0)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/u"))


@pytest.mark.parametrize("name", JOURNEYS)
def test_screens_look_as_they_did(name: str, snapshot: Any, tmp_path: Path) -> None:
    journey = JOURNEYS[name]
    app = journey.app()
    found: dict[str, str] = {}

    async def travel() -> None:
        async with app.run_test(size=BETWEEN) as pilot:
            await still(pilot)
            for stop in journey.stops:
                await doing(pilot, stop.there)
                assert type(pilot.app.screen).__name__ == stop.screen
                for size in SIZES:
                    await pilot.resize_terminal(*size)
                    found[picture(stop.screen, size)] = await resting(pilot, 1)
                await pilot.resize_terminal(*BETWEEN)
                await doing(pilot, stop.back)

    asyncio.run(travel())
    other = []
    for one, svg in found.items():
        if snapshot(name=one, extension_class=SVGImageExtension) != svg:
            (tmp_path / f"{one}.svg").write_text(svg)
            other.append(f"{tmp_path / one}.svg")
    assert not other, "these are not as they were"


def picture(screen: str, size: tuple[int, int]) -> str:
    return f"{screen} {size[0]}x{size[1]}"


def screens() -> set[str]:
    """The names of the screens that the program can show: those that nothing is derived from, and two more."""
    for module in pkgutil.walk_packages(urial_tui.ui.__path__, "urial_tui.ui."):
        importlib.import_module(module.name)
    found, todo = set(), [Screen]
    while todo:
        derived = todo.pop().__subclasses__()
        todo += derived
        found |= {one for one in derived if one.__module__.startswith("urial_tui.")}
    last = {one for one in found if not found.intersection(one.__subclasses__())}
    return {one.__name__ for one in (*last, ChooseOne, SidePicker, CommandPalette)}


def test_every_screen_has_pictures_or_a_reason() -> None:
    stops = [stop.screen for journey in JOURNEYS.values() for stop in journey.stops]
    assert len(set(stops)) == len(stops)
    assert sorted([*stops, *NO_PICTURE]) == sorted(screens())
