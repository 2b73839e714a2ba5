"""The Textual app: themes, keys, the command palette, and an end that loses nothing.

`run_tui` is called by `urial_tui.main` with the services; everything slow (history, engine, model)
is made by `services.make_chat` after the first paint.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.filter import LineFilter
from textual.geometry import Size
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme
from textual.types import CSSPathType
from textual.widgets import Input, TextArea

from urial_tui.errors import UrialError
from urial_tui.glyphs import wants_ascii
from urial_tui.safetext import sanitize
from urial_tui.ui.ascii_filter import AsciiFilter
from urial_tui.ui.clipboard import copy_out
from urial_tui.ui.commands import APP_COMMANDS
from urial_tui.ui.keymap import usable_keymap
from urial_tui.ui.palette import Commands
from urial_tui.ui.screens.chat import ChatScreen
from urial_tui.ui.screens.help import HelpScreen
from urial_tui.ui.screens.settings import SettingsAccess, SettingsScreen
from urial_tui.ui.screens.working import CommandScreen
from urial_tui.ui.services import AppServices
from urial_tui.ui.signals import HUNG_UP_GRACE_S, Watchdog, handled
from urial_tui.ui.themes import DEFAULT_THEME, OUR_THEMES, shift_variables

FULL_SIZE = (80, 24)
"""Below this many columns or rows, `compact = "auto"` does without frames and padding."""
_ASCII = AsciiFilter()

TWICE_S = 3.0
"""Two presses of Ctrl+C within this many seconds quit."""


class Signalled(Message):
    """The process got a signal that ends it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class UrialApp(App[None]):
    """The terminal application."""

    TITLE = "urial-tui"
    CSS_PATH: ClassVar[CSSPathType | None] = [
        Path(__file__).parent / "screens" / name for name in ("chat.tcss", "compact.tcss")
    ]
    """Of the default screen, whose own CSS_PATH Textual does not read, and what compact mode changes everywhere."""
    COMMANDS: ClassVar = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in APP_COMMANDS]

    def __init__(self, services: AppServices) -> None:
        super().__init__()
        self.services = services
        self.chat_screen = ChatScreen(services)
        self.watchdog: Watchdog | None = None
        self._interrupted = float("-inf")
        self._hung_up = False
        self._never_drawn = contextlib.ExitStack()
        self._end_task: asyncio.Task[None] | None = None
        self._notices_until: dict[tuple[str, str, str], float] = {}
        for theme in OUR_THEMES:
            self.register_theme(theme)
        known = services.theme in self.available_themes
        self.theme = services.theme if known else DEFAULT_THEME
        self._keymap_problems = usable_keymap(services.keymap)[1]
        self._ascii = wants_ascii(services.ascii, os.environ)
        self._compact = services.compact

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return shift_variables(self.current_theme.dark)

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [*filters, _ASCII] if self._ascii else filters

    def get_key_display(self, binding: Binding) -> str:
        shown = super().get_key_display(binding)
        return shown.replace("⏎", "enter") if self._ascii else shown

    def draw_with_ascii(self, setting: str) -> None:
        """Draw so from now on: `auto`, `on` or `off`."""
        self._ascii = wants_ascii(setting, os.environ)
        for screen in self.screen_stack:
            for widget in (screen, *screen.query("*")):
                widget.notify_style_update()
                widget.refresh()

    def draw_compactly(self, setting: str) -> None:
        """The same for frames and padding."""
        self._compact = setting
        self._lay_out(self.size)

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out(event.size)

    def _lay_out(self, size: Size) -> None:
        small = size.width < FULL_SIZE[0] or size.height < FULL_SIZE[1]
        compact = small if self._compact == "auto" else self._compact == "on"
        if compact != self.has_class("-compact"):
            self.set_class(compact, "-compact")
            self.refresh_css(animate=False)  # the screens behind this one, too

    def get_default_screen(self) -> Screen[None]:
        return self.chat_screen

    def on_mount(self) -> None:
        self.set_keymap(self.chat_screen.keymap)
        for problem in self._keymap_problems:
            self.notify(sanitize(problem), title="Keymap", severity="warning", markup=False)
        if self.services.theme and self.services.theme not in self.available_themes:
            words = f"There is no theme {self.services.theme!r}; using {self.theme}."
            self.notify(sanitize(words), severity="warning", markup=False)
        self.theme_changed_signal.subscribe(self, self._keep_theme)

    def _keep_theme(self, theme: Theme) -> None:
        if self.services.save_theme is None:
            return
        try:
            self.services.save_theme(theme.name)
        except UrialError as error:
            self.notify(sanitize(error.message), severity="warning", markup=False)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a notice, unless the same one is on screen still."""
        now = monotonic()
        notice = (message, title, severity)
        if now < self._notices_until.get(notice, 0.0):
            return
        seconds = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        self._notices_until = {k: end for k, end in self._notices_until.items() if end > now}
        self._notices_until[notice] = now + seconds
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Textual drops the clashed binding and tells at each key press; we told at the start."""

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        return ()

    # --- help and interrupt -----------------------------------------------------------------

    def action_help(self) -> None:
        if isinstance(self.screen, HelpScreen):
            self.pop_screen()
        else:
            place = self.screen.PLACE if isinstance(self.screen, CommandScreen) else ""
            self.push_screen(HelpScreen(self.chat_screen.moment, self.chat_screen.keymap, place))

    def action_open_settings(self) -> None:
        services = self.services
        path = services.settings_file
        if path is None or isinstance(self.screen, SettingsScreen):
            return
        access = SettingsAccess(
            path,
            services.options,
            choices={
                "theme": lambda: sorted(self.available_themes),
                "pack": lambda: [pack.id for pack in services.list_packs()],
            },
            checks={"side": services.check_side} if services.check_side is not None else {},
            take={
                "theme": lambda name: setattr(self, "theme", name),
                "ascii": self.draw_with_ascii,
                "compact": self.draw_compactly,
            },
        )
        self.push_screen(SettingsScreen(self.chat_screen.keymap, access))

    def action_interrupt(self) -> None:
        """Copy the selection; else stop the answer; a second time within a few seconds, quit."""
        selected = self._take_selection()
        if selected:
            result = copy_out(
                selected, "the selection", self.copy_to_clipboard, self.services.state_dir
            )
            self.notify(
                sanitize(result.sentence),
                severity="information" if result.ok else "error",
                markup=False,
            )
            return
        now = monotonic()
        if now - self._interrupted < TWICE_S:
            self.run_worker(self.action_quit(), group="quit")
            return
        self._interrupted = now
        stopping = self.chat_screen.moment.busy
        if stopping:
            self.chat_screen.action_stop()
        done = "Stopped; the text is kept. " if stopping else ""
        self.notify(f"{done}Press Ctrl+C again to quit.", timeout=TWICE_S, markup=False)

    def _take_selection(self) -> str:
        focused = self.focused
        if isinstance(focused, (TextArea, Input)) and focused.selected_text:
            return focused.selected_text
        text = self.screen.get_selected_text()
        if text:
            self.screen.clear_selection()
        return text or ""

    # --- the end ----------------------------------------------------------------------------

    async def action_quit(self) -> None:
        await self.leave(0)

    async def leave(self, return_code: int) -> None:
        """Keep the draft, close the chat, end the app. Safe to call again."""
        if self.watchdog is not None:
            self.watchdog.start(return_code or 1)
        await self.close_chat()
        if self.watchdog is not None and self._hung_up:
            self.watchdog.hasten(HUNG_UP_GRACE_S, return_code)
        self.exit(return_code=return_code)

    async def close_chat(self) -> None:
        """Close the chat once, however often this is called; returns when it is closed."""
        if self._end_task is None:
            self._end_task = asyncio.create_task(self._close_chat())
        await asyncio.shield(self._end_task)

    async def _close_chat(self) -> None:
        screen = self.chat_screen
        chat = screen.chat
        if screen.is_attached:
            screen.say_closing()
        with contextlib.suppress(UrialError):
            if chat is not None:
                await screen.keep_draft()
                await chat.aclose()
        if self.services.close is not None:
            with contextlib.suppress(UrialError):
                await self.services.close()

    def signalled(self, number: int) -> None:
        """Called by the event loop for SIGINT, SIGTERM and SIGHUP."""
        if self.watchdog is not None:
            self.watchdog.start(128 + number)
        if number == getattr(signal, "SIGHUP", None) and not self._hung_up:
            # Nobody sees the screen any more, and writing to it could block before all is saved.
            self._hung_up = True
            self._never_drawn.enter_context(self.batch_update())
        self.post_message(Signalled(number))

    async def on_signalled(self, message: Signalled) -> None:
        self.run_worker(self.leave(128 + message.number), group="quit")


async def run_app(app: UrialApp) -> int:
    """Run the app to its end; the exit code."""
    watchdog = app.watchdog = Watchdog()
    try:
        with handled(app.signalled):
            try:
                await app.run_async()
            finally:
                await app.close_chat()
    finally:
        watchdog.stop()
    return app.return_code or 0


def run_tui(services: AppServices) -> int:
    """Run the terminal application until the user leaves; the exit code. Needs a terminal on stdin
    and stdout.
    """
    return asyncio.run(run_app(UrialApp(services)))
