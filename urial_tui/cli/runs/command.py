"""`urial-tui runs`: what is in the history of instruction sets that were answered; also beside one that is running.

Text is sanitised before it is printed; `--json` gives it as it is, escaped by JSON.
"""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from urial_tui.store.runs.types import Run
    from urial_tui.store.store import Store


@click.group()
def runs() -> None:
    """Instruction sets that were answered by `urial-tui run`.

    RUN is an id as `runs list` shows it, the beginning of one, a name, or `last`.
    """


@runs.command("list")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def list_command(limit: int, as_json: bool) -> None:
    """List runs, the newest first."""
    from urial_tui.cli.common.history import open_if_there
    from urial_tui.cli.runs.text import run_dict, run_lines
    from urial_tui.safetext import json_line

    store = open_if_there()
    found: list[Run] = []
    if store is not None:
        with store:
            found = store.runs(limit)
    if as_json:
        click.echo(json_line([run_dict(run) for run in found], indent=2))
        return
    if not found:
        click.echo("No runs yet. `urial-tui run` makes one.")
    for run in found:
        for line in run_lines(run):
            click.echo(line)


@runs.command("show")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="A JSON object, with every answer.")
def show_command(run: str, as_json: bool) -> None:
    """Print a run: settings, counts of each side, what failed, the first answers.

    RUN: an id, the beginning of one, a name, or `last`.
    """
    from urial_tui.cli.runs.text import details_dict, details_lines
    from urial_tui.safetext import json_line

    with _open(readonly=True) as store:
        found = store.find_run(run)
        items, answers = store.run_items(found.id), store.run_answers(found.id)
    if as_json:
        click.echo(json_line(details_dict(found, items, answers), indent=2))
        return
    for line in details_lines(found, items, answers):
        click.echo(line)


@runs.command("rename")
@click.argument("run")
@click.argument("name")
def rename_command(run: str, name: str) -> None:
    """Call the run RUN (an id, the beginning of one, a name, or `last`) NAME."""
    from urial_tui.cli.common.query import checked_argument
    from urial_tui.errors import UsageError
    from urial_tui.safetext import sanitize_line

    wanted = checked_argument(name, "the name").strip()
    if not wanted:
        raise UsageError("the name is empty", hint="Write what the run is to be called.")
    with _open() as store:
        found = store.find_run(run)
        store.rename_run(found.id, wanted)
    click.echo(f"{found.id} is called {sanitize_line(wanted)} now.")


@runs.command("delete")
@click.argument("run")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object; needs --yes.")
def delete_command(run: str, yes: bool, as_json: bool) -> None:
    """Delete a run with its answers, their scores and judgements.

    RUN: an id, the beginning of one, a name, or `last`.
    """
    from urial_tui.cli.common.confirming import confirm
    from urial_tui.cli.common.wording import many
    from urial_tui.safetext import json_line, sanitize_line

    with _open() as store:
        found = store.find_run(run)
        name = sanitize_line(found.start.name, 60)
        confirm(
            f"Delete the run {found.id} ({name}) with its {many(found.n_answered, 'answer')}?",
            f"deleting the run {found.id}",
            yes=yes,
            as_json=as_json,
        )
        store.delete_run(found.id)
    result: dict[str, Any] = {"deleted": found.id, "answers": found.n_answered}
    click.echo(json_line(result) if as_json else f"{found.id} ({name}) is deleted.")


@runs.command("unlock")
@click.argument("run")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object; needs --yes.")
def unlock_command(run: str, yes: bool, as_json: bool) -> None:
    """Take a run from a program that hangs, or is on a machine that is gone.

    RUN: an id, the beginning of one, a name, or `last`. The lock of a program that has ended on this machine needs no
    such command: whoever comes next takes it.
    """
    from dataclasses import asdict

    from urial_tui.cli.common.confirming import confirm
    from urial_tui.cli.common.wording import local
    from urial_tui.safetext import json_line, sanitize_line

    with _open() as store:
        found = store.find_run(run)
        name = f"{found.id} ({sanitize_line(found.start.name, 60)})"
        holder = store.run_lock_holder(found.id)
        if holder is not None:
            program = sanitize_line(f"{holder.program} (process {holder.pid} on {holder.host})")
            confirm(
                f"Take the run {name} from {program}, which has had it since {local(holder.since)}?",
                f"taking the run {found.id} from {program}",
                yes=yes,
                as_json=as_json,
            )
            store.lock_run(found.id, "urial-tui runs unlock", take_over=True)
            store.unlock_run(found.id)
    if as_json:
        result = {"run": found.id, "taken_from": None if holder is None else asdict(holder)}
        click.echo(json_line(result))
    else:
        click.echo(f"No program holds {name}." if holder is None else f"{name} is free.")


def _open(*, readonly: bool = False) -> "Store":
    """Raises StoreError, `not-found` where there is no history yet."""
    from urial_tui.cli.common.history import open_history
    from urial_tui.errors import StoreError

    try:
        return open_history(readonly=readonly)
    except StoreError as error:
        if error.kind != "missing":
            raise
        raise StoreError(
            "there is no run yet", hint="`urial-tui run` makes one.", kind="not-found"
        ) from error
