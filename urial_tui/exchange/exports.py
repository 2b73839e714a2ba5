"""What every export is: files with names, made and checked by a format; `writing` puts them on the disk."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from urial_tui.errors import ExchangeError
from urial_tui.runs.json_rows import DEEPEST, fault_in

What = Literal["outputs", "judgements", "messages", "tokens", "scores", "all"]

_PART_CHARS = 48
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
"""Names that are devices on Windows, whatever comes after a dot."""
_FILE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")


@dataclass(frozen=True)
class Wanted:
    """What shall leave. Empty `sides` or `judges`: all. Sides are notations or numbers from 1, judges are notations,
    names or keys. `all_branches`: of conversations every version, not the one that was last on screen."""

    sides: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    what: What = "all"
    all_branches: bool = False


@dataclass(frozen=True)
class Document:
    """One file to write; its name may begin with folders, parted by `/`. `about` says in `--json` what is in it.

    `content` may be made while it is written; then `rows` None stands for its number of parts, after `head` and the
    first `unlisted` ones. `unit` is what a person calls one of them.
    """

    name: str
    content: bytes | Iterable[bytes]
    rows: int | None
    about: dict[str, Any] = field(default_factory=dict)
    head: bytes = b""
    unit: str = "row"
    unlisted: int = 0


@dataclass(frozen=True)
class Export:
    """Files, and what a person should know about them, in words."""

    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()


class Names:
    """Names of files and folders of one export: ASCII, without separators, no device of any system, no two alike where
    case does not matter."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def make(self, *parts: str, extension: str = "") -> str:
        return self._new("_".join(_slug(part) for part in parts), extension)

    def of_file(self, name: str) -> str:
        """The name itself where it can be that of a file anywhere and is not taken, as other tools name models; else
        made of it."""
        device = _RESERVED.fullmatch(name.partition(".")[0])
        if device or not _FILE.fullmatch(name) or len(name) > _PART_CHARS:
            return self.make(name)
        return self._new(name, "")

    def _new(self, stem: str, extension: str) -> str:
        if _RESERVED.fullmatch(stem):
            stem += "_"
        n, name = 1, stem + extension
        while name.lower() in self._taken:
            n += 1
            name = f"{stem}-{n}{extension}"
        self._taken.add(name.lower())
        return name


def _slug(text: str) -> str:
    return _NOT_IN_NAMES.sub("-", text).strip("-")[:_PART_CHARS].strip("-") or "x"


def json_array(rows: Sequence[dict[str, Any]], name: str) -> bytes:
    """Rows as a JSON array in ASCII, so that whatever encoding a reader expects, it reads the same.

    Raises ExchangeError (`bad-row`) naming row and key of a value that is no JSON.
    """
    _check_rows(rows, name)
    return (json.dumps(rows, indent=2, allow_nan=False) + "\n").encode("ascii")


def json_lines(rows: Sequence[dict[str, Any]], name: str) -> bytes:
    """Rows as JSON, one a line, no empty line among them; otherwise as `json_array`."""
    _check_rows(rows, name)
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode("ascii")


def json_object(value: dict[str, Any], name: str) -> bytes:
    """One object; otherwise as `json_array`."""
    _check_rows([value], name)
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode("ascii")


def _check_rows(rows: Sequence[dict[str, Any]], name: str) -> None:
    for number, row in enumerate(rows, 1):
        for key, value in row.items():
            fault = fault_in(key, DEEPEST) or fault_in(value, DEEPEST)
            if fault is not None:
                raise bad_row(name, number, key, fault[1])


def check_texts(
    rows: Sequence[dict[str, Any]], name: str, keys: Sequence[str], *, filled: Sequence[str] = ()
) -> None:
    """Raises ExchangeError (`bad-row`) for a row where one of `keys` is no text, or one of `filled` an empty one."""
    for number, row in enumerate(rows, 1):
        for key in (*keys, *filled):
            if not isinstance(row.get(key), str):
                raise bad_row(name, number, key, "is no text")
            if key in filled and not row[key]:
                raise bad_row(name, number, key, "is empty")


def bad_row(name: str, number: int, key: str, why: str) -> ExchangeError:
    return ExchangeError(
        f"{name}, row {number}: `{key}` {why}", hint="Nothing was written.", kind="bad-row"
    )


def counted(count: int, noun: str, one: str, more: str) -> str:
    """A count with its verb: "1 aspect has", "2 aspects have"."""
    return f"{count} {noun} {one}" if count == 1 else f"{count} {noun}s {more}"


def nothing(what: str, hint: str) -> ExchangeError:
    return ExchangeError(what, hint=hint, kind="nothing")
