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
        click.echo(f"{mark} {item.key:<{width}}  {sanitize(_shown(item, value))}")


@settings.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.argument("value")
def set_command(key: str, value: str) -> None:
    """Change one setting, for example: settings set sampling.temperature 0.5"""
    item = field_named(key)
    after = save_settings({key: item.parse(value)}, paths.settings_file())
    click.echo(f"{key} = {sanitize(_shown(item, value_of(after, key)))}")


@settings.command("unset")
@click.argument("key")
def unset_command(key: str) -> None:
    """Go back to the default of one setting."""
    item = field_named(key)
    save_settings({key: item.default}, paths.settings_file())
    click.echo(f"{key} = {_shown(item, item.default)}")


@settings.command("reference", hidden=True)
def reference_command() -> None:
    """Print docs/settings.md, made from the schema."""
    click.echo(reference(), nl=False)


def _shown(item: Field, value: Any) -> str:
    if value is None:
        return f"({item.optional})"
    value = item.written(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text} {item.unit}".rstrip()


def reference() -> str:
    """docs/settings.md: every setting, by group."""
    lines = [
        "# Settings",
        "",
        "<!-- Made by `urial-tui settings reference > docs/settings.md`. Do not edit. -->",
        "",
        "`urial-tui settings path` prints where the file is (on Linux",
        "`~/.config/urial-tui/settings.toml`). A file that does not exist means the defaults. A wrong",
        "value or an unknown key is an error that names the line; nothing is guessed.",
        "",
        "```toml",
        'side = "demo"',
        "n_ctx = 8192",
        "",
        "[sampling]",
        "temperature = 0.7",
        "",
        "[keymap]",
        '"app.help" = "f1,f11"',
        "```",
        "",
        "`urial-tui settings set KEY VALUE` and `urial-tui settings unset KEY` change one setting and",
        "keep the comments of the file; `urial-tui settings show` lists all of them.",
    ]
    for group in dict.fromkeys(item.group for item in FIELDS):
        lines += ["", f"## {group}", "", "| key | value | default | |", "| --- | --- | --- | --- |"]
        lines += [_row(item) for item in FIELDS if item.group == group]
    lines += [
        "",
        "## Environment",
        "",
        "| variable | |",
        "| --- | --- |",
        "| `URIAL_TUI_HOME` | One folder for settings, history, models, caches and logs. |",
        "| `URIAL_TUI_DEBUG` | `1` prints the traceback of an unexpected error. |",
        "| `NO_COLOR` | Set to anything: no colours. |",
        "",
    ]
    return "\n".join(lines)


def _row(item: Field) -> str:
    expected = item.expected + (f", in {item.unit}" if item.unit else "")
    default = _shown(item, item.default)
    default = f"`{default}`" if item.default is not None else item.optional
    cells = [f"`{item.key}`", expected, default, item.help]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def load_or_defaults() -> tuple[Settings, SettingsError | None]:
    """The settings, or the defaults and why, for commands that must work with a broken file."""
    try:
        return load_settings(paths.settings_file()), None
    except SettingsError as error:
        return Settings(), error
