"""Lines that are drawn when they come on screen: for lists and texts of any length. Optionally with a cursor on a line.

It knows nothing of what the lines are about; the screen gives them and acts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from urial_tui.ui.drawing.canvas import Inks
from urial_tui.ui.drawing.lines import Line

Draw = Callable[[int, int], Line]
"""(number of a line, width) to the line, of safe text."""


class LineList(ScrollView, can_focus=True, inherit_bindings=False):
    """`draw` is asked for a line each time that it is drawn. With `cursor`, arrows move by line, else they scroll."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-list--cursor"}
    DEFAULT_CSS = """
    LineList {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        & > .line-list--cursor { background: $foreground 12%; }
        &:focus > .line-list--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: bold;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "end(-1)", "Top", show=False),
        Binding("end", "end(1)", "Bottom", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The cursor is on another line."""

        line_list: "LineList"
        number: int

    @dataclass
    class Clicked(Message):
        """A line was clicked that the cursor was on already."""

        line_list: "LineList"
        number: int

    def __init__(self, draw: Draw, *, cursor: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._inks = Inks(self)
        self._has_cursor = cursor
        self.count = 0
        self.cursor = 0

    @property
    def width(self) -> int:
        """Cells of a line."""
        return max(self.scrollable_content_region.width, 1)

    def show_lines(self, count: int, cursor: int | None = None) -> None:
        """There are so many lines now; what they say may be different."""
        self.count = count
        self.virtual_size = Size(self.width, count)
        wanted = self.cursor if cursor is None else cursor
        self.cursor = min(max(wanted, 0), max(count - 1, 0))
        self.refresh()

    def move_to(self, number: int, *, middle: bool = False) -> None:
        """Put the cursor on a line, and the line into view."""
        number = min(max(number, 0), max(self.count - 1, 0))
        before, self.cursor = self.cursor, number
        self.bring_into_view(number, middle=middle)
        self.refresh_line(before - self.scroll_offset.y)
        self.refresh_line(number - self.scroll_offset.y)
        if number != before:
            self.post_message(self.Moved(self, number))

    def bring_into_view(self, number: int, *, middle: bool = False) -> None:
        height, top = max(self.size.height, 1), round(self.scroll_target_y)
        if top <= number < top + height and not middle:
            return
        at_edge = number if number < top else number - height + 1
        top = number - height // 3 if middle else at_edge
        self.scroll_to(y=max(top, 0), animate=False, force=True)

    def action_move(self, step: int) -> None:
        if self._has_cursor:
            self.move_to(self.cursor + step)
        else:
            self.scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        page = step * max(self.size.height - 2, 1)
        if self._has_cursor:
            self.move_to(self.cursor + page)
        else:
            self.scroll_relative(y=page, animate=False)

    def action_end(self, step: int) -> None:
        if self._has_cursor:
            self.move_to(0 if step < 0 else self.count - 1)
        elif step < 0:
            self.scroll_home(animate=False)
        else:
            self.scroll_end(animate=False)

    def on_click(self, event: events.Click) -> None:
        number = self.scroll_offset.y + event.y
        if not self._has_cursor or number >= self.count:
            return
        if number == self.cursor:
            self.post_message(self.Clicked(self, number))
        else:
            self.move_to(number)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._inks.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        number = self.scroll_offset.y + y
        line = self._draw(number, self.width) if number < self.count else []
        strip = self._inks.strip(line, self.size.width)
        if self._has_cursor and number == self.cursor and self.count:
            strip = strip.apply_style(
                self.get_component_rich_style("line-list--cursor", partial=True)
            )
        return strip
