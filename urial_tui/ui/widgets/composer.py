"""Where the user writes: Enter sends, Ctrl+J or Shift+Enter makes a new line, Up on an empty box recalls.

The composer never throws text away: it does not clear itself when it is sent, and while sending is not possible typing
still is. The screen calls `let_go` once a text has been taken; what was typed after it stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widgets import TextArea

from urial_tui.safetext import sanitize_same_length

DRAFT_DELAY = 0.3
"""Seconds without typing after which the draft is worth saving."""


class Composer(TextArea):
    """A text box of one to eight rows that grows with its text."""

    DEFAULT_CSS = """
    Composer {
        height: auto;
        min-height: 1;
        max-height: 8;
        border: none;
        padding: 0 1;
        &:focus { border: none; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", tooltip="Let the model answer", id="composer.send"),
        Binding(
            "ctrl+j,shift+enter,alt+enter",
            "newline",
            "New line",
            tooltip="In the message",
            id="composer.newline",
        ),
    ]

    @dataclass
    class Submitted(Message):
        """The user wants to send `text`. It stays in the composer until `let_go`."""

        composer: "Composer"
        text: str

        @property
        def control(self) -> "Composer":
            return self.composer

    @dataclass
    class DraftChanged(Message):
        """The text changed and then rested, or the focus left."""

        composer: "Composer"
        text: str

        @property
        def control(self) -> "Composer":
            return self.composer

    @dataclass
    class Refused(Message):
        """Enter was pressed, and there is nothing to send or `accepting` is off."""

        composer: "Composer"

        @property
        def control(self) -> "Composer":
            return self.composer

    def __init__(
        self,
        text: str = "",
        *,
        placeholder: str = "Write a message",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(
            text,
            id=id,
            classes=classes,
            compact=True,
            highlight_cursor_line=False,
            placeholder=Content(placeholder),
        )
        self.accepting = True
        self._history: list[str] = []
        self._recalled = -1  # index from the newest, -1 when nothing is recalled
        self._timer: Timer | None = None
        self._saved = text  # what the last DraftChanged said

    def on_key(self, event: events.Key) -> None:
        """Our own keys, before the text area takes them as text.

        They are handled here and not as priority bindings: those overtake the letters that were
        typed before them and still wait in this widget's queue, as in a fast paste.
        """
        if event.is_printable:
            return
        active = self.screen.active_bindings.get(event.key)
        if active is not None and active.node is self and active.enabled:
            actions = {"composer.send": self.action_send, "composer.newline": self.action_newline}
            action = actions.get(active.binding.id or "")
            if action is not None:
                event.stop()
                event.prevent_default()
                action()

    def set_history(self, texts: Sequence[str]) -> None:
        """The user's earlier messages, oldest first."""
        self._history = [text for text in texts if text.strip()]
        self._recalled = -1

    def set_text(self, text: str) -> None:
        """Replace the text, as a draft that is known already; the cursor goes to its end."""
        self._cancel_timer()
        self._saved = text
        self.load_text(text)
        self.move_cursor(self.document.end)
        self._recalled = -1

    def let_go(self, sent: str) -> None:
        """The text `sent` was taken: remove it. What was typed meanwhile stays, as the new draft.

        A text that was changed within is kept whole: what was sent cannot be told from the rest.
        """
        text = self.text
        if text == sent:
            self.set_text("")
            return
        if text.startswith(sent):
            self._cut(0, len(sent))
        elif text.endswith(sent):
            self._cut(len(text) - len(sent), len(text))
        self._recalled = -1
        self._saved = ""  # sending removed the draft
        self.flush_draft()

    def _cut(self, start: int, end: int) -> None:
        """Remove part of the text for good; the cursor stays where it is in the rest."""
        self.delete(self._place(start), self._place(end))
        self.history.clear()

    def render_line(self, y: int) -> Strip:
        """Nothing where there is no room, as in a window that has just grown: no placeholder can be wrapped there."""
        return super().render_line(y) if self.content_size.width else Strip.blank(self.size.width)

    def get_line(self, line_index: int) -> Text:
        """A line as it is drawn: controls that were pasted or recalled are shown, never sent to the terminal."""
        line = super().get_line(line_index)
        return Text(sanitize_same_length(line.plain), end="", no_wrap=True)

    def action_send(self) -> None:
        if self.accepting and self.text.strip():
            self.flush_draft()
            self.post_message(self.Submitted(self, self.text))
        else:
            self.post_message(self.Refused(self))

    def action_newline(self) -> None:
        if not self.read_only:
            start, end = self.selection
            self.replace("\n", start, end, maintain_selection_offset=False)

    def action_cursor_up(self, select: bool = False) -> None:
        if not select and self._recall(1):
            return
        super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        if not select and self._recalled >= 0 and self._recall(-1):
            return
        super().action_cursor_down(select)

    def _recall(self, step: int) -> bool:
        """Go `step` messages back in the history when nothing of the user's own would be lost."""
        current = self._history[-1 - self._recalled] if self._recalled >= 0 else ""
        if self.text != current:
            self._recalled = -1
            if self.text:
                return False
        target = self._recalled + step
        if target >= len(self._history):
            return bool(self._recalled >= 0 and self._history)
        text = self._history[-1 - target] if target >= 0 else ""
        self.load_text(text)
        self.move_cursor(self.document.end)
        self._recalled = target
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys that page go to the conversation while there is nothing to page here."""
        if action in ("cursor_page_up", "cursor_page_down"):
            return self.max_scroll_y > 0
        return super().check_action(action, parameters)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        if event.text_area is not self or self.text == self._saved:
            return
        self._cancel_timer()
        self._timer = self.set_timer(DRAFT_DELAY, self.flush_draft)

    def on_blur(self, event: events.Blur) -> None:
        self.flush_draft()

    def flush_draft(self) -> None:
        """Post the draft now if the last one posted is not it."""
        self._cancel_timer()
        if self.text != self._saved:
            self._saved = self.text
            self.post_message(self.DraftChanged(self, self.text))

    def _place(self, index: int) -> tuple[int, int]:
        """Row and column of a place in the text."""
        before = self.text[:index].split(self.document.newline)
        return len(before) - 1, len(before[-1])

    def draft_is_kept(self) -> None:
        """Somebody saved the text as it is now: there is no draft to post for it."""
        self._cancel_timer()
        self._saved = self.text

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
