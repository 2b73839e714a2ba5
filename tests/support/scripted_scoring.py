"""A ScriptedEngine that also scores: what each token's class is, which reference fails and when the test decides."""

import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.scripted_engine import ScriptedEngine
from urial_tui.engine import protocol as wire
from urial_tui.engine.api import OnProgress, ScoreEvent
from urial_tui.errors import EngineError
from urial_tui.shift.records import GeneratorScore, ReferenceScore, TokenScore

RANKS = {"u": 1, "m": 2, "s": 7}
OTHER = 5
"""An id that is in every list of alternatives; its bytes are `\\x02`."""


@dataclass
class Scored:
    """One Score request as it came."""

    generator: wire.Reference | None
    references: tuple[wire.Reference, ...]
    tokens: tuple[int, ...]
    text: str
    top_k: int


@dataclass
class Scoring:
    """What the engine answers. `kinds`: a letter a token, the last one for all that follow. `failing`: reference number
    to message; `failing_after` tokens. `differing`: check_pair refuses.
    `before`: called with each request before it is answered."""

    kinds: str = "usm"
    noise: float = 0.25
    kl: float = 0.5
    margin: float = 1.0
    failing: dict[int, str] = field(default_factory=dict)
    failing_after: int = 0
    differing: bool = False
    measurable: bool = True
    before: Callable[[Scored], None] = lambda _request: None


class ScoringEngine(ScriptedEngine):
    """See `Scoring`. Requests are kept in `scored`, measured specs in `measured`."""

    def __init__(self, *args: Any, scoring: Scoring | None = None, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.scoring = scoring or Scoring()
        self.scored: list[Scored] = []
        self.runs: list[ScoringRun] = []
        self.measured: list[wire.ContextSpec] = []
        self.control: set[int] = set()

    async def check_pair(
        self,
        generator: wire.ContextSpec,
        reference: wire.ContextSpec,
        on_progress: OnProgress | None = None,
    ) -> wire.PairChecked:
        if self.scoring.differing:
            token = wire.DifferingToken(17, b"\x1b[31m", None)
            return wire.PairChecked(1, False, 17, "f" * 64, "17 of 20 ids agree", (token,))
        return wire.PairChecked(1, True, 512, "f" * 64, warnings=("id 3 is a control token",))

    async def measure(
        self, spec: wire.ContextSpec, prompt: wire.Prompt, on_progress: OnProgress | None = None
    ) -> wire.Measured:
        self.measured.append(spec)
        if not self.scoring.measurable:
            raise EngineError("no memory", kind="memory")
        if on_progress is not None:
            on_progress(wire.Progress(1, "measure", 256, 256))
        return wire.Measured(1, self.scoring.noise, 0.004, 0.01, 0.0, 256, 1.5)

    def score(
        self,
        generator: wire.Reference | None,
        references: tuple[wire.Reference, ...],
        *,
        tokens: tuple[int, ...] = (),
        text: str = "",
        top_k: int = 10,
    ) -> "ScoringRun":
        request = Scored(generator, references, tokens, text, top_k)
        self.scored.append(request)
        self.runs.append(ScoringRun(self, request))
        return self.runs[-1]


class ScoringRun:
    """One Score request of a ScoringEngine."""

    def __init__(self, engine: ScoringEngine, request: Scored) -> None:
        self._engine, self._request = engine, request
        self.cancelled = False

    async def cancel(self) -> None:
        self.cancelled = True
        self._engine.pace.wake()

    async def __aiter__(self) -> AsyncIterator[ScoreEvent]:
        engine, asked, scoring = self._engine, self._request, self._engine.scoring
        scoring.before(asked)
        ids = asked.tokens or tuple(engine.ids_of(asked.text.encode()))
        prompts = tuple(
            () if n in scoring.failing else (1, 2, n) for n in range(len(asked.references))
        )
        mine = (1, 2, 3) if asked.generator else ()
        raw = tuple(engine.text_of([id_]) for id_ in ids)
        yield wire.ScoringStarted(1, prompts, mine, ids, raw)
        for i, id_ in enumerate((*ids, 0)):
            if i == min(scoring.failing_after, len(ids)):
                for n, message in scoring.failing.items():
                    hint = "Use a larger context."
                    yield wire.ReferenceFailed(1, n, "context-full", message, hint)
            if i == len(ids):
                break
            await engine.pace.passed()
            kind = scoring.kinds[min(i, len(scoring.kinds) - 1)]
            yield wire.Scored(1, (self._token(i, id_, RANKS[kind]),), {OTHER: b"\x02"})
        yield wire.ScoreFinished(1, wire.ScoreTimings(0.5, 0.25, 0.125, 1, len(ids)))

    def _token(self, i: int, id_: int, rank: int) -> TokenScore:
        asked, scoring = self._request, self._engine.scoring
        top = ((id_, -0.5), (OTHER, -math.inf))
        generator = GeneratorScore(-0.5, 1.5, 1, top) if asked.generator else None
        reference = ReferenceScore(
            logprob=-0.5 * rank,
            entropy=2.0,
            rank=rank,
            emitted_margin=scoring.margin,
            argmax_rank=rank if generator else None,
            margin=scoring.margin if generator else None,
            kl=scoring.kl if generator else None,
            top=top,
        )
        return TokenScore(
            i,
            id_,
            generator,
            tuple(
                None if n in scoring.failing and i >= scoring.failing_after else reference
                for n in range(len(asked.references))
            ),
            control=id_ in self._engine.control,
        )
