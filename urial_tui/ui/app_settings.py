"""The app's part for settings: themes, keys, ASCII and compact drawing, and the screens that change them.

What is drawn and which keys there are takes a change at once; what takes the others is in `AppServices.take`.
"""

import os
from collections.abc import Mapping, Sequence

from textual import events
from textual.app import App
from textual.binding import Binding
from textual.filter import LineFilter
from textual.geometry import Size
from textual.theme import Theme

from urial_tui.errors import UrialError
from urial_tui.glyphs import wants_ascii
from urial_tui.safetext import sanitize
from urial_tui.ui.ascii_filter import AsciiFilter
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.keymap import for_textual, name_arrows_in_words, usable_keymap
from urial_tui.ui.screens.keys import KeysScreen
from urial_tui.ui.screens.settings import SettingsScreen
from urial_tui.ui.screens.settings_access import SettingsAccess
from urial_tui.ui.screens.theme_picker import ThemePicker
from urial_tui.ui.screens.working import WorkingScreen
from urial_tui.ui.services import AppServices
from urial_tui.ui.themes import DEFAULT_THEME, OUR_THEMES, shift_variables

FULL_SIZE = (80, 24)
"""Below this many columns or rows, `compact = "auto"` does without frames and padding."""
_ASCII = AsciiFilter()
_KEY_WORDS = {"⏎": "enter", "⌫": "backspace", "↑": "up", "↓": "down", "←": "left", "→": "right"}
"""What a footer calls keys where only ASCII is drawn."""


class SettingsApp(App[None]):
    """What of the app follows the settings."""

    def __init__(self, services: AppServices) -> None:
        super().__init__()
        self.services = services
        self.chat_screen = ChatScreen(services)
        for theme in OUR_THEMES:
            self.register_theme(theme)
        known = services.theme in self.available_themes
        self.theme = services.theme if known else DEFAULT_THEME
        self._kept_theme = self.theme
        self._keymap_problems = usable_keymap(services.keymap)[1]
        self._ascii = wants_ascii(services.ascii, os.environ)
        name_arrows_in_words(self._ascii)
        self._compact = services.compact

    # --- what is drawn ----------------------------------------------------------------------

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return shift_variables(self.current_theme.dark)

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [*filters, _ASCII] if self._ascii else filters

    def get_key_display(self, binding: Binding) -> str:
        shown = super().get_key_display(binding)
        if self._ascii:
            for glyph, word in _KEY_WORDS.items():
                shown = shown.replace(glyph, word)
        return shown

    def draw_with_ascii(self, setting: str) -> None:
        """Draw so from now on: `auto`, `on` or `off`."""
        self._ascii = wants_ascii(setting, os.environ)
        name_arrows_in_words(self._ascii)
        for screen in self.screen_stack:
            for widget in (screen, *screen.query("*")):
                widget.notify_style_update()
                widget.refresh()

    def draw_compactly(self, setting: str) -> None:
        """The same for frames and padding."""
        self._compact = setting
        self._lay_out(self.size)

    def on_unmount(self) -> None:
        name_arrows_in_words(False)

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out(event.size)

    def _lay_out(self, size: Size) -> None:
        small = size.width < FULL_SIZE[0] or size.height < FULL_SIZE[1]
        compact = small if self._compact == "auto" else self._compact == "on"
        if compact != self.has_class("-compact"):
            self.set_class(compact, "-compact")
            self.refresh_css(animate=False)  # the screens behind this one, too

    def on_mount(self) -> None:
        self.set_keymap(for_textual(self.chat_screen.keymap))
        for problem in self._keymap_problems:
            self.notify(sanitize(problem), title="Keymap", severity="warning", markup=False)
        if self.services.theme and self.services.theme not in self.available_themes:
            words = f"There is no theme {self.services.theme!r}; using {self.theme}."
            self.notify(sanitize(words), severity="warning", markup=False)
        self.theme_changed_signal.subscribe(self, self._keep_theme)

    def _keep_theme(self, theme: Theme) -> None:
        """Save the theme that was chosen; one that is only looked at is not."""
        looking = any(isinstance(screen, ThemePicker) for screen in self.screen_stack)
        if looking or theme.name == self._kept_theme or self.services.save_theme is None:
            return
        self._kept_theme = theme.name
        try:
            self.services.save_theme(theme.name)
        except UrialError as error:
            self.notify(sanitize(error.message), severity="warning", markup=False)

    # --- settings ---------------------------------------------------------------------------

    def _settings_access(self) -> SettingsAccess | None:
        """None where there is no settings file to change."""
        services = self.services
        if services.settings_file is None:
            return None
        return SettingsAccess(
            services.settings_file,
            services.options,
            choices={
                "theme": lambda: sorted(self.available_themes),
                "pack": lambda: [pack.id for pack in services.list_packs()],
            },
            checks={"side": services.check_side} if services.check_side is not None else {},
            take={
                **services.take,
                "theme": self.use_theme,
                "ascii": self.draw_with_ascii,
                "compact": self.draw_compactly,
                "keymap": self.use_keymap,
                "scoring": self.chat_screen.pairs.use_scoring,
            },
        )

    def action_open_settings(self) -> None:
        access = self._settings_access()
        if access is not None:
            self.push_screen(SettingsScreen(self.chat_screen.keymap, access))

    def action_open_keys(self) -> None:
        access = self._settings_access()
        if access is not None:
            self.push_screen(KeysScreen(self.chat_screen.keymap, access))

    def action_choose_theme(self) -> None:
        def choose(name: str | None) -> None:
            if name is not None:
                self.theme = name
                self._keep_theme(self.current_theme)

        self.push_screen(ThemePicker(sorted(self.available_themes), self.theme), choose)

    def use_theme(self, name: str) -> None:
        """Show the theme that the settings name now."""
        self._kept_theme = name
        self.theme = name if name in self.available_themes else DEFAULT_THEME

    def use_keymap(self, wanted: Mapping[str, str]) -> None:
        """Bind the keys so from now on, on every screen that is open."""
        usable, _ = usable_keymap(wanted)
        for screen in (self.chat_screen, *self.screen_stack):
            if isinstance(screen, WorkingScreen):
                screen.keymap = usable
        self.set_keymap(for_textual(usable))
        for screen in self.screen_stack:
            screen.refresh_bindings()
        self.chat_screen.show_keys()
