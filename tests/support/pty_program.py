"""Runs the real program in a pseudo-terminal and reads its screen back with `pyte`.

`Terminal` starts a command with a terminal of its own as controlling terminal, so that signals,
window sizes and a hangup reach it as they would on a desk. Everything is read in the caller's
thread: nothing moves while no method waits. POSIX only.
"""

import fcntl
import os
import re
import resource
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import pyte

from tests.support.pty_processes import NO_BYTECODE, children_of, environment, program

PATIENCE = 30.0
"""Seconds that anything may take on a busy machine before a test gives up."""

ALTERNATE_SCREEN, CURSOR, PASTE = 1049, 25, 2004
MOUSE = (1000, 1002, 1003, 1006, 1015)

KEYS = {
    "enter": b"\r",
    "escape": b"\x1b",
    "tab": b"\t",
    "ctrl+b": b"\x02",
    "ctrl+c": b"\x03",
    "ctrl+f": b"\x06",
    "ctrl+g": b"\x07",
    "ctrl+j": b"\n",
    "ctrl+l": b"\x0c",
    "ctrl+n": b"\x0e",
    "ctrl+o": b"\x0f",
    "ctrl+q": b"\x11",
    "ctrl+r": b"\x12",
    "f1": b"\x1bOP",
    "f3": b"\x1bOR",
    "f6": b"\x1b[17~",
    "f7": b"\x1b[18~",
    "f12": b"\x1b[24~",
    "shift+f7": b"\x1b[18;2~",
    "shift+f12": b"\x1b[24;2~",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
}

# What pyte would draw or misread: private CSI (keyboard protocols), mode questions, DCS strings,
# the shape of the mouse pointer (which pyte takes for the window's title).
_UNREAD = re.compile(
    rb"\x1b\[[<>=][0-9;]*[@-~]|\x1b\[\?[0-9;]*\$[a-z]|\x1bP[^\x1b]*\x1b\\"
    rb"|\x1b\]22;[^\x07\x1b]*(?:\x07|\x1b\\)"
)
_CUT_OFF = re.compile(rb"\x1b(?:\[[0-9;?<>=$]*|P[^\x1b]*\x1b?|\][^\x07\x1b]*\x1b?)?\Z")
_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")


