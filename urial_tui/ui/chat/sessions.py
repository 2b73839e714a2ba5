"""Which session is on screen: the list and its filter, open, new, take over."""

from urial_tui.chat.filter_words import session_filter
from urial_tui.errors import UrialError
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.drafts import Drafts
from urial_tui.ui.chat.focus import Focus
from urial_tui.ui.chat.in_hand import InHand
from urial_tui.ui.chat.labels import Labels
from urial_tui.ui.chat.panes import Panes
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.screens.dialog import Confirm, problem_text

PAGE = 200
"""Sessions that are asked for at once."""
LOCK_PERIOD = 2.0
"""Seconds after which it is seen whether another program still holds the session that is shown."""


class Sessions(Part):
    """See the module."""

    def __init__(
        self,
        stage: ChatStage,
        focus: Focus,
        in_hand: InHand,
        panes: Panes,
        labels: Labels,
        drafts: Drafts,
    ) -> None:
        super().__init__(stage)
        self.focus = focus
        self.in_hand = in_hand
        self.panes = panes
        self.labels = labels
        self.drafts = drafts

    def actions(self) -> Actions:
        return {
            "toggle_sessions": self.toggle_list,
            "new_session": self.new,
            "take_over": self.ask_to_take_over,
        }

    # --- the list ---------------------------------------------------------------------------

    def refresh(self) -> None:
        """Ask for the list again."""
        if self.stage.chat is not None:
            run_latest(self.stage, self._fill, "sessions")

    async def _fill(self) -> None:
        """The sessions that the filter line asks for, as many as are in the list already."""
        chat, listed = self.stage.chat, self.stage.session_list
        if chat is None:
            return
        try:
            wanted = session_filter(listed.query_text)
        except UrialError as error:
            listed.show_problem(problem_text(error))
            return
        limit = max(PAGE, listed.count)
        try:
            sessions = await chat.sessions(wanted, limit)
            full = len(sessions) == limit
            total = await chat.count_sessions(wanted) if full else len(sessions)
        except UrialError as error:
            self.stage.tell_error(error)
            return
        self.in_hand.know(sessions)
        current = chat.session.id if chat.session is not None else None
        listed.set_sessions(sessions, current, total=total)
        self.labels.show_title()
        self.stage.changed()

    def more(self) -> None:
        """Ask for those behind the last one that is listed."""
        run_latest(self.stage, self._add, "sessions")

    async def _add(self) -> None:
        chat, listed = self.stage.chat, self.stage.session_list
        if chat is None:
            return
        try:
            wanted = session_filter(listed.query_text)
            more = await chat.sessions(wanted, PAGE, listed.count)
        except UrialError as error:
            self.stage.tell_error(error)
            return
        self.in_hand.know(more)
        listed.add_sessions(more)

    def toggle_list(self) -> None:
        """Hidden: show it and go there. Shown but elsewhere: go there. There: hide it."""
        if self.panes.list_is_shown() and self.focus.place() == "sessions":
            self.panes.hide_list()
            self.focus.to_composer()
            return
        self.panes.show_list()
        self.focus.to_sessions()

    # --- open and new -----------------------------------------------------------------------

    def choose(self, session_id: str) -> None:
        """The user picked it in the list."""
        chat = self.stage.chat
        if chat is None:
            return
        self.panes.list_was_used()
        self.focus.to_composer()
        if chat.session is None or chat.session.id != session_id:
            self._leave_for(session_id)

    def new(self) -> None:
        self._leave_for(None)

    def _leave_for(self, session_id: str | None) -> None:
        """Go there. What is typed after the key that asked for it is for that session, not for this one."""
        if self.stage.chat is not None and not self.stage.is_turning:
            self.drafts.part()
            self.stage.do_turn(self.go_to, session_id)

    async def go_to(self, session_id: str | None, *, to_composer: bool = True) -> None:
        """Put another session on screen, a new one for None; `to_composer`: with the focus on what is written next."""
        chat = self.stage.chat
        if chat is None:
            return
        async with self.drafts.moving():
            if session_id is None:
                await chat.new_session()
            else:
                await chat.open_session(session_id)
        self.labels.show_side()
        self.refresh()
        if to_composer:
            self.focus.to_composer()

    # --- a session that another program holds -----------------------------------------------

    def ask_to_take_over(self) -> None:
        chat = self.stage.chat
        if chat is None or chat.locked is None:
            return
        session = chat.session
        question = (
            f"Another program holds this session: {chat.locked.message}.\n"
            "If it still runs, its next messages here are refused."
        )

        def take(sure: bool | None) -> None:
            if sure and chat.session == session:
                self.stage.do_turn(self._take_over)

        self.stage.app.push_screen(
            Confirm("Take over the session?", question, "Take over", "Leave it"), take
        )

    def watch_lock(self) -> None:
        """See from now on when the other program lets go of it."""
        self.stage.set_interval(LOCK_PERIOD, self.look_at_lock, name="lock")

    def look_at_lock(self) -> None:
        chat = self.stage.chat
        if chat is not None and chat.locked is not None and not self.stage.is_working:
            run_latest(self.stage, self._relock, "lock")

    async def _relock(self) -> None:
        chat = self.stage.chat
        try:
            if chat is None or not await self.drafts.joining(chat.relock):
                return
        except UrialError as error:
            self.stage.log.warning(error.message)
            return
        self.stage.tell("The other program has let go of this session: you can write in it now.")

    async def _take_over(self) -> None:
        if self.stage.chat is None:
            return
        await self.drafts.joining(self.stage.chat.take_over)
        self.stage.tell("The session is yours now.")
