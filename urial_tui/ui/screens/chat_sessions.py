"""The chat screen's part for sessions: open, new, rename, delete, search, the list's visibility,
drafts.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from textual import on

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize_line
from urial_tui.store.types import Hit
from urial_tui.ui.background import run_latest
from urial_tui.ui.screens.chat_base import ChatBase
from urial_tui.ui.screens.dialog import AskText, Confirm
from urial_tui.ui.screens.search import SearchDialog
from urial_tui.ui.widgets.composer import Composer
from urial_tui.ui.widgets.session_list import SessionList

Find = Callable[[str], Awaitable[Sequence[Hit]]]

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
        if self.chat is None:
            return
        try:
            sessions = await self.chat.sessions()
        except UrialError as error:
            self.tell_error(error)
            return
        self.known_sessions.update({session.id: session for session in sessions})
        current = self.chat.session.id if self.chat.session is not None else None
        self.session_list.set_sessions(sessions, current)
        self.show_heading()
        self.changed()

    def list_is_shown(self) -> bool:
        if self.list_wanted is None:
            return self.size.width >= WIDE and not self.is_crowded()
        return self.list_wanted

    def lay_out_list(self) -> None:
        shown = self.list_is_shown() and not self.too_small
        if not shown and self.place() == "sessions":
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

    def action_search(self) -> None:
        chat = self.chat
        if chat is None:
            return

        def go(hit: Hit | None) -> None:
            if hit is not None:
                self.do_turn(self._go_to_message(hit))

        self.app.push_screen(SearchDialog(self._find), go)

    async def _find(self, query: str) -> Sequence[Hit]:
        chat = self.chat
        search: Find | None = getattr(chat, "search", None)  # a chat may find places in messages
        if search is not None:
            return await search(query)
        sessions = await chat.sessions(query) if chat is not None else ()
        return [Hit(session.id, None, session.title, "") for session in sessions]

    async def _go_to_message(self, hit: Hit) -> None:
        """Open the session where it was found; the message is chosen when it is on the branch
        shown.
        """
        if self.chat is None:
            return
        if self.chat.session is None or self.chat.session.id != hit.session_id:
            await self._go_to(hit.session_id)
        if self.message(hit.message_id) is not None:
            self.transcript.focus()
            self.call_after_refresh(self.transcript.select, hit.message_id)

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
            self.do_turn(self._go_to(event.session_id))

    def action_new_session(self) -> None:
        self.do_turn(self._go_to(None))

    async def _go_to(self, session_id: str | None) -> None:
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

    # --- rename and delete ------------------------------------------------------------------

    def session_in_hand(self) -> tuple[str, str] | None:
        """Id and title of the session that a command means."""
        chat = self.chat
        if chat is None:
            return None
        if self.place() == "sessions" and self.session_list.highlighted is not None:
            session_id = self.session_list.highlighted
            return session_id, self.title_of(session_id)
        return (chat.session.id, chat.session.title) if chat.session is not None else None

    def title_of(self, session_id: str) -> str:
        session = self.known_sessions.get(session_id)
        return session.title if session is not None else ""

    def action_rename(self) -> None:
        self._ask_title(self.session_in_hand())

    def action_delete(self) -> None:
        self._ask_delete(self.session_in_hand())

    @on(SessionList.RenameRequested)
    def rename_from_list(self, event: SessionList.RenameRequested) -> None:
        self._ask_title((event.session_id, self.title_of(event.session_id)))

    @on(SessionList.DeleteRequested)
    def delete_from_list(self, event: SessionList.DeleteRequested) -> None:
        self._ask_delete((event.session_id, self.title_of(event.session_id)))

    def _ask_title(self, session: tuple[str, str] | None) -> None:
        if session is None:
            return
        session_id, title = session

        def rename(new: str | None) -> None:
            if new is not None and new != title and self.chat is not None:
                self.do(self.chat.rename(session_id, new))

        self.app.push_screen(AskText("Rename the session", title), rename)

    def _ask_delete(self, session: tuple[str, str] | None) -> None:
        if session is None:
            return
        session_id, title = session
        name = sanitize_line(title or "Untitled", 60)
        question = f"“{name}” with all its messages and versions is deleted for good."

        def delete(sure: bool | None) -> None:
            if sure:
                self.do(self._delete(session_id))

        self.app.push_screen(Confirm("Delete the session?", question, "Delete"), delete)

    async def _delete(self, session_id: str) -> None:
        chat = self.chat
        if chat is None:
            return
        current = chat.session is not None and chat.session.id == session_id
        if current and chat.busy:
            await chat.stop()
        await chat.delete(session_id)
        if current:
            await self.bring_draft()
        self.refresh_sessions()

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
