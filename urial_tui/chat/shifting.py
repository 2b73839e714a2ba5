"""Compares sides over one answer after the other, given or generated: the work behind `shift`.

No store and no output. The answer is scored on the canonical path: every side teacher-forced in batches.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import cast

import msgspec

from urial_tui.chat.active import ActiveSide, as_prompt, as_stops
from urial_tui.chat.measuring import Measurement, Measurements, measure
from urial_tui.chat.references import ActiveReference, as_reference, check_reference, trace_side
from urial_tui.chat.shift_result import GIVEN, ShiftResult
from urial_tui.engine import protocol as wire
from urial_tui.engine.api import Engine
from urial_tui.engine.reading import events_of
from urial_tui.errors import EngineError, UrialError, UsageError
from urial_tui.prompts.types import Turn
from urial_tui.shift.records import TokenScore, with_finite_kl
from urial_tui.sides import SAME

OnProgress = Callable[[str, int, int], None]
"""(stage, done, total); stages are those of engine Progress, and "generate" with answer tokens."""


@dataclass(frozen=True)
class Prepared:
    """What is known of the sides before the first answer. `warnings` has one entry a reference; `notes` are about the
    sides themselves (a noise that could not be measured)."""

    fingerprint: str
    n_common: tuple[int, ...]
    warnings: tuple[tuple[str, ...], ...]
    generator: Measurement | None
    references: tuple[Measurement | None, ...]
    infos: tuple[wire.ContextInfo, ...]
    generator_info: wire.ContextInfo | None = None
    notes: tuple[str, ...] = ()


@dataclass
class _Answer:
    """The tokens to score, as they were given or generated."""

    ids: tuple[int, ...] = ()
    text: str = ""
    raw: tuple[bytes, ...] = ()
    control: frozenset[int] = frozenset()
    cut: int | None = None
    visible: int = 0
    reason: str = GIVEN
    seed: int | None = None
    timings: dict[str, float | int] = field(default_factory=dict)


def greedy_unless(side: ActiveSide, temperature: float, seed: int | None) -> wire.Sampling:
    """Plain greedy decoding at temperature 0, as the published analyses use it: no penalty, no filter. Above 0 the
    side's own sampling with that temperature."""
    if temperature == 0:
        return wire.Sampling(temperature=0.0, seed=seed)
    return msgspec.structs.replace(side.sampling, temperature=temperature, seed=seed)


