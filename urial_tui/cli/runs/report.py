"""What `urial-tui run` prints at its end, and how it leaves: counts, what failed and why, the next steps, exit code."""

from typing import Any

import click

from urial_tui.cli.common.leaving import leave_resumable, say
from urial_tui.cli.runs.work import Outcome, Running
from urial_tui.errors import UrialError
from urial_tui.runs.running import Failure
from urial_tui.safetext import json_line, sanitize_line

_NAMED = 5
"""So many failures are told one by one."""


def report(running: Running, outcome: Outcome, *, as_json: bool) -> None:
    """Print what is asked for; an error or SystemExit with a code other than 0 when something is missing."""
    failures = outcome.tally.failures
    for failure in failures[:_NAMED]:
        say(f"warning: {_in_words(running, failure)}")
    if len(failures) > _NAMED:
        say(
            f"warning: {len(failures) - _NAMED} more failed; `urial-tui runs show {outcome.run.id}` has them"
        )
    if as_json:
        click.echo(json_line(as_dict(running, outcome)))
    elif outcome.signal is None:
        _print(outcome)
    _leave(running, outcome, as_json=as_json)


def as_dict(running: Running, outcome: Outcome) -> dict[str, Any]:
    """The object of `--json`. Counts are answers, two for an item with two turns; scores included where asked for."""
    run, tally = outcome.run, outcome.tally
    found: dict[str, Any] = {
        "run_id": run.id,
        "name": run.start.name,
        "complete": tally.complete,
        "input": {
            "name": running.asked.name,
            "format": running.asked.format,
            "sha256": running.asked.sha256,
            "items": len(running.asked.items),
            "notes": list(running.asked.notes),
        },
        "items": outcome.n_items,
        "references": list(run.start.references),
        "wanted": tally.wanted,
        "there_before": tally.there,
        "done": tally.done,
        "sides": [
            {"side": side, "done": done, "wanted": wanted}
            for side, (done, wanted) in zip(run.start.sides, outcome.by_side, strict=True)
        ],
        "notes": list(tally.notes),
        "problems": [_problem(running, failure) for failure in tally.failures],
        "interrupted": outcome.signal is not None,
    }
    if tally.fatal is not None:
        found["error"] = tally.fatal.as_dict()
    return found


def _problem(running: Running, failure: Failure) -> dict[str, Any]:
    item = None if failure.item is None else running.asked.items[failure.item]
    return {
        "item": failure.item,
        "source_id": None if item is None else item.source_id,
        "side": running.sides[failure.side],
        "turn": failure.turn,
        "scoring": failure.scoring,
        **failure.error.as_dict(),
    }


def _in_words(running: Running, failure: Failure) -> str:
    side = running.sides[failure.side]
    if failure.item is None:
        return f"{side} cannot be used: {failure.error.message}"
    source_id = sanitize_line(str(running.asked.items[failure.item].source_id), 40)
    what = "could not be scored" if failure.scoring else "was not answered"
    turn = f", turn {failure.turn + 1}" if failure.turn else ""
    return f"item {failure.item} (id {source_id}{turn}) {what} by {side}: {failure.error.message}"


def _print(outcome: Outcome) -> None:
    run, tally = outcome.run, outcome.tally
    if tally.complete and tally.there == tally.wanted:
        click.echo("Everything is done already.")
    else:
        click.echo(f"{tally.done} of {tally.wanted} answers are there.")
    if not tally.complete and len(run.start.sides) > 1:
        for side, (done, wanted) in zip(run.start.sides, outcome.by_side, strict=True):
            click.echo(f"  {sanitize_line(side)}: {done} of {wanted}")
    if tally.done:
        click.echo("Next:")
        click.echo(f"  urial-tui judge --run {run.id} --judge SIDE")
        click.echo(f"  urial-tui board --run {run.id}")


def _leave(running: Running, outcome: Outcome, *, as_json: bool) -> None:
    tally = outcome.tally

    def missing(n: int) -> UrialError:
        return UrialError(
            f"{n} of {tally.wanted} answers are not there"
            if any(not failure.scoring for failure in tally.failures)
            else f"{n} of {tally.wanted} answers have no scores",
            hint=f"{running.again} tries them again.",
            kind="answers-failed",
        )

    leave_resumable(
        tally,
        what="answers",
        again=running.again,
        stopped_by=outcome.signal,
        missing=missing,
        as_json=as_json,
    )
