"""The references of a conversation's generator: found, loaded and checked in the background, and told about.

`Chat` owns one, beside its SideLoader. Nothing here delays an answer: loading and measuring wait until the engine is
free. An answer that begins before the references are ready is not scored while it is written.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from urial_tui.chat.active import ActiveSide, as_prompt
from urial_tui.chat.events import ChatEvent, PairChanged
from urial_tui.chat.measuring import measure
from urial_tui.chat.noise import Measurement, Measurements
from urial_tui.chat.pair import PairStatus, ReferenceState, ReferenceStatus
from urial_tui.chat.pairs import default_references
from urial_tui.chat.quiet import Quiet
from urial_tui.chat.references import (
    ActiveReference,
    CheckedReference,
    check_reference,
    resolve_reference,
)
from urial_tui.chat.side_loader import retrieve
from urial_tui.chat.tracing import ReadyPair, ReadyReference
from urial_tui.crash import internal_error
from urial_tui.engine.api import Engine
from urial_tui.engine.protocol import ContextInfo, ContextSpec
from urial_tui.errors import EngineError, UrialError
from urial_tui.sides import parse_side

T = TypeVar("T")

IDLE_SECONDS = 2.0
"""So long nothing must have happened before a model is measured."""
SOON_SECONDS = 3.0
"""How long an answer waits for references on the weights that are loaded already."""


@dataclass
class _Entry:
    """One reference and how far it is."""

    notation: str
    state: ReferenceState = "loading"
    error: UrialError | None = None
    active: ActiveReference | None = None
    info: ContextInfo | None = None
    checked: CheckedReference | None = None
    measured: Measurement | None = None

    @property
    def status(self) -> ReferenceStatus:
        return ReferenceStatus(
            side=self.notation,
            state=self.state,
            error=self.error,
            warnings=self.checked.warnings if self.checked else (),
            noise=self.measured.noise if self.measured else None,
            null_rate=self.measured.null_rate if self.measured else None,
        )


class Pairing:
    """`references` None: what suits the generator. `on_measured` is awaited after a measurement, `on_death` is called
    when the engine died in work of this object."""

    def __init__(
        self,
        engine: Engine,
        resolve: Callable[[str], Awaitable[ActiveSide]],
        measurements: Measurements,
        quiet: Quiet,
        listener: Callable[[ChatEvent], None],
        generator: str,
        *,
        references: tuple[str, ...] | None = None,
        scoring: bool = True,
        on_measured: Callable[[], Awaitable[None]],
        on_death: Callable[[UrialError], None],
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._engine, self._resolve, self._tell = engine, resolve, listener
        self._measurements, self._quiet, self._idle = measurements, quiet, idle_seconds
        self._on_measured, self._on_death = on_measured, on_death
        self._notation = generator
        self._given = self._chosen = references
        self._scoring = scoring
        self._generator: ActiveSide | None = None
        self._info: ContextInfo | None = None
        self._open: set[ContextSpec] = set()
        self._unmeasurable: set[ContextSpec] = set()
        self._fatal: dict[str, UrialError] = {}
        self._without: UrialError | None = None
        """Why no reference can be loaded: the generator was not."""
        self._loaded = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._entries = [_Entry(side) for side in self._wanted()]

    @property
    def status(self) -> PairStatus:
        return PairStatus(
            self._notation, tuple(entry.status for entry in self._entries), self._scoring
        )

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(entry.notation for entry in self._entries)

    def specs(self) -> list[ContextSpec]:
        """The contexts of the references that are ready."""
        return [entry.active.spec for entry in self._entries if entry.active is not None]

    def measured(self, spec: ContextSpec) -> Measurement | None:
        return self._measurements.get(spec)

    def ready(self) -> ReadyPair | UrialError | None:
        """What an answer that begins now is scored with; the reason why not; None when nobody wants it scored."""
        if not self._scoring or not self._entries:
            return None
        found = [
            ReadyReference(entry.active, entry.info, entry.checked)
            for entry in self._entries
            if entry.state == "ready" and entry.active and entry.info and entry.checked
        ]
        if found and self._generator is not None and self._info is not None:
            return ReadyPair(
                self._generator,
                self._info,
                tuple(found),
                self._measurements,
            )
        refused = [entry.error for entry in self._entries if entry.error is not None]
        if len(refused) == len(self._entries):
            return refused[0]
        return EngineError(
            "the references were not ready when the answer began",
            hint="The answer can be scored now.",
            kind="not-ready",
        )

    async def soon(self) -> None:
        """Wait, SOON_SECONDS at the most, for references on the generator's own weights. They take a moment, and an
        answer that begins before has no scores; one on other weights may take minutes and is not waited for."""
        model = parse_side(self._notation).model
        loading = [entry.notation for entry in self._entries if entry.state == "loading"]
        near = all(parse_side(side).model == model for side in loading)
        if self._scoring and loading and near:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._loaded.wait(), SOON_SECONDS)

    async def settled(self) -> None:
        """Wait until every reference is ready or refused; at once while there is no generator."""
        await self._loaded.wait()

    # --- what changes -----------------------------------------------------------------------------------------------

    def generator_wanted(self, notation: str) -> None:
        """Another generator is being loaded. References that nobody chose for it become what suits it."""
        before, after = parse_side(self._notation).model, parse_side(notation).model
        chosen = [parse_side(side).model for side in self._chosen or ()]
        if before != after and chosen and all(model == before for model in chosen):
            # References on the old generator's own model mean nothing beside another model.
            self._chosen = None
        self._fatal.clear()
        self._notation = notation
        self._chosen = self._meant(self._chosen)
        self._generator = self._info = self._without = None
        self._begin_again()

    def generator_ready(self, active: ActiveSide, info: ContextInfo) -> None:
        """The generator is loaded: load the references now, or as soon as the engine is free."""
        self._notation, self._generator, self._info = active.notation, active, info
        self._without = None
        self._begin_again()

    def generator_failed(self) -> None:
        """The generator could not be loaded: its references are refused until one is."""
        self._generator = self._info = None
        self._without = EngineError(
            "the generator is not loaded",
            hint="The next message tries again; or choose another side.",
            kind="no-generator",
        )
        self._begin_again()

    def lost(self) -> None:
        """The engine died: everything is loaded again after the generator."""
        self._open.clear()
        self._generator = self._info = None
        if self._task is not asyncio.current_task():
            self._begin_again()

    def choose(self, sides: tuple[str, ...]) -> None:
        """Compare with these from the next answer on. Raises UsageError for a SIDE that cannot be read."""
        self._chosen = tuple(str(parse_side(side)) for side in sides)
        self._fatal.clear()
        self._begin_again()

    def as_given(self) -> None:
        """A session brought its own side: what was chosen for the side before does not go along."""
        if self._chosen != self._given:
            self._chosen = self._meant(self._given)
            self._begin_again()

    def set_scoring(self, on: bool) -> None:
        """Off: the references are unloaded."""
        self._scoring = on
        self._begin_again()

    async def aclose(self) -> None:
        await self._end_task()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _meant(self, references: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """None, for what suits the generator, where it is among them: a side beside itself means nothing."""
        return None if self._notation in (references or ()) else references

    def _wanted(self) -> tuple[str, ...]:
        return self._chosen if self._chosen is not None else default_references(self._notation)

    def _begin_again(self) -> None:
        """Everything is looked at again; contexts that are open already cost nothing."""
        state: ReferenceState = "refused" if self._without is not None else "loading"
        self._entries = [_Entry(side, state, self._without) for side in self._wanted()]
        self._loaded.clear()
        previous, self._task = self._task, None
        if previous is not None:
            previous.cancel()
        if self._generator is None or self._info is None:
            self._loaded.set()
        else:
            self._task = asyncio.create_task(
                self._run(self._generator, self._entries, previous), name="references"
            )
            self._task.add_done_callback(retrieve)
        self._changed()

    def _changed(self) -> None:
        self._tell(PairChanged(self.status))

    async def _end_task(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    async def _run(
        self, generator: ActiveSide, entries: list[_Entry], previous: asyncio.Task[None] | None
    ) -> None:
        if previous is not None:
            await asyncio.wait({previous})
        await self._close(
            [s for s in self._open if _number(s) >= len(entries) or not self._scoring]
        )
        if not self._scoring:
            self._loaded.set()
            return
        try:
            for number, entry in enumerate(entries):
                try:
                    await self._load(generator, entry, number)
                except UrialError as error:
                    entry.state, entry.error = "refused", error
                    if entry.notation not in self._fatal and self._died(error):
                        self._fatal[entry.notation] = error
                        return
                    self._changed()
                    await self._close([s for s in self._open if _number(s) == number])
                except Exception as error:  # noqa: BLE001 - a reference that never gets ready must say why
                    entry.state = "refused"
                    entry.error = await asyncio.to_thread(internal_error, "the reference", error)
                    self._changed()
                else:
                    self._changed()
        finally:
            if self._entries is entries:
                self._loaded.set()
        await self._read_ahead(generator, entries)
        await self._measure(generator, entries)

    async def _load(self, generator: ActiveSide, entry: _Entry, number: int) -> None:
        if entry.notation in self._fatal:
            raise self._fatal[entry.notation]
        active = await resolve_reference(self._resolve, entry.notation, number, generator)
        await self._close([s for s in self._open if _number(s) == number and s != active.spec])
        # Other weights take long to load, and an answer must not wait for them.
        gives_way = active.spec.model_path != generator.spec.model_path
        self._open.add(active.spec)
        info = await self._when_quiet(lambda: self._engine.open(active.spec), gives_way)
        entry.checked = await self._when_quiet(
            lambda: check_reference(self._engine, generator, active), gives_way
        )
        entry.active, entry.info, entry.notation = active, info, active.notation
        entry.measured = self._measurements.get(active.spec)
        entry.state = "ready"

    async def _read_ahead(self, generator: ActiveSide, entries: list[_Entry]) -> None:
        """Read the references' constant prompts, so that the next answer need not wait for them."""
        for entry in entries:
            if entry.state != "ready" or entry.active is None:
                continue
            spec, style = entry.active.spec, entry.active.style or generator.style
            with contextlib.suppress(UrialError):
                constant = await asyncio.to_thread(style.constant)
                if constant.spans:
                    prompt = as_prompt(constant)
                    await self._when_quiet(partial(self._engine.prefill, spec, prompt), True)

    async def _measure(self, generator: ActiveSide, entries: list[_Entry]) -> None:
        """Measure the noise of what was not measured yet, once an answer has ended and nothing is asked for."""
        specs = [entry.active.spec for entry in entries if entry.active and entry.state == "ready"]
        for spec in [*specs, generator.spec] if specs else []:
            if self._measurements.get(spec) is None and spec not in self._unmeasurable:
                await self._quiet.used()
                try:
                    await self._when_quiet(
                        partial(measure, self._engine, spec, self._measurements),
                        True,
                        self._idle,
                    )
                except UrialError as error:
                    self._unmeasurable.add(spec)
                    if self._died(error):
                        return
                    continue
            fresh = False
            for entry in entries:
                if entry.active and entry.measured is None:
                    entry.measured = self._measurements.get(entry.active.spec)
                    fresh = fresh or entry.measured is not None
            if fresh:
                self._changed()
                await self._on_measured()

    async def _when_quiet(
        self, work: Callable[[], Coroutine[Any, Any, T]], gives_way: bool, after: float = 0.0
    ) -> T:
        if not gives_way:
            return await work()
        return await self._quiet.until_done(work, after)

    async def _close(self, specs: list[ContextSpec]) -> None:
        for spec in specs:
            await self._quiet.lasts()
            self._open.discard(spec)
            with contextlib.suppress(UrialError):
                await self._engine.close_context(spec)

    def _died(self, error: UrialError) -> bool:
        """Whether the engine died of it. A reference that it dies of is not tried again by itself."""
        if error.kind != "engine-died":
            return False
        self._open.clear()
        self._generator = self._info = None
        for entry in self._entries:
            if entry.state == "ready":
                entry.state = "loading"
        self._changed()
        self._on_death(error)
        return True


def _number(spec: ContextSpec) -> int:
    """The number of the reference that the context is for."""
    return int(spec.slot.rpartition("-")[2])
