"""The command palette's entries: the commands of `keymap` that make sense at the moment, with
their keys.
"""

from collections.abc import Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from urial_tui.ui.commands import APP_COMMANDS, CHAT_COMMANDS, Command
from urial_tui.ui.keymap import key_name, keys_of
from urial_tui.ui.screens.chat import ChatScreen
from urial_tui.ui.screens.working import CommandScreen


class Commands(Provider):
    """Lists what can be done on the screen that the palette was opened from."""

    def _possible(self) -> Iterator[Command]:
        screen = self.screen
        here: tuple[Command, ...] = ()
        if isinstance(screen, ChatScreen):
            here = CHAT_COMMANDS
        elif isinstance(screen, CommandScreen):
            here = screen.COMMANDS_HERE
        for command in (*here, *APP_COMMANDS):
            if not command.palette:
                continue
            if not here or screen.check_action(command.action, ()):
                yield command

    def _run(self, command: Command) -> Callable[[], object]:
        return partial(self.app.run_action, command.action, self._namespace(command))

    def _namespace(self, command: Command):  # type: ignore[no-untyped-def]
        return self.app if command in APP_COMMANDS else self.screen

    def _help(self, command: Command) -> str:
        screen = self.screen
        keymap = screen.keymap if isinstance(screen, ChatScreen | CommandScreen) else {}
        key = key_name(keys_of(command.id, keymap)[0])
        return f"{command.tooltip} ({key})" if key else command.tooltip

    async def discover(self) -> Hits:
        for command in self._possible():
            yield DiscoveryHit(command.title, self._run(command), help=self._help(command))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._possible():
            score = matcher.match(command.title)
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(command.title),
                    self._run(command),
                    text=command.title,
                    help=self._help(command),
                )
