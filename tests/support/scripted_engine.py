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

from urial_tui.engine.api import GenerationEvent, OnProgress
from urial_tui.engine.protocol import (
    ContextInfo,
    ContextSpec,
    Description,
    Finished,
    Prefilled,
    Progress,
    Prompt,
    Sampling,
    Started,
    Stops,
    Timings,
    Token,
    Tokens,
)
from urial_tui.errors import EngineError

BOS = 1
_FIRST_BYTE = 3
_FIRST_WORD = _FIRST_BYTE + 256
_WORDS = re.compile(rb"\s*[^\s]+|\s+")


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

    `fail_after` n raises `error` after n tokens (0: before the first). `cut` marks the last token
    as holding the stop.
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


class ScriptedEngine:
    """Plays `scripts` one after the other, then the last one again and again.

    Gates: `load` (one step), `prefill` (one step a chunk), `pace` (one step a token). `load_error`
    and `prefill_error` are raised once when set. `tokenizer` is "words" or "bytes".
    """

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
    ) -> "ScriptedGeneration":
        self.calls.append(Call("generate", spec, prompt, sampling, stops, max_tokens))
        script = self.scripts[min(self._played, len(self.scripts) - 1)]
        self._played += 1
        return ScriptedGeneration(self, spec, prompt, sampling, max_tokens, script)

    async def close_context(self, spec: ContextSpec) -> None:
        self.open_contexts.discard(spec)
        self._in_context.pop(spec, None)

    async def describe(self) -> Description:
        return Description(self._next(), "0.3.36", "scripted", False, ("CPU",), ())

    async def aclose(self) -> None:
        self.closed = True
        self.open_contexts.clear()

    # --- inside -----------------------------------------------------------------------------

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

    def __init__(
        self,
        engine: ScriptedEngine,
        spec: ContextSpec,
        prompt: Prompt,
        sampling: Sampling,
        max_tokens: int,
        script: Script,
    ) -> None:
        self._engine = engine
        self._spec = spec
        self._prompt = prompt
        self._sampling = sampling
        self._max_tokens = max_tokens
        self._script = script
        self._cancelled = asyncio.Event()
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
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        room = engine.n_ctx - len(ids)
        count = 0
        reason = script.reason
        for i, piece in enumerate(script.pieces):
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
            yield Token(request, i, engine.token_id(raw), raw, decoder.decode(raw), len(raw))
            count += 1
        if script.fail_after is not None and script.fail_after >= len(script.pieces):
            engine.die()
            raise script.error
        tail = decoder.decode(b"", final=True)
        yield self._finished(request, reason, ids, count, tail, full=count >= room)

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
        return Finished(request, reason, len(ids), count, timings, tail, seed, full)
