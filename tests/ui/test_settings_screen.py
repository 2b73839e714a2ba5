"""The settings screen: every setting with its value and its origin, changed by keys and mouse, saved at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList, Static

from tests.support.screen_text import drawn
from tests.ui.driving import Bench, make_app, running
from tests.ui.test_snapshots import pressing
from urial_tui.errors import UsageError
from urial_tui.launch import app_services
from urial_tui.settings import FIELDS, load_settings
from urial_tui.settings.layers import BY_VARIABLE
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.screens.dialog import ChooseOne
from urial_tui.ui.screens.settings import SettingsScreen
from urial_tui.ui.screens.settings_row import OriginMark, Pressable, SettingRow
from urial_tui.ui.screens.theme_picker import ThemePicker
from urial_tui.ui.widgets.heading import Heading


class Form(Bench):
    """A bench with the settings open."""

    file: Path

    @property
    def settings(self) -> SettingsScreen:
        return next(one for one in self.app.screen_stack if isinstance(one, SettingsScreen))

    def row(self, key: str) -> SettingRow:
        return next(row for row in self.settings.rows if row.item.key == key)

    def problem(self, key: str) -> str:
        line = self.row(key).query_one(".problem", Static)
        return str(line.render()) if line.display else ""

    def shown_keys(self) -> list[str]:
        return [row.item.key for row in self.settings.rows if row.display]

    async def go_to(self, key: str) -> None:
        self.row(key).editor.focus()
        await self.pilot.pause()

    async def type(self, key: str, text: str) -> None:
        """Replace what is in a line, as a person would."""
        await self.go_to(key)
        await self.press("end", "ctrl+u", *text)

    async def saved(self, key: str, value: Any) -> None:
        await self.until(lambda: self.row(key).value == value, f"{key} is {value}")
        await self.settle()


@asynccontextmanager
async def settings_of(
    file: Path, *, size: tuple[int, int] = (80, 24), **services: Any
) -> AsyncIterator[Form]:
    async with running(size=size, services={"settings_file": file, **services}) as bench:
        form = Form(bench.app, bench.pilot, bench.chats)
        form.file = file
        await bench.press("f16")
        await form.until(lambda: isinstance(bench.app.screen, SettingsScreen))
        await bench.settle()
        yield form


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in BY_VARIABLE:
        monkeypatch.delenv(variable, raising=False)
    made = tmp_path / "settings.toml"
    made.write_text("# mine\nn_ctx = 2048  # small\n")
    return made


def text(file: Path) -> str:
    return file.read_text()


async def test_settings_are_shown_changed_and_saved_with_the_keys(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URIAL_TUI_N_THREADS", "3")

    def refuse(side: str) -> None:
        raise UsageError(f"there is no model {side}", hint="Look at the list.")

    given = {"options": {"n_batch": 256}, "check_side": refuse}
    async with settings_of(file, **given) as form:
        # Every setting is there, with what counts and where it is from.
        assert form.shown_keys() == [item.key for item in FIELDS]
        told = {key: (form.row(key).value, form.row(key).origin) for key in form.shown_keys()}
        assert told["n_ctx"] == (2048, "file")
        assert told["n_threads"] == (3, "environment")
        assert told["n_batch"] == (256, "option")
        assert told["kv_type"] == ("f16", "default")
        assert form.row("n_threads").editor.disabled
        words = str(form.row("n_threads").query_one(".words", Static).render())
        assert "URIAL_TUI_N_THREADS" in words
        assert str(file) in form.settings.query_one(Heading).words

        # A wrong value is told beside the field, by key, and not saved; Escape brings the old one back.
        await form.type("n_ctx", "many")
        assert "n_ctx must be 0 or a whole number from 256 to" in form.problem("n_ctx")
        await form.press("enter", "down")
        await form.settle()
        assert "n_ctx = 2048" in text(file)
        assert form.row("n_ctx").editor.value == "many"
        await form.go_to("n_ctx")
        assert "URIAL_TUI_N_CTX" in str(form.settings.query_one("#about", Static).render())
        await form.press("escape")
        assert (form.row("n_ctx").editor.value, form.problem("n_ctx")) == ("2048", "")

        # Enter saves, and leaving a line does not, which is said; comments stay; it is said when it counts.
        await form.type("n_ctx", "1024")
        await form.press("enter")
        await form.saved("n_ctx", 1024)
        assert text(file) == "# mine\nn_ctx = 1024  # small\n"
        assert "counts when a model is loaded" in str(form.settings.query_one(Heading).render())
        await form.type("sampling.temperature", "0.5")
        await form.press("down")
        await form.settle()
        assert "temperature" not in text(file)
        assert "Not saved: Enter" in form.problem("sampling.temperature")
        await form.press("up", "enter")
        await form.saved("sampling.temperature", 0.5)
        assert form.problem("sampling.temperature") == ""
        assert form.row("sampling.temperature").origin == "file"

        # F5 takes it out of the file again.
        await form.go_to("sampling.temperature")
        assert "settings.reset" in form.footer()
        await form.press("f5")
        await form.saved("sampling.temperature", None)
        assert "temperature" not in text(file)
        assert "settings.reset" not in form.footer()

        # A switch, and one of several.
        await form.go_to("scoring")
        await form.press("space")
        await form.saved("scoring", False)
        await form.go_to("kv_type")
        await form.press("enter")
        await form.until(lambda: isinstance(form.app.screen, ChooseOne))
        form.app.screen.query_one(OptionList).highlighted = 3
        await form.press("enter")
        await form.saved("kv_type", "q8_0")
        assert load_settings(file).scoring is False

        # What the schema cannot know is checked too, and the hint is shown.
        await form.type("side", "nothing")
        await form.press("enter")
        await form.until(lambda: form.problem("side"))
        assert "there is no model nothing" in form.problem("side")
        assert "Look at the list." in form.problem("side")
        assert "side" not in text(file)
        await form.press("escape")

        # Escape leaves when nothing is typed.
        await form.press("escape")
        await form.until(lambda: isinstance(form.app.screen, ChatScreen))


async def test_a_style_that_is_not_there_is_refused_in_the_form_too(file: Path) -> None:
    before = text(file)
    async with settings_of(file) as form:
        for key, typed, words in (
            ("judge", "x@nope", "there is no pack 'nope'"),
            ("references", "x@raw, x@nope", "there is no pack 'nope'"),
            ("side", "demo@@", "side must be a side"),
            ("references", "x@raw, demo@@", "and 'demo@@' is none"),
        ):
            await form.type(key, typed)
            await form.press("enter")
            await form.until(lambda key=key: form.problem(key))
            assert words in form.problem(key)
            assert text(file) == before
        await form.type("references", "x@same, x@chat")
        await form.press("enter")
        await form.saved("references", ("x@same", "x@chat"))


async def test_settings_are_found_by_words_and_changed_with_the_mouse(file: Path) -> None:
    async with settings_of(file, size=(60, 20)) as form:
        await form.press(*"gpu ref")
        await form.pilot.pause()
        assert form.shown_keys() == ["reference_gpu_layers"]
        await form.press("enter")
        assert form.app.focused is form.row("reference_gpu_layers").editor
        await form.press("escape")
        assert form.shown_keys() == [item.key for item in FIELDS]
        await form.press("f3", *"zzzz")
        assert form.shown_keys() == []
        assert "No setting has all of these words" in drawn(form.app)
        await form.press("escape", *"compact")
        assert form.shown_keys() == ["compact"]

        # The cursor is still in view when all rows are there again.
        form.settings.filter_line.value = ""
        await form.press("f3", *"interface", "down", "enter", "down", "down", "escape")
        await form.settle()
        assert form.shown_keys() == [item.key for item in FIELDS]
        here = form.app.focused
        assert here is not None and here is not form.settings.filter_line
        assert form.settings.query_one("#form").region.contains_region(here.region)
        form.settings.filter_line.value = "compact"
        await form.pilot.pause()

        # What can be taken at once is: compact mode, ASCII, the theme.
        await form.pilot.click(form.row("compact").query_one(Pressable))
        await form.until(lambda: isinstance(form.app.screen, ChooseOne))
        form.app.screen.query_one(OptionList).highlighted = 2
        await form.press("enter")
        await form.saved("compact", "off")
        assert not form.app.has_class("-compact")
        assert form.screen.composer.styles.border_left[0] == "round"  # of the screen behind
        await form.pilot.click(form.row("compact").query_one(OriginMark))
        await form.saved("compact", "auto")
        assert form.app.has_class("-compact")  # 60x20 is small
        assert form.screen.composer.styles.border_left[0] == ""
        form.settings.filter_line.value = "ascii"
        await form.pilot.pause()
        assert "▾" in drawn(form.app)
        form.row("ascii").post_message(SettingRow.Wanted(form.row("ascii"), "on"))
        await form.saved("ascii", "on")
        assert drawn(form.app).isascii()


async def test_a_theme_is_shown_while_the_cursor_is_on_it_and_kept_only_when_it_is_chosen(
    file: Path,
) -> None:
    kept: list[str] = []
    before = text(file)
    async with settings_of(file, save_theme=kept.append) as form:
        await form.go_to("theme")
        await form.press("enter")
        await form.until(lambda: isinstance(form.app.screen, ThemePicker))
        await form.press("home", "down", "down")
        await form.until(lambda: form.app.theme == sorted(form.app.available_themes)[2])
        await form.press("escape")
        await form.settle()
        assert (form.app.theme, kept, text(file)) == ("urial-night", [], before)
        await form.press("enter", "up", "enter")
        await form.saved("theme", "urial-day")
        assert form.app.theme == "urial-day"
        assert 'theme = "urial-day"' in text(file)
        assert "counts at once" in str(form.settings.query_one(Heading).render())
        await form.press("f5")
        await form.saved("theme", "urial-night")
        assert form.app.theme == "urial-night"


async def test_a_theme_is_chosen_from_anywhere_and_kept() -> None:
    kept: list[str] = []
    async with running(services={"save_theme": kept.append}) as bench:
        await bench.app.run_action("choose_theme")
        await bench.until(lambda: isinstance(bench.app.screen, ThemePicker))
        await bench.settle()
        options = bench.app.screen.query_one(OptionList)
        assert options.highlighted == sorted(bench.app.available_themes).index("urial-night")
        options.highlighted = 0
        await bench.until(lambda: bench.app.theme != "urial-night")
        assert kept == []
        await bench.press("enter")
        await bench.settle()
        assert kept == [sorted(bench.app.available_themes)[0]]


async def test_what_counts_at_once_is_handed_on_when_it_is_saved(file: Path) -> None:
    took: list[tuple[str, Any]] = []
    names = ("rater", "judge", "sampling.top_k")
    take = {name: lambda value, name=name: took.append((name, value)) for name in names}
    async with settings_of(file, take=take) as form:
        await form.go_to("scoring")
        await form.press("enter")
        await form.saved("scoring", False)
        assert form.chat.called("set_scoring") == [(False,)]
        await form.type("sampling.top_k", "7")
        await form.press("enter")
        await form.saved("sampling.top_k", 7)
        assert "counts for the next answer" in str(form.settings.query_one(Heading).render())
        await form.type("rater", "ann")
        await form.press("enter")
        await form.saved("rater", "ann")
        await form.press("f5")
        await form.saved("rater", "me")
        assert took == [("sampling.top_k", 7), ("rater", "ann"), ("rater", "me")]


def test_the_form_says_truly_when_a_change_counts() -> None:
    """What counts while the program runs has something that takes it; nothing else has."""
    app = make_app(services={"settings_file": Path("/none"), "take": app_services().take})
    access = app._settings_access()
    assert access is not None
    running = ("at once", "for the next answer", "when a model is loaded")
    soon = {item.key for item in FIELDS if item.counts in running}
    assert set(access.take) == soon


async def test_a_broken_file_is_told_and_left_alone(file: Path) -> None:
    file.write_text("n_ctx = = 3\n")
    async with settings_of(file) as form:
        assert "line 1" in str(form.settings.query_one("#trouble", Static).render())
        assert form.settings.query_one("#form").disabled
        await form.press("tab", "a", "enter", "escape", "escape")
        await form.until(lambda: isinstance(form.app.screen, ChatScreen))
    assert text(file) == "n_ctx = = 3\n"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 60)], ids=str)
def test_a_picture_of_the_settings(
    snap_compare: Any, size: tuple[int, int], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the setting with a mistake in it; one is overruled by a variable."""
    monkeypatch.setenv("URIAL_TUI_N_THREADS", "3")
    monkeypatch.chdir(file.parent)
    app = make_app(services={"settings_file": Path("settings.toml")})
    keys = ("f16", *"engine", "enter", "end", "x")
    assert snap_compare(app, terminal_size=size, run_before=pressing(*keys))
