"""`urial-tui settings`: where the settings are, what they say, and changing one without an editor."""

import json
import os
from typing import Any

import click

from urial_tui import paths
from urial_tui.cli.common.keymap import keymap_problems, theme_error
from urial_tui.errors import SettingsError
from urial_tui.prompts.named import check_setting
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.settings import (
    FIELDS,
    Field,
    Settings,
    Surveyed,
    field_named,
    load_settings,
    save_settings,
    survey_layers,
    take_out,
    value_of,
    variable_of,
)


@click.group()
def settings() -> None:
    """Show and change settings."""


@settings.command("path")
def path_command() -> None:
    """Print where the settings file is; it need not exist."""
    click.echo(str(paths.settings_file()))


@settings.command("show")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="A JSON object: key to value, where from, variable, and problems where there are some.",
)
def show_command(as_json: bool) -> None:
    """Print every setting with where its value is from: default, file or environment.

    A key or a value that cannot be used is told as well. The exit code is 1 when there is one: commands that use
    settings refuse to begin until it is corrected or taken out.
    """
    found = survey_layers(paths.settings_file())
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2))
    else:
        width = max(len(item.key) for item in FIELDS)
        for item in FIELDS:
            value = sanitize(shown(item, found.value(item.key)))
            click.echo(f"{item.key:<{width}}  {found.origins[item.key]:<11}  {value}")
        _say_keymap_problems(found.settings)
        _say_error(found)
    if found.problems:
        click.get_current_context().exit(1)


def _as_json(found: Surveyed) -> dict[str, Any]:
    told: dict[str, Any] = {
        item.key: {
            "value": found.value(item.key),
            "from": found.origins[item.key],
            "variable": variable_of(item.key),
        }
        for item in FIELDS
    }
    told["keymap"]["problems"] = list(keymap_problems(found.settings.keymap))
    for problem in found.problems:
        no_setting = {"value": None, "from": "file", "variable": None}
        entry = told.setdefault(problem.key, no_setting)
        entry.setdefault("problems", []).append(problem.error.message)
    return told


def _say_error(found: Surveyed, label: str = "error") -> None:
    if (error := found.error) is not None:
        click.echo(sanitize(f"{label}: {error.message}\nhint: {error.hint}"), err=True)


def _say_keymap_problems(settings: Settings) -> None:
    for problem in keymap_problems(settings.keymap):
        click.echo(sanitize(f"note: keymap: {problem}"), err=True)


@settings.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.argument("value")
def set_command(key: str, value: str) -> None:
    """Give the setting KEY a VALUE, for example: settings set sampling.temperature 0.5

    A key of the interface is named by its binding: settings set keymap.chat.board f11
    """
    binding = _binding(key)
    item = field_named("keymap" if binding else key)
    key = item.key
    wanted = item.check({**_keymap(), binding: value}) if binding else item.parse(value)
    if key == "theme" and (error := theme_error(wanted)) is not None:
        raise error
    check_setting(key, wanted)
    after = save_settings({key: wanted}, paths.settings_file())
    click.echo(f"{key} = {sanitize(shown(item, value_of(after, key)))}")
    if item.kind == "keymap":
        _say_keymap_problems(after)
    _say_what_goes_before(key)


@settings.command("unset", context_settings={"ignore_unknown_options": True})
@click.argument("key")
def unset_command(key: str) -> None:
    """Take KEY out of the file: its default counts. So does keymap.BINDING, and what is in the file and no setting."""
    path = paths.settings_file()
    try:
        item = field_named("keymap" if _binding(key) else key)
    except SettingsError:
        if not _is_wrong(key, survey_layers(path)):
            raise
        take_out(key, path)
        click.echo(f"{sanitize_line(key)} is no setting, and no longer in the file")
    else:
        take_out(key, path)
        value = value_of(survey_layers(path, {}).settings, item.key)
        click.echo(f"{item.key} = {sanitize(shown(item, value))}")
        _say_what_goes_before(item.key)
    _say_error(survey_layers(path, {}), "note: the file still has a mistake")


def _is_wrong(key: str, found: Surveyed) -> bool:
    """Whether `key` is in the file and no setting, or a table of nothing but such keys."""
    wrong = [problem.key for problem in found.of_file]
    of_settings = any(item.key.startswith(f"{key}.") for item in FIELDS)
    return key in wrong or (not of_settings and any(other.startswith(f"{key}.") for other in wrong))


def _binding(key: str) -> str:
    """The binding that `keymap.BINDING` names; "" for any other setting."""
    table, _, binding = key.partition(".")
    return binding if table == "keymap" else ""


def _keymap() -> dict[str, str]:
    """As the file has it."""
    return load_settings(paths.settings_file()).keymap


def _say_what_goes_before(key: str) -> None:
    variable = variable_of(key)
    if os.environ.get(variable, "").strip():
        click.echo(f"note: {variable} is set and goes before the file", err=True)


def shown(item: Field, value: Any) -> str:
    if value is None:
        return f"({item.optional})"
    value = item.written(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text} {item.unit}".rstrip()
