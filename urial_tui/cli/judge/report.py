"""What `urial-tui judge` prints at its end, and how it leaves: counts of every outcome, means of scores alone."""

from dataclasses import asdict
from typing import Any

import click

from urial_tui.cli.common.leaving import leave_resumable, say
from urial_tui.cli.common.wording import number
from urial_tui.cli.judge.work import Asked, Outcome
from urial_tui.errors import JudgeError
from urial_tui.judge.totals import OUTCOMES, aspect_totals, pick_totals
from urial_tui.safetext import json_line, sanitize_line
from urial_tui.store.judging.types import AspectScore, Comparison, Judgement

_NAMED = 5
"""So many failures are told one by one."""
_FEW = 3
"""So many judgements of a conversation are printed with their reasons."""


def report(asked: Asked, outcome: Outcome, *, as_json: bool) -> None:
    """Print what is asked for; an error or SystemExit with a code other than 0 when something is missing."""
    failures = outcome.tally.failures
    for failure in failures[:_NAMED]:
        say(f"warning: {failure.task.where} was not judged: {failure.error.message}")
    if len(failures) > _NAMED:
        say(f"warning: {len(failures) - _NAMED} more were not judged")
    if as_json:
        click.echo(json_line(as_dict(asked, outcome)))
    elif outcome.tally.done:
        _print(asked, outcome)
    _leave(asked, outcome, as_json=as_json)


def as_dict(asked: Asked, outcome: Outcome) -> dict[str, Any]:
    """The object of `--json`. Without --run it has every judgement, with a run their totals."""
    tally, judge = outcome.tally, outcome.judge
    judgements, comparisons = _parted(outcome)
    found: dict[str, Any] = {
        "run_id": outcome.run.id if outcome.run else None,
        "judge": {"side": judge.judge, "key": judge.key, "provenance": judge.provenance},
        "rubrics": [
            asdict(ref) for ref in dict.fromkeys(task.rubric.ref for task in outcome.plan.tasks)
        ],
        "complete": tally.complete,
        "wanted": tally.wanted,
        "there_before": tally.there,
        "done": tally.done,
        "unanswered": outcome.plan.unanswered,
        "own": list(outcome.plan.own),
        "shortened": sum(bool(one.shortened) for one in tally.verdicts),
        "aspects": [asdict(total) for total in aspect_totals(judgements)],
    }
    if asked.pairwise:
        found["compared"] = list(outcome.compared or ())
        found["aspects"] = [asdict(total) for total in pick_totals(comparisons)]
    if outcome.run is None:
        found["judgements"] = [asdict(one) for one in judgements]
    found["problems"] = [
        {"where": failure.task.where, **failure.error.as_dict()} for failure in tally.failures
    ]
    found["interrupted"] = outcome.signal is not None
    if tally.fatal is not None:
        found["error"] = tally.fatal.as_dict()
    return found


def _parted(outcome: Outcome) -> tuple[list[Judgement], list[Comparison]]:
    verdicts = outcome.tally.verdicts
    return (
        [one for one in verdicts if isinstance(one, Judgement)],
        [one for one in verdicts if isinstance(one, Comparison)],
    )


def _print(asked: Asked, outcome: Outcome) -> None:
    judgements, comparisons = _parted(outcome)
    if outcome.run is None and len(judgements) <= _FEW:
        for judgement in judgements:
            _print_one(judgement)
    elif asked.pairwise:
        _print_picks(comparisons)
    else:
        _print_totals(judgements)
    shortened = sum(bool(one.shortened) for one in outcome.tally.verdicts)
    if shortened:
        say(f"note: {shortened} did not fit the judge's context whole and were shortened")
    if outcome.run is not None and outcome.signal is None:
        runs = " ".join(f"--run {run}" for run in (outcome.run.id, outcome.against) if run)
        click.echo(f"Next: urial-tui board {runs}")


def _print_totals(judgements: list[Judgement]) -> None:
    head = "".join(f"{name:>9}" for name in OUTCOMES)
    click.echo(f"{'rubric':<12} {'aspect':<14}{head}{'mean':>8}{'expected':>10}")
    for total in aspect_totals(judgements):
        counts = "".join(f"{total.counts[name]:>9}" for name in OUTCOMES)
        click.echo(
            f"{sanitize_line(total.rubric, 12):<12} {sanitize_line(total.aspect, 14):<14}{counts}"
            f"{number(total.mean):>8}{number(total.mean_expected):>10}"
        )


def _print_picks(comparisons: list[Comparison]) -> None:
    click.echo(
        f"{'aspect':<14}{'A better':>10}{'tie':>8}{'B better':>10}{'orders differ':>15}{'invalid':>9}{'refused':>9}"
    )
    for total in pick_totals(comparisons):
        click.echo(
            f"{sanitize_line(total.aspect, 14):<14}{total.wins:>10}{total.ties:>8}{total.losses:>10}"
            f"{total.disagreed:>15}{total.counts['invalid']:>9}{total.counts['refused']:>9}"
        )
    words = [(one.words_a, one.words_b) for one in comparisons]
    if words:
        a, b = (sum(side) / len(words) for side in zip(*words, strict=True))
        click.echo(f"words on average: A {a:.0f}, B {b:.0f}")


def _print_one(judgement: Judgement) -> None:
    click.echo(f"answer {judgement.message_id}, rubric {judgement.rubric.id}: {judgement.outcome}")
    if judgement.note:
        click.echo(f"  {sanitize_line(judgement.note, 400)}")
    for score in judgement.scores:
        click.echo(f"  {sanitize_line(score.aspect, 14):<14} {_scored(score)}")
        if score.reason:
            click.echo(f"  {'':<14} {sanitize_line(score.reason, 1000)}")


def _scored(score: AspectScore) -> str:
    if score.outcome != "ok":
        return "N/A" if score.outcome == "na" else score.outcome
    if score.expected is None or score.spread is None:
        return str(score.score)
    return f"{score.score}  (expected {score.expected:.2f}, spread {score.spread:.2f})"


def _leave(asked: Asked, outcome: Outcome, *, as_json: bool) -> None:
    tally = outcome.tally
    what = "comparisons" if asked.pairwise else "judgements"

    def missing(n: int) -> JudgeError:
        return JudgeError(
            f"{n} of {tally.wanted} {what} could not be made",
            hint="The same command tries them again.",
            kind="judgements-failed",
        )

    leave_resumable(
        tally,
        what=what,
        again="The same command",
        stopped_by=outcome.signal,
        missing=missing,
        as_json=as_json,
    )
