"""Our own format on its way in: lines as `exchange.jsonl` wrote them, each checked and taken as it was."""

import json
from pathlib import Path
from typing import Any, Final, get_args

from urial_tui.errors import ExchangeError, StoreError
from urial_tui.exchange.incoming.reading import decoded, lines_of, open_file, parsed
from urial_tui.exchange.incoming.types import Tally
from urial_tui.exchange.jsonl import FORMAT, VERSION
from urial_tui.runs.json_rows import BadRow
from urial_tui.store.exchange import lossless_json
from urial_tui.store.exchange.lossless_parts import Kind
from urial_tui.store.exchange.restoring import Fresh
from urial_tui.store.schema.steps import LATEST
from urial_tui.store.store import Store

_KINDS: Final[dict[str, Kind]] = {kind: kind for kind in get_args(Kind)}
_SNIFFED: Final = 4096


def is_ours(path: Path) -> bool:
    """Whether the file begins with our header, of whatever version. Raises ExchangeError (`unreadable`)."""
    with open_file(path) as file:
        begin = file.read(_SNIFFED).removeprefix(b"\xef\xbb\xbf")
    try:
        found = json.loads(begin.split(b"\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("format") == FORMAT


def is_kind(value: dict[str, Any]) -> bool:
    """Whether it is a line of this format, after the header."""
    return isinstance(kind := value.get("type"), str) and kind in _KINDS


def no_header(path: Path, where: str) -> ExchangeError:
    """What is said of lines of this format that no header comes before."""
    return ExchangeError(
        f"{path}, {where}: this is of urial-tui's own export, and the first line of that, its header, is missing",
        hint="Import the whole file, or put the first line of the export before these.",
        kind="bad-row",
    )


def take(path: Path, store: Store, tally: Tally, *, as_new: bool) -> None:
    """Write the file's rows into `store`, in the caller's transaction.

    Raises ExchangeError: `newer`, `bad-row` and what reading a file raises; `exists` for other content under an id
    that is there; StoreError where the history refuses.
    """
    fresh = Fresh() if as_new else None
    begun = False
    with open_file(path) as file:
        for number, line in lines_of(file, path):
            if not line:
                continue
            value = _value(line, path, number)
            if not begun:
                _check_header(value, path)
                begun = True
                continue
            _take(value, path, number, store, tally, fresh)
    if not begun:
        raise ExchangeError(f"{path} is empty", kind="bad-row")


def _value(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        value = parsed(decoded(line, path, number))
    except BadRow as error:
        raise _bad_line(path, number, str(error)) from None
    if not isinstance(value, dict):
        raise _bad_line(path, number, "it is not an object")
    return value


def _check_header(value: dict[str, Any], path: Path) -> None:
    if is_kind(value):
        raise no_header(path, "line 1")
    if value.get("type") != "header" or value.get("format") != FORMAT:
        raise _bad_line(path, 1, "it is not the header of this format")
    for key, known in (("version", VERSION), ("schema", LATEST)):
        found = value.get(key)
        if not isinstance(found, int) or isinstance(found, bool) or found < 1:
            raise _bad_line(path, 1, f"`{key}` is no number of a {key}")
        if found > known:
            raise ExchangeError(
                f"{path} was written by a newer urial-tui: its {key} is {found}, and {known} is known here",
                hint="Update urial-tui.",
                kind="newer",
            )


def _take(
    value: dict[str, Any], path: Path, number: int, store: Store, tally: Tally, fresh: Fresh | None
) -> None:
    kind = _KINDS.get(str(value.get("type")))
    if kind is None:
        raise _bad_line(path, number, "`type` is not " + ", ".join(_KINDS))
    try:
        tree = lossless_json.from_json(kind, value)
        if fresh is not None:
            tree = fresh.tree(kind, tree)
        tally.count(kind, tree["id"], store.take(kind, tree) == "there")
    except StoreError as error:
        if error.kind == "bad-row":
            raise _bad_line(path, number, f"{kind}: {error.message}") from error
        if error.kind == "differs":
            message = f"{path}, line {number}: {error.message}"
            raise ExchangeError(message, hint=error.hint, kind="exists") from error
        raise


def _bad_line(path: Path, number: int, why: str) -> ExchangeError:
    return ExchangeError(
        f"{path}, line {number}: {why}", hint="Nothing was imported.", kind="bad-row"
    )
