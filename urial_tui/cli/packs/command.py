"""`urial-tui packs`: which prompt packs there are, what is in one, what is wrong with it, how to make one."""

import sys
from pathlib import Path
from typing import Any

import click

from urial_tui.cli.common.completing import side_names
from urial_tui.cli.common.leaving import warn_of
from urial_tui.cli.common.wording import many
from urial_tui.errors import UsageError
from urial_tui.prompts.packs import Pack, load_pack
from urial_tui.prompts.styles import DEFAULT_PACK, default_library
from urial_tui.safetext import json_line, sanitize, sanitize_line


@click.group()
def packs() -> None:
    """List, show, check and import prompt packs."""


@packs.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def list_command(as_json: bool) -> None:
    """List the packs: the built-in ones and your own."""
    library = default_library()
    found = library.all()
    if as_json:
        click.echo(json_line([_summary(pack) for pack in found], indent=2))
    else:
        width = max((len(pack.id) for pack in found), default=0)
        for pack in found:
            mark = "*" if pack.id == DEFAULT_PACK else " "
            line = (
                f"{mark} {pack.id:<{width}}  {pack.language:<7} {len(pack.examples)} ex  "
                f"{pack.source:<7}  {pack.description}"
            )
            click.echo(sanitize_line(line, 400))
    warn_of(problem.error for problem in library.problems)


@packs.command("show")
@click.argument("pack")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def show_command(pack: str, as_json: bool) -> None:
    """Show PACK: an id from `packs list`, or a .toml or .txt file."""
    found, official = _find(pack)
    if as_json:
        click.echo(json_line(_details(found), indent=2))
        return
    from urial_tui.prompts.render import pack_shape

    rows = {
        "id": found.id,
        "name": found.name,
        "version": found.version,
        "language": found.language,
        "license": found.license or "-",
        "description": found.description or "-",
        "examples": str(len(found.examples)),
        "stops": ", ".join(map(repr, found.format.stop_texts())) or "-",
        "defaults": ", ".join(f"{k} {v:g}" for k, v in found.defaults.items()) or "-",
        "sha256": found.hash,
        "file": str(found.path or "-"),
        "source": "official text file" if official else found.source,
    }
    for key, value in rows.items():
        click.echo(f"{key:<12} {sanitize_line(value, 1000)}")
    click.echo("\nThe constant part of every prompt:\n")
    click.echo(sanitize(pack_shape(found).opening), nl=False)


@packs.command("lint")
@click.argument("names", metavar="[PACK]...", nargs=-1)
@click.option(
    "--side",
    metavar="SIDE",
    shell_complete=side_names,
    help="Count tokens on this side's model.",
)
@click.option("--demo", is_flag=True, help="Count tokens on the embedded model.")
@click.option("--strict", is_flag=True, help="Fail on warnings, too.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array of findings.")
def lint_command(
    names: tuple[str, ...], side: str | None, demo: bool, strict: bool, as_json: bool
) -> None:
    """Check PACKs (ids, .toml or .txt files; all known packs when none is given).

    With --demo or --side the token cost on that model is reported, too. The exit code is 1 when there is an error.
    """
    if side and demo:
        raise UsageError("--demo and --side exclude each other", hint="Give one of them.")
    from urial_tui.cli.packs.lint import lint_targets

    findings = lint_targets(names, side, demo)
    if as_json:
        click.echo(json_line(findings, indent=2))
    else:
        for row in findings:
            where = f"{row['file']}:{row['line']}" if row["line"] else row["file"]
            key = f" {row['key']}:" if row["key"] else ""
            line = f"{where}: {row['severity']}:{key} {row['message']} [{row['code']}]"
            click.echo(sanitize_line(line, 1000))
        counts = {
            kind: sum(row["severity"] == kind for row in findings) for kind in ("error", "warning")
        }
        click.echo(
            f"{many(counts['error'], 'error')}, {many(counts['warning'], 'warning')}", err=True
        )
    bad = {"error", "warning"} if strict else {"error"}
    if any(row["severity"] in bad for row in findings):
        sys.exit(1)


@packs.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--id", "pack_id", metavar="ID", help="The new pack's id (default: from the file's name)."
)
@click.option("--name", default="", help="The new pack's name.")
@click.option("--language", default="en", show_default=True, help="Language tag of its texts.")
@click.option(
    "--as",
    "shape",
    type=click.Choice(["official", "examples"]),
    default="official",
    show_default=True,
    help="Go on as the official runner does, or as the file's own examples are.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write here, - is stdout (default: your packs).",
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object about the result.")
def import_command(
    file: Path,
    pack_id: str | None,
    name: str,
    language: str,
    shape: str,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make a pack out of FILE, an official URIAL prompt (.txt)."""
    from urial_tui.cli.packs.importing import import_file

    result = import_file(
        file, pack_id, name=name, language=language, shape=shape, output=output, force=force
    )
    if as_json:
        click.echo(json_line(result, indent=2))
        return
    for note in result["notes"]:
        click.echo("note: " + sanitize_line(note, 400), err=True)
    if result["identical"]:
        click.echo("every conversation renders exactly as from the official file", err=True)
    if result["path"] is None:
        text = str(result["toml"])
        click.echo(sanitize(text) if sys.stdout.isatty() else text, nl=False)
    else:
        click.echo(sanitize_line(f"{result['path']}", 4000))


def _find(name: str) -> tuple[Pack, bool]:
    """A pack by id or path, and whether it is an official text file."""
    path = Path(name)
    if path.suffix.lower() == ".txt":
        from urial_tui.prompts.importer import import_official, pack_id_for
        from urial_tui.prompts.official import load_official

        prompt = load_official(path)
        pack = import_official(prompt, pack_id_for(path.name)).pack
        from dataclasses import replace

        return replace(pack, hash=prompt.hash, path=path), True
    if path.suffix.lower() == ".toml":
        return load_pack(path), False
    return default_library().get(name), False


def _summary(pack: Pack) -> dict[str, Any]:
    return {
        "id": pack.id,
        "name": pack.name,
        "version": pack.version,
        "language": pack.language,
        "license": pack.license,
        "description": pack.description,
        "examples": len(pack.examples),
        "default": pack.id == DEFAULT_PACK,
        "source": pack.source,
        "path": str(pack.path) if pack.path else None,
        "sha256": pack.hash,
    }


def _details(pack: Pack) -> dict[str, Any]:
    from dataclasses import asdict

    from urial_tui.prompts.render import pack_shape

    form = asdict(pack.format) | {"stops": list(pack.format.stop_texts())}
    return _summary(pack) | {
        "system": pack.system,
        "examples": [asdict(example) for example in pack.examples],
        "format": form,
        "defaults": pack.defaults,
        "constant_text": pack_shape(pack).opening,
    }
