"""The keys as a list: every command with its keys. Enter and the new key change one, Delete takes it away, and it
counts at once.

Saved is the settings file's table `keymap`, by `settings`, in a thread and one change at a time. A key that another
command has in the same place is refused before anything is saved, with the names of both.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import DataTable, Input, Static

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize
from urial_tui.settings import Origin, field_named
from urial_tui.ui.clipboard import shown_path
from urial_tui.ui.commands_settings import KEYS, KEYS_COMMANDS
from urial_tui.ui.key_rows import (
    COLUMNS,
    Bound,
    all_bound,
    has_key,
    problem_of,
    problem_with,
    remark_on,
    rows_of,
    shown_keys,
    with_key,
    with_none,
    without,
)
from urial_tui.ui.keymap import default_keys
from urial_tui.ui.screens.dialog import problem_text
from urial_tui.ui.screens.press_key import PressKey
from urial_tui.ui.screens.settings_access import SettingsAccess
from urial_tui.ui.screens.working import CommandScreen
from urial_tui.ui.setting_words import overruled_words
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.hint_bar import HintBar
from urial_tui.ui.widgets.table import Table


class KeysScreen(CommandScreen):
    """See the module."""

    PLACE = KEYS
    COMMANDS_HERE = KEYS_COMMANDS
    AUTO_FOCUS = "#keys"
    CSS_PATH: ClassVar[CSSPathType | None] = "keys.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(command.binding() for command in KEYS_COMMANDS),
        Binding("down", "to_table", "To the list", show=False),
    ]

    def __init__(self, keymap: Mapping[str, str], access: SettingsAccess) -> None:
        super().__init__(keymap)
        self._access = access
        self._one_at_a_time = asyncio.Lock()
        self._bound: dict[str, Bound] = {one.id: one for one in all_bound()}
        self.wanted: dict[str, str] = {}
        """The keymap as the settings have it."""
        self._origin: Origin = "default"
        self._trouble = ""

    def compose(self) -> ComposeResult:
        yield Heading(KEYS, id="heading")
        yield Input(placeholder="Filter: words of a name, a key, `changed`", id="filter")
        yield Static("", id="trouble", markup=False)
        yield Table(id="keys")
        yield Static("", id="about", markup=False)
        yield HintBar(lambda binding: False, id="hints")

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    @property
    def filter_line(self) -> Input:
        return self.query_one("#filter", Input)

    # --- what counts now --------------------------------------------------------------------

    def on_mount(self) -> None:
        self.query_one(Heading).update(words=shown_path(self._access.path))
        self._fill()
        self.do(self.load)

    async def load(self) -> None:
        """Show what the settings say; where that cannot be read or changed, why."""
        try:
            found = await asyncio.to_thread(self._access.read)
        except UrialError as error:
            self._trouble = problem_text(error)
        else:
            self.wanted, self._origin = dict(found.value("keymap")), found.origins["keymap"]
            self._trouble = overruled_words(field_named("keymap"), self._origin)
        trouble = self.query_one("#trouble", Static)
        trouble.update(Content(sanitize(self._trouble)))
        trouble.display = bool(self._trouble)
        self._fill()

    @on(Input.Changed, "#filter")
    def _fill(self) -> None:
        words = self.filter_line.value.casefold().split()
        self.table.show_rows(COLUMNS, rows_of(self.wanted, words))
        self._tell()

    @on(DataTable.RowHighlighted)
    def _tell(self) -> None:
        """Below the list: what the command does, its default keys, and what is to know of its keys."""
        words = ""
        chosen = self.table.chosen
        if chosen is not None:
            one = self._bound.get(chosen)
            default = shown_keys(default_keys(chosen)) if one is not None else ""
            what = [one.about or one.title, f"default: {default}"] if one is not None else []
            about = problem_with(self.wanted, chosen) or remark_on(self.wanted, chosen)
            words = " · ".join([*what, chosen]) + (f"\n{about}" if about else "")
        self.query_one("#about", Static).update(Content(sanitize(words)))
        self.refresh_bindings()

    # --- changing ---------------------------------------------------------------------------

    def action_change(self) -> None:
        self._ask(add=False)

    def action_add(self) -> None:
        self._ask(add=True)

    def _ask(self, *, add: bool) -> None:
        one = self._bound.get(self.table.chosen or "")
        if one is None:
            return

        def problem(key: str) -> str:
            return problem_of(self.wanted, with_key(self.wanted, one.id, key, add=add))

        def pressed(key: str | None) -> None:
            if key is not None:
                self.do(self._change, lambda wanted: with_key(wanted, one.id, key, add=add), one.id)

        title = "One more key" if add else "Another key"
        self.app.push_screen(PressKey(title, f"{one.title} ({one.id})", problem), pressed)

    def action_reset(self) -> None:
        self._leave_out(without)

    def action_take_away(self) -> None:
        self._leave_out(with_none)

    def _leave_out(self, change: Callable[[Mapping[str, str], str], dict[str, str]]) -> None:
        """Make the change without a question, unless something stands against it."""
        chosen = self.table.chosen
        if chosen is None:
            return
        problem = problem_of(self.wanted, change(self.wanted, chosen))
        if problem:
            self.tell(problem, severity="warning")
        else:
            self.do(self._change, lambda wanted: change(wanted, chosen), chosen)

    async def _change(
        self, change: Callable[[Mapping[str, str]], dict[str, str]], binding: str
    ) -> None:
        async with self._one_at_a_time:
            keymap = change(self.wanted)
            if keymap:
                await asyncio.to_thread(self._access.save, "keymap", keymap)
            else:
                await asyncio.to_thread(self._access.reset, "keymap")
            await self.load()
        self._access.let_count("keymap", self.wanted, self._origin)
        self.query_one(Heading).update(piece=f"{binding} saved, counts at once")
        self._tell()

    # --- keys -------------------------------------------------------------------------------

    @on(DataTable.RowSelected)
    def clicked(self) -> None:
        """A second click on a row."""
        if self.check_action("change", ()):
            self.action_change()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action not in ("change", "add", "take_away", "reset"):
            return True
        chosen = self.table.chosen if self.is_mounted else None
        if chosen is None or self._trouble:
            return False
        if action == "reset":
            return chosen in self.wanted
        known = chosen in self._bound
        return known and (action != "take_away" or has_key(self.wanted, chosen))

    def on_descendant_focus(self) -> None:
        self.refresh_bindings()

    @on(Input.Submitted, "#filter")
    def action_to_table(self) -> None:
        self.table.focus()

    def action_filter(self) -> None:
        self.filter_line.focus()

    def action_back(self) -> None:
        """To the list, then the filter away, then out."""
        if self.focused is self.filter_line:
            self.table.focus()
        elif self.filter_line.value:
            self.filter_line.value = ""
        else:
            self.dismiss(None)
