"""How far a long command is, on standard error: one line that changes on a terminal, now and then a line elsewhere."""

import shutil
import sys
import time

from urial_tui.cli.common.plain import plain
from urial_tui.safetext import sanitize_line

REDRAW_S = 0.1
"""On a terminal the line changes at most this often."""
LOG_S = 10.0
"""Elsewhere, and where plain output is asked for, how far it is is told at most this often."""

_STAGES = {
    "load": "loading",
    "prefill": "reading the prompt",
    "reference": "reading the references' prompts",
    "measure": "measuring the noise",
    "generate": "writing",
    "score": "scoring",
    "judge": "judging",
}


class ProgressLine:
    """`total` items, of which `finished` were there already; `what` names them. Say `clear` before anything else is
    printed."""

    def __init__(self, total: int = 1, what: str = "items") -> None:
        self.total, self.finished, self._what = total, 0, what
        self._terminal = bool(sys.stderr) and sys.stderr.isatty() and not plain()
        self._began = self._logged = time.monotonic()
        self._drawn = 0.0
        self._done_here = 0

    def start(self, finished: int) -> None:
        """The items begin now."""
        self.finished = finished
        self._began = self._logged = time.monotonic()
        self._done_here = 0
        if finished and finished < self.total:
            self._log(f"{finished} of {self.total} {self._what} are done, going on")

    def stage(self, stage: str, done: int, total: int) -> None:
        if stage in ("load", "measure") and not self._done_here:
            self._began = time.monotonic()  # done once: it says nothing about the items
        shown = f"{done * 100 // total} %" if stage == "load" and total else f"{done}/{total}"
        self.show(f"{self._items()}{_STAGES.get(stage, stage)} {shown}{self._left()}")

    def show(self, text: str) -> None:
        """Any text, when it is time for one."""
        now = time.monotonic()
        if self._terminal and now - self._drawn >= REDRAW_S:
            self._draw(text)
        elif not self._terminal and now - self._logged >= LOG_S:
            self._logged = now
            self._log(text)

    def item(self) -> None:
        """One more item has ended."""
        self.finished += 1
        self._done_here += 1
        now = time.monotonic()
        if self.total > 1 and not self._terminal:
            if now - self._logged >= LOG_S or self.finished == self.total:
                self._logged = now
                self._log(f"{self.finished} of {self.total} {self._what}{self._left()}")
        elif self.total > 1:
            self._draw(f"{self._items()}{self._left().removeprefix(', ')}")

    def clear(self) -> None:
        if self._terminal and self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _items(self) -> str:
        return f"{self.finished}/{self.total} {self._what}, " if self.total > 1 else ""

    def _left(self) -> str:
        if self.total < 2 or not self._done_here or self.finished >= self.total:
            return ""
        each = (time.monotonic() - self._began) / self._done_here
        left = round(each * (self.total - self.finished))
        return f", {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"

    def _log(self, text: str) -> None:
        self.clear()
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def _draw(self, text: str) -> None:
        self._drawn = time.monotonic()
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r" + sanitize_line(text, width) + "\x1b[K")
        sys.stderr.flush()
