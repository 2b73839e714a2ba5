"""Reads one pack file (TOML) and checks it against the schema. Every error names the file, the line and the key."""

import difflib
import hashlib
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from urial_tui.errors import PromptError
from urial_tui.prompts.files import decode, read_bytes
from urial_tui.prompts.pack_types import Example, Format, Pack, Source
from urial_tui.prompts.toml_lines import Key, key_lines
from urial_tui.sides import RESERVED_STYLES

MAX_BYTES = 256 * 1024
MAX_EXAMPLES = 64
MAX_STOPS = 16
MAX_ID = 64
MAX_SEPARATOR = 200

PACK_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_FENCE = re.compile(r"`{3,}|")

REQUIRED = ("id", "name", "version", "language")
OPTIONAL = ("license", "description", "system")
EXAMPLE_KEYS = ("query", "answer")
HEADINGS = ("system_heading", "query_heading", "answer_heading")
SEPARATORS = ("after_system", "before_heading", "after_heading", "after_block", "after_examples")
FORMAT_KEYS = (*HEADINGS, "fence", *SEPARATORS, "stops")
DEFAULTS: dict[str, tuple[type, float, float]] = {
    "temperature": (float, 0.0, 5.0),
    "top_p": (float, 0.0, 1.0),
    "top_k": (int, 0, 1_000_000),
    "min_p": (float, 0.0, 1.0),
    "repeat_penalty": (float, 0.1, 5.0),
    "frequency_penalty": (float, -5.0, 5.0),
    "presence_penalty": (float, -5.0, 5.0),
    "penalty_last_n": (int, -1, 1_000_000),
    "max_tokens": (int, 1, 1_000_000),
}
"""The sampling settings that a pack may suggest: type, lowest, highest. The names are those of engine Sampling."""


def load_pack(path: Path, source: Source = "file") -> Pack:
    """Read and check one pack. Raises PromptError naming the file, the line and the key."""
    path = Path(path)
    data = read_bytes(path, "a prompt pack", MAX_BYTES)
    text = decode(data, path)
    return parse_pack(text, path, hashlib.sha256(data).hexdigest(), source)


def parse_pack(text: str, path: Path, digest: str, source: Source = "file") -> Pack:
    """As `load_pack`, for text that has been read already."""
    import tomllib

    text = text.removeprefix("\ufeff")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place, reason = _syntax_error(text, str(error))
        raise PromptError(
            f"{path}{place}: {reason}", hint="The file is not valid TOML; see https://toml.io."
        ) from error
    except RecursionError as error:
        raise PromptError(f"{path}: nested too deeply", hint="A pack has two levels.") from error
    return _Reader(path, text, document).pack(digest, source)


