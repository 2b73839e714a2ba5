"""Reading files that other programs wrote, within limits: regular files only, UTF-8, JSON as it is defined.

Nothing in a row is ever a path or code here. A refusal says where: the line, the row, the key.
"""

import json
import math
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from urial_tui.errors import ExchangeError
from urial_tui.runs.json_rows import DEEPEST, BadRow, fault_in
from urial_tui.safetext import sanitize_line

MAX_FILE: Final = 256 * 1024 * 1024
"""Bytes of a file that is read at once: every format but our own."""
MAX_LINE: Final = 256 * 1024 * 1024
"""Bytes of one line of our own format, of which a file may have any number."""
MAX_ROWS: Final = 100_000
_WHERE_CHARS: Final = 40
_TO_A_FILE: Final = "Write what comes out of the pipe or device to a file first, and import that."
_BLANKS: Final = re.compile(r"[ \t\n\r]*")

_BEGINS: Final = re.compile(
    r"""\[\s*(?: [\[{\]"'] | -?\d | (?:true|false|null|NaN|-?Infinity)\b | \Z )
      | \{\s*(?: [}"'] | \Z )""",
    re.VERBOSE,
)
"""What an array or an object of JSON begins with, or what is meant as one: NaN, infinite numbers and single quotes are
refused with a reason."""
_MARK: Final = re.compile(r"\[\s*(?:-?\d+|true|false|null)?\s*\]\s*(\S)")
"""A bracket with a number, a word of JSON or nothing in it, as of a footnote or a list of tasks, and what follows."""

_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_file(path: Path) -> IO[bytes]:
    """The file, open for reading; links are followed. Raises ExchangeError (`unreadable`)."""
    if str(path) == "-":
        raise _unreadable("standard input cannot be imported", _TO_A_FILE)
    try:
        handle = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        why = getattr(error, "strerror", None) or str(error)
        raise _unreadable(f"cannot read {path}: {why}", "Check the path.") from error
    kind = os.fstat(handle).st_mode
    if not stat.S_ISREG(kind):
        os.close(handle)
        if stat.S_ISDIR(kind):
            raise _unreadable(f"{path} is a folder", "Give the path of one file.")
        raise _unreadable(f"{path} is not a regular file", _TO_A_FILE)
    return os.fdopen(handle, "rb")


def read_all(path: Path) -> bytes:
    """The file's bytes. Raises ExchangeError (`unreadable`, `too-large`)."""
    with open_file(path) as file:
        try:
            data = file.read(MAX_FILE + 1)
        except OSError as error:
            raise _unreadable(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > MAX_FILE:
        raise ExchangeError(
            f"{path} has more than {MAX_FILE >> 20} MiB",
            hint="Split it into several files.",
            kind="too-large",
        )
    return data


def lines_of(file: IO[bytes], path: Path) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line without its end) of a file of any size. Raises ExchangeError."""
    number = 0
    while True:
        try:
            line = file.readline(MAX_LINE + 1)
        except OSError as error:
            raise _unreadable(f"cannot read {path}: {error.strerror or error}") from error
        if not line:
            return
        number += 1
        if len(line) > MAX_LINE:
            raise ExchangeError(
                f"{path}, line {number} has more than {MAX_LINE >> 20} MiB", kind="too-large"
            )
        yield number, line.rstrip(b"\r\n")


def decoded(data: bytes, path: Path, line: int = 1) -> str:
    """UTF-8 text without a byte order mark; it begins in line `line`. Raises ExchangeError (`not-text`)."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = line + data.count(b"\n", 0, error.start)
        raise ExchangeError(
            f"{path}, line {at}: byte 0x{data[error.start]:02x} (byte {error.start + 1} of "
            f"{'the file' if line == 1 else 'the line'}) is not UTF-8 text",
            hint="Save the file as UTF-8.",
            kind="not-text",
        ) from error


def parsed(text: str) -> Any:
    """The value of a JSON text. Raises BadRow for what is no JSON, NaN and key twice in one object included."""
    with _refusing():
        return _DECODER.decode(text)


def rows_of(text: str) -> list[Any]:
    """The values of a JSON array. Raises BadRow, which says in which one the fault is."""
    try:
        values: list[Any] = parsed(text)
    except BadRow as error:
        number = _row_with_fault(text)
        raise BadRow(f"row {number}: {error}" if number else str(error)) from None
    return values


def _row_with_fault(text: str) -> int | None:
    """Which value of an array cannot be read; None where the fault is between them."""
    number, at = 0, text.index("[") + 1
    while True:
        number += 1
        at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        try:
            with _refusing():
                _, at = _DECODER.raw_decode(text, at)
        except BadRow:
            return number if at < len(text) else None
        at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
        if text[at : at + 1] != ",":
            return None
        at += 1


@contextmanager
def _refusing() -> Iterator[None]:
    """What the decoder raises, as BadRow."""
    try:
        yield
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else ""
        raise BadRow(
            f"it is not JSON: {error.msg} ({where or f'character {error.pos + 1}'})"
        ) from None
    except RecursionError:
        raise BadRow("it is nested too deeply") from None
    except BadRow:
        raise
    except ValueError:  # of the interpreter, whose advice is none for a person with a file
        raise BadRow("it has a whole number of thousands of digits, which is too large") from None


def is_prose(text: str) -> bool:
    """Whether a text that begins with a bracket is clearly none of JSON: "[Intro] ...", "[1] ...", "{name}, ...".

    What may be damaged JSON is not, so that a file that was cut off is refused instead of kept as a text.
    """
    text = text.lstrip()
    if not _BEGINS.match(text):
        return True
    mark = _MARK.match(text)
    return mark is not None and mark[1] not in ",]["


def check(value: Any) -> None:
    """Raises BadRow for text that is no text and what is nested too deeply, naming where in the row it is."""
    fault = fault_in(value, DEEPEST)
    if fault is not None:
        where, why = fault
        raise BadRow(f"`{where[:_WHERE_CHARS]}` {why}" if where else f"it {why}")


def bad_rows(path: Path, problems: list[str], more: int = 0) -> ExchangeError:
    """A file that cannot be used; `problems` name the first rows and why."""
    rest = f"; and {more} more" if more else ""
    return ExchangeError(
        f"{path}: {'; '.join(problems)}{rest}",
        hint="Correct or remove these rows. Nothing was imported.",
        kind="bad-row",
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise BadRow(f"the key `{sanitize_line(name, 60)}` is there twice in one object")
            seen.add(name)
    return made


def _constant(word: str) -> NoReturn:
    raise BadRow(f"it has {word}, which is not JSON")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadRow(f"the number {text[:40]} is too large")
    return value


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_number
)


def _unreadable(message: str, hint: str = "Check the disk.") -> ExchangeError:
    return ExchangeError(message, hint=hint, kind="unreadable")
