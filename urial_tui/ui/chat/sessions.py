"""The chat screen's part for sessions: the list and its filter, open, new, take over, drafts."""

from functools import partial

from textual import on

from urial_tui.chat.filter_words import session_filter
from urial_tui.errors import UrialError
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.base import ChatBase
from urial_tui.ui.screens.dialog import Confirm, problem_text
from urial_tui.ui.widgets.composer import Composer
from urial_tui.ui.widgets.session_list import SessionList

PAGE = 200
"""Sessions that are asked for at once."""
WIDE = 110
"""From this many columns on the session list is shown without being asked for."""


class ChatSessions(ChatBase):
    """Everything about which session is on screen."""

    list_wanted: bool | None = None
    """Whether the user asked for the list or put it away; None: the width decides."""

    # --- the list ---------------------------------------------------------------------------

    def refresh_sessions(self) -> None:
        if self.chat is not None:
            run_latest(self, self._fill_sessions, "sessions")

    async def _fill_sessions(self) -> None:
        """The sessions that the filter line asks for, as many as are in the list already."""
        chat, listed = self.chat, self.session_list
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
            self.tell_error(error)
            return
        self.known_sessions.update({session.id: session for session in sessions})
        current = chat.session.id if chat.session is not None else None
        listed.set_sessions(sessions, current, total=total)
        self.show_heading()
        self.changed()

    @on(SessionList.FilterChanged)
    def filter_changed(self) -> None:
        self.refresh_sessions()

    @on(SessionList.MoreWanted)
    def more_wanted(self) -> None:
        run_latest(self, self._add_sessions, "sessions")

    async def _add_sessions(self) -> None:
        chat, listed = self.chat, self.session_list
        if chat is None:
            return
        try:
            wanted = session_filter(listed.query_text)
            more = await chat.sessions(wanted, PAGE, listed.count)
        except UrialError as error:
            self.tell_error(error)
            return
        self.known_sessions.update({session.id: session for session in more})
        listed.add_sessions(more)

    def list_is_shown(self) -> bool:
        if self.list_wanted is None:
            return self.size.width >= WIDE and not self.is_crowded()
        return self.list_wanted

    def lay_out_list(self) -> None:
        shown = self.list_is_shown() and not self.too_small
        if not shown and not self.too_small and self.place() == "sessions":
            self.composer.focus()
        self.set_class(shown, "-sessions")
        self.place_inspector()

    def action_toggle_sessions(self) -> None:
        """Hidden: show it and go there. Shown but elsewhere: go there. There: hide it."""
        if self.list_is_shown() and self.place() == "sessions":
            self.list_wanted = False
            self.lay_out_list()
            self.composer.focus()
            return
        self.show_list()
        self.session_list.focus()

    def show_list(self) -> None:
        if not self.list_is_shown():
            self.list_wanted = True
        self.lay_out_list()

    # --- open and new -----------------------------------------------------------------------

    @on(SessionList.Chosen)
    def choose_session(self, event: SessionList.Chosen) -> None:
        chat = self.chat
        if chat is None:
            return
        if self.size.width < WIDE:
            self.list_wanted = False
            self.lay_out_list()
        self.composer.focus()
        if chat.session is None or chat.session.id != event.session_id:
            self.do_turn(self.go_to_session(event.session_id))

    def action_new_session(self) -> None:
        self.do_turn(self.go_to_session(None))

    async def go_to_session(self, session_id: str | None, *, to_composer: bool = True) -> None:
        """Put another session on screen, a new one for None; `to_composer`: with the focus on what is written next."""
        chat = self.chat
        if chat is None:
            return
        if chat.busy:
            await chat.stop()
        await self.keep_draft()
        if session_id is None:
            await chat.new_session()
        else:
            await chat.open_session(session_id)
        self.show_side()
        await self.bring_draft()
        self.refresh_sessions()
        if to_composer:
            self.composer.focus()

    # --- a session that another program holds -----------------------------------------------

    def action_take_over(self) -> None:
        chat = self.chat
        if chat is None or chat.locked is None:
            return
        session = chat.session
        question = (
            f"Another program holds this session: {chat.locked.message}.\n"
            "If it still runs, its next messages here are refused."
        )

        def take(sure: bool | None) -> None:
            if sure and chat.session == session:
                self.do_turn(self._take_over())

        self.app.push_screen(
            Confirm("Take over the session?", question, "Take over", "Leave it"), take
        )

    async def _take_over(self) -> None:
        if self.chat is None:
            return
        await self.chat.take_over()
        self.tell("The session is yours now.")

    # --- drafts -----------------------------------------------------------------------------

    @on(Composer.DraftChanged)
    def draft_changed(self) -> None:
        self.save_draft()

    def save_draft(self) -> None:
        if self.chat is not None:
            run_latest(self, partial(self._save_draft, self.draft_now()), "draft")

    def draft_now(self) -> str:
        """What must not be lost: the draft, and before it an edited message that is not sent."""
        text = self.composer.text
        if self.editing is None:
            return text
        edited = text if text != self.editing_text else ""
        return "\n\n".join(filter(None, (edited, self.kept_draft)))

    async def _save_draft(self, text: str) -> None:
        """Drafts are a convenience: trouble with the history is told by the chat, once, not at
        each key.
        """
        if self.chat is None:
            return
        try:
            await self.chat.save_draft(text)
        except UrialError as error:
            self.log.warning(error.message)

    async def keep_draft(self) -> None:
        """Save what is in the composer now: before leaving the session or the program."""
        if self.chat is None or not self.is_attached:
            return
        self.composer.draft_is_kept()
        await self._save_draft(self.draft_now())

    async def bring_draft(self) -> None:
        """Put the session's draft into the composer."""
        if self.chat is None:
            return
        if self.editing is not None:
            self.editing = None
            self.kept_draft = self.editing_text = ""
            self.composer.border_title = ""
            self.composer.remove_class("-editing")
        self.composer.set_text(await self.chat.draft())
        self.changed()
