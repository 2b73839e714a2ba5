"""On every screen F1 tells what the keys do there, and the palette lists what makes sense; nothing that it lists fails.

The screens are those of the journeys of `test_every_screen`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import OptionList, Static

from tests.ui.driving import running
from tests.ui.test_branches_screen import branched
from tests.ui.test_every_screen import BETWEEN, JOURNEYS, Do, Journey
from tests.ui.test_models_screen import library
from tests.ui.test_snapshots import prepare, still
from urial_tui.ui.app import UrialApp
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.command import Command
from urial_tui.ui.commands import APP_COMMANDS
from urial_tui.ui.keys_here import keys_here
from urial_tui.ui.palette import possible_commands
from urial_tui.ui.screens import models as models_module
from urial_tui.ui.screens.help import HelpScreen
from urial_tui.ui.screens.working import CommandScreen

NO_HELP = {"PressKey"}
"""Every key is the one that is asked for."""
QUIET = 2
"""Turns of the app after each step."""
NO_OWN_COMMANDS = {stop.screen for journey in JOURNEYS.values() for stop in journey.stops} - {
    "ChatScreen",
    "SettingsScreen",
    "KeysScreen",
    "BranchesScreen",
    "CompareScreen",
    "RatingScreen",
    "PairScreen",
    "BoardScreen",
    "BoardAnswers",
    "ModelsScreen",
    "HubScreen",
}
"""Those are walked through in one go."""
NO_PALETTE = NO_HELP | {"JumpScreen", "CommandPalette"}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models_module, "LOOK_DELAY", 0.0)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/u"))


async def quiet(pilot: Pilot[Any]) -> None:
    """Until what was begun has been shown. A worker that asks the user something goes on waiting."""
    app: Any = pilot.app
    for _ in range(QUIET):
        app.chat_screen.relay.flush()
        await pilot.pause()


async def go(pilot: Pilot[Any], steps: tuple[Do, ...]) -> None:
    for step in steps:
        if isinstance(step, str):
            await pilot.press(*step.split())
        else:
            step(pilot.app)  # type: ignore[arg-type]
        await quiet(pilot)


@asynccontextmanager
async def started(journey: Journey) -> AsyncIterator[Pilot[Any]]:
    app = await asyncio.to_thread(journey.app)  # some are made with a loop of their own
    async with app.run_test(size=BETWEEN) as pilot:
        await still(pilot)
        yield pilot


@asynccontextmanager
async def at(journey: Journey, stop: int) -> AsyncIterator[Pilot[Any]]:
    """The app at a stop of a journey."""
    async with started(journey) as pilot:
        for one in journey.stops[:stop]:
            await go(pilot, one.there)
            await go(pilot, one.back)
        await go(pilot, journey.stops[stop].there)
        assert type(pilot.app.screen).__name__ == journey.stops[stop].screen
        yield pilot


def help_text(app: UrialApp) -> list[str]:
    """The lines of the help that is open."""
    assert isinstance(app.screen, HelpScreen)
    shown = app.screen.query_one("#help-text", Static)
    return [strip.text.rstrip() for strip in shown.render_lines(shown.size.region)]


async def listed(pilot: Pilot[Any]) -> list[str]:
    """The first lines of what the palette lists; it is closed again."""
    await pilot.press("ctrl+p")
    await quiet(pilot)
    assert isinstance(pilot.app.screen, CommandPalette)
    options = pilot.app.screen.query_one(OptionList)
    found = [str(options.get_option_at_index(n).prompt) for n in range(options.option_count)]
    await pilot.press("escape")
    await quiet(pilot)
    return [one.split("\n")[0].strip() for one in found]


async def look_around(pilot: Pilot[Any], name: str) -> None:
    """F1 and the palette on the screen that is open."""
    app: Any = pilot.app
    screen = app.screen
    if name not in NO_HELP and name != "HelpScreen":
        here = keys_here(screen)
        own = [*here.screen, *here.own]
        await pilot.press("f1")
        await quiet(pilot)
        text = "\n".join(help_text(app))
        for line in own:
            assert line.binding.id or line.binding.description in text
        assert "Help and keys" in text and "Quit" in text
        if isinstance(screen, CommandScreen):
            assert text.startswith(screen.PLACE)
            for command in screen.COMMANDS_HERE:
                assert command.title in text
        await pilot.press("f1")
        await quiet(pilot)
    assert app.screen is screen
    if name not in NO_PALETTE:
        wanted = [command.title for command in possible_commands(screen)]
        assert sorted(await listed(pilot)) == sorted(wanted)
        assert "Quit" in wanted
    assert app.screen is screen


@pytest.mark.parametrize("name", JOURNEYS)
async def test_help_and_palette_work_on_every_screen(name: str) -> None:
    journey = JOURNEYS[name]
    opened: set[str] = set()  # of the screens that are the same over every dialog
    async with started(journey) as pilot:
        for stop in journey.stops:
            await go(pilot, stop.there)
            assert type(pilot.app.screen).__name__ == stop.screen
            await look_around(pilot, stop.screen)
            if stop.screen not in NO_PALETTE and not has_commands(pilot.app.screen):
                for command in possible_commands(pilot.app.screen):
                    if command.id != QUIT and command.id not in opened:
                        assert await run_and_close(pilot, command)
                        opened |= {command.id} & SAME_EVERYWHERE
            await go(pilot, stop.back)


QUIT = "app.quit"
SAME_EVERYWHERE = {"app.settings", "app.keys", "app.theme"}


def has_commands(screen: Screen[Any]) -> bool:
    """Whether it has some of its own."""
    return isinstance(screen, ChatScreen | CommandScreen)


async def run_and_close(pilot: Pilot[Any], command: Command) -> bool:
    """Run a command as the palette does and close what it opened; whether the screen is there still."""
    app: Any = pilot.app
    screen = app.screen
    await app.run_action(command.action, app if command in APP_COMMANDS else screen)
    await quiet(pilot)
    while app.screen is not screen and screen in app.screen_stack:
        app.pop_screen()
        await quiet(pilot)
    return app.screen is screen


@pytest.mark.parametrize("name", JOURNEYS)
async def test_no_command_that_is_listed_fails(name: str) -> None:
    """Where one leaves the screen, the way begins anew. Dialogs have none of their own."""
    journey = JOURNEYS[name]
    for stop, one in enumerate(journey.stops):
        if one.screen in NO_OWN_COMMANDS:
            continue
        done = {QUIT}
        left = True
        while left:
            left = False
            async with at(journey, stop) as pilot:
                screen = pilot.app.screen
                assert has_commands(screen)
                while not left and (
                    todo := [c for c in possible_commands(screen) if c.id not in done]
                ):
                    done.add(todo[0].id)
                    left = not await run_and_close(pilot, todo[0])


async def test_help_begins_with_the_part_that_has_the_focus() -> None:
    async with running(
        prepare, size=(120, 60), services={"keymap": {"transcript.copy": "y"}}
    ) as bench:
        for target, title, key, words in (
            (bench.screen.composer, "Composer", "Enter", "Send"),
            (bench.screen.transcript, "Conversation", "y", "Copy"),
            (bench.screen.session_list.query_one(OptionList), "Session list", "/", "Filter"),
        ):
            target.focus()
            await bench.settle()
            await bench.press("f1")
            await bench.settle()
            lines = help_text(bench.app)
            at_title = lines.index(title)
            assert at_title < 4
            assert any(
                line.startswith(key) and words in line for line in lines[at_title : at_title + 12]
            )
            assert lines.count(title) == 1
            await bench.press("escape")


async def test_help_in_the_tokens_of_an_answer_says_what_arrows_do_there() -> None:
    async with running(prepare) as bench:
        await bench.press("f6", "f1")
        await bench.settle()
        said = " ".join(" ".join(help_text(bench.app)).split())
        assert "The token cursor has the focus: arrows move it" in said
        assert "arrows choose a message" not in said


@pytest.mark.parametrize(
    ("key", "words", "own"),
    [
        ("f3", "Enter chooses, Tab scrolls", "Page Down"),
        ("f4", "Enter applies, ↑ ↓ move", "Previous"),
        ("f5", "Enter chooses, Tab to the line", "Select"),
        ("ctrl+f", "Enter opens", "Previous"),
    ],
)
async def test_help_over_a_dialog_tells_the_dialogs_keys(key: str, words: str, own: str) -> None:
    async with running(prepare, size=(100, 80)) as bench:
        await bench.press(key)
        await bench.settle()
        await bench.press("f1")
        await bench.settle()
        text = "\n".join(help_text(bench.app))
        assert words in text and own in text
        for others in ("Super+", "Scroll Left", "Scroll Up", "Focus Next", "Page Left"):
            assert others not in text


async def test_help_over_the_welcome_tells_its_keys() -> None:
    async with at(JOURNEYS["first"], 0) as pilot:
        await pilot.press("f1")
        await quiet(pilot)
        text = "\n".join(help_text(pilot.app))  # type: ignore[arg-type]
        assert "Enter chooses" in text
        assert "Scroll Left" not in text and "Super+" not in text


async def test_help_does_not_offer_letters_where_letters_are_text() -> None:
    async with library() as bench:
        await bench.press("slash", "f1")
        await bench.settle()
        lines = help_text(bench.app)
        assert any("letters are text" in line for line in lines)
        assert any(line.startswith("p ") and "(not now)" in line for line in lines)
        await bench.press("escape", "escape", "f1")
        await bench.settle()
        assert not any(
            line.startswith("p ") and "(not now)" in line for line in help_text(bench.app)
        )


async def test_help_in_the_chat_does_not_offer_a_key_that_is_text_here() -> None:
    async with running(
        prepare, size=(100, 200), services={"keymap": {"chat.pack": "z,f3"}}
    ) as bench:
        await bench.press("f1")
        await bench.settle()
        assert any("? " in line and "(not now)" in line for line in help_text(bench.app))
        assert any("F3" in line and "(not now)" not in line for line in help_text(bench.app))


async def test_the_palette_leaves_out_what_is_open_or_not_there(tmp_path: Path) -> None:
    async with running(prepare) as bench:
        titles = await listed(bench.pilot)
        assert "Settings" not in titles and "Change the keys" not in titles
        assert "Choose the theme" in titles
    async with running(prepare, services={"settings_file": tmp_path / "settings.toml"}) as bench:
        titles = await listed(bench.pilot)
        assert {"Settings", "Change the keys"} <= set(titles)
        await bench.press("f16")
        titles = await listed(bench.pilot)
        assert "Settings" not in titles and "Change the keys" in titles


async def test_a_command_with_parameters_is_listed_only_where_it_is_possible() -> None:
    async with running(branched) as bench:
        await bench.press("f19")
        await bench.settle()
        assert isinstance(bench.app.screen, CommandScreen)
        asked: list[tuple[str, tuple[object, ...]]] = []
        screen = bench.app.screen
        ask = screen.check_action
        screen.check_action = lambda name, given: asked.append((name, given)) or ask(name, given)  # type: ignore[method-assign,func-returns-value]
        assert list(possible_commands(screen))
        assert ("other_version", (1,)) in asked
        assert all("(" not in name for name, _ in asked)
