"""The work behind `urial-tui shift`: sides, items one by one, their file, Ctrl+C that keeps the finished ones."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from urial_tui.chat.active import ActiveSide
from urial_tui.chat.identity import fingerprint, identity
from urial_tui.chat.references import ActiveReference, resolve_reference, trace_side
from urial_tui.chat.shifting import Shifter, greedy_unless
from urial_tui.cli.common.fit_warning import warn_unless_fits
from urial_tui.cli.common.progress import ProgressLine
from urial_tui.cli.common.signals import cancelling
from urial_tui.cli.shift.items import OutputFile, Row
from urial_tui.engine.giving_up import Patience
from urial_tui.errors import EngineError, UrialError
from urial_tui.exchange.shift_json import Item, Json, item_of
from urial_tui.prompts.types import Turn
from urial_tui.services import Services, versions
from urial_tui.store.types import TraceSide

DEFAULT_MAX_TOKENS = 512


@dataclass(frozen=True)
class Shifting:
    """One call of the command. `generator` None: every row has its answer. `source` names the input's content."""

    generator: str | None
    references: tuple[str, ...]
    rows: Sequence[Row]
    source: str
    single: bool
    temperature: float = 0.0
    max_tokens: int | None = None
    seed: int | None = None
    top_k: int = 10
    output: Path | None = None
    overrides: dict[str, Any] = field(default_factory=dict)


@dataclass
class Outcome:
    """What came out. `items` are in the order of the input; `signal` is what ended the work early."""

    total: int
    items: list[Item] = field(default_factory=list)
    problems: list[tuple[Row, UrialError]] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    signal: int | None = None
    fatal: UrialError | None = None

    @property
    def complete(self) -> bool:
        return len(self.items) == self.total

    @property
    def error(self) -> UrialError | None:
        """Why the exit code is not 0, signals apart."""
        if self.fatal is not None:
            return self.fatal
        if self.problems:
            n = len(self.problems)
            return UrialError(
                f"{n} of {self.total} items could not be compared", kind="items-failed"
            )
        return next((error for item in self.items if (error := _partial(item))), None)


def _partial(item: Item) -> UrialError | None:
    """An item that one of its references gave no scores for."""
    for reference in item.record["references"]:
        if reference["error"]:
            found = reference["error"]
            return EngineError(
                f"the reference {reference['side']} gave no scores: {found['message']}",
                hint=found["hint"],
                kind=found["kind"],
            )
    return None


def work(shifting: Shifting, on_item: Callable[[Item], None]) -> Outcome:
    """Compare and wait. `on_item` sees every item once it is finished, those of earlier runs first.

    Raises UrialError when nothing can begin, and for a single item when it fails.
    """
    return asyncio.run(_work(shifting, on_item))


async def _work(shifting: Shifting, on_item: Callable[[Item], None]) -> Outcome:
    services = Services(overrides=shifting.overrides)
    outcome = Outcome(total=len(shifting.rows))
    progress = ProgressLine(len(shifting.rows))
    output: OutputFile | None = None
    caught: list[int] = []
    with cancelling(caught):
        try:
            generator, references = await _sides(services, shifting)
            mark = _fingerprint(shifting, generator, references)
            if shifting.output is not None:
                output = OutputFile(shifting.output, mark)
                wanted = {row.index for row in shifting.rows}
                outcome.items = [item for item in output.open() if item.index in wanted]
                for item in outcome.items:
                    on_item(item)
            there = {item.index for item in outcome.items}
            shifter = None
            if any(row.index not in there and row.problem is None for row in shifting.rows):
                sides = [*([generator] if generator else []), *(ref.side for ref in references)]
                warn_unless_fits(await services.fit(sides))
                shifter = Shifter(
                    services.engine,
                    generator,
                    references,
                    services.measurements,
                    top_k=shifting.top_k,
                    on_progress=progress.stage,
                )
                outcome.notes = (await shifter.prepare()).notes
            progress.start(len(there))
            rows = _Rows(shifting, outcome, generator, output, on_item, progress, mark)
            for row in shifting.rows:
                if row.index not in there:
                    await rows.one(row, shifter)
                if outcome.fatal is not None:
                    break
        except asyncio.CancelledError:
            if not caught:
                raise
            outcome.signal = caught[0]
        finally:
            progress.clear()
            if output is not None:
                output.close()
            await services.aclose()
    outcome.items.sort(key=lambda item: item.index)
    return outcome


