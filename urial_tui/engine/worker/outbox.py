"""The way of events to the parent. Tokens of a fast model go a few at a time: each writing wakes the parent, which then
takes a processor from the decoding, and nobody sees more than some twenty changes a second.
"""

import threading
import time
from collections.abc import Callable
from typing import BinaryIO, Final

from urial_tui.engine import protocol as wire

HOLD_S: Final = 0.04
"""No token waits longer than this for the ones after it: 25 times a second is more often than the screen is drawn."""


class Outbox:
    """Events in order, from any thread. `gone` is called when the parent does not read any more.

    A token waits while the next one is expected, at the pace of the last two, before `hold_s` are over since the last
    writing. Every other event is written at once, after what waits. A slow model's tokens therefore never wait.
    """

    def __init__(
        self,
        writing: BinaryIO,
        gone: Callable[[], None],
        *,
        hold_s: float = HOLD_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writing = writing
        self._gone = gone
        self._hold_s = hold_s
        self._now = now
        self._lock = threading.Lock()
        self._waiting = bytearray()
        self._written = 0.0
        self._last_token = 0.0

    def send(self, event: wire.Event) -> None:
        data = wire.frame(event)
        with self._lock:
            self._waiting += data
            if isinstance(event, wire.Token) and self._may_wait():
                return
            self._write()

    def _may_wait(self) -> bool:
        now = self._now()
        pace, self._last_token = now - self._last_token, now
        return now - self._written + pace < self._hold_s

    def _write(self) -> None:
        try:
            self._writing.write(self._waiting)
            self._writing.flush()
        except OSError:
            self._gone()
        self._waiting.clear()
        self._written = self._now()
