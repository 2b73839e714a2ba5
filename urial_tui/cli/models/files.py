"""`urial-tui models add | remove | verify`: folders to search, models of the program's own folder, and their hashes."""

from pathlib import Path
from typing import Any

import click

from urial_tui.cli.common.catalog import open_catalog
from urial_tui.cli.common.completing import model_names
from urial_tui.cli.common.confirming import confirm
from urial_tui.cli.common.wording import human_size
from urial_tui.cli.models.text import facts_json, say
from urial_tui.errors import ModelError, UsageError
from urial_tui.models.catalog import Catalog
from urial_tui.models.facts import Verification
from urial_tui.models.own_folder import (
    add_folder,
    folder_to_add,
    freed_by_removing,
    searched_by,
)
from urial_tui.safetext import json_line


@click.command(short_help="Search another folder for models.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def add(path: Path, as_json: bool) -> None:
    """Search PATH for models from now on: a folder, or a GGUF file, whose folder is then searched.

    The folder is written into `model_folders` of the settings. Nothing is moved or copied.
    """
    folder = folder_to_add(path)
    already = searched_by(folder)
    add_folder(path)
    catalog = open_catalog()
    there = [facts for facts in catalog.facts() if facts.path.is_relative_to(folder)]
    if as_json:
        told = {
            "folder": str(folder),
            "added": already is None,
            "models": [facts_json(facts) for facts in there],
        }
        click.echo(json_line(told, indent=2))
        return
    if already is not None:
        say(f"{folder} is searched already ({already})")
    else:
        say(f"{folder} is searched from now on")
    say(f"found there: {', '.join(facts.name for facts in there) or 'no GGUF file'}")


@click.command(short_help="Remove a model from the program's own folder.")
@click.argument("name", shell_complete=model_names)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object; needs --yes.")
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Remove the model or adapter NAME from the program's own folder, and free its space.

    Models that other programs keep, and those in folders of yours, are not touched.
    """
    catalog = open_catalog()
    facts = catalog.find(name)
    parts = catalog.parts(facts) if facts.source not in ("embedded", "shipped") else ()
    catalog.refuse_what_is_not_ours(facts)
    freed = freed_by_removing(parts)
    files = f"{len(parts)} files" if len(parts) > 1 else str(facts.path)
    question = f"Remove {facts.name} ({files}, {human_size(freed)})?"
    confirm(question, f"removing {facts.name}", yes=yes, as_json=as_json)
    gone = catalog.remove(name)
    if as_json:
        click.echo(json_line({"removed": [str(path) for path in gone], "freed": freed}, indent=2))
        return
    for path in gone:
        say(f"removed {path}")
    say(f"{human_size(freed)} freed")


@click.command(short_help="Check that files are what they should be.")
@click.argument("name", required=False, shell_complete=model_names)
@click.option("--all", "everything", is_flag=True, help="Verify every model and adapter.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
@click.pass_context
def verify(ctx: click.Context, name: str | None, everything: bool, as_json: bool) -> None:
    """Compute the sha256 of NAME again and compare it with what it should be.

    That is told by the record of the download, the hub's cache, Ollama's store, or this program for what comes with it.
    The exit code is 1 when a file is wrong or cannot be read. It takes about a second a gigabyte.
    """
    if everything == (name is not None):
        raise UsageError(
            "name one model, or give --all",
            hint="`urial-tui models list` shows the names.",
        )
    catalog = open_catalog()
    names = [name] if name is not None else _all_names(catalog)
    results = []
    for one in names:
        result = _verified(catalog, one, alone=name is not None)
        results.append(result)
        if not as_json:
            _print(result)
    if as_json:
        click.echo(json_line(results, indent=2))
    if any(result["ok"] is False for result in results):
        ctx.exit(1)


def _all_names(catalog: Catalog) -> list[str]:
    return [facts.name for facts in catalog.facts() if facts.path.exists()]


def _verified(catalog: Catalog, name: str, *, alone: bool) -> dict[str, Any]:
    try:
        return _verification_json(catalog.verify(name))
    except ModelError as error:
        if alone:
            raise
        return {"name": name, "ok": False, "error": error.message}


def _verification_json(found: Verification) -> dict[str, Any]:
    return {
        "name": found.name,
        "ok": found.ok,
        "sha256": found.sha256,
        "expected": found.expected,
        "told_by": found.source,
    }


def _print(result: dict[str, Any]) -> None:
    if "error" in result:
        say(f"WRONG    {result['name']}: {result['error']}")
    elif result["ok"] is None:
        say(
            f"unknown  {result['name']}: nobody says what its sha256 should be; it is {result['sha256']}"
        )
    elif result["ok"]:
        say(f"ok       {result['name']}: as {result['told_by']} says, {result['sha256']}")
    else:
        say(
            f"WRONG    {result['name']}: {result['told_by']} says {result['expected']}, "
            f"the file has {result['sha256']}"
        )
