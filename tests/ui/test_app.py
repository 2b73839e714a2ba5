"""The app around the screen: start, help, palette, keys, themes, notices, sizes, and the end."""

import asyncio
import signal

import pytest
from textual.command import CommandPalette
from textual.widgets import OptionList

from tests.support.screen_text import drawn
from tests.ui.driving import make_app, running
from urial_tui.chat.events import Trouble
from urial_tui.errors import EngineError, StoreError
from urial_tui.store.types import Draft
from urial_tui.ui import app as app_module
from urial_tui.ui.app import run_app
from urial_tui.ui.chat.drafts import Drafts
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.screens.help import HelpScreen
from urial_tui.ui.services import AppServices
from urial_tui.ui.signals import Watchdog
from urial_tui.ui.themes import OUR_THEMES

SEEN_BEHIND = "· CPU"
"""The end of the status line."""


def talked(chat) -> None:
    chat.add_session("Walking", ["Why walk?", "It is healthy."])


# --- start ----------------------------------------------------------------------------------


async def test_the_screen_is_painted_and_takes_text_before_the_chat_is_made():
    gate = asyncio.Event()
    chats = []
    app = make_app(chats=chats)
    make = app.services.make_chat

    async def slow(listener):
        await gate.wait()
        return await make(listener)

    object.__setattr__(app.services, "make_chat", slow)
    async with app.run_test() as pilot:
        await pilot.press(*"hi", "enter")
        assert chats == []
        assert app.chat_screen.composer.text == "hi"
        gate.set()
        for _ in range(100):
            await pilot.pause()
            if chats and chats[0].called("send"):
                break
        assert chats[0].called("send") == [("hi", "")]


async def test_a_history_that_cannot_be_opened_is_said_and_the_app_lives():
    async def fails(listener):
        raise StoreError("history.db is from a newer version", hint="Update urial-tui.")

    app = make_app()
    object.__setattr__(app.services, "make_chat", fails)
    async with app.run_test() as pilot:
        for _ in range(20):
            await pilot.pause()
        assert "newer version" in app.chat_screen.banner.text
        assert "Update urial-tui." in app.chat_screen.banner.text
        await pilot.press("ctrl+q")
    assert app.return_code == 0


# --- help, palette, keys --------------------------------------------------------------------


async def test_f1_shows_every_command_with_its_key_and_marks_what_is_not_possible():
    async with running(size=(100, 200)) as bench:
        await bench.press("f1")
        assert isinstance(bench.app.screen, HelpScreen)
        await bench.settle()
        text = "\n".join(
            strip.text
            for strip in bench.app.screen.query_one("#help-text").render_lines(
                bench.app.screen.query_one("#help-text").size.region
            )
        )
        assert "Regenerate the answer (not now)" in text
        assert "F3" in text
        assert "Choose the prompt pack  Choose" in text
        assert "Session list" in text
        await bench.press("f1")
        assert bench.app.screen is bench.screen


async def test_the_palette_lists_what_can_be_done_now_and_runs_it():
    async with running(talked) as bench:
        await bench.press("ctrl+p")
        assert isinstance(bench.app.screen, CommandPalette)
        await bench.settle()
        options = bench.app.screen.query_one(OptionList)
        listed = [str(options.get_option_at_index(i).prompt) for i in range(options.option_count)]
        text = "\n".join(listed)
        assert "Regenerate the answer" in text
        assert "Ctrl+R" in text
        assert "Stop the answer" not in text
        assert "Leave editing" not in text
        await bench.press(*"regenerate")
        await bench.settle()
        await bench.press("down", "enter")
        await bench.until(lambda: bench.chat.called("regenerate"))


async def test_keys_are_rebound_by_the_users_settings_and_everything_says_so():
    keymap = {"chat.regenerate": "f11", "nonsense": "f7"}
    async with running(talked, services={"keymap": keymap}) as bench:
        assert "'nonsense'" in bench.said()
        bench.screen.transcript.focus()
        await bench.press("ctrl+r")
        assert not bench.chat.called("regenerate")
        await bench.press("f11")
        await bench.until(lambda: bench.chat.called("regenerate"))
        assert bench.screen.key("chat.regenerate") == "F11"


