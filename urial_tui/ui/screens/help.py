"""The help screen: every command with its keys as they are now; what cannot be done at the moment
is marked.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Static

from urial_tui.ui.commands import ALL_COMMANDS, GROUPS
from urial_tui.ui.keymap import SENT_FOR_OTHERS, key_name, keys_of, widget_bindings
from urial_tui.ui.screens.dialog import Dialog
from urial_tui.ui.situation import Situation, can

REBIND = 'Keys are changed by name in the settings file, in the table keymap: "chat.edit" = "f11".'
PLACES = {
    "composer": "The cursor is in the composer: type, Enter sends, Tab goes to the conversation.",
    "transcript": "The conversation has the focus: arrows choose a message, letters act on it.",
    "sessions": "The session list has the focus: Enter opens, letters act on a session or on marked ones.",
    "prefill": "You write how the answer begins. Enter goes back to your message.",
}


class HelpScreen(Dialog[None]):
    """Opened by F1 anywhere. It scrolls; Escape closes it."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "help.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "close", "Close", show=False)]

    def __init__(self, moment: Situation, keymap: Mapping[str, str], place: str = "") -> None:
        """`place` is the name of the screen that it is opened from, whose keys come first; "" is the chat."""
        super().__init__()
        self._place = place
        self._moment = moment
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box, VerticalScroll(id="help-scroll"):
            yield Static(self.text(), id="help-text")
        box.border_title = Content("Help")
        box.border_subtitle = Content("↑ ↓ scroll, Esc closes")

    def text(self) -> Table:
        """The whole text as a table of keys and what they do."""
        heading = f"bold {self.app.current_theme.primary}" if not self.app.no_color else "bold"
        table = Table.grid(padding=(0, 2))
        table.add_column(width=14)
        table.add_column(ratio=1)
        bindings_of = widget_bindings()
        if self._place in bindings_of:
            self._add_place(table, self._place, bindings_of.pop(self._place), heading)
        elif self._moment.place in PLACES:
            table.add_row("", Text(PLACES[self._moment.place], style="italic"))
            table.add_row()
        for group in GROUPS:
            table.add_row(Text(group, style=heading))
            for command in ALL_COMMANDS:
                if command.group == group:
                    keys = keys_of(command.id, self._keymap)
                    possible = can(command.action, self._moment)
                    table.add_row(*_row(keys, command.title, command.tooltip, possible))
            table.add_row()
        for place, bindings in bindings_of.items():
            self._add_place(table, place, bindings, heading)
        table.add_row("", Text(REBIND, style="dim"))
        return table

    def _add_place(
        self, table: Table, place: str, bindings: Sequence[Binding], heading: str
    ) -> None:
        table.add_row(Text(place, style=heading))
        for binding in bindings:
            bound = self._keymap.get(binding.id or "", binding.key).split(",")
            table.add_row(*_row(bound, binding.description, binding.tooltip, True))
        table.add_row()


def _row(keys: Sequence[str], title: str, tooltip: str, possible: bool) -> tuple[Text, Text]:
    named = [key_name(key) for key in keys if key not in SENT_FOR_OTHERS][:2]
    names = Text(", ".join(named), style="" if possible else "dim")
    if not possible:
        return names, Text(f"{title} (not now)", style="dim")
    return names, Text.assemble((title, "bold"), (f"  {tooltip}" if tooltip else "", "dim"))
