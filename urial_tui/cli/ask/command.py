"""`urial-tui ask`: one question, one answer, streamed; the same turn that the TUI runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from urial_tui.cli.common.completing import side_names
from urial_tui.cli.common.context_options import context_options
from urial_tui.cli.common.ranges import FiniteRange

if TYPE_CHECKING:
    from urial_tui.cli.ask.asking import Answered


@click.command()
@click.argument("query", required=False)
@click.option("--demo", is_flag=True, help="The embedded model and the default pack.")
@click.option(
    "--side", metavar="SIDE", shell_complete=side_names, help="MODEL[+ADAPTER[:SCALE]][@STYLE]."
)
@click.option("--pack", metavar="ID", help="The prompt pack; replaces the side's style.")
@click.option(
    "--pack-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A pack (.toml) or an official URIAL prompt (.txt).",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 2), help="The same seed gives the same answer."
)
@click.option("--temperature", type=FiniteRange(0.0, 5.0), help="0 is greedy.")
@click.option("--max-tokens", type=click.IntRange(1), help="End the answer after this many tokens.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object when the answer is complete."
)
@click.option("--no-save", is_flag=True, help="Leave no trace in the history.")
@context_options()
def ask(
    query: str | None,
    demo: bool,
    side: str | None,
    pack: str | None,
    pack_file: Path | None,
    seed: int | None,
    temperature: float | None,
    max_tokens: int | None,
    as_json: bool,
    no_save: bool,
    overrides: dict[str, Any],
) -> None:
    """Ask QUERY and stream the answer. `-` reads the query from standard input."""
    from urial_tui.cli.ask.asking import Asking, run
    from urial_tui.cli.common.query import read_query
    from urial_tui.errors import UsageError
    from urial_tui.safetext import json_line
    from urial_tui.services import SideChoice

    if pack is not None and pack_file is not None:
        raise UsageError("--pack and --pack-file exclude each other", hint="Give one of them.")
    if demo and side is not None:
        raise UsageError("--demo and --side exclude each other", hint="Write demo inside the SIDE.")
    answered = run(
        Asking(
            query=read_query(query),
            choice=SideChoice(side, demo, pack, pack_file),
            seed=seed,
            temperature=temperature,
            max_tokens=max_tokens,
            save=not no_save,
            stream=not as_json,
            overrides=overrides,
        )
    )
    if as_json:
        click.echo(json_line(answered.as_dict(), indent=2))
    _leave(answered, as_json=as_json)


def _leave(answered: "Answered", *, as_json: bool) -> None:
    if answered.refused is not None:
        raise answered.refused
    if answered.error is not None:
        if as_json:
            raise SystemExit(answered.error.exit_code)
        raise answered.error
    if answered.finish_reason == "cancelled":
        click.echo(_stopped(answered), err=True)
        raise SystemExit(128 + (answered.signal or 2))


def _stopped(answered: "Answered") -> str:
    begun = bool(answered.outcome.message.content)
    if answered.session_id is None:
        return "stopped; nothing is kept in the history."
    where = f"`urial-tui history show {answered.session_id}` prints it."
    if not begun:
        return f"stopped before the answer began; the question is kept: {where}"
    return f"stopped; the text so far is kept: {where}"
