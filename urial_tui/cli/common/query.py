"""Texts that a command line gives: the query, an argument or `-` for standard input, and other arguments, as text."""

import sys
from typing import Final

from urial_tui.errors import UsageError

MAX_BYTES: Final = 8 * 1024 * 1024
"""Far more than any context holds; ends the reading of a pipe that never ends."""


def read_query(query: str | None) -> str:
    """The text to ask, with nothing changed but one newline at the end of standard input.

    Raises UsageError when there is none, when it is blank, and when it is not text.
    """
    if query is None:
        raise UsageError(
            "there is no query", hint="Write it as an argument, or - to read standard input."
        )
    if query == "-":
        query = read_stdin()
    if not query.strip():
        raise UsageError("the query is empty", hint="Write what to ask.")
    return checked_argument(query, "the query")


def checked_argument(text: str, where: str) -> str:
    """`text`, if it is text: Python gives an argument's bytes that are not UTF-8 as halves of surrogate pairs."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{where} is not UTF-8 text (character {error.start + 1})", hint="Convert it to UTF-8."
        ) from error
    return text


def read_stdin() -> str:
    """Standard input as UTF-8 text; the newline that closes it is not part of the query."""
    if sys.stdin is None:
        raise UsageError("standard input is closed", hint="Write the query as an argument.")
    try:
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"standard input cannot be read: {error.strerror or error}",
            hint="Write the query as an argument.",
        ) from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"standard input has more than {MAX_BYTES} bytes: not a query")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"standard input is not UTF-8 text (byte {error.start + 1})",
            hint="Convert it to UTF-8.",
        ) from error
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text
