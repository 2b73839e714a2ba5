"""`urial-tui run`: an instruction set answered by one or more sides, resumed by the same command."""

from typing import Any

import click

from urial_tui.cli.common.completing import reference_names, side_names
from urial_tui.cli.common.context_options import context_options
from urial_tui.cli.common.ranges import FiniteRange


@click.command()
@click.option(
    "--input",
    "source",
    required=True,
    metavar="FILE|DATASET",
    help="just-eval or AlpacaEval rows, MT-Bench questions, a CSV, plain lines; or OWNER/NAME[:FILE] on the hub.",
)
@click.option(
    "--side",
    "sides",
    required=True,
    metavar="SIDE",
    multiple=True,
    shell_complete=side_names,
    help="A side that answers. May be given several times.",
)
@click.option(
    "--reference",
    "references",
    metavar="SIDE",
    multiple=True,
    shell_complete=reference_names,
    help="A side that scores every answer (token shift). May be given several times.",
)
@click.option("--limit", type=click.IntRange(1), help="The first N items only.")
@click.option("--max-tokens", type=click.IntRange(1), help="End an answer after this many tokens.")
@click.option(
    "--temperature",
    type=FiniteRange(0.0, 5.0),
    default=0.0,
    show_default=True,
    help="0 is greedy; the side's other sampling settings hold.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 2), help="The same seed gives the same answers."
)
@click.option(
    "--name",
    metavar="TEXT",
    help="What a new run is called; the input's name without it. A run that is there keeps its name.",
)
@click.option(
    "--new", is_flag=True, help="Begin another run, also where there is one of these settings."
)
@click.option("--refresh", is_flag=True, help="Fetch the data set anew.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end.")
@context_options(references=True)
def run(
    source: str,
    sides: tuple[str, ...],
    references: tuple[str, ...],
    limit: int | None,
    max_tokens: int | None,
    temperature: float,
    seed: int | None,
    name: str | None,
    new: bool,
    refresh: bool,
    as_json: bool,
    overrides: dict[str, Any],
) -> None:
    """Answer every item of an instruction set with each SIDE.

    The same command goes on after any interruption. A data set by name is fetched once and read offline afterwards.
    """
    from urial_tui.cli.common.query import checked_argument
    from urial_tui.cli.runs.input import load
    from urial_tui.cli.runs.report import report
    from urial_tui.cli.runs.work import Running, work
    from urial_tui.errors import UsageError
    from urial_tui.sides import parse_side

    for side in (*sides, *references):
        parse_side(checked_argument(side, "a SIDE"))
    if name is not None and not checked_argument(name, "the name").strip():
        raise UsageError("the name is empty", hint="Leave --name out, or write one.")
    loaded = load(checked_argument(source, "the input"), refresh=refresh)
    running = Running(
        asked=loaded.asked,
        data_set=loaded.data_set,
        sides=sides,
        references=references,
        limit=limit,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        name=name.strip() if name is not None else None,
        new=new,
        quiet=as_json,
        overrides=overrides,
    )
    report(running, work(running), as_json=as_json)
