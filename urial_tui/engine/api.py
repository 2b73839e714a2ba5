"""What the rest of the program sees of the engine. `EngineClient` is the real one; tests script theirs."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from urial_tui.engine.protocol import (
    ContextInfo,
    ContextSpec,
    Description,
    Finished,
    Measured,
    PairChecked,
    Prefilled,
    Probe,
    Probed,
    Progress,
    Prompt,
    Reference,
    ReferenceFailed,
    Sampling,
    Scored,
    ScoreFinished,
    Scoring,
    ScoringStarted,
    Started,
    Stops,
    Token,
    Tokens,
)

OnProgress = Callable[[Progress], None]
GenerationEvent = (
    Progress | Started | Token | Probed | Finished | ScoringStarted | Scored | ReferenceFailed
)
ScoreEvent = Progress | ScoringStarted | Scored | ReferenceFailed | ScoreFinished


class Generation(Protocol):
    """A running generation: iterate for its events; the last one is Finished. Raises EngineError on failure."""

    def __aiter__(self) -> AsyncIterator[GenerationEvent]: ...

    async def cancel(self) -> None:
        """Ask the engine to stop; returns when it has acknowledged. Iteration still ends with Finished."""


class ScoreRun(Protocol):
    """A running Score request: iterate for its events; the last one is ScoreFinished. Raises EngineError on failure."""

    def __aiter__(self) -> AsyncIterator[ScoreEvent]: ...

    async def cancel(self) -> None:
        """Ask the engine to stop; what was scored is kept. Iteration still ends with ScoreFinished."""


class Engine(Protocol):
    """Runs models. Every call raises EngineError; after a crash the next call starts a new process."""

    async def open(
        self, spec: ContextSpec, on_progress: OnProgress | None = None
    ) -> ContextInfo: ...

    async def tokenize(
        self, spec: ContextSpec, prompt: Prompt, *, pieces: bool = False
    ) -> Tokens: ...

    async def prefill(
        self, spec: ContextSpec, prompt: Prompt, on_progress: OnProgress | None = None
    ) -> Prefilled: ...

    def generate(
        self,
        spec: ContextSpec,
        prompt: Prompt,
        sampling: Sampling,
        stops: Stops,
        max_tokens: int,
        *,
        scoring: Scoring | None = None,
        forced: tuple[int, ...] = (),
        probe: Probe | None = None,
    ) -> Generation: ...

    def score(
        self,
        generator: Reference | None,
        references: tuple[Reference, ...],
        *,
        tokens: tuple[int, ...] = (),
        text: str = "",
        top_k: int = 10,
    ) -> ScoreRun: ...

    async def check_pair(
        self,
        generator: ContextSpec,
        reference: ContextSpec,
        on_progress: OnProgress | None = None,
    ) -> PairChecked: ...

    async def measure(
        self, spec: ContextSpec, prompt: Prompt, on_progress: OnProgress | None = None
    ) -> Measured: ...

    async def close_context(self, spec: ContextSpec) -> None: ...

    async def describe(self) -> Description: ...

    async def aclose(self) -> None: ...
