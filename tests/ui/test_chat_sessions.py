"""Sessions: which one is on screen, the list, search, rename, delete, drafts."""

import asyncio
import dataclasses
import gc

import pytest
from textual.widgets import Input, OptionList

from tests.ui.driving import PACKS, running
from urial_tui.errors import StoreError
from urial_tui.ui.screens.dialog import AskText, Confirm
from urial_tui.ui.screens.search import SearchDialog
from urial_tui.ui.situation import can
from urial_tui.ui.widgets.hint_bar import HintBar


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
        assert bench.screen.focus_owner.place() == "sessions"
        await bench.press("down", "enter")
        await bench.until(lambda: ("s1",) in bench.chat.called("open_session"))
        await bench.settle()
        assert not bench.screen.session_list.display
        assert bench.screen.focus_owner.place() == "composer"
        assert bench.shown()[0] == ("You", "Old question")


async def test_on_a_wide_terminal_the_list_is_there_and_can_be_put_away():
    async with running(two, size=(120, 30)) as bench:
        assert bench.screen.session_list.display
        assert bench.screen.focus_owner.place() == "composer"
        await bench.press("ctrl+o")
        assert bench.screen.focus_owner.place() == "sessions"
        await bench.press("ctrl+o")
        assert not bench.screen.session_list.display
        assert bench.screen.focus_owner.place() == "composer"


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


async def test_delete_puts_into_the_bin_at_once_and_undo_brings_it_back():
    async with running(two) as bench:
        await bench.press("f12")
        await bench.until(lambda: bench.chat.called("delete"))
        await bench.settle()
        assert bench.chat.called("delete") == [("s2",)]
        assert bench.shown() == []
        assert "“New” is in the bin. Shift+F12 takes it back." in bench.said()
        await bench.press("f24")
        await bench.until(bench.shown, "it is open again")
        assert bench.chat.called("restore") == [("s2",)]
        assert "Taken back: “New” is out of the bin again." in bench.said()
        assert bench.shown()[0] == ("You", "New question")
        assert not can("undo_sessions", bench.screen.moment)


async def test_undo_that_is_pressed_faster_than_it_works_loses_nothing():
    async with running(two, size=(120, 30)) as bench:
        await bench.press("ctrl+o", "space", "p", "d")
        await bench.until(lambda: bench.chat.called("delete"))
        await bench.settle()
        bench.screen.action_undo_sessions()
        bench.screen.action_undo_sessions()
        bench.screen.action_undo_sessions()
        await bench.until(lambda: len(bench.chat.called("set_pinned")) == 2, "both are taken back")
        sessions = await bench.chat.sessions()
        assert len(sessions) == 2 and not any(one.pinned for one in sessions)


def eight(chat) -> None:
    for n in range(1, 9):
        chat.add_session(f"Talk {n}", ["q", "a"], f"2026-01-0{n}T10:00:00.000Z")


async def test_one_delete_after_the_other_stays_at_its_height_and_spares_the_open_session():
    async with running(eight, size=(120, 30), services={"session_id": "s1"}) as bench:
        listed = bench.screen.session_list
        await bench.press("ctrl+o", "home", "down", "down", "d")
        await bench.until(lambda: "s6" not in listed.listed)
        await bench.settle()
        assert listed.highlighted == "s5"
        await bench.press("d")
        await bench.until(lambda: "s5" not in listed.listed)
        await bench.settle()
        assert bench.chat.called("delete") == [("s6",), ("s5",)]
        assert listed.highlighted == "s4"
        assert bench.chat.session.id == "s1"


async def test_both_of_two_deletes_are_taken_back_by_the_key_pressed_twice_in_the_list():
    async with running(eight, size=(120, 30), services={"session_id": "s7"}) as bench:
        listed = bench.screen.session_list
        await bench.press("ctrl+o", "home", "d", "d")
        await bench.until(lambda: len(listed.listed) == 6)
        await bench.settle()
        assert bench.chat.session is None
        await bench.press("u")
        await bench.until(lambda: bench.chat.session is not None, "the open one is open again")
        await bench.settle()
        assert bench.screen.focus_owner.place() == "sessions"
        await bench.press("u")
        await bench.until(lambda: len(listed.listed) == 8, "both are back")
        assert bench.chat.called("restore") == [("s7",), ("s8",)]
        assert bench.screen.composer.text == ""


