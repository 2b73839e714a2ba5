"""Jump mode: a letter beside everything that can have the focus, on every screen; keys and clicks go there."""

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, OptionList

from tests.support.fake_chat import FakeChat
from tests.support.screen_text import drawn
from tests.ui.driving import Bench, make_app, running
from tests.ui.test_snapshots import prepare, pressing
from urial_tui.ui.screens.jump import JumpLabel, JumpScreen, lettered, places
from urial_tui.ui.screens.settings import SettingsScreen
from urial_tui.ui.widgets.session_list import SessionList


def talked(chat: FakeChat) -> None:
    chat.add_session("Walking", ["Why walk?", "To see."], "5")


def letters(bench: Bench) -> str:
    assert isinstance(bench.app.screen, JumpScreen)
    return "".join(sorted(label.letter for label in bench.app.screen.query(JumpLabel)))


async def test_a_letter_goes_to_its_part_and_escape_or_the_key_again_stay() -> None:
    async with running(talked, size=(120, 24)) as bench:
        assert bench.app.focused is bench.screen.composer
        await bench.press("f14")
        assert letters(bench) == "cst"
        await bench.press("t")
        assert bench.app.focused is bench.screen.transcript
        await bench.press("shift+f2", "s")
        assert bench.app.focused is bench.screen.session_list.query_one(OptionList)
        for way_out in ("escape", "f14"):
            await bench.press("f14", "z", "enter", "up", way_out)  # other keys do nothing
            assert bench.app.screen is bench.screen
            assert bench.app.focused is bench.screen.session_list.query_one(OptionList)
        await bench.press("f14", "c", "s")
        assert bench.screen.composer.text == "s"


async def test_only_what_is_in_sight_has_a_letter() -> None:
    async with running(talked) as bench:
        await bench.press("f14")
        assert letters(bench) == "ct"
        await bench.press("escape", "ctrl+o", "f14")
        assert "s" in letters(bench)


async def test_a_click_goes_to_a_letter_or_to_the_part_below_it_or_stays() -> None:
    async with running(talked, size=(120, 24)) as bench:
        await bench.press("f14")
        label = next(one for one in bench.app.screen.query(JumpLabel) if one.letter == "t")
        await bench.pilot.click(label)
        assert bench.app.focused is bench.screen.transcript
        await bench.press("f14")
        await bench.pilot.click(offset=(5, 5))
        assert isinstance(bench.app.focused, OptionList)
        await bench.press("f14")
        await bench.pilot.click(offset=(60, 22))  # the status line cannot have the focus
        assert bench.app.screen is bench.screen
        assert isinstance(bench.app.focused, OptionList)


async def test_it_works_over_dialogs_and_not_where_there_is_nothing_else(tmp_path: Path) -> None:
    services = {"settings_file": tmp_path / "settings.toml"}
    async with running(talked, services=services) as bench:
        await bench.press("f4")  # the sampling dialog
        dialog = bench.app.screen
        await bench.press("f14", "b")
        assert bench.app.screen is dialog
        assert bench.app.focused is list(dialog.query(Input))[1]
        await bench.press("escape", "f16")
        assert isinstance(bench.app.screen, SettingsScreen)
        await bench.press("f14")
        await bench.settle()
        found = letters(bench)
        assert found[0] == "a" and "f" in found and len(found) > 10
        await bench.press("f")
        assert bench.app.focused is bench.app.screen.query_one("#filter")
        await bench.press("escape", "f1")
        help_screen = bench.app.screen
        await bench.press("f14")
        assert bench.app.screen is help_screen
        await bench.press("escape", "ctrl+p")
        palette = bench.app.screen
        await bench.press("f14")
        assert bench.app.screen is palette


async def test_the_key_can_be_another_one() -> None:
    async with running(talked, services={"keymap": {"app.jump": "f11"}}) as bench:
        await bench.press("f14")
        assert bench.app.screen is bench.screen
        await bench.press("f11", "t")
        assert bench.app.focused is bench.screen.transcript


async def test_letters_stay_at_their_parts_when_the_terminal_gets_another_size() -> None:
    async with running(talked, size=(120, 40)) as bench:
        await bench.press("f14")
        await bench.pilot.resize_terminal(80, 20)
        await bench.settle()
        shown = [one for one in bench.app.screen.query(JumpLabel) if one.display]
        assert {one.letter for one in shown} == {"c", "t"}  # the sessions have no room now
        for label in shown:
            assert label.target.region.contains(*label.region.offset)
        await bench.pilot.resize_terminal(120, 40)
        await bench.settle()
        assert letters(bench) == "cst"
        await bench.press("s")
        assert isinstance(bench.app.focused, OptionList)


def test_every_letter_is_used_once_and_no_label_hides_another() -> None:
    many = [Input(id=name) for name in ("composer", "filter", *(f"i{n}" for n in range(70)))]
    found = lettered(many)
    assert found["c"] is many[0] and found["f"] is many[1] and found["a"] is many[2]
    assert len(found) == 62
    one = SessionList().region
    assert places([one, one, one], 80) == [(0, 0), (3, 0), (6, 0)]


async def test_ascii_alone_is_enough() -> None:
    async with running(talked, services={"ascii": "on"}) as bench:
        await bench.press("f14")
        text = drawn(bench.app)
        assert text.isascii()
        assert "[c]" in text and "[t]" in text


def test_a_picture_without_colour(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_app(prepare), terminal_size=(120, 24), run_before=pressing("f14"))
