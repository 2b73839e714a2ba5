"""Scores a stored answer anew, on the canonical path and under the present pair, in the background.

`Chat` owns one. Whatever goes wrong, a scoring that was begun ends in a TraceEnded event; its scores so far are kept.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from urial_tui.chat.active import ActiveSide, as_prompt
from urial_tui.chat.events import ChatEvent, StoreTrouble, TraceEnded, Trouble
from urial_tui.chat.fitting import as_turns
from urial_tui.chat.keeping import write_back
from urial_tui.chat.pairing import Pairing
from urial_tui.chat.quiet import Quiet
from urial_tui.chat.references import as_reference
from urial_tui.chat.resuming import beginning, is_writer
from urial_tui.chat.side_loader import SideLoader, retrieve
from urial_tui.chat.tracing import TOP_K, ReadyPair, TraceRecorder, stored_trace
from urial_tui.engine import protocol as wire
from urial_tui.engine.api import Engine, ScoreRun
from urial_tui.errors import EngineError, UrialError, UsageError
from urial_tui.prompts.types import Turn
from urial_tui.shift.records import TokenScore
from urial_tui.store.aio import AsyncStore
from urial_tui.store.types import Generation, Message, Token


@dataclass(frozen=True)
class _Request:
    pair: ReadyPair
    generator: wire.Reference
    references: tuple[wire.Reference, ...]
    tokens: tuple[Token, ...]


class Rescoring:
    """At most one scoring at a time."""

    def __init__(
        self,
        engine: Engine,
        store: AsyncStore,
        loader: SideLoader,
        pairing: Pairing,
        quiet: Quiet,
        listener: Callable[[ChatEvent], None],
        on_death: Callable[[UrialError], None],
    ) -> None:
        self._engine, self._store, self._loader, self._pairing = engine, store, loader, pairing
        self._quiet, self._tell, self._on_death = quiet, listener, on_death
        self._task: asyncio.Task[None] | None = None
        self._run: ScoreRun | None = None
        self._message_id: str | None = None

    @property
    def message_id(self) -> str | None:
        """The answer that is being scored, None when none is."""
        return self._message_id if self._task is not None and not self._task.done() else None

    def begin(self, branch: Sequence[Message], answer: Message) -> None:
        """Score `answer`, the one that follows `branch`."""
        self._run = None
        self._message_id = answer.id
        self._task = asyncio.create_task(self._guarded(branch, answer), name="score")
        self._task.add_done_callback(retrieve)

    async def stop(self) -> None:
        """End it; the scores so far are kept. Returns when it has ended."""
        task, run = self._task, self._run
        if task is None or task.done():
            return
        if run is None:
            task.cancel()
        else:
            await run.cancel()
        await asyncio.wait({task})

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _guarded(self, branch: Sequence[Message], answer: Message) -> None:
        try:
            request = await self._request(branch, answer)
            self._quiet.begin()
            try:
                await self._score(request, answer.id)
            finally:
                self._quiet.end()
        except asyncio.CancelledError:
            await self._without_trace(answer.id, None)
        except UrialError as error:
            await self._without_trace(answer.id, error)
        except Exception as error:  # noqa: BLE001 - a scoring must end, and say why, whatever failed
            unexpected = UrialError(
                f"the scoring failed: {type(error).__name__}: {error}",
                hint="The answer is as it was. Please report this with the steps that led to it.",
                kind="internal",
            )
            await self._without_trace(answer.id, unexpected)
            self._tell(Trouble(unexpected))
        if await write_back(self._store):
            self._tell(StoreTrouble(None))

    async def _without_trace(self, message_id: str, error: UrialError | None) -> None:
        """The end of a scoring that never began: what was stored before is what there is."""
        trace = await stored_trace(self._store, message_id, None)
        self._tell(TraceEnded(message_id, trace, error))

    async def _request(self, branch: Sequence[Message], answer: Message) -> _Request:
        generation = await self._store.generation_of(answer.id)
        tokens = tuple(await self._store.tokens(answer.id))
        if generation is None or not tokens:
            raise UsageError(
                "the answer has no tokens to score", hint="Regenerate it.", kind="empty-answer"
            )
        active = await self._loader.ready()
        await self._pairing.settled()
        pair = self._pairing.ready()
        if isinstance(pair, UrialError):
            raise pair
        if pair is None:
            raise UsageError(
                "there is no reference to score the answer with",
                hint="Choose one, and see that scoring is on.",
            )
        turns = as_turns(branch)[2 * generation.start.dropped_turns :]
        begun = beginning(answer, tokens)
        prompt = await self._prompt(active, generation, tokens, turns, begun)
        references = [
            await asyncio.to_thread(as_reference, ref.active, turns, prefill=begun)
            for ref in pair.references
        ]
        return _Request(pair, wire.Reference(active.spec, prompt), tuple(references), tokens)

    async def _prompt(
        self,
        active: ActiveSide,
        generation: Generation,
        tokens: Sequence[Token],
        turns: Sequence[Turn],
        begun: str,
    ) -> wire.Prompt:
        """What the generator saw when it wrote the answer; of another generator, what it would have seen."""
        if is_writer(active, generation.start):
            return wire.Prompt(ids=generation.start.prompt_ids)
        if active.spec.model_path != generation.start.model_path:
            await self._check_tokens(active, tokens)
        return as_prompt(await asyncio.to_thread(active.style.render, turns, begun))

    async def _check_tokens(self, active: ActiveSide, tokens: Sequence[Token]) -> None:
        """Raises EngineError unless the answer's token ids mean the same to this model."""
        ids = tuple(token.token_id for token in tokens)
        pieces = (
            await self._engine.tokenize(active.spec, wire.Prompt(ids=ids), pieces=True)
        ).pieces
        for token, piece in zip(tokens, pieces, strict=False):
            if piece != token.raw and not token.control:
                raise EngineError(
                    f"{active.notation} cannot score this answer: token {token.token_id} is "
                    f"{ascii(token.raw)[1:]} in it and {ascii(piece)[1:]} for that model",
                    hint="Choose a generator with the same tokenizer, or regenerate the answer.",
                    kind="vocabulary",
                )

    async def _score(self, request: _Request, message_id: str) -> None:
        trace = TraceRecorder(
            self._store,
            message_id,
            request.pair,
            "canonical",
            self._tell,
            lambda error: self._tell(StoreTrouble(error)),
        )
        ids = tuple(token.token_id for token in request.tokens)
        finished: wire.ScoreFinished | None = None
        failed: UrialError | None = None
        self._run = run = self._engine.score(
            request.generator, request.references, tokens=ids, top_k=TOP_K
        )
        try:
            async for event in run:
                if isinstance(event, wire.ScoringStarted):
                    await trace.begin(event, event.generator_prompt_ids)
                elif isinstance(event, wire.Scored):
                    marked = tuple(_marked(score, request.tokens) for score in event.scores)
                    await trace.add(msgspec.structs.replace(event, scores=marked))
                elif isinstance(event, wire.ReferenceFailed):
                    await trace.reference_failed(event)
                elif isinstance(event, wire.ScoreFinished):
                    finished = event
        except UrialError as error:
            failed = error
            if error.kind == "engine-died":
                self._on_death(error)
        await trace.finish(len(ids), finished.timings if finished else None, failed)


def _marked(score: TokenScore, tokens: Sequence[Token]) -> TokenScore:
    """With what the generation knew of the token."""
    token = tokens[score.i]
    return msgspec.structs.replace(
        score, control=score.control or token.control, cut=score.cut or token.cut
    )
