"""Reads a file front to back in small windows, within limits, for the GGUF header reader.

Nothing is read that is not needed: runs of fixed size are stepped over by arithmetic. The number of
bytes read and of strings walked has a ceiling, so that a crafted file costs bounded time and memory.
Every failure is a ModelError that names the file.
"""

import struct
from pathlib import Path
from typing import BinaryIO, Final

from urial_tui.errors import ModelError

WINDOW: Final = 1024 * 1024
MAX_READ: Final = 128 * 1024 * 1024
"""Bytes of header that are read at most; the largest vocabularies of today take about 15 million."""
MAX_STRINGS: Final = 3_000_000
"""Strings that are stepped over at most, all arrays together; the largest vocabularies of today have about 800,000
with their merges, and this many take about a third of a second."""

_U64: Final = struct.Struct("<Q")
_U32: Final = struct.Struct("<I")


class BoundedBytes:
    """A cursor over an open file of `size` bytes. Not safe to share between threads."""

    def __init__(self, file: BinaryIO, size: int, path: Path) -> None:
        self._file = file
        self.size = size
        self.path = path
        self._window = b""
        self._start = 0  # where in the file the window begins
        self._at = 0  # the cursor, within the window or beyond it
        self._read = 0
        self._strings = 0

    @property
    def position(self) -> int:
        return self._start + self._at

    @property
    def remaining(self) -> int:
        return self.size - self.position

    def damaged(self, what: str, kind: str = "gguf-damaged") -> ModelError:
        """An error about this file, to raise."""
        return ModelError(
            f"{self.path} is damaged: {what}",
            hint="Download or convert the file again.",
            kind=kind,
        )

    def truncated(self) -> ModelError:
        return ModelError(
            f"{self.path} is incomplete: it ends after {self.size} bytes, inside its header",
            hint="The download or copy did not finish. Fetch the file again.",
            kind="gguf-truncated",
        )

    def _need(self, n: int) -> None:
        """Bring the next `n` bytes into the window."""
        if n > self.remaining:
            raise self.truncated()
        if self._at + n <= len(self._window):
            return
        self._start, self._at = self.position, 0
        wanted = min(max(n, WINDOW if self._read else WINDOW // 16), self.remaining)
        self._read += wanted
        if self._read > MAX_READ:
            raise self.damaged(f"its header is larger than {MAX_READ >> 20} MB")
        try:
            self._file.seek(self._start)
            self._window = self._file.read(wanted)
        except OSError as error:
            raise ModelError(
                f"cannot read {self.path}: {error.strerror or error}", kind="unreadable"
            ) from error
        if len(self._window) < n:
            raise self.truncated()

    def peek(self, n: int) -> bytes:
        """Up to `n` bytes from here, fewer at the end of the file; the cursor stays."""
        n = min(n, self.remaining)
        self._need(n)
        return self._window[self._at : self._at + n]

    def take(self, n: int) -> bytes:
        self._need(n)
        taken = self._window[self._at : self._at + n]
        self._at += n
        return taken

    def skip(self, n: int) -> None:
        if n > self.remaining:
            raise self.truncated()
        self._at += n

    def u32(self) -> int:
        self._need(4)
        (value,) = _U32.unpack_from(self._window, self._at)
        self._at += 4
        return int(value)

    def u64(self) -> int:
        self._need(8)
        (value,) = _U64.unpack_from(self._window, self._at)
        self._at += 8
        return int(value)

    def string(self, limit: int) -> tuple[bytes, int]:
        """The first `limit` bytes of the string here, and its whole length; the cursor goes past it."""
        length = self.u64()
        if length > self.remaining:
            raise self.truncated()
        kept = self.take(min(length, limit))
        self.skip(length - len(kept))
        return kept, length

    def skip_strings(self, count: int) -> None:
        """Step over `count` strings, which can only be done one by one."""
        self._strings += count
        if self._strings > MAX_STRINGS:
            raise self.damaged(f"it lists more than {MAX_STRINGS} strings")
        if count * 8 > self.remaining:
            raise self.truncated()
        unpack = _U64.unpack_from
        while count:
            self._need(8)
            window, at, end = self._window, self._at, len(self._window) - 8
            while count and at <= end:
                at += 8 + unpack(window, at)[0]
                count -= 1
            self._at = at
            if self.position > self.size:
                raise self.truncated()
