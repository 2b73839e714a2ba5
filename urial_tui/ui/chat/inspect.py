"""The chat screen's part for token shift: colours of scored answers, the token cursor, the inspector,
what is compared.

Scores arrive collected (see `ui.relay`); stored ones are asked for when their answer comes on
screen, in a worker. What tokens look like is decided in `ui.inspect`, where they are in the
transcript.
"""

from functools import partial

from textual import on

from urial_tui.chat.events import TokensScored, TraceEnded, TraceStarted
from urial_tui.chat.pair import PairStatus
from urial_tui.errors import UrialError
from urial_tui.store.types import Message
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.base import ChatBase
from urial_tui.ui.inspect.lanes import Filter, look_of
from urial_tui.ui.inspect.pane import InspectorPane
from urial_tui.ui.inspect.trace_view import TraceView
from urial_tui.ui.inspect.traces import Traces, ratio_words
from urial_tui.ui.screens.references import ReferenceChoice, ReferencePicker
from urial_tui.ui.services import AppServices
from urial_tui.ui.situation import Inspected
from urial_tui.ui.widgets.transcript import Transcript

BESIDE = 100
"""From this many columns on the inspector is beside the transcript, below them under it."""
ALWAYS = 132
"""From this many columns on it is shown without being asked for, when there is something in it."""


