"""From chat events to Textual messages: streamed text and scores are collected and handed on about
18 times a second.

The chat calls `EventRelay.listen` in the app's own event loop, once for every event, which for a
fast model is hundreds of times a second. Text and scores wait for the timer; anything else first
lets them go, so that the order of events is kept. Text goes before the scores of its tokens.
"""

from collections.abc import Callable
from time import monotonic

from textual.message import Message

from urial_tui.chat.events import ChatEvent, TextStreamed, TokensScored
from urial_tui.engine.protocol import Token
from urial_tui.shift.records import TokenScore

FLUSH_PERIOD = 1 / 18
"""Seconds between two updates of the transcript while text streams."""
SLOWEST_PERIOD = 1.0
"""The same where the terminal does not keep up: what is drawn late keeps the answers to keys back."""


class ChatArrived(Message):
    """One event of the chat; a TextStreamed holds all the text since the one before, a TokensScored
    all the scores.
    """

    def __init__(self, event: ChatEvent) -> None:
        super().__init__()
        self.event = event


class EventRelay:
    """Collects TextStreamed and TokensScored events between calls of `flush`; passes every other
    event on at once, in order.
    """

    def __init__(
        self, post: Callable[[Message], object], is_behind: Callable[[], bool] = lambda: False
    ) -> None:
        """`is_behind` says whether the terminal still has to take what was drawn before."""
        self._post, self._is_behind = post, is_behind
        self._flushed_at = 0.0
        self._message_id = ""
        self._texts: list[str] = []
        self._tokens: list[Token] = []
        self._scored_id = ""
        self._scores: list[TokenScore] = []
        self._pieces: dict[int, bytes] = {}

    def listen(self, event: ChatEvent) -> None:
        if isinstance(event, TextStreamed):
            if event.message_id != self._message_id:
                self.flush()
                self._message_id = event.message_id
            self._texts.append(event.text)
            self._tokens.extend(event.tokens)
            return
        if isinstance(event, TokensScored):
            if event.message_id != self._scored_id:
                self.flush()
                self._scored_id = event.message_id
            self._scores.extend(event.scores)
            self._pieces.update(event.pieces)
            return
        self.flush()
        self._post(ChatArrived(event))

    def tick(self) -> None:
        """Every FLUSH_PERIOD: hand on what waits, less often to a terminal that is behind."""
        if monotonic() - self._flushed_at >= SLOWEST_PERIOD or not self._is_behind():
            self.flush()

    def flush(self) -> None:
        """Hand on the text and the scores that wait, if any."""
        self._flushed_at = monotonic()
        if self._texts:
            text = TextStreamed(self._message_id, "".join(self._texts), tuple(self._tokens))
            self._texts.clear()
            self._tokens.clear()
            self._post(ChatArrived(text))
        if self._scores or self._pieces:
            scored = TokensScored(self._scored_id, tuple(self._scores), self._pieces)
            self._scores.clear()
            self._pieces = {}
            self._post(ChatArrived(scored))
