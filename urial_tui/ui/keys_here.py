"""Which commands and keys do something on a screen at the moment: what palette and help agree on.

Keys are read from the bindings that are active, so that they are those of the user's keymap, and none is listed that
the line of text with the focus takes for itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from textual.actions import parse
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Checkbox, DataTable, Input, OptionList, Select, TextArea

from urial_tui.ui.command import Command, real_keys
from urial_tui.ui.commands import APP_COMMANDS
from urial_tui.ui.widgets.begin_line import BeginLine
from urial_tui.ui.widgets.composer import Composer
from urial_tui.ui.widgets.line_list import LineList
from urial_tui.ui.widgets.session_list import SessionList
from urial_tui.ui.widgets.transcript import Transcript

PANES: tuple[tuple[type[Widget], str], ...] = (
    (Composer, "Composer"),
    (Transcript, "Conversation"),
    (SessionList, "Session list"),
    (BeginLine, "Beginning of the answer"),
    (TextArea, "Text"),
    (Input, "Line of text"),
    (DataTable, "Table"),
    (LineList, "List"),
    (OptionList, "List"),
    (Button, "Button"),
    (Checkbox, "Switch"),
    (Select, "Choice"),
)
"""What help calls what has the focus; the first that it is, or is in, counts. Another widget names itself in `PANE`."""
WRITES = (Input, TextArea)
"""Where letters are text."""

_SCROLLS = {"vertical": ("up", "down", "home", "end"), "horizontal": ("left", "right")}
_SCROLLS_BY = {
    f"{kind}_{where}": direction
    for direction, places in _SCROLLS.items()
    for where in places
    for kind in ("scroll", "page")
}
"""Textual's actions that scroll, with the direction: every widget that may scroll has their keys."""
_WORDS = {
    "app.focus_next": "Next part",
    "app.focus_previous": "Part before",
    "submit": "Done with this line",
}
"""What help calls actions of Textual whose own words say too little."""
_ELSEWHERE = frozenset({"screen.copy_text"})
"""Actions of Textual's screen that a command of ours does."""


@dataclass
class KeyLine:
    """One thing to do, with all of its keys that work."""

    binding: Binding
    tooltip: str
    keys: list[str] = field(default_factory=list)


@dataclass
class KeysHere:
    """`pane` is what has the focus, "" for nothing; `own` are its keys, `editing` those that any line of text has."""

    pane: str = ""
    writes: bool = False
    own: list[KeyLine] = field(default_factory=list)
    editing: list[KeyLine] = field(default_factory=list)
    screen: list[KeyLine] = field(default_factory=list)
    ids: frozenset[str] = frozenset()
    """Of every binding that works, with or without a key."""


def keys_here(screen: Screen[object]) -> KeysHere:
    """What the keys do on the screen now."""
    focused = screen.focused
    found = KeysHere(pane_of(focused), isinstance(focused, WRITES))
    lines: dict[tuple[int, str], KeyLine] = {}
    ids, freed = set(), set()
    for key, active in screen.active_bindings.items():
        binding = active.binding
        if not active.enabled or not binding.description or key.startswith("super+"):
            continue
        if binding.action in _ELSEWHERE:
            continue
        if _leads_nowhere(active.node, binding):
            freed.add(key)
            continue
        if binding.id:
            ids.add(binding.id)
        if isinstance(active.node, App) or not real_keys(key):
            continue
        name = (id(active.node), binding.id or binding.action)
        if name not in lines:
            words = _WORDS.get(binding.action, binding.description)
            lines[name] = KeyLine(replace(binding, description=words), active.tooltip)
            _place(found, active.node, binding).append(lines[name])
        lines[name].keys.append(key)
    for binding in _own_bindings(screen):
        keys = [key for key in binding.key.split(",") if key in freed]
        if keys and screen.check_action(*parse(binding.action)[1:]):
            found.screen.append(KeyLine(binding, binding.tooltip, keys))
    found.ids = frozenset(ids)
    return found


def _leads_nowhere(node: DOMNode, binding: Binding) -> bool:
    """Whether it scrolls what has nothing to scroll: the key goes on to the next that has it."""
    direction = _SCROLLS_BY.get(binding.action)
    if direction is None or binding.id or not isinstance(node, Widget):
        return False
    method = f"action_{binding.action}"
    if getattr(type(node), method, None) is not getattr(Widget, method, None):
        return False  # it does something else with the key
    return not (
        node.allow_vertical_scroll if direction == "vertical" else node.allow_horizontal_scroll
    )


def _own_bindings(screen: Screen[object]) -> Iterator[Binding]:
    """What our classes of the screen bind without an id; those with one are found by it."""
    for kind in type(screen).__mro__:
        if kind.__module__.startswith("urial_tui."):
            for binding in kind.__dict__.get("BINDINGS", ()):
                if isinstance(binding, Binding) and binding.description and not binding.id:
                    yield binding


def _place(found: KeysHere, node: DOMNode, binding: Binding) -> list[KeyLine]:
    if isinstance(node, Screen):
        return found.screen
    if isinstance(node, WRITES) and not binding.id:
        return found.editing
    return found.own


def pane_of(focused: Widget | None) -> str:
    """What people call what has the focus."""
    if focused is None:
        return ""
    around = [node for node in focused.ancestors_with_self if not isinstance(node, Screen)]
    for kind, name in PANES[:4]:  # our own ones are made of others
        if any(isinstance(node, kind) for node in around):
            return name
    named = getattr(focused, "PANE", "")
    return named or next((name for kind, name in PANES if isinstance(focused, kind)), "Here")


def is_possible(command: Command, screen: Screen[object]) -> bool:
    """Whether a command makes sense on the screen now. Commands of the app are asked of the app."""
    app = screen.app
    if command in APP_COMMANDS:
        can = getattr(app, "can_on", None)
        return can is None or bool(can(command.action, screen))
    _, name, parameters = parse(command.action)
    return bool(screen.check_action(name, parameters))
