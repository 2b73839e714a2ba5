"""The work behind `urial-tui run`: sides, the run that the command means, its lock, and what Ctrl+C leaves behind."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import click

from urial_tui.chat.active import ActiveSide
from urial_tui.chat.references import resolve_reference
from urial_tui.cli.common.fit_warning import warn_unless_fits
from urial_tui.cli.common.leaving import leave_by, say
from urial_tui.cli.common.progress import ProgressLine
from urial_tui.cli.common.signals import cancelling
from urial_tui.cli.common.wording import many
from urial_tui.errors import StoreError
from urial_tui.runs.inputs import NAMES, InputSet
from urial_tui.runs.plan import RunSide, differences, run_side, run_start
from urial_tui.runs.running import Runner, Tally, Watch
from urial_tui.safetext import sanitize_line
from urial_tui.services import Services
from urial_tui.store.aio import AsyncStore
from urial_tui.store.runs.types import Run, RunStart
from urial_tui.store.store import Store

PROGRAM = "urial-tui run"


@dataclass(frozen=True)
class Running:
    """One call of the command. `quiet`: what is told on the way goes to standard error."""

    asked: InputSet
    data_set: dict[str, str] | None
    sides: tuple[str, ...]
    references: tuple[str, ...]
    limit: int | None = None
    max_tokens: int | None = None
    temperature: float = 0.0
    seed: int | None = None
    name: str | None = None
    new: bool = False
    quiet: bool = False
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def again(self) -> str:
        """How to go on, as the beginning of a sentence."""
        return "The same command without --new" if self.new else "The same command"


@dataclass
class Outcome:
    """What came out. `n_items` were asked for; `signal` is what ended the work early."""

    run: Run
    tally: Tally
    n_items: int
    by_side: list[tuple[int, int]]
    signal: int | None = None


def work(running: Running) -> Outcome:
    """Answer and wait. Raises UrialError when nothing can begin, KeyboardInterrupt when it was stopped before."""
    return asyncio.run(_work(running))


async def _work(running: Running) -> Outcome:
    services = Services(overrides=running.overrides)
    store: AsyncStore | None = None
    outcome: Outcome | None = None
    caught: list[int] = []
    with cancelling(caught):
        try:
            sides = await _sides(services, running)
            start = run_start(_name(running), running.asked, sides, _given(running))
            store = await services.open_kept_store()
            run = await _run_of(store, start, running)
            items = running.asked.items[: running.limit]
            await store.call(Store.add_run_items, run.id, items)
            progress = ProgressLine(what="answers")
            watch = Watch(progress.stage, progress.item, lambda note: _note(progress, note))
            runner = Runner(services.engine, store, run, sides, items, services.measurements, watch)
            tally = await runner.look()
            outcome = Outcome(run, tally, len(items), runner.done_by_side())
            _introduce(running, run, outcome)
            if not tally.complete:
                await _warn_of_memory(services, runner, sides)
                progress.total = tally.wanted
                await _finish(runner, progress, outcome)
        except asyncio.CancelledError:
            if not caught:
                raise
            if outcome is None:
                leave_by(caught[0])
            outcome.signal = caught[0]
        finally:
            if store is not None:
                if outcome is not None:
                    with contextlib.suppress(StoreError):
                        await store.call(Store.unlock_run, outcome.run.id)
                        outcome.run = await store.call(Store.run, outcome.run.id)
                await store.aclose()
            await services.aclose()
    return outcome


async def _finish(runner: Runner, progress: ProgressLine, outcome: Outcome) -> None:
    """Work until it is done, or the history takes no more: that is told with what is there."""
    progress.start(runner.tally.there)
    try:
        await runner.work()
    except StoreError as error:
        runner.tally.fatal = error
    finally:
        progress.clear()
        outcome.by_side = runner.done_by_side()


async def _sides(services: Services, running: Running) -> list[RunSide]:
    """Every side with its references, its files' hashes known. Raises UrialError."""
    found = []
    for notation in running.sides:
        side = await services.activate(notation)
        references = [
            await resolve_reference(services.activate, reference, number, side)
            for number, reference in enumerate(running.references)
        ]
        await services.hash_where_possible(side, *(ref.side for ref in references))
        found.append(
            run_side(
                side,
                references,
                temperature=running.temperature,
                seed=running.seed,
                max_tokens=running.max_tokens,
            )
        )
    return found


def _name(running: Running) -> str:
    if running.name is not None:
        return running.name
    if running.data_set is not None:
        return running.data_set["repo"].partition("/")[2]
    return PurePosixPath(running.asked.name).stem


def _given(running: Running) -> dict[str, Any]:
    given: dict[str, Any] = {
        "temperature": running.temperature,
        "seed": running.seed,
        "max_tokens": running.max_tokens,
    }
    return given | ({"data_set": running.data_set} if running.data_set else {})


async def _run_of(store: AsyncStore, start: RunStart, running: Running) -> Run:
    """The run that the command means, locked: the one of these settings, or a new one. Raises StoreError."""
    before = await store.call(Store.runs_of_input, start.input_sha256)
    found = await store.call(Store.create_run, start, unless_there=not running.new)
    if not running.new and not found.n_items:
        _tell_of_similar(start, before)
    await store.call(Store.lock_run, found.id, PROGRAM)
    if running.name is not None and found.start.name != running.name:
        name = sanitize_line(found.start.name, 60)
        say(
            f"note: this run was made before, is called {name} and keeps that name. "
            "`urial-tui runs rename` gives it another one, --new begins another run."
        )
    return found


def _tell_of_similar(start: RunStart, before: Sequence[Run]) -> None:
    """Say that an unfinished one of the runs of the same input is another one, and why."""
    for run in before:
        if not run.finished:
            what = ", ".join(differences(run.start, start))
            name = sanitize_line(run.start.name, 60)
            say(
                f"note: this is a new run. The unfinished {run.id} ({name}) of the same input differs in: {what}"
            )
            return


def _introduce(running: Running, run: Run, outcome: Outcome) -> None:
    tally, asked = outcome.tally, running.asked
    sides = many(len(running.sides), "side")
    items = many(outcome.n_items, "item")
    name = sanitize_line(run.start.name, 60)
    lines = [
        f"run {run.id} ({name}): {items} ({NAMES[asked.format]}), {sides}; "
        f"{tally.there} of {tally.wanted} answers are there"
    ]
    if not tally.complete:
        lines.append(f"{running.again} goes on with it after any interruption.")
    for line in lines:
        click.echo(line, err=running.quiet)
    for note in asked.notes:
        say(f"note: {note}")


async def _warn_of_memory(services: Services, runner: Runner, sides: Sequence[RunSide]) -> None:
    """One warning at most: of the first group that may not fit. Each is loaded alone."""
    for group in runner.missing_groups():
        needed: dict[object, ActiveSide] = {}
        for number in group:
            for side in (sides[number].side, *(ref.side for ref in sides[number].references)):
                needed.setdefault(side.spec, side)
        if warn_unless_fits(await services.fit(list(needed.values()))):
            return


def _note(progress: ProgressLine, note: str) -> None:
    progress.clear()
    say(f"note: {note}")