def _syntax_error(text: str, message: str) -> tuple[str, str]:
    match = re.search(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", message, re.S)
    if match is None:
        return "", message
    line = int(match[2]) if match[2] else text.rstrip("\n").count("\n") + 1
    return f", line {line}" + (f", column {match[3]}" if match[3] else ""), match[1]


class _Reader:
    """The checks. It lives as long as one call of `parse_pack`."""

    def __init__(self, path: Path, text: str, document: dict[str, Any]) -> None:
        self.path = path
        self.text = text
        self.document = document
        self.lines: dict[Key, int] | None = None

    def pack(self, digest: str, source: Source) -> Pack:
        document = self.document
        known = (*REQUIRED, *OPTIONAL, "example", "format", "defaults")
        self.only(known, document, ())
        for key in REQUIRED:
            if key not in document:
                raise self.error((key,), "is missing", f'Add {key} = "..." at the top.')
        pack = Pack(
            **{key: self.string(document, (key,)) for key in (*REQUIRED, *OPTIONAL)},
            examples=self.examples(),
            format=self.format(),
            defaults=self.defaults(),
            hash=digest,
            path=self.path,
            source=source,
        )
        if PACK_ID.fullmatch(pack.id) is None or len(pack.id) > MAX_ID:
            raise self.error(
                ("id",),
                f"{pack.id!r} cannot be a pack id",
                f"Use lower-case letters, digits and single hyphens, at most {MAX_ID}.",
            )
        if pack.id in RESERVED_STYLES:
            raise self.error(
                ("id",), f"{pack.id!r} is the name of a style of the program", "Choose another id."
            )
        if _LANGUAGE.fullmatch(pack.language) is None:
            raise self.error(
                ("language",),
                f"{pack.language!r} is not a language tag",
                "Write a tag such as en, it or zh-Hans.",
            )
        for key in ("name", "version"):
            if not getattr(pack, key).strip():
                raise self.error((key,), "is empty", "Write something short.")
        return pack

    def examples(self) -> tuple[Example, ...]:
        rows = self.document.get("example", [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.error(
                ("example",), "must be a list of tables", "Write [[example]] before each example."
            )
        if len(rows) > MAX_EXAMPLES:
            raise self.error(
                ("example", MAX_EXAMPLES),
                f"there are {len(rows)} examples; {MAX_EXAMPLES} is the most",
                "Three are enough.",
            )
        found = []
        for number, row in enumerate(rows):
            where: Key = ("example", number)
            self.only(EXAMPLE_KEYS, row, where)
            for key in EXAMPLE_KEYS:
                if key not in row:
                    raise self.error(where, f"has no {key}", "Each example has query and answer.")
            texts = {key: self.string(row, (*where, key)) for key in EXAMPLE_KEYS}
            for key, value in texts.items():
                if not value.strip():
                    raise self.error(
                        (*where, key), "is empty", "Write a text, or drop the example."
                    )
            found.append(Example(**texts))
        return tuple(found)

    def format(self) -> Format:
        table = self.table("format")
        self.only(FORMAT_KEYS, table, ("format",))
        values: dict[str, Any] = {}
        for key in table:
            where: Key = ("format", key)
            values[key] = self.stops(where) if key == "stops" else self.string(table, where, False)
        for key in ("query_heading", "answer_heading"):
            if key in values and not values[key].strip():
                raise self.error(
                    ("format", key), "is empty", "The model needs a heading to follow."
                )
        for key in (*HEADINGS, *SEPARATORS):
            if len(values.get(key, "")) > MAX_SEPARATOR:
                raise self.error(("format", key), f"is longer than {MAX_SEPARATOR} characters")
        for key in HEADINGS:
            if "\n" in values.get(key, ""):
                raise self.error(
                    ("format", key), "must be one line", "Use the separators for newlines."
                )
        if _FENCE.fullmatch(values.get("fence", "")) is None:
            raise self.error(
                ("format", "fence"),
                f"{values['fence']!r} is not a fence",
                'Use three or more backticks, or "" for none.',
            )
        return Format(**values)

    def stops(self, where: Key) -> tuple[str, ...]:
        value = self.document["format"]["stops"]
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.error(
                where, "must be a list of texts that are not empty", r'Example: ["\n# Query:"]'
            )
        if len(value) > MAX_STOPS:
            raise self.error(where, f"has {len(value)} texts; {MAX_STOPS} is the most")
        for item in value:
            self.clean(item, where)
        return tuple(value)

    def defaults(self) -> dict[str, float | int]:
        table = self.table("defaults")
        self.only(DEFAULTS, table, ("defaults",))
        for key, value in table.items():
            kind, low, high = DEFAULTS[key]
            allowed = (int,) if kind is int else (int, float)
            wanted = "a whole number" if kind is int else "a number"
            if isinstance(value, bool) or not isinstance(value, allowed):
                raise self.error(("defaults", key), f"{value!r} is not {wanted}")
            if not math.isfinite(value) or not low <= value <= high:
                raise self.error(
                    ("defaults", key),
                    f"{value!r} is out of range",
                    f"It goes from {low:g} to {high:g}.",
                )
        return dict(table)

    def table(self, key: str) -> dict[str, Any]:
        value = self.document.get(key, {})
        if not isinstance(value, dict):
            raise self.error((key,), "must be a table", f"Write [{key}] on a line of its own.")
        return value

    def string(self, table: dict[str, Any], where: Key, drop_newline: bool = True) -> str:
        """The text at `where`; a multi-line string's closing newline is not part of it."""
        value = table.get(str(where[-1]), "")
        if not isinstance(value, str):
            raise self.error(where, f"must be a text, not {value!r:.40}", "Put it in quotes.")
        self.clean(value, where)
        return value.removesuffix("\n") if drop_newline else value

    def clean(self, value: str, where: Key) -> None:
        if "\0" in value:
            raise self.error(where, "contains a null character", "Take it out.")

    def only(self, known: Iterable[str], table: dict[str, Any], where: Key) -> None:
        known = list(known)
        for key in table:
            if key in known:
                continue
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(known)}."
            raise self.error((*where, key), "unknown key", hint)

    def error(self, where: Key, message: str, hint: str = "") -> PromptError:
        if self.lines is None:
            self.lines = key_lines(self.text)
        found = next(
            (self.lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in self.lines), 1
        )
        return PromptError(f"{self.path}, line {found}, key {dotted(where)}: {message}", hint=hint)


def dotted(where: Key) -> str:
    """A key path as people write it: example[2].query (examples counted from 1)."""
    text = ""
    for part in where:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text
