"""The settings as a form, made from their schema. Enter in a line saves it at once; what is
typed in a line that is left is not saved, which is said below it.

What counts comes from `settings.read_layers`, what is changed goes through `settings.save_settings`, both in a thread
and one at a time. What is set by a variable or an option of this run is shown and cannot be changed here.
"""

import asyncio
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Input, Static

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.settings import FIELDS, Field, Layered, Settings
from urial_tui.ui.clipboard import shown_path
from urial_tui.ui.commands_settings import SETTINGS, SETTINGS_COMMANDS
from urial_tui.ui.screens.dialog import ChooseOne, problem_text
from urial_tui.ui.screens.keys import KeysScreen
from urial_tui.ui.screens.settings_access import SettingsAccess
from urial_tui.ui.screens.settings_row import SettingRow
from urial_tui.ui.screens.theme_picker import ThemePicker
from urial_tui.ui.screens.working import CommandScreen
from urial_tui.ui.setting_words import matches
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.hint_bar import HintBar


class Form(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The rows; arrows go from one to the next, so only pages scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
    ]


class SettingsScreen(CommandScreen):
    """See the module."""

    PLACE = SETTINGS
    COMMANDS_HERE = SETTINGS_COMMANDS
    AUTO_FOCUS = "#filter"
    CSS_PATH: ClassVar[CSSPathType | None] = "settings.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (120, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *(command.binding() for command in SETTINGS_COMMANDS),
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(self, keymap: Mapping[str, str], access: SettingsAccess) -> None:
        super().__init__(keymap)
        self._access = access
        self._one_at_a_time = asyncio.Lock()

    def compose(self) -> ComposeResult:
        yield Heading(SETTINGS, id="heading")
        yield Input(placeholder="Filter: words of a name, a meaning, `file`", id="filter")
        yield Static("", id="trouble", markup=False)
        with Form(id="form"):
            defaults = Layered(Settings(), {item.key: "default" for item in FIELDS})
            for group, items in groupby(FIELDS, lambda item: item.group):
                with Vertical(classes="group"):
                    yield Static(Content(group), classes="title")
                    for item in items:
                        value, listed = defaults.value(item.key), self._is_listed(item)
                        yield SettingRow(item, value, "default", listed=listed)
            yield Static("No setting has all of these words. Esc clears them.", id="none")
        yield Static("", id="about", markup=False)
        yield HintBar(lambda binding: False, id="hints")

    def _is_listed(self, item: Field) -> bool:
        return item.kind == "choice" or item.key in self._access.choices

    @property
    def rows(self) -> list[SettingRow]:
        return list(self.query(SettingRow))

    @property
    def filter_line(self) -> Input:
        return self.query_one("#filter", Input)

    def row_here(self) -> SettingRow | None:
        """The row that the cursor is in."""
        if self.focused is None:
            return None
        nodes = self.focused.ancestors_with_self
        return next((node for node in nodes if isinstance(node, SettingRow)), None)

    # --- what counts now --------------------------------------------------------------------

    def on_mount(self) -> None:
        self.query_one("#none").display = False
        self.query_one("#trouble").display = False
        self.query_one(Heading).update(words=shown_path(self._access.path))
        self.do(self.load)

    async def load(self) -> None:
        """Show what counts now; where that cannot be read, why, and nothing can be changed."""
        try:
            found = await asyncio.to_thread(self._access.read)
        except UrialError as error:
            self._show_trouble(problem_text(error))
            return
        self._show_trouble("")
        for row in self.rows:
            key = row.item.key
            row.show(found.value(key), found.origins[key])

    def _show_trouble(self, words: str) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.update(Content(sanitize(words)))
        trouble.display = bool(words)
        self.query_one("#form").disabled = bool(words)

    # --- the filter -------------------------------------------------------------------------

    @on(Input.Changed, "#filter")
    def filter_changed(self) -> None:
        words = self.filter_line.value.casefold().split()
        for row in self.rows:
            row.display = matches(row.item, row.origin, words)
        for group in self.query(".group"):
            group.display = any(row.display for row in group.query(SettingRow))
        self.query_one("#none").display = not any(row.display for row in self.rows)

    @on(Input.Submitted, "#filter")
    def filter_is_written(self) -> None:
        for row in self.rows:
            if row.display and not row.editor.disabled:
                row.editor.focus()
                return

    # --- changing ---------------------------------------------------------------------------

    @on(SettingRow.Wanted)
    def wanted(self, event: SettingRow.Wanted) -> None:
        self.do(self._save, event.row, event.value)

    @on(SettingRow.ResetWanted)
    def reset_wanted(self, event: SettingRow.ResetWanted) -> None:
        self.do(self._reset, event.row)

    @on(SettingRow.ChoiceWanted)
    def choice_wanted(self, event: SettingRow.ChoiceWanted) -> None:
        row = event.row
        if row.item.kind == "keymap":
            self.app.push_screen(KeysScreen(self.keymap, self._access), self._came_back)
            return
        listed = self._access.choices.get(row.item.key)
        values = list(listed()) if listed is not None else list(row.item.choices)
        choices = [
            (Content(f"{'● ' if value == row.value else '  '}{sanitize_line(value)}"), value)
            for value in values
        ]

        def chosen(value: str | None) -> None:
            if value is not None and value != row.value:
                self.do(self._save, row, value)

        if row.item.key == "theme":
            self.app.push_screen(ThemePicker(values, row.value), chosen)
            return
        current = values.index(row.value) if row.value in values else 0
        self.app.push_screen(ChooseOne(row.item.key, choices, current), chosen)

    def _came_back(self, result: object) -> None:
        """From a screen that changes settings itself."""
        self.do(self.load)

    async def _save(self, row: SettingRow, value: Any) -> None:
        await self._change(row, lambda: self._access.save(row.item.key, value), "saved")

    async def _reset(self, row: SettingRow) -> None:
        row.put_back()
        await self._change(row, lambda: self._access.reset(row.item.key), "is the default")

    async def _change(self, row: SettingRow, change: Callable[[], None], done: str) -> None:
        async with self._one_at_a_time:
            try:
                await asyncio.to_thread(change)
            except UrialError as error:
                row.show_problem(error)
                self._access.let_count(row.item.key, row.value, row.origin)  # a theme was looked at
                return
            await self.load()
        row.put_back()
        item = row.item
        self.query_one(Heading).update(piece=f"{item.key} {done}, counts {item.counts}")
        self._access.let_count(item.key, row.value, row.origin)

    # --- keys -------------------------------------------------------------------------------

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        row = self.row_here()
        words = row.about(with_words=self.has_class("-flat")) if row is not None else ""
        self.query_one("#about", Static).update(Content(sanitize(words)))
        self.refresh_bindings()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """What was typed in a line that is left is not saved; the line says so."""
        for node in event.widget.ancestors_with_self:
            if isinstance(node, SettingRow):
                node.tell_unsaved()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "reset":
            row = self.row_here()
            return row is not None and row.origin == "file"
        return True

    def action_filter(self) -> None:
        self.filter_line.focus()

    def action_reset(self) -> None:
        row = self.row_here()
        if row is not None:
            self.do(self._reset, row)

    def action_back(self) -> None:
        """Forget what is typed; then the filter; then leave."""
        row = self.row_here()
        if row is not None and row.typed is not None:
            row.put_back()
        elif self.filter_line.value:
            self.filter_line.value = ""
            if self.focused is not None:  # all rows come back, also those above it
                self.call_after_refresh(self.focused.scroll_visible, animate=False)
        else:
            self.dismiss(None)
