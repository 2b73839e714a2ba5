"""The user's keys over the commands: which of them can be used, what is wrong with the others, and
how keys are named.

Bindings are rebound by id through Textual's own keymap; this module only checks and describes.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys
from textual.widget import Widget
from textual.widgets import TextArea

from urial_tui.ui.command import Command, no_key, real_keys
from urial_tui.ui.commands import ALL_COMMANDS
from urial_tui.ui.commands_models import SCREEN_COMMANDS
from urial_tui.ui.commands_settings import SETTINGS_SCREENS

_BY_ID = {command.id: command for command in ALL_COMMANDS}
_EVERY_COMMAND: Mapping[str, Command] = _BY_ID | {
    command.id: command
    for commands in (SCREEN_COMMANDS | SETTINGS_SCREENS).values()
    for command in commands
}
"""Those of the screens beside the chat, too."""
_NEEDED = {
    "app.help": "it tells all the others",
    "app.palette": "it finds what has none",
    "app.quit": "it leaves the program",
    "composer.send": "nothing else sends a message",
    **{one.id: "it is the way back" for one in _EVERY_COMMAND.values() if one.action == "back"},
}
"""What nobody could do without finding no way out, and why its last key cannot be taken away."""
_ALSO_KEYS = ("menu", "pause", "print_screen", "caps_lock", "scroll_lock", "num_lock")
_NAMED_KEYS = frozenset(
    {*(key.value for key in Keys), *KEY_NAME_REPLACEMENTS.values(), *_ALSO_KEYS}
)
_MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "hyper", "meta"})


def widget_bindings(*, beside_chat: bool = True) -> dict[str, list[Binding]]:
    """The bindings with an id that our widgets bring themselves, by place; and those of the screens beside the chat."""
    from urial_tui.ui.widgets.composer import Composer
    from urial_tui.ui.widgets.session_list import SessionList
    from urial_tui.ui.widgets.transcript import Transcript

    places: dict[str, type[Widget]] = {
        "Composer": Composer,
        "Conversation": Transcript,
        "Session list": SessionList,
    }
    found = {
        place: [b for b in widget.BINDINGS if isinstance(b, Binding) and b.id and b.description]
        for place, widget in places.items()
    }
    if not beside_chat:
        return found
    return found | {
        place: [command.binding() for command in commands]
        for place, commands in (SCREEN_COMMANDS | SETTINGS_SCREENS).items()
    }


def title_of(binding: Binding) -> str:
    """What help calls what a binding does: the command's title where it is one, else its label."""
    command = _EVERY_COMMAND.get(binding.id or "")
    return command.title if command is not None else binding.description


def in_palette(command_id: str) -> bool:
    """Whether it can be found without a key."""
    command = _EVERY_COMMAND.get(command_id)
    return command is not None and command.palette


@dataclass(frozen=True)
class Problem:
    """What is wrong with a part of a keymap: a sentence with places for ids (`{0}`), a key and what else it says."""

    sentence: str
    commands: tuple[str, ...]
    """The ids that it is about, as the keymap has them."""
    key: str = ""
    more: str = ""

    def by_id(self) -> str:
        """With ids and names of keys as the settings file has them: for whoever has to write there."""
        return self.sentence.format(*self.commands, key=self.key, more=self.more)

    def by_title(self) -> str:
        """With what the interface calls commands and keys."""
        key = key_name(self.key) if self.key else ""
        return self.sentence.format(*map(_titled, self.commands), key=key, more=self.more)


def _titled(command_id: str) -> str:
    title = _titles().get(command_id)
    return f"“{title}”" if title is not None else command_id