class Shifter:
    """Compares one generator (None: texts are given) with references. `prepare` first, then `run` as often as wanted.

    Cancelling either ends the engine's work.
    """

    def __init__(
        self,
        engine: Engine,
        generator: ActiveSide | None,
        references: Sequence[ActiveReference],
        measurements: Measurements,
        *,
        top_k: int = 10,
        on_progress: OnProgress | None = None,
    ) -> None:
        if not references:
            raise UsageError("there is no reference", hint="Name one with --reference SIDE.")
        if generator is None and references[0].style is None:
            raise UsageError(
                f"the reference {references[0].notation} needs a generator to be the same as",
                hint=f"Name a generator, or a style other than {SAME}.",
            )
        self._engine, self._generator = engine, generator
        self._references = tuple(references)
        self._measurements, self._top_k = measurements, top_k
        self._tell = on_progress or (lambda _stage, _done, _total: None)
        self._prepared: Prepared | None = None

    @property
    def leader(self) -> ActiveSide:
        """The side whose vocabulary counts: the generator, or the first reference."""
        return self._generator or self._references[0].side

    async def prepare(self) -> Prepared:
        """Load every side, check the vocabularies, measure noise where it is not known. Raises UrialError."""
        generator_info = None
        if self._generator is not None:
            generator_info = await self._engine.open(self._generator.spec, self._progress)
        checks, infos = [], []
        for ref in self._references:
            infos.append(await self._engine.open(ref.side.spec, self._progress))
            checks.append(await check_reference(self._engine, self.leader, ref, self._progress))
        notes: list[str] = []
        measured = None
        if self._generator is not None:
            measured = await self._measured(self._generator, notes)
        self._prepared = Prepared(
            fingerprint=checks[0].fingerprint,
            n_common=tuple(check.n_common for check in checks),
            warnings=tuple(check.warnings for check in checks),
            generator=measured,
            references=tuple([await self._measured(ref.side, notes) for ref in self._references]),
            infos=tuple(infos),
            generator_info=generator_info,
            notes=tuple(notes),
        )
        return self._prepared

    async def run(
        self,
        query: Sequence[Turn],
        *,
        answer: str | None = None,
        sampling: wire.Sampling | None = None,
        max_tokens: int = 0,
    ) -> ShiftResult:
        """Compare one answer: `answer` as it is, or one that the generator writes with `sampling`.

        Raises UsageError for an empty answer, EngineError when no reference has any score.
        """
        if answer is not None:
            if not answer.strip():
                raise UsageError(
                    "the answer is empty", hint="Give the text to score.", kind="empty-answer"
                )
            given = _Answer(text=answer)
        else:
            if self._generator is None:
                raise UsageError(
                    "there is no answer and no generator to write one",
                    hint="Name a generator with --generator SIDE, or give the answer.",
                )
            given = await self._generate(query, sampling or wire.Sampling(0.0), max_tokens)
        result = await self._score(query, given)
        if sampling is None or answer is not None:
            return result
        settings = msgspec.structs.asdict(sampling) | {
            "seed": given.seed,
            "max_tokens": max_tokens,
        }
        return replace(result, sampling=settings)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _progress(self, progress: wire.Progress) -> None:
        self._tell(progress.stage, progress.done, progress.total)

    async def _measured(self, side: ActiveSide, notes: list[str]) -> Measurement | None:
        """The kept or new measurement; None, with a note, when it fails: near ties are then not told."""
        try:
            return await measure(self._engine, side.spec, self._measurements, self._progress)
        except EngineError as error:
            note = f"the noise of {side.notation} could not be measured: {error.message}"
            if note not in notes:
                notes.append(note)
            return None

    async def _generate(
        self, query: Sequence[Turn], sampling: wire.Sampling, max_tokens: int
    ) -> _Answer:
        side = self._generator
        assert side is not None
        rendered = await asyncio.to_thread(side.style.render, query)
        run = self._engine.generate(
            side.spec, as_prompt(rendered), sampling, as_stops(rendered), max_tokens
        )
        tokens: list[wire.Token] = []
        finished: wire.Finished | None = None
        async with aclosing(events_of(run)) as events:
            async for event in events:
                if isinstance(event, wire.Token):
                    tokens.append(event)
                    self._tell("generate", len(tokens), max_tokens)
                elif isinstance(event, wire.Progress):
                    self._progress(event)
                elif isinstance(event, wire.Finished):
                    finished = event
        if finished is None or finished.reason in ("cancelled", "error"):
            raise EngineError("the answer did not end", hint="Run the command again.")
        cut = next((i for i, token in enumerate(tokens) if token.cut), None)
        return _Answer(
            ids=tuple(token.id for token in tokens),
            raw=tuple(token.raw for token in tokens),
            control=frozenset(i for i, token in enumerate(tokens) if token.control),
            cut=cut,
            visible=tokens[cut].visible if cut is not None else 0,
            reason=finished.reason,
            seed=finished.seed,
            timings=msgspec.structs.asdict(finished.timings),
        )

    async def _score(self, query: Sequence[Turn], answer: _Answer) -> ShiftResult:
        prepared = self._prepared or await self.prepare()
        began = time.perf_counter()
        generator = None
        if self._generator is not None:
            rendered = await asyncio.to_thread(self._generator.style.render, query)
            generator = wire.Reference(self._generator.spec, as_prompt(rendered))
        references = tuple(
            [await asyncio.to_thread(as_reference, ref, query) for ref in self._references]
        )
        errors: list[UrialError | None] = [None] * len(references)
        started: wire.ScoringStarted | None = None
        finished: wire.ScoreFinished | None = None
        scores: dict[int, TokenScore] = {}
        pieces: dict[int, bytes] = {}
        if answer.ids or answer.text:
            run = self._engine.score(
                generator, references, tokens=answer.ids, text=answer.text, top_k=self._top_k
            )
            async with aclosing(events_of(run)) as events:
                async for event in events:
                    if isinstance(event, wire.ScoringStarted):
                        started = event
                    elif isinstance(event, wire.Scored):
                        scores |= {score.i: score for score in event.scores}
                        pieces |= event.pieces
                    elif isinstance(event, wire.ReferenceFailed):
                        _note_failure(errors, event)
                    elif isinstance(event, wire.ScoreFinished):
                        finished = event
                    elif isinstance(event, wire.Progress):
                        self._progress(event)
            if all(errors) and not any(any(score.references) for score in scores.values()):
                raise cast(UrialError, errors[0])
            if started is None or finished is None or finished.cancelled:
                raise EngineError("the scoring did not end", hint="Run the command again.")
        return self._result(
            tuple(query), answer, started, finished, scores, pieces, errors, prepared, began
        )

    def _result(
        self,
        query: tuple[Turn, ...],
        answer: _Answer,
        started: wire.ScoringStarted | None,
        finished: wire.ScoreFinished | None,
        scores: dict[int, TokenScore],
        pieces: dict[int, bytes],
        errors: list[UrialError | None],
        prepared: Prepared,
        began: float,
    ) -> ShiftResult:
        prompt_ids: tuple[tuple[int, ...], ...] = ((),) * len(self._references)
        ids, raw = answer.ids, answer.raw
        if started is not None:
            prompt_ids = started.prompt_ids
            ids = ids or started.tokens
            raw = raw or started.raw
        generator = None
        if self._generator is not None:
            generator = trace_side(
                "generator",
                self._generator,
                self._generator.style,
                started.generator_prompt_ids if started else (),
                prepared.generator_info,
                prepared.generator,
            )
        timings: dict[str, float | int] = {f"generate_{k}": v for k, v in answer.timings.items()}
        if finished is not None:
            spent = msgspec.structs.asdict(finished.timings)
            timings |= {f"score_{name}": value for name, value in spent.items()}
        timings["score_s"] = time.perf_counter() - began
        return ShiftResult(
            query=query,
            raw=raw,
            scores=tuple(
                _completed(scores.get(i), i, id_, answer, len(self._references))
                for i, id_ in enumerate(ids)
            ),
            pieces=dict(zip(ids, raw, strict=True)) | pieces,
            visible=answer.visible,
            generator=generator,
            references=tuple(
                trace_side(
                    "reference",
                    ref.side,
                    ref.style,
                    prompt_ids[n],
                    prepared.infos[n],
                    prepared.references[n],
                    error.message if (error := errors[n]) else "",
                )
                for n, ref in enumerate(self._references)
            ),
            warnings=prepared.warnings,
            errors=tuple(errors),
            finish_reason=answer.reason,
            top_k=self._top_k,
            vocabulary=prepared.fingerprint,
            n_common=prepared.n_common,
            timings=timings,
            sampling=None,
            versions=self.leader.versions,
        )


def _completed(
    score: TokenScore | None, i: int, id_: int, answer: _Answer, n_references: int
) -> TokenScore:
    """The record as it is kept: what the generation knew of the token added, a KL that is no number left out."""
    if score is None:
        score = TokenScore(i, id_, None, (None,) * n_references, control=i in answer.control)
    return msgspec.structs.replace(
        with_finite_kl(score),
        control=score.control or i in answer.control,
        cut=score.cut or i == answer.cut,
    )


def _note_failure(errors: list[UrialError | None], event: wire.ReferenceFailed) -> None:
    """Why a reference (-1: every one of them) has no more scores; the first reason counts."""
    failure = EngineError(event.message, hint=event.hint, kind=event.kind)
    for n in range(len(errors)) if event.reference < 0 else (event.reference,):
        errors[n] = errors[n] or failure
