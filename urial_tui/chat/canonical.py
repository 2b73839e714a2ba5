"""Scoring a stored answer on the canonical path: what it is scored with, and the trace that comes of it.

`Rescoring` does it for the conversation on the screen, runs do it for each of their answers. The answer's own tokens
are scored as they were stored; nothing is tokenised again. Only a text that came from elsewhere (an import) has none:
it is tokenised as it stands behind the prompt.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from urial_tui.chat.active import ActiveSide, as_prompt
from urial_tui.chat.events import ChatEvent, StoreTrouble
from urial_tui.chat.fitting import as_turns
from urial_tui.chat.references import as_reference
from urial_tui.chat.resuming import beginning, is_writer
from urial_tui.chat.tracing import TOP_K, ReadyPair, TraceRecorder
from urial_tui.engine import protocol as wire
from urial_tui.engine.api import Engine, OnProgress, ScoreRun
from urial_tui.errors import EngineError, UrialError, UsageError
from urial_tui.prompts.types import Turn
from urial_tui.shift.records import TokenScore
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import Generation, Message, Token


@dataclass(frozen=True)
class StoredAnswer:
    """An answer with what is needed to score it: how it was written, and its tokens. Without a generation it is a text
    that another program wrote, which has no tokens yet."""

    message: Message
    generation: Generation | None
    tokens: tuple[Token, ...]

    @property
    def dropped_turns(self) -> int:
        return 0 if self.generation is None else self.generation.start.dropped_turns


@dataclass(frozen=True)
class CanonicalRequest:
    """What the engine is asked for an answer. Every prompt ends where the answer begins."""

    answer: StoredAnswer
    pair: ReadyPair
    generator: wire.Reference
    references: tuple[wire.Reference, ...]


async def stored_answer(store: AsyncStore, message: Message) -> StoredAnswer:
    """Raises UsageError (`empty-answer`) when it has no tokens, and no text of another program."""
    generation = await store.call(Store.generation_of, message.id)
    tokens = tuple(await store.call(Store.tokens, message.id))
    if not tokens and (generation is not None or not message.content):
        raise UsageError(
            "the answer has no tokens to score", hint="Regenerate it.", kind="empty-answer"
        )
    return StoredAnswer(message, generation, tokens)


async def canonical_request(
    engine: Engine, pair: ReadyPair, branch: Sequence[Message], answer: StoredAnswer
) -> CanonicalRequest:
    """The prompts of all sides for `answer`, the one that follows `branch`. Raises UrialError."""
    turns = as_turns(branch)[2 * answer.dropped_turns :]
    begun = beginning(answer.message, answer.tokens) if answer.tokens else ""
    prompt = await _prompt(engine, pair.generator, answer, turns, begun)
    references = [
        await asyncio.to_thread(as_reference, ref.active, turns, prefill=begun)
        for ref in pair.references
    ]
    generator = wire.Reference(pair.generator.spec, prompt)
    return CanonicalRequest(answer, pair, generator, tuple(references))


async def _prompt(
    engine: Engine, active: ActiveSide, answer: StoredAnswer, turns: Sequence[Turn], begun: str
) -> wire.Prompt:
    """What the generator saw when it wrote the answer; of another generator, what it would have seen."""
    if answer.generation is not None:
        start = answer.generation.start
        if is_writer(active, start):
            return wire.Prompt(ids=start.prompt_ids)
        if active.spec.model_path != start.model_path:
            await _check_tokens(engine, active, answer.tokens)
    return as_prompt(await asyncio.to_thread(active.style.render, turns, begun))


async def _check_tokens(engine: Engine, active: ActiveSide, tokens: Sequence[Token]) -> None:
    """Raises EngineError unless the answer's token ids mean the same to this model."""
    ids = tuple(token.token_id for token in tokens)
    pieces = (await engine.tokenize(active.spec, wire.Prompt(ids=ids), pieces=True)).pieces
    for token, piece in zip(tokens, pieces, strict=False):
        if piece != token.raw and not token.control:
            raise EngineError(
                f"{active.notation} cannot score this answer: token {token.token_id} is "
                f"{ascii(token.raw)[1:]} in it and {ascii(piece)[1:]} for that model",
                hint="Choose a generator with the same tokenizer, or regenerate the answer.",
                kind="vocabulary",
            )


class CanonicalScoring:
    """One scoring. `run` writes the trace, whatever becomes of it; `cancel` ends it and keeps the scores so far."""

    def __init__(
        self,
        engine: Engine,
        store: AsyncStore,
        request: CanonicalRequest,
        listener: Callable[[ChatEvent], None],
        on_progress: OnProgress | None = None,
    ) -> None:
        self._store, self._request, self._tell = store, request, listener
        self._on_progress = on_progress
        answer = request.answer
        ids = tuple(token.token_id for token in answer.tokens)
        self._n_tokens = len(ids)
        self._run: ScoreRun = engine.score(
            request.generator,
            request.references,
            tokens=ids,
            text="" if ids else answer.message.content,
            top_k=TOP_K,
        )

    async def cancel(self) -> None:
        await self._run.cancel()

    async def run(self) -> UrialError | None:
        """Returns what ended it early; the end of the trace tells the same as TraceEnded."""
        request = self._request
        trace = TraceRecorder(
            self._store,
            request.answer.message.id,
            request.pair,
            "canonical",
            self._tell,
            lambda error: self._tell(StoreTrouble(error)),
        )
        finished: wire.ScoreFinished | None = None
        failed: UrialError | None = None
        try:
            async for event in self._run:
                if isinstance(event, wire.ScoringStarted):
                    self._n_tokens = len(event.tokens) or self._n_tokens
                    await trace.begin(event, event.generator_prompt_ids)
                elif isinstance(event, wire.Scored):
                    marked = tuple(_marked(score, request.answer.tokens) for score in event.scores)
                    await trace.add(msgspec.structs.replace(event, scores=marked))
                elif isinstance(event, wire.ReferenceFailed):
                    await trace.reference_failed(event)
                elif isinstance(event, wire.ScoreFinished):
                    finished = event
                elif self._on_progress is not None:
                    self._on_progress(event)
        except UrialError as error:
            failed = error
        await trace.finish(self._n_tokens, finished.timings if finished else None, failed)
        return failed


def _marked(score: TokenScore, tokens: Sequence[Token]) -> TokenScore:
    """With what the generation knew of the token."""
    if not tokens:
        return score
    token = tokens[score.i]
    return msgspec.structs.replace(
        score, control=score.control or token.control, cut=score.cut or token.cut
    )