def usable_keymap(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The part of a user's keymap that can be used, and a sentence by ids for each part that cannot."""
    usable, problems = checked_keymap(wanted)
    return usable, [problem.by_id() for problem in problems]


def checked_keymap(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """The part of a user's keymap that can be used, and what is wrong with each part that cannot.

    Keys that are empty take the command's own away. Refused: ids that do not exist, keys that Textual cannot name, a
    key that another command has, no key for what nobody can do without.
    A command whose keys are all refused keeps its own. Commands that share a key from the start
    (Escape's) may share it, since only one of them is possible at a time.
    """
    usable: dict[str, str] = {}
    problems: list[Problem] = []
    known = _places()
    for command_id, keys in wanted.items():
        if command_id not in known:
            words = "the keymap names {more}, which is no command"
            problems.append(Problem(words, (command_id,), more=repr(command_id)))
            continue
        names = [key.strip() for key in keys.split(",")] if keys.strip() else []
        bad = [name for name in names if not _is_key(name)]
        if bad:
            words = "{0}: {more} is not the name of a key"
            problems.append(Problem(words, (command_id,), more=repr(bad[0])))
        elif not names and command_id in _NEEDED:
            words = "{0} must keep a key: {more}"
            problems.append(Problem(words, (command_id,), more=_NEEDED[command_id]))
        else:
            usable[command_id] = ",".join(names)
    while (clash := _clash(usable)) is not None:
        key, loser, owner = clash
        left = [name for name in real_keys(usable.pop(loser)) if name != key]
        if left:
            usable[loser] = ",".join(left)
        keeps = [key for key in keys_of(loser, usable) if key not in SENT_FOR_OTHERS]
        now = f"keeps {' and '.join(map(key_name, keeps))}" if keeps else "has no key"
        words = "{key} is wanted by both {0} and {1}; {1} {more}"
        problems.append(Problem(words, (owner, loser), key, now))
    return _with_sharers(usable), problems


def _is_key(name: str) -> bool:
    *modifiers, key = name.split("+")
    if not all(modifier in _MODIFIERS for modifier in modifiers):
        return False
    return len(key) == 1 or key in _NAMED_KEYS or _is_character(key)


def _is_character(name: str) -> bool:
    """Whether it is what Textual calls a character that is no letter: its Unicode name in this form."""
    words = name.replace("_", " ")
    for spelled in (words, words.replace(" ", "-")):
        try:
            unicodedata.lookup(spelled.upper())
        except KeyError:
            continue
        return name == name.lower()
    return False


@cache
def _defaults() -> dict[str, str]:
    """The keys of every command and of every binding of a widget that has an id."""
    keys = {command.id: command.keys for command in ALL_COMMANDS}
    for bindings in widget_bindings().values():
        keys |= {b.id: ",".join(real_keys(b.key)) for b in bindings if b.id}
    return keys


def _places() -> dict[str, str]:
    """Where each id's keys work: "" for everywhere, else the name of a widget."""
    places = dict.fromkeys(_BY_ID, "")
    for place, bindings in widget_bindings().items():
        places |= {binding.id: place for binding in bindings if binding.id}
    return places


def _clash(keymap: Mapping[str, str]) -> tuple[str, str, str] | None:
    """A key that two commands want in one place: the key, who must give it up, who has it.

    Who must give it up is always one whose keys the user chose. A widget's own key comes before a
    command's, unless the command is one that comes before everything.
    """
    defaults, places = _defaults(), _places()
    owners: dict[str, list[str]] = {}
    for one in sorted(defaults, key=lambda name: name in keymap):  # theirs are the last to come
        for key in keys_of(one, keymap):
            for other in owners.setdefault(key, []):
                shared = all(key in default_keys(name) for name in (one, other))
                if one in keymap and not shared and _meet(one, other, places):
                    return key, one, other
            owners[key].append(one)
    return None


def _meet(one: str, other: str, places: Mapping[str, str]) -> bool:
    """Whether a key cannot belong to both."""
    if one == other:
        return False
    first = any(name in _BY_ID and _BY_ID[name].priority for name in (one, other))
    return first or places[one] == places[other]


def _with_sharers(keymap: Mapping[str, str]) -> dict[str, str]:
    """The keymap with the commands that share a key with one that is bound anew in the same place.

    Textual takes a key away from all of its commands when one of them gets another key; those
    that are named keep theirs.
    """
    defaults, places = _defaults(), _places()
    freed = {(places[one], key) for one in keymap for key in default_keys(one)}
    kept = {
        one: keys
        for one, keys in defaults.items()
        if one not in keymap and any((places[one], key) in freed for key in real_keys(keys))
    }
    return {**keymap, **kept}


def for_textual(keymap: Mapping[str, str]) -> dict[str, str]:
    """A usable keymap as Textual takes it, which overlooks a binding whose keys are empty."""
    return {one: keys or no_key(one) for one, keys in keymap.items()}


def keys_of(command_id: str, keymap: Mapping[str, str]) -> list[str]:
    """The keys of a command or a widget's binding as they are now; empty where it has none."""
    return real_keys(keymap.get(command_id, _defaults()[command_id]))


def default_keys(command_id: str) -> list[str]:
    """The keys that a command or a widget's binding has without a keymap."""
    return real_keys(_defaults()[command_id])


def key_in_words(command_id: str, keymap: Mapping[str, str]) -> str:
    """What a sentence says to press: the key, or what the palette calls a command without one."""
    keys = keys_of(command_id, keymap)
    return key_name(keys[0]) if keys else f"“{_titles()[command_id]}”"


@cache
def _titles() -> dict[str, str]:
    bindings = (binding for place in widget_bindings().values() for binding in place)
    titles = {binding.id: title_of(binding) for binding in bindings if binding.id}
    return titles | {command.id: command.title for command in ALL_COMMANDS}


def works_while_writing(key: str) -> bool:
    """Whether the composer leaves this key to the commands."""
    from urial_tui.ui.widgets.composer import Composer

    bindings = [*TextArea.BINDINGS, *Composer.BINDINGS]
    taken = {
        name.strip()
        for binding in bindings
        if isinstance(binding, Binding)
        for name in binding.key.split(",")
    }
    return len(key) > 1 and key not in taken and key not in _PRINTABLE


_PRINTABLE = frozenset({"question_mark", "slash", "left_square_bracket", "right_square_bracket"})

SENT_FOR_OTHERS = frozenset({"f14", "f16", "f17", "f18", "f19", "f20", "f24"})
"""Keys that stand for another one on many terminals: bound beside it, but not named."""

_NAMES = {
    "escape": "Esc",
    "enter": "Enter",
    "delete": "Del",
    "question_mark": "?",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}
_ARROWS = {"up": "↑", "down": "↓", "left": "←", "right": "→"}
_drawn: dict[str, str] = dict(_ARROWS)  # the arrows of this terminal; none where it has ASCII alone


def name_arrows_in_words(in_words: bool) -> None:
    """From now on `Down` for `↓`, or no longer: with ASCII alone an arrow would be a letter, which is another key."""
    _drawn.clear()
    if not in_words:
        _drawn.update(_ARROWS)


def up_and_down() -> str:
    """The two keys, as the frame of a dialog names them."""
    return f"{key_name('up')} {key_name('down')}"


def key_name(key: str) -> str:
    """A key as a sentence names it: Ctrl+N, F1, Esc."""
    *modifiers, last = key.strip().split("+")
    if len(last) == 1:
        name = last.upper() if modifiers else last
    else:
        plain = last.upper() if last[1:].isdigit() else last.capitalize()
        name = _drawn.get(last, _NAMES.get(last, plain))
    return "+".join([*(modifier.capitalize() for modifier in modifiers), name])
