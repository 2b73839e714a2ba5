"""The settings file: read with line numbers in its errors, changed with its comments kept.

A file that does not exist means the defaults and stays non-existent until something is saved.
"""

import re
import tomllib
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, Final

from urial_tui import files
from urial_tui.errors import SettingsError, UrialError
from urial_tui.paths import ensure_private_dir
from urial_tui.settings.schema import (
    BY_KEY,
    FIELDS,
    Settings,
    field_named,
    value_of,
    with_values,
)

MAX_FILE_BYTES: Final = 1024 * 1024


def read_file(path: Path) -> dict[str, Any]:
    """The values that the file sets itself, by dotted key. Raises SettingsError that names the file, the line and the
    key."""
    text = _parsable(path)
    document = tomllib.loads(text)
    values: dict[str, Any] = {}
    problems: list[UrialError] = []
    for key, value in _flatten(document).items():
        try:
            values[key] = field_named(key).check(value)
        except SettingsError as error:
            line = _line_of(text, key)
            where = f"{path}, line {line}: " if line else f"{path}: "
            problems.append(SettingsError(where + error.message, hint=error.hint, kind=error.kind))
    if problems:
        raise several(problems, "Correct the value, or take the line out to get the default.")
    return values


def several(problems: Sequence[UrialError], hint: str) -> SettingsError:
    """All problems as one error; `hint` where they have none of their own."""
    return SettingsError(
        "\n".join(problem.message for problem in problems),
        hint=" ".join(dict.fromkeys(problem.hint for problem in problems if problem.hint)) or hint,
        kind=problems[0].kind,
    )


def load_settings(path: Path) -> Settings:
    """What the file says, defaults for the rest. What counts is `layers.read_layers`. Raises SettingsError."""
    return with_values(Settings(), read_file(path))


def _parsable(path: Path) -> str:
    """The text of the file, which is TOML; empty for none. Raises SettingsError."""
    text = _read(path) or ""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path} is not valid TOML: {error}",
            hint="Correct that line, or move the file away to start with the defaults.",
            kind="settings-syntax",
        ) from error
    return text


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(
            f"cannot read the settings file {path}: {error.strerror or error}",
            hint="Check what it is and its permissions.",
            kind="settings-unreadable",
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise SettingsError(f"{path} is larger than {MAX_FILE_BYTES} bytes: not a settings file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path} is not UTF-8 text (byte {error.start})",
            hint="Save it as UTF-8, or move it away to use the defaults.",
            kind="settings-syntax",
        ) from error


def _flatten(document: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping) and key not in BY_KEY:
            flat |= {f"{key}.{name}": inner for name, inner in value.items()}
            if not value and key != "sampling":
                flat[key] = value
        else:
            flat[key] = value
    return flat


def _line_of(text: str, key: str) -> int | None:
    """The line that sets the dotted `key`; None where it is written in an unusual way."""
    table, _, name = key.rpartition(".")
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
        if header:
            current = header[1].strip("\"'")
            if current == key:
                return number
            continue
        found = re.match(r"""\s*(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_.-]+?))\s*=""", line)
        if found:
            written = found[1] or found[2] or found[3]
            if (current == table and written == name) or (not current and written == key):
                return number
    return None


def save_settings(changes: Settings | Mapping[str, Any], path: Path) -> Settings:
    """Write changed values into the settings file and return what it now says.

    `changes` maps dotted keys to values; None takes an optional setting out of the file. A whole
    `Settings` writes what differs from the file. Comments, order and everything else stay. The file
    is replaced in one step, mode 0600. Raises SettingsError, and then the file is as it was.
    """
    before = load_settings(path)
    if isinstance(changes, Settings):
        wanted = {item.key: value_of(changes, item.key) for item in FIELDS}
        changes = {key: v for key, v in wanted.items() if v != value_of(before, key)}
    after = with_values(before, changes)
    _edit(path, {key: value_of(after, key) for key in changes})
    return after


def reset_setting(key: str, path: Path) -> None:
    """Take a setting out of the file, so that its default counts. Its value there may be a wrong one.

    Raises SettingsError, and then the file is as it was.
    """
    _edit(path, {field_named(key).key: None})


def _edit(path: Path, changes: Mapping[str, Any]) -> None:
    """Write checked values into the file; None takes one out."""
    import tomlkit

    document = tomlkit.parse(_parsable(path))
    for key, value in changes.items():
        table_name, _, name = key.rpartition(".")
        holder: Any = document
        if table_name:
            if table_name not in document and value is not None:
                document[table_name] = tomlkit.table()
            holder = document.get(table_name, {})
        if value is None:
            holder.pop(name, None)
        elif isinstance(value, dict):
            _edit_table(holder, name, value)
        else:
            written = field_named(key).written(value)
            holder[name] = list(written) if isinstance(written, tuple) else written
    _write_atomically(path, tomlkit.dumps(document))


def _edit_table(holder: Any, name: str, values: Mapping[str, Any]) -> None:
    """Make a table say these values; the comments of what stays in it stay, too."""
    import tomlkit

    table = holder.get(name)
    if not isinstance(table, MutableMapping):
        table = holder[name] = tomlkit.table()
    for key in [key for key in table if key not in values]:
        table.pop(key)
    before = field_named(name).check(dict(table)) if table else {}
    for key, value in values.items():
        if before.get(key) != value:
            table[key] = value


def _write_atomically(path: Path, text: str) -> None:
    target = path.resolve()
    try:
        ensure_private_dir(target.parent)
        files.write_private(target, text)
    except (OSError, UrialError) as error:
        why = error.message if isinstance(error, UrialError) else error.strerror or str(error)
        raise SettingsError(
            f"cannot write the settings file {path}: {why}",
            hint="Check the permissions and the free space; the file is as it was before.",
            kind="settings-unwritable",
        ) from error
