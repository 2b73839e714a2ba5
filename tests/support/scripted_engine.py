"""An engine that plays a script: what it says, how fast, and where it breaks is decided by the
test.

It implements `urial_tui.engine.api.Engine` without a model, a process or a clock. A test holds a
gate closed and opens it; nothing sleeps. Every request is kept in `calls`, so a test can also ask
what the chat asked for.
"""

import asyncio
import codecs
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from urial_tui.engine.api import GenerationEvent, OnProgress, ScoreEvent
from urial_tui.engine.memory import Device
from urial_tui.engine.protocol import (
    ContextInfo,
    ContextSpec,
    Description,
    DifferingToken,
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
    ScoreTimings,
    Scoring,
    ScoringStarted,
    Started,
    Stops,
    Timings,
    Token,
    Tokens,
)
from urial_tui.errors import EngineError
from urial_tui.shift.records import GeneratorScore, ReferenceScore, TokenScore

BOS = 1
_FIRST_BYTE = 3
_FIRST_WORD = _FIRST_BYTE + 256
_WORDS = re.compile(rb"\s*[^\s]+|\s+")
CPU_DEVICE = Device("CPU", "scripted", 8_000_000_000, 16_000_000_000)


class Gate:
    """Lets a counted number of steps pass. Open: any number. `waiting` tells a test that someone
    stands before it.
    """

    def __init__(self, is_open: bool = True) -> None:
        self._open = is_open
        self._credit = 0
        self._changed = asyncio.Event()
        self.waiting = 0

    def open(self) -> None:
        self._open = True
        self._changed.set()

    def close(self) -> None:
        self._open = False
        self._credit = 0

    def let(self, steps: int) -> None:
        """Let `steps` more steps pass."""
        self._credit += steps
        self._changed.set()

    def wake(self) -> None:
        """Make whoever waits look at its own condition again."""
        self._changed.set()

    async def passed(self, given_up: "asyncio.Event | None" = None) -> bool:
        """Wait for a step. False when `given_up` was set instead."""
        self.waiting += 1
        try:
            while True:
                if given_up is not None and given_up.is_set():
                    return False
                if self._open:
                    await asyncio.sleep(0)
                    return True
                if self._credit > 0:
                    self._credit -= 1
                    return True
                self._changed.clear()
                await self._changed.wait()
        finally:
            self.waiting -= 1


@dataclass(frozen=True)
class Script:
    """One answer. `pieces` are its tokens; text or raw bytes (half a character is possible).

    `fail_after` n raises `error` after n tokens (0: before the first). `reference_fails` (k, n):
    reference k (-1: all) gives no scores from token n on. `eog`: a control token is written last.
    `masses` are what a probe is told: one entry for each option that the text writes.
    """

    pieces: Sequence[str | bytes] = ("Hello", ",", " this", " is", " an", " answer", ".")
    reason: str = "stop"
    fail_after: int | None = None
    error: EngineError = field(
        default_factory=lambda: EngineError(
            "the engine process ended",
            hint="The text so far is kept. Send again to start the engine anew.",
            kind="engine-died",
        )
    )
    reference_fails: tuple[int, int] | None = None
    eog: bool = False
    masses: Sequence[tuple[float, ...]] = ()

    @classmethod
    def of(cls, text: str, **rest: Any) -> "Script":
        """A script with the words of `text` as tokens."""
        return cls(tuple(piece.decode() for piece in _WORDS.findall(text.encode())), **rest)


@dataclass
class Call:
    """One request that the engine got."""

    name: str
    spec: ContextSpec
    prompt: Prompt | None = None
    sampling: Sampling | None = None
    stops: Stops | None = None
    max_tokens: int = 0
    scoring: Scoring | None = None
    forced: tuple[int, ...] = ()
    probe: Probe | None = None
    generator: Reference | None = None
    references: tuple[Reference, ...] = ()
    tokens: tuple[int, ...] = ()


