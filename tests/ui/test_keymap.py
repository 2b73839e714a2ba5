"""The table of commands is sound, and a user's keymap is checked before it is used."""

import pytest
from textual.app import App
from textual.widgets import TextArea

from urial_tui.ui.command import real_keys
from urial_tui.ui.commands import ALL_COMMANDS, GROUPS
from urial_tui.ui.commands_models import SCREEN_COMMANDS
from urial_tui.ui.commands_settings import SETTINGS_SCREENS
from urial_tui.ui.keymap import (
    checked_keymap,
    for_textual,
    key_name,
    keys_of,
    usable_keymap,
    widget_bindings,
)

MEANT_TO_SHARE = {"escape"}


def test_ids_are_unique_and_every_command_says_what_it_does():
    ids = [command.id for command in ALL_COMMANDS]
    assert len(ids) == len(set(ids))
    for command in ALL_COMMANDS:
        assert command.label
        assert command.title
        assert command.tooltip
        assert command.group in GROUPS


def test_every_binding_that_can_be_rebound_says_what_it_does():
    for place, bindings in widget_bindings().items():
        for binding in bindings:
            assert binding.id and binding.description and binding.tooltip, (place, binding.id)


def test_no_key_has_two_commands():
    keys = [key for command in ALL_COMMANDS for key in command.keys.split(",") if key]
    doubles = {key for key in keys if keys.count(key) > 1}
    assert doubles == MEANT_TO_SHARE


def test_no_command_takes_a_key_that_edits_text():
    editing = {key.strip() for binding in TextArea.BINDINGS for key in binding.key.split(",")}
    mine = {key for command in ALL_COMMANDS for key in command.keys.split(",")}
    # Ctrl+C copies there too; F6 and F7 select there, which Shift with the arrows does as well.
    assert mine & editing == {"ctrl+c", "f6", "f7"}


def test_no_command_needs_a_key_that_terminals_confuse():
    """Ctrl+H, I, M are Backspace, Tab, Enter; Alt with an arrow may arrive as Escape and an arrow."""
    for command in ALL_COMMANDS:
        for key in command.keys.split(","):
            assert key not in {"ctrl+h", "ctrl+i", "ctrl+m", "ctrl+left_square_bracket", "f11"}
            assert not key.startswith(("alt+", "ctrl+shift+", "super+"))


@pytest.mark.parametrize(
    ("wanted", "keymap"),
    [
        ({"chat.pack": "ctrl+q"}, {}),
        ({"app.quit": "f3"}, {}),
        ({"chat.pack": "f5", "chat.side": "f3"}, {"chat.pack": "f5", "chat.side": "f3"}),
        ({"chat.pack": "f5", "chat.side": "ctrl+q"}, {}),
        ({"chat.pack": "f11", "chat.side": "f11"}, {"chat.pack": "f11"}),
        ({"composer.send": "ctrl+q"}, {}),
        ({"transcript.copy": "f8"}, {"transcript.copy": "f8"}),
    ],
)
def test_a_key_that_another_command_has_is_refused(wanted, keymap):
    usable, problems = usable_keymap(wanted)
    assert usable == keymap
    assert len(problems) == len(wanted) - len(keymap)


def test_a_good_keymap_is_used_as_it_is():
    keymap, problems = usable_keymap({"chat.regenerate": "f11", "chat.new": "ctrl+n, f9"})
    words = "f9 is wanted by both chat.copy-code and chat.new; chat.new keeps Ctrl+N"
    assert problems == [words]
    assert keymap == {"chat.regenerate": "f11", "chat.new": "ctrl+n"}
    assert keys_of("chat.regenerate", keymap) == ["f11"]
    assert keys_of("chat.edit", keymap) == ["f2"]


@pytest.mark.parametrize(
    ("keymap", "word"),
    [
        ({"chat.fly": "f11"}, "chat.fly"),
        ({"chat.new": "hyperdrive+x"}, "hyperdrive+x"),
        ({"chat.new": "Ctrl N"}, "Ctrl N"),
        ({"chat.new": "ctrl+r"}, "ctrl+r"),
    ],
)
def test_a_bad_keymap_is_told(keymap, word):
    _, problems = usable_keymap(keymap)
    assert len(problems) == 1
    assert word in problems[0]


WITHOUT_KEYS = [command.id for command in ALL_COMMANDS if not command.keys]


@pytest.mark.parametrize("command_id", WITHOUT_KEYS)
def test_a_command_of_the_palette_can_have_a_key(command_id):
    assert keys_of(command_id, {}) == []
    keymap, problems = usable_keymap({command_id: "f13"})
    assert (keymap, problems) == ({command_id: "f13"}, [])
    assert keys_of(command_id, keymap) == ["f13"]


def test_a_command_of_the_palette_does_not_get_the_key_of_another_one():
    keymap, problems = usable_keymap({"chat.take-over": "f3", "chat.pin": "f13,f5"})
    assert keymap == {"chat.pin": "f13"}
    assert problems == [
        "f3 is wanted by both chat.pack and chat.take-over; chat.take-over has no key",
        "f5 is wanted by both chat.side and chat.pin; chat.pin keeps F13",
    ]


