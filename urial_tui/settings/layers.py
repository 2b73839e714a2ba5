"""Where a setting's value is from: its default, the settings file, the environment, an option of this run; the later
goes before the earlier.

Everything that uses settings reads them here; only what changes the file reads the file alone.
"""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from urial_tui import paths
from urial_tui.errors import SettingsError, UrialError
from urial_tui.settings.fields import Field
from urial_tui.settings.file import read_file, several
from urial_tui.settings.schema import FIELDS, Settings, value_of, with_values

PREFIX: Final = "URIAL_TUI_"
OTHER_VARIABLES: Final = (
    "URIAL_TUI_HOME",
    "URIAL_TUI_DEBUG",
    "URIAL_TUI_PLAIN",
    "URIAL_TUI_TEST_DATA",
)
"""Those that are no settings."""

Origin = Literal["default", "file", "environment", "option"]


@dataclass(frozen=True)
class Layered:
    """The settings that count, and where each value is from."""

    settings: Settings
    origins: Mapping[str, Origin]

    def value(self, key: str) -> Any:
        return value_of(self.settings, key)


def variable_of(key: str) -> str:
    """The environment variable of a setting: `sampling.top_k` is URIAL_TUI_SAMPLING_TOP_K."""
    return PREFIX + key.replace(".", "_").upper()


BY_VARIABLE: Final[Mapping[str, Field]] = {variable_of(item.key): item for item in FIELDS}


def read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings that variables give, by key; an empty variable gives none. Raises SettingsError that names the
    variables."""
    values: dict[str, Any] = {}
    problems: list[UrialError] = []
    for variable, item in BY_VARIABLE.items():
        text = environ.get(variable, "")
        if not text.strip():
            continue
        try:
            values[item.key] = item.parse(text)
        except SettingsError as error:
            problems.append(SettingsError(f"the environment variable {variable}: {error.message}"))
    if problems:
        raise several(problems, "Correct the variable, or unset it to use the settings file.")
    return values


def unknown_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that begin like ours and mean nothing, each with a hint. None of them is an error: another version of
    the program may know it."""
    known = [name.removeprefix(PREFIX) for name in (*BY_VARIABLE, *OTHER_VARIABLES)]
    found = {}
    for name in sorted(environ):
        rest = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and rest not in known:
            close = difflib.get_close_matches(rest, known, n=1, cutoff=0.6)
            found[name] = f"Did you mean {PREFIX}{close[0]}?" if close else "Unset it."
    return found


def read_layers(
    path: Path,
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Layered:
    """What counts now. `options` are settings of this run, by key; `environ` is the process's by default.

    Raises SettingsError that names the file and its line, the variable, or the setting.
    """
    layers: list[tuple[Origin, Mapping[str, Any]]] = [
        ("file", read_file(path)),
        ("environment", read_environment(os.environ if environ is None else environ)),
        ("option", options or {}),
    ]
    settings = Settings()
    origins: dict[str, Origin] = {item.key: "default" for item in FIELDS}
    for origin, values in layers:
        settings = with_values(settings, values)
        origins |= dict.fromkeys(values, origin)
    return Layered(settings, origins)


def current_settings(options: Mapping[str, Any] | None = None) -> Settings:
    """What counts now, of the user's own file. Raises SettingsError."""
    return read_layers(paths.settings_file(), options).settings
