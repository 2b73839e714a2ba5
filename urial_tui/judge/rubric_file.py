"""Reads one rubric file (TOML) and checks it strictly. Every error names the file, the line and the key."""

import hashlib
import re
from pathlib import Path
from typing import Any, Final

from urial_tui.errors import JudgeError, PromptError
from urial_tui.judge.rubric_types import N_LEVELS, Aspect, Rubric, Source
from urial_tui.prompts.files import decode, read_bytes
from urial_tui.prompts.toml_document import TomlDocument
from urial_tui.prompts.toml_lines import Key

MAX_BYTES: Final = 64 * 1024
MAX_ID: Final = 64
MAX_ASPECTS: Final = 12
MAX_LINE: Final = 400
"""Characters of a name, a question or a level."""
MAX_TEXT: Final = 4000
"""Characters of instructions and closing."""
REASON_CHARS: Final = (40, 1000)
DEFAULT_REASON_CHARS: Final = 240
MAX_VERSION: Final = 2**31 - 1

RUBRIC_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
TEXTS: Final = ("id", "kind", "name", "description", "instructions", "closing")
KEYS: Final = (*TEXTS, "version", "reason_chars", "aspect")
ASPECT_KEYS: Final = ("id", "name", "question", "levels", "na")
KIND: Final = "rubric"


_ID_LINE: Final = re.compile(r"""^\s*id\s*=\s*["']([a-z0-9-]+)["']\s*(?:#.*)?$""", re.MULTILINE)


class RubricError(JudgeError):
    """A rubric file that cannot be used."""

    default_kind = KIND


def load_rubric(path: Path, source: Source = "file") -> Rubric:
    """Read and check one rubric. Raises RubricError (kind `rubric`) naming the file, the line and the key."""
    path = Path(path)
    try:
        data = read_bytes(path, "a rubric", MAX_BYTES)
        text = decode(data, path)
    except PromptError as error:
        raise RubricError(error.message, hint=error.hint) from error
    return parse_rubric(text, path, hashlib.sha256(data).hexdigest(), source)


def id_in(path: Path) -> str:
    """The id that a broken rubric file seems to have: that of its first such line, else its name's."""
    try:
        found = _ID_LINE.search(decode(read_bytes(path, "a rubric", MAX_BYTES), path))
    except PromptError:
        found = None
    return found[1] if found else path.stem


def parse_rubric(text: str, path: Path, digest: str, source: Source = "file") -> Rubric:
    """As `load_rubric`, for text that has been read already."""
    return _Reader(path, text, error_type=RubricError, levels="A rubric has two levels.").rubric(
        digest, source
    )


class _Reader(TomlDocument):
    """The checks. It lives as long as one call of `parse_rubric`."""

    def rubric(self, digest: str, source: Source) -> Rubric:
        document = self.document
        self.only(KEYS, document, ())
        for key in KEYS:
            if key not in document and key not in ("description", "reason_chars"):
                raise self.error((key,), "is missing", "docs/judging.md says what a rubric has.")
        texts = {key: self.text_of(document, (key,)) for key in TEXTS if key in document}
        kind = texts["kind"]
        if kind not in ("score", "pairwise"):
            raise self.error(("kind",), f"{kind!r} is not a kind", "Write score or pairwise.")
        self.identifier(texts["id"], ("id",))
        return Rubric(
            id=texts["id"],
            version=self.number("version", 1, MAX_VERSION),
            kind="score" if kind == "score" else "pairwise",
            name=texts["name"],
            description=texts.get("description", ""),
            instructions=texts["instructions"],
            closing=texts["closing"],
            aspects=self.aspects(pairwise=kind == "pairwise"),
            reason_chars=self.number("reason_chars", *REASON_CHARS, DEFAULT_REASON_CHARS),
            hash=digest,
            path=self.path,
            source=source,
        )

    def aspects(self, *, pairwise: bool) -> tuple[Aspect, ...]:
        rows = self.tables("aspect")
        if not rows:
            raise self.error(("aspect",), "there is none", "Write [[aspect]] and its keys.")
        if len(rows) > MAX_ASPECTS:
            raise self.error(
                ("aspect", MAX_ASPECTS),
                f"there are {len(rows)} aspects; {MAX_ASPECTS} is the most",
                "A judge loses sight of more.",
            )
        found: list[Aspect] = []
        for n, row in enumerate(rows):
            aspect = self.aspect(row, ("aspect", n), pairwise=pairwise)
            if any(other.id == aspect.id for other in found):
                raise self.error(
                    ("aspect", n, "id"), f"{aspect.id!r} is there twice", "Give each its own id."
                )
            found.append(aspect)
        return tuple(found)

    def aspect(self, row: dict[str, Any], where: Key, *, pairwise: bool) -> Aspect:
        keys = [k for k in ASPECT_KEYS if not (pairwise and k in ("levels", "na"))]
        self.only(keys, row, where)
        for key in keys:
            if key not in row and key != "na":
                raise self.error(where, f"has no {key}", f"An aspect has {', '.join(keys)}.")
        texts = {key: self.text_of(row, (*where, key)) for key in ("id", "name", "question")}
        self.identifier(texts["id"], (*where, "id"))
        na = row.get("na", False)
        if not isinstance(na, bool):
            raise self.error((*where, "na"), f"must be true or false, not {na!r:.40}")
        return Aspect(**texts, levels=() if pairwise else self.levels(row, where), na=na)

    def levels(self, row: dict[str, Any], where: Key) -> tuple[str, ...]:
        here: Key = (*where, "levels")
        value = row["levels"]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(here, "must be a list of texts", "One for each score, 1 first.")
        if len(value) != N_LEVELS:
            raise self.error(
                here,
                f"there are {len(value)} levels, not {N_LEVELS}",
                "Say what each of the scores 1 to 5 means, 1 first.",
            )
        for n, item in enumerate(value):
            self.clean(item, here)
            self.bounded(item, here, MAX_LINE, f"level {n + 1}")
        return tuple(value)

    # --- values -----------------------------------------------------------------------------------------------------

    def text_of(self, table: dict[str, Any], where: Key) -> str:
        """A text that is not blank and not too long; on one line, but for instructions and closing."""
        text = self.string(table, where)
        long = where[-1] in ("instructions", "closing")
        self.bounded(text, where, MAX_TEXT if long else MAX_LINE, one_line=not long)
        return text

    def bounded(
        self, text: str, where: Key, most: int, what: str = "", *, one_line: bool = True
    ) -> None:
        what = f"{what} " if what else ""
        if not text.strip():
            raise self.error(where, f"{what}is empty", "Write something short.")
        if len(text) > most:
            raise self.error(where, f"{what}has {len(text)} characters; {most} is the most")
        if one_line and "\n" in text:
            raise self.error(where, f"{what}must be one line", "Take the line breaks out.")

    def identifier(self, text: str, where: Key) -> None:
        if RUBRIC_ID.fullmatch(text) is None or len(text) > MAX_ID:
            raise self.error(
                where,
                f"{text!r} cannot be an id",
                f"Use lower-case letters, digits and single hyphens, at most {MAX_ID}.",
            )

    def number(self, key: str, least: int, most: int, default: int | None = None) -> int:
        value = self.document.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error((key,), f"{value!r:.40} is not a whole number")
        if not least <= value <= most:
            raise self.error((key,), f"{value} is out of range", f"It goes from {least} to {most}.")
        return value
