"""Reads one pack file (TOML) and checks it against the schema. Every error names the file, the line and the key."""

import hashlib
import math
import re
from pathlib import Path
from typing import Any

from urial_tui.prompts.files import decode, read_bytes
from urial_tui.prompts.pack_types import Example, Format, Pack, Source
from urial_tui.prompts.toml_document import TomlDocument
from urial_tui.prompts.toml_lines import Key
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
    return _Reader(path, text).pack(digest, source)


class _Reader(TomlDocument):
    """The checks. It lives as long as one call of `parse_pack`."""

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
        rows = self.tables("example")
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
