"""One answer, start to end: fit the conversation, drive the engine, record tokens, tell the listener.

The TUI's `Chat` and the CLI's `ask` both run a `Turn`. It never raises for a failing engine or history: the answer's
own end says what happened, and what was written is kept.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from urial_tui.chat.active import ActiveSide, as_prompt, as_stops, context_options
from urial_tui.chat.events import (
    ChatEvent,
    ContextNotice,
    StoreTrouble,
    TextStreamed,
    TurnStarted,
)
from urial_tui.chat.fitting import Fitted, as_turns, fit
from urial_tui.chat.live import LiveScoring
from urial_tui.chat.recorder import Recorder
from urial_tui.chat.resuming import Resumption
from urial_tui.chat.tracing import ReadyPair
from urial_tui.engine import protocol as wire
from urial_tui.engine.api import Engine, Generation
from urial_tui.errors import StoreError, UrialError
from urial_tui.prompts.types import Turn as PromptTurn
from urial_tui.store.aio import AsyncStore
from urial_tui.store.types import GenerationEnd, GenerationStart, Message, Status

Listener = Callable[[ChatEvent], None]

_STATUS: dict[str, Status] = {"cancelled": "stopped", "error": "failed"}


@dataclass(frozen=True)
class Outcome:
    """How the answer ended. `finished` is None when the engine failed or never began; `dropped` turns were left out."""

    message: Message
    finished: wire.Finished | None
    error: UrialError | None
    dropped: int = 0


class Turn:
    """Runs once. `cancel()` may be called at any time, also before the engine has begun.

    `info` is that of the side's context; None when the engine was lost meanwhile: no prompt fits then.
    """

    def __init__(
        self,
        engine: Engine,
        store: AsyncStore,
        side: ActiveSide,
        info: wire.ContextInfo | None,
        listener: Listener,
    ) -> None:
        self._engine, self._store, self._side, self._tell = engine, store, side, listener
        self._info = info
        self._n_ctx = info.n_ctx if info else 0
        self._generation: Generation | None = None
        self._cancelled = False

    async def cancel(self) -> None:
        """Ask for the end; `run` then returns with what was written, status `stopped`."""
        self._cancelled = True
        if self._generation is not None:
            await self._generation.cancel()

    async def run(
        self,
        branch: Sequence[Message],
        answer: Message,
        *,
        sampling: wire.Sampling,
        max_tokens: int,
        resume: Resumption | None = None,
        at_least_dropped: int = 0,
        pair: Callable[[], ReadyPair | UrialError | None] = lambda: None,
    ) -> Outcome:
        """Write `answer` (its row exists; its content is the prefilled beginning) to the conversation `branch`, which
        ends with the user's message. `pair` is asked once the prompt is made: what to score the answer with, or why it
        is not scored."""
        side, turns = self._side, as_turns(branch)
        live: LiveScoring | None = None
        recorder = Recorder(self._store, answer, self._trouble)
        finished: wire.Finished | None = None
        error: UrialError | None = None
        dropped = 0
        try:
            if resume is not None:
                dropped = resume.dropped
                rendered = await asyncio.to_thread(side.style.render, turns)
                prompt = wire.Prompt(ids=resume.ids, answer=len(resume.tokens))
                prefilled = resume.raw
            else:
                fitted = await self._fit(turns, answer.content, max_tokens, at_least_dropped)
                dropped, rendered = fitted.dropped, fitted.rendered
                prompt, prefilled = as_prompt(rendered), answer.content.encode()
            if not self._cancelled:
                stops = as_stops(rendered, prefilled)
                live = LiveScoring(self._store, recorder, pair(), resume, self._tell)
                scoring = await live.request(
                    turns[2 * dropped :], resume.begun if resume else answer.content
                )
                self._generation = self._engine.generate(
                    side.spec,
                    prompt,
                    sampling,
                    stops,
                    max_tokens,
                    scoring=scoring,
                    forced=resume.forced if resume else (),
                )
                if self._is_cancelled():  # while the references' prompts were made
                    await self._generation.cancel()
                offset = len(resume.tokens) if resume else 0
                async for event in self._generation:
                    if isinstance(event, wire.Started):
                        live.started(event)
                        await self._started(
                            event, recorder, sampling, max_tokens, stops, resume, dropped
                        )
                    elif isinstance(event, wire.Token):
                        self._tell(TextStreamed(answer.id, event.text, (event,)))
                        await recorder.add(event, offset)
                    elif isinstance(event, wire.Finished):
                        finished = event
                    elif not isinstance(event, wire.Progress | wire.Probed):
                        await live.heard(event)
        except UrialError as caught:
            error = caught
        message = await self._finish(recorder, finished, error)
        if live is not None:
            await live.finish(finished.scoring if finished else None, error)
        return Outcome(message, finished, error, dropped)

    def _is_cancelled(self) -> bool:
        return self._cancelled

    def _trouble(self, error: StoreError) -> None:
        self._tell(StoreTrouble(error))

    async def _fit(
        self, turns: Sequence[PromptTurn], prefill: str, max_tokens: int, at_least: int
    ) -> Fitted:
        fitted = await fit(
            self._engine,
            self._side,
            turns,
            self._n_ctx,
            max_tokens,
            prefill=prefill,
            at_least=at_least,
        )
        if fitted.dropped > 0:
            self._tell(ContextNotice("trimmed", fitted.prompt_tokens, self._n_ctx, fitted.dropped))
        return fitted

    async def _started(
        self,
        event: wire.Started,
        recorder: Recorder,
        sampling: wire.Sampling,
        max_tokens: int,
        stops: wire.Stops,
        resume: Resumption | None,
        dropped: int,
    ) -> None:
        side = self._side
        self._tell(
            TurnStarted(recorder.message.id, len(event.prompt_ids), self._n_ctx, event.reused)
        )
        own = event.prompt_ids
        if resume is not None:
            own = own[: len(own) - len(resume.tokens)]
        await recorder.begin(
            GenerationStart(
                side=side.notation,
                model_path=side.spec.model_path,
                model_sha256=side.model_sha256,
                adapter_path=side.spec.adapter_path,
                adapter_sha256=side.adapter_sha256,
                adapter_scale=side.spec.adapter_scale,
                style=side.style.id,
                pack_id=side.style.pack.id if side.style.pack else None,
                pack_hash=side.style.hash,
                sampling=_plain(sampling)
                | {"max_tokens": max_tokens, "penalties_count": "answer tokens"},
                stops={
                    "texts": list(stops.texts),
                    "fence": stops.fence,
                    "prefilled_bytes": len(stops.prefilled),
                },
                n_ctx=self._n_ctx,
                prompt_ids=own,
                versions=dict(side.versions),
                continued_from=resume.message_id if resume else None,
                dropped_turns=dropped,
                template_hash=side.style.template_hash,
                context=context_options(side.spec, self._info) if self._info else None,
            )
        )
        if resume is not None:
            await recorder.copy(list(resume.tokens))

    async def _finish(
        self, recorder: Recorder, finished: wire.Finished | None, error: UrialError | None
    ) -> Message:
        if error is not None:
            return await recorder.finish("failed", None, error=error.message)
        if finished is None:
            return await recorder.finish("stopped", None)
        end = GenerationEnd(
            finish_reason=finished.reason,
            prompt_tokens=finished.prompt_tokens,
            completion_tokens=finished.completion_tokens,
            seed=finished.seed,
            timings=_plain(finished.timings),
        )
        return await recorder.finish(
            _STATUS.get(finished.reason, "complete"), end, tail=finished.tail
        )


def _plain(struct: Any) -> dict[str, Any]:
    return dict(msgspec.structs.asdict(struct))
