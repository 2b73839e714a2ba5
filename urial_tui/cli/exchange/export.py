"""`urial-tui export`: let answers and conversations leave the program, in formats that other people's tools read.

The history is only read, beside a running program too. Errors are UrialErrors, shown by whoever runs the command.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from urial_tui.cli.common.wording import many
from urial_tui.errors import UsageError
from urial_tui.exchange.choosing import Choice, source_of
from urial_tui.exchange.exports import Export, Wanted, What
from urial_tui.exchange.formats import EXPORTERS, Exporter
from urial_tui.safetext import Sanitizer, json_line, sanitize_line

_STDOUT = Path("-")


class _Output(click.Path):
    """A path, which an empty text is not: to the system that is the present folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            raise UsageError(
                "-o names no place",
                hint="Name a folder or a file; the present folder is `.`, standard output `-`.",
            )
        return super().convert(value, param, ctx)


@click.command()
@click.option(
    "--format", "format_", type=click.Choice(list(EXPORTERS)), required=True, help="Which files."
)
@click.option("--run", "run", metavar="RUN", help="A run: id, name or `last`.")
@click.option(
    "--session",
    "sessions",
    metavar="ID",
    multiple=True,
    help="A conversation: id, the beginning of one, or `last`; may be repeated.",
)
@click.option("--search", "query", metavar="QUERY", help="Conversations that match.")
@click.option(
    "--all",
    "all_",
    is_flag=True,
    help="Every conversation, the archive too; not the bin, nor runs.",
)
@click.option(
    "--tag",
    "tags",
    metavar="TAG",
    multiple=True,
    help="With --search or --all: only with this tag.",
)
@click.option(
    "--side",
    "sides",
    metavar="SIDE",
    multiple=True,
    help="Only answers of this side, or its number; may be repeated.",
)
@click.option("--judge", "judges", metavar="SIDE|NAME", multiple=True, help="Only this judge's.")
@click.option(
    "--what",
    type=click.Choice(["outputs", "judgements", "messages", "tokens", "scores", "all"]),
    default="all",
    show_default=True,
    help="A part of the format: outputs or judgements; of csv messages, tokens or scores.",
)
@click.option("--all-branches", is_flag=True, help="Every version, in markdown, html and csv.")
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    type=_Output(path_type=Path, allow_dash=True),
    required=True,
    help="The folder, or for formats of one file the file; - writes one file to standard output.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as a JSON object.")
def export(
    format_: str,
    run: str | None,
    sessions: tuple[str, ...],
    query: str | None,
    all_: bool,
    tags: tuple[str, ...],
    sides: tuple[str, ...],
    judges: tuple[str, ...],
    what: What,
    all_branches: bool,
    output: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Write answers, scores or conversations to files that other tools read.

    \b
    Examples:
      urial-tui export --format just-eval --run last -o results
      urial-tui export --format markdown --session last -o talk.md
      urial-tui export --format html --search walking -o walks.html
      urial-tui export --format jsonl --all -o history.jsonl
    """
    from urial_tui.cli.common.history import open_history
    from urial_tui.exchange.writing import Written, write_export

    choice = Choice(run, sessions, query, all_, tags)
    exporter = EXPORTERS[format_]
    wanted = Wanted(sides, judges, what, all_branches)
    one_file = exporter.one_file(wanted, one_session=choice.one_session)
    _check(exporter, format_, choice, wanted, one_file, output, as_json)
    with open_history() as store:
        source = source_of(store, choice)
        made = exporter.export(source, wanted)
        if output == _STDOUT:
            _print(made)
            written: list[Written] = []
        else:
            written = write_export(made, output.expanduser(), one_file=one_file, force=force)
    if as_json:
        listed = [{"path": str(one.path), "rows": one.rows, **one.about} for one in written]
        said = {
            "run": source.run.id if source.run is not None else None,
            "format": format_,
            "files": listed,
            "notes": [*source.left_out, *made.notes],
        }
        click.echo(json_line(said, indent=2))
        return
    for one in written:
        click.echo(f"{sanitize_line(str(one.path), 1000)}  ({many(one.rows, one.unit)})")
    for note in (*source.left_out, *made.notes):
        click.echo(f"note: {sanitize_line(note, 1000)}", err=True)


def _check(
    exporter: Exporter,
    format_: str,
    choice: Choice,
    wanted: Wanted,
    one_file: bool,
    output: Path,
    as_json: bool,
) -> None:
    """Raises UsageError for options that do not go together."""
    choice.check()
    what = wanted.what
    if what != "all" and what not in exporter.parts:
        parts = " or ".join(exporter.parts)
        raise UsageError(
            f"{format_} has no part {what}",
            hint=f"It has {parts}." if parts else "Leave out --what.",
        )
    if wanted.judges and what not in exporter.judged:
        of = f"{format_} has" if what == "all" else f"{what} of {format_} have"
        raise UsageError(f"{of} nothing that a judge said", hint="Leave out --judge.")
    if wanted.all_branches and not exporter.branches:
        has = [name for name, one in EXPORTERS.items() if one.branches]
        raise UsageError(
            f"{format_} has no choice of branches",
            hint=f"Leave out --all-branches; it is for {', '.join(has[:-1])} and {has[-1]}.",
        )
    if output == _STDOUT and (not one_file or as_json):
        raise UsageError(
            "--json writes to standard output itself"
            if one_file
            else f"{format_} is a folder of files here, which standard output cannot take",
            hint="Name a file with -o." if one_file else "Name a folder with -o.",
        )


def _print(made: Export) -> None:
    """To a pipe as it is; to a terminal with nothing in it that a terminal would obey."""
    from urial_tui.exchange.writing import write_to

    (document,) = made.documents
    out = sys.stdout.buffer
    if not sys.stdout.isatty():
        write_to(out, document)
        out.flush()
        return
    sanitizer = Sanitizer()
    parts = [document.content] if isinstance(document.content, bytes) else document.content
    for part in (document.head, *parts):
        click.echo(sanitizer.feed(part.decode("utf-8", "replace")), nl=False)
    click.echo(sanitizer.finish(), nl=False)
