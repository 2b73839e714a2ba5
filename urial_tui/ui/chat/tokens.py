"""Single tokens: the token cursor and its keys, lanes, references, branching."""

from functools import partial

from urial_tui.errors import UrialError
from urial_tui.shift.classes import Class
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.focus import Focus
from urial_tui.ui.chat.inspection import Inspection
from urial_tui.ui.chat.panes import Panes
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.scores import Scores
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.inspect.lanes import FILTERS, LANE_NAMES
from urial_tui.ui.inspect.pane import AlternativeChosen
from urial_tui.ui.inspect.trace_view import TraceView
from urial_tui.ui.screens.position_chart import PositionChart
from urial_tui.ui.screens.shift_totals import ShiftTotalsDialog

NO_TOKENS = "The model wrote nothing of this answer: there are no tokens to look at."
NO_SCORES = "The answer has no scores: which tokens are shifted is not known."


class Tokens(Part):
    """Everything about the token under the cursor, and how tokens are shown."""

    def __init__(
        self,
        stage: ChatStage,
        focus: Focus,
        panes: Panes,
        inspection: Inspection,
        scores: Scores,
    ) -> None:
        super().__init__(stage)
        self.focus = focus
        self.panes = panes
        self.inspection = inspection
        self.scores = scores

    def actions(self) -> Actions:
        return {
            "inspect": self.toggle,
            "leave_inspect": self.leave,
            "next_lane": self.next_lane,
            "next_reference": self.next_reference,
            "positions": self.positions,
            "totals": self.totals,
        }

    # --- the token cursor -------------------------------------------------------------------

    def toggle(self) -> None:
        """Into the tokens of the answer that is meant, and out of them again."""
        if self.inspection.inspecting is not None:
            self.leave()
        elif (answer := self.inspection.shown_answer()) is not None:
            self.inspect(answer.id)

    def inspect(self, message_id: str) -> None:
        """Put the token cursor into an answer, if there is something for it in it."""
        if self.inspection.is_without_tokens(self.stage.message(message_id)):
            self.stage.tell(NO_TOKENS)
            return
        transcript = self.stage.transcript
        self.inspection.forget_token()
        if self.panes.inspector_wanted is False:
            self.panes.inspector_wanted = None
        self.focus.to_transcript()
        transcript.inspect(message_id)
        if transcript.selected != message_id:
            transcript.select(message_id)
        if self.n_tokens():
            self.inspection.cursor = transcript.first_token_in_view(message_id)
        self._cursor_moved()
        self.stage.call_after_refresh(
            transcript.scroll_to_token
        )  # the inspector may have taken room
        self.scores.load()
        self.stage.changed()

    def leave(self) -> None:
        self.scores.leave_tokens()
        self.scores.show_inspector()
        self.stage.changed()

    def n_tokens(self) -> int:
        """How many tokens of the inspected answer there are."""
        message_id = self.inspection.inspecting
        view = self.inspection.traces.get(message_id)
        shown = self.stage.transcript.token_count(message_id) if message_id is not None else 0
        return max(shown, view.n if view is not None else 0)

    def _cursor_moved(self) -> None:
        self.stage.transcript.show_cursor(self.inspection.cursor, self.inspection.pinned)
        self.scores.show_inspector()

    def move_cursor(self, to: int) -> None:
        """To that token, or the nearest there is."""
        last = self.n_tokens() - 1
        if last >= 0:
            self.inspection.cursor = min(max(to, 0), last)
            self._cursor_moved()

    def pressed(self, action: str) -> None:  # noqa: C901, PLR0912 - one case a key
        """A key of the token cursor."""
        it = self.inspection
        message_id = it.inspecting
        if message_id is None:
            return
        at = it.cursor if it.cursor is not None else -1
        match action:
            case "left":
                self.move_cursor(at - 1)
            case "right":
                self.move_cursor(at + 1)
            case "home":
                self.move_cursor(0)
            case "end":
                self.move_cursor(self.n_tokens() - 1)
            case "next_shifted" | "previous_shifted" | "next_marginal" | "previous_marginal":
                self._jump(action, at)
            case "up":
                self.stage.pane.move_alternative(-1)
            case "down":
                self.stage.pane.move_alternative(1)
            case "other_list":
                self.stage.pane.switch_list()
            case "branch":
                if not self.stage.pane.choose_alternative():
                    self.stage.tell("There is no alternative here to branch from.")
            case "filter":
                it.only = FILTERS[(FILTERS.index(it.only) + 1) % len(FILTERS)]
                self.scores.show_tokens(message_id)
                self.stage.tell(f"Filter: {it.only}")
            case "pin":
                it.pinned = None if it.pinned == it.cursor else it.cursor
                self._cursor_moved()
            case _:
                self.act(action, message_id)

    def _jump(self, action: str, at: int) -> None:
        view = self.inspection.shown_view()
        if view is None or not view.n:
            self.stage.tell(NO_SCORES)
            return
        step = 1 if action.startswith("next") else -1
        name = "shifted" if action.endswith("shifted") else "marginal"
        wanted: Class = "shifted" if name == "shifted" else "marginal"
        found = view.next_of(at, wanted, step)
        if found is None and view.next_of(-1, wanted, 1) is None:
            self.stage.tell(f"There is no {name} token in this answer.")
        elif found is None:
            self.stage.tell(
                f"There is no {name} token {'after' if step > 0 else 'before'} this one."
            )
        else:
            self.move_cursor(found)

    def act(self, action: str, message_id: str) -> None:
        """What a key asks for about the tokens of a message."""
        match action:
            case "tokens":
                answer = self.stage.message(message_id)
                if answer is not None and answer.role == "assistant":
                    self.inspect(message_id)
            case "score":
                if self.stage.chat is not None:
                    self.stage.do(self.stage.chat.score, message_id)
            case "lane":
                self.next_lane()
            case "reference":
                self.next_reference()
            case "inspector":
                self.scores.toggle_inspector()
            case "positions":
                self.positions()
            case "totals":
                self.totals()

    def branch(self, event: AlternativeChosen) -> None:
        """Another answer from the token under the cursor on, with the chosen alternative in its place."""
        message_id = self.inspection.inspecting
        if self.stage.chat is None or message_id is None:
            return
        if self.stage.moment.busy:
            self.stage.tell_busy()
            return
        self.scores.leave_tokens()
        self.stage.do_turn(self.stage.chat.branch_from, message_id, event.i, event.token_id)
        self.stage.transcript.select(None)
        self.stage.transcript.follow()

    # --- how it is shown --------------------------------------------------------------------

    def next_lane(self) -> None:
        lane = self.inspection.traces.next_lane()
        self.stage.transcript.all_tokens_changed()
        self.scores.show_inspector()
        self.stage.tell(f"Colours: {LANE_NAMES[lane]}")

    def next_reference(self) -> None:
        answer = self.inspection.shown_answer()
        if answer is None or self.inspection.traces.get(answer.id) is None:
            return
        side = self.inspection.traces.next_reference(answer.id)
        self.stage.transcript.all_tokens_changed()
        self.scores.show_inspector()
        self.stage.tell(f"Reference: {side}")

    def positions(self) -> None:
        view = self.inspection.shown_view()
        if view is not None:
            run_latest(self.stage, partial(self._show_positions, view), "positions")

    async def _show_positions(self, view: TraceView) -> None:
        """The chart of this answer, and of all answers of the visible branch."""
        chat = self.stage.chat
        if chat is None:
            return
        traces = []
        for message in self.stage.messages:
            if message.role != "assistant":
                continue
            try:
                trace = await chat.trace(message.id)
            except UrialError as error:
                self.stage.log.warning(error.message)
                continue
            traces += [trace] if trace is not None else []
        self.stage.app.push_screen(PositionChart.of(view, traces))

    def totals(self) -> None:
        if self.stage.chat is not None:
            self.stage.app.push_screen(ShiftTotalsDialog(self.stage.chat.shift_totals))
