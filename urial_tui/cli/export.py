"""`urial-tui export`: let a run leave the program, in a format that other people's tools read.

The history is only read, beside a running program too. Errors are UrialErrors, shown by whoever runs the command.
"""

from __future__ import annotations

from pathlib import Path

import click

from urial_tui.exchange.exports import Wanted, What, write
from urial_tui.exchange.formats import EXPORTERS
from urial_tui.exchange.sources import source_of_run
from urial_tui.safetext import json_line, sanitize_line


@click.command()
@click.option(
    "--format", "format_", type=click.Choice(list(EXPORTERS)), required=True, help="Which files."
)
@click.option("--run", "reference", metavar="RUN", required=True, help="Id, name or `last`.")
@click.option(
    "--side",
    "sides",
    metavar="SIDE",
    multiple=True,
    help="Only this side of the run, or its number in `runs show`.",
)
@click.option("--judge", "judges", metavar="SIDE|NAME", multiple=True, help="Only this judge's.")
@click.option(
    "--what",
    type=click.Choice(["outputs", "judgements", "all"]),
    default="all",
    show_default=True,
    help="Answers, scores or both.",
)
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder for the files; it is made when it is not there.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as a JSON object.")
def export(
    format_: str,
    reference: str,
    sides: tuple[str, ...],
    judges: tuple[str, ...],
    what: What,
    folder: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Write the answers and scores of a run to files that other tools read.

    \b
    Examples:
      urial-tui export --format just-eval --run last -o results
      urial-tui export --format just-eval --run 01m8 --side 1 --what outputs -o results
    """
    from urial_tui import paths
    from urial_tui.store.store import Store

    with Store.open(paths.history_file(), readonly=True) as store:
        run = store.find_run(reference)
        made = EXPORTERS[format_].export(source_of_run(store, run), Wanted(sides, judges, what))
    written = write(folder.expanduser(), made.documents, force=force)
    if as_json:
        listed = [
            {"path": str(path), "rows": document.rows, **document.about}
            for path, document in zip(written, made.documents, strict=True)
        ]
        said = {"run": run.id, "format": format_, "files": listed, "notes": list(made.notes)}
        click.echo(json_line(said, indent=2))
        return
    for path, document in zip(written, made.documents, strict=True):
        rows = "1 row" if document.rows == 1 else f"{document.rows} rows"
        click.echo(f"{sanitize_line(str(path), 1000)}  ({rows})")
    for note in made.notes:
        click.echo(f"note: {sanitize_line(note, 1000)}", err=True)