@pytest.mark.parametrize(
    ("keymap", "shown", "not_shown"),
    [
        ({"chat.pack": "ctrl+q"}, "F3   choose the prompt pack", "Ctrl+Q"),
        ({"chat.pack": "ctrl+e,f11"}, "F11   choose the prompt pack", "Ctrl+E"),
        ({"chat.pack": "p,f11"}, "F11   choose the prompt pack", "p   choose"),
        ({"chat.pack": "ctrl+k,ctrl+y"}, "", "choose the prompt pack"),
    ],
)
async def test_the_welcome_names_the_keys_that_work(keymap, shown, not_shown):
    async with running(services={"keymap": keymap}) as bench:
        text = str(bench.screen.labels.welcome())
        assert shown in text
        assert not_shown not in text


@pytest.mark.parametrize(
    ("side", "words"),
    [
        ("demo@urial-general", "A prompt pack shows it how"),
        ("demo@raw", "goes on from your text"),
        ("demo@zero-shot", "headings alone"),
        ("smol@chat", "its own chat template"),
    ],
)
async def test_the_welcome_says_how_the_side_is_asked(side, words):
    async with running() as bench:
        await bench.chat.set_side(side)
        bench.screen.labels.show_side()
        assert words in str(bench.screen.query_one("#welcome Static").render())


async def test_the_status_line_names_a_model_by_its_file_not_by_its_folders():
    async with running() as bench:
        await bench.chat.set_side('"/very/long path/to/the/models/qwen-base.gguf"@raw')
        bench.screen.labels.show_side()
        assert '"qwen-base.gguf"@raw' in bench.screen.status.status.side


async def test_a_command_that_shares_escape_can_be_rebound_and_the_others_keep_it():
    async with running(talked, services={"keymap": {"chat.stop": "f11"}}) as bench:
        await bench.press("f2", "escape")
        assert bench.screen.drafts.editing is None
        bench.chat.auto = False
        await bench.say("Hi")
        await bench.press("f11")
        await bench.until(lambda: bench.chat.called("stop"))


@pytest.mark.parametrize("theme", [theme.name for theme in OUR_THEMES] + ["ansi-dark", "nord"])
async def test_themes_work_and_the_choice_is_kept(theme):
    kept: list[str] = []
    services = {"theme": "gruvbox", "save_theme": kept.append}
    async with running(talked, services=services) as bench:
        assert bench.app.theme == "gruvbox"
        assert kept == []
        bench.app.theme = theme
        await bench.settle()
        assert kept == [theme]


async def test_an_unknown_theme_is_told_and_ours_is_used():
    async with running(services={"theme": "no-such"}) as bench:
        assert bench.app.theme == "urial-night"
        assert "'no-such'" in bench.said()


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light", "urial-night"])
@pytest.mark.parametrize("keys", ["f1", "f3", "f4", "f14", "ctrl+l", "ctrl+p"])
@pytest.mark.parametrize("colour", [True, False])
async def test_the_screen_behind_a_dialog_stays_in_sight(theme, keys, colour, monkeypatch):
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    async with running(talked, size=(120, 40), services={"theme": theme}) as bench:
        assert SEEN_BEHIND in drawn(bench.app)
        await bench.press(keys)
        await bench.settle()
        assert bench.app.screen is not bench.screen
        assert SEEN_BEHIND in drawn(bench.app)


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_the_screen_behind_the_choice_of_a_theme_stays_in_sight(theme):
    async with running(talked, size=(120, 40), services={"theme": theme}) as bench:
        bench.app.action_choose_theme()
        await bench.settle()
        assert bench.app.screen is not bench.screen
        assert SEEN_BEHIND in drawn(bench.app)


# --- what is told ---------------------------------------------------------------------------


