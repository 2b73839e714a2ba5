"""Trees of `lossless` as JSON and back: bytes are hexadecimal, numbers exact, what comes in is checked by the schema.

JSON has no infinite numbers: those are the texts `Infinity` and `-Infinity` in a column of numbers.
"""

import json
import math
import re
from datetime import datetime
from typing import Any, Final, NoReturn

from urial_tui.errors import StoreError
from urial_tui.store.database.ids import stamp
from urial_tui.store.exchange.lossless import Tree, bad_row, messages
from urial_tui.store.exchange.lossless_parts import (
    PIECE,
    ROOTS,
    VOCABULARY,
    Column,
    Kind,
    Part,
    own_columns,
)
from urial_tui.store.sessions.organising import checked_tag

_ID: Final = re.compile(r"[0-9a-z]{1,26}")
_LARGEST: Final = 2**63
_INFINITE: Final = {"Infinity": math.inf, "-Infinity": -math.inf}
_UNITS: Final = {"prompt_ids": 4, "top": 8}
"""Bytes of one entry, in columns of packed numbers."""
_JSON: Final[dict[str, type]] = {"turns": list, "context": dict}
"""Columns of JSON without a default; of the others the default says what they hold."""
_NUMBERS: Final = "probabilities"
"""The one array that is not of texts."""
_FORM_OF_TIME: Final = "YYYY-MM-DDThh:mm:ss.sssZ"
_A: Final = {"TEXT": "a text", "INTEGER": "a whole number", "REAL": "a number", "BLOB": "bytes"}


def to_json(kind: Kind, tree: Tree) -> str:
    """One line of ASCII, without its end. Equal trees are equal lines.

    Whether a session is in the bin, which deletes it some day, is the business of its own history: no file says it.
    """
    named = {"type": kind} | tree | ({"deleted_at": None} if kind == "session" else {})
    try:
        return _dumped(named)
    except ValueError:
        return _dumped(_finite(named))


def from_json(kind: Kind, value: Any) -> Tree:
    """The tree of a JSON value, whole: columns that it lacks have their defaults.

    Raises StoreError (`bad-row`) naming the place of what the schema does not hold.
    """
    given = {name: found for name, found in _object(value, "").items() if name != "type"}
    vocabularies = given.pop(VOCABULARY.name, []) if kind == "session" else []
    tree = _tree(ROOTS[kind], given, "")
    if kind == "session":
        made = _list(VOCABULARY, vocabularies, VOCABULARY.name)
        if made:
            tree[VOCABULARY.name] = made
        tree["deleted_at"] = None
        _check_session(tree)
    return tree


def _dumped(value: Any) -> str:
    return json.dumps(value, default=bytes.hex, allow_nan=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list) else value


# --- what comes in


def _tree(part: Part, value: Any, where: str) -> Tree:
    given = _object(value, where)
    below = (PIECE,) if part is VOCABULARY else part.parts
    columns = own_columns(part)
    known = (
        {column.name for column in columns}
        | {one.name for one in part.named}
        | {one.name for one in below}
    )
    for name in given:
        if name not in known:
            raise bad_row(_at(where, name), f"there is no such field of a {part.table}")
    tree = {column.name: _field(column, given, where) for column in columns}
    for named in part.named:
        tree[named.name] = _text_or_none(given.get(named.name), _at(where, named.name))
    for one in below:
        at = _at(where, one.name)
        content = given.get(one.name, {} if one.columnar else [])
        made = _lists(one, content, at) if one.columnar else _list(one, content, at)
        if made:
            tree[one.name] = made
    return tree


def _list(part: Part, value: Any, where: str) -> list[Tree]:
    if not isinstance(value, list):
        raise bad_row(where, "is not a list")
    return [_tree(part, row, f"{where}[{number}]") for number, row in enumerate(value)]


def _lists(part: Part, value: Any, where: str) -> dict[str, list[Any]]:
    """Columns of equal length."""
    given = _object(value, where)
    columns = {column.name: column for column in own_columns(part)}
    lengths = set()
    for name, values in given.items():
        if name not in columns:
            raise bad_row(_at(where, name), f"there is no such field of a {part.table}")
        if not isinstance(values, list):
            raise bad_row(_at(where, name), "is not a list")
        lengths.add(len(values))
    if len(lengths) > 1:
        raise bad_row(where, f"its lists have different lengths: {sorted(lengths)}")
    n = lengths.pop() if lengths else 0
    if not n:
        return {}
    made = {}
    for name, column in columns.items():
        if name in given:
            made[name] = _values(column, given[name], _at(where, name))
        elif column.required:
            raise bad_row(_at(where, name), "is missing")
        else:
            made[name] = [column.default] * n
    return made


def _values(column: Column, values: list[Any], where: str) -> list[Any]:
    """All values of a column. Those of numbers alone, by far the most, are looked at together."""
    kinds = set(map(type, values))
    if column.type == "REAL" and kinds == {float} and all(map(math.isfinite, values)):
        return values
    whole = column.type == "INTEGER" and kinds == {int}
    if whole and min(values) >= -_LARGEST and max(values) < _LARGEST:
        return values
    return [_value(column, value, where, number) for number, value in enumerate(values)]


def _field(column: Column, given: dict[str, Any], where: str) -> Any:
    at = _at(where, column.name)
    if column.name not in given:
        if column.required:
            raise bad_row(at, "is missing")
        return column.default
    value = _value(column, given[column.name], at)
    if isinstance(value, str) and column.type == "TEXT":
        _check_meaning(column, value, at)
    return value


