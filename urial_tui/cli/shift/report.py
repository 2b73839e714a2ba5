"""What `urial-tui shift` prints at its end, and how it leaves: object, summary, warnings, exit code."""

from pathlib import Path

import click

from urial_tui.cli.common.leaving import leave_by, leave_with, say
from urial_tui.cli.shift.as_text import print_answer, print_summary
from urial_tui.cli.shift.work import Outcome, Shifting
from urial_tui.exchange.shift_json import Json
from urial_tui.exchange.shift_summary import summary_of
from urial_tui.safetext import json_line


def report(
    shifting: Shifting, outcome: Outcome, *, as_json: bool, as_lines: bool, html: Path | None
) -> None:
    """Print what is asked for; SystemExit with a code other than 0 when something is missing."""
    for note in outcome.notes:
        say(f"warning: {note}")
    for row, problem in outcome.problems:
        about = problem.message if row.problem else f"item {row.index}: {problem.message}"
        say(f"warning: {about}")
    if shifting.single:
        if outcome.items:
            _print_one(shifting, outcome, as_json=as_json, as_lines=as_lines)
    elif as_json:
        click.echo(json_line(study_json(shifting, outcome)))
    else:
        print_summary(summary_of(outcome.items), outcome.total, to_stderr=as_lines)
    if html is not None and outcome.items:
        say(f"wrote {html}")
    _leave(shifting, outcome, as_json=as_json and (not shifting.single or bool(outcome.items)))


def _print_one(shifting: Shifting, outcome: Outcome, *, as_json: bool, as_lines: bool) -> None:
    (item,) = outcome.items
    if as_json:
        click.echo(json_line(item.record))
    elif not as_lines:
        print_answer(item)


def study_json(shifting: Shifting, outcome: Outcome) -> Json:
    """Items (left out when they are in a file), summary and problems."""
    study: Json = {
        "complete": outcome.complete,
        "total": outcome.total,
        "done": len(outcome.items),
        "summary": summary_of(outcome.items),
        "problems": [
            {"index": row.index, "id": row.id, **problem.as_dict()}
            for row, problem in outcome.problems
        ],
    }
    if shifting.output is not None:
        study["output"] = str(shifting.output)
    else:
        study["items"] = [item.record for item in outcome.items]
    if outcome.fatal is not None:
        study["error"] = outcome.fatal.as_dict()
    return study


def _leave(shifting: Shifting, outcome: Outcome, *, as_json: bool) -> None:
    if outcome.signal is not None:
        if not shifting.single:
            again = " The same command goes on after them." if shifting.output else ""
            say(f"stopped; {len(outcome.items)} of {outcome.total} items are done.{again}")
        elif not outcome.items:
            say("stopped before the comparison was complete; nothing is kept.")
        leave_by(outcome.signal)
    if outcome.error is not None:
        leave_with(outcome.error, as_json=as_json)
