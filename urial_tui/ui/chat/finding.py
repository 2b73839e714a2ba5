"""Searching: the dialog, going to what was found, and from one hit to the next."""

from collections.abc import Sequence

from urial_tui.chat.filter_words import session_filter
from urial_tui.store.types import Hit, SessionFilter
from urial_tui.ui.chat.branches import Branches
from urial_tui.ui.chat.drafts import Drafts
from urial_tui.ui.chat.focus import Focus
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.sessions import Sessions
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.screens.search import Found, SearchDialog

MOST_HITS = 100


class Finding(Part):
    """Everything that looks for words in all sessions."""

    def __init__(
        self,
        stage: ChatStage,
        focus: Focus,
        drafts: Drafts,
        sessions: Sessions,
        branches: Branches,
    ) -> None:
        super().__init__(stage)
        self.focus = focus
        self.drafts = drafts
        self.sessions = sessions
        self.branches = branches
        self._found: Found | None = None
        """What the last search found, while the keys go through it."""
        self._hit = 0
        """Which of it is on screen."""
        self._searched = ""

    def actions(self) -> Actions:
        return {"search": self.search, "back": self.back}

    def search(self) -> None:
        if self.stage.chat is None:
            return

        def go(found: Found | None) -> None:
            if found is not None:
                self._found, self._hit, self._searched = found, found.chosen, found.text
                self.stage.do_turn(self._go_to_hit)

        self.stage.app.push_screen(SearchDialog(self._find, self._searched), go)

    async def _find(self, text: str) -> tuple[Sequence[Hit], bool]:
        """The hits of a filter line, and whether there are more. Without words, the sessions that it filters."""
        chat = self.stage.chat
        wanted = session_filter(text)
        if chat is None or wanted == SessionFilter():
            return (), False
        if wanted.query.strip():
            hits = await chat.search(wanted.query, wanted, MOST_HITS + 1)
        else:
            sessions = await chat.sessions(wanted, MOST_HITS + 1)
            hits = [Hit(session.id, None, session.title, "") for session in sessions]
        return hits[:MOST_HITS], len(hits) > MOST_HITS

    def step(self, step: int) -> None:
        """Go to the next (+1) or previous hit of the last search."""
        if self._found is not None:
            self._hit = (self._hit + step) % len(self._found.hits)
            self.stage.do_turn(self._go_to_hit)

    async def _go_to_hit(self) -> None:
        """Open the session where it was found, show the branch of the message and mark what was looked for."""
        chat, found = self.stage.chat, self._found
        if chat is None or found is None:
            return
        hit = found.hits[self._hit]
        if chat.session is None or chat.session.id != hit.session_id:
            await self.sessions.go_to(hit.session_id)
        self.stage.transcript.finding = len(found.hits) > 1
        if hit.message_id is not None:
            await self.branches.go_to(hit.message_id)
            self.stage.call_after_refresh(
                self.stage.transcript.show_match, hit.message_id, hit.snippet
            )
        else:
            self.focus.to_transcript()
        if self.drafts.editing is not None:
            return
        words = f"Hit {self._hit + 1} of {len(found.hits)}{' or more' if found.more else ''}"
        back = self.stage.key("chat.back")
        on, before = (
            self.stage.key("transcript.next_hit"),
            self.stage.key("transcript.previous_hit"),
        )
        self.stage.composer.border_title = f"{words}: {on} next, {before} before, {back} ends"

    def leave(self) -> None:
        """The keys for hits have nothing to go to any more."""
        if self._found is not None:
            self._found = None
            self.stage.transcript.finding = False
            self.stage.transcript.show_match(None, "")
            if self.drafts.editing is None:
                self.stage.composer.border_title = ""

    def back(self) -> None:
        """From what was looked at to what is written next."""
        self.leave()
        self.stage.transcript.select(None)
        self.focus.to_composer()
