"""What can be done now."""

import dataclasses

import pytest

from urial_tui.ui import situation
from urial_tui.ui.commands import CHAT_COMMANDS
from urial_tui.ui.situation import Inspected, Situation, can

EMPTY = Situation(connected=True)
TALKED = Situation(
    connected=True,
    n_messages=2,
    has_user_message=True,
    target_is_answer=True,
    has_session=True,
    has_code=True,
    versions=2,
)


def possible(now: Situation) -> set[str]:
    actions = {c.action for c in CHAT_COMMANDS if not c.action.startswith("app.")}
    return {action for action in actions if can(action, now)}


def test_before_the_history_is_open_nothing_is_offered_that_needs_it():
    assert possible(Situation()) == {"toggle_sessions"}


def test_an_empty_conversation_offers_what_begins_one():
    wanted = {"prefill", "search", "choose_pack", "choose_side", "sampling", "toggle_sessions"}
    wanted |= {"choose_references", "toggle_scoring", "toggle_inspector", "totals", "reload"}
    assert possible(EMPTY) == wanted


def test_while_an_answer_is_written_only_stopping_and_reading_are_offered():
    now = dataclasses.replace(TALKED, busy=True)
    assert "stop" in possible(now)
    changing = {
        "regenerate",
        "continue_answer",
        "edit",
        "next_branch",
        "choose_pack",
        "choose_side",
        "reload",
    }
    assert not changing & possible(now)
    assert {"copy_message", "copy_code", "read", "save_transcript"} <= possible(now)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, set()),
        ({"busy": True}, {"stop"}),
        ({"editing": True}, {"leave_edit"}),
        ({"prefilling": True}, {"close_prefill"}),
        ({"editing": True, "prefilling": True}, {"leave_edit"}),
        ({"editing": True, "busy": True}, {"stop"}),
        ({"place": "transcript"}, {"back"}),
        ({"place": "transcript", "busy": True}, {"stop"}),
        ({"place": "transcript", "inspected": Inspected(inspecting=True)}, {"leave_inspect"}),
        ({"busy": True, "inspected": Inspected(inspecting=True)}, {"stop"}),
        ({"place": "transcript", "inspected": Inspected(scoring=True)}, {"stop"}),
        ({"editing": True, "inspected": Inspected(inspecting=True)}, {"leave_edit"}),
        (
            {"place": "transcript", "prefilling": True, "inspected": Inspected(inspecting=True)},
            {"leave_inspect"},
        ),
        (
            {"place": "prefill", "prefilling": True, "inspected": Inspected(inspecting=True)},
            {"close_prefill"},
        ),
    ],
)
def test_escape_means_one_thing_at_a_time(change, wanted):
    escape = {"stop", "leave_edit", "close_prefill", "leave_inspect", "back"}
    assert possible(dataclasses.replace(TALKED, **change)) & escape == wanted


def test_a_message_with_one_version_offers_no_other():
    assert not can("next_branch", dataclasses.replace(TALKED, versions=1))


def test_a_question_without_an_answer_cannot_be_continued_but_regenerated():
    now = dataclasses.replace(TALKED, target_is_answer=False)
    assert not can("continue_answer", now)
    assert can("regenerate", now)


def test_a_terminal_that_is_too_small_opens_no_dialogs():
    now = dataclasses.replace(TALKED, too_small=True, busy=True)
    assert not {"choose_pack", "edit", "sampling", "toggle_sessions"} & possible(now)
    assert "stop" in possible(now)


@pytest.mark.parametrize("now", [Situation(), EMPTY, TALKED], ids=["start", "empty", "talked"])
def test_every_command_of_the_chat_is_known_and_no_other(now):
    for command in CHAT_COMMANDS:
        assert isinstance(can(command.action, now), bool)
    with pytest.raises(ValueError, match="'regenrate'"):
        can("regenrate", now)


def test_what_needs_room_are_commands():
    assert {command.action for command in CHAT_COMMANDS} >= situation._NEED_ROOM