async def test_a_nearly_full_context_is_said_before_it_happens():
    async with running(talked) as bench:
        bench.chat.notice("near", 3900)
        await bench.settle()
        assert "196 of 4,096 tokens are left" in bench.screen.banner.text


async def test_left_out_turns_are_said_and_shown():
    def long(chat) -> None:
        chat.add_session("Long", ["q1", "a1", "q2", "a2", "q3", "a3"])

    async with running(long) as bench:
        bench.chat.notice("trimmed", 4000, 2)
        await bench.settle()
        assert "the oldest 2 turns are left out" in bench.screen.banner.text
        blocks = bench.screen.transcript.model.blocks
        assert [block.left_out for block in blocks] == [True] * 4 + [False] * 2
        await bench.press("ctrl+n")
        await bench.until(lambda: bench.chat.called("new_session"))
        await bench.settle()
        assert bench.screen.banner.text == ""


async def test_a_history_that_cannot_be_written_stays_on_screen_until_it_can():
    async with running(talked) as bench:
        bench.chat.store_trouble(StoreError("the disk is full"))
        bench.chat.notice("near", 3900)
        await bench.settle()
        assert "the disk is full" in bench.screen.banner.text
        assert "Ctrl+S" in bench.screen.banner.text
        bench.chat.store_trouble(None)
        await bench.settle()
        assert "nearly full" in bench.screen.banner.text


async def test_untrusted_text_is_neither_markup_nor_control():
    evil = "[bold red]x[/] \x1b[31m \u202e"

    def prepare(chat) -> None:
        chat.add_session(evil, [evil, evil])

    async with running(prepare, size=(120, 30)) as bench:
        bench.chat.emit(Trouble(EngineError(evil, hint=evil)))
        bench.chat.store_trouble(StoreError(evil))
        await bench.settle()
        assert "[bold red]x[/]" in str(bench.screen.query_one("#heading").render())
        await bench.press("f12")
        await bench.settle()
        for text in (*bench.notices, bench.screen.banner.text):
            assert "\x1b" not in text
            assert "\u202e" not in text
        assert not any(bench.app.markup)
        svg = bench.app.export_screenshot()
        assert "\x1b" not in svg
        assert "[bold" in svg.replace("&#160;", " ")


@pytest.mark.parametrize("size", [(80, 24), (60, 16), (160, 45)])
async def test_notices_leave_the_composer_and_the_status_line_readable(size):
    async with running(talked, size=size, toasts=True) as bench:
        for number in range(6):
            long = f"Trouble {number}: " + "the model file is missing from its folder. " * 4
            bench.chat.emit(Trouble(EngineError(long, hint="Choose another model.")))
        await bench.settle()
        await bench.until(lambda: len(bench.app.screen.query("Toast")) == 6)
        await bench.settle()
        screen = bench.app.screen
        covered = {
            y
            for y in range(size[1])
            for x in range(size[0])
            if type(screen.get_widget_at(x, y)[0]).__name__ == "Toast"
        }
        assert covered
        assert max(covered) < bench.screen.composer.region.y


