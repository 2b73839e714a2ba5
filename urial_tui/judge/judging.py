"""A judge: a side that scores answers by a rubric, or compares two. It knows the engine and no store.

Each judgement is one request, or two where the first reply could not be read; a comparison asks in both orders. What
the judge read and wrote is given back whole.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from urial_tui.chat.active import ActiveSide, as_prompt
from urial_tui.chat.identity import fingerprint, identity
from urial_tui.chat.references import trace_side
from urial_tui.engine import protocol as wire
from urial_tui.engine.api import Engine
from urial_tui.engine.reading import events_of
from urial_tui.errors import EngineError, JudgeError
from urial_tui.judge.fitting import Fitter
from urial_tui.judge.frame import FORMAT, check_style, make_frame
from urial_tui.judge.material import ANSWER, A, B, Piece, conversation, shortened
from urial_tui.judge.reply import Reply, probe_of, read_reply, schema_of
from urial_tui.judge.rubric_types import Rubric
from urial_tui.judge.verdicts import Compared, Scored, outcome_of, picks, scores
from urial_tui.prompts.types import Turn
from urial_tui.store.judging.types import JudgeInfo

OnProgress = Callable[[str, int, int], None]
"""(stage, done, total); stages are those of engine Progress, and "judge" with the reply's tokens."""

ATTEMPTS = (
    wire.Sampling(temperature=0.0, seed=1),
    wire.Sampling(temperature=0.3, seed=2),
)
"""The first reply is greedy; where it cannot be read, the second one takes another way."""
SLOT = "judge"
_ASPECT_TOKENS = 24
"""Tokens of an aspect's reply beside its reason: keys, quotes, braces."""


@dataclass(frozen=True)
class _Ready:
    """What is made once for each rubric."""

    fitter: Fitter
    schema: str
    probe: wire.Probe
    max_tokens: int


@dataclass
class _Asked:
    """What came of one prompt. `problem`: why nothing was asked."""

    reply: Reply = field(default_factory=lambda: Reply({}))
    raw: list[str] = field(default_factory=list)
    prompt: str = ""
    shortened: dict[str, tuple[int, int]] = field(default_factory=dict)
    problem: str = ""
    timings: dict[str, float] = field(default_factory=dict)


