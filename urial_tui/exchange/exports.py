"""What every export is: files with names, checked before a byte is written, and the one place that writes them."""

import contextlib
import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from urial_tui import files, paths
from urial_tui.errors import ExchangeError

What = Literal["outputs", "judgements", "all"]

_PART_CHARS = 48
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")
_MAX_DEPTH = 64


@dataclass(frozen=True)
class Wanted:
    """What of a run shall leave. Empty `sides` or `judges`: all. Sides are notations or numbers from 1, judges are
    notations, names or keys."""

    sides: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    what: What = "all"


@dataclass(frozen=True)
class Document:
    """One file to write. `about` says in `--json` what is in it."""

    name: str
    content: bytes
    rows: int
    about: dict[str, Any]


@dataclass(frozen=True)
class Export:
    """Files, and what a person should know about them, in words."""

    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()


class Names:
    """Names of files of one export: ASCII, without separators, no two alike where case does not matter."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def make(self, *parts: str, extension: str) -> str:
        stem = "_".join(_slug(part) for part in parts)
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
    for number, row in enumerate(rows, 1):
        for key, value in row.items():
            why = _not_json(key) or _not_json(value)
            if why:
                raise bad_row(name, number, key, why)
    return (json.dumps(rows, indent=2, allow_nan=False) + "\n").encode("ascii")


def bad_row(name: str, number: int, key: str, why: str) -> ExchangeError:
    return ExchangeError(
        f"{name}, row {number}: `{key}` {why}", hint="Nothing was written.", kind="bad-row"
    )


def _not_json(value: Any, depth: int = 0) -> str:
    """Why `value` is no JSON, in words; empty when it is."""
    if depth > _MAX_DEPTH:
        return "is nested too deeply"
    if value is None or isinstance(value, bool | int):
        return ""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return "holds half of a surrogate pair, which is not text"
        return ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else "is no finite number"
    if isinstance(value, dict):
        inner = [*value, *value.values()]
        if not all(isinstance(key, str) for key in value):
            return "has a key that is no text"
    elif isinstance(value, list | tuple):
        inner = list(value)
    else:
        return f"is a {type(value).__name__}, which JSON has not"
    return next((why for item in inner if (why := _not_json(item, depth + 1))), "")


def write(folder: Path, documents: Sequence[Document], *, force: bool = False) -> list[Path]:
    """Write the files into `folder`, which is made when it is not there; mode 0600, all of them or none.

    Raises ExchangeError: `exists` for files that are there, without `force`; `unwritable`.
    """
    targets = [folder / document.name for document in documents]
    if folder.exists() and not folder.is_dir():
        raise ExchangeError(
            f"{folder} is not a folder", hint="Choose another one with -o.", kind="unwritable"
        )
    present = [target for target in targets if target.exists() or target.is_symlink()]
    blocked = [target for target in present if target.is_dir() and not target.is_symlink()]
    if blocked:
        raise ExchangeError(f"{blocked[0]} is a folder", hint="Move it away.", kind="unwritable")
    if present and not force:
        names = ", ".join(target.name for target in present[:3]) + (
            ", ..." if len(present) > 3 else ""
        )
        raise ExchangeError(
            f"there already are files of these names in {folder}: {names}",
            hint="Replace them with --force, or choose another folder with -o.",
            kind="exists",
        )
    paths.ensure_private_dir(folder)
    try:
        with contextlib.ExitStack() as stack:
            for target, document in zip(targets, documents, strict=True):
                # All are on the disk before the first is renamed.
                file = stack.enter_context(files.replacing(target, sync=False))
                file.write(document.content)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise ExchangeError(
            f"cannot write to {folder}: {error.strerror or error}",
            hint="Check the permissions and the free space.",
            kind="unwritable",
        ) from error
    return targets
