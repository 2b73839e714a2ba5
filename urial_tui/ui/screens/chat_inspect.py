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
from urial_tui.ui.inspect.lanes import FILTERS, LANE_NAMES, Filter, look_of
from urial_tui.ui.inspect.pane import AlternativeChosen, InspectorPane
from urial_tui.ui.inspect.trace_view import TraceView
from urial_tui.ui.inspect.traces import Traces, ratio_words
from urial_tui.ui.screens.chat_base import ChatBase
from urial_tui.ui.screens.position_chart import PositionChart
from urial_tui.ui.screens.references import ReferenceChoice, ReferencePicker
from urial_tui.ui.screens.shift_totals import ShiftTotalsDialog
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
            if trace is not None and self.traces.get(message_id) is None:
                self.traces.put(trace)
                self.show_tokens(message_id)
        self.show_inspector()
        self.changed()

    # --- what is compared -------------------------------------------------------------------

    def pair_changed(self, pair: PairStatus) -> None:
        self.pair = pair
        for reference in pair.references:
            if reference.error is None:
                continue
            refusal = (reference.side, reference.error.message)
            if refusal not in self._refused:
                self._refused.add(refusal)
                words = f"{reference.side} is not compared with: {reference.error.message}"
                hint = f"\n{reference.error.hint}" if reference.error.hint else ""
                self.tell(words + hint, title="Reference refused", severity="warning")
        self.show_inspector()

    def action_next_pair(self) -> None:
        if self.chat is not None:
            self.do_turn(self._next_pair())

    async def _next_pair(self) -> None:
        if self.chat is None:
            return
        await self.chat.next_pair()
        self.show_side()
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

        self.app.push_screen(ReferencePicker(chat.pair, chat.pairs()), choose)

    async def _compare(self, choice: ReferenceChoice) -> None:
        chat = self.chat
        if chat is None:
            return
        if choice.generator is not None and choice.generator != chat.side:
            await chat.set_side(choice.generator)
            self.show_side()
        if choice.scoring != chat.pair.scoring:
            await chat.set_scoring(choice.scoring)
        await chat.set_references(choice.references)

    def action_toggle_scoring(self) -> None:
        if self.chat is not None:
            self.do(self._set_scoring(not self.chat.pair.scoring))

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
        if self.inspector_is_shown() != self.has_class("-inspector"):
            self.lay_out_inspector()
        cursor, pinned = (self.cursor, self.pinned) if self.inspecting else (None, None)
        self.pane.update_view(view, cursor, pinned, self.pair, self._offer())
        full, short = ratio_words(view) if view is not None else ("", "")
        self.status.update(shift=full, short_shift=short, against=self._against(view))

    def _offer(self) -> str:
        if self.shown_answer() is None or self.pair is None:
            return ""
        if not self.pair.scoring:
            return "no scores: scoring is switched off"
        if not self.pair.references:
            return "no scores: there is no reference to compare with"
        return "no scores: press s to score it now"

    def _against(self, view: TraceView | None) -> str:
        if view is not None:
            words = f"vs {view.reference_side}, {view.trace.start.path}"
            generator = view.generator_side
            same = self.chat is None or generator in ("", self.chat.side)
            return words if same else f"(shown: {generator} {words})"
        if self.pair is None or not self.pair.references or not self.pair.scoring:
            return ""
        first = self.pair.references[0]
        return f"vs {first.side}" + ("" if first.state == "ready" else f", {first.state}")

    def inspector_is_shown(self) -> bool:
        if self.pane_wanted is not None:
            return self.pane_wanted
        if self.inspecting is not None:
            return True
        return self.size.width >= ALWAYS and self.shown_view() is not None

    def lay_out_inspector(self) -> None:
        shown = self.inspector_is_shown() and not self.too_small
        beside = self.size.width >= BESIDE
        self.set_class(shown, "-inspector")
        self.set_class(shown and not beside, "-inspector-below")

    def action_toggle_inspector(self) -> None:
        self.pane_wanted = not self.inspector_is_shown()
        self.lay_out_inspector()
        self.show_inspector()

    # --- the token cursor -------------------------------------------------------------------

    def action_inspect(self) -> None:
        """Into the tokens of the answer that is meant, and out of them again."""
        if self.inspecting is not None:
            self.action_leave_inspect()
        elif (answer := self.shown_answer()) is not None:
            self.inspect_tokens(answer.id)

    def inspect_tokens(self, message_id: str) -> None:
        transcript = self.transcript
        self.cursor, self.pinned, self.only = None, None, "none"
        if self.pane_wanted is False:
            self.pane_wanted = None
        transcript.focus()
        transcript.inspect(message_id)
        if transcript.selected != message_id:
            transcript.select(message_id)
        if self.n_tokens():
            self.cursor = transcript.first_token_in_view(message_id)
        self._cursor_moved()
        self.call_after_refresh(transcript.scroll_to_token)  # the inspector may have taken room
        self.load_traces()
        self.changed()

    def action_leave_inspect(self) -> None:
        self.leave_tokens()
        self.show_inspector()
        self.changed()

    def leave_tokens(self) -> None:
        self.cursor, self.pinned, self.only = None, None, "none"
        self.transcript.inspect(None)

    def n_tokens(self) -> int:
        """How many tokens of the inspected answer there are."""
        message_id = self.inspecting
        view = self.traces.get(message_id)
        shown = self.transcript.token_count(message_id) if message_id is not None else 0
        return max(shown, view.n if view is not None else 0)

    def _cursor_moved(self) -> None:
        self.transcript.show_cursor(self.cursor, self.pinned)
        self.show_inspector()

    def move_cursor(self, to: int) -> None:
        """To that token, or the nearest there is."""
        last = self.n_tokens() - 1
        if last >= 0:
            self.cursor = min(max(to, 0), last)
            self._cursor_moved()

    @on(Transcript.TokenKey)
    def token_key(self, event: Transcript.TokenKey) -> None:
        message_id = self.inspecting
        if message_id is None:
            return
        at = self.cursor if self.cursor is not None else -1
        match event.action:
            case "left":
                self.move_cursor(at - 1)
            case "right":
                self.move_cursor(at + 1)
            case "home":
                self.move_cursor(0)
            case "end":
                self.move_cursor(self.n_tokens() - 1)
            case "next_shifted" | "previous_shifted" | "next_marginal" | "previous_marginal":
                self._jump(event.action, at)
            case "up":
                self.pane.move_alternative(-1)
            case "down":
                self.pane.move_alternative(1)
            case "other_list":
                self.pane.switch_list()
            case "branch":
                if not self.pane.choose_alternative():
                    self.tell("There is no alternative here to branch from.")
            case "filter":
                self.only = FILTERS[(FILTERS.index(self.only) + 1) % len(FILTERS)]
                self.show_tokens(message_id)
                self.tell(f"Filter: {self.only}")
            case "pin":
                self.pinned = None if self.pinned == self.cursor else self.cursor
                self._cursor_moved()
            case _:
                self.inspect_action(event.action, message_id)

    def _jump(self, action: str, at: int) -> None:
        view = self.shown_view()
        step = 1 if action.startswith("next") else -1
        name = "shifted" if action.endswith("shifted") else "marginal"
        found = (
            view.next_of(at, "shifted" if name == "shifted" else "marginal", step) if view else None
        )
        if found is None:
            self.tell(f"There is no {name} token {'after' if step > 0 else 'before'} this one.")
        else:
            self.move_cursor(found)

    def inspect_action(self, action: str, message_id: str) -> None:
        match action:
            case "tokens":
                answer = self.message(message_id)
                if answer is not None and answer.role == "assistant":
                    self.inspect_tokens(message_id)
            case "score":
                if self.chat is not None:
                    self.do(self.chat.score(message_id))
            case "lane":
                self.action_next_lane()
            case "reference":
                self.action_next_reference()
            case "inspector":
                self.action_toggle_inspector()
            case "positions":
                self.action_positions()
            case "totals":
                self.action_totals()

    @on(AlternativeChosen)
    def branch(self, event: AlternativeChosen) -> None:
        """Another answer from the token under the cursor on, with the chosen alternative in its place."""
        message_id = self.inspecting
        if self.chat is None or message_id is None:
            return
        if self.moment.busy:
            self.tell("The answer is still being written. Escape stops it and keeps the text.")
            return
        self.leave_tokens()
        self.do_turn(self.chat.branch_from(message_id, event.i, event.token_id))
        self.transcript.select(None)
        self.transcript.follow()

    # --- how it is shown --------------------------------------------------------------------

    def action_next_lane(self) -> None:
        lane = self.traces.next_lane()
        self.transcript.all_tokens_changed()
        self.show_inspector()
        self.tell(f"Colours: {LANE_NAMES[lane]}")

    def action_next_reference(self) -> None:
        answer = self.shown_answer()
        if answer is None or self.traces.get(answer.id) is None:
            return
        side = self.traces.next_reference(answer.id)
        self.transcript.all_tokens_changed()
        self.show_inspector()
        self.tell(f"Reference: {side}")

    def action_positions(self) -> None:
        view = self.shown_view()
        if view is not None:
            run_latest(self, partial(self._show_positions, view), "positions")

    async def _show_positions(self, view: TraceView) -> None:
        """The chart of this answer, and of all answers of the visible branch."""
        chat = self.chat
        if chat is None:
            return
        traces = []
        for message in self.messages:
            if message.role != "assistant":
                continue
            try:
                trace = await chat.trace(message.id)
            except UrialError as error:
                self.log.warning(error.message)
                continue
            traces += [trace] if trace is not None else []
        self.app.push_screen(PositionChart.of(view, traces))

    def action_totals(self) -> None:
        if self.chat is not None:
            self.app.push_screen(ShiftTotalsDialog(self.chat.shift_totals))
