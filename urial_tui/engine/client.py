"""The asyncio client of the engine process: one coroutine a request, an async iterator for an answer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Generic, TypeVar, cast

from urial_tui.engine import protocol as wire
from urial_tui.engine.api import GenerationEvent, OnProgress, ScoreEvent
from urial_tui.engine.channel import Channel, Make
from urial_tui.errors import EngineError

ACK_SECONDS = 3.0
"""A process that has not even acknowledged a cancel in this time is killed."""
_E = TypeVar("_E", bound=wire.Event)
_R = TypeVar("_R")
_STREAMED = (
    wire.Progress
    | wire.Started
    | wire.Token
    | wire.Probed
    | wire.Finished
    | wire.ScoringStarted
    | wire.Scored
    | wire.ReferenceFailed
    | wire.ScoreFinished
)


class EngineClient:
    """See `api.Engine`. `states_dir` None keeps no prompt states on disk; `log_file` None drops the engine's log."""

    def __init__(
        self,
        *,
        states_dir: Path | None = None,
        states_quota: int = 512 * 1024 * 1024,
        log_file: Path | None = None,
    ) -> None:
        self._channel = Channel(states_dir, states_quota, log_file)

    @property
    def pid(self) -> int | None:
        """Process id of the running engine, None when there is none."""
        return self._channel.pid

    async def open(
        self, spec: wire.ContextSpec, on_progress: OnProgress | None = None
    ) -> wire.ContextInfo:
        """Load the model (when it is not) and make the context. Cancelling the call stops the loading."""
        return (await self._ask(lambda n: wire.Open(n, spec), wire.Opened, on_progress)).info

    async def tokenize(
        self, spec: wire.ContextSpec, prompt: wire.Prompt, *, pieces: bool = False
    ) -> wire.Tokens:
        """The prompt's exact ids, BOS included; with `pieces` each token's bytes."""
        return await self._ask(lambda n: wire.Tokenize(n, spec, prompt, pieces), wire.Tokens)

    async def prefill(
        self, spec: wire.ContextSpec, prompt: wire.Prompt, on_progress: OnProgress | None = None
    ) -> wire.Prefilled:
        """Bring the constant part of `prompt` into the context ahead of time."""
        return await self._ask(lambda n: wire.Prefill(n, spec, prompt), wire.Prefilled, on_progress)

    def generate(
        self,
        spec: wire.ContextSpec,
        prompt: wire.Prompt,
        sampling: wire.Sampling,
        stops: wire.Stops,
        max_tokens: int,
        *,
        scoring: wire.Scoring | None = None,
        forced: tuple[int, ...] = (),
        probe: wire.Probe | None = None,
    ) -> "ClientRun[GenerationEvent]":
        """A generation; it starts when it is iterated."""
        return ClientRun(
            self._channel,
            lambda n: wire.Generate(
                n, spec, prompt, sampling, stops, max_tokens, scoring, forced, probe
            ),
        )

    def score(
        self,
        generator: wire.Reference | None,
        references: tuple[wire.Reference, ...],
        *,
        tokens: tuple[int, ...] = (),
        text: str = "",
        top_k: int = 10,
    ) -> "ClientRun[ScoreEvent]":
        """A canonical scoring of a given answer; it starts when it is iterated."""
        return ClientRun(
            self._channel, lambda n: wire.Score(n, generator, references, tokens, text, top_k)
        )

    async def check_pair(
        self,
        generator: wire.ContextSpec,
        reference: wire.ContextSpec,
        on_progress: OnProgress | None = None,
    ) -> wire.PairChecked:
        """Compare the vocabularies id by id; loads what is missing."""
        return await self._ask(
            lambda n: wire.CheckPair(n, generator, reference), wire.PairChecked, on_progress
        )

    async def measure(
        self, spec: wire.ContextSpec, prompt: wire.Prompt, on_progress: OnProgress | None = None
    ) -> wire.Measured:
        """Measure a model's rounding noise with the text of `prompt`: a few hundred single decodes."""
        return await self._ask(lambda n: wire.Measure(n, spec, prompt), wire.Measured, on_progress)

    async def close_context(self, spec: wire.ContextSpec) -> None:
        """Free the context, and the weights when nothing else uses them. Without a process there is nothing to do."""
        if self.pid is not None:
            await self._ask(lambda n: wire.Close(n, spec), wire.Done)

    async def describe(self) -> wire.Description:
        return await self._ask(wire.Describe, wire.Description)

    async def aclose(self) -> None:
        """End the process: a request to shut down first, a kill when it does not follow within a second."""
        await self._channel.aclose()

    async def _ask(self, make: Make, kind: type[_E], on_progress: OnProgress | None = None) -> _E:
        return await _ask(self._channel, make, kind, on_progress)


class ClientRun(Generic[_R]):
    """A request with a stream of events; see `api.Generation`, `api.ScoreRun`. Sent when iteration begins."""

    def __init__(self, channel: Channel, make: Make) -> None:
        self._channel = channel
        self._make = make
        self._number: int | None = None
        self._cancelled = False

    async def cancel(self) -> None:
        """Ask the engine to stop; returns when it has acknowledged. Iteration still ends with Finished."""
        self._cancelled = True
        if self._number is not None:
            await _cancel(self._channel, self._number)

    async def __aiter__(self) -> AsyncIterator[_R]:
        number, queue = await self._channel.send(self._make)
        self._number = number
        if self._cancelled:
            await _cancel(self._channel, number)
        ended = False
        try:
            while not ended:
                event = await queue.get()
                ended = isinstance(
                    event, EngineError | wire.Failed | wire.Finished | wire.ScoreFinished
                )
                if isinstance(event, EngineError):
                    raise event
                if isinstance(event, wire.Failed):
                    raise _error(event)
                if isinstance(event, _STREAMED):
                    yield cast(_R, event)
        finally:
            self._channel.forget(number, cancel=not ended)


async def _ask(
    channel: Channel, make: Make, kind: type[_E], on_progress: OnProgress | None = None
) -> _E:
    """Send a request and wait for its answer; cancelling the caller cancels the request."""
    number, queue = await channel.send(make)
    ended = False
    try:
        while True:
            event = await queue.get()
            ended = not isinstance(event, wire.Progress)
            if isinstance(event, EngineError):
                raise event
            if isinstance(event, wire.Failed):
                raise _error(event)
            if isinstance(event, kind):
                return event
            if isinstance(event, wire.Progress) and on_progress is not None:
                on_progress(event)
    finally:
        channel.forget(number, cancel=not ended)


async def _cancel(channel: Channel, target: int) -> None:
    """Returns when the process has acknowledged; kills it when it does not within ACK_SECONDS."""
    if channel.pid is None:
        return
    try:
        await asyncio.wait_for(
            _ask(channel, lambda n: wire.Cancel(n, target), wire.Ack), ACK_SECONDS
        )
    except TimeoutError:
        channel.kill()
    except EngineError:
        pass  # dead already: the generation itself reports it


def _error(failed: wire.Failed) -> EngineError:
    return EngineError(failed.message, hint=failed.hint, kind=failed.kind)