class ScriptedEngine:
    """Plays `scripts` one after the other, then the last one again and again.

    Gates: `load` (one step), `prefill` (one step a chunk), `pace` (one step a token), `check` (one
    step a pair), `measuring` (one step), `score_pace` (one step a batch of a Score request).
    `load_error`, `prefill_error` and `measure_error` are raised once when set. `tokenizer` is
    "words" or "bytes". `foreign` model paths have another vocabulary; `lethal` ones end the engine
    when they are checked. `score_dies_after` n ends it after n tokens of a Score request.
    """

    BATCH = 2
    """So many tokens are scored at once; the rest of an answer at its end."""

    def __init__(
        self,
        scripts: Iterable[Script | str] = (),
        *,
        n_ctx: int = 4096,
        tokenizer: str = "words",
        loaded: bool = True,
        paced: bool = False,
    ) -> None:
        given = [Script.of(s) if isinstance(s, str) else s for s in scripts]
        self.scripts: list[Script] = given or [Script()]
        self.n_ctx = n_ctx
        self.tokenizer = tokenizer
        self.load = Gate(loaded)
        self.prefill_gate = Gate(True)
        self.pace = Gate(not paced)
        self.load_error: EngineError | None = None
        self.prefill_error: EngineError | None = None
        self.check = Gate(True)
        self.measuring = Gate(True)
        self.score_pace = Gate(True)
        self.measure_error: EngineError | None = None
        self.foreign: set[str] = set()
        self.lethal: set[str] = set()
        self.score_dies_after: int | None = None
        self.cancelled_measurements = 0
        self.calls: list[Call] = []
        self.open_contexts: set[ContextSpec] = set()
        self.deaths = 0
        self.closed = False
        self.prefill_chunks = 1
        self._words: dict[bytes, int] = {}
        self._in_context: dict[ContextSpec, tuple[int, ...]] = {}
        self._played = 0
        self._request = 0

    # --- what the tests ask -----------------------------------------------------------------

    def generations(self) -> list[Call]:
        return [call for call in self.calls if call.name == "generate"]

    def text_of(self, ids: Iterable[int]) -> bytes:
        """The bytes of token ids that this engine gave out."""
        back = {number: word for word, number in self._words.items()}
        return b"".join(self._bytes_of(i, back) for i in ids)

    @staticmethod
    def _bytes_of(number: int, words: dict[int, bytes]) -> bytes:
        if _FIRST_BYTE <= number < _FIRST_WORD:
            return bytes([number - _FIRST_BYTE])
        return words.get(number, b"")

    # --- the Engine interface ---------------------------------------------------------------

    async def open(self, spec: ContextSpec, on_progress: OnProgress | None = None) -> ContextInfo:
        self.calls.append(Call("open", spec))
        await self._loaded(spec, on_progress)
        return self.info(spec)

    def info(self, spec: ContextSpec) -> ContextInfo:
        return ContextInfo(
            n_ctx=self.n_ctx,
            n_ctx_train=32768,
            n_vocab=262144,
            n_layers=18,
            gpu_layers=0,
            n_threads=2,
            swa_window=0,
            description="scripted 0.3B Q4_K_M",
            n_params=270_000_000,
            size_bytes=250_000_000,
            load_s=0.5,
            device="CPU",
        )

    async def _loaded(self, spec: ContextSpec, on_progress: OnProgress | None = None) -> None:
        if self.closed:
            raise EngineError("the engine is closed", kind="engine-closed")
        if spec in self.open_contexts:
            return
        if on_progress is not None:
            on_progress(Progress(self._next(), "load", 400, 1000))
        await self.load.passed()
        if self.load_error is not None:
            error, self.load_error = self.load_error, None
            raise error
        if on_progress is not None:
            on_progress(Progress(self._next(), "load", 1000, 1000))
        self.open_contexts.add(spec)

    async def tokenize(self, spec: ContextSpec, prompt: Prompt, *, pieces: bool = False) -> Tokens:
        self.calls.append(Call("tokenize", spec, prompt))
        await self._loaded(spec)
        ids = self._ids(prompt)
        back = {number: word for word, number in self._words.items()}
        parts = tuple(self._bytes_of(i, back) for i in ids) if pieces else ()
        return Tokens(self._next(), ids, parts)

    async def prefill(
        self, spec: ContextSpec, prompt: Prompt, on_progress: OnProgress | None = None
    ) -> Prefilled:
        self.calls.append(Call("prefill", spec, prompt))
        await self._loaded(spec)
        constant = Prompt(spans=prompt.spans[: prompt.constant]) if prompt.constant else prompt
        ids = self._ids(constant)
        for done in range(1, self.prefill_chunks + 1):
            if on_progress is not None:
                size = len(ids) * (done - 1) // self.prefill_chunks
                on_progress(Progress(self._next(), "prefill", size, len(ids)))
            await self.prefill_gate.passed()
        if self.prefill_error is not None:
            error, self.prefill_error = self.prefill_error, None
            raise error
        reused = self._take(spec, ids)
        return Prefilled(self._next(), len(ids), reused, False, 0.25)

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
    ) -> "ScriptedGeneration":
        call = Call("generate", spec, prompt, sampling, stops, max_tokens, scoring, forced, probe)
        self.calls.append(call)
        script = self.scripts[min(self._played, len(self.scripts) - 1)]
        self._played += 1
        return ScriptedGeneration(self, call, script)

    def score(
        self,
        generator: Reference | None,
        references: tuple[Reference, ...],
        *,
        tokens: tuple[int, ...] = (),
        text: str = "",
        top_k: int = 10,
    ) -> "ScriptedScoring":
        spec = (generator or references[0]).spec
        call = Call("score", spec, generator=generator, references=references)
        call.tokens = tokens or tuple(self.ids_of(text.encode()))
        self.calls.append(call)
        return ScriptedScoring(self, call)

    async def check_pair(
        self,
        generator: ContextSpec,
        reference: ContextSpec,
        on_progress: OnProgress | None = None,
    ) -> PairChecked:
        self.calls.append(Call("check_pair", reference))
        await self._loaded(generator)
        await self._loaded(reference)
        await self.check.passed()
        if reference.model_path in self.lethal:
            self.die()
            raise Script().error
        if (generator.model_path in self.foreign) == (reference.model_path in self.foreign):
            return PairChecked(self._next(), True, 262144, "fingerprint")
        differing = (DifferingToken(5, b"\n", b"<x>"), DifferingToken(7, b"a", None))
        return PairChecked(
            self._next(), False, 5, "fingerprint", "token 5 differs", differing=differing
        )

    async def measure(
        self, spec: ContextSpec, prompt: Prompt, on_progress: OnProgress | None = None
    ) -> Measured:
        self.calls.append(Call("measure", spec, prompt))
        await self._loaded(spec)
        try:
            await self.measuring.passed()
        except asyncio.CancelledError:
            self.cancelled_measurements += 1
            raise
        if self.measure_error is not None:
            error, self.measure_error = self.measure_error, None
            raise error
        return Measured(self._next(), 0.25, 0.005, 0.01, 0.0, 200, 1.5)

    async def close_context(self, spec: ContextSpec) -> None:
        self.open_contexts.discard(spec)
        self._in_context.pop(spec, None)

    async def describe(self) -> Description:
        return Description(self._next(), "0.3.36", "scripted", False, (CPU_DEVICE,), (), ("CPU",))

    async def aclose(self) -> None:
        self.closed = True
        self.open_contexts.clear()

    # --- inside -----------------------------------------------------------------------------

    def record(self, i: int, number: int, references: int, failed: "set[int]") -> TokenScore:
        """What this engine says of token `number` at place `i`: reference ranks go 1, 2, 3, 4, 1."""
        if -1 in failed:
            return TokenScore(i, number, None, (None,) * references)
        other = self.token_id(b" other")
        rank = i % 4 + 1
        top = ((number, -0.5), (other, -1.5))
        view = ReferenceScore(-0.5 - i, 1.0, rank, 0.5, rank, 0.5, 0.1 * rank, top)
        views = tuple(None if k in failed else view for k in range(references))
        return TokenScore(i, number, GeneratorScore(-0.5, 1.0, 1, top), views)

    def pieces_of(self, scores: Sequence[TokenScore]) -> dict[int, bytes]:
        ids = {id_ for score in scores if score.generator for id_, _ in score.generator.top}
        back = {number: word for word, number in self._words.items()}
        return {number: self._bytes_of(number, back) for number in ids}

    def prompts_of(
        self, references: tuple[Reference, ...], own: tuple[int, ...]
    ) -> tuple[tuple[int, ...], ...]:
        return tuple(own if r.prompt is None else self._ids(r.prompt) for r in references)

    def _next(self) -> int:
        self._request += 1
        return self._request

    def _take(self, spec: ContextSpec, ids: tuple[int, ...]) -> int:
        """Put `ids` into the context; the length of the prefix that was there already."""
        before = self._in_context.get(spec, ())
        reused = 0
        for one, other in zip(before, ids, strict=False):
            if one != other:
                break
            reused += 1
        self._in_context[spec] = ids
        return reused

    def _ids(self, prompt: Prompt) -> tuple[int, ...]:
        ids: list[int] = []
        if prompt.spans:
            text = "".join(span.text for span in prompt.spans).encode()
            ids = [BOS, *self.ids_of(text)]
        return (*ids, *prompt.ids)

    def ids_of(self, text: bytes) -> list[int]:
        if self.tokenizer == "bytes":
            return [byte + _FIRST_BYTE for byte in text]
        return [self._word(word) for word in _WORDS.findall(text)]

    def _word(self, word: bytes) -> int:
        return self._words.setdefault(word, _FIRST_WORD + len(self._words))

    def token_id(self, raw: bytes) -> int:
        return self._word(raw)

    def die(self) -> None:
        """What a dead process leaves behind: nothing is loaded any more."""
        self.deaths += 1
        self.open_contexts.clear()
        self._in_context.clear()


