"""`urial-tui rubrics`: which rubrics there are, what is in one, what is wrong with a file, a copy to change."""

import sys
from pathlib import Path
from typing import Any

import click

from urial_tui.cli.common.leaving import warn_of
from urial_tui.cli.common.wording import many
from urial_tui.errors import JudgeError, UsageError
from urial_tui.judge.rubric_file import load_rubric
from urial_tui.judge.rubric_types import Rubric
from urial_tui.judge.rubrics import default_rubrics
from urial_tui.safetext import json_line, sanitize, sanitize_line


@click.group()
def rubrics() -> None:
    """List, show, check and copy the rubrics that judges follow."""


@rubrics.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def list_command(as_json: bool) -> None:
    """List the rubrics: your own and the built-in ones."""
    library = default_rubrics()
    found = library.all()
    if as_json:
        click.echo(json_line([_summary(rubric) for rubric in found], indent=2))
    else:
        width = max((len(rubric.id) for rubric in found), default=0)
        for rubric in found:
            aspects = many(len(rubric.aspects), "aspect")
            line = (
                f"{rubric.id:<{width}}  {rubric.kind:<8} {aspects}  version {rubric.version}  "
                f"{rubric.source:<7}  {rubric.description or rubric.name}"
            )
            click.echo(sanitize_line(line, 400))
    warn_of(problem.error for problem in library.problems)


@rubrics.command("show")
@click.argument("rubric")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def show_command(rubric: str, as_json: bool) -> None:
    """Show RUBRIC: an id from `rubrics list`, or a .toml file."""
    found = _find(rubric)
    if as_json:
        click.echo(json_line(_details(found), indent=2))
        return
    from urial_tui.judge.frame import closing, opening

    for key, value in _summary(found).items():
        click.echo(f"{key:<12} {sanitize_line(str(value), 1000)}")
    click.echo("\nWhat a judge reads before the texts:\n")
    click.echo(sanitize(opening(found)), nl=False)
    click.echo("After them:")
    click.echo(sanitize(closing(found)))


@rubrics.command("check")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array, one object a file.")
def check_command(files: tuple[Path, ...], as_json: bool) -> None:
    """Check rubric FILEs. The exit code is 1 when one of them cannot be used."""
    rows: list[dict[str, Any]] = []
    for path in files:
        try:
            rows.append({"file": str(path), "ok": True, **_summary(load_rubric(path))})
        except JudgeError as error:
            rows.append({"file": str(path), "ok": False, "error": error.as_dict()})
    if as_json:
        click.echo(json_line(rows, indent=2))
    for row in rows if not as_json else ():
        if row["ok"]:
            aspects = many(row["aspects"], "aspect")
            line = f"{row['file']}: good, {row['id']} version {row['version']}, {row['kind']}, {aspects}"
        else:
            line = ". ".join(
                filter(None, (row["error"]["message"].rstrip("."), row["error"]["hint"]))
            )
        click.echo(sanitize_line(line, 1000))
    if not all(row["ok"] for row in rows):
        sys.exit(1)


@rubrics.command("copy")
@click.argument("rubric")
@click.option(
    "--id", "new_id", metavar="ID", help="The copy's id (default: the same; yours goes first)."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object about the copy.")
def copy_command(rubric: str, new_id: str | None, as_json: bool) -> None:
    """Copy RUBRIC into your own folder, to change it there. A file that is there is never replaced."""
    from urial_tui.judge.rubric_copy import copy_rubric

    made = copy_rubric(_find(rubric), new_id)
    if as_json:
        click.echo(json_line(_summary(made), indent=2))
    else:
        click.echo(sanitize_line(str(made.path), 4000))


def _find(name: str) -> Rubric:
    """A rubric by id or path."""
    path = Path(name)
    if path.suffix.lower() == ".toml":
        return load_rubric(path)
    if not name.strip():
        raise UsageError("the rubric's id is empty", hint="`urial-tui rubrics list` has them.")
    return default_rubrics().get(name)


def _summary(rubric: Rubric) -> dict[str, Any]:
    return {
        "id": rubric.id,
        "version": rubric.version,
        "kind": rubric.kind,
        "name": rubric.name,
        "description": rubric.description,
        "aspects": len(rubric.aspects),
        "reason_chars": rubric.reason_chars,
        "sha256": rubric.hash,
        "source": rubric.source,
        "path": str(rubric.path) if rubric.path else None,
    }


def _details(rubric: Rubric) -> dict[str, Any]:
    from dataclasses import asdict

    return _summary(rubric) | {
        "instructions": rubric.instructions,
        "closing": rubric.closing,
        "aspects": [asdict(aspect) for aspect in rubric.aspects],
    }
