"""The user's keys over the commands: which of them can be used, what is wrong with the others, and
how keys are named.

Bindings are rebound by id through Textual's own keymap; this module only checks and describes.
"""

from collections.abc import Iterable, Mapping

from textual.binding import Binding
from textual.keys import Keys
from textual.widget import Widget

from urial_tui.ui.commands import ALL_COMMANDS, Command

_BY_ID = {command.id: command for command in ALL_COMMANDS}
_NAMED_KEYS = frozenset(key.value for key in Keys)
_MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "hyper", "meta"})


def widget_bindings() -> dict[str, list[Binding]]:
    """The bindings with an id that our widgets bring themselves, by place."""
    from urial_tui.ui.widgets.composer import Composer
    from urial_tui.ui.widgets.session_list import SessionList
    from urial_tui.ui.widgets.transcript import Transcript

    places: dict[str, type[Widget]] = {
        "Composer": Composer,
        "Conversation": Transcript,
        "Session list": SessionList,
    }
    return {
        place: [b for b in widget.BINDINGS if isinstance(b, Binding) and b.id and b.description]
        for place, widget in places.items()
    }


def usable_keymap(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The part of a user's keymap that can be used, and a sentence for each part that cannot.

    Refused: ids that do not exist, keys that Textual cannot name, one key for two commands of the
    same place. Escape's commands may share a key, since only one of them is possible at a time.
    """
    usable: dict[str, str] = {}
    problems: list[str] = []
    known = set(_BY_ID) | {b.id for group in widget_bindings().values() for b in group}
    for command_id, keys in wanted.items():
        if command_id not in known:
            problems.append(f"the keymap names {command_id!r}, which is no command")
            continue
        names = [key.strip() for key in str(keys).split(",")]
        bad = [name for name in names if not _is_key(name)]
        if bad:
            problems.append(f"{command_id}: {bad[0]!r} is not the name of a key")
            continue
        usable[command_id] = ",".join(names)
    problems += list(_clashes(usable))
    return usable, problems


def _is_key(name: str) -> bool:
    *modifiers, key = name.split("+")
    if not all(modifier in _MODIFIERS for modifier in modifiers):
        return False
    return (
        len(key) == 1
        or key in _NAMED_KEYS
        or (key.replace("_", "").isalnum() and key == key.lower() and len(key) > 1)
    )


def _clashes(keymap: Mapping[str, str]) -> Iterable[str]:
    owners: dict[str, Command] = {}
    for command in ALL_COMMANDS:
        for key in keymap.get(command.id, command.keys).split(","):
            other = owners.setdefault(key, command)
            both_default = other.id not in keymap and command.id not in keymap
            if other is not command and not both_default:
                yield f"{key} is wanted by both {other.id} and {command.id}"


def keys_of(command_id: str, keymap: Mapping[str, str]) -> list[str]:
    """The keys of a command as they are now."""
    return keymap.get(command_id, _BY_ID[command_id].keys).split(",")


_NAMES = {
    "escape": "Esc",
    "enter": "Enter",
    "delete": "Del",
    "question_mark": "?",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "up": "↑",
    "down": "↓",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}


def key_name(key: str) -> str:
    """A key as a sentence names it: Ctrl+N, F1, Esc."""
    *modifiers, last = key.strip().split("+")
    if len(last) == 1:
        name = last.upper() if modifiers else last
    else:
        name = _NAMES.get(last, last.upper() if last[1:].isdigit() else last.capitalize())
    return "+".join([*(modifier.capitalize() for modifier in modifiers), name])
