"""Sessions: which one is on screen, the list, search, rename, delete, drafts."""

import pytest
from textual.widgets import Input, OptionList

from tests.ui.driving import PACKS, running
from urial_tui.errors import StoreError
from urial_tui.ui.screens.dialog import AskText, Confirm
from urial_tui.ui.screens.search import SearchDialog
from urial_tui.ui.situation import can


def two(chat) -> None:
    chat.add_session("Old", ["Old question", "Old answer"], "2026-01-01T10:00:00.000Z")
    chat.add_session("New", ["New question", "New answer"], "2026-02-01T10:00:00.000Z")


async def test_the_last_session_is_opened_at_the_start():
    async with running(two) as bench:
        assert bench.chat.called("open_session") == [("s2",)]
        assert bench.shown()[0] == ("You", "New question")
        assert [call[0] for call in bench.chat.calls].count("start") == 1


async def test_a_wanted_session_is_opened_instead():
    async with running(two, services={"session_id": "s1"}) as bench:
        assert bench.chat.called("open_session") == [("s1",)]


async def test_a_session_brings_its_side_to_the_status_line_and_the_pack_picker():
    def sides(chat) -> None:
        chat.add_session("Old", ["a", "b"], "1", side="demo@urial-brief")
        chat.add_session("New", ["c", "d"], "2", side="demo@urial-italian")

    async with running(sides, size=(120, 30)) as bench:
        assert bench.screen.status.status.side == "demo@urial-italian"
        await bench.press("ctrl+o", "down", "enter")
        await bench.until(lambda: ("s1",) in bench.chat.called("open_session"))
        await bench.settle()
        assert bench.screen.status.status.side == "demo@urial-brief"
        await bench.press("f3")
        packs = bench.app.screen.query_one("#packs", OptionList)
        assert packs.highlighted == [pack.id for pack in PACKS].index("urial-brief")


async def test_a_fresh_start_opens_none():
    async with running(two, services={"resume": False}) as bench:
        assert not bench.chat.called("open_session")
        assert bench.shown() == []


async def test_ctrl_n_starts_an_empty_session_and_says_so():
    async with running(two) as bench:
        await bench.press("ctrl+n")
        await bench.until(lambda: bench.chat.called("new_session"))
        await bench.settle()
        assert bench.shown() == []
        assert bench.screen.has_class("-empty")
        assert "chat.new" not in bench.footer()


async def test_a_new_session_stops_the_answer_that_is_being_written():
    async with running(auto=False) as bench:
        await bench.say("Hi")
        await bench.press("ctrl+n")
        await bench.until(lambda: bench.chat.called("new_session"))
        names = [call[0] for call in bench.chat.calls]
        assert names.index("stop") < names.index("new_session")


async def test_at_80_columns_the_list_is_hidden_until_it_is_asked_for():
    async with running(two, size=(80, 24)) as bench:
        assert not bench.screen.session_list.display
        await bench.press("ctrl+o")
        assert bench.screen.session_list.display
        assert bench.screen.place() == "sessions"
        await bench.press("down", "enter")
        await bench.until(lambda: ("s1",) in bench.chat.called("open_session"))
        await bench.settle()
        assert not bench.screen.session_list.display
        assert bench.screen.place() == "composer"
        assert bench.shown()[0] == ("You", "Old question")


async def test_on_a_wide_terminal_the_list_is_there_and_can_be_put_away():
    async with running(two, size=(120, 30)) as bench:
        assert bench.screen.session_list.display
        assert bench.screen.place() == "composer"
        await bench.press("ctrl+o")
        assert bench.screen.place() == "sessions"
        await bench.press("ctrl+o")
        assert not bench.screen.session_list.display
        assert bench.screen.place() == "composer"


async def test_rename_asks_and_renames():
    async with running(two, size=(120, 30)) as bench:
        await bench.press("ctrl+o", "r")
        assert isinstance(bench.app.screen, AskText)
        bench.app.screen.query_one(Input).value = "Newer"
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("rename"))
        await bench.settle()
        assert bench.chat.called("rename") == [("s2", "Newer")]
        assert "Newer" in str(bench.screen.query_one("#heading").render())


async def test_an_empty_title_is_refused():
    async with running(two) as bench:
        await bench.press("f10")
        bench.app.screen.query_one(Input).value = "  "
        await bench.press("enter")
        assert isinstance(bench.app.screen, AskText)
        await bench.press("escape")
        assert not bench.chat.called("rename")


async def test_delete_asks_first_and_enter_keeps():
    async with running(two) as bench:
        await bench.press("f12")
        assert isinstance(bench.app.screen, Confirm)
        await bench.press("enter")
        await bench.settle()
        assert not bench.chat.called("delete")


async def test_delete_deletes_when_it_is_confirmed():
    async with running(two) as bench:
        await bench.press("f12", "shift+tab", "enter")
        await bench.until(lambda: bench.chat.called("delete"))
        await bench.settle()
        assert bench.chat.called("delete") == [("s2",)]
        assert bench.shown() == []