class Terminal:
    """A program and the terminal it believes to sit at. Use as a context manager."""

    def __init__(
        self,
        arguments: Sequence[str],
        home: Path,
        *,
        size: tuple[int, int] = (100, 30),
        env: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
        file_limit: int | None = None,
    ) -> None:
        """`file_limit`: no file can grow beyond so many bytes, as if the disk were full."""
        columns, lines = size
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.at_once, self.rest = 65536, 0.0
        """How many bytes are read at once, and the seconds of rest after them: a slow line."""
        self._held = b""
        self._master, self._slave = os.openpty()
        self._set_size(columns, lines)
        self._mode_before = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen(
            [*(command or program()), *arguments],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=environment(home, **(NO_BYTECODE if file_limit is not None else {}), **(env or {})),
            cwd=home,
            preexec_fn=partial(_prepare, file_limit),  # noqa: PLW1509 - there is one thread here
        )
        os.set_blocking(self._master, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in [*self.children(), self.process.pid]:
            _signal(pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.hang_up()
        if self._slave >= 0:
            os.close(self._slave)
            self._slave = -1

    # --- reading ------------------------------------------------------------------------------

    def pump(self, seconds: float = 0.05) -> bool:
        """Read what arrives within `seconds`; whether anything did."""
        if self._master < 0:
            time.sleep(seconds)
            return False
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._master, self.at_once)
        except (BlockingIOError, OSError):
            return False
        if self.rest:
            time.sleep(self.rest)
        self.raw += data
        data = self._held + data
        cut = _CUT_OFF.search(data)
        self._held = data[cut.start() :] if cut else b""
        self._stream.feed(_UNREAD.sub(b"", data[: cut.start()] if cut else data))
        return True

    def until(self, true: Callable[[], Any], seconds: float = PATIENCE, what: str = "") -> Any:
        """Read until `true()` holds; its value. Fails with the screen when the program has ended or
        time is up.
        """
        deadline = time.monotonic() + seconds
        while True:
            found = true()
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds:g} s for {what or true}\n{self.picture()}")
            ended = self.process.poll() is not None
            if not self.pump() and ended:
                if found := true():
                    return found
                code = self.process.returncode
                raise AssertionError(f"ended with {code} before {what or true}\n{self.picture()}")

    def until_text(self, text: str, seconds: float = PATIENCE) -> None:
        """Until the screen shows `text`, on one line or wrapped at a space."""
        self.until(lambda: self.shows(text), seconds, f"the text {text!r}")

    def until_gone(self, text: str, seconds: float = PATIENCE) -> None:
        self.until(lambda: not self.shows(text), seconds, f"the end of {text!r}")

    def settle(self, quiet: float = 0.3, seconds: float = PATIENCE) -> None:
        """Until nothing was drawn for `quiet` seconds; the cursor blinks every half second."""
        deadline = time.monotonic() + seconds
        while self.pump(quiet):
            assert time.monotonic() < deadline, f"never quiet\n{self.picture()}"

    def lines(self) -> list[str]:
        # Not `screen.display`, which fails where half of a wide character was drawn over.
        columns = range(self.screen.columns)
        rows = (self.screen.buffer[row] for row in range(self.screen.lines))
        return ["".join(row[column].data for column in columns).rstrip() for row in rows]

    def text(self) -> str:
        """The screen, one string, lines joined by newlines."""
        return "\n".join(self.lines())

    def shows(self, text: str) -> bool:
        return text in self.text() or text in " ".join(" ".join(self.lines()).split())

    def picture(self) -> str:
        """The screen in a frame, for the message of a failing test."""
        width = self.screen.columns
        rows = "\n".join(f"|{line.ljust(width)}|" for line in self.lines())
        return f"{self.process.args}\n+{'-' * width}+\n{rows}\n+{'-' * width}+"

    # --- writing ------------------------------------------------------------------------------

    def send(self, *keys: str) -> None:
        """Press keys by name (see KEYS); any other word is typed letter by letter."""
        for key in keys:
            self._write(KEYS.get(key) or key.encode())
            if key == "escape":
                self.pump(0.15)  # apart from what follows, as a finger would

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                self.pump()

    def resize(self, columns: int, lines: int) -> None:
        """Change the window; the kernel tells the program."""
        self.screen.resize(lines, columns)
        self._set_size(columns, lines)

    def _set_size(self, columns: int, lines: int) -> None:
        packed = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, packed)

    def hang_up(self) -> None:
        """Close the window: the kernel sends SIGHUP and every write fails from now on."""
        if self._slave >= 0:
            os.close(self._slave)
            self._slave = -1
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    # --- processes and the end ----------------------------------------------------------------

    def children(self) -> list[int]:
        """Process ids of the living children: the engine."""
        return children_of(self.process.pid)

    def engine(self) -> int:
        """The engine process, which there must be in the end."""
        return int(self.until(self.children, what="an engine process")[0])

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def ended(self, seconds: float = PATIENCE) -> int:
        """Wait for the end and read what is left; the exit code (negative: the signal)."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            self.pump()
            late = time.monotonic() > deadline
            assert not late, f"did not end within {seconds:g} s\n{self.picture()}"
        while self.pump(0.05):
            pass
        return int(self.process.returncode)

    def modes(self) -> set[int]:
        """The private terminal modes (DECSET) that are on now."""
        found = {CURSOR}
        for match in _MODE.finditer(bytes(self.raw)):
            numbers = {int(number) for number in match[1].split(b";") if number}
            found = found | numbers if match[2] == b"h" else found - numbers
        return found

    def takes_keys(self) -> bool:
        """Whether Ctrl+C is a key to the program, and no signal from the terminal any more."""
        return not termios.tcgetattr(self._slave)[3] & termios.ISIG

    def unrestored(self) -> list[str]:
        """What the program left changed in the terminal; empty when all is as it was."""
        modes = self.modes()
        found = [f"mode {n} is on" for n in (ALTERNATE_SCREEN, PASTE, *MOUSE) if n in modes]
        if CURSOR not in modes:
            found.append("the cursor is hidden")
        if self.raw.count(b"\x1b[>1u") > self.raw.count(b"\x1b[<u"):
            found.append("the keyboard protocol is on")
        if termios.tcgetattr(self._slave) != self._mode_before:
            found.append("the line discipline is changed")
        return found


def _prepare(file_limit: int | None) -> None:
    """In the new process: a session of its own, with standard input as its terminal."""
    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
    ):  # a runner may ignore some (nohup)
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
