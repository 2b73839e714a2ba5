"""The Textual app: help, jumping, the command palette, and an end that loses nothing.

`run_tui` is called by `urial_tui.launch` with the services; everything slow (history, engine, model)
is made by `services.make_chat` after the first paint.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.dom import DOMNode
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Input, TextArea
from textual.worker import WorkerFailed

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize
from urial_tui.ui.app_settings import SettingsApp
from urial_tui.ui.background import run_beside
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.clipboard import copy_out
from urial_tui.ui.commands import APP_COMMANDS
from urial_tui.ui.keys_here import keys_here
from urial_tui.ui.palette import CommandPalette, Commands
from urial_tui.ui.screens.help import HelpScreen
from urial_tui.ui.screens.jump import JumpScreen
from urial_tui.ui.screens.keys import KeysScreen
from urial_tui.ui.screens.press_key import PressKey
from urial_tui.ui.screens.settings import SettingsScreen
from urial_tui.ui.screens.theme_picker import ThemePicker
from urial_tui.ui.screens.working import CommandScreen
from urial_tui.ui.services import AppServices
from urial_tui.ui.signals import HUNG_UP_GRACE_S, Watchdog, handled

TWICE_S = 3.0
"""Two presses of Ctrl+C within this many seconds quit."""


@dataclass(frozen=True)
class Notice:
    """What is told for some seconds."""

    message: str
    title: str
    severity: SeverityLevel
    markup: bool

    @property
    def is_passing(self) -> bool:
        """Whether it only says what a key did: the next one of its kind is newer and takes its place."""
        return self.severity == "information" and not self.title


class Signalled(Message):
    """The process got a signal that ends it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class UrialApp(SettingsApp):
    """The terminal application."""

    TITLE = "urial-tui"
    CSS_PATH: ClassVar[CSSPathType | None] = [
        Path(__file__).parent / name for name in ("chat/chat.tcss", "screens/compact.tcss")
    ]
    """Of the default screen, whose own CSS_PATH Textual does not read, and what compact mode changes everywhere."""
    COMMANDS: ClassVar = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in APP_COMMANDS]

    def __init__(self, services: AppServices) -> None:
        super().__init__(services)
        self.watchdog: Watchdog | None = None
        self.last_words = ""
        """What the terminal is told after the screen is gone."""
        self.failure: BaseException | None = None
        """The mistake of the program's own that ended it."""
        self._interrupted = float("-inf")
        self._hung_up = False
        self._never_drawn = contextlib.ExitStack()
        self._end_task: asyncio.Task[None] | None = None
        self._notices_until: dict[Notice, float] = {}

    def get_default_screen(self) -> Screen[None]:
        return self.chat_screen

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a notice, unless the same one is on screen still. What a key did without a title takes the place of the
        notice of the key before."""
        now = monotonic()
        notice = Notice(message, title, severity, markup)
        if now < self._notices_until.get(notice, 0.0):
            return
        seconds = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        live = {one: end for one, end in self._notices_until.items() if end > now}
        if notice.is_passing and any(one.is_passing for one in live):
            live = {one: end for one, end in live.items() if not one.is_passing}
            self.clear_notifications()
            for one, end in live.items():
                self._show(one, end - now)
        self._notices_until = {**live, notice: now + seconds}
        self._show(notice, seconds)

    def _show(self, notice: Notice, seconds: float) -> None:
        super().notify(
            notice.message,
            title=notice.title,
            severity=notice.severity,
            timeout=seconds,
            markup=notice.markup,
        )

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Textual drops the clashed binding and tells at each key press; we told at the start."""

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        return ()

    # --- help and interrupt -----------------------------------------------------------------

    def action_help(self) -> None:
        if isinstance(self.screen, HelpScreen):
            self.pop_screen()
        else:
            self.push_screen(
                HelpScreen(
                    self.chat_screen.moment,
                    self.chat_screen.keymap,
                    keys_here(self.screen),
                    place=self._place(),
                    possible=[c.id for c in APP_COMMANDS if self.can_on(c.action, self.screen)],
                    words=self._words(),
                )
            )

    def _place(self) -> str | None:
        """What help calls the screen: "" for the chat, None for a dialog."""
        if isinstance(self.screen, CommandScreen):
            return self.screen.PLACE or None
        return "" if isinstance(self.screen, ChatScreen) else None

    def _words(self) -> str:
        """What the frame of the dialog that is open says of its keys."""
        boxes = self.screen.query(Vertical).results() if self._place() is None else ()
        found = next((box.border_subtitle for box in boxes if box.border_subtitle), "")
        return Content.from_markup(found).plain if found else ""

    # --- what is possible -------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not self.screen_stack or self.can_on(action, self.screen)

    def can_on(self, action: str, screen: Screen[object]) -> bool:
        """Whether a command of the app makes sense on that screen, which another one may lie over."""
        if isinstance(screen, PressKey):
            return False  # every key is the one that is asked for
        match action:
            case "jump":
                return isinstance(screen, JumpScreen) or (
                    not isinstance(screen, CommandPalette) and len(screen.focus_chain) > 1
                )
            case "command_palette":
                return not isinstance(screen, JumpScreen)
            case "open_settings":
                return self._can_open(SettingsScreen)
            case "open_keys":
                return self._can_open(KeysScreen)
            case "choose_theme":
                return not isinstance(screen, ThemePicker | SettingsScreen)
        return True

    def _can_open(self, kind: type[Screen[Any]]) -> bool:
        """Whether there are settings, and this screen of theirs is not open already."""
        is_open = any(isinstance(screen, kind) for screen in self.screen_stack)
        return self.services.settings_file is not None and not is_open

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(id="--command-palette"))

    # --- jumping ----------------------------------------------------------------------------

    def action_jump(self) -> None:
        """Put a letter beside everything that can have the focus; again: take them away."""
        if isinstance(self.screen, JumpScreen):
            self.screen.dismiss(None)
            return
        below = self.screen

        def go(target: Widget | None) -> None:
            if target is not None and target.is_attached and target.focusable:
                below.set_focus(target)

        self.push_screen(JumpScreen(below), go)

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
            run_beside(self, self.action_quit, "quit")
            return
        self._interrupted = now
        stopping = self.chat_screen.moment.busy
        if stopping:
            self.chat_screen.turns.stop()
        done = "Stopped; the text is kept. " if stopping else ""
        key = self.chat_screen.key("app.interrupt")
        self.notify(f"{done}Press {key} again to quit.", timeout=TWICE_S, markup=False)

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

    def _handle_exception(self, error: Exception) -> None:
        """Textual's, which offers no public one: the app ends. What it would print after that, with the value of every
        variable, stays away: `run_app` raises the error, so that it is told like a mistake anywhere else.
        """
        if self.failure is None:
            self.failure = error.error if isinstance(error, WorkerFailed) else error
            if self.watchdog is not None:
                self.watchdog.start(1)
            with contextlib.suppress(Exception):  # it may be what is broken
                self.chat_screen.drafts.take()
        super()._handle_exception(error)
        self._exit_renderables.clear()

    async def close_chat(self) -> None:
        """Close the chat once, however often this is called; returns when it is closed."""
        if self._end_task is None:
            self._end_task = asyncio.create_task(self._close_chat())
        await asyncio.shield(self._end_task)

    async def _close_chat(self) -> None:
        for step in (
            self._say_closing,
            self._keep_drafts,
            self._let_go_of_chat,
            self._close_services,
        ):
            try:
                await step()
            except UrialError:
                continue
            except Exception as error:  # noqa: BLE001 - what comes after it is closed all the same
                self.failure = self.failure or error

    async def _say_closing(self) -> None:
        if self.chat_screen.is_attached:
            self.chat_screen.say_closing()

    async def _keep_drafts(self) -> None:
        await self.chat_screen.drafts.keep_all()

    async def _let_go_of_chat(self) -> None:
        if self.chat_screen.chat is not None:
            await self.chat_screen.chat.aclose()

    async def _close_services(self) -> None:
        if self.services.close is not None:
            self.last_words = await self.services.close()

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
        run_beside(self, partial(self.leave, 128 + message.number), "quit")


async def run_app(app: UrialApp) -> int:
    """Run the app to its end; the exit code. Raises the error that ended it where that was a mistake of its own."""
    watchdog = app.watchdog = Watchdog()
    try:
        with handled(app.signalled):
            try:
                await app.run_async()
            finally:
                await app.close_chat()
    finally:
        watchdog.stop()
    if app.last_words:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(sanitize(app.last_words), file=sys.stderr)
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0


def run_tui(services: AppServices) -> int:
    """Run the terminal application until the user leaves; the exit code. Needs a terminal on stdin
    and stdout.
    """
    return asyncio.run(run_app(UrialApp(services)))