def _value(column: Column, value: Any, where: str, number: int | None = None) -> Any:
    """`value` as the column holds it."""
    if value is None and column.nullable:
        return None
    if column.type == "REAL":
        if isinstance(value, float) and math.isfinite(value):
            return value
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST:
            return float(value)
        if isinstance(value, str) and value in _INFINITE:
            return _INFINITE[value]
    elif column.type == "BLOB":
        if isinstance(value, str):
            return _bytes(column, value, where, number)
    elif isinstance(value, str) and column.type in ("TEXT", "ANY"):
        return _text(value, _nth(where, number))
    elif (
        isinstance(value, int)
        and not isinstance(value, bool)
        and column.type in ("INTEGER", "ANY")
        and -_LARGEST <= value < _LARGEST
    ):
        return value
    raise _unwanted(value, _A.get(column.type, "a text or a whole number"), _nth(where, number))


def _unwanted(value: Any, wanted: str, where: str) -> StoreError:
    is_ = {bool: "a truth value", dict: "an object", list: "a list", str: "a text"}
    found = "null" if value is None else is_.get(type(value), f"the number {value}"[:40])
    return bad_row(where, f"is {found}, and {wanted} is wanted")


def _bytes(column: Column, value: str, where: str, number: int | None) -> bytes:
    try:
        made = bytes.fromhex(value)
    except ValueError:
        raise bad_row(_nth(where, number), "is not hexadecimal") from None
    if len(made) % _UNITS.get(column.name, 1):
        raise bad_row(_nth(where, number), "ends in the middle of a number")
    return made


def _text(value: str, where: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise bad_row(where, "holds half of a surrogate pair, which is not text") from None
    return value


def _text_or_none(value: Any, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _unwanted(value, "a text", where)
    return _text(value, where)


def _check_meaning(column: Column, value: str, where: str) -> None:
    """What a text column stands for: an id, a time, a tag, JSON."""
    if column.name == "id":
        if not _ID.fullmatch(value):
            raise bad_row(where, "is no id of this program")
    elif column.name.endswith("_at"):
        _check_time(value, where)
    elif column.name == "tag":
        _check_tag(value, where)
    else:
        wanted = {"{}": dict, "[]": list}.get(str(column.default)) or _JSON.get(column.name)
        if wanted is not None:
            _check_json(column.name, value, wanted, where)


def _check_time(value: str, where: str) -> None:
    """Times are compared as texts, so that each has to be in the one form that they are kept in."""
    try:
        time = datetime.fromisoformat(value)
        kept = "" if time.tzinfo is None else stamp(time)
    except (ValueError, OverflowError):
        raise bad_row(where, "is no time") from None
    if kept != value:
        raise bad_row(where, f"is not in the form of a time here: {_FORM_OF_TIME}")


def _check_tag(value: str, where: str) -> None:
    """A tag in another form than the program's own would be found by no filter."""
    try:
        kept = checked_tag(value)
    except StoreError as error:
        raise bad_row(where, error.message) from None
    if kept != value:
        raise bad_row(where, "is not in the form of a tag: small letters, single blanks inside")


def _check_json(name: str, value: str, wanted: type, where: str) -> None:
    try:
        found: Any = json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise bad_row(where, "is not a text of JSON") from None
    entries: list[Any] = []
    kind: Any = None
    if isinstance(found, dict) and wanted is dict:
        entries, kind = list(found.values()), dict if name == "other" else None
    elif isinstance(found, list) and wanted is list:
        entries, kind = found, (int, float) if name == _NUMBERS else str
    else:
        raise bad_row(where, f"is not the text of a JSON {'object' if wanted is dict else 'array'}")
    if kind is not None and not all(isinstance(entry, kind) for entry in entries):
        raise bad_row(where, "has an entry of the wrong kind")


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _check_session(tree: Tree) -> None:
    """What no key of the schema says."""
    roles: dict[str, str] = {}
    for number, message in enumerate(messages(tree)):
        at = f"messages[{number}]"
        if message["parent_id"] is not None and message["parent_id"] not in roles:
            raise bad_row(f"{at}.parent_id", "is no message before this one")
        if message["id"] in roles:
            raise bad_row(f"{at}.id", "is there twice")
        roles[message["id"]] = message["role"]
        if message["role"] == "user" and message.get("judgements"):
            raise bad_row(f"{at}.judgements", "only answers are judged")
        own = {generation["id"] for generation in message.get("generations", [])}
        for which, trace in enumerate(message.get("traces", [])):
            if trace["generation"] is not None and trace["generation"] not in own:
                raise bad_row(f"{at}.traces[{which}].generation", "is none of this message")
    if tree["leaf_id"] is not None and tree["leaf_id"] not in roles:
        raise bad_row("leaf_id", "is no message of this session")
    for number, answer in enumerate(tree.get("answers", [])):
        if roles.get(answer["message_id"]) != "assistant":
            raise bad_row(f"answers[{number}].message_id", "is no answer of this session")
        if answer["run_id"] != tree["run_id"]:
            raise bad_row(f"answers[{number}].run_id", "is not the run of this session")


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_row(where, "is not an object")
    return value


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _nth(where: str, number: int | None) -> str:
    return where if number is None else f"{where}[{number}]"