async def test_in_the_bin_delete_is_for_good_after_asking():
    async with running(two, size=(120, 30)) as bench:
        await bench.press("ctrl+o", "down", "d", "slash", *"is:deleted", "enter")
        await bench.until(lambda: bench.screen.session_list.chosen == ("s1",))
        await bench.press("d")
        assert isinstance(bench.app.screen, Confirm)
        await bench.press("enter")
        await bench.settle()
        assert not bench.chat.called("delete_for_good"), "Enter keeps it"
        await bench.press("d", "shift+tab", "enter")
        await bench.until(lambda: bench.chat.called("delete_for_good") == [("s1",)])
        await bench.settle()
        assert not can("undo_sessions", bench.screen.moment)


async def test_several_sessions_are_tagged_pinned_and_archived_at_once_and_each_is_taken_back():
    async with running(two, size=(120, 30)) as bench:
        await bench.press("ctrl+o", "space", "space", "t")
        await bench.until(lambda: isinstance(bench.app.screen, AskText), "the tags are asked for")
        bench.app.screen.query_one(Input).value = "Health, to  read"
        await bench.press("enter")
        await bench.settle()
        tags = [(one, ["health", "to read"], []) for one in ("s2", "s1")]
        assert bench.chat.called("change_tags") == tags
        await bench.press("p")
        await bench.settle()
        assert bench.chat.called("set_pinned") == [("s1", True)], "one is meant: the marks are gone"
        await bench.press("space", "space", "a")
        await bench.settle()
        assert bench.chat.called("set_archived") == [("s1", True), ("s2", True)]
        assert bench.screen.session_list.count == 0
        await bench.press("u")
        await bench.until(lambda: bench.screen.session_list.count == 2, "both are back")
        await bench.press("u", "u")
        await bench.until(lambda: len(bench.chat.called("change_tags")) == 4)
        await bench.settle()
        sessions = await bench.chat.sessions()
        assert not any(one.pinned or one.archived or one.tags for one in sessions)


async def test_a_session_that_cannot_be_changed_does_not_keep_the_others():
    async with running(two, size=(120, 30)) as bench:
        bench.chat.errors["set_archived"] = StoreError("held by another program")
        await bench.press("ctrl+o", "space", "space", "a")
        await bench.settle()
        assert "held by another program" in bench.said()
        assert "“Old” is archived" in bench.said()


async def test_a_wrong_filter_is_told_and_the_list_stays():
    async with running(two, size=(120, 30)) as bench:
        await bench.press("ctrl+o", "slash", *"is:gone", "enter")
        note = bench.screen.session_list.query_one("#session-note")
        await bench.until(lambda: "is:gone is nothing" in str(note.render()))
        assert bench.screen.session_list.count == 2


@pytest.mark.parametrize("size", [(120, 30), (60, 20)])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("since:banana", "since:banana is no time"),
        ("is:foo", "is:foo is nothing"),
        ("score>abc", "score>abc has no number"),
        ("score>9", "score>9 is out of range"),
        ("shifted>200%", "shifted>200% is out of range"),
        ("score:3", "score:3 is neither a lower bound nor an upper one"),
    ],
)
async def test_a_filter_that_means_nothing_is_told_in_the_search_with_its_reason(size, text, why):
    async with running(two, size=size) as bench:
        await bench.press("ctrl+f", *"question")
        dialog = bench.app.screen
        await bench.until(lambda: len(dialog.query_one("#found", OptionList).options) > 0)
        dialog.query_one(Input).value = text
        problem = dialog.query_one(".problem")
        await bench.until(lambda: why in str(problem.render()))
        await bench.settle()
        assert dialog.region.contains_region(problem.region) and problem.region.height > 0
        assert problem.region.y == dialog.query_one(Input).region.y + 1, "where one looks"
        assert not dialog.query_one("#count").display, "what is listed was not found by it"
        dialog.query_one(Input).value = "question"
        await bench.until(lambda: dialog.query_one("#count").display)
        assert not problem.display


