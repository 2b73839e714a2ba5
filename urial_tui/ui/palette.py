"""The command palette's entries: the commands of `keymap` that make sense at the moment, with
their keys.
"""

from collections.abc import Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from urial_tui.ui.commands import APP_COMMANDS, CHAT_COMMANDS, Command
from urial_tui.ui.keymap import key_name, keys_of
from urial_tui.ui.screens.chat import ChatScreen


class Commands(Provider):
    """Lists what can be done on the screen that the palette was opened from."""

    def _possible(self) -> Iterator[Command]:
        screen = self.screen
        chat = CHAT_COMMANDS if isinstance(screen, ChatScreen) else ()
        for command in (*chat, *APP_COMMANDS):
            if not command.palette:
                continue
            if not isinstance(screen, ChatScreen) or screen.check_action(command.action, ()):
                yield command

    def _run(self, command: Command) -> Callable[[], object]:
        return partial(self.app.run_action, command.action, self._namespace(command))

    def _namespace(self, command: Command):  # type: ignore[no-untyped-def]
        return self.app if command in APP_COMMANDS else self.screen

    def _help(self, command: Command) -> str:
        keymap = self.screen.keymap if isinstance(self.screen, ChatScreen) else {}
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
