"""What a conversation's answers are compared with, and their traces: the inspector's half of `Chat`."""

import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from urial_tui.chat.active import ActiveSide
from urial_tui.chat.branches import Branches
from urial_tui.chat.events import ChatEvent, PairChanged, SideReady, TraceEnded, Trouble
from urial_tui.chat.noise import Measurement, Measurements
from urial_tui.chat.pair import Pair, PairStatus
from urial_tui.chat.pair_list import REST_SECONDS, FindPairs, PairList
from urial_tui.chat.pairing import IDLE_SECONDS, Pairing
from urial_tui.chat.quiet import Quiet
from urial_tui.chat.scoring import Rescoring
from urial_tui.chat.side_loader import SideLoader
from urial_tui.engine.api import Engine
from urial_tui.errors import EngineError, StoreError, UrialError, UsageError
from urial_tui.prompts.styles import DEFAULT_PACK
from urial_tui.sides import parse_side
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import Session, ShiftTotals, Trace, TraceInfo, TraceSide

T = TypeVar("T")


class Inspecting(Branches):
    """Holds the references of the present generator; see `Chat` for the parameters."""

    def __init__(
        self,
        engine: Engine,
        store: AsyncStore,
        resolve: Callable[[str], Awaitable[ActiveSide]],
        side: str,
        listener: Callable[[ChatEvent], None],
        *,
        measurements: Measurements | None = None,
        references: tuple[str, ...] | None = None,
        scoring: bool = True,
        default_pack: str = DEFAULT_PACK,
        find_pairs: FindPairs | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        super().__init__(store, listener)
        self._engine = engine
        self._quiet = Quiet()
        rest = min(idle_seconds, REST_SECONDS)
        self._pairs = PairList(default_pack, find_pairs, self._quiet, self._pairs_found, rest)
        self._shown: Trace | None = None
        self._loader = SideLoader(engine, resolve, side, self._loading, self._changing)
        self._pairing = Pairing(
            engine,
            resolve,
            measurements if measurements is not None else Measurements(None),
            self._quiet,
            listener,
            side,
            references=references,
            scoring=scoring,
            on_measured=self._measured,
            on_death=self._loader.lost,
            idle_seconds=idle_seconds,
        )
        self._rescoring = Rescoring(
            engine, store, self._loader, self._pairing, self._quiet, self._traced, self._died
        )

    # --- the pair ---------------------------------------------------------------------------------------------------

    @property
    def pair(self) -> PairStatus:
        """Which sides are compared now, and how ready they are."""
        return self._pairing.status

    def pairs(self) -> tuple[Pair, ...]:
        """Pairs that are worth looking at with the present model; `next_pair` goes through them."""
        return self._pairs.around(self.side, self._pairing.references)

    async def more_pairs(self) -> tuple[Pair, ...]:
        """These, and every other model of the library that has the same vocabulary; waits for the search."""
        await self._pairs.looked()
        return self._pairs.all(self.side, self._pairing.references)

    async def set_references(self, sides: tuple[str, ...]) -> None:
        """Score with these references from the next answer on. Raises UsageError for a SIDE that cannot be read; one
        that cannot be used is shown as refused."""
        self._pairing.choose(sides)

    async def set_scoring(self, on: bool) -> None:
        """Whether answers are scored from now on; off also unloads the references."""
        self._pairing.set_scoring(on)

    async def next_pair(self) -> None:
        """Compare the next of the suggested pairs: its generator answers from now on. Raises UrialError."""
        self._not_while_busy("change the pair")
        home, wanted = self._pairs.next(self.side, self._pairing.references)
        if parse_side(wanted.generator) != parse_side(self.side):
            await self.set_side(wanted.generator)
        self._pairing.choose(wanted.references)
        self._pairs.take(home, self.side, self._pairing.references)

    async def set_side(self, side: str) -> None:
        raise NotImplementedError

    async def _follow(self, session: Session) -> None:
        before = self.side
        await super()._follow(session)
        if self.side != before:
            self._pairing.as_given()

    # --- traces -----------------------------------------------------------------------------------------------------

    async def trace(self, message_id: str) -> Trace | None:
        """The newest trace of an answer that has scores."""
        found = await self._store.call(Store.trace_of, message_id)
        self._shown = await self._with_noise(found) if found is not None else None
        return self._shown

    async def traces(self, message_id: str) -> list[TraceInfo]:
        """All traces of an answer, the newest first."""
        return await self._store.call(Store.traces_of, message_id)

    async def shift_totals(self, session_only: bool) -> list[ShiftTotals]:
        """Classes over the newest traces of all answers, or of the open session's, for each pair of sides."""
        if session_only and not self._session_id:
            return []
        return await self._store.call(
            Store.shift_totals, self._session_id if session_only else None
        )

    @property
    def scoring_message(self) -> str | None:
        """The stored answer that is being scored now; None when none is."""
        return self._rescoring.message_id

    async def score(self, message_id: str) -> None:
        """Score a stored answer under the present pair, on the canonical path, in the background. `stop` ends it, and
        so does a message that is sent."""
        self._not_while_busy("score")
        if self._rescoring.message_id is not None:
            raise UsageError("an answer is being scored already", hint="Stop it first (Escape).")
        if self._locked is not None:
            raise self._locked
        answer = self._visible(message_id)
        if answer.role != "assistant":
            raise UsageError("only answers can be scored", hint="Select an answer.")
        self._rescoring.begin(self._before(message_id), answer)

    # --- other work on the engine -----------------------------------------------------------------------------------

    async def when_quiet(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do on the engine what somebody asked for, while nobody waits for an answer: it is cancelled when one is
        wanted, and begun anew after it. What nobody asked for gives way to it. Raises what it raises."""
        try:
            return await self._quiet.until_done(work, asked=True)
        except EngineError as error:
            if error.kind == "engine-died":
                self._died(error)
            raise

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _before_leaving(self) -> None:
        await self._rescoring.stop()

    def _loading(self, event: ChatEvent) -> None:
        """What the loader tells is passed on; the references follow the generator."""
        self._tell(event)
        if isinstance(event, SideReady) and self._loader.active is not None:
            self._pairing.generator_ready(self._loader.active, event.info)
            self._pairs.look(self._loader.notation)
        elif isinstance(event, Trouble):
            self._pairing.generator_failed()

    def _pairs_found(self) -> None:
        self._tell(PairChanged(self._pairing.status))

    def _changing(self, active: ActiveSide) -> None:
        self._pairing.generator_wanted(active.notation)

    def _traced(self, event: ChatEvent) -> None:
        """Passed on; the trace that ended last is the one on the screen."""
        if isinstance(event, TraceEnded) and event.trace is not None:
            self._shown = event.trace
        self._tell(event)

    def _died(self, error: UrialError) -> None:
        """The engine is gone, and what it had loaded."""
        self._loader.lost(error)
        self._pairing.lost()

    async def _measured(self) -> None:
        """A model's noise became known: near ties of the trace on the screen can be told now."""
        before = self._shown
        if before is None:
            return
        after = await self._with_noise(before)
        if after is not before and self._shown is before:
            self._shown = after
            self._tell(TraceEnded(after.message_id, after))

    async def _with_noise(self, trace: Trace) -> Trace:
        """The trace with the noise of those of its references that was not known when it was made; kept where the
        history can be written."""
        sides = list(trace.start.references)
        for number, side in enumerate(sides):
            measured = self._noise_of(side) if side.noise is None else None
            if measured is None:
                continue
            noise, null_rate = measured.noise, measured.null_rate
            sides[number] = replace(side, noise=noise, null_rate=null_rate)
            with contextlib.suppress(StoreError):
                await self._store.call(Store.set_noise, trace.id, number, noise, null_rate)
        if sides == list(trace.start.references):
            return trace
        return replace(trace, start=replace(trace.start, references=tuple(sides)))

    def _noise_of(self, side: TraceSide) -> Measurement | None:
        """What was measured of that side's files, when it is one of the present pair and they have not changed."""
        for spec in self._pairing.specs():
            same = (spec.model_path, spec.adapter_path, spec.adapter_scale) == (
                side.model_path,
                side.adapter_path,
                side.adapter_scale,
            )
            if same:
                return self._pairing.measured(spec)
        return None
