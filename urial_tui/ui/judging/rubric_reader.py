"""A rubric's whole text, which the sheet below an answer has no room for. It begins at the aspect under the cursor."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType

from urial_tui.safetext import sanitize_line
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line
from urial_tui.ui.judging.sheet import Sheet
from urial_tui.ui.judging.sheet_lines import rubric_lines
from urial_tui.ui.keymap import up_and_down
from urial_tui.ui.screens.dialog import Dialog


class RubricReader(Dialog[None]):
    """See the module."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["../screens/dialog.tcss", "reader.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "close", "Close", show=False)]

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self._sheet = sheet

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box, VerticalScroll(id="read"):
            yield Canvas(self._lines, tall=True, id="lines")
        rubric = self._sheet.rubric
        box.border_title = Content(sanitize_line(f"{rubric.id}: {rubric.name}", 80))
        box.border_subtitle = Content(f"{up_and_down()} scroll, Esc closes")

    def on_mount(self) -> None:
        self.query_one("#read").focus()
        self.call_after_refresh(self._to_aspect)

    def _lines(self, width: int, height: int) -> list[Line]:
        return rubric_lines(self._sheet, width)[0]

    def _to_aspect(self) -> None:
        width = self.query_one("#lines", Canvas).content_size.width
        _, line = rubric_lines(self._sheet, width)
        self.query_one("#read", VerticalScroll).scroll_to(y=line, animate=False, force=True)
