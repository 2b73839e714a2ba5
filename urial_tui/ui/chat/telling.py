"""What the chat tells becomes transcript, status line and notices.

Streamed text arrives here already collected (see `ui.relay`). This part never asks the chat to do anything.
"""

from time import monotonic

from urial_tui.chat.events import (
    BranchChanged,
    ChatEvent,
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
from urial_tui.ui.chat.branches import Branches
from urial_tui.ui.chat.labels import Labels
from urial_tui.ui.chat.pairs import Pairs
from urial_tui.ui.chat.part import Part
from urial_tui.ui.chat.scores import Scores
from urial_tui.ui.chat.sessions import Sessions
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.chat.turns import Turns
from urial_tui.ui.widgets.status_bar import describe_phase

WAITING = "waiting for the model"


def device_words(info: ContextInfo) -> str:
    """Where a model runs, short: "CPU", "GPU 20/33 layers". The output counts as a layer, as llama.cpp counts."""
    return f"GPU {info.gpu_layers}/{info.n_layers + 1} layers" if info.gpu_layers else "CPU"


class Telling(Part):
    """See the module."""

    def __init__(
        self,
        stage: ChatStage,
        labels: Labels,
        sessions: Sessions,
        branches: Branches,
        turns: Turns,
        scores: Scores,
        pairs: Pairs,
    ) -> None:
        super().__init__(stage)
        self.labels = labels
        self.sessions = sessions
        self.branches = branches
        self.turns = turns
        self.scores = scores
        self.pairs = pairs
        self._stream_tokens = 0
        self._stream_began = 0.0
        self._prompt_tokens = 0

    def told(self, event: ChatEvent) -> None:  # noqa: C901, PLR0912 - one case an event
        """Something happened in the chat."""
        match event:
            case TextStreamed():
                self._text_streamed(event)
                return
            case TokensScored():
                self.scores.told(event)
                return
            case TraceStarted() | TraceEnded():
                self.scores.told(event)
            case PairChanged():
                self.pairs.changed_to(event.pair)
            case EngineStatus():
                self._engine_changed(event)
            case SideReady():
                self.labels.show_side()
                self.stage.status.update(
                    context_size=event.info.n_ctx, device=device_words(event.info)
                )
            case BranchChanged():
                self._branch_changed(event)
            case MessageAdded():
                self._message_added(event)
            case TurnStarted():
                self._turn_started(event)
            case TurnEnded():
                self._turn_ended(event)
            case ContextNotice():
                self._context_notice(event)
            case SessionsChanged():
                self.sessions.refresh()
            case StoreTrouble():
                self._store_trouble(event.error)
            case Trouble():
                chat = self.stage.chat
                if chat is None or event.error is not chat.locked:  # the banner says that
                    self.stage.tell_error(event.error)
        self.stage.changed()

    # --- text -------------------------------------------------------------------------------

    def _text_streamed(self, event: TextStreamed) -> None:
        tokens = [token.text for token in event.tokens]
        self.stage.transcript.append(event.message_id, event.text, tokens)
        if not self._stream_tokens:
            self._stream_began = monotonic()
        self._stream_tokens += len(tokens)
        elapsed = monotonic() - self._stream_began
        speed = self._stream_tokens / elapsed if elapsed > 0.5 else None
        used = self._prompt_tokens + self._stream_tokens
        self.stage.status.update(context_used=used, tokens_per_s=speed)

    def _turn_started(self, event: TurnStarted) -> None:
        self.stage.streaming = event.message_id
        self._prompt_tokens = event.prompt_tokens
        self._stream_tokens = 0
        self.stage.transcript.set_note(event.message_id, "")
        self.stage.transcript.set_streaming(event.message_id)
        self.stage.status.update(context_used=event.prompt_tokens, context_size=event.n_ctx)

    def _turn_ended(self, event: TurnEnded) -> None:
        self.stage.streaming = None
        self.stage.transcript.set_streaming(None)
        self.stage.transcript.finish(self.branches.entry(event.message))
        if event.finished is not None:
            speed = event.finished.timings.tokens_per_s
            self.stage.status.update(tokens_per_s=speed if speed > 0 else None)
            if event.finished.reason == "length":
                why = "the context is full" if event.finished.context_full else "max tokens"
                self.stage.tell(
                    f"The answer was cut: {why}. {self.stage.key('chat.continue')} continues it."
                )
        if event.error is not None:
            self.stage.tell_error(event.error)
        self.scores.answers_changed()
        self.branches.count()

    # --- messages ---------------------------------------------------------------------------

    def _branch_changed(self, event: BranchChanged) -> None:
        """The transcript keeps its place when the new branch shares messages with the old one."""
        known = {entry.id for entry in self.stage.transcript.entries}
        shares = any(message.id in known for message in event.messages)
        self.stage.transcript.set_entries(
            [self.branches.entry(m) for m in event.messages], keep_place=shares
        )
        self.labels.show_side()  # a session brings its own
        if not shares:
            self.stage.banner.show("context", "")
        self.stage.composer.set_history([m.content for m in event.messages if m.role == "user"])
        self.stage.status.update(tokens_per_s=None)
        self.scores.answers_changed()
        self.labels.show_lock()
        self.labels.show_context()
        self.labels.show_title()
        self.branches.count()

    def _message_added(self, event: MessageAdded) -> None:
        note = WAITING if event.queued else ""
        self.stage.transcript.add_entry(self.branches.entry(event.message, note))
        if event.message.role == "user":
            self.turns.was_taken(event.message)
            texts = [m.content for m in self.stage.messages if m.role == "user"]
            self.stage.composer.set_history(texts)
        else:
            self.stage.streaming = event.message.id
            self.stage.transcript.set_streaming(event.message.id)
            for message in self.stage.messages:
                if message.role == "user":
                    self.stage.transcript.set_note(message.id, "")
        self.scores.answers_changed()
        self.labels.show_title()
        self.branches.count()

    # --- the engine -------------------------------------------------------------------------

    def _engine_changed(self, event: EngineStatus) -> None:
        state, tone = describe_phase(event.phase, event.done, event.total, event.detail)
        self.stage.status.update(state=state, tone=tone)
        if event.phase == "prefilling" and self.stage.streaming is not None and event.total:
            note = f"reading the prompt, {event.done:,} of {event.total:,} tokens"
            self.stage.transcript.set_note(self.stage.streaming, note)
        if event.phase in ("ready", "idle"):
            self.labels.show_context()

    # --- notices ----------------------------------------------------------------------------

    def _context_notice(self, event: ContextNotice) -> None:
        left = max(0, event.n_ctx - event.used)
        if event.kind == "near":
            text = (
                f"The context is nearly full: {left:,} of {event.n_ctx:,} tokens are left. "
                "Then the oldest turns are left out of the prompt; they stay in the history."
            )
            self.stage.banner.show("context", text)
            return
        turns = "turn is" if event.dropped_turns == 1 else f"{event.dropped_turns} turns are"
        text = (
            f"The context is full: the oldest {turns} left out of the prompt. "
            f"Nothing is deleted; {self.stage.key('chat.new')} starts afresh."
        )
        self.stage.banner.show("context", text)
        self.stage.transcript.set_left_out(2 * event.dropped_turns)

    def _store_trouble(self, error: UrialError | None) -> None:
        if error is None:
            self.stage.banner.show("store", "")
            self.stage.tell("The history can be written again.")
            return
        mending = f"{error.hint} " if error.kind in ("corrupt", "not-a-database") else ""
        self.stage.banner.show(
            "store",
            f"The history cannot be written: {error.message}. Work goes on in memory. {mending}"
            f"{self.stage.key('chat.save-transcript')} saves this conversation to a file; when you leave, all that is "
            "new is.",
        )
