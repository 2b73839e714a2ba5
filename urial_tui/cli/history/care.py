"""`urial-tui history check|backup|compact|salvage|schema`: the file of the history, and what is in it.

`history` takes these commands into its group. Errors are UrialErrors, shown by whoever runs the command.
"""

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from urial_tui.cli.common.history import DAMAGED_HINT, INDEX_HINT, history_file
from urial_tui.cli.common.wording import human_size, many

if TYPE_CHECKING:
    from urial_tui.store.care.care import Health
    from urial_tui.store.care.salvage import Salvaged
    from urial_tui.store.care.salvage_tables import TableSaved


@click.command("check")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def check_command(as_json: bool) -> None:
    """Read the whole history and say what is wrong with it. Exit code 1 when something is."""
    from urial_tui.cli.history.text import print_json
    from urial_tui.store.care.care import examine

    health = examine(history_file())
    if as_json:
        print_json(
            {"ok": health.ok, "path": health.stats.path, "bytes": health.stats.size_bytes,
             "schema": health.stats.schema_version, "sessions": health.stats.sessions,
             "messages": health.stats.messages, "tokens": health.stats.tokens, "problems": health.problems,
             "search_index": health.index, "hint": _hint(health)}
        )  # fmt: skip
    else:
        _print_health(health)
    if not health.ok:
        click.get_current_context().exit(1)


@click.command("backup")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def backup_command(path: Path | None, as_json: bool) -> None:
    """Copy the history to the new file PATH, also while other programs use it.

    PATH: a file that is not there, or a folder; without it, a dated name beside the history. Exit code 1 when the
    history is damaged, and the copy therefore too; it is kept.
    """
    from urial_tui.cli.history.text import print_json
    from urial_tui.store.care.care import back_up

    made = back_up(history_file(), path)
    if as_json:
        print_json(
            {"path": str(made.path), "bytes": made.size, "ok": not made.problems,
             "problems": made.problems, "hint": DAMAGED_HINT if made.problems else ""}
        )  # fmt: skip
    else:
        click.echo(f"{_line(made.path)}: {human_size(made.size)}")
    if made.problems:
        if not as_json:
            click.echo("The copy is damaged, as the history is:", err=True)
            for problem in made.problems:
                click.echo(f"- {_line(problem)}", err=True)
            click.echo(DAMAGED_HINT, err=True)
        click.get_current_context().exit(1)


@click.command("compact")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def compact_command(as_json: bool) -> None:
    """Give back the room that deleted conversations have left in the file, and tidy the search index."""
    from dataclasses import asdict

    from urial_tui.cli.history.text import print_json
    from urial_tui.store.care.care import compact

    done = compact(history_file())
    if as_json:
        print_json(asdict(done))
        return
    if done.index_made_anew:
        click.echo("The search index did not agree with the texts; it is new.")
    if done.needs:
        click.echo(
            f"The file was not made smaller: that needs {human_size(done.needs)} of free space beside it."
        )
    else:
        click.echo(f"{human_size(done.before)} before, {human_size(done.after)} now.")


@click.command("salvage")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="NEW", help="The new file."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def salvage_command(file: Path | None, output: Path | None, as_json: bool) -> None:
    """Read what can still be read of a damaged history into a new file. The damaged one is not touched.

    FILE: a history, or a backup of one; without it, the one that the program uses.
    """
    from urial_tui.cli.history.text import print_json
    from urial_tui.store.care.salvage import salvage
    from urial_tui.store.database import files

    source = history_file() if file is None else files.existing(file)
    if output is None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        output = source.with_name(f"{source.name}.salvaged-{stamp}")
    done = salvage(source, output)
    if as_json:
        print_json(_salvaged(done))
    else:
        _print_salvaged(source, done)


@click.command("schema")
@click.option("--markdown", is_flag=True, help="As a page, docs/schema.md.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def schema_command(markdown: bool, as_json: bool) -> None:
    """Print the tables and columns of the history with their meanings, for queries of your own."""
    from urial_tui.cli.history import schema as history_schema
    from urial_tui.cli.history.text import print_json
    from urial_tui.errors import UsageError
    from urial_tui.store.schema.reading import tables

    if markdown and as_json:
        raise UsageError("--markdown and --json exclude each other", hint="Leave one out.")
    if as_json:
        print_json(history_schema.as_dict(tables()))
    else:
        write = history_schema.as_markdown if markdown else history_schema.as_text
        click.echo(write(tables()), nl=False)


CARE = (check_command, backup_command, compact_command, salvage_command, schema_command)


def _hint(health: "Health") -> str:
    if health.problems:
        return DAMAGED_HINT
    return INDEX_HINT if health.index else ""


def _print_health(health: "Health") -> None:
    from urial_tui.safetext import sanitize_line

    stats = health.stats
    click.echo(
        f"{_line(stats.path)}: {human_size(stats.size_bytes)}, schema {stats.schema_version}"
    )
    click.echo(f"{stats.sessions} sessions, {stats.messages} messages, {stats.tokens} tokens")
    for problem in (*health.problems, *(health.index or ())):
        click.echo(f"- {sanitize_line(problem)}")
    if health.ok:
        click.echo("No problems.")
    if health.index is None and health.ok:
        click.echo("The search index was not checked: the file cannot be written.")
    if not health.ok:
        click.echo(_hint(health))


def _salvaged(done: "Salvaged") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "path": str(done.path),
        "damaged_pages": done.damaged_pages,
        "rebuilt": done.rebuilt,
        "tables": [asdict(table) for table in done.tables],
    }


def _print_salvaged(source: Path, done: "Salvaged") -> None:
    pages = many(done.damaged_pages, "page")
    click.echo(f"{pages} of {_line(source)} cannot be read.")
    click.echo(f"{'table':<18}{'saved':>10}  lost")
    for table in done.tables:
        if table.saved or table.lost != 0:
            click.echo(f"{table.table:<18}{table.saved:>10}  {_lost(table)}")
    if done.rebuilt:
        click.echo(
            f"{done.rebuilt} of them are there without their text, or without their title, to keep the rest together."
        )
    click.echo(f"\nThe new history is {_line(done.path)}. The old one was not touched.")
    click.echo("To use the new one, close urial-tui everywhere and then:")
    for end in ("", "-journal", "-wal", "-shm"):
        old = source.with_name(f"{source.name}{end}")
        if old.exists():  # a journal of the damaged file must never meet the new one
            click.echo(
                f"  mv {_quoted(old)} {_quoted(source.with_name(f'{source.name}.damaged{end}'))}"
            )
    click.echo(f"  mv {_quoted(done.path)} {_quoted(source)}")


def _lost(table: "TableSaved") -> str:
    lost = "unknown" if table.lost is None else f"{'about ' * table.about}{table.lost}"
    return lost + (f", {table.shortened} without their end" if table.shortened else "")


def _quoted(path: Path) -> str:
    return _line(shlex.quote(str(path)))


def _line(text: object) -> str:
    from urial_tui.safetext import sanitize_line

    return sanitize_line(str(text))
