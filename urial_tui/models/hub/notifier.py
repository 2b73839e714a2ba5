"""Tells a listener about what changed, from one thread of its own: progress a few times a second, the rest at once.

Whoever reports a change never waits for the listener, and the listener is never called twice at a time.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from urial_tui.crash import write_crash_log

PERIOD_S: Final = 0.25
"""Progress is told at most once in so many seconds."""


class Notifier:
    """`tell` is called with the id of what changed. The thread begins with the first change."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._changed = threading.Condition()
        self._dirty: dict[str, None] = {}
        self._urgent = self._closed = False
        self._thread: threading.Thread | None = None

    def touch(self, id: str, urgent: bool = False) -> None:
        """`id` changed. Urgent: its state; not urgent: how far it is."""
        with self._changed:
            if self._closed:
                return
            self._dirty[id] = None
            self._urgent = self._urgent or urgent
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="downloads", daemon=True)
                self._thread.start()
            elif urgent or len(self._dirty) == 1:
                self._changed.notify()

    def close(self, seconds: float) -> None:
        """Tell what is left, and end. A listener that does not return is not waited for longer than `seconds`."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _run(self) -> None:
        told = -PERIOD_S
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._dirty or self._closed)
                left = told + PERIOD_S - time.monotonic()
                if left > 0:
                    self._changed.wait_for(lambda: self._urgent or self._closed, left)
                ids, ended = list(self._dirty), self._closed
                self._dirty.clear()
                self._urgent = False
            for id in ids:
                try:
                    self._tell(id)
                except Exception as error:  # noqa: BLE001 - a mistake of the listener's must not end the others
                    write_crash_log(error)
            told = time.monotonic()
            if ended:
                return
