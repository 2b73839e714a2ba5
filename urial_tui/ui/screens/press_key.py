"""Asks for a key by having it pressed. Every key is taken, also those of the program; Escape and a click leave."""

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from urial_tui.ui.screens.dialog import Dialog


class PressKey(Dialog[str]):
    """The answer is the name of the key. One that `problem` has words for is refused, and the words are shown."""

    def __init__(self, title: str, what: str, problem: Callable[[str], str]) -> None:
        super().__init__()
        self._title, self._what, self._problem = title, what, problem

    def compose(self) -> ComposeResult:
        with Vertical(classes="box -small") as box:
            yield Static(Content(self._what), classes="lead")
            yield Static("Press the key.", classes="note")
            yield Static("", classes="problem")
        box.border_title = Content(self._title)
        box.border_subtitle = Content("Esc or a click: no change")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss(None)
            return
        words = self._problem(event.key)
        self.show_problem(words)
        if not words:
            self.dismiss(event.key)

    def on_click(self) -> None:
        self.dismiss(None)
