"""The help screen: what the keys do in the part of the screen that has the focus, then on the screen, then everywhere.

Keys are those that work now, as the user has bound them; what cannot be done at the moment is marked.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Static

from urial_tui.ui.command import PROGRAM
from urial_tui.ui.commands import ALL_COMMANDS, APP_COMMANDS, GROUPS, Command
from urial_tui.ui.keymap import (
    SENT_FOR_OTHERS,
    in_palette,
    key_name,
    keys_of,
    title_of,
    up_and_down,
    widget_bindings,
)
from urial_tui.ui.keys_here import KeyLine, KeysHere
from urial_tui.ui.screens.dialog import Dialog
from urial_tui.ui.situation import Situation, can

REBIND = (
    'Every key can be changed: the command "Change the keys", or the settings file\'s table keymap.'
)
CHAT = "The chat has commands of its own; help lists them there."
PLACES = {
    "composer": "The cursor is in the composer: type, Enter sends, Tab goes to the conversation.",
    "transcript": "The conversation has the focus: arrows choose a message, letters act on it.",
    "sessions": "The session list has the focus: Enter opens, letters act on a session or on marked ones.",
    "prefill": "You write how the answer begins. Enter goes back to your message.",
}
TOKENS = "The token cursor has the focus: arrows move it, letters act on the token or its answer."
WRITING_HERE = (
    "The cursor is in a line of text: letters are text, and the keys of letters do not act."
)
MOST_KEYS = 3
"""So many keys of a command are named."""


class HelpScreen(Dialog[None]):
    """Opened by F1 anywhere. It scrolls; Escape closes it."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "help.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "close", "Close", show=False)]

    def __init__(
        self,
        moment: Situation,
        keymap: Mapping[str, str],
        here: KeysHere,
        *,
        place: str | None = "",
        possible: Iterable[str] = (),
        words: str = "",
    ) -> None:
        """`here` is what the keys do where it is opened. `place` is that screen's name: "" for the chat, None for a
        dialog. `possible` are the ids of the app's commands that make sense there. `words`: what the frame of a dialog
        says of its keys.
        """
        super().__init__()
        self._moment, self._keymap, self._here = moment, keymap, here
        self._place, self._possible, self._words = place, frozenset(possible), words

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box, VerticalScroll(id="help-scroll"):
            yield Static(self.text(), id="help-text")
        box.border_title = Content("Help")
        box.border_subtitle = Content(f"{up_and_down()} scroll, Esc closes")

    def text(self) -> Table:
        """The whole text as a table of keys and what they do."""
        table = Table.grid(padding=(0, 2))
        table.add_column(width=14)
        table.add_column(ratio=1)
        if self._place == "":
            self._add_chat(table)
        else:
            self._add_elsewhere(table)
        self._add_lines(table, "Editing text", self._here.editing)
        if self._place != "":
            table.add_row("", Text(CHAT, style="dim"))
        table.add_row("", Text(REBIND, style="dim"))
        return table

    def _add_chat(self, table: Table) -> None:
        """The pane with the focus, then all commands, then the other panes."""
        panes = widget_bindings(beside_chat=False)
        at = self._moment.place
        if at in PLACES:
            in_tokens = at == "transcript" and self._moment.inspected.inspecting
            table.add_row("", Text(TOKENS if in_tokens else PLACES[at], style="italic"))
            table.add_row()
        if self._here.pane in panes:
            more = _nameless(self._here.own)
            self._add_bindings(table, self._here.pane, panes.pop(self._here.pane), more)
        else:
            self._add_lines(table, self._here.pane, self._here.own)
        for group in GROUPS:
            commands = [command for command in ALL_COMMANDS if command.group == group]
            self._add_commands(table, group, commands)
        for place, bindings in panes.items():
            self._add_bindings(table, place, bindings, known=False)
        self._add_lines(table, "Moving", _nameless(self._here.screen))

    def _add_elsewhere(self, table: Table) -> None:
        """The screen's own keys, then those of what has the focus, then the program's."""
        if self._words:
            table.add_row("", Text(f"{self._words}.", style="italic"))
            table.add_row()
        bindings = widget_bindings().get(self._place or "")
        if bindings is not None:
            self._add_bindings(table, self._place or "", bindings, _nameless(self._here.screen))
        else:
            self._add_lines(table, self._place or "This dialog", self._here.screen)
        if self._here.writes:
            table.add_row("", Text(WRITING_HERE, style="italic"))
            table.add_row()
        self._add_lines(table, self._here.pane, self._here.own)
        self._add_commands(table, PROGRAM, APP_COMMANDS)

    # --- sections ---------------------------------------------------------------------------

    def _title(self, table: Table, title: str) -> None:
        heading = f"bold {self.app.current_theme.primary}" if not self.app.no_color else "bold"
        table.add_row(Text(title, style=heading))

    def _add_commands(self, table: Table, title: str, commands: Sequence[Command]) -> None:
        self._title(table, title)
        for command in commands:
            keys = keys_of(command.id, self._keymap)
            if command in APP_COMMANDS:
                possible = command.id in self._possible
            else:
                possible = command.id in self._here.ids and can(command.action, self._moment)
            if keys or in_palette(command.id):
                table.add_row(*_row(keys, command.title, command.tooltip, possible))
        table.add_row()

    def _add_bindings(
        self,
        table: Table,
        title: str,
        bindings: Sequence[Binding],
        more: Sequence[KeyLine] = (),
        *,
        known: bool = True,
    ) -> None:
        """Those that work come first, then `more`. Without `known` they are those of another part, which work when
        that has the focus."""
        self._title(table, title)
        ids = self._here.ids
        for binding in sorted(bindings, key=lambda one: known and one.id not in ids):
            keys = keys_of(binding.id or "", self._keymap)
            possible = not known or binding.id in ids
            if not possible and more:
                self._add_rows(table, more)
                more = ()
            if keys or in_palette(binding.id or ""):
                table.add_row(*_row(keys, title_of(binding), binding.tooltip, possible))
        self._add_rows(table, more)
        table.add_row()

    def _add_lines(self, table: Table, title: str, lines: Sequence[KeyLine]) -> None:
        if not lines:
            return
        self._title(table, title)
        self._add_rows(table, lines)
        table.add_row()

    def _add_rows(self, table: Table, lines: Sequence[KeyLine]) -> None:
        for line in lines:
            table.add_row(*_row(line.keys, title_of(line.binding), line.tooltip, True))


def _nameless(lines: Sequence[KeyLine]) -> list[KeyLine]:
    """Those that cannot be rebound: moving about, mostly."""
    return [line for line in lines if not line.binding.id]


def _row(keys: Sequence[str], title: str, tooltip: str, possible: bool) -> tuple[Text, Text]:
    named = [key_name(key) for key in keys if key not in SENT_FOR_OTHERS][:MOST_KEYS]
    names = Text(", ".join(named), style="" if possible else "dim")
    if not possible:
        return names, Text(f"{title} (not now)", style="dim")
    return names, Text.assemble((title, "bold"), (f"  {tooltip}" if tooltip else "", "dim"))
