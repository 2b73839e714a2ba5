"""`urial-tui settings`: where the settings are, what they say, and changing one without an editor."""

import json
from typing import Any

import click

from urial_tui import paths
from urial_tui.errors import SettingsError
from urial_tui.safetext import sanitize
from urial_tui.settings import (
    FIELDS,
    Field,
    Settings,
    field_named,
    load_settings,
    save_settings,
    value_of,
)


@click.group()
def settings() -> None:
    """Show and change settings."""


@settings.command("path")
def path_command() -> None:
    """Print where the settings file is; it need not exist."""
    click.echo(str(paths.settings_file()))


@settings.command("show")
@click.option("--json", "as_json", is_flag=True, help="A JSON object, key to value.")
def show_command(as_json: bool) -> None:
    """Print every setting with its value. A star marks what is not the default."""
    current = load_settings(paths.settings_file())
    if as_json:
        click.echo(json.dumps({item.key: value_of(current, item.key) for item in FIELDS}, indent=2))
        return
    width = max(len(item.key) for item in FIELDS)
    for item in FIELDS:
        value = value_of(current, item.key)
        mark = " " if value == item.default else "*"
        click.echo(f"{mark} {item.key:<{width}}  {sanitize(shown(item, value))}")


@settings.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.argument("value")
def set_command(key: str, value: str) -> None:
    """Give the setting KEY a VALUE, for example: settings set sampling.temperature 0.5"""
    item = field_named(key)
    after = save_settings({key: item.parse(value)}, paths.settings_file())
    click.echo(f"{key} = {sanitize(shown(item, value_of(after, key)))}")


@settings.command("unset")
@click.argument("key")
def unset_command(key: str) -> None:
    """Go back to the default of the setting KEY."""
    item = field_named(key)
    save_settings({key: item.default}, paths.settings_file())
    click.echo(f"{key} = {shown(item, item.default)}")


def shown(item: Field, value: Any) -> str:
    if value is None:
        return f"({item.optional})"
    value = item.written(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text} {item.unit}".rstrip()


def load_or_defaults() -> tuple[Settings, SettingsError | None]:
    """The settings, or the defaults and why, for commands that must work with a broken file."""
    try:
        return load_settings(paths.settings_file()), None
    except SettingsError as error:
        return Settings(), error
