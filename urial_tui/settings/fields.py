"""What a setting is: its description, which a dataclass field carries, how a value is checked, typed and written."""

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from urial_tui.errors import SettingsError, UsageError
from urial_tui.sides import parse_side

Kind = Literal[
    "text", "integer", "number", "yes/no", "choice", "layers", "folders", "side", "sides", "keymap"
]

Counts = Literal[
    "at once",
    "for the next answer",
    "when a model is loaded",
    "when models are looked for again",
    "from the next start",
]
"""When the interface that is running takes a change."""

AUTO: Final = "auto"
"""How -1 is written where it means what fits."""

KEYMAP_EXAMPLE: Final = (
    "For example: urial-tui settings set keymap.chat.board f11, "
    """or, of all keys: urial-tui settings set keymap '{"chat.board" = "f11"}'"""
)
"""How a key is given in the shell."""

NAME_PATTERN: Final = r"[a-z0-9][a-z0-9._-]*"
"""What a theme's, pack's or the like's name is."""


def setting(
    default: Any,
    kind: Kind,
    group: str,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    or_zero: bool = False,
    unit: str = "",
    optional: str = "",
    pattern: str = "",
    choices: tuple[str, ...] = (),
    counts: Counts = "from the next start",
) -> Any:
    """A dataclass field that carries its own description; `optional`: what leaving it out means; `or_zero`: 0 is
    allowed below `low`, too."""
    about = {
        "kind": kind,
        "group": group,
        "help": help,
        "low": low,
        "high": high,
        "or_zero": or_zero,
        "unit": unit,
        "optional": optional,
        "pattern": pattern,
        "choices": choices,
        "counts": counts,
    }
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=about)
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class Field:
    """One setting as a form or a page shows it. `key` is dotted: `n_ctx`, `sampling.top_k`."""

    key: str
    kind: Kind
    group: str
    help: str
    default: Any
    low: float | None
    high: float | None
    or_zero: bool
    unit: str
    optional: str
    pattern: str
    choices: tuple[str, ...]
    counts: Counts

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        words = {
            "text": "a text",
            "integer": "a whole number",
            "number": "a number",
            "yes/no": "true or false",
            "choice": f"one of {', '.join(self.choices)}",
            "layers": f"{AUTO} or a whole number",
            "folders": "a list of folders",
            "side": "a side: MODEL[+ADAPTER[:SCALE]][@STYLE]",
            "sides": "a list of sides",
            "keymap": "a table of binding id = keys",
        }[self.kind]
        if self.pattern:
            words = "a name of lower-case letters, digits, dots, dashes and underscores"
        if self.low is not None and self.high is not None:
            words += f" from {self.low:.12g} to {self.high:.12g}"
        return f"0 or {words}" if self.or_zero else words

    def check(self, value: Any) -> Any:
        """`value` as the program keeps it. Raises SettingsError when it does not fit."""
        if value is None and self.optional:
            return None
        checked = _CHECKS[self.kind](value)
        if checked is None:
            hint = KEYMAP_EXAMPLE if self.kind == "keymap" else ""
            raise SettingsError(
                f"{self.key} must be {self.expected}, not {_show(value)}", hint=hint
            )
        if not self._in_range(checked):
            raise SettingsError(f"{self.key} must be {self.expected}, not {_show(value)}")
        if self.kind in ("text", "side") and not checked.strip():
            if self.optional:
                return None
            raise SettingsError(f"{self.key} must not be empty")
        if self.pattern and not re.fullmatch(self.pattern, checked):
            raise SettingsError(f"{self.key} must be {self.expected}, not {_show(value)}")
        if self.choices and checked not in self.choices:
            raise SettingsError(f"{self.key} must be {self.expected}, not {_show(value)}")
        if self.kind in ("side", "sides"):
            self._refuse_unreadable((checked,) if self.kind == "side" else checked)
        return checked

    def _refuse_unreadable(self, sides: Sequence[str]) -> None:
        """Raise SettingsError for one that is no SIDE notation; of a list, it names which."""
        for text in sides:
            try:
                parse_side(text)
            except UsageError as error:
                listed = self.kind == "sides"
                wrong = f"and {_show(text)} is none" if listed else f"not {_show(text)}"
                raise SettingsError(
                    f"{self.key} must be {self.expected}, {wrong}",
                    hint=error.hint or f"{error.message[0].upper()}{error.message[1:]}.",
                ) from error

    def _in_range(self, checked: Any) -> bool:
        if self.low is None or self.high is None or (self.or_zero and checked == 0):
            return True
        return bool(self.low <= checked <= self.high)

    def written(self, value: Any) -> Any:
        """A checked value as the file and the commands write it."""
        return AUTO if self.kind == "layers" and value == -1 else value

    def typed(self, value: Any) -> str:
        """A value as a form's line shows it: what `parse` reads back."""
        if value is None:
            return ""
        if self.kind in ("folders", "sides"):
            separator = os.pathsep if self.kind == "folders" else ", "
            plain = separator.join(value)
            if self._reads(plain, value):
                return plain
            return "[" + ", ".join(map(_quoted, value)) + "]"
        if isinstance(value, dict):
            pairs = (f"{_quoted(key)} = {_quoted(keys)}" for key, keys in value.items())
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, bool):
            return str(value).lower()
        return str(self.written(value))

    def _reads(self, text: str, value: Any) -> bool:
        try:
            return bool(self.parse(text) == value)
        except SettingsError:
            return False

    def parse(self, text: str) -> Any:
        """Read a value that was typed, in a form or as `settings set KEY VALUE`."""
        text = text.strip()
        if not text and self.optional:
            return None
        if self.kind in ("text", "choice", "side") or (self.kind == "layers" and text == AUTO):
            return self.check(text)
        if self.kind == "folders" and not text.startswith("["):
            return self.check([part for part in text.split(os.pathsep) if part])
        if self.kind == "sides" and not text.startswith("["):
            return self.check([part.strip() for part in text.split(",") if part.strip()])
        try:
            document = tomllib.loads(f"v = {text}")
        except tomllib.TOMLDecodeError:
            document = {}
        return self.check(document["v"] if len(document) == 1 else text)


def _quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _show(value: Any) -> str:
    shown = repr(value) if not isinstance(value, bool) else str(value).lower()
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _check_text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _check_integer(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _check_layers(value: Any) -> Any:
    return -1 if value == AUTO else _check_integer(value)


def _check_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < 1e300 else None


def _check_yes_no(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _check_folders(value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) and v for v in value):
        return None
    return tuple(str(v) for v in value)


def _check_side(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else None


def _check_sides(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return None
    if not all(isinstance(v, str) and v.strip() for v in value):
        return None
    return tuple(v.strip() for v in value)


def _check_keymap(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return None
    keymap: dict[str, str] = {}
    for binding, given in value.items():
        listed = given if isinstance(given, (list, tuple)) else [given]
        if not all(isinstance(keys, str) for keys in listed):
            return None
        keymap[str(binding)] = ",".join(keys.strip() for keys in listed if keys.strip())
    return keymap


_CHECKS: Final[dict[Kind, Callable[[Any], Any]]] = {
    "text": _check_text,
    "integer": _check_integer,
    "number": _check_number,
    "yes/no": _check_yes_no,
    "choice": _check_text,
    "layers": _check_layers,
    "folders": _check_folders,
    "side": _check_side,
    "sides": _check_sides,
    "keymap": _check_keymap,
}