async def test_the_last_session_is_opened_and_not_a_pinned_older_one():
    def pinned(chat) -> None:
        two(chat)
        chat._sessions["s1"] = dataclasses.replace(chat._sessions["s1"], pinned=True)

    async with running(pinned) as bench:
        assert bench.chat.called("open_session") == [("s2",)]


async def test_search_finds_a_message_goes_there_and_on_to_the_next_hit():
    async with running(two) as bench:
        await bench.press("ctrl+f")
        bench.app.screen.query_one(Input).value = "answer"
        assert isinstance(bench.app.screen, SearchDialog)
        await bench.settle()
        assert "2 found" in str(bench.app.screen.query_one("#count").render())
        await bench.press("enter")
        await bench.until(lambda: bench.screen.transcript.selected == "m2", "the message is chosen")
        await bench.settle()
        assert bench.shown()[0] == ("You", "Old question")
        block = bench.screen.transcript.model.get("m2")
        assert block is not None and block.matches == [(4, 10)]
        assert "Hit 1 of 2" in str(bench.screen.composer.border_title)
        await bench.press("n")
        await bench.until(lambda: bench.screen.transcript.selected == "m4", "the next hit")
        await bench.settle()
        await bench.press("escape")
        assert not bench.screen.transcript.finding and not bench.screen.composer.border_title
        assert bench.screen.transcript.model.get("m4").matches == []


async def test_a_hit_on_another_branch_is_shown_with_its_branch():
    def branched(chat) -> None:
        two(chat)
        chat._new("s2", "m3", "assistant", "Hidden words", "complete")

    async with running(branched) as bench:
        await bench.press("ctrl+f", *"Hidden", "enter")
        await bench.until(lambda: bench.screen.transcript.selected == "m5", "the message is chosen")
        assert bench.shown()[-1] == ("Model", "Hidden words")


async def test_a_search_says_what_is_wrong_and_when_there_is_nothing():
    async with running(two) as bench:
        await bench.press("ctrl+f")
        typed = bench.app.screen.query_one(Input)
        assert "score>" in str(bench.app.screen.query_one("#count").render())
        typed.value = "since:never"
        await bench.settle()
        assert "since:never is no time" in str(bench.app.screen.query_one(".problem").render())
        typed.value = "zebra"
        await bench.settle()
        assert "nothing found" in str(bench.app.screen.query_one("#count").render())
        typed.value = "until:2000-01-01 is:archived"
        await bench.settle()
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


async def test_what_is_typed_right_after_the_key_for_a_new_session_is_in_the_new_one():
    async with running(two) as bench:
        await bench.write("for the old one")
        bench.screen.sessions.new()
        bench.screen.composer.insert("for the new one")  # faster than the history is asked
        await bench.until(lambda: bench.chat.called("new_session"))
        await bench.until(lambda: bench.chat.drafts.get(None) == "for the new one", "it is saved")
        assert bench.screen.composer.text == "for the new one"
        assert bench.chat.drafts["s2"] == "for the old one"


async def test_the_beginning_of_an_answer_stays_with_its_session():
    async with running(two) as bench:
        line = bench.screen.begin_line
        await bench.press("ctrl+t", *"Sure", "ctrl+n")
        await bench.until(lambda: bench.chat.called("new_session"))
        await bench.settle()
        assert not line.is_open and bench.screen.focused is bench.screen.composer
        await bench.press("ctrl+t", "W", "ctrl+o", "enter")
        await bench.until(lambda: len(bench.chat.called("open_session")) == 2)
        await bench.settle()
        assert (line.is_open, line.text) == (True, "Sure")
        assert bench.chat.beginnings[None] == "W"


async def test_the_beginning_of_an_answer_is_saved_while_typing_and_when_it_is_taken_back():
    async with running(two) as bench:
        await bench.press("ctrl+t", *"Sure")
        await bench.until(lambda: bench.chat.beginnings.get("s2") == "Sure", "it is saved")
        await bench.press("escape")
        await bench.until(lambda: bench.chat.beginnings.get("s2") == "", "it is not asked for now")


