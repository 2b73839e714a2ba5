"""Rows of JSON as other programs write them: an array of objects or one object a line, and what is checked of each.

`shift --input` and `run --input` read their rows through here; imports and exports have what JSON cannot hold found by
the same walk. Nothing is evaluated, and no row's text is changed.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from urial_tui.errors import UsageError

MAX_INPUT_BYTES: Final = 256 * 1024 * 1024
ARRAY_HINT: Final = 'It is a JSON array: [{"id": 1, "instruction": "...", "output": "..."}, ...].'
DEEPEST: Final = 64
"""How many objects and arrays may be in one another in what is imported or exported."""
_MAX_DEPTH: Final = 32
_MAX_ID: Final = 2**63
_SURROGATE: Final = "holds half of a surrogate pair, which is not text"


class BadRow(ValueError):
    """Why a row cannot be used, in words that follow "row 3: "."""


def array_of(text: str, path: Path, hint: str = ARRAY_HINT) -> list[Any]:
    """The values of the JSON array in `text`. Raises UsageError where it is none, is damaged, or is empty."""
    try:
        rows = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{path}, line {error.lineno}, column {error.colno}: {error.msg}", hint=hint
        ) from error
    except (RecursionError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as JSON", hint=hint) from error
    if not isinstance(rows, list):
        raise UsageError(f"{path}: it is not an array", hint=hint)
    if not rows:
        raise UsageError(f"{path}: there are no items in it", hint=hint)
    return rows


def object_of(line: str) -> Any:
    """The value of one line of JSONL. Raises BadRow."""
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise BadRow(f"it is not JSON ({error.msg} at character {error.pos + 1})") from None
    except (RecursionError, ValueError):
        raise BadRow("it cannot be read as JSON") from None


def row_of(value: Any) -> dict[str, Any]:
    """`value` as an object. Raises BadRow."""
    if not isinstance(value, dict):
        raise BadRow("it is not an object")
    return value


def id_of(row: dict[str, Any], default: int, name: str = "id") -> str | int:
    """The row's own id, `default` where it has none. Raises BadRow."""
    found = row.get(name, default)
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise BadRow(f"its {name} is neither text nor a number")
    if isinstance(found, int) and not -_MAX_ID <= found < _MAX_ID:
        raise BadRow(f"its {name} is too large a number")
    return found


def instruction_of(row: dict[str, Any], name: str = "instruction") -> str:
    """The text to answer. Raises BadRow when there is none."""
    found = row.get(name)
    if not isinstance(found, str):
        raise BadRow(f"it has no `{name}`")
    if not found.strip():
        raise BadRow(f"its `{name}` is empty")
    return found


def check_text(text: str) -> None:
    """Raises BadRow for halves of surrogate pairs, which JSON can write and no file can hold."""
    check_value(text)


def check_value(value: Any) -> None:
    """Raises BadRow for numbers that are none, text that is none, and objects without end."""
    fault = fault_in(value, _MAX_DEPTH)
    if fault is not None:
        raise BadRow(f"it {fault[1]}")


def fault_in(value: Any, deepest: int) -> tuple[str, str] | None:
    """Where in `value` there is what JSON or a file cannot hold, and why, in words that follow a name. None: nowhere.

    The place is written as in `a.b[2]`, "" for `value` itself; of a key that is no text it is the object's. `deepest`
    is how many objects and arrays may be in one another.
    """
    inner: Iterable[tuple[Any, Any]]
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    else:
        why = _fault_of_single(value)
        return ("", why) if why else None
    if deepest < 0:
        return "", "is nested too deeply"
    for name, one in inner:
        if isinstance(value, dict):
            if not isinstance(name, str):
                return "", "has a key that is no text"
            fault = fault_in(name, deepest)
            if fault is not None:
                return fault
        fault = fault_in(one, deepest - 1)
        if fault is not None:
            below, why = fault
            step = name if isinstance(name, str) else f"[{name}]"
            return step + ("." if below[:1] not in ("", "[") else "") + below, why
    return None


def _fault_of_single(value: Any) -> str:
    """Why JSON or a file cannot hold a value that has none inside; "" where it can."""
    if isinstance(value, str):
        return "" if value.isascii() or _is_text(value) else _SURROGATE
    if value is None or isinstance(value, int):
        return ""
    if isinstance(value, float):
        if math.isfinite(value):
            return ""
        said = "NaN" if math.isnan(value) else "an infinite number"
        return f"has {said}, which is not JSON"
    return f"is a {type(value).__name__}, which JSON has not"


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
