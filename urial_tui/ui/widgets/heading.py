"""The first line of a full screen: its name and what is to say of it, downloads at the right."""

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from urial_tui.safetext import sanitize_line
from urial_tui.ui.drawing.lines import fit


class Heading(Widget):
    """One line; the words give way to the piece at the right."""

    DEFAULT_CSS = """
    Heading { height: 1; width: 1fr; padding: 0 1; background: $panel; color: $text-muted; }
    """

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.title = title
        self.words = ""
        self.piece = ""

    def update(self, *, words: str | None = None, piece: str | None = None) -> None:
        """Change what it says; None keeps it."""
        self.words = self.words if words is None else sanitize_line(words, 400)
        self.piece = self.piece if piece is None else sanitize_line(piece, 80)
        self.refresh()

    def render(self) -> Content:
        width = self.content_size.width
        right = self.piece if cell_len(self.piece) + len(self.title) + 2 <= width else ""
        room = width - len(self.title) - (cell_len(right) + 2 if right else 0)
        words = fit(f"   {self.words}" if self.words else "", max(room, 0), pad=True)
        return Content.assemble(
            (fit(self.title, width), "bold $text"),
            words,
            ("  " if right else ""),
            (right, "bold $text-accent"),
        )
