"""Which sessions a command means."""

from collections.abc import Iterable, Sequence

from urial_tui.store.types import Session
from urial_tui.ui.chat.focus import Focus
from urial_tui.ui.chat.part import Part
from urial_tui.ui.chat.stage import ChatStage


class InHand(Part):
    """Those chosen in the list when it has the focus, else the open one."""

    def __init__(self, stage: ChatStage, focus: Focus) -> None:
        super().__init__(stage)
        self.focus = focus
        self.known: dict[str, Session] = {}
        """All that were listed, by id."""

    def know(self, sessions: Iterable[Session]) -> None:
        """These were listed, as they are now."""
        self.known.update({session.id: session for session in sessions})

    def ids(self) -> tuple[str, ...]:
        """The sessions that a command means: those chosen in the list when it has the focus, else the open one."""
        if self.focus.place() == "sessions" and self.stage.session_list.chosen:
            return self.stage.session_list.chosen
        session = self.stage.chat.session if self.stage.chat is not None else None
        return (session.id,) if session is not None else ()

    def sessions(self, session_ids: Sequence[str]) -> list[Session]:
        open_one = self.stage.chat.session if self.stage.chat is not None else None
        found = [self.known.get(one) for one in session_ids]
        if open_one is not None and open_one.id in session_ids and not any(found):
            found = [open_one]
        return [session for session in found if session is not None]
