"""The settings file: read with line numbers in its errors, changed with its comments kept.

A file that does not exist means the defaults and stays non-existent until something is saved.
"""

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Problem:
    """What is wrong with one key of the file, or with the variable of a setting."""

    key: str
    error: SettingsError


def read_file(path: Path) -> dict[str, Any]:
    """The values that the file sets itself, by dotted key. Raises SettingsError that names the file, the line and the
    key."""
    values, problems = survey_file(path)
    if problems:
        raise error_of_file(problems)
    return values


def survey_file(path: Path) -> tuple[dict[str, Any], list[Problem]]:
    """The values of the file that can be used, by dotted key, and what is wrong with the others. Raises SettingsError
    for a file that cannot be read, or is no TOML."""
    text = _parsable(path)
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in _flatten(tomllib.loads(text)).items():
        try:
            values[key] = field_named(key).check(value)
        except SettingsError as error:
            line = _line_of(text, key)
            where = f"{path}, line {line}: " if line else f"{path}: "
            told = SettingsError(where + error.message, hint=error.hint, kind=error.kind)
            problems.append(Problem(key, told))
    return values, problems


def error_of_file(problems: Sequence[Problem]) -> SettingsError:
    """All problems as one error, whose hint ends with the command that helps."""
    if len(problems) > 1:
        way_out = "`urial-tui settings unset KEY` takes one of them out of the file."
    else:
        key = shlex.quote(problems[0].key)
        way_out = f"`urial-tui settings unset {key}` takes it out of the file."
        if problems[0].key in BY_KEY:
            way_out = f"`urial-tui settings set {key} VALUE` corrects it, {way_out}"
    error = several([problem.error for problem in problems], "")
    return SettingsError(error.message, hint=f"{error.hint} {way_out}".strip(), kind=error.kind)


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
    is replaced in one step, mode 0600. A wrong value is replaced too, but nothing is changed while others are wrong.
    Raises SettingsError, and then the file is as it was.
    """
    values, problems = survey_file(path)
    before = with_values(Settings(), values)
    if isinstance(changes, Settings):
        wanted = {item.key: value_of(changes, item.key) for item in FIELDS}
        changes = {key: v for key, v in wanted.items() if v != value_of(before, key)}
    if others := [problem for problem in problems if problem.key not in changes]:
        raise error_of_file(others)
    after = with_values(before, changes)
    _edit(path, {key: value_of(after, key) for key in changes})
    return after


def reset_setting(key: str, path: Path) -> None:
    """Take a setting out of the file, so that its default counts. Its value there may be a wrong one.

    Raises SettingsError, and then the file is as it was.
    """
    take_out(field_named(key).key, path)


def take_out(key: str, path: Path) -> None:
    """Take whatever has this dotted name out of the file, a setting or not; a table that is then empty goes with it.

    Raises SettingsError, and then the file is as it was.
    """
    import tomlkit

    text = _parsable(path)
    document = tomlkit.parse(text)
    for place in list(_places(tomllib.loads(text), key)):
        holders: list[Any] = [document]
        for name in place[:-1]:
            holders.append(holders[-1][name])
        for holder, name in zip(reversed(holders), reversed(place), strict=True):
            holder.pop(name, None)
            if holder or holder is document or "sampling" in place[:1]:
                break
    _write_atomically(path, tomlkit.dumps(document))


def _places(table: Mapping[str, Any], key: str) -> Iterator[tuple[str, ...]]:
    """The ways to what has the dotted name `key`: a name in quotes may have dots itself."""
    for name, value in table.items():
        if name == key:
            yield (name,)
        elif isinstance(value, Mapping) and key.startswith(f"{name}."):
            yield from ((name, *rest) for rest in _places(value, key[len(name) + 1 :]))


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
        holder.pop(name, None)  # a table in its place would take in the lines below it
        table = holder[name] = tomlkit.table()
    for key in [key for key in table if key not in values]:
        table.pop(key)
    for key, value in values.items():
        if key not in table or not _says(name, {key: table[key]}, {key: value}):
            table[key] = value


def _says(name: str, written: Any, value: Any) -> bool:
    try:
        return bool(field_named(name).check(written) == value)
    except SettingsError:
        return False


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
