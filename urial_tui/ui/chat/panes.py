"""Which panes there is room for: the list of sessions, the inspector, and in a very small terminal neither them nor
anything else.
"""

from textual.geometry import Size
from textual.widgets import Static

from urial_tui.ui.chat.focus import Focus
from urial_tui.ui.chat.inspection import Inspection
from urial_tui.ui.chat.part import Part
from urial_tui.ui.chat.stage import ChatStage

MIN_WIDTH, MIN_HEIGHT = 44, 12
"""The smallest terminal that the screen is laid out for."""
FULL_WIDTH, FULL_HEIGHT = 60, 16
"""Below this something is hidden, and a notice says what."""
BESIDE_LIST = 80
"""Below this many columns the list is over the conversation, as chat.tcss has it."""
WIDE = 110
"""From this many columns on the session list is shown without being asked for."""
BESIDE = 100
"""From this many columns on the inspector is beside the transcript, below them under it."""
ALWAYS = 132
"""From this many columns on it is shown without being asked for, when there is something in it."""


class Panes(Part):
    """What is shown beside the conversation."""

    def __init__(self, stage: ChatStage, focus: Focus, inspection: Inspection) -> None:
        super().__init__(stage)
        self.focus = focus
        self.inspection = inspection
        self.too_small = False
        self.list_wanted: bool | None = None
        """Whether the user asked for the list or put it away; None: the width decides."""
        self.inspector_wanted: bool | None = None
        """The same for the inspector."""

    def fit(self, size: Size) -> None:
        """Lay out for a terminal of another size."""
        width, height = size
        was_too_small = self.too_small
        self.too_small = width < MIN_WIDTH or height < MIN_HEIGHT
        if self.too_small and not was_too_small:
            self.focus.keep()
        self.stage.set_class(self.too_small, "-too-small")
        if self.too_small:
            text = (
                f"urial-tui needs at least {MIN_WIDTH}x{MIN_HEIGHT}.\n"
                f"This terminal is {width}x{height}.\n\n"
                f"Nothing is lost: make it larger,\nor press {self.stage.key('app.quit')} to leave."
            )
            self.stage.query_one("#too-small-text", Static).update(text)
        self._say_what_is_hidden(width, height)
        self.uncover()
        self.lay_out()
        if was_too_small and not self.too_small:
            self.stage.call_after_refresh(self._there_is_room)
        self.stage.changed()

    def _say_what_is_hidden(self, width: int, height: int) -> None:
        hidden = []
        if width < FULL_WIDTH:
            hidden.append(f"sessions open over the text ({self.stage.key('chat.sessions')})")
        if height < FULL_HEIGHT:
            hidden.append(f"key hints are hidden ({self.stage.key('app.help')} lists them)")
        small = bool(hidden) and not self.too_small
        words = f"Small terminal, {width}x{height}: {', '.join(hidden)}."
        self.stage.banner.show("layout", words if small else "")

    def _there_is_room(self) -> None:
        if not self.too_small:
            self.focus.give_back()

    def lay_out(self) -> None:
        """Show what there is room for and hide the rest."""
        shown = self.list_is_shown() and not self.too_small
        if not shown and not self.too_small:
            self.focus.leave_sessions()
        self.stage.set_class(shown, "-sessions")
        self._place_inspector()

    def _place_inspector(self) -> None:
        shown = self.inspector_is_shown() and not self.too_small
        self.stage.set_class(shown, "-inspector")
        self.stage.set_class(shown and self.stage.size.width < BESIDE, "-inspector-below")
        self.stage.set_class(self.inspection.inspecting is not None, "-inspecting")

    # --- the list of sessions ---------------------------------------------------------------

    def list_is_shown(self) -> bool:
        if self.list_wanted is None:
            return self.stage.size.width >= WIDE and not self._is_crowded()
        return self.list_wanted

    def show_list(self) -> None:
        if not self.list_is_shown():
            self.list_wanted = True
        self.lay_out()

    def hide_list(self) -> None:
        self.list_wanted = False
        self.lay_out()

    def uncover(self) -> None:
        """The focus is elsewhere: a list that lies over the conversation goes."""
        covers = self.stage.size.width < BESIDE_LIST and self.list_is_shown()
        if covers and not self.too_small and self.focus.place() != "sessions":
            self.hide_list()

    def list_was_used(self) -> None:
        """A session was chosen: where the list is over the text or takes its room, it goes."""
        if self.stage.size.width < WIDE:
            self.hide_list()

    # --- the inspector ----------------------------------------------------------------------

    def inspector_is_shown(self) -> bool:
        if self.stage.size.width < BESIDE and self.list_is_shown():
            return False  # one of the two at a time
        if self.inspector_wanted is not None:
            return self.inspector_wanted
        if self.inspection.inspecting is not None:
            return True
        return self.stage.size.width >= ALWAYS and self.inspection.shown_view() is not None

    def _is_crowded(self) -> bool:
        width = self.stage.size.width
        return BESIDE <= width < ALWAYS and self.inspector_is_shown()
