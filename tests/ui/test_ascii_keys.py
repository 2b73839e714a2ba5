"""Keys with ASCII alone: an arrow is named in words, since the letter that is drawn for it is another key."""

import pytest

from tests.support.screen_text import drawn
from tests.ui.driving import running
from tests.ui.test_jump import talked
from urial_tui.ui.key_rows import shown_keys
from urial_tui.ui.keymap import key_name, up_and_down


@pytest.mark.parametrize(("setting", "down"), [("on", "Down"), ("off", "↓")])
async def test_arrows_are_words_where_only_ascii_is_drawn(setting: str, down: str) -> None:
    async with running(talked, services={"ascii": setting}) as bench:
        assert key_name("alt+down") == f"Alt+{down}"
        assert shown_keys(["down", "j"]) == f"{down}, j"
        assert up_and_down().endswith(down)
        bench.app.draw_with_ascii("off" if setting == "on" else "on")
        assert key_name("down") != down


async def test_help_names_no_arrow_as_a_letter() -> None:
    async with running(talked, size=(120, 200), services={"ascii": "on"}) as bench:
        await bench.press("f1")
        text = drawn(bench.app)
        assert text.isascii()
        assert "Alt+Down" in text and "Up Down scroll" in text
        assert "+v " not in text and "+^ " not in text
