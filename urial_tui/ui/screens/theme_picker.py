"""The list of themes: the one under the cursor is shown at once, and Escape brings the former one back."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import OptionList

from urial_tui.safetext import sanitize_line
from urial_tui.ui.screens.dialog import ChooseOne


class ThemePicker(ChooseOne[str]):
    """See the module. The answer is the name of a theme; saving it is the caller's business."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "theme_picker.tcss"]

    def __init__(self, names: Sequence[str], current: str) -> None:
        choices = [
            (Content(f"{'● ' if name == current else '  '}{sanitize_line(name)}"), name)
            for name in names
        ]
        super().__init__("Theme", choices, names.index(current) if current in names else 0)
        self._names, self._before = tuple(names), current

    @on(OptionList.OptionHighlighted)
    def show(self, event: OptionList.OptionHighlighted) -> None:
        self.app.theme = self._names[event.option_index]

    def action_close(self) -> None:
        if self._before in self.app.available_themes:
            self.app.theme = self._before
        self.dismiss(None)
