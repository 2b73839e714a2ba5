"""The chat screen's part for events: what the chat tells becomes transcript, status line and
notices.

Streamed text arrives here already collected (see `ui.relay`). This part never asks the chat to do
anything.
"""

from time import monotonic

from textual import on

from urial_tui.chat.events import (
    BranchChanged,
    ContextNotice,
    EngineStatus,
    MessageAdded,
    PairChanged,
    SessionsChanged,
    SideReady,
    StoreTrouble,
    TextStreamed,
    TokensScored,
    TraceEnded,
    TraceStarted,
    Trouble,
    TurnEnded,
    TurnStarted,
)
from urial_tui.engine.protocol import ContextInfo
from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize_line
from urial_tui.store.types import Message
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.base import ChatBase
from urial_tui.ui.relay import FLUSH_PERIOD, ChatArrived
from urial_tui.ui.widgets.status_bar import describe_phase
from urial_tui.ui.widgets.transcript import Transcript
from urial_tui.ui.widgets.transcript_model import Entry, entry_of

YOU, MODEL = "You", "Model"
WAITING = "waiting for the model"


def device_words(info: ContextInfo) -> str:
    """Where a model runs, short: "CPU", "GPU 20/33 layers". The output counts as a layer, as llama.cpp counts."""
    return f"GPU {info.gpu_layers}/{info.n_layers + 1} layers" if info.gpu_layers else "CPU"


