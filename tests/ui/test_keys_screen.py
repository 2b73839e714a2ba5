"""The list of keys: a key is changed by pressing it, a clash is told before it is saved, and it counts at once."""

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from tests.support.fake_chat import FakeChat
from tests.support.screen_text import drawn
from tests.ui.driving import Bench, running
from tests.ui.test_help_and_palette import help_text
from urial_tui.settings.layers import BY_VARIABLE
from urial_tui.ui.key_rows import all_bound, problem_of, remark_on, rows_of
from urial_tui.ui.screens.keys import KeysScreen
from urial_tui.ui.screens.press_key import PressKey
from urial_tui.ui.screens.settings import SettingsScreen
from urial_tui.ui.screens.theme_picker import ThemePicker
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.hint_bar import HintBar


def row_of(keys: "Keys", binding: str) -> dict[str, str]:
    """What the list says of a command."""
    (row,) = [row for row in rows_of(keys.keys.wanted) if row.key == binding]
    return {name: cell.text for name, cell in row.cells.items()}


def talked(chat: FakeChat) -> None:
    chat.add_session("Walking", ["Why walk?", "To see."], "5")


class Keys(Bench):
    """A bench with the list of keys open."""

    file: Path

    @property
    def keys(self) -> KeysScreen:
        return next(one for one in self.app.screen_stack if isinstance(one, KeysScreen))

    @property
    def about(self) -> str:
        return str(self.keys.query_one("#about", Static).render())

    def saved(self) -> dict[str, Any]:
        return tomllib.loads(self.file.read_text()).get("keymap", {})

    async def go_to(self, binding: str) -> None:
        self.keys.table.choose(binding)
        await self.pilot.pause()

    async def give(self, binding: str, how: str, *keys: str) -> None:
        """Open the question for a key and press keys."""
        await self.go_to(binding)
        await self.press(how)
        await self.until(lambda: isinstance(self.app.screen, PressKey))
        await self.press(*keys)
        await self.settle()

    def problem(self) -> str:
        return str(self.app.screen.query_one(".problem", Static).render())


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in BY_VARIABLE:
        monkeypatch.delenv(variable, raising=False)
    made = tmp_path / "settings.toml"
    made.write_text('[keymap]\n# mine\n"chat.edit" = "f11"  # editing\n')
    return made


@asynccontextmanager
async def keys_of(file: Path, *, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Keys]:
    services = {"settings_file": file, "keymap": {"chat.edit": "f11"}}
    async with running(talked, size=size, services=services) as bench:
        keys = Keys(bench.app, bench.pilot, bench.chats)
        keys.file = file
        await bench.app.run_action("open_keys")
        await keys.until(lambda: isinstance(bench.app.screen, KeysScreen))
        await keys.settle()
        yield keys


async def test_a_key_is_pressed_saved_and_counts_at_once(file: Path) -> None:
    async with keys_of(file) as keys:
        await keys.give("chat.sampling", "enter", "f7")
        words = "F7 is wanted by both “Compare the next pair of sides” and “Sampling settings”"
        assert words in keys.problem()
        await keys.press("ctrl+q", "ctrl+c", "f1")  # keys of the program are keys here, too
        assert "F1 is wanted by both “Help and keys” and “Sampling settings”" in keys.problem()
        assert keys.saved() == {"chat.edit": "f11"}
        await keys.press("f14")
        assert "“Jump to a part of the screen”" in keys.problem()
        await keys.press("f13")
        await keys.until(lambda: keys.saved() == {"chat.edit": "f11", "chat.sampling": "f13"})
        await keys.settle()
        assert 'edit" = "f11"  # editing' in file.read_text() and "# mine" in file.read_text()
        assert "counts at once" in str(keys.keys.query_one(Heading).render())
        assert "changed" in drawn(keys.app)
        await keys.press("escape", "f4")
        assert keys.app.screen is keys.screen
        await keys.press("f13")
        assert type(keys.app.screen).__name__ == "SamplingDialog"
        assert keys.screen.key("chat.sampling") == "F13"


