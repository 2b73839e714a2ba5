"""What full screens share: work beside them, errors in words, and the names of keys. And what a screen of models gives
back when it is left."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize
from urial_tui.ui.background import run_beside
from urial_tui.ui.command import Command
from urial_tui.ui.keymap import key_in_words
from urial_tui.ui.screens.leaving import LeavesOnce

ResultT = TypeVar("ResultT")
P = ParamSpec("P")
Doing = Coroutine[Any, Any, None]


@dataclass(frozen=True)
class SidesChoice:
    """What the chat is to go on with, in SIDE notation. `references` None: what suits the side."""

    side: str
    references: tuple[str, ...] | None = None
    inspect: bool = False
    """Show the inspector on them."""


class WorkingScreen(LeavesOnce[ResultT]):
    """A screen that starts work and tells what becomes of it."""

    def __init__(self, keymap: Mapping[str, str]) -> None:
        """`keymap` is the usable part of the user's (see `ui.keymap`)."""
        super().__init__()
        self.keymap = keymap

    def key(self, command_id: str) -> str:
        """The key of a command, as a sentence names it."""
        return key_in_words(command_id, self.keymap)

    def do(self, work: Callable[P, Doing], *args: P.args, **kwargs: P.kwargs) -> None:
        """Run `work` beside the screen; an error that a user can understand is shown.

        It is called when the worker starts: one that is cancelled before leaves nothing un-awaited.
        """
        run_beside(self, partial(self._guarded, work, *args, **kwargs), "work")

    async def _guarded(self, work: Callable[P, Doing], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await work(*args, **kwargs)
        except UrialError as error:
            self.tell_error(error)

    def tell(self, text: str, *, title: str = "", severity: Any = "information") -> None:
        """A notice that goes away by itself. The text may be anybody's."""
        self.notify(sanitize(text), title=title, severity=severity, markup=False)

    def tell_error(self, error: UrialError) -> None:
        self.tell_trouble(error.message, error.hint)

    def tell_trouble(self, message: str, hint: str = "", title: str = "That did not work") -> None:
        """What is wrong, and below it what to do."""
        text = f"{message}\n{hint}" if hint else message
        self.notify(sanitize(text), title=title, severity="error", markup=False)


class CommandScreen(WorkingScreen[SidesChoice | None]):
    """A screen beside the chat with commands of its own, which palette, footer and help show while it is open."""

    PLACE = ""
    """What help and keymap call it."""
    COMMANDS_HERE: tuple[Command, ...] = ()
