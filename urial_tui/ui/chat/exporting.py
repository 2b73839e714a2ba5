"""Exports: of the open session, of those in hand, and of what the list shows."""

from collections.abc import Sequence

from urial_tui.exchange.exporting import Subject
from urial_tui.safetext import sanitize_line
from urial_tui.ui.chat.in_hand import InHand
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.screens.export import ExportDialog


class Exporting(Part):
    """See the module."""

    def __init__(self, stage: ChatStage, in_hand: InHand) -> None:
        super().__init__(stage)
        self.in_hand = in_hand

    def actions(self) -> Actions:
        return {"export": self.export_in_hand}

    def export_in_hand(self) -> None:
        self.export(self.in_hand.ids())

    def export(self, session_ids: Sequence[str]) -> None:
        """Ask how and where. Where the list is filtered, what it shows can be meant too."""
        desk = self.stage.services.exports
        if desk is None or not session_ids:
            return
        subjects = [Subject(self._called(session_ids), sessions=tuple(session_ids))]
        listed = self.stage.session_list.listed
        if (
            self.stage.session_list.query_text.strip()
            and listed
            and set(listed) != set(session_ids)
        ):
            subjects.append(Subject(f"the {len(listed)} sessions of the list", sessions=listed))
        self.stage.app.push_screen(ExportDialog(desk, subjects))

    def _called(self, session_ids: Sequence[str]) -> str:
        if len(session_ids) > 1:
            return f"{len(session_ids)} sessions"
        session = self.in_hand.known.get(session_ids[0])
        if session is None and self.stage.chat is not None:
            session = self.stage.chat.session
        title = session.title if session is not None else ""
        return sanitize_line(title, 60) or "session"
