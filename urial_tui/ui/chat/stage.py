"""What every part of the chat screen stands on: the widgets, the chat, the moment, and how work is started.

The parts beside this module, one a subject, are given the stage and those parts that they ask something of; what a part
keeps to itself is its own. The conversation's state is the chat's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from urial_tui.errors import UrialError
from urial_tui.store.types import Message
from urial_tui.ui.background import run_beside
from urial_tui.ui.commands import CHAT_COMMANDS
from urial_tui.ui.inspect.pane import InspectorPane
from urial_tui.ui.keymap import key_name, keys_of, usable_keymap
from urial_tui.ui.relay import EventRelay
from urial_tui.ui.screens.working import Doing, P, WorkingScreen
from urial_tui.ui.services import AppServices
from urial_tui.ui.situation import Situation
from urial_tui.ui.slow_terminal import is_behind
from urial_tui.ui.widgets.banner import Banner
from urial_tui.ui.widgets.begin_line import BeginLine
from urial_tui.ui.widgets.composer import Composer
from urial_tui.ui.widgets.session_list import SessionList
from urial_tui.ui.widgets.status_bar import StatusBar
from urial_tui.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from urial_tui.chat.chat import Chat

STILL_WRITING = "The answer is still being written. Escape stops it and keeps the text."
STILL_LOADING = "The model is still being loaded. Escape ends the waiting."
TAKE_OVER = next(command for command in CHAT_COMMANDS if command.id == "chat.take-over")


class ChatStage(WorkingScreen[None]):
    """The screen as its parts see it."""

    def __init__(self, services: AppServices) -> None:
        super().__init__(usable_keymap(services.keymap)[0])
        self.services = services
        self.chat: Chat | None = None
        self.relay = EventRelay(self.post_message, is_behind)
        self.moment = Situation()
        self.streaming: str | None = None
        """The answer that is being written."""
        self._working = False

    # --- widgets ----------------------------------------------------------------------------

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def session_list(self) -> SessionList:
        return self.query_one(SessionList)

    @property
    def status(self) -> StatusBar:
        return self.query_one(StatusBar)

    @property
    def banner(self) -> Banner:
        return self.query_one(Banner)

    @property
    def begin_line(self) -> BeginLine:
        return self.query_one(BeginLine)

    @property
    def pane(self) -> InspectorPane:
        return self.query_one(InspectorPane)

    # --- work -------------------------------------------------------------------------------

    def do_turn(self, work: Callable[P, Doing], *args: P.args, **kwargs: P.kwargs) -> None:
        """Like `do`, for what changes the conversation: one at a time, a second one is not begun."""
        if self._working:
            return
        self._working = True
        self.changed()
        run_beside(self, partial(self._guarded_turn, partial(work, *args, **kwargs)), "turn")

    async def _guarded_turn(self, work: Callable[[], Doing]) -> None:
        try:
            await self._guarded(work)
        finally:
            self._working = False
            self.changed()

    def tell_error(self, error: UrialError) -> None:
        hint = error.hint
        if self.chat is not None and error is self.chat.locked:
            hint = f"Close it there, or take the session over: {self.take_over_place()}."
        self.tell_trouble(error.message, hint)

    def tell_busy(self) -> None:
        """Say why nothing that changes the conversation can be begun: what was begun before is not at its end."""
        loading = self.chat is not None and self.chat.phase in ("loading", "prefilling")
        waits = loading and self.streaming is None
        self.tell(STILL_LOADING if waits else STILL_WRITING)

    def take_over_place(self) -> str:
        """Where the command is that takes a session over."""
        own = keys_of(TAKE_OVER.id, self.keymap)
        return key_name(own[0]) if own else f"{self.key('app.palette')}, “{TAKE_OVER.title}”"

    # --- the moment -------------------------------------------------------------------------

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.chat.messages if self.chat is not None else ()

    def message(self, message_id: str | None) -> Message | None:
        return next((m for m in self.messages if m.id == message_id), None)

    def target(self) -> Message | None:
        """The message that a command means: the chosen one, or the last."""
        chosen = self.message(self.transcript.selected)
        if chosen is not None:
            return chosen
        return self.messages[-1] if self.messages else None

    @property
    def is_turning(self) -> bool:
        """Whether something that changes the conversation is being begun: nothing else of that kind is, meanwhile."""
        return self._working

    @property
    def is_working(self) -> bool:
        """Whether the conversation is being changed: an answer is written, or what was asked for has not begun."""
        return self.chat is not None and (self.chat.busy or self._working)

    def look(self) -> Situation:
        """The moment as it is now."""
        raise NotImplementedError

    def changed(self) -> None:
        """Look again; when the moment is another one, the footer follows."""
        if not self.is_attached or not self.query(Composer):
            return
        now = self.look()
        if now == self.moment:
            return
        self.moment = now
        self.composer.accepting = not now.busy and not now.too_small
        self.transcript.read_only = now.locked
        self.refresh_bindings()