async def test_the_beginning_of_an_answer_is_kept_at_the_end_and_there_again_at_the_start():
    async with running(two) as bench:
        await bench.press("ctrl+t", *"Sure", "ctrl+q")
        await bench.until(lambda: bench.chat.closed)
    kept = bench.chat.beginnings["s2"]

    def left(chat) -> None:
        two(chat)
        chat.beginnings["s2"] = kept

    async with running(left) as bench:
        await bench.until(lambda: bench.screen.begin_line.text == "Sure", "it is back")
        await bench.write("Why?")
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("send") == [("Why?", "Sure")])


async def test_what_is_typed_before_a_draft_is_fetched_joins_it():
    def prepare(chat) -> None:
        two(chat)
        chat.drafts["s1"] = "stored"

    async with running(prepare) as bench:
        bench.screen.sessions.choose("s1")
        bench.screen.composer.insert("typed")
        await bench.until(lambda: len(bench.chat.called("open_session")) == 2)
        await bench.settle()
        assert bench.screen.composer.text == "stored\ntyped"


async def test_what_is_written_is_kept_where_it_was_when_the_session_is_left_twice_at_once():
    async with running(two) as bench:
        await bench.write("of the second")
        bench.screen.organising.ask("delete", ("s2",))
        bench.screen.sessions.new()
        await bench.until(lambda: len(bench.chat.called("new_session")) == 2)
        for _ in range(5):
            await bench.pilot.pause()
        assert bench.chat.drafts["s2"] == "of the second"
        assert bench.screen.composer.text == ""


async def test_quitting_while_a_session_is_being_left_keeps_its_draft():
    async with running(two) as bench:
        await bench.write("kept")
        leave, begun, go_on = bench.chat.new_session, asyncio.Event(), asyncio.Event()

        async def slowly() -> None:
            begun.set()
            await go_on.wait()
            await leave()

        bench.chat.new_session = slowly
        bench.screen.sessions.new()
        await begun.wait()
        quitting = asyncio.create_task(bench.app.close_chat())
        await bench.pilot.pause()
        go_on.set()
        await quitting
        assert bench.chat.drafts["s2"] == "kept"


async def test_nothing_is_done_to_a_session_while_another_is_being_opened():
    async with running(two) as bench:
        bench.screen.sessions.new()
        bench.screen.action_delete()
        await bench.until(lambda: "Another session is being opened" in bench.said())
        await bench.until(lambda: bench.chat.called("new_session"))
        assert not bench.chat.called("delete")


async def test_work_that_is_cancelled_before_it_begins_is_no_trouble_on_the_terminal(recwarn):
    async with running(two) as bench:
        bench.screen.do_turn(bench.chat.new_session)
        bench.screen.do(bench.chat.rename, "s2", "Other")
        bench.app.workers.cancel_all()
        await bench.pilot.pause()
        gc.collect()
        assert not bench.chat.called("rename")
    assert not [w for w in recwarn if "never awaited" in str(w.message)]


async def test_a_session_that_cannot_be_opened_leaves_the_composer_as_it_was():
    async with running(two) as bench:
        await bench.write("unsent")
        bench.chat.errors["open_session"] = StoreError("it is gone", kind="not-found")
        bench.screen.sessions.choose("s1")
        bench.screen.composer.insert("!")
        await bench.until(lambda: "it is gone" in bench.said())
        await bench.settle()
        assert bench.screen.composer.text == "unsent\n!"


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


async def test_a_held_session_offers_nothing_that_writes_into_it():
    async with running(held) as bench:
        await bench.write("mine")
        hints = bench.screen.query_one(HintBar)
        offered = {hint.id for hint in hints.hints}
        assert "app.help" in offered
        assert not offered & {"composer.send", "chat.regenerate", "chat.edit", "chat.prefill"}
        await bench.press("tab")
        letters = {hint.id for hint in hints.hints}
        assert "transcript.copy" in letters
        assert not letters & {"transcript.edit", "transcript.regenerate", "transcript.continue"}
        bench.screen.action_take_over()
        await bench.pilot.pause()
        await bench.press("shift+tab", "enter")
        await bench.until(lambda: "transcript.edit" in {hint.id for hint in hints.hints})


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


