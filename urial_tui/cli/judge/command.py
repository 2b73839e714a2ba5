"""`urial-tui judge`: answers scored, or two sides compared, by a side; what is judged already is not judged again."""

from typing import TYPE_CHECKING, Any

import click

from urial_tui.cli.common.completing import side_names
from urial_tui.cli.common.context_options import context_options

if TYPE_CHECKING:
    from urial_tui.cli.judge.work import Asked


@click.command()
@click.option("--run", "run", metavar="ID", help="The answers of this run: id, name, or last.")
@click.option("--message", metavar="ID", help="One stored answer.")
@click.option(
    "--session", metavar="ID", help="The answers of a stored conversation, or of the last."
)
@click.option(
    "--judge",
    "judge_side",
    metavar="SIDE",
    shell_complete=side_names,
    help="The side that judges (default: the setting judge).",
)
@click.option(
    "--rubric",
    "rubrics",
    metavar="ID",
    multiple=True,
    help="By which rubric; may be given several times (default: just-eval, and safety for the items of that category).",
)
@click.option(
    "--side",
    "sides",
    metavar="SIDE|N",
    multiple=True,
    help="Only this side of the run, or its number in `runs show`. May be given several times.",
)
@click.option("--limit", type=click.IntRange(1), help="The first N items only.")
@click.option("--pairwise", is_flag=True, help="Compare two sides of the run, in both orders.")
@click.option(
    "--against",
    metavar="ID",
    help="Compare with a side of this other run of the same input; the second --side is its.",
)
@click.option("--again", is_flag=True, help="Judge anew what this judge has judged already.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end.")
@context_options()
def judge(
    run: str | None,
    message: str | None,
    session: str | None,
    judge_side: str | None,
    rubrics: tuple[str, ...],
    sides: tuple[str, ...],
    limit: int | None,
    pairwise: bool,
    against: str | None,
    again: bool,
    as_json: bool,
    overrides: dict[str, Any],
) -> None:
    """Judge stored answers with a local model: those of a run, of a conversation, or one.

    The same command goes on after any interruption. docs/judging.md says what the scores mean.
    """
    from urial_tui.cli.judge.report import report
    from urial_tui.cli.judge.work import Asked, work

    asked = Asked(
        run=run,
        message=message,
        session=session,
        judge=judge_side,
        rubrics=rubrics,
        sides=sides,
        limit=limit,
        pairwise=pairwise or against is not None,
        against=against,
        again=again,
        quiet=as_json,
        overrides=overrides,
    )
    _check(asked)
    report(asked, work(asked), as_json=as_json)


def _check(asked: "Asked") -> None:
    """Raises UsageError for options that do not go together."""
    from urial_tui.errors import UsageError
    from urial_tui.sides import parse_side

    given = [name for name in ("run", "message", "session") if getattr(asked, name) is not None]
    if len(given) != 1:
        raise UsageError(
            "it is not said what to judge"
            if not given
            else f"--{given[0]} and --{given[1]} exclude each other",
            hint="Give one of --run ID, --message ID and --session ID.",
        )
    if asked.run is None:
        for name, value in (
            ("--side", asked.sides),
            ("--limit", asked.limit),
            ("--against", asked.against),
            ("--pairwise", asked.pairwise),
        ):
            if value:
                raise UsageError(f"{name} is for --run", hint="Leave it out, or name a run.")
    if asked.judge is not None:
        parse_side(asked.judge)
