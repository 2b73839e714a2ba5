"""A widget for lines of the inspector: they are drawn again for each size and each theme."""

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from urial_tui.ui.drawing.lines import Line, text_of
from urial_tui.ui.drawing.look import style_of

Paint = Callable[[int, int], list[Line]]
"""(width, height) of the room to the lines."""


class Inks:
    """The styles of one widget's looks, worked out once for each theme and state of the widget."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[str, Style] = {}

    def clear(self) -> None:
        """The widget's own style, or the theme, is another one."""
        self._styles.clear()

    def strip(self, line: Line, width: int) -> Strip:
        """A line in the widget's colours, cut or filled to `width`."""
        strip = Strip([Segment(text, self._style(name)) for text, name in line])
        return strip.adjust_cell_length(width, self._style(""))

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            over = style_of(name, self._widget.app.theme_variables)
            style = self._styles[name] = self._widget.rich_style + over
        return style


class Canvas(Widget):
    """Shows what `paint` gives for its size. With `tall` its height is that of the lines, for a scroller around it."""

    DEFAULT_CSS = """
    Canvas { width: 1fr; height: 1fr; }
    Canvas.-tall { height: auto; }
    """

    def __init__(self, paint: Paint, *, tall: bool = False, id: str | None = None) -> None:
        super().__init__(id=id, classes="-tall" if tall else None)
        self._paint = paint
        self._inks = Inks(self)
        self._kept: tuple[tuple[int, int], list[Line]] | None = None

    @property
    def text(self) -> str:
        """What is drawn, as plain text."""
        return text_of(self._lines(self.content_size.width, self.content_size.height))

    def repaint(self) -> None:
        """Draw again: what `paint` reads is different now."""
        self._kept = None
        self.refresh(layout=self.has_class("-tall"))

    def _lines(self, width: int, height: int) -> list[Line]:
        size = (width, 0 if self.has_class("-tall") else height)
        if self._kept is None or self._kept[0] != size:
            self._kept = (size, self._paint(*size))
        return self._kept[1]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width, 0))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._inks.clear()
        self.refresh()

    def render(self) -> RenderResult:
        return Content("")

    def render_line(self, y: int) -> Strip:
        width = self.content_size.width
        lines = self._lines(width, self.content_size.height)
        return self._inks.strip(lines[y] if y < len(lines) else [], width)
