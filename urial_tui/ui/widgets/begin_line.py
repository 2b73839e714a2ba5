"""The line above the composer where the user writes how the answer begins; the model goes on from
there.
"""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label


class BeginLine(Horizontal):
    """Closed by default. Its text is exactly what the answer begins with, spaces included."""

    DEFAULT_CSS = """
    BeginLine { display: none; height: 1; padding: 0 1; }
    BeginLine.-open { display: block; }
    BeginLine Label { width: auto; color: $text-accent; padding: 0 1 0 0; }
    BeginLine Input { border: none; height: 1; width: 1fr; padding: 0; background: $surface; }
    BeginLine Input:focus { border: none; background-tint: $accent 10%; }
    """

    def compose(self) -> ComposeResult:
        yield Label("Answer begins with", markup=False)
        yield Input(id="begin-text", placeholder="Sure, here is…", select_on_focus=False)

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    @property
    def text(self) -> str:
        return self.query_one(Input).value if self.is_open else ""

    def open(self, text: str = "") -> None:
        """Show the line, with this in it where it is given, else with what it had."""
        if text:
            self.query_one(Input).value = text
        self.add_class("-open")

    def close(self) -> None:
        """The model begins the answer itself. The text is there again when the line is opened again."""
        self.remove_class("-open")

    def let_go(self) -> None:
        """The answer was begun with it: close the line and forget its text."""
        self.query_one(Input).value = ""
        self.close()
