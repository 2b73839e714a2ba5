"""Standard output that says in the program's own words that it takes no more: a full disk, a limit on files.

`main` puts it in place once, so that no command needs to know how its output can fail. A reader that left is told as
Python tells it, since it is no error.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Final

from urial_tui.errors import UrialError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_HINT: Final = (
    "Free some space there, or send the output elsewhere. Only what is printed is lost: "
    "what the command had changed by then stays changed."
)


class OutputError(UrialError):
    """Standard output cannot be written."""

    default_kind = "output"

    def __init__(self, why: str) -> None:
        super().__init__(f"cannot write to standard output: {why}", hint=_HINT)


class _Told(io.FileIO):
    """A descriptor that stays open, and whose refusal is an OutputError."""

    def write(self, content: ReadableBuffer, /) -> int:
        try:
            return super().write(content)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(error.strerror or str(error)) from error


def tell_refusals() -> None:
    """From now on printing raises OutputError where the system takes no output. A stdout without a descriptor of its
    own, as in a test, stays as it is."""
    old = sys.stdout
    if type(old) is not io.TextIOWrapper:
        return
    buffered = isinstance(old.buffer, io.BufferedWriter)
    if not isinstance(old.buffer.raw if buffered else old.buffer, io.FileIO):
        return
    old.flush()
    told = _Told(old.fileno(), "wb", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(told) if buffered else told,
        encoding=old.encoding,
        errors=old.errors,
        line_buffering=old.line_buffering,
        write_through=old.write_through,
    )