async def test_the_same_notice_is_shown_once_at_a_time(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(app_module, "monotonic", lambda: clock[0])
    async with running(talked, toasts=True) as bench:
        error = Trouble(EngineError("the model file is missing", hint="Choose another."))
        for _ in range(3):
            bench.chat.emit(error)
        bench.chat.emit(Trouble(EngineError("something else")))
        await bench.settle()
        await bench.until(lambda: len(bench.app.screen.query("Toast")) == 2)
        clock[0] += 6
        bench.chat.emit(error)
        await bench.until(lambda: len(bench.app.screen.query("Toast")) == 3, "it is told again")


async def test_what_a_key_did_takes_the_place_of_what_the_key_before_did():
    async with running(talked, toasts=True) as bench:
        bench.chat.emit(Trouble(EngineError("the model file is missing")))
        bench.screen.tell("Downloaded.", title="Fetched")
        for words in ("pinned", "no longer pinned", "taken back"):
            bench.screen.tell(words)
            await bench.settle()

        def told() -> list[str]:
            return [str(toast.render()) for toast in bench.app.screen.query("Toast")]

        await bench.until(lambda: len(told()) == 3, "one of the three, and what has a title")
        assert "taken back" in told()[-1]
        assert "pinned" not in "".join(told())


# --- the conversation from the composer -----------------------------------------------------


async def test_the_keys_that_page_scroll_the_conversation_while_the_composer_has_nothing_to_page():
    def long(chat) -> None:
        chat.add_session("Long", [f"{n} " + "words " * 60 for n in range(20)])

    async with running(long) as bench:
        await bench.settle()
        transcript = bench.screen.transcript
        end = transcript.scroll_offset.y
        await bench.press("pageup")
        assert transcript.scroll_offset.y == end - transcript.size.height + 1
        assert bench.screen.focus_owner.place() == "composer"
        await bench.until(lambda: "more below: Ctrl+End" in str(bench.screen.status.render()))
        await bench.press("ctrl+end")
        assert transcript.scroll_offset.y == end
        await bench.write("line\n" * 20)
        before = bench.screen.composer.cursor_location
        await bench.press("pageup")
        assert bench.screen.composer.cursor_location < before
        assert transcript.following


# --- sizes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "too_small", "words"),
    [
        ((160, 45), False, ""),
        ((80, 24), False, ""),
        ((60, 16), False, ""),
        ((58, 20), False, "sessions open over the text"),
        ((80, 14), False, "key hints are hidden"),
        ((44, 12), False, "58"),
        ((43, 12), True, "needs at least 44x12"),
        ((40, 12), True, "This terminal is 40x12"),
        ((12, 3), True, ""),
    ],
)
async def test_every_size_works_and_small_ones_say_what_is_hidden(size, too_small, words):
    async with running(talked, size=size) as bench:
        assert bench.screen.panes.too_small == too_small
        told = bench.screen.banner.text + str(bench.screen.query_one("#too-small-text").render())
        if words == "58":
            assert "Small terminal, 44x12" in told
        else:
            assert words in told
            assert bool(bench.screen.banner.text) == (bool(words) and not too_small)
        await bench.press("f3", "ctrl+o")
        bench.app.export_screenshot()


async def test_growing_again_brings_everything_back():
    async with running(talked, size=(40, 10)) as bench:
        await bench.write("kept")
        await bench.pilot.resize_terminal(120, 30)
        await bench.settle()
        assert not bench.screen.panes.too_small
        assert bench.screen.composer.text == "kept"
        assert bench.screen.session_list.display
        assert bench.screen.banner.text == ""


async def test_on_a_narrow_terminal_the_sessions_take_the_whole_width():
    async with running(talked, size=(58, 20)) as bench:
        await bench.press("ctrl+o")
        await bench.settle()
        assert bench.screen.session_list.size.width >= 56
        assert not bench.screen.query_one("#main").display


# --- the end --------------------------------------------------------------------------------


async def test_ctrl_q_keeps_the_draft_and_closes_the_chat():
    async with running(talked) as bench:
        await bench.write("unsent")
        await bench.press("ctrl+q")
        await bench.until(lambda: bench.chat.closed)
    assert bench.chat.drafts["s1"] == "unsent"
    assert bench.app.return_code == 0


async def test_ctrl_c_stops_first_and_quits_the_second_time():
    async with running(auto=False) as bench:
        await bench.say("Hi")
        bench.chat.stream("It is")
        await bench.press("ctrl+c")
        await bench.until(lambda: bench.chat.called("stop"))
        assert "Press Ctrl+C again to quit" in bench.said()
        assert not bench.chat.closed
        await bench.press("ctrl+c")
        await bench.until(lambda: bench.chat.closed)
    assert bench.chat.messages[-1].status == "stopped"


async def test_ctrl_c_works_in_a_dialog_too():
    async with running() as bench:
        await bench.press("f3", "ctrl+c", "ctrl+c")
        await bench.until(lambda: bench.chat.closed)


