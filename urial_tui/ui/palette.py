"""The command palette's entries: the commands of `keymap` that make sense at the moment, with
their keys.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from textual.command import CommandPalette as TextualPalette
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.screen import Screen

from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.commands import APP_COMMANDS, CHAT_COMMANDS, Command
from urial_tui.ui.keymap import key_name, keys_of
from urial_tui.ui.keys_here import is_possible
from urial_tui.ui.screens.help import HelpScreen
from urial_tui.ui.screens.leaving import LeavesOnce
from urial_tui.ui.screens.working import CommandScreen


def possible_commands(screen: Screen[Any]) -> Iterator[Command]:
    """The palette's commands that make sense on a screen now: its own, then the program's."""
    here: tuple[Command, ...] = ()
    if isinstance(screen, ChatScreen):
        here = CHAT_COMMANDS
    elif isinstance(screen, CommandScreen):
        here = screen.COMMANDS_HERE
    closes = "help" if isinstance(screen, HelpScreen) else None
    for command in (*here, *APP_COMMANDS):
        if command.palette and command.action != closes and is_possible(command, screen):
            yield command


class CommandPalette(TextualPalette, LeavesOnce[None]):
    """Textual's, which is left once."""


class Commands(Provider):
    """Lists what can be done on the screen that the palette was opened from."""

    def _run(self, command: Command) -> Callable[[], object]:
        owner = self.app if command in APP_COMMANDS else self.screen
        return partial(self.app.run_action, command.action, owner)

    def _help(self, command: Command) -> str:
        screen = self.screen
        keymap = screen.keymap if isinstance(screen, ChatScreen | CommandScreen) else {}
        keys = keys_of(command.id, keymap)
        return f"{command.tooltip} ({key_name(keys[0])})" if keys else command.tooltip

    async def discover(self) -> Hits:
        for command in possible_commands(self.screen):
            yield DiscoveryHit(command.title, self._run(command), help=self._help(command))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in possible_commands(self.screen):
            score = matcher.match(command.title)
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(command.title),
                    self._run(command),
                    text=command.title,
                    help=self._help(command),
                )
