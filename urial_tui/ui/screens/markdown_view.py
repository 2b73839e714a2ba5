"""One message as rendered Markdown, over the screen. Links are shown but never opened."""

from typing import ClassVar

from markdown_it import MarkdownIt
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Markdown, Static

from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.ui.screens.leaving import LeavesOnce


def plain_parser() -> MarkdownIt:
    """Markdown without HTML and without entities: `&#x202e;` would bring back, after the sanitiser, a
    character that it took out, and tags would vanish from what the model wrote.
    """
    return MarkdownIt("gfm-like", {"html": False}).disable("entity")


class MarkdownView(ModalScreen[None], LeavesOnce[None]):
    """Shows `text` (raw; sanitised here) as Markdown until it is closed."""

    DEFAULT_CSS = """
    MarkdownView {
        align: center middle;
        & > Vertical { width: 90%; height: 90%; background: $surface; border: round $primary; }
        & #title { height: 1; padding: 0 1; color: $text-muted; }
        & VerticalScroll { height: 1fr; padding: 0 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,v", "close", "Close", id="markdown.close"),
        Binding("down,j", "scroll('down')", "Down", show=False),
        Binding("up,k", "scroll('up')", "Up", show=False),
    ]

    def __init__(self, text: str, title: str = "") -> None:
        super().__init__()
        self._text = sanitize(text)
        self._title = sanitize_line(title)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(self._title or "Markdown"), id="title")
            with VerticalScroll():
                yield Markdown(self._text, open_links=False, parser_factory=plain_parser)
            yield Footer()

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Say where the link leads; opening it is the user's business."""
        event.stop()
        self.notify(sanitize_line(event.href), title="Link", markup=False)

    def action_scroll(self, way: str) -> None:
        scroller = self.query_one(VerticalScroll)
        if way == "down":
            scroller.scroll_down(animate=False)
        else:
            scroller.scroll_up(animate=False)

    def action_close(self) -> None:
        self.dismiss(None)