def test_a_problem_is_told_by_ids_and_by_what_the_interface_calls_them():
    wanted = {"app.jump": "ctrl+r", "app.help": "", "chat.fly": "f9", "chat.new": "Ctrl {0}"}
    by_title = [problem.by_title() for problem in checked_keymap(wanted)[1]]
    assert usable_keymap(wanted)[1] == [
        "app.help must keep a key: it tells all the others",
        "the keymap names 'chat.fly', which is no command",
        "chat.new: 'Ctrl {0}' is not the name of a key",
        "ctrl+r is wanted by both chat.regenerate and app.jump; app.jump keeps Shift+F2",
    ]
    jump, again = "“Jump to a part of the screen”", "“Regenerate the answer”"
    assert by_title == [
        "“Help and keys” must keep a key: it tells all the others",
        "the keymap names 'chat.fly', which is no command",
        "“New session”: 'Ctrl {0}' is not the name of a key",
        f"Ctrl+R is wanted by both {again} and {jump}; {jump} keeps Shift+F2",
    ]


def test_a_key_can_be_taken_away_and_given_to_another_command():
    keymap, problems = usable_keymap({"chat.pack": "", "transcript.copy": " "})
    assert problems == []
    assert keys_of("chat.pack", keymap) == keys_of("transcript.copy", keymap) == []
    keymap, problems = usable_keymap({"chat.pin": "f3", "chat.pack": ""})
    assert (keymap, problems) == ({"chat.pin": "f3", "chat.pack": ""}, [])


def test_escapes_other_commands_keep_it_when_one_loses_it():
    keymap, _ = usable_keymap({"chat.stop": ""})
    assert keymap["chat.stop"] == ""
    assert keys_of("chat.leave-edit", keymap) == keys_of("chat.back", keymap) == ["escape"]


BACK = [
    command.id
    for commands in ({"": ALL_COMMANDS} | SCREEN_COMMANDS | SETTINGS_SCREENS).values()
    for command in commands
    if command.action == "back"
]


@pytest.mark.parametrize(
    "command_id", ["app.quit", "app.palette", "app.help", "composer.send", *BACK]
)
def test_what_leaves_and_finds_keeps_a_key(command_id):
    keymap, problems = usable_keymap({command_id: ""})
    assert keymap == {} and len(problems) == 1
    assert problems[0].startswith(f"{command_id} must keep a key: ")


def test_every_screen_with_commands_has_a_way_back_that_keeps_its_key():
    for commands in (SCREEN_COMMANDS | SETTINGS_SCREENS).values():
        assert [command.action for command in commands if command.id in BACK] == ["back"]


def test_no_key_has_a_name_that_no_user_may_write_and_textual_takes():
    command = next(command for command in ALL_COMMANDS if command.id == "chat.pin")
    (placeholder,) = for_textual({"chat.pin": ""}).values()
    assert command.binding().key == placeholder
    assert real_keys(placeholder) == [] and real_keys("f1, f13") == ["f1", "f13"]
    assert usable_keymap({"chat.pin": placeholder})[0] == {}
    assert for_textual({"chat.pin": "f13"}) == {"chat.pin": "f13"}


def test_the_keys_of_the_widgets_can_be_rebound_too():
    ids = {binding.id for group in widget_bindings().values() for binding in group}
    assert {"composer.send", "transcript.copy"} <= ids
    assert usable_keymap({"composer.send": "f11"}) == ({"composer.send": "f11"}, [])


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("ctrl+n", "Ctrl+N"),
        ("f1", "F1"),
        ("escape", "Esc"),
        ("shift+enter", "Shift+Enter"),
        ("n", "n"),
        ("question_mark", "?"),
    ],
)
def test_keys_have_names_for_people(key, name):
    assert key_name(key) == name


def test_textual_itself_has_no_binding_on_our_keys():
    """Apart from those that we take over on purpose."""
    theirs = {key for binding in App.BINDINGS for key in binding.key.split(",")}
    mine = {key for command in ALL_COMMANDS for key in command.keys.split(",")}
    assert theirs & mine == {"ctrl+q", "ctrl+c"}


# --- screens beside the chat --------------------------------------------------------------------


@pytest.mark.parametrize("place", SCREEN_COMMANDS)
def test_the_commands_of_a_screen_are_sound(place):
    commands = SCREEN_COMMANDS[place]
    ids = [command.id for command in commands]
    assert len(ids) == len(set(ids)) and not set(ids) & {command.id for command in ALL_COMMANDS}
    for command in commands:
        assert command.label and command.title and command.tooltip
        assert command.group == place
    keys = [key for command in commands for key in command.keys.split(",")]
    assert {key for key in keys if keys.count(key) > 1} <= MEANT_TO_SHARE
    priority = {key for c in ALL_COMMANDS if c.priority for key in c.keys.split(",")}
    assert not set(keys) & priority


def test_a_screens_keys_are_its_own_and_can_be_rebound():
    assert usable_keymap({"models.verify": "x"}) == ({"models.verify": "x"}, [])
    assert usable_keymap({"models.verify": "ctrl+n"})[1] == []  # the chat's keys are elsewhere
    assert usable_keymap({"hub.pause": "v", "models.add": "v"})[1] != []
    _, problems = usable_keymap({"models.verify": "f1"})
    assert len(problems) == 1 and "models.verify keeps v" in problems[0]


def test_a_key_that_stands_for_another_one_is_not_named():
    assert key_name(keys_of("chat.models", {})[0]) == "Shift+F5"