@dataclass
class _Rows:
    """Does one row after the other and says what became of it."""

    shifting: Shifting
    outcome: Outcome
    generator: ActiveSide | None
    output: OutputFile | None
    on_item: Callable[[Item], None]
    progress: ProgressLine
    mark: str
    patience: Patience = field(default_factory=Patience)

    async def one(self, row: Row, shifter: Shifter | None) -> None:
        try:
            if row.problem is not None or shifter is None:
                raise row.problem or UrialError("the item cannot be compared")
            item = await self._compare(row, shifter)
            self.patience.restored()
        except UrialError as error:
            if self.shifting.single:
                raise
            self.outcome.problems.append((row, error))
            if self.patience.ended_by(error):
                self.outcome.fatal = error
            return
        finally:
            self.progress.item()
        if self.output is not None:
            self.output.append(item)
        self.outcome.items.append(item)
        self.progress.clear()
        self.on_item(item)

    async def _compare(self, row: Row, shifter: Shifter) -> Item:
        sampling, max_tokens = None, 0
        if row.answer is None and self.generator is not None:
            asked = self.shifting
            sampling = greedy_unless(self.generator, asked.temperature, asked.seed)
            max_tokens = asked.max_tokens or min(self.generator.max_tokens, DEFAULT_MAX_TOKENS)
        result = await shifter.run(
            [Turn("user", row.query)], answer=row.answer, sampling=sampling, max_tokens=max_tokens
        )
        head: Json = {"fingerprint": self.mark, "index": row.index, "id": row.id}
        alone = self.shifting.single and self.output is None
        return item_of(row.index, result, {} if alone else head)


async def _sides(
    services: Services, shifting: Shifting
) -> tuple[ActiveSide | None, tuple[ActiveReference, ...]]:
    """Every side resolved, its files' hashes known. Raises UrialError."""
    generator = None
    if shifting.generator is not None:
        generator = await services.activate(shifting.generator)
    references = tuple(
        [
            await resolve_reference(services.activate, notation, number, generator)
            for number, notation in enumerate(shifting.references)
        ]
    )
    mine = (generator,) if generator else ()
    await services.hash_where_possible(*mine, *(ref.side for ref in references))
    return generator, references


def _fingerprint(
    shifting: Shifting, generator: ActiveSide | None, references: Sequence[ActiveReference]
) -> str:
    """What the numbers depend on: sides by the content of their files, sampling, input, engine. Not how many items."""
    sides = [trace_side("reference", ref.side, ref.style, (), None, None) for ref in references]
    mine = (
        trace_side("generator", generator, generator.style, (), None, None) if generator else None
    )
    sampling = (
        msgspec.structs.asdict(greedy_unless(generator, shifting.temperature, shifting.seed))
        if generator
        else None
    )
    max_tokens = None
    if generator is not None:
        max_tokens = shifting.max_tokens or min(generator.max_tokens, DEFAULT_MAX_TOKENS)
    spec = generator.spec if generator else references[0].side.spec
    return fingerprint(
        {
            "format": 2,
            "generator": mine and _identity(mine),
            "references": [_identity(side) for side in sides],
            "n_ctx": spec.n_ctx,
            "n_threads": spec.n_threads or os.cpu_count(),
            "gpu_layers": [spec.gpu_layers, *(ref.spec.gpu_layers for ref in references)],
            "context": [spec.n_batch, spec.flash_attention, spec.kv_type, spec.main_gpu],
            "llama-cpp-python": versions().get("llama-cpp-python", ""),
            "sampling": sampling,
            "max_tokens": max_tokens,
            "top_k": shifting.top_k,
            "input": shifting.source,
        }
    )


def _identity(side: TraceSide) -> dict[str, Any]:
    return {"side": side.side} | identity(side)
