"""From chat events to Textual messages: streamed text is collected and handed on about 18 times a
second.

The chat calls `EventRelay.listen` in the app's own event loop, once for every event, which for a
fast model is hundreds of times a second. Text waits for the timer; anything else first lets the
waiting text go, so that the order of events is kept.
"""

from collections.abc import Callable

from textual.message import Message

from urial_tui.chat.events import ChatEvent, TextStreamed
from urial_tui.engine.protocol import Token

FLUSH_PERIOD = 1 / 18
"""Seconds between two updates of the transcript while text streams."""


class ChatArrived(Message):
    """One event of the chat; a TextStreamed holds all the text since the one before."""

    def __init__(self, event: ChatEvent) -> None:
        super().__init__()
        self.event = event


class EventRelay:
    """Collects TextStreamed events between calls of `flush`; passes every other event on at once,
    in order.
    """

    def __init__(self, post: Callable[[Message], object]) -> None:
        self._post = post
        self._message_id = ""
        self._texts: list[str] = []
        self._tokens: list[Token] = []

    def listen(self, event: ChatEvent) -> None:
        if isinstance(event, TextStreamed):
            if event.message_id != self._message_id:
                self.flush()
                self._message_id = event.message_id
            self._texts.append(event.text)
            self._tokens.extend(event.tokens)
            return
        self.flush()
        self._post(ChatArrived(event))

    def flush(self) -> None:
        """Hand on the text that waits, if any."""
        if not self._texts:
            return
        event = TextStreamed(self._message_id, "".join(self._texts), tuple(self._tokens))
        self._texts.clear()
        self._tokens.clear()
        self._post(ChatArrived(event))
