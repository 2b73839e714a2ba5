"""How a screen is left: once, however often its key arrives."""

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import Screen

ResultT = TypeVar("ResultT")


class LeavesOnce(Screen[ResultT]):
    """A screen with an answer.

    Keys that came in one piece, as over a slow line, are all sent to the screen before it has dealt with the first.
    Textual's own `dismiss` would then close what lies below, or end the program where nothing does. Beside another kind
    of screen it is the second base: Textual takes style sheets from the first ones alone.
    """

    def dismiss(self, result: ResultT | None = None) -> AwaitComplete:
        """Close this screen with an answer; nothing when it is closed already or another one is over it."""
        if self.app.screen is not self:
            return AwaitComplete()
        return super().dismiss(result)
