"""Who has the focus on the chat screen. Nothing else in this folder gives it to a widget."""

from textual.widget import Widget
from textual.widgets import Input

from urial_tui.ui.chat.part import Part
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.situation import Place
from urial_tui.ui.widgets.begin_line import BeginLine
from urial_tui.ui.widgets.composer import Composer
from urial_tui.ui.widgets.session_list import SessionList
from urial_tui.ui.widgets.transcript import Transcript

_PLACES: tuple[tuple[type[Widget], Place], ...] = (
    (Composer, "composer"),
    (Transcript, "transcript"),
    (SessionList, "sessions"),
    (BeginLine, "prefill"),
)


class Focus(Part):
    """Where the keys go, and where they go next."""

    def __init__(self, stage: ChatStage) -> None:
        super().__init__(stage)
        self._left: Widget | None = None
        """What had it when there was no room for anything."""

    def place(self) -> Place:
        focused = self.stage.focused
        around = focused.ancestors_with_self if focused is not None else ()
        for node in around:
            for kind, place in _PLACES:
                if isinstance(node, kind):
                    return place
        return "elsewhere"

    def to_composer(self) -> None:
        self.stage.composer.focus()

    def to_transcript(self) -> None:
        self.stage.transcript.focus()

    def to_sessions(self) -> None:
        self.stage.session_list.focus()

    def to_begin_line(self) -> None:
        self.stage.begin_line.query_one(Input).focus()

    def leave_begin_line(self) -> None:
        """The line is closed: what is written next is meant then."""
        if self.place() == "prefill":
            self.to_composer()

    def leave_sessions(self) -> None:
        """The list goes out of sight: what is written next is meant then."""
        if self.place() == "sessions":
            self.to_composer()

    def keep(self) -> None:
        """Everything goes out of sight, and Textual takes the focus from what is hidden."""
        self._left = self.stage.focused

    def give_back(self) -> None:
        """There is room again: to what had it, or to the composer where that is hidden still."""
        left, self._left = self._left, None
        if self.stage.focused is not None:
            return
        if left in self.stage.focus_chain:
            self.stage.set_focus(left)
        else:
            self.to_composer()
