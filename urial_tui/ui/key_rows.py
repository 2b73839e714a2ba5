"""The keymap as something to edit: every binding with its keys, and what a change of one would do. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from urial_tui.safetext import sanitize_line
from urial_tui.ui.command import real_keys
from urial_tui.ui.commands import ALL_COMMANDS
from urial_tui.ui.keymap import (
    SENT_FOR_OTHERS,
    checked_keymap,
    default_keys,
    key_name,
    keys_of,
    title_of,
    usable_keymap,
    widget_bindings,
    works_while_writing,
)
from urial_tui.ui.widgets.table import Cell, Column, Row

COLUMNS = (
    Column("title", "Command", 20, stretches=True),
    Column("keys", "Keys", 15),
    Column("state", "", 7, rank=1),
    Column("id", "Id", 22, rank=2),
    Column("place", "Where", 16, rank=3),
)
UNKNOWN = "no such command"
NONE = "no key"


@dataclass(frozen=True)
class Bound:
    """One binding that can have other keys."""

    id: str
    title: str
    about: str
    place: str
    pane: bool = False
    """It belongs to a part of the chat's screen, and works where that has the focus."""


def all_bound() -> list[Bound]:
    """All that can be rebound, in the order of help."""
    found = [Bound(one.id, one.title, one.tooltip, one.group) for one in ALL_COMMANDS]
    panes = widget_bindings(beside_chat=False)
    for place, bindings in widget_bindings().items():
        found += [
            Bound(one.id, title_of(one), one.tooltip, place, place in panes)
            for one in bindings
            if one.id
        ]
    return found


def shown_keys(keys: Sequence[str]) -> str:
    """Keys as people name them; those that only stand for another one are left out."""
    named = [key_name(key) for key in keys if key not in SENT_FOR_OTHERS or len(keys) == 1]
    return ", ".join(named) or NONE


def rows_of(wanted: Mapping[str, str], words: Sequence[str] = ()) -> list[Row]:
    """A row for each binding that has all `words` (casefolded), and for what the keymap names in vain."""
    usable, _ = usable_keymap(wanted)
    bound = all_bound()
    known = {one.id for one in bound}
    strangers = [Bound(name, UNKNOWN, "", "") for name in wanted if name not in known]
    rows = []
    for one in (*strangers, *bound):
        keys = keys_of(one.id, usable) if one.id in known else real_keys(wanted[one.id])
        state = "changed" if one.id in usable and one.id in wanted else ""
        if one.id in wanted and one.id not in usable:
            state = "refused"
        texts = {
            "title": one.title,
            "keys": shown_keys(keys),
            "state": state,
            "id": one.id,
            "place": one.place,
        }
        if all(word in " ".join(texts.values()).casefold() for word in words):
            look = "dim" if one.title == UNKNOWN else ""
            cells = {name: Cell(sanitize_line(text), look) for name, text in texts.items()}
            cells["state"] = Cell(state, "bold")
            rows.append(Row(one.id, cells))
    return rows


def has_key(wanted: Mapping[str, str], binding: str) -> bool:
    """Whether something is there to be taken away."""
    return bool(keys_of(binding, usable_keymap(wanted)[0]))


def with_key(wanted: Mapping[str, str], binding: str, key: str, *, add: bool) -> dict[str, str]:
    """The keymap with that key for the binding: instead of what it has, or beside it."""
    has = keys_of(binding, usable_keymap(wanted)[0]) if add else []
    return {**wanted, binding: ",".join(dict.fromkeys([*has, key]))}


def without(wanted: Mapping[str, str], binding: str) -> dict[str, str]:
    """The keymap with the binding's default keys."""
    return {name: keys for name, keys in wanted.items() if name != binding}


def with_none(wanted: Mapping[str, str], binding: str) -> dict[str, str]:
    """The keymap without any key for the binding."""
    left = without(wanted, binding)
    return {**left, binding: ""} if default_keys(binding) else left


def problem_of(wanted: Mapping[str, str], changed: Mapping[str, str]) -> str:
    """Why the keymap cannot become the other one; "" where it can. Names the command that has a key already."""
    before = checked_keymap(wanted)[1]
    after = checked_keymap(changed)[1]
    return "; ".join(problem.by_title() for problem in after if problem not in before)


def problem_with(wanted: Mapping[str, str], binding: str) -> str:
    """What is wrong with what the keymap says of a binding; "" for nothing."""
    problems = checked_keymap(wanted)[1]
    return "; ".join(problem.by_title() for problem in problems if binding in problem.commands)


def remark_on(wanted: Mapping[str, str], binding: str) -> str:
    """Where the binding's keys mean something else; "" for nowhere. That is allowed, and should be known."""
    usable, _ = usable_keymap(wanted)
    bound = {one.id: one for one in all_bound()}
    one = bound.get(binding)
    command = next((c for c in ALL_COMMANDS if c.id == binding), None)
    if one is None or command is None or command.priority:
        return ""
    remarks = []
    for key in keys_of(binding, usable):
        for other in bound.values():
            if other.pane and other.place != "Composer" and key in keys_of(other.id, usable):
                remarks.append(f"{key_name(key)} is “{other.title}” in the {other.place.lower()}")
        if binding in wanted and not works_while_writing(key):
            remarks.append(f"{key_name(key)} belongs to the text while you write")
    return "; ".join(dict.fromkeys(remarks))
