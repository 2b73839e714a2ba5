"""SIGTERM, SIGHUP and SIGINT end the program the way Ctrl+Q does: the answer so far is kept, the
terminal restored.

A terminal that is gone (SIGHUP) can block every write, so a watchdog ends the process when the
orderly way takes too long; nothing committed is lost by that. Where the event loop has no signal
handlers (Windows) this does nothing.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

GRACE_S = 10.0
"""Seconds for an orderly end; the engine's child is given 3 of them."""
HUNG_UP_GRACE_S = 0.5
"""Seconds for the rest when the terminal is gone and everything is saved."""

_RESET = "\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[<u\x1b[?25h\x1b[?1049l\x1b[0m\r\n"


def signal_names() -> list[str]:
    return [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextlib.contextmanager
def handled(on_signal: Callable[[int], None]) -> Iterator[None]:
    """While inside, these signals call `on_signal` in the running event loop."""
    loop = asyncio.get_running_loop()
    taken: list[int] = []
    for name in signal_names():
        number = getattr(signal, name)
        try:
            loop.add_signal_handler(number, on_signal, int(number))
        except (NotImplementedError, RuntimeError, ValueError):
            continue
        taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)


class Watchdog:
    """Ends the process `seconds` after `start`, whatever the event loop is doing, unless it is
    stopped before.
    """

    def __init__(self, seconds: float = GRACE_S, leave: Callable[[int], Any] = os._exit) -> None:
        self._seconds = seconds
        self._leave = leave
        self._timer: threading.Timer | None = None
        self._terminal = _terminal_mode()

    def start(self, exit_code: int) -> None:
        """Begin to count; without effect when it counts already."""
        if self._timer is None:
            self._count(self._seconds, exit_code)

    def hasten(self, seconds: float, exit_code: int) -> None:
        """Count anew, from `seconds`: what had to be saved is saved."""
        self.stop()
        self._count(seconds, exit_code)

    def _count(self, seconds: float, exit_code: int) -> None:
        self._timer = threading.Timer(seconds, self._end, (exit_code,))
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def join(self, seconds: float) -> None:
        """Wait until it has ended the process, as a test does that gave it another way to leave."""
        if self._timer is not None:
            self._timer.join(seconds)

    def _end(self, exit_code: int) -> None:
        _put_back(self._terminal)
        self._leave(exit_code)


def _terminal_mode() -> list[Any] | None:
    try:
        import termios

        return termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ else None
    except (ImportError, OSError, ValueError, termios.error):
        return None


def _put_back(mode: list[Any] | None) -> None:
    """Give the terminal back as it was; it may be gone."""
    if mode is None or sys.__stdin__ is None:
        return
    import termios

    with contextlib.suppress(OSError, ValueError, termios.error):
        os.set_blocking(sys.__stdin__.fileno(), False)
        os.write(sys.__stdin__.fileno(), _RESET.encode())
        termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, mode)
