"""Windows that change all the time: nothing breaks, nothing is lost, and keys go on answering."""

import pytest

from tests.support.traces import pieces_of
from tests.ui.driving import running
from tests.ui.test_token_shift_pictures import TOKENS, prepare, scores
from urial_tui.ui.screens.help import HelpScreen
from urial_tui.ui.screens.packs import PackPicker

SIZES = [(160, 45), (40, 12), (80, 24), (20, 5), (60, 20), (58, 15), (1, 1), (120, 9)]


async def test_a_window_grows_while_a_dialog_is_over_a_chat_that_had_no_room_for_its_composer() -> (
    None
):
    async with running(prepare) as bench:
        await bench.press("f6", "f3")
        assert isinstance(bench.app.screen, PackPicker)
        for size in ((60, 20), (160, 45), (80, 24)):
            await bench.pilot.resize_terminal(*size)
            await bench.pilot.pause()
        bench.app.export_screenshot()
        await bench.press("escape")
        assert bench.screen.composer.region.width > 0


@pytest.mark.parametrize("keys", [(), ("f6", "n"), ("f19",)], ids=str)
async def test_a_storm_of_sizes_while_an_answer_streams(keys: tuple[str, ...]) -> None:
    async with running(prepare) as bench:
        bench.chat.auto = False
        await bench.chat.send("And again?")
        bench.chat.start_trace(noise=0.02)
        await bench.press(*keys)
        for number, size in enumerate(SIZES * 2):
            bench.chat.stream(TOKENS[number])
            bench.chat.score_tokens(scores()[number : number + 1], pieces_of(TOKENS[: number + 1]))
            await bench.pilot.resize_terminal(*size)
            bench.screen.relay.flush()
        await bench.pilot.resize_terminal(80, 24)
        await bench.pilot.pause()
        assert bench.shown()[-1][1] == "".join(TOKENS[: 2 * len(SIZES)])
        await bench.press("f1")
        assert isinstance(bench.app.screen, HelpScreen)


@pytest.mark.parametrize("small", [(43, 11), (20, 5)], ids=str)
async def test_the_focus_comes_back_after_a_window_that_was_too_small(
    small: tuple[int, int],
) -> None:
    async with running(prepare) as bench:
        await bench.write("half a thou")
        before = bench.footer()
        assert "composer.send" in before
        for size in (small, (44, 11), (80, 24)):
            await bench.pilot.resize_terminal(*size)
            await bench.pilot.pause()
        await bench.press("g", "h", "t")
        assert bench.screen.composer.text == "half a thought"
        assert bench.footer() == before


async def test_the_token_cursor_has_its_keys_after_a_window_that_was_too_small() -> None:
    async with running(prepare) as bench:
        await bench.press("f6", "right")
        at = bench.screen.inspection.cursor
        assert at is not None
        for size in ((43, 11), (80, 24)):
            await bench.pilot.resize_terminal(*size)
            await bench.pilot.pause()
        assert bench.app.focused is bench.screen.transcript
        await bench.press("right")
        assert bench.screen.inspection.cursor == at + 1
        await bench.press("escape")
        assert bench.screen.inspection.inspecting is None


async def test_the_list_of_sessions_has_the_focus_again_or_the_composer_where_it_is_gone() -> None:
    async with running(prepare, size=(120, 30)) as bench:
        for last, place in (((120, 30), "sessions"), ((80, 24), "composer")):
            bench.screen.session_list.focus()
            await bench.pilot.pause()
            assert bench.screen.focus_owner.place() == "sessions"
            for size in ((43, 11), last):
                await bench.pilot.resize_terminal(*size)
                await bench.pilot.pause()
            assert bench.screen.focus_owner.place() == place


async def test_a_dialog_closed_in_a_window_that_was_too_small_leaves_the_keys_where_they_were() -> (
    None
):
    async with running(prepare) as bench:
        await bench.write("half a thou")
        await bench.press("f3")
        await bench.pilot.resize_terminal(43, 11)
        await bench.pilot.pause()
        await bench.press("escape")
        await bench.pilot.resize_terminal(80, 24)
        await bench.pilot.pause()
        await bench.press("g", "h", "t")
        assert bench.screen.composer.text == "half a thought"
