"""What the parts of the chat screen share: its widgets, the chat, the moment, and how work is
started.

The parts are mixins over `ChatBase`, one a subject, so that each file stays small; `screen.py` puts
them together. The screen's state is here; the conversation's state is the chat's own.
"""

from collections.abc import Coroutine, Sequence
from typing import Any

from urial_tui.chat.events import TokensScored, TraceEnded, TraceStarted
from urial_tui.chat.pair import PairStatus
from urial_tui.errors import UrialError
from urial_tui.store.types import Message, Session
from urial_tui.ui.commands import CHAT_COMMANDS
from urial_tui.ui.keymap import usable_keymap
from urial_tui.ui.relay import EventRelay
from urial_tui.ui.screens.working import WorkingScreen
from urial_tui.ui.services import AppServices, ChatLike
from urial_tui.ui.situation import Inspected, Judged, Place, Situation
from urial_tui.ui.slow_terminal import is_behind
from urial_tui.ui.widgets.banner import Banner
from urial_tui.ui.widgets.begin_line import BeginLine
from urial_tui.ui.widgets.composer import Composer
from urial_tui.ui.widgets.session_list import SessionList
from urial_tui.ui.widgets.status_bar import StatusBar
from urial_tui.ui.widgets.transcript import Transcript

TAKE_OVER = next(command for command in CHAT_COMMANDS if command.id == "chat.take-over")


