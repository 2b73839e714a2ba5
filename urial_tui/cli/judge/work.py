"""The work behind `urial-tui judge`: the judge, what there is to judge, and what Ctrl+C leaves behind."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from urial_tui.cli.common.fit_warning import warn_unless_fits
from urial_tui.cli.common.leaving import leave_by
from urial_tui.cli.common.progress import ProgressLine
from urial_tui.cli.common.signals import cancelling
from urial_tui.errors import ExchangeError, StoreError, UsageError
from urial_tui.exchange.selecting import side_numbers
from urial_tui.judge.judging import Judge
from urial_tui.judge.planning import (
    ENDED,
    Plan,
    plan_messages,
    plan_pairs,
    plan_run,
)
from urial_tui.judge.rubric_types import Kind, Rubric
from urial_tui.judge.rubrics import DEFAULT, PAIRWISE, SAFETY, default_rubrics, usual
from urial_tui.judge.run_judging import Judging, Tally
from urial_tui.safetext import sanitize_line
from urial_tui.services import Services
from urial_tui.settings import from_setting
from urial_tui.store.aio import AsyncStore
from urial_tui.store.judging.types import JudgeInfo
from urial_tui.store.runs.types import Run
from urial_tui.store.store import Store
from urial_tui.store.types import Message


@dataclass(frozen=True)
class Asked:
    """One call of the command. `quiet`: what is told on the way goes to standard error."""

    run: str | None
    message: str | None
    session: str | None
    judge: str | None
    rubrics: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    limit: int | None = None
    pairwise: bool = False
    against: str | None = None
    again: bool = False
    quiet: bool = False
    overrides: dict[str, Any] = field(default_factory=dict)


@dataclass
class Outcome:
    """What came out. `compared` names sides A and B, where two were compared, `against` is the other run's id, where B
    is of one; `signal` is what ended the work early."""

    judge: JudgeInfo
    plan: Plan
    tally: Tally
    run: Run | None = None
    compared: tuple[str, str] | None = None
    against: str | None = None
    signal: int | None = None


def work(asked: Asked) -> Outcome:
    """Judge and wait. Raises UrialError when nothing can begin, KeyboardInterrupt when it was stopped before."""
    return asyncio.run(_work(asked))


async def _work(asked: Asked) -> Outcome:
    services = Services(overrides=asked.overrides)
    store: AsyncStore | None = None
    outcome: Outcome | None = None
    caught: list[int] = []
    with cancelling(caught):
        try:
            rubrics = await asyncio.to_thread(_Rubrics, asked)
            store = await services.open_kept_store()
            # What to judge is found before the judge's files are looked at: a wrong id costs no waiting.
            found = await _find(store, asked)
            progress = ProgressLine(what="comparisons" if asked.pairwise else "judgements")
            judge = await _judge(services, asked, progress)
            plan, run, compared = await _plan(store, asked, judge, rubrics, found)
            judging = Judging(judge, store, plan.tasks, again=asked.again, ended=progress.item)
            tally = await judging.look()
            outcome = Outcome(judge.info, plan, tally, run, compared, _against(found))
            _introduce(asked, outcome)
            if not tally.complete:
                warn_unless_fits(await services.fit([judge.side]))
                progress.total = tally.wanted
                progress.start(tally.there)
                await _finish(judging, progress)
        except asyncio.CancelledError:
            if not caught:
                raise
            if outcome is None:
                leave_by(caught[0])
            outcome.signal = caught[0]
        finally:
            if store is not None:
                await store.aclose()
            await services.aclose()
    return outcome


async def _finish(judging: Judging, progress: ProgressLine) -> None:
    """Work until it is done, or the history takes no more: that is told with what is there."""
    try:
        await judging.work()
    except StoreError as error:
        judging.tally.fatal = error
    finally:
        progress.clear()


async def _judge(services: Services, asked: Asked, progress: ProgressLine) -> Judge:
    """Raises UsageError where none is named, JudgeError for a side that cannot judge."""
    notation = asked.judge or services.settings.judge
    if not notation:
        raise UsageError(
            "there is no judge",
            hint="Name one with --judge SIDE, or keep one: urial-tui settings set judge SIDE",
        )
    with from_setting(None if asked.judge else "judge"):
        side = await services.activate(notation)
    await services.hash_where_possible(side)
    return Judge(services.engine, side, on_progress=progress.stage)


class _Rubrics:
    """Which rubrics judge what. Raises JudgeError for one that is not there, or of the other kind."""

    def __init__(self, asked: Asked) -> None:
        library = default_rubrics()
        kind: Kind = "pairwise" if asked.pairwise else "score"
        names = asked.rubrics or ((PAIRWISE,) if asked.pairwise else ())
        self.given: Sequence[Rubric] = [library.get(name, kind) for name in dict.fromkeys(names)]
        self._usual: dict[str, Sequence[Rubric]] = (
            {} if self.given else {id_: [library.get(id_, "score")] for id_ in (DEFAULT, SAFETY)}
        )

    def of(self, category: str) -> Sequence[Rubric]:
        """Those named, or the usual one of the category."""
        return self.given or self._usual[usual(category)]


async def _find(store: AsyncStore, asked: Asked) -> list[tuple[Run, list[int]]] | list[Message]:
    """The run, or both runs, with the numbers of the sides; or messages. Raises StoreError, UsageError."""
    if asked.run is None:
        return await _messages(store, asked)
    run = await store.call(Store.find_run, asked.run)
    if asked.against is not None:
        other = await store.call(Store.find_run, asked.against)
        return [(run, _one_side(run, asked.sides[:1])), (other, _one_side(other, asked.sides[1:]))]
    return [(run, _numbers(run, asked.sides))]


def _one_side(run: Run, named: Sequence[str]) -> list[int]:
    numbers = _numbers(run, named)
    if len(numbers) != 1:
        raise UsageError(
            f"the run {run.id} has {len(run.start.sides)} sides",
            hint="Say which with --side: the first is of --run, the second of --against.",
        )
    return numbers


def _numbers(run: Run, named: Sequence[str]) -> list[int]:
    """In the order in which they are named; all of them where none is."""
    try:
        found = [side_numbers(run.start.sides, [name])[0] for name in named] or side_numbers(
            run.start.sides, []
        )
    except ExchangeError as error:
        raise UsageError(error.message, hint=error.hint, kind=error.kind) from error
    return list(dict.fromkeys(found))


async def _messages(store: AsyncStore, asked: Asked) -> list[Message]:
    if asked.message is not None:
        message = await store.call(Store.message, asked.message)
        if message.role != "assistant" or not message.content.strip():
            raise UsageError(
                f"the message {asked.message} is no answer",
                hint="Name an answer; `urial-tui history show --json` has their ids.",
            )
        _check_ended([message])
        return [message]
    session = await store.call(Store.find_session, asked.session or "last")
    branch = await store.call(Store.branch, session.leaf_id) if session.leaf_id is not None else []
    answers = [m for m in branch if m.role == "assistant" and m.content.strip()]
    if not answers:
        raise UsageError("the conversation has no answer", hint="Name another one.")
    _check_ended(answers)
    return answers


def _check_ended(answers: Sequence[Message]) -> None:
    """Raises UsageError where none of them has ended: a score would be of a part."""
    if not any(answer.status in ENDED for answer in answers):
        raise UsageError(
            f"the answer is not complete: it is {answers[0].status}, or being written now",
            hint="Judge it when it has ended; one that was cut off can be continued.",
            kind="not-ended",
        )


async def _plan(
    store: AsyncStore,
    asked: Asked,
    judge: Judge,
    rubrics: _Rubrics,
    found: list[tuple[Run, list[int]]] | list[Message],
) -> tuple[Plan, Run | None, tuple[str, str] | None]:
    """The tasks, the run that they are of, and the two sides that are compared."""
    messages = [one for one in found if isinstance(one, Message)]
    if messages:
        return await plan_messages(store, messages, judge.side, rubrics.of("")), None, None
    runs = [one for one in found if not isinstance(one, Message)]
    run, sides = runs[0]
    if not asked.pairwise:
        plan = await plan_run(store, run, judge.side, sides, rubrics.of, asked.limit)
        return plan, run, None
    if len(runs) == 1 and len(sides) != 2:
        raise UsageError(
            f"two sides are compared, and {len(sides)} {'is' if len(sides) == 1 else 'are'} named",
            hint="Give --side twice (a SIDE, or its number in `runs show`), or --against another run.",
        )
    one = (run, sides[0])
    other = (run, sides[1]) if len(runs) == 1 else (runs[1][0], runs[1][1][0])
    plan = await plan_pairs(store, judge.side, one, other, rubrics.given, asked.limit)
    names = (one[0].start.sides[one[1]], other[0].start.sides[other[1]])
    return plan, run, names


def _against(found: list[tuple[Run, list[int]]] | list[Message]) -> str | None:
    """The id of the other run."""
    runs = [one[0] for one in found if not isinstance(one, Message)]
    return runs[1].id if len(runs) > 1 else None


def _introduce(asked: Asked, outcome: Outcome) -> None:
    tally = outcome.tally
    what = "comparisons" if asked.pairwise else "judgements"
    name = sanitize_line(outcome.judge.judge, 200)
    click.echo(f"judge {name}: {tally.there} of {tally.wanted} {what} are there", err=asked.quiet)
    if outcome.compared:
        a, b = (sanitize_line(side, 200) for side in outcome.compared)
        click.echo(f"A is {a}, B is {b}", err=asked.quiet)
    if outcome.plan.unanswered:
        _warn(f"{outcome.plan.unanswered} answers are not complete, and are not judged")
    for side in outcome.plan.own:
        _warn(f"the judge's model wrote the answers of {side}: a judge may favour its own")
    if not tally.complete and outcome.run is not None:
        click.echo("The same command goes on after any interruption.", err=asked.quiet)


def _warn(text: str) -> None:
    click.echo(f"warning: {sanitize_line(text, 400)}", err=True)