async def test_one_more_key_and_back_to_the_default(file: Path) -> None:
    async with keys_of(file) as keys:
        await keys.give("app.jump", "a", "f13")
        assert keys.saved()["app.jump"] == "shift+f2,f14,f13"
        await keys.press("f13")
        assert type(keys.app.screen).__name__ == "JumpScreen"
        await keys.press("escape")
        assert "keys.reset" in keys.footer()
        await keys.press("d")
        await keys.until(lambda: "app.jump" not in keys.saved())
        await keys.settle()
        assert "keys.reset" not in keys.footer()
        await keys.press("f13")
        assert keys.app.screen is keys.keys
        await keys.go_to("chat.edit")
        await keys.press("d")
        await keys.until(lambda: not keys.saved())
        await keys.settle()
        await keys.press("escape", "f2")
        assert keys.screen.drafts.editing is not None


async def test_a_command_of_the_palette_gets_a_key_and_loses_it_again(file: Path) -> None:
    async with keys_of(file) as keys:
        await keys.go_to("app.theme")
        assert row_of(keys, "app.theme")["keys"] == "no key"
        assert "default: no key" in keys.about
        assert "keys.none" not in keys.footer()
        await keys.give("app.theme", "enter", "f3")
        words = "F3 is wanted by both “Choose the prompt pack” and “Choose the theme”"
        assert f"{words}; “Choose the theme” has no key" in keys.problem()
        await keys.press("f13")
        await keys.until(lambda: keys.saved().get("app.theme") == "f13")
        await keys.settle()
        assert row_of(keys, "app.theme") == {
            **row_of(keys, "app.theme"),
            "keys": "F13",
            "state": "changed",
        }
        await keys.press("f13")
        assert isinstance(keys.app.screen, ThemePicker)
        await keys.press("escape", "delete")
        await keys.until(lambda: "app.theme" not in keys.saved())
        await keys.settle()
        await keys.press("f13")
        assert keys.app.screen is keys.keys


async def test_a_command_of_the_chat_that_had_no_key_is_done_by_its_new_one(file: Path) -> None:
    async with keys_of(file) as keys:
        await keys.give("chat.totals", "enter", "f13")
        await keys.press("escape")
        assert keys.app.screen is keys.screen
        await keys.press("f13")
        assert type(keys.app.screen).__name__ == "ShiftTotalsDialog"
        await keys.press("escape", "f1")
        (line,) = [line for line in help_text(keys.app) if "Shift over all answers" in line]
        assert line.split("Shift over")[0].strip() == "F13"


async def test_the_way_to_quit_in_two_steps_names_its_new_key(file: Path) -> None:
    async with keys_of(file) as keys:
        await keys.give("app.interrupt", "enter", "f13")
        await keys.press("escape", "f13")
        assert "Press F13 again to quit." in keys.said()


async def test_a_key_that_is_taken_away_is_gone_everywhere(file: Path) -> None:
    async with keys_of(file) as keys:
        await keys.go_to("chat.pack")
        await keys.press("backspace")
        await keys.until(lambda: keys.saved().get("chat.pack") == "")
        await keys.settle()
        assert row_of(keys, "chat.pack")["keys"] == "no key"
        await keys.press("escape", "f3")
        assert keys.app.screen is keys.screen
        hints = keys.screen.query_one(HintBar).hints
        assert hints and "chat.pack" not in {hint.id for hint in hints}
        assert "unbound" not in drawn(keys.app)
        assert "choose the prompt pack" not in drawn(keys.app)
        assert keys.screen.key("chat.pack") == "“Choose the prompt pack”"
        await keys.press("f1")
        (line,) = [line for line in help_text(keys.app) if "Choose the prompt pack" in line]
        assert line.split("Choose")[0].strip() == ""
        assert "unbound" not in "\n".join(help_text(keys.app))


async def test_the_key_of_a_part_that_is_taken_away_is_gone_from_its_help(file: Path) -> None:
    async with keys_of(file) as keys:
        await keys.go_to("transcript.copy")
        await keys.press("delete")
        await keys.until(lambda: keys.saved().get("transcript.copy") == "")
        await keys.press("escape")
        await keys.settle()
        keys.screen.transcript.focus()
        await keys.press("c")
        assert keys.said() == ""
        await keys.press("f1")
        assert not [line for line in help_text(keys.app) if "The whole message" in line]
        assert "unbound" not in "\n".join(help_text(keys.app))