class ChatEvents(ChatBase):
    """Everything that the chat tells."""

    stream_tokens = 0
    stream_began = 0.0
    prompt_tokens = 0

    def start_flushing(self) -> None:
        self.set_interval(FLUSH_PERIOD, self.relay.tick, name="stream")

    @on(ChatArrived)
    def chat_told(self, message: ChatArrived) -> None:
        event = message.event
        match event:
            case TextStreamed():
                self.text_streamed(event)
                return
            case TokensScored():
                self.trace_told(event)
                return
            case TraceStarted() | TraceEnded():
                self.trace_told(event)
            case PairChanged():
                self.pair_changed(event.pair)
            case EngineStatus():
                self.engine_changed(event)
            case SideReady():
                self.show_side()
                self.status.update(context_size=event.info.n_ctx, device=device_words(event.info))
            case BranchChanged():
                self.branch_changed(event)
            case MessageAdded():
                self.message_added(event)
            case TurnStarted():
                self.turn_started(event)
            case TurnEnded():
                self.turn_ended(event)
            case ContextNotice():
                self.context_notice(event)
            case SessionsChanged():
                self.refresh_sessions()
            case StoreTrouble():
                self.store_trouble(event.error)
            case Trouble():
                if self.chat is None or event.error is not self.chat.locked:  # the banner says it
                    self.tell_error(event.error)
        self.changed()

    # --- text -------------------------------------------------------------------------------

    def text_streamed(self, event: TextStreamed) -> None:
        tokens = [token.text for token in event.tokens]
        self.transcript.append(event.message_id, event.text, tokens)
        if not self.stream_tokens:
            self.stream_began = monotonic()
        self.stream_tokens += len(tokens)
        elapsed = monotonic() - self.stream_began
        speed = self.stream_tokens / elapsed if elapsed > 0.5 else None
        used = self.prompt_tokens + self.stream_tokens
        self.status.update(context_used=used, tokens_per_s=speed)

    def turn_started(self, event: TurnStarted) -> None:
        self.streaming = event.message_id
        self.prompt_tokens = event.prompt_tokens
        self.stream_tokens = 0
        self.transcript.set_note(event.message_id, "")
        self.transcript.set_streaming(event.message_id)
        self.status.update(context_used=event.prompt_tokens, context_size=event.n_ctx)

    def turn_ended(self, event: TurnEnded) -> None:
        self.streaming = None
        self.transcript.set_streaming(None)
        self.transcript.finish(self.entry(event.message))
        if event.finished is not None:
            speed = event.finished.timings.tokens_per_s
            self.status.update(tokens_per_s=speed if speed > 0 else None)
            if event.finished.reason == "length":
                why = "the context is full" if event.finished.context_full else "max tokens"
                self.tell(f"The answer was cut: {why}. {self.key('chat.continue')} continues it.")
        if event.error is not None:
            self.tell_error(event.error)
        self.answers_changed()
        self.count_versions()

    # --- messages ---------------------------------------------------------------------------

    def entry(self, message: Message, note: str = "") -> Entry:
        author = YOU if message.role == "user" else MODEL
        branch = self.branch_counts.get(message.id, (1, 1))
        return entry_of(message, author, branch=branch, note=note)

    def branch_changed(self, event: BranchChanged) -> None:
        """The transcript keeps its place when the new branch shares messages with the old one."""
        known = {entry.id for entry in self.transcript.entries}
        shares = any(message.id in known for message in event.messages)
        self.transcript.set_entries([self.entry(m) for m in event.messages], keep_place=shares)
        self.show_side()  # a session brings its own
        if not shares:
            self.banner.show("context", "")
        self.composer.set_history([m.content for m in event.messages if m.role == "user"])
        self.status.update(tokens_per_s=None)
        self.answers_changed()
        self.show_lock()
        self.show_context()
        self.show_heading()
        self.count_versions()

    def message_added(self, event: MessageAdded) -> None:
        note = WAITING if event.queued else ""
        self.transcript.add_entry(self.entry(event.message, note))
        if event.message.role == "user":
            self.message_was_taken(event.message)
            texts = [m.content for m in self.messages if m.role == "user"]
            self.composer.set_history(texts)
        else:
            self.streaming = event.message.id
            self.transcript.set_streaming(event.message.id)
            for message in self.messages:
                if message.role == "user":
                    self.transcript.set_note(message.id, "")
        self.answers_changed()
        self.show_heading()
        self.count_versions()

    def count_versions(self) -> None:
        run_latest(self, self._count_versions, "versions")

    async def _count_versions(self) -> None:
        """Ask how many versions each message on screen has, and show it where there are several."""
        chat = self.chat
        if chat is None:
            return
        try:
            versions = await chat.versions()
        except UrialError as error:
            self.log.warning(error.message)
            return
        counts = {key: (index, count) for key, (index, count) in versions.items() if count > 1}
        changed = {key for key in {*counts, *self.branch_counts}
                   if counts.get(key) != self.branch_counts.get(key)}  # fmt: skip
        self.branch_counts = counts
        for message in self.messages:
            if message.id not in changed:
                continue
            if message.id == self.streaming:  # its text is still coming
                self.transcript.set_branch(message.id, self.branch_counts.get(message.id, (1, 1)))
            else:
                self.transcript.update_entry(self.entry(message))
        self.changed()

    # --- the engine -------------------------------------------------------------------------

    def engine_changed(self, event: EngineStatus) -> None:
        state, tone = describe_phase(event.phase, event.done, event.total, event.detail)
        self.status.update(state=state, tone=tone)
        if event.phase == "prefilling" and self.streaming is not None and event.total:
            note = f"reading the prompt, {event.done:,} of {event.total:,} tokens"
            self.transcript.set_note(self.streaming, note)
        if event.phase in ("ready", "idle"):
            self.show_context()

    def show_context(self) -> None:
        chat = self.chat
        if chat is not None:
            self.status.update(
                context_used=chat.context_used or None, context_size=chat.n_ctx or None
            )

    def show_side(self) -> None:
        if self.chat is not None:
            self.status.update(side=sanitize_line(self.chat.side, 80))

    # --- notices ----------------------------------------------------------------------------

    def context_notice(self, event: ContextNotice) -> None:
        left = max(0, event.n_ctx - event.used)
        if event.kind == "near":
            text = (
                f"The context is nearly full: {left:,} of {event.n_ctx:,} tokens are left. "
                "Then the oldest turns are left out of the prompt; they stay in the history."
            )
            self.banner.show("context", text)
            return
        turns = "turn is" if event.dropped_turns == 1 else f"{event.dropped_turns} turns are"
        text = (
            f"The context is full: the oldest {turns} left out of the prompt. "
            f"Nothing is deleted; {self.key('chat.new')} starts afresh."
        )
        self.banner.show("context", text)
        self.transcript.set_left_out(2 * event.dropped_turns)

    def show_lock(self) -> None:
        """Say who holds the session that is shown, as long as somebody does."""
        locked = self.chat.locked if self.chat is not None else None
        if locked is None:
            self.banner.show("locked", "")
            return
        self.banner.show(
            "locked",
            f"Read only: {locked.message}. Close it there, or take the session over: "
            f"{self.take_over_place()}.",
        )

    def store_trouble(self, error: UrialError | None) -> None:
        if error is None:
            self.banner.show("store", "")
            self.tell("The history can be written again.")
            return
        mending = f"{error.hint} " if error.kind == "corrupt" else ""
        self.banner.show(
            "store",
            f"The history cannot be written: {error.message}. Work goes on in memory. {mending}"
            f"{self.key('chat.save-transcript')} saves this conversation to a file.",
        )

    @on(Transcript.Selected)
    def another_message_is_chosen(self) -> None:
        self.answers_changed()
        self.changed()

    @on(Transcript.FollowChanged)
    def follow_changed(self, event: Transcript.FollowChanged) -> None:
        self.status.update(notice="" if event.following else "more below: End")
