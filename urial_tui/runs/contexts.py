"""The contexts of a run: one group of sides that share weights is open at a time, each side with its references.

A side is opened when its first item needs it. After the engine's process has died everything is opened anew.
"""

from collections.abc import Callable, Sequence

from urial_tui.chat.measuring import Measurements, measure
from urial_tui.chat.references import check_reference
from urial_tui.chat.tracing import ReadyPair, ReadyReference
from urial_tui.engine import protocol as wire
from urial_tui.engine.api import Engine, OnProgress
from urial_tui.errors import EngineError
from urial_tui.runs.plan import RunSide


class Contexts:
    """`on_note` is told in words what does not stop the work, once each."""

    def __init__(
        self,
        engine: Engine,
        sides: Sequence[RunSide],
        measurements: Measurements,
        on_progress: OnProgress,
        on_note: Callable[[str], None],
    ) -> None:
        self._engine, self._sides, self._measurements = engine, sides, measurements
        self._progress, self._note = on_progress, on_note
        self._open: dict[wire.ContextSpec, wire.ContextInfo] = {}
        self._pairs: dict[int, ReadyPair] = {}
        self._told: set[str] = set()

    async def info(self, number: int) -> wire.ContextInfo:
        """The side's context, opened when it is not. Raises EngineError."""
        return await self._opened(self._sides[number].side.spec)

    async def pair(self, number: int) -> ReadyPair | None:
        """What the side's answers are scored with; None without references. Raises EngineError, kind `vocabulary` for
        a reference that cannot score the side."""
        side = self._sides[number]
        if not side.references:
            return None
        if number not in self._pairs:
            info = await self.info(number)
            ready = []
            for ref in side.references:
                opened = await self._opened(ref.spec)
                checked = await check_reference(self._engine, side.side, ref, self._progress)
                for warning in checked.warnings:
                    self._tell(f"{ref.notation}: {warning}")
                ready.append(ReadyReference(ref, opened, checked))
            for spec in (side.side.spec, *(ref.spec for ref in side.references)):
                await self._measure(spec)
            self._pairs[number] = ReadyPair(side.side, info, tuple(ready), self._measurements)
        return self._pairs[number]

    async def leave_only(self, group: Sequence[int]) -> None:
        """Close every context that none of the sides in `group` needs."""
        needed = {
            spec
            for number in group
            for spec in (
                self._sides[number].side.spec,
                *(ref.spec for ref in self._sides[number].references),
            )
        }
        for spec in [spec for spec in self._open if spec not in needed]:
            del self._open[spec]
            await self._engine.close_context(spec)
        self._pairs = {number: pair for number, pair in self._pairs.items() if number in group}

    def lost(self) -> None:
        """The engine's process has died, and everything with it."""
        self._open.clear()
        self._pairs.clear()

    async def _opened(self, spec: wire.ContextSpec) -> wire.ContextInfo:
        if spec not in self._open:
            self._open[spec] = await self._engine.open(spec, self._progress)
        return self._open[spec]

    async def _measure(self, spec: wire.ContextSpec) -> None:
        """Have the noise of a model, which tells near ties; without it they are not told."""
        try:
            await measure(self._engine, spec, self._measurements, self._progress)
        except EngineError as error:
            if error.kind == "engine-died":
                raise
            self._tell(f"the noise of a model could not be measured: {error.message}")

    def _tell(self, note: str) -> None:
        if note not in self._told:
            self._told.add(note)
            self._note(note)
