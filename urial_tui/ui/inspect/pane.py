"""The inspector beside the transcript: it draws what the screen gives it and keeps which alternative is highlighted.

It makes no calls and takes no keys of its own; the screen binds them to `move_alternative`, `switch_list` and
`choose_alternative`.
"""

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from urial_tui.chat.pair import PairStatus
from urial_tui.ui.drawing.canvas import Inks
from urial_tui.ui.drawing.lines import Highlight, text_of
from urial_tui.ui.inspect.alternatives import lists_of
from urial_tui.ui.inspect.layout import Drawn, Shown, draw
from urial_tui.ui.inspect.tally import Tally
from urial_tui.ui.inspect.trace_view import TraceView


class AlternativeChosen(Message):
    """The answer shall continue from `token_id` in the place of token `i`."""

    def __init__(self, i: int, token_id: int) -> None:
        super().__init__()
        self.i = i
        self.token_id = token_id


class InspectorPane(Widget):
    """Draws one token, and the answer that it stands in, as both sides see them."""

    AlternativeChosen = AlternativeChosen

    DEFAULT_CSS = """
    InspectorPane { width: 1fr; height: 1fr; padding: 0 1; background: $surface; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._shown = Shown()
        self._tally = Tally()
        self._inks = Inks(self)
        self._drawn: Drawn | None = None
        self._highlight: Highlight | None = None
        self._highlight_of: tuple[str, int, int] | None = None

    # --- what is shown ----------------------------------------------------------------------

    def update_view(
        self,
        view: TraceView | None,
        cursor: int | None,
        pinned: int | None,
        pair: PairStatus | None,
        offer: str = "",
    ) -> None:
        """Show this from now on. `cursor` and `pinned` are token places; `offer` is what can be done where scores are
        missing, in words; it is shown only there. Call it again when the view has grown: nothing is copied from it."""
        self._shown = Shown(view, cursor, pinned, pair, offer)
        self._keep_highlight()
        self._changed()

    @property
    def text(self) -> str:
        """What is drawn, as plain text."""
        return text_of(self._draw().lines)

    # --- the highlighted alternative --------------------------------------------------------

    def alternative(self) -> tuple[int, int] | None:
        """(token place, token id) of the highlighted alternative; None without a cursor, or where the lists are not
        on screen: nobody should branch from what cannot be seen."""
        shown, chosen = self._shown, self._highlight
        if shown.view is None or shown.cursor is None or chosen is None:
            return None
        if not self._draw().list_rows:
            return None
        return shown.cursor, lists_of(shown.view, shown.cursor)[chosen.list][chosen.row][0]

    def move_alternative(self, step: int) -> None:
        """Highlight another row of the list; it ends at both ends."""
        lists = self._lists()
        if self._highlight is None or lists is None:
            return
        last = len(lists[self._highlight.list]) - 1
        row = min(max(self._highlight.row + step, 0), last)
        self._highlight = Highlight(self._highlight.list, row)
        self._changed()

    def switch_list(self) -> None:
        """Go to the other side's list, if it has one."""
        lists = self._lists()
        if self._highlight is None or lists is None:
            return
        other = 1 - self._highlight.list
        if lists[other]:
            row = min(self._highlight.row, len(lists[other]) - 1)
            self._highlight = Highlight(other, row)
            self._changed()

    def choose_alternative(self) -> bool:
        """Post AlternativeChosen for the highlighted alternative; False when there is none."""
        found = self.alternative()
        if found is not None:
            self.post_message(AlternativeChosen(*found))
        return found is not None

    def _lists(self) -> tuple[tuple[tuple[int, float], ...], ...] | None:
        shown = self._shown
        if shown.view is None or shown.cursor is None:
            return None
        return lists_of(shown.view, shown.cursor)

    def _keep_highlight(self) -> None:
        """The highlight stays while the token and the sides stay; else it is the best one that was not written."""
        shown, lists = self._shown, self._lists()
        if shown.view is None or shown.cursor is None or lists is None or not any(lists):
            self._highlight = self._highlight_of = None
            return
        where = (shown.view.trace.message_id, shown.cursor, shown.view.reference)
        kept = self._highlight
        if where == self._highlight_of and kept is not None and kept.row < len(lists[kept.list]):
            return
        number = 0 if lists[0] else 1
        token = shown.view.score(shown.cursor)
        written = token.id if token is not None else -1
        ids = [id_ for id_, _ in lists[number]]
        row = next((n for n, id_ in enumerate(ids) if id_ != written), 0)
        self._highlight, self._highlight_of = Highlight(number, row), where

    # --- drawing ----------------------------------------------------------------------------

    def _changed(self) -> None:
        self._drawn = None
        self.refresh()

    def _draw(self) -> Drawn:
        if self._drawn is None:
            shown = self._shown
            shown = Shown(
                shown.view, shown.cursor, shown.pinned, shown.pair, shown.offer, self._highlight
            )
            size = self.content_size
            self._drawn = draw(shown, self._tally, size.width, size.height)
        return self._drawn

    def on_resize(self, event: events.Resize) -> None:
        self._changed()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._inks.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        lines = self._draw().lines
        line = lines[y] if y < len(lines) else []
        return self._inks.strip(line, self.content_size.width)