async def test_a_session_of_another_program_is_not_left_by_a_refused_deletion():
    async with running(held) as bench:
        await bench.press("f12")
        await bench.until(lambda: "process 77 on desk" in bench.said(), "it is refused")
        await bench.settle()
        assert bench.chat.session.id == "s2"
        assert not bench.chat.called("new_session")


async def test_what_is_written_beside_another_program_goes_along_and_its_draft_stays():
    def prepare(chat) -> None:
        held(chat)
        chat.drafts["s2"] = "theirs"

    async with running(prepare) as bench:
        assert bench.screen.composer.text == ""
        await bench.write("mine")
        bench.screen.composer.flush_draft()
        await bench.settle()
        assert bench.chat.drafts["s2"] == "theirs"
        await bench.press("ctrl+n")
        await bench.until(lambda: bench.chat.called("new_session"))
        await bench.settle()
        assert bench.screen.composer.text == "mine"


@pytest.mark.parametrize("before", ["", "earlier"])
async def test_what_is_written_beside_another_program_is_there_at_the_next_start(before):
    def prepare(chat) -> None:
        held(chat)
        chat.drafts[None] = before

    async with running(prepare) as bench:
        await bench.write("mine")
        await bench.press("ctrl+q")
        await bench.until(lambda: bench.chat.closed)
        assert bench.chat.drafts[None] == "\n".join(filter(None, (before, "mine")))


async def test_taking_a_session_over_brings_its_draft_before_what_is_written():
    def prepare(chat) -> None:
        held(chat)
        chat.drafts["s2"] = "theirs"

    async with running(prepare) as bench:
        await bench.write("mine")
        bench.screen.action_take_over()
        await bench.until(lambda: isinstance(bench.app.screen, Confirm))
        await bench.press("tab", "enter")
        await bench.until(lambda: bench.chat.called("take_over"))
        await bench.settle()
        assert bench.screen.composer.text == "theirs\nmine"


async def test_a_session_that_the_other_program_lets_go_of_can_be_written_without_more_ado():
    def prepare(chat) -> None:
        held(chat)
        chat.drafts["s2"] = "theirs"

    async with running(prepare) as bench:
        await bench.write("mine")
        bench.screen.sessions.look_at_lock()
        await bench.settle()
        assert "process 77 on desk" in bench.screen.banner.text
        del bench.chat.holders["s2"]
        bench.screen.sessions.look_at_lock()
        await bench.until(lambda: "has let go of this session" in bench.said())
        await bench.until(lambda: bench.screen.banner.text == "", "the banner is gone")
        assert bench.screen.composer.text == "theirs\nmine"
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("send"))


async def test_nothing_takes_the_place_of_a_draft_while_its_session_becomes_ours():
    def prepare(chat) -> None:
        held(chat)
        chat.drafts["s2"] = "theirs"

    async with running(prepare) as bench:
        await bench.write("mine")
        relock = bench.chat.relock

        async def slowly() -> bool:
            free = await relock()
            bench.screen.composer.insert("!")
            bench.screen.composer.flush_draft()  # in the moment in which it is ours and its draft not here
            await bench.pilot.pause()
            return free

        bench.chat.relock = slowly
        del bench.chat.holders["s2"]
        bench.screen.sessions.look_at_lock()
        await bench.until(lambda: bench.screen.composer.text == "theirs\nmine!")
        await bench.until(lambda: bench.chat.drafts["s2"] == "theirs\nmine!", "it is saved then")


async def test_in_a_narrow_terminal_the_list_goes_when_the_focus_leaves_it():
    async with running(two, size=(70, 24)) as bench:
        await bench.press("ctrl+o")
        await bench.settle()
        assert not bench.screen.query_one("#main").display
        await bench.press("escape")
        await bench.settle()
        assert bench.screen.query_one("#main").display
        assert bench.screen.focus_owner.place() != "sessions"
        assert bench.screen.focused is not None and bench.screen.focused.region.area