class ChatInspect(ChatBase):
    """Everything about token shift."""

    def __init__(self, services: AppServices) -> None:
        super().__init__(services)
        self.traces = Traces()
        self.pair: PairStatus | None = None
        self.cursor: int | None = None
        """The token under the cursor, an index into the inspected message's tokens."""
        self.pinned: int | None = None
        self.only: Filter = "none"
        self.pane_wanted: bool | None = None
        """Whether the user asked for the inspector or put it away; None: the width decides."""
        self._aligned: set[str] = set()
        """Traces whose first streamed token is known."""
        self._refused: set[tuple[str, str]] = set()

    @property
    def pane(self) -> InspectorPane:
        return self.query_one(InspectorPane)

    # --- which answer -----------------------------------------------------------------------

    @property
    def inspecting(self) -> str | None:
        """The answer that the token cursor is in."""
        return self.transcript.inspecting

    def shown_answer(self) -> Message | None:
        """The answer that the inspector and the status line are about: inspected, chosen or last."""
        chosen = self.message(self.inspecting or self.transcript.selected)
        if chosen is not None and chosen.role == "assistant":
            return chosen
        return next((m for m in reversed(self.messages) if m.role == "assistant"), None)

    def shown_view(self) -> TraceView | None:
        answer = self.shown_answer()
        return self.traces.get(answer.id) if answer is not None else None

    def inspected(self) -> Inspected:
        answer, view = self.shown_answer(), self.shown_view()
        return Inspected(
            inspecting=self.inspecting is not None,
            has_answer=answer is not None,
            has_scores=view is not None,
            n_references=len(view.trace.start.references) if view is not None else 0,
            n_compared=len(self.pair.references) if self.pair is not None else 0,
            n_pairs=len(self.chat.pairs()) if self.chat is not None else 0,
            scoring=self.chat is not None and self.chat.scoring_message is not None,
        )

    # --- scores -----------------------------------------------------------------------------

    def trace_told(self, event: TraceStarted | TokensScored | TraceEnded) -> None:
        match event:
            case TraceStarted():
                self.traces.started(event)
                self.show_tokens(event.message_id)
            case TokensScored():
                self._scored(event)
            case TraceEnded():
                self.traces.ended(event)
                self.show_tokens(event.message_id)
                if event.error is not None:
                    self.tell(f"Scores are missing: {event.error.message}", severity="warning")
        self.show_inspector()

    def _scored(self, event: TokensScored) -> None:
        view = self.traces.get(event.message_id)
        if view is None or not event.scores:
            return
        transcript = self.transcript
        tokens = self.traces.scored(event)
        if view.trace.start.path == "live" and transcript.was_streamed(event.message_id):
            if view.trace.id not in self._aligned:
                self._aligned.add(view.trace.id)
                transcript.align_tokens(event.message_id, event.scores[0].i)
        else:
            transcript.set_tokens(event.message_id, view.texts())
        transcript.tokens_changed(event.message_id, tokens)

    def show_tokens(self, message_id: str) -> None:
        """Colour a message by its trace from now on; without one, like plain text."""
        view = self.traces.get(message_id)
        if view is None:
            self.transcript.set_look(message_id, None)
            return
        if view.n and not (view.running and self.transcript.was_streamed(message_id)):
            self.transcript.set_tokens(message_id, view.texts())
        self.transcript.set_look(message_id, partial(self._look, view, message_id))

    def _look(self, view: TraceView, message_id: str, first: int, last: int) -> str:
        return look_of(view, first, last, self.only if message_id == self.inspecting else "none")

    def answers_changed(self) -> None:
        """Other answers are on screen, or another one is meant."""
        ids = [message.id for message in self.messages]
        self.traces.keep_only(ids)
        self._aligned &= {view.trace.id for view in self.traces.views.values()}
        if self.inspecting is not None and self.inspecting not in ids:
            self.leave_tokens()
        for message_id in ids:
            if message_id in self.traces.views and not self.transcript.has_look(message_id):
                self.show_tokens(message_id)
        if self.inspecting is not None:
            self.transcript.show_cursor(self.cursor, self.pinned)
        self.load_traces()
        self.show_inspector()

    @on(Transcript.ViewMoved)
    def load_traces(self) -> None:
        run_latest(self, self._load_traces, "traces")

    async def _load_traces(self) -> None:
        """Ask for the traces of the answers on screen, the last first, and of the one that is meant."""
        chat = self.chat
        if chat is None:
            return
        meant = self.shown_answer()
        answers = {m.id for m in self.messages if m.role == "assistant"}
        in_view = [key for key in self.transcript.in_view() if key in answers]
        wanted = ([meant.id] if meant is not None else []) + in_view[::-1]
        for message_id in wanted:
            if message_id in self.traces.asked:
                continue
            try:
                trace = await chat.trace(message_id)
            except UrialError as error:
                self.log.warning(error.message)
                continue
            self.traces.asked.add(message_id)
            view = self.traces.get(message_id)
            if trace is not None and (view is None or message_id in self.traces.unmeasured()):
                if view is None:
                    self.traces.put(trace)
                else:
                    view.set_trace(trace)
                self.show_tokens(message_id)
        self.show_inspector()
        self.changed()

    # --- what is compared -------------------------------------------------------------------

    def pair_changed(self, pair: PairStatus) -> None:
        self.pair = pair
        for reference in pair.references:
            if reference.error is None or reference.error.kind == "no-generator":
                continue  # why there is no generator was told already
            refusal = (reference.side, reference.error.message)
            if refusal not in self._refused:
                self._refused.add(refusal)
                words = f"{reference.side} is not compared with: {reference.error.message}"
                hint = f"\n{reference.error.hint}" if reference.error.hint else ""
                self.tell(words + hint, title="Reference refused", severity="warning")
        if any(reference.noise is not None for reference in pair.references):
            self.traces.asked -= self.traces.unmeasured()  # their near ties can be told now
            run_latest(self, self._load_traces, "traces")
        self.show_inspector()

    def action_next_pair(self) -> None:
        if self.chat is not None:
            self.do_turn(self._next_pair())

    async def _next_pair(self) -> None:
        if self.chat is None:
            return
        await self.chat.next_pair()
        self.show_side()
        self.remember_sides()
        pair = self.chat.pair
        names = ", ".join(reference.side for reference in pair.references) or "nothing"
        self.tell(f"{pair.generator} against {names}", title="Pair")

    def action_choose_references(self) -> None:
        chat = self.chat
        if chat is None:
            return

        def choose(choice: ReferenceChoice | None) -> None:
            if choice is not None:
                self.do_turn(self._compare(choice))

        self.app.push_screen(ReferencePicker(chat.pair, chat.pairs(), more=chat.more_pairs), choose)

    async def _compare(self, choice: ReferenceChoice) -> None:
        chat = self.chat
        if chat is None:
            return
        generator = choice.generator or chat.side
        if not await self.may_load((generator, *choice.references)):
            return
        if choice.generator is not None and choice.generator != chat.side:
            await chat.set_side(choice.generator)
            self.show_side()
        if choice.scoring != chat.pair.scoring:
            await chat.set_scoring(choice.scoring)
        await chat.set_references(choice.references)
        self.remember_sides()

    def action_toggle_scoring(self) -> None:
        if self.chat is not None:
            self.do(self._set_scoring(not self.chat.pair.scoring))

    def use_scoring(self, scoring: bool) -> None:
        """The settings say so now."""
        if self.chat is not None:
            self.do(self.chat.set_scoring(scoring))

    async def _set_scoring(self, scoring: bool) -> None:
        if self.chat is None:
            return
        await self.chat.set_scoring(scoring)
        self.tell("The next answers are scored." if scoring else "Scoring is off.")

    def action_score_answer(self) -> None:
        answer = self.shown_answer()
        if self.chat is not None and answer is not None:
            self.do(self.chat.score(answer.id))

    # --- the inspector ----------------------------------------------------------------------

    def show_inspector(self) -> None:
        """The inspector and the status line, as things are now."""
        if not self.is_attached or not self.query(InspectorPane):
            return
        view = self.shown_view()
        self.lay_out_list()
        cursor, pinned = (self.cursor, self.pinned) if self.inspecting else (None, None)
        self.pane.update_view(view, cursor, pinned, self.pair, self._offer(view))
        full, short = ratio_words(view) if view is not None else ("", "")
        foreign = view is not None and not self._is_own(view)
        self.status.update(
            shift=full, short_shift=short, against=self._against(view), foreign=foreign
        )

    def _offer(self, view: TraceView | None) -> str:
        """What can be done about missing scores."""
        answer = self.shown_answer()
        if answer is None or self.pair is None or (view is not None and view.running):
            return ""
        missing = "no scores"
        if view is not None and view.n:
            if not view.error and view.n >= self.transcript.token_count(answer.id):
                return ""
            missing = "some tokens have no scores"
        if answer.id == self.streaming:
            return ""
        if not self.pair.references:
            return f"{missing}: there is no reference to compare with"
        if self.chat is not None and self.chat.scoring_message == answer.id:
            return "the answer is being scored"
        return f"{missing}: press s to score it now"

    def _is_own(self, view: TraceView) -> bool:
        """Whether the scores are of the side that would answer now."""
        return self.chat is None or view.generator_side in ("", self.chat.side)

    def _against(self, view: TraceView | None) -> str:
        if view is not None:
            words = f"vs {view.reference_side}, {view.trace.start.path}"
            return words if self._is_own(view) else f"(shown: {view.generator_side} {words})"
        if self.pair is None or not self.pair.references or not self.pair.scoring:
            return ""
        first = self.pair.references[0]
        return f"vs {first.side}" + ("" if first.state == "ready" else f", {first.state}")

    def inspector_is_shown(self) -> bool:
        if self.size.width < BESIDE and self.list_is_shown():
            return False  # one of the two at a time
        if self.pane_wanted is not None:
            return self.pane_wanted
        if self.inspecting is not None:
            return True
        return self.size.width >= ALWAYS and self.shown_view() is not None

    def is_crowded(self) -> bool:
        width = self.size.width
        return BESIDE <= width < ALWAYS and self.inspector_is_shown()

    def place_inspector(self) -> None:
        shown = self.inspector_is_shown() and not self.too_small
        self.set_class(shown, "-inspector")
        self.set_class(shown and self.size.width < BESIDE, "-inspector-below")
        self.set_class(self.inspecting is not None, "-inspecting")

    def action_toggle_inspector(self) -> None:
        self.pane_wanted = not self.inspector_is_shown()
        self.show_inspector()

    def leave_tokens(self) -> None:
        self.cursor, self.pinned, self.only = None, None, "none"
        self.transcript.inspect(None)