class ScriptedGeneration:
    """One generation of a ScriptedEngine."""

    def __init__(self, engine: ScriptedEngine, call: Call, script: Script) -> None:
        assert call.prompt is not None and call.sampling is not None
        self._engine = engine
        self._spec = call.spec
        self._prompt = call.prompt
        self._sampling = call.sampling
        self._max_tokens = call.max_tokens
        self._scoring = call.scoring
        self._forced = call.forced
        self._probe = call.probe
        self._script = script
        self._cancelled = asyncio.Event()
        self._unscored: list[tuple[int, int, bool]] = []
        self._failed: set[int] = set()
        self._events = self._play()

    def __aiter__(self) -> AsyncIterator[GenerationEvent]:
        return self._events

    async def cancel(self) -> None:
        self._cancelled.set()
        self._engine.pace.wake()
        self._engine.prefill_gate.wake()

    async def _play(self) -> AsyncIterator[GenerationEvent]:
        engine, script = self._engine, self._script
        await engine._loaded(self._spec)
        ids = engine._ids(self._prompt)
        if len(ids) >= engine.n_ctx:
            raise EngineError(
                f"the prompt has {len(ids)} tokens and the context only {engine.n_ctx}",
                hint="Use a shorter message or a larger context.",
                kind="context-full",
            )
        request = engine._next()
        yield Progress(request, "prefill", 0, len(ids))
        if not await engine.prefill_gate.passed(self._cancelled):
            yield self._finished(request, "cancelled", ids, 0)
            return
        reused = engine._take(self._spec, ids)
        yield Started(request, ids, reused, False, 0.05)
        if self._scoring is not None:
            yield ScoringStarted(request, engine.prompts_of(self._scoring.references, ids))
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        room = engine.n_ctx - len(ids)
        count = 0
        written = b""
        reason = script.reason
        back = {number: word for word, number in engine._words.items()}
        forced = [engine._bytes_of(number, back) for number in self._forced]
        for i, piece in enumerate([*forced, *script.pieces]):
            if count >= min(self._max_tokens, room):
                reason = "length"
                break
            if not await engine.pace.passed(self._cancelled):
                reason = "cancelled"
                break
            if script.fail_after == i:
                engine.die()
                raise script.error
            raw = piece.encode() if isinstance(piece, str) else piece
            number = engine.token_id(raw)
            for masses in self._probed(written, raw):
                yield Probed(request, i, masses)
            written += raw
            yield Token(request, i, number, raw, decoder.decode(raw), len(raw))
            count += 1
            for event in self._score(request, (i, number, False)):
                yield event
        if script.fail_after is not None and script.fail_after >= len(script.pieces):
            engine.die()
            raise script.error
        if script.eog and reason != "cancelled":
            number = engine.token_id(b"<eog>")
            yield Token(request, count, number, b"<eog>", "", 0, control=True)
            for event in self._score(request, (count, number, True)):
                yield event
            count += 1
        for event in self._score(request, None):
            yield event
        tail = decoder.decode(b"", final=True)
        yield self._finished(request, reason, ids, count, tail, full=count >= room)

    def _probed(self, written: bytes, raw: bytes) -> list[tuple[float, ...]]:
        """What the script has to say of the options that begin inside this token."""
        if self._probe is None:
            return []
        options = "|".join(map(re.escape, self._probe.options))
        pattern = re.compile(f"(?:{self._probe.before})({options})".encode())
        begun = [m.start(1) for m in pattern.finditer(written + raw)]
        masses = list(self._script.masses)
        return [
            masses[n] for n, start in enumerate(begun) if start >= len(written) and n < len(masses)
        ]

    def _score(
        self, request: int, token: tuple[int, int, bool] | None
    ) -> list[Scored | ReferenceFailed]:
        """Scores of a full batch, or, at the end (`token` None), of what is left."""
        if self._scoring is None:
            return []
        events: list[Scored | ReferenceFailed] = []
        fails = self._script.reference_fails
        if token is not None:
            if fails is not None and token[0] == fails[1]:
                events += self._scores(request)
                self._failed.add(fails[0])
                events.append(
                    ReferenceFailed(request, fails[0], "logits", "its logits are not numbers")
                )
            self._unscored.append(token)
        if token is None or len(self._unscored) >= self._engine.BATCH:
            events += self._scores(request)
        return events

    def _scores(self, request: int) -> list[Scored]:
        if not self._unscored or self._scoring is None:
            return []
        n = len(self._scoring.references)
        scores = tuple(
            msgspec.structs.replace(
                self._engine.record(i, number, n, self._failed), control=control
            )
            for i, number, control in self._unscored
        )
        self._unscored.clear()
        return [Scored(request, scores, self._engine.pieces_of(scores))]

    def _finished(
        self,
        request: int,
        reason: str,
        ids: tuple[int, ...],
        count: int,
        tail: str = "",
        full: bool = False,
    ) -> Finished:
        timings = Timings(
            load_s=0.5,
            prefill_s=0.05,
            prefix_reused_tokens=0,
            first_token_s=0.1,
            decode_s=count / 32,
            tokens_per_s=32.0 if count else 0.0,
        )
        seed = self._sampling.seed if self._sampling.seed is not None else 42
        spent = ScoreTimings(0.1, 0.2, 0.05, count // 2, count) if self._scoring else None
        return Finished(request, reason, len(ids), count, timings, tail, seed, full, spent)


class ScriptedScoring:
    """One Score request of a ScriptedEngine."""

    def __init__(self, engine: ScriptedEngine, call: Call) -> None:
        self._engine, self._call = engine, call
        self._cancelled = asyncio.Event()
        self._events = self._play()

    def __aiter__(self) -> AsyncIterator[ScoreEvent]:
        return self._events

    async def cancel(self) -> None:
        self._cancelled.set()
        self._engine.score_pace.wake()

    async def _play(self) -> AsyncIterator[ScoreEvent]:
        engine, call = self._engine, self._call
        for side in filter(None, (call.generator, *call.references)):
            await engine._loaded(side.spec)
        request = engine._next()
        yield Progress(request, "score", 0, len(call.tokens))
        own: tuple[int, ...] = ()
        if call.generator is not None and call.generator.prompt is not None:
            own = engine._ids(call.generator.prompt)
        back = {number: word for word, number in engine._words.items()}
        raw = tuple(engine._bytes_of(number, back) for number in call.tokens)
        prompts = engine.prompts_of(call.references, own)
        yield ScoringStarted(request, prompts, own, call.tokens, raw)
        for first in range(0, len(call.tokens), engine.BATCH):
            if not await engine.score_pace.passed(self._cancelled):
                yield ScoreFinished(request, ScoreTimings(), cancelled=True)
                return
            if engine.score_dies_after is not None and first >= engine.score_dies_after:
                engine.score_dies_after = None
                engine.die()
                raise Script().error
            batch = call.tokens[first : first + engine.BATCH]
            scores = tuple(
                engine.record(first + k, number, len(call.references), set())
                for k, number in enumerate(batch)
            )
            yield Scored(request, scores, engine.pieces_of(scores))
        n = len(call.tokens)
        yield ScoreFinished(request, ScoreTimings(0.1, 0.2, 0.05, n // 2, n))