async def test_what_nobody_can_do_without_keeps_its_key(file: Path) -> None:
    async with keys_of(file) as keys:
        for binding in ("app.quit", "keys.back"):
            await keys.go_to(binding)
            await keys.press("delete")
            await keys.settle()
            title = row_of(keys, binding)["title"]
            assert f"“{title}” must keep a key: it " in keys.said()
        assert keys.saved() == {"chat.edit": "f11"}


async def test_a_default_key_that_another_command_has_by_now_does_not_come_back(file: Path) -> None:
    file.write_text('[keymap]\n"chat.pack" = ""\n"chat.pin" = "f3"\n')
    async with keys_of(file) as keys:
        await keys.go_to("chat.pack")
        await keys.press("d")
        await keys.settle()
        assert "F3 is wanted by both “Choose the prompt pack” and “Pin the session" in keys.said()
        assert keys.saved() == {"chat.pack": "", "chat.pin": "f3"}


async def test_escape_a_click_and_a_broken_file_change_nothing(file: Path) -> None:
    async with keys_of(file) as keys:
        await keys.give("chat.pack", "enter", "escape")
        assert keys.app.screen is keys.keys
        await keys.press("enter")
        await keys.pilot.click(offset=(1, 1))
        assert keys.app.screen is keys.keys
        assert keys.saved() == {"chat.edit": "f11"}
        file.write_text("[keymap\n")
        await keys.give("chat.pack", "enter", "f13")
        assert "not valid TOML" in keys.said()
        assert file.read_text() == "[keymap\n"


async def test_the_mouse_chooses_a_row_and_opens_the_question(file: Path) -> None:
    async with keys_of(file) as keys:
        table = keys.keys.table
        await keys.pilot.click(table, offset=(5, 3))
        assert table.chosen == rows_of({})[2].key
        await keys.pilot.click(table, offset=(5, 3))
        await keys.until(lambda: isinstance(keys.app.screen, PressKey))


async def test_commands_are_found_by_words(file: Path) -> None:
    async with keys_of(file) as keys:
        await keys.press("slash", *"changed")
        await keys.press("enter")
        assert keys.keys.table.chosen == "chat.edit"
        assert keys.keys.table.row_count == 1
        await keys.press("escape")
        assert keys.keys.table.row_count == len(all_bound())
        await keys.press("escape")
        assert keys.app.screen is keys.screen


async def test_a_keymap_of_a_variable_is_shown_and_not_changed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URIAL_TUI_KEYMAP", '{ "chat.edit" = "f13" }')
    async with keys_of(file) as keys:
        assert "URIAL_TUI_KEYMAP" in str(keys.keys.query_one("#trouble", Static).render())
        await keys.go_to("chat.edit")
        await keys.press("enter", "delete", "d")
        assert keys.app.screen is keys.keys
        assert keys.saved() == {"chat.edit": "f11"}


async def test_the_settings_lead_to_the_keys_and_back(file: Path) -> None:
    async with keys_of(file) as keys:
        await keys.press("escape", "f16", *"keymap")
        await keys.press("enter", "enter")
        assert isinstance(keys.app.screen, KeysScreen)
        await keys.give("chat.edit", "enter", "f13")
        await keys.press("escape")
        assert isinstance(keys.app.screen, SettingsScreen)
        await keys.settle()
        assert "1 changed" in drawn(keys.app)


def test_what_is_wrong_with_a_keymap_has_rows_too() -> None:
    wanted = {"chat.fly": "f7", "chat.pack": "f5", "chat.new": "f13"}
    rows = {
        row.key: {name: cell.text for name, cell in row.cells.items()} for row in rows_of(wanted)
    }
    assert rows["chat.fly"]["title"] == "no such command"
    assert rows["chat.fly"]["state"] == "refused"
    assert (rows["chat.pack"]["state"], rows["chat.pack"]["keys"]) == ("refused", "F3")
    assert (rows["chat.new"]["state"], rows["chat.new"]["keys"]) == ("changed", "F13")
    assert "“Choose the model” and “Choose the prompt pack”" in problem_of({}, {"chat.pack": "f5"})
    assert problem_of({}, {"models.verify": "f5"}) == ""


def test_a_key_that_means_something_else_in_a_part_is_told() -> None:
    remark = remark_on({"chat.pack": "t"}, "chat.pack")
    assert "t is “Tokens” in the conversation" in remark
    assert "t belongs to the text while you write" in remark
    assert remark_on({"chat.pack": "f13"}, "chat.pack") == ""
