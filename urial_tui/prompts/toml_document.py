"""A TOML file that is checked key by key: what is wrong is told with the file, the line and the key.

Packs and rubrics are read through it. It knows no schema; whoever reads a kind of file asks for what it may hold.
"""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from urial_tui.errors import PromptError, UrialError
from urial_tui.prompts.toml_lines import Key, key_lines


class TomlDocument:
    """The document of `text`. Every complaint is raised as `error_type`; `levels` says how deep such files go."""

    def __init__(
        self,
        path: Path,
        text: str,
        *,
        error_type: type[UrialError] = PromptError,
        levels: str = "A pack has two levels.",
    ) -> None:
        self.path = path
        self.text = text.removeprefix("\ufeff")
        self._error_type = error_type
        self._lines: dict[Key, int] | None = None
        import tomllib

        try:
            self.document: dict[str, Any] = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            place, reason = _syntax_error(self.text, str(error))
            raise error_type(
                f"{path}{place}: {reason}", hint="The file is not valid TOML; see https://toml.io."
            ) from error
        except RecursionError as error:
            raise error_type(f"{path}: nested too deeply", hint=levels) from error

    def tables(self, key: str) -> list[dict[str, Any]]:
        """The tables under [[key]], [] where there are none."""
        rows = self.document.get(key, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.error(
                (key,), "must be a list of tables", f"Write [[{key}]] before each {key}."
            )
        return rows

    def table(self, key: str) -> dict[str, Any]:
        """The table under [key], {} where there is none."""
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
        """Refuse keys that are not known."""
        known = list(known)
        for key in table:
            if key in known:
                continue
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(known)}."
            raise self.error((*where, key), "unknown key", hint)

    def error(self, where: Key, message: str, hint: str = "") -> UrialError:
        """A complaint about a key, or about what is nearest to it in the file."""
        if self._lines is None:
            self._lines = key_lines(self.text)
        lines = self._lines
        found = next((lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in lines), 1)
        return self._error_type(
            f"{self.path}, line {found}, key {dotted(where)}: {message}", hint=hint
        )


def dotted(where: Key) -> str:
    """A key path as people write it: example[2].query (examples counted from 1)."""
    text = ""
    for part in where:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _syntax_error(text: str, message: str) -> tuple[str, str]:
    match = re.search(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", message, re.S)
    if match is None:
        return "", message
    line = int(match[2]) if match[2] else text.rstrip("\n").count("\n") + 1
    return f", line {line}" + (f", column {match[3]}" if match[3] else ""), match[1]
