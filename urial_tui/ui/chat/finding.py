"""The chat screen's part for searching: the dialog, going to what was found, and from one hit to the next."""

from collections.abc import Sequence

from urial_tui.chat.filter_words import session_filter
from urial_tui.store.types import Hit, SessionFilter
from urial_tui.ui.chat.base import ChatBase
from urial_tui.ui.screens.search import Found, SearchDialog

MOST_HITS = 100


class ChatFinding(ChatBase):
    """Everything that looks for words in all sessions."""

    found: Found | None = None
    """What the last search found, while the keys go through it."""
    hit = 0
    """Which of it is on screen."""
    searched = ""

    def action_search(self) -> None:
        if self.chat is None:
            return

        def go(found: Found | None) -> None:
            if found is not None:
                self.found, self.hit, self.searched = found, found.chosen, found.text
                self.do_turn(self._go_to_hit())

        self.app.push_screen(SearchDialog(self._find, self.searched), go)

    async def _find(self, text: str) -> tuple[Sequence[Hit], bool]:
        """The hits of a filter line, and whether there are more. Without words, the sessions that it filters."""
        chat = self.chat
        wanted = session_filter(text)
        if chat is None or wanted == SessionFilter():
            return (), False
        if wanted.query.strip():
            hits = await chat.search(wanted.query, wanted, MOST_HITS + 1)
        else:
            sessions = await chat.sessions(wanted, MOST_HITS + 1)
            hits = [Hit(session.id, None, session.title, "") for session in sessions]
        return hits[:MOST_HITS], len(hits) > MOST_HITS

    def step_hit(self, step: int) -> None:
        if self.found is not None:
            self.hit = (self.hit + step) % len(self.found.hits)
            self.do_turn(self._go_to_hit())

    async def _go_to_hit(self) -> None:
        """Open the session where it was found, show the branch of the message and mark what was looked for."""
        chat, found = self.chat, self.found
        if chat is None or found is None:
            return
        hit = found.hits[self.hit]
        if chat.session is None or chat.session.id != hit.session_id:
            await self.go_to_session(hit.session_id)
        self.transcript.finding = len(found.hits) > 1
        if hit.message_id is not None:
            await self.go_to_message(hit.message_id)
            self.call_after_refresh(self.transcript.show_match, hit.message_id, hit.snippet)
        else:
            self.transcript.focus()
        if self.editing is not None:
            return
        words = f"Hit {self.hit + 1} of {len(found.hits)}{' or more' if found.more else ''}"
        back = self.key("chat.back")
        on, before = self.key("transcript.next_hit"), self.key("transcript.previous_hit")
        self.composer.border_title = f"{words}: {on} next, {before} before, {back} ends"

    def leave_hits(self) -> None:
        """The keys for hits have nothing to go to any more."""
        if self.found is not None:
            self.found = None
            self.transcript.finding = False
            self.transcript.show_match(None, "")
            if self.editing is None:
                self.composer.border_title = ""
