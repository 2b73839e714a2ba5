"""The scores of answers: coloured in the transcript as they come or are found in the history; and the inspector.

Scores arrive collected (see `ui.relay`); stored ones are asked for when their answer comes on screen, in a worker. What
tokens look like is decided in `ui.inspect`, where they are in the transcript.
"""

from functools import partial

from urial_tui.chat.events import TokensScored, TraceEnded, TraceStarted
from urial_tui.errors import UrialError
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.inspection import Inspection
from urial_tui.ui.chat.panes import Panes
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.inspect.lanes import look_of
from urial_tui.ui.inspect.pane import InspectorPane
from urial_tui.ui.inspect.trace_view import TraceView
from urial_tui.ui.inspect.traces import ratio_words


class Scores(Part):
    """See the module."""

    def __init__(self, stage: ChatStage, panes: Panes, inspection: Inspection) -> None:
        super().__init__(stage)
        self.panes = panes
        self.inspection = inspection
        self._aligned: set[str] = set()
        """Traces whose first streamed token is known."""

    def actions(self) -> Actions:
        return {
            "score_answer": self.score_shown,
            "toggle_inspector": self.toggle_inspector,
        }

    def told(self, event: TraceStarted | TokensScored | TraceEnded) -> None:
        match event:
            case TraceStarted():
                self.inspection.traces.started(event)
                self.show_tokens(event.message_id)
            case TokensScored():
                self._scored(event)
            case TraceEnded():
                self.inspection.traces.ended(event)
                self.show_tokens(event.message_id)
                if event.error is not None:
                    self.stage.tell(
                        f"Scores are missing: {event.error.message}", severity="warning"
                    )
        self.show_inspector()

    def _scored(self, event: TokensScored) -> None:
        view = self.inspection.traces.get(event.message_id)
        if view is None or not event.scores:
            return
        transcript = self.stage.transcript
        tokens = self.inspection.traces.scored(event)
        if view.trace.start.path == "live" and transcript.was_streamed(event.message_id):
            if view.trace.id not in self._aligned:
                self._aligned.add(view.trace.id)
                transcript.align_tokens(event.message_id, event.scores[0].i)
        else:
            transcript.set_tokens(event.message_id, view.texts())
        transcript.tokens_changed(event.message_id, tokens)

    def show_tokens(self, message_id: str) -> None:
        """Colour a message by its trace from now on; without one, like plain text."""
        view = self.inspection.traces.get(message_id)
        if view is None:
            self.stage.transcript.set_look(message_id, None)
            return
        if view.n and not (view.running and self.stage.transcript.was_streamed(message_id)):
            self.stage.transcript.set_tokens(message_id, view.texts())
        self.stage.transcript.set_look(message_id, partial(self._look, view, message_id))

    def _look(self, view: TraceView, message_id: str, first: int, last: int) -> str:
        inspected = message_id == self.inspection.inspecting
        return look_of(view, first, last, self.inspection.only if inspected else "none")

    def answers_changed(self) -> None:
        """Other answers are on screen, or another one is meant."""
        it, transcript = self.inspection, self.stage.transcript
        ids = [message.id for message in self.stage.messages]
        it.traces.keep_only(ids)
        self._aligned &= {view.trace.id for view in it.traces.views.values()}
        if it.inspecting is not None and it.inspecting not in ids:
            self.leave_tokens()
        for message_id in ids:
            if message_id in it.traces.views and not transcript.has_look(message_id):
                self.show_tokens(message_id)
        if it.inspecting is not None:
            transcript.show_cursor(it.cursor, it.pinned)
        self.load()
        self.show_inspector()

    def measured(self) -> None:
        """The noise of a model is known now: near ties of answers on screen can be told."""
        self.inspection.traces.asked -= self.inspection.traces.unmeasured()
        self.load()

    def load(self) -> None:
        """Ask for the traces of the answers on screen, and of the one that is meant, where they are not known."""
        run_latest(self.stage, self._load, "traces")

    async def _load(self) -> None:
        """What is meant comes first, then what is on screen, the last first."""
        chat = self.stage.chat
        if chat is None:
            return
        traces = self.inspection.traces
        meant = self.inspection.shown_answer()
        answers = {m.id for m in self.stage.messages if m.role == "assistant"}
        in_view = [key for key in self.stage.transcript.in_view() if key in answers]
        wanted = ([meant.id] if meant is not None else []) + in_view[::-1]
        for message_id in wanted:
            if message_id in traces.asked:
                continue
            try:
                trace = await chat.trace(message_id)
            except UrialError as error:
                self.stage.log.warning(error.message)
                continue
            traces.asked.add(message_id)
            view = traces.get(message_id)
            if trace is not None and (view is None or message_id in traces.unmeasured()):
                if view is None:
                    traces.put(trace)
                else:
                    view.set_trace(trace)
                self.show_tokens(message_id)
        self.show_inspector()
        self.stage.changed()

    def score_shown(self) -> None:
        answer = self.inspection.shown_answer()
        if self.stage.chat is not None and answer is not None:
            self.stage.do(self.stage.chat.score, answer.id)

    def leave_tokens(self) -> None:
        """The token cursor is in no answer any more."""
        self.inspection.forget_token()
        self.stage.transcript.inspect(None)

    # --- the inspector ----------------------------------------------------------------------

    def show_inspector(self) -> None:
        """The inspector and the status line, as things are now."""
        if not self.stage.is_attached or not self.stage.query(InspectorPane):
            return
        view = self.inspection.shown_view()
        self.panes.lay_out()
        it = self.inspection
        cursor, pinned = (it.cursor, it.pinned) if it.inspecting else (None, None)
        self.stage.pane.update_view(view, cursor, pinned, it.pair, self._offer(view))
        full, short = ratio_words(view) if view is not None else ("", "")
        foreign = view is not None and not self._is_own(view)
        self.stage.status.update(
            shift=full, short_shift=short, against=self._against(view), foreign=foreign
        )

    def _offer(self, view: TraceView | None) -> str:
        """What can be done about missing scores."""
        answer = self.inspection.shown_answer()
        if answer is None or self.inspection.pair is None or (view is not None and view.running):
            return ""
        missing = "no scores"
        if view is not None and view.n:
            if not view.error and view.n >= self.stage.transcript.token_count(answer.id):
                return ""
            missing = "some tokens have no scores"
        if answer.id == self.stage.streaming:
            return ""
        if self.inspection.is_without_tokens(answer):
            return "no scores: the model wrote nothing of this answer"
        if not self.inspection.pair.references:
            return f"{missing}: there is no reference to compare with"
        if self.stage.chat is not None and self.stage.chat.scoring_message == answer.id:
            return "the answer is being scored"
        return f"{missing}: press s to score it now"

    def _is_own(self, view: TraceView) -> bool:
        """Whether the scores are of the side that would answer now."""
        return self.stage.chat is None or view.generator_side in ("", self.stage.chat.side)

    def _against(self, view: TraceView | None) -> str:
        if view is not None:
            words = f"vs {short_side(view.reference_side)}, {view.trace.start.path}"
            return (
                words
                if self._is_own(view)
                else f"(shown: {short_side(view.generator_side)} {words})"
            )
        pair = self.inspection.pair
        if pair is None or not pair.references or not pair.scoring:
            return ""
        first = pair.references[0]
        return f"vs {short_side(first.side)}" + (
            "" if first.state == "ready" else f", {first.state}"
        )

    def toggle_inspector(self) -> None:
        """Show the inspector, or put it away."""
        self.panes.inspector_wanted = not self.panes.inspector_is_shown()
        self.show_inspector()
