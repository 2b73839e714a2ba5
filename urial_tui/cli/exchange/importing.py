"""`urial-tui import`: files of other tools, and our own, into the history. All of them, or nothing.

Errors are UrialErrors, shown by whoever runs the command.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from urial_tui.cli.common.wording import many
from urial_tui.errors import UsageError
from urial_tui.exchange.incoming.imports import FORMATS
from urial_tui.safetext import json_line, sanitize_line

if TYPE_CHECKING:
    from urial_tui.exchange.incoming.types import Tally


@click.command("import")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="What the files are; else their content says it.",
)
@click.option(
    "--as-new",
    is_flag=True,
    help="Import as a copy, under new ids, whatever is there already.",
)
@click.option(
    "--questions",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="MT-Bench's questions, which its answers do not have.",
)
@click.option("--run", metavar="RUN", help="The run whose answers were judged: id, name or `last`.")
@click.option("--json", "as_json", is_flag=True, help="Say what was imported as a JSON array.")
def import_command(
    files: tuple[Path, ...],
    format_: str | None,
    as_new: bool,
    questions: Path | None,
    run: str | None,
    as_json: bool,
) -> None:
    """Import files: histories, outputs and judgements of evaluators, chats of other programs, texts.

    FILE: one of the formats of `--format`, recognised by its content. Either all files are imported, or nothing is.

    \b
    Examples:
      urial-tui import history.jsonl
      urial-tui import outputs.json judgements.json
      urial-tui import conversations.json
      urial-tui import --format text answer.txt
    """
    from urial_tui import paths
    from urial_tui.exchange.incoming import imports
    from urial_tui.exchange.incoming.types import Options
    from urial_tui.store.store import Store

    if as_new and run is not None:
        raise UsageError(
            "--as-new and --run exclude each other",
            hint="--run attaches judgements to answers that are there.",
        )
    options = Options(
        as_new=as_new, run=run, questions=questions.expanduser() if questions else None
    )
    read = [imports.read(file.expanduser(), format_, options) for file in files]
    imports.refuse_unused(read, options)
    with Store.open(paths.history_file()) as store:
        tallies = imports.write(store, read)
    if as_json:
        click.echo(json_line([tally.as_dict() for tally in tallies], indent=2))
        return
    for tally in tallies:
        click.echo(f"{sanitize_line(str(tally.path), 1000)}  {_said(tally)}")
        for note in tally.notes:
            click.echo(f"note: {sanitize_line(note, 1000)}", err=True)


def _said(tally: Tally) -> str:
    counts = (
        (len(tally.runs), "run"),
        (len(tally.sessions), "session"),
        (tally.judgements, "judgement"),
        (tally.comparisons, "comparison"),
    )
    parts = [many(count, what) for count, what in counts if count]
    if tally.grown:
        parts.append(f"{many(len(tally.grown), 'session')} with more messages")
    if tally.there:
        parts.append(f"{tally.there} already there")
    return f"({tally.format}: {', '.join(parts) or 'nothing in it'})"
