"""Where a setting's value is from: its default, the settings file, the environment, an option of this run; the later
goes before the earlier.

Everything that uses settings reads them here; only what changes the file reads the file alone.
"""

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from urial_tui import paths
from urial_tui.errors import SettingsError
from urial_tui.settings.fields import Field
from urial_tui.settings.file import Problem, error_of_file, read_file, several, survey_file
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


@dataclass(frozen=True)
class Surveyed(Layered):
    """What counts besides what is wrong: that stands at its default here, and nothing begins with it elsewhere."""

    of_file: Sequence[Problem] = ()
    of_environment: Sequence[Problem] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self.of_file, *self.of_environment)

    @property
    def error(self) -> SettingsError | None:
        """All of them in words."""
        errors = []
        if self.of_file:
            errors.append(error_of_file(self.of_file))
        if self.of_environment:
            errors.append(_error_of_environment(self.of_environment))
        return several(errors, "") if errors else None


def variable_of(key: str) -> str:
    """The environment variable of a setting: `sampling.top_k` is URIAL_TUI_SAMPLING_TOP_K."""
    return PREFIX + key.replace(".", "_").upper()


BY_VARIABLE: Final[Mapping[str, Field]] = {variable_of(item.key): item for item in FIELDS}


def read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings that variables give, by key; an empty variable gives none. Raises SettingsError that names the
    variables."""
    values, problems = _survey_environment(environ)
    if problems:
        raise _error_of_environment(problems)
    return values


def _survey_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for variable, item in BY_VARIABLE.items():
        text = environ.get(variable, "")
        if not text.strip():
            continue
        try:
            values[item.key] = item.parse(text)
        except SettingsError as error:
            told = SettingsError(f"the environment variable {variable}: {error.message}")
            problems.append(Problem(item.key, told))
    return values, problems


def _error_of_environment(problems: Sequence[Problem]) -> SettingsError:
    return several(
        [problem.error for problem in problems],
        "Correct the variable, or unset it to use the settings file.",
    )


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
    in_file = read_file(path)
    of_variables = read_environment(os.environ if environ is None else environ)
    return Layered(*_over_each_other(in_file, of_variables, options or {}))


def survey_layers(path: Path, environ: Mapping[str, str] | None = None) -> Surveyed:
    """What counts, and all that is wrong, of which `read_layers` would be an error. Raises SettingsError for a file
    that cannot be read, or is no TOML."""
    in_file, of_file = survey_file(path)
    given, of_environment = _survey_environment(os.environ if environ is None else environ)
    return Surveyed(*_over_each_other(in_file, given, {}), of_file, of_environment)


def _over_each_other(
    in_file: Mapping[str, Any], of_variables: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[Settings, dict[str, Origin]]:
    settings = Settings()
    origins: dict[str, Origin] = {item.key: "default" for item in FIELDS}
    layers: list[tuple[Origin, Mapping[str, Any]]] = [
        ("file", in_file),
        ("environment", of_variables),
        ("option", options),
    ]
    for origin, values in layers:
        settings = with_values(settings, values)
        origins |= dict.fromkeys(values, origin)
    return settings, origins


def current_settings(options: Mapping[str, Any] | None = None) -> Settings:
    """What counts now, of the user's own file. Raises SettingsError."""
    return read_layers(paths.settings_file(), options).settings