class Judge:
    """`side` must have a style that gives instructions: a chat template, or a pack. Raises JudgeError (`judge-style`).

    `score` and `compare` raise EngineError when the engine fails; cancelling them stops its work.
    """

    def __init__(
        self, engine: Engine, side: ActiveSide, *, on_progress: OnProgress | None = None
    ) -> None:
        check_style(side.style, side.notation)
        # A context of its own: judging a conversation does not cost the generator what it has read.
        spec = msgspec.structs.replace(side.spec, slot=SLOT)
        self._engine, self._side = engine, replace(side, spec=spec)
        self._tell = on_progress or (lambda _stage, _done, _total: None)
        self._opened: wire.ContextInfo | None = None
        self._ready: dict[str, _Ready] = {}

    @property
    def side(self) -> ActiveSide:
        return self._side

    @property
    def info(self) -> JudgeInfo:
        """Who this is. The key follows from the files' hashes where those are known: compute them before."""
        side = self._side
        spec = side.spec
        sampling = [msgspec.structs.asdict(attempt) for attempt in ATTEMPTS]
        parts: dict[str, Any] = identity(
            trace_side("reference", side, side.style, (), None, None)
        ) | {
            "format": FORMAT,
            "sampling": sampling,
            "n_ctx": spec.n_ctx,
            "kv_type": spec.kv_type,
            "llama-cpp-python": side.versions.get("llama-cpp-python", ""),
        }
        return JudgeInfo(
            "model",
            side.notation,
            fingerprint(parts),
            parts
            | {
                "model_path": spec.model_path,
                "adapter_path": spec.adapter_path,
                "quantization": side.quantization,
                "versions": side.versions,
            },
        )

    async def prepare(self, rubric: Rubric | None = None) -> wire.ContextInfo:
        """Load the side, and read the constant part of the rubric's prompt. Raises UrialError."""
        if self._opened is None:
            self._opened = await self._engine.open(self._side.spec, self._progress)
        if rubric is not None:
            await self._of(rubric)
        return self._opened

    async def score(self, rubric: Rubric, turns: Sequence[Turn]) -> Scored:
        """Judge the answer that `turns` ends with."""
        began = time.perf_counter()
        asked = await self._ask(rubric, conversation(turns, ANSWER))
        return Scored(
            outcome=outcome_of(rubric, asked.reply),
            scores=scores(rubric, asked.reply),
            raw=tuple(asked.raw),
            prompt=asked.prompt,
            shortened=asked.shortened,
            problem=asked.problem,
            timings=asked.timings | {"total_s": time.perf_counter() - began},
        )

    async def compare(
        self,
        rubric: Rubric,
        before: Sequence[Turn],
        answer_a: str,
        answer_b: str,
        *,
        before_b: Sequence[Turn] | None = None,
    ) -> Compared:
        """Ask which of two answers is better, once with A first and once with B first.

        `before` ends with the query. Where the conversations differ before it, `before_b` is that of B.
        """
        began = time.perf_counter()
        one = [*before, Turn("assistant", answer_a)]
        other = [*(before if before_b is None else before_b), Turn("assistant", answer_b)]
        first = await self._ask(rubric, _pair(one, other, (A, B)))
        second = await self._ask(rubric, _pair(other, one, (B, A)))
        timings = {
            name: first.timings.get(name, 0.0) + second.timings.get(name, 0.0)
            for name in dict.fromkeys([*first.timings, *second.timings])
        }
        found = picks(rubric, first.reply, second.reply)
        return Compared(
            picks=found,
            raw=(*first.raw, *second.raw),
            prompts=(first.prompt, second.prompt),
            shortened=first.shortened | second.shortened,
            problem=first.problem or second.problem,
            timings=timings | {"total_s": time.perf_counter() - began},
        )

    async def aclose(self) -> None:
        """Free its context; it is made again when it is next needed. Raises EngineError."""
        self._opened = None
        self._ready.clear()
        await self._engine.close_context(self._side.spec)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _progress(self, progress: wire.Progress) -> None:
        self._tell(progress.stage, progress.done, progress.total)

    async def _of(self, rubric: Rubric) -> _Ready:
        info = self._opened or await self.prepare()
        ready = self._ready.get(rubric.hash)
        if ready is None:
            side = self._side
            frame = await asyncio.to_thread(make_frame, side.style, rubric, side.notation)
            # Reasons are given in far fewer tokens than characters as a rule; what is left of the context may be used.
            usual = len(rubric.aspects) * (rubric.reason_chars // 3 + _ASPECT_TOKENS)
            most = len(rubric.aspects) * (rubric.reason_chars + _ASPECT_TOKENS)
            ready = _Ready(
                Fitter(self._engine, side, frame, info.n_ctx, usual),
                schema_of(rubric),
                probe_of(rubric),
                most,
            )
            await self._engine.prefill(side.spec, as_prompt(frame.fill(())), self._progress)
            self._ready[rubric.hash] = ready
        return ready

    async def _ask(self, rubric: Rubric, pieces: Sequence[Piece]) -> _Asked:
        """Put the question; once more where the reply cannot be read, and take the better of the two."""
        ready = await self._of(rubric)
        asked = _Asked()
        try:
            rendered, shown = await ready.fitter.fit(pieces)
        except JudgeError as error:
            asked.problem = error.message
            return asked
        # What was judged before must not reach into the rounding of this judgement.
        prompt = msgspec.structs.replace(as_prompt(rendered), anew=True)
        asked.prompt, asked.shortened = rendered.text, shortened(shown)
        for attempt in ATTEMPTS:
            reply, raw = await self._attempt(rubric, ready, prompt, attempt, asked.timings)
            asked.raw.append(raw)
            declined = reply.refused is not None and not asked.reply.chosen
            if declined or len(reply.chosen) > len(asked.reply.chosen):
                asked.reply = reply
            if reply.readable(rubric):
                break
        return asked

    async def _attempt(
        self,
        rubric: Rubric,
        ready: _Ready,
        prompt: wire.Prompt,
        sampling: wire.Sampling,
        timings: dict[str, float],
    ) -> tuple[Reply, str]:
        sampling = msgspec.structs.replace(sampling, json_schema=ready.schema)
        run = self._engine.generate(
            self._side.spec, prompt, sampling, wire.Stops(), ready.max_tokens, probe=ready.probe
        )
        written = bytearray()
        begins: dict[int, int] = {}
        probed: list[tuple[int, tuple[float, ...]]] = []
        async with aclosing(events_of(run)) as events:
            async for event in events:
                if isinstance(event, wire.Token):
                    begins[event.i] = len(written)
                    written += b"" if event.control else event.raw[: event.visible]
                    self._tell("judge", event.i + 1, ready.max_tokens)
                elif isinstance(event, wire.Probed):
                    probed.append((event.i, event.masses))
                elif isinstance(event, wire.Progress):
                    self._progress(event)
                elif isinstance(event, wire.Finished):
                    _add(timings, event)
                    if event.reason == "cancelled":
                        raise EngineError("the judgement was stopped", hint="Run it again.")
        raw = bytes(written)
        places = [(begins[i], masses) for i, masses in probed if i in begins]
        return read_reply(rubric, raw, places), raw.decode("utf-8", "replace")


def _pair(first: Sequence[Turn], second: Sequence[Turn], kinds: tuple[str, str]) -> list[Piece]:
    """The pieces of two answers; what was said before them once, where it is the same. The first one shown is A."""
    if list(first[:-1]) == list(second[:-1]):
        shared = conversation(first)[:-1]
        answers = (first[-1], second[-1])
        return shared + [
            Piece(kind, f"answer {name}", turn.text)
            for kind, name, turn in zip(kinds, ("A", "B"), answers, strict=True)
        ]
    return conversation(first, kinds[0], "A") + conversation(second, kinds[1], "B")


def _add(timings: dict[str, float], finished: wire.Finished) -> None:
    spent = finished.timings
    for name, value in {
        "attempts": 1,
        "prefill_s": spent.prefill_s,
        "decode_s": spent.decode_s,
        "prompt_tokens": finished.prompt_tokens,
        "completion_tokens": finished.completion_tokens,
        "prefix_reused_tokens": spent.prefix_reused_tokens,
    }.items():
        timings[name] = timings.get(name, 0) + value
