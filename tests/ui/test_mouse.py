"""The mouse does what keys do: sessions, tokens, rows of tables and trees, the keys that the last line shows."""

from textual.widgets import OptionList

from tests.support.fake_chat import FakeChat
from tests.support.fake_desk import BASE
from tests.ui.driving import Bench, running
from tests.ui.test_branches_screen import branched
from tests.ui.test_models_screen import library
from tests.ui.test_token_shift import past
from urial_tui.ui.branches.tree import BranchesScreen
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.screens.help import HelpScreen
from urial_tui.ui.widgets.hint_bar import HintBar
from urial_tui.ui.widgets.line_list import LineList
from urial_tui.ui.widgets.table import Table


def two(chat: FakeChat) -> None:
    chat.add_session("Cars", ["Why drive?", "To arrive."], "3")
    chat.add_session("Walking", ["Why walk?", "To see."], "5")


async def click_hint(bench: Bench, label: str) -> None:
    """On the last line of the screen, the key with that word."""
    bar = bench.app.screen.query_one(HintBar)
    await bench.pilot.click(bar, offset=(str(bar.render()).index(label) + 1, 0))


async def test_a_click_on_a_session_opens_it() -> None:
    async with running(two, size=(120, 24)) as bench:
        assert bench.shown()[0][1] == "Why walk?"
        await bench.pilot.click(bench.screen.session_list.query_one(OptionList), offset=(4, 1))
        await bench.until(lambda: bench.shown()[0][1] == "Why drive?")


async def test_a_click_puts_the_token_cursor_on_a_token() -> None:
    async with running(past) as bench:
        await bench.press("f6")
        transcript = bench.screen.transcript
        rows = [str(transcript.render_line(y).text) for y in range(transcript.size.height)]
        y = next(n for n, row in enumerate(rows) if "Walking is" in row)
        for word, token in (("is", 2), ("good", 3), ("ing", 1), ("Walk", 0)):
            await bench.pilot.click(transcript, offset=(rows[y].index(word) + 1, y))
            await bench.pilot.pause()
            assert bench.screen.inspection.cursor == token, word
        await bench.pilot.click(transcript, offset=(1, 0))
        assert bench.screen.inspection.cursor == 0
        assert bench.screen.inspection.inspecting == "m2"


async def test_a_click_on_a_row_goes_to_it_and_another_takes_it() -> None:
    async with library() as shown:
        table = shown.app.screen.query_one(Table)
        at = shown.names().index(BASE.name)
        await shown.pilot.click(table, offset=(4, at + 1))
        await shown.pilot.pause()
        assert table.chosen == BASE.name
        await shown.pilot.click(table, offset=(4, at + 1))
        await shown.until(lambda: isinstance(shown.app.screen, ChatScreen), "the model is used")


async def test_a_click_in_the_tree_goes_to_a_message_and_another_shows_its_branch() -> None:
    async with running(branched) as bench:
        await bench.press("f19")
        await bench.until(lambda: isinstance(bench.app.screen, BranchesScreen))
        listed = bench.app.screen.query_one(LineList)
        await bench.until(lambda: listed.count > 3)
        await bench.pilot.click(listed, offset=(10, 2))
        assert listed.cursor == 2
        await bench.pilot.click(listed, offset=(10, 2))
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen))
        await bench.settle()
        assert bench.chat.called("show_branch")


async def test_a_click_on_a_key_of_the_last_line_presses_it() -> None:
    async with running(two) as bench:
        await click_hint(bench, "Help")
        await bench.until(lambda: isinstance(bench.app.screen, HelpScreen))
        await bench.press("escape")
        await click_hint(bench, "Edit")
        await bench.pilot.pause()
        assert bench.screen.composer.text == "Why walk?"
