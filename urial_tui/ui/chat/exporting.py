"""The chat screen's part for exports: of the open session, of those in hand, and of what the list shows."""

from collections.abc import Sequence

from urial_tui.exchange.exporting import Subject
from urial_tui.safetext import sanitize_line
from urial_tui.ui.chat.base import ChatBase
from urial_tui.ui.screens.export import ExportDialog


class ChatExporting(ChatBase):
    """Everything that writes conversations to files for others."""

    def action_export(self) -> None:
        session = self.chat.session if self.chat is not None else None
        chosen = self.session_list.chosen if self.place() == "sessions" else ()
        ids = chosen or ((session.id,) if session is not None else ())
        self.export_sessions(ids)

    def export_sessions(self, session_ids: Sequence[str]) -> None:
        """Ask how and where. Where the list is filtered, what it shows can be meant too."""
        desk = self.services.exports
        if desk is None or not session_ids:
            return
        subjects = [Subject(self._called(session_ids), sessions=tuple(session_ids))]
        listed = self.session_list.listed
        if self.session_list.query_text.strip() and listed and set(listed) != set(session_ids):
            subjects.append(Subject(f"the {len(listed)} sessions of the list", sessions=listed))
        self.app.push_screen(ExportDialog(desk, subjects))

    def _called(self, session_ids: Sequence[str]) -> str:
        if len(session_ids) > 1:
            return f"{len(session_ids)} sessions"
        session = self.known_sessions.get(session_ids[0])
        if session is None and self.chat is not None:
            session = self.chat.session
        title = session.title if session is not None else ""
        return sanitize_line(title, 60) or "session"
