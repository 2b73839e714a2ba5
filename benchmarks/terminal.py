"""A program in a pseudo-terminal, its screen kept by pyte, with times on the same clock as `time.perf_counter`."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import pyte

_PRIVATE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b[P_^X][^\x1b]*\x1b\\")
"""Sequences that pyte does not know and would print: keyboard protocols, mode queries, strings."""

Seen = Callable[[Sequence[str]], bool]


class Terminal:
    """Starts `command` in a terminal of that size; leaves with the program ended."""

    def __init__(self, command: list[str], columns: int = 160, lines: int = 45) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._rest = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR", None)
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lines(self) -> Sequence[str]:
        return self._screen.display

    def cell(self, line: int, column: int) -> pyte.screens.Char:
        """One cell with its colours and attributes."""
        return self._screen.buffer[line][column]

    def send(self, data: str) -> None:
        os.write(self._master, data.encode())

    def read(self, seconds: float) -> bool:
        """Take over what comes within that time, at the most one read; False when nothing came."""
        if not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        data = self._rest + data
        cut = data.rfind(b"\x1b", max(0, len(data) - 64))
        self._rest = b""
        if cut >= 0 and not re.search(rb"[a-zA-Z\\78]", data[cut + 1 :]):
            data, self._rest = data[:cut], data[cut:]
        self._stream.feed(_PRIVATE.sub(b"", data))
        return True

    def settle(self, seconds: float) -> None:
        """Follow the output for that long."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self.read(left)

    def wait(self, seen: Seen, seconds: float) -> float:
        """Seconds from the start of the program until the screen is as wanted. Raises TimeoutError with the screen."""
        until = time.perf_counter() + seconds
        while not seen(self.lines):
            left = until - time.perf_counter()
            if left <= 0 or (not self.read(min(left, 0.5)) and self._process.poll() is not None):
                shown = "\n".join(line.rstrip() for line in self.lines)
                raise TimeoutError(f"the screen never was as wanted; it shows:\n{shown}")
        return time.perf_counter() - self.began

    def shows(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def quit(self) -> None:
        """Ctrl+Q, and wait for the end."""
        self.send("\x11")
        until = time.perf_counter() + 10
        while self._process.poll() is None and time.perf_counter() < until:
            self.read(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            until = time.perf_counter() + 5
            while self._process.poll() is None and time.perf_counter() < until:
                self.read(0.1)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            os.close(self._master)