async def test_search_finds_a_message_and_goes_there():
    async with running(two) as bench:
        await bench.press("ctrl+f")
        bench.app.screen.query_one(Input).value = "Old a"
        assert isinstance(bench.app.screen, SearchDialog)
        await bench.settle()
        await bench.press("enter")
        await bench.until(lambda: bench.screen.transcript.selected == "m2", "the message is chosen")
        assert bench.shown()[0] == ("You", "Old question")


async def test_a_search_that_finds_nothing_says_so():
    async with running(two) as bench:
        await bench.press("ctrl+f")
        bench.app.screen.query_one(Input).value = "zebra"
        await bench.settle()
        assert "nothing found" in str(bench.app.screen.query_one("#count").render())
        await bench.press("enter", "escape")
        assert len(bench.chat.called("open_session")) == 1


async def test_the_draft_is_saved_while_typing_and_comes_back():
    async with running(two) as bench:
        await bench.write("half a thought")
        bench.screen.composer.flush_draft()
        await bench.until(lambda: bench.chat.drafts.get("s2") == "half a thought", "it is saved")
        await bench.press("ctrl+n")
        await bench.until(lambda: bench.chat.called("new_session"))
        await bench.settle()
        assert bench.screen.composer.text == ""
        await bench.press("ctrl+o", "enter")
        await bench.until(lambda: len(bench.chat.called("open_session")) == 2)
        await bench.settle()
        assert bench.screen.composer.text == "half a thought"


async def test_a_draft_of_the_last_time_is_in_the_composer_at_the_start():
    def left(chat) -> None:
        chat.drafts[None] = "unsent"

    async with running(left) as bench:
        assert bench.screen.composer.text == "unsent"


async def test_an_edited_message_is_kept_with_the_draft_until_the_edit_is_over():
    async with running(two) as bench:
        await bench.write("draft")
        await bench.press("f2")
        await bench.settle()
        bench.screen.composer.flush_draft()
        await bench.press("x")
        bench.screen.composer.flush_draft()
        kept = "New questionx\n\ndraft"
        await bench.until(lambda: bench.chat.drafts.get("s2") == kept, "both are kept")
        await bench.press("escape")
        await bench.until(lambda: bench.chat.drafts.get("s2") == "draft", "only the draft is kept")


@pytest.mark.parametrize(
    ("keys", "kept"),
    [((), "draft"), (("x",), "New questionx\n\ndraft")],
    ids=["unchanged", "changed"],
)
@pytest.mark.parametrize("leave", ["ctrl+q", "ctrl+n"])
async def test_leaving_while_editing_loses_neither_the_edited_text_nor_the_draft(leave, keys, kept):
    async with running(two) as bench:
        await bench.write("draft")
        await bench.press("f2", *keys, leave)
        await bench.until(lambda: bench.chat.closed or bench.chat.called("new_session"))
        await bench.until(lambda: bench.chat.drafts.get("s2") == kept, "it is kept")


def held(chat) -> None:
    two(chat)
    words = "this session is open in urial-tui (process 77 on desk, since 10:00)"
    chat.holders["s2"] = StoreError(words, kind="session-locked", hint="By force.")


async def test_a_session_that_another_program_holds_is_read_only_and_says_how_to_take_it():
    async with running(held) as bench:
        assert "process 77 on desk" in bench.screen.banner.text
        assert "Ctrl+P, “Take over the session”" in bench.screen.banner.text
        await bench.write("mine")
        await bench.press("enter")
        await bench.until(lambda: "Take over the session" in bench.said(), "the refusal says how")
        assert bench.screen.composer.text == "mine"
        await bench.press("ctrl+n")
        await bench.until(lambda: bench.screen.banner.text == "", "the notice goes with it")


async def test_a_held_session_is_taken_over_after_asking():
    async with running(held) as bench:
        await bench.press("ctrl+p", *"take over")
        await bench.settle()
        await bench.press("down", "enter")
        await bench.until(lambda: isinstance(bench.app.screen, Confirm), "it asks")
        text = str(bench.app.screen.query_one(".lead").render())
        assert "process 77 on desk" in text
        await bench.press("enter")
        await bench.settle()
        assert not bench.chat.called("take_over"), "Enter leaves it"
        bench.screen.action_take_over()
        await bench.pilot.pause()
        await bench.press("shift+tab", "enter")
        await bench.until(lambda: bench.chat.called("take_over"))
        await bench.until(lambda: bench.screen.banner.text == "")
        assert not can("take_over", bench.screen.moment)
        await bench.say("mine")
        assert bench.shown()[-1] == ("Model", "Walking is good for you.")


async def test_only_a_held_session_can_be_taken_over():
    async with running(two) as bench:
        assert not can("take_over", bench.screen.moment)
        bench.screen.action_take_over()
        assert bench.app.screen is bench.screen


async def test_a_session_that_cannot_be_opened_says_why():
    async with running(two, size=(120, 30)) as bench:
        bench.chat.errors["open_session"] = StoreError("held by another program", hint="Close it.")
        await bench.press("ctrl+o", "down", "enter")
        await bench.until(lambda: "held by another program" in bench.said())
        assert bench.shown()[0] == ("You", "New question")
