"""The chat screen's part for single tokens: the token cursor and its keys, lanes, references, branching."""

from functools import partial

from textual import on

from urial_tui.errors import UrialError
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.inspect import ChatInspect
from urial_tui.ui.inspect.lanes import FILTERS, LANE_NAMES
from urial_tui.ui.inspect.pane import AlternativeChosen
from urial_tui.ui.inspect.trace_view import TraceView
from urial_tui.ui.screens.position_chart import PositionChart
from urial_tui.ui.screens.shift_totals import ShiftTotalsDialog
from urial_tui.ui.widgets.transcript import Transcript

NO_SCORES = "The answer has no scores: which tokens are shifted is not known."


class ChatTokens(ChatInspect):
    """Everything about the token under the cursor, and how tokens are shown."""

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

    @on(Transcript.TokenClicked)
    def token_clicked(self, event: Transcript.TokenClicked) -> None:
        self.move_cursor(event.token)

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
        if view is None or not view.n:
            self.tell(NO_SCORES)
            return
        step = 1 if action.startswith("next") else -1
        name = "shifted" if action.endswith("shifted") else "marginal"
        found = view.next_of(at, "shifted" if name == "shifted" else "marginal", step)
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