class ChatBase(WorkingScreen[None]):
    """State and helpers of the chat screen."""

    streaming: str | None = None
    """The answer that is being written."""

    def __init__(self, services: AppServices) -> None:
        super().__init__(usable_keymap(services.keymap)[0])
        self.services = services
        self.chat: ChatLike | None = None
        self.relay = EventRelay(self.post_message, is_behind)
        self.moment = Situation()
        self.editing: str | None = None
        """Id of the user message that is being edited."""
        self.kept_draft = ""
        """What was in the composer before editing began."""
        self.editing_text = ""
        """The message that is being edited, as it was."""
        self.too_small = False
        self.branch_counts: dict[str, tuple[int, int]] = {}
        """For messages with several versions: which one is shown (from 1), of how many."""
        self.known_sessions: dict[str, Session] = {}
        self._working = False

    # --- what one part needs of another -----------------------------------------------------

    def read_or_copy(self, action: str, message_id: str) -> None:
        """`action` is "copy", "copy_code" or "markdown"."""
        raise NotImplementedError

    def message_was_taken(self, message: Message) -> None:
        """A message of the user is in the history."""
        raise NotImplementedError

    def save_draft(self) -> None:
        """Save the draft as it is now."""
        raise NotImplementedError

    def refresh_sessions(self) -> None:
        """Ask for the list of sessions again."""
        raise NotImplementedError

    async def go_to_session(self, session_id: str | None, *, to_composer: bool = True) -> None:
        """Open a session, or a new one; the draft of the present one is kept. May raise UrialError."""
        raise NotImplementedError

    async def keep_draft(self) -> None:
        """Save what is in the composer now."""
        raise NotImplementedError

    async def bring_draft(self) -> None:
        """Put the session's draft into the composer."""
        raise NotImplementedError

    async def go_to_message(self, message_id: str) -> None:
        """Show the branch through a message of the session and choose the message. May raise UrialError."""
        raise NotImplementedError

    def export_sessions(self, session_ids: Sequence[str]) -> None:
        """Ask how and where to write sessions to files."""
        raise NotImplementedError

    def can_undo(self) -> bool:
        """Whether a change of the list of sessions can be taken back."""
        raise NotImplementedError

    def step_hit(self, step: int) -> None:
        """Go to the next (+1) or previous hit of the last search."""
        raise NotImplementedError

    def leave_hits(self) -> None:
        """The hits of the last search are gone through."""
        raise NotImplementedError

    def show_heading(self) -> None:
        """Show the session's title."""
        raise NotImplementedError

    def show_side(self) -> None:
        """Show the side in use."""
        raise NotImplementedError

    def trace_told(self, event: TraceStarted | TokensScored | TraceEnded) -> None:
        """The chat told of scores."""
        raise NotImplementedError

    def pair_changed(self, pair: PairStatus) -> None:
        """Other sides are compared, or it is known more of them."""
        raise NotImplementedError

    def answers_changed(self) -> None:
        """Other messages, or another state of them, are in the transcript."""
        raise NotImplementedError

    def inspect_action(self, action: str, message_id: str) -> None:
        """A key of the transcript about tokens: "tokens", "score", "lane", "inspector"."""
        raise NotImplementedError

    def judging_action(self, action: str, message_id: str) -> None:
        """A key of the transcript about judging: "rate", "compare", "judge", "judgements"."""
        raise NotImplementedError

    def open_models(self) -> None:
        """Open the library."""
        raise NotImplementedError

    def loaded_sides(self) -> tuple[str, ...]:
        """The sides that are in memory now."""
        raise NotImplementedError

    async def may_load(self, sides: Sequence[str]) -> bool:
        """Whether these sides fit, or the user wants them all the same. Called from a worker."""
        raise NotImplementedError

    def remember_sides(self) -> None:
        """The user chose other sides: keep them for the next start."""
        raise NotImplementedError

    def inspected(self) -> Inspected:
        """What of the inspector decides which commands make sense."""
        raise NotImplementedError

    def judged(self) -> Judged:
        """What of rating and judging decides which commands make sense."""
        raise NotImplementedError

    def is_crowded(self) -> bool:
        """Whether the inspector leaves no room for the list of sessions."""
        raise NotImplementedError

    def place_inspector(self) -> None:
        """Show the inspector where there is room for it."""
        raise NotImplementedError

    def lay_out_list(self) -> None:
        """Show or hide the list of sessions."""
        raise NotImplementedError

    def list_is_shown(self) -> bool:
        """Whether the list of sessions is on screen."""
        raise NotImplementedError

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

    # --- work -------------------------------------------------------------------------------

    def do_turn(self, work: Coroutine[Any, Any, None]) -> None:
        """Like `do`, for what changes the conversation: one at a time, a second one is not begun."""
        if self._working:
            work.close()
            return
        self._working = True
        self.changed()
        self.run_worker(self._guarded_turn(work), group="turn")

    async def _guarded_turn(self, work: Coroutine[Any, Any, None]) -> None:
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

    def take_over_place(self) -> str:
        """Where the command is that takes a session over."""
        return f"{self.key('app.palette')}, “{TAKE_OVER.title}”"

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

    def branch_target(self) -> Message | None:
        """The chosen message, or the last one that has several versions."""
        chosen = self.message(self.transcript.selected)
        if chosen is not None:
            return chosen
        return next((m for m in reversed(self.messages) if m.id in self.branch_counts), None)

    def versions(self) -> int:
        target = self.branch_target()
        return self.branch_counts.get(target.id, (1, 1))[1] if target is not None else 1

    def place(self) -> Place:
        focused = self.focused
        if focused is None:
            return "elsewhere"
        for node in focused.ancestors_with_self:
            if isinstance(node, Composer):
                return "composer"
            if isinstance(node, Transcript):
                return "transcript"
            if isinstance(node, SessionList):
                return "sessions"
            if isinstance(node, BeginLine):
                return "prefill"
        return "elsewhere"

    def look(self) -> Situation:
        """The moment as it is now."""
        chat = self.chat
        messages = self.messages
        target = self.target()
        place = self.place()
        return Situation(
            connected=chat is not None,
            busy=chat is not None and (chat.busy or self._working),
            place=place,
            editing=self.editing is not None,
            prefilling=self.begin_line.is_open,
            n_messages=len(messages),
            has_user_message=any(m.role == "user" for m in messages),
            target_is_answer=target is not None and target.role == "assistant",
            versions=self.versions(),
            has_code=any("```" in m.content or "~~~" in m.content for m in messages),
            has_session=chat is not None and chat.session is not None,
            locked=chat is not None and chat.locked is not None,
            session_chosen=place == "sessions" and self.session_list.highlighted is not None,
            can_undo=self.can_undo(),
            too_small=self.too_small,
            can_export=self.services.exports is not None,
            has_library=self.services.models is not None,
            judging=self.judged(),
            inspected=self.inspected(),
        )

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