async def run_to_its_end(app, drive) -> int:
    run = app.run_async
    app.run_async = lambda: run(headless=True, auto_pilot=drive)
    return await run_app(app)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
async def test_a_signal_ends_the_app_in_order(name):
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip(f"this platform has no {name}")
    chats = []
    app = make_app(chats=chats, auto=False)
    closed: list[bool] = []

    async def close() -> None:
        closed.append(chats[0].closed)

    object.__setattr__(app.services, "close", close)

    async def drive(pilot) -> None:
        while not chats:
            await pilot.pause()
        await chats[0].send("Hi")
        chats[0].stream("It is")
        await pilot.pause()
        signal.raise_signal(number)

    assert await run_to_its_end(app, drive) == 128 + number
    assert chats[0].messages[-1].content == "It is"
    assert chats[0].messages[-1].status == "stopped"
    assert closed == [True]


def broken() -> None:
    raise ZeroDivisionError("a mistake")


async def broken_later() -> None:
    broken()


@pytest.mark.parametrize(
    "begin",
    [
        lambda app: app.call_later(broken),
        lambda app: app.chat_screen.call_after_refresh(broken),
        lambda app: app.run_worker(broken_later),
    ],
    ids=["app", "screen", "worker"],
)
async def test_a_mistake_of_the_program_ends_it_in_order_and_is_told_by_who_started_it(
    begin, capfd
):
    chats = []
    app = make_app(chats=chats, auto=False)

    async def drive(pilot) -> None:
        while not chats:
            await pilot.pause()
        await chats[0].send("Hi")
        chats[0].stream("It is")
        await pilot.pause()
        app.chat_screen.composer.insert("next")
        begin(app)
        while app.failure is None:
            await asyncio.sleep(0)

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        await run_to_its_end(app, drive)
    assert (chats[0].closed, chats[0].messages[-1].content) == (True, "It is")
    assert await chats[0].draft() == Draft("next")
    assert "ZeroDivisionError" not in "".join(capfd.readouterr())


async def waits_for_the_end(pilot) -> None:
    while pilot.app.failure is None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("method", ["compose", "on_mount"])
async def test_a_mistake_at_the_start_is_the_one_that_is_told(method, monkeypatch):
    closed: list[bool] = []

    async def close() -> str:
        closed.append(True)
        return ""

    monkeypatch.setattr(ChatScreen, method, lambda _: broken())
    app = make_app()
    object.__setattr__(app.services, "close", close)
    with pytest.raises(ZeroDivisionError, match="a mistake"):
        await run_to_its_end(app, waits_for_the_end)
    assert closed == [True]


async def test_a_mistake_while_closing_keeps_nothing_else_from_being_closed(monkeypatch):
    chats = []
    app = make_app(chats=chats)
    monkeypatch.setattr(Drafts, "keep_all", lambda _: broken_later())

    async def drive(pilot) -> None:
        while not chats:
            await pilot.pause()
        await pilot.press("ctrl+q")

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        await run_to_its_end(app, drive)
    assert chats[0].closed


async def test_a_mistake_that_leaves_something_hanging_is_ended_by_the_watchdog():
    app = make_app()
    codes: list[int] = []

    async def drive(pilot) -> None:
        app.watchdog = Watchdog(0.0, codes.append)
        app.call_later(broken)
        await waits_for_the_end(pilot)
        app.watchdog.join(5)

    with pytest.raises(ZeroDivisionError):
        await run_to_its_end(app, drive)
    assert codes == [1]


def test_the_watchdog_ends_what_hangs_and_not_what_was_stopped():
    codes: list[int] = []
    stopped = Watchdog(0.0, codes.append)
    stopped.stop()
    fires = Watchdog(0.0, codes.append)
    fires.start(143)
    fires.join(5)
    assert codes == [143]


def test_services_need_nothing_but_a_chat():
    async def make_chat(listener):
        raise AssertionError

    services = AppServices(make_chat=make_chat)
    assert tuple(services.list_packs()) == ()
