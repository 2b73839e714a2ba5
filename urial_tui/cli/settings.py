"""`urial-tui settings`: where the settings are, what they say, and changing one without an editor."""

import json
import os
from typing import Any

import click

from urial_tui import paths
from urial_tui.cli.common.keymap import keymap_problems, theme_error
from urial_tui.safetext import sanitize
from urial_tui.settings import (
    FIELDS,
    Field,
    Layered,
    Settings,
    field_named,
    load_settings,
    read_layers,
    reset_setting,
    save_settings,
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
    "--json", "as_json", is_flag=True, help="A JSON object: key to value, where from, variable."
)
def show_command(as_json: bool) -> None:
    """Print every setting with where its value is from: default, file or environment."""
    found = read_layers(paths.settings_file())
    if as_json:
        click.echo(json.dumps({item.key: _as_json(item, found) for item in FIELDS}, indent=2))
        return
    width = max(len(item.key) for item in FIELDS)
    for item in FIELDS:
        value = sanitize(shown(item, found.value(item.key)))
        click.echo(f"{item.key:<{width}}  {found.origins[item.key]:<11}  {value}")
    _say_keymap_problems(found.settings)


def _as_json(item: Field, found: Layered) -> dict[str, Any]:
    told = {
        "value": found.value(item.key),
        "from": found.origins[item.key],
        "variable": variable_of(item.key),
    }
    if item.kind == "keymap":
        told["problems"] = list(keymap_problems(found.settings.keymap))
    return told


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
    after = save_settings({key: wanted}, paths.settings_file())
    click.echo(f"{key} = {sanitize(shown(item, value_of(after, key)))}")
    if item.kind == "keymap":
        _say_keymap_problems(after)
    _say_what_goes_before(key)


@settings.command("unset")
@click.argument("key")
def unset_command(key: str) -> None:
    """Take the setting KEY out of the file: its default counts. So does keymap.BINDING."""
    binding = _binding(key)
    item = field_named("keymap" if binding else key)
    left = {name: keys for name, keys in _keymap().items() if name != binding} if binding else {}
    if left:
        save_settings({item.key: left}, paths.settings_file())
    else:
        reset_setting(item.key, paths.settings_file())
    click.echo(f"{item.key} = {sanitize(shown(item, left or item.default))}")
    _say_what_goes_before(item.key)


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
