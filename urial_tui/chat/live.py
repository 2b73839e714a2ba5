"""Scoring an answer while it is written: what a `Turn` asks the engine for, and where what comes back goes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from urial_tui.chat.events import ChatEvent, StoreTrouble, TraceEnded
from urial_tui.chat.recorder import Recorder
from urial_tui.chat.references import as_reference
from urial_tui.chat.resuming import Resumption
from urial_tui.chat.tracing import TOP_K, ReadyPair, TraceRecorder, stored_trace
from urial_tui.engine import protocol as wire
from urial_tui.errors import UrialError
from urial_tui.prompts.types import Turn
from urial_tui.store.aio import AsyncStore


class LiveScoring:
    """One answer's scoring. `pair` is what to score with, or why it is not scored, None when nobody wants it."""

    def __init__(
        self,
        store: AsyncStore,
        recorder: Recorder,
        pair: ReadyPair | UrialError | None,
        resume: Resumption | None,
        listener: Callable[[ChatEvent], None],
    ) -> None:
        self._store, self._recorder, self._resume, self._tell = store, recorder, resume, listener
        self._pair = pair if isinstance(pair, ReadyPair) else None
        self._unable = pair if isinstance(pair, UrialError) else None
        self._trace: TraceRecorder | None = None
        self._prompt_ids: tuple[int, ...] = ()

    @property
    def _appended(self) -> tuple[int, ...]:
        """Tokens of the answer that the prompt holds."""
        return tuple(t.token_id for t in self._resume.tokens) if self._resume else ()

    async def request(self, turns: Sequence[Turn], begun: str) -> wire.Scoring | None:
        """What the engine shall score with; None for nothing. A reference that cannot render the conversation is left
        out. `begun` is the beginning of the answer that belongs to the prompt."""
        if self._pair is None:
            return None
        able, references = [], []
        for ready in self._pair.references:
            try:
                reference = await asyncio.to_thread(
                    as_reference,
                    ready.active,
                    turns,
                    prefill=begun,
                    ids=self._appended,
                    answer=len(self._appended),
                )
            except UrialError as error:
                self._unable = self._unable or error
            else:
                able.append(ready)
                references.append(reference)
        if not references:
            return None
        self._trace = TraceRecorder(
            self._store,
            self._recorder.message.id,
            replace(self._pair, references=tuple(able)),
            "live",
            self._tell,
            lambda error: self._tell(StoreTrouble(error)),
            offset=len(self._appended),
            before_writing=self._recorder.flush,
        )
        return wire.Scoring(tuple(references), TOP_K)

    def started(self, event: wire.Started) -> None:
        """The generator's exact prompt is known."""
        n = len(event.prompt_ids) - len(self._appended)
        self._prompt_ids = event.prompt_ids[:n]

    async def heard(self, event: wire.ScoringStarted | wire.Scored | wire.ReferenceFailed) -> None:
        trace = self._trace
        if trace is None:
            return
        if isinstance(event, wire.Scored):
            await trace.add(event)
        elif isinstance(event, wire.ReferenceFailed):
            await trace.reference_failed(event)
        else:
            await trace.begin(
                event,
                self._prompt_ids,
                appended=len(self._appended),
                copy_from=self._resume.message_id if self._resume else None,
            )

    async def finish(self, timings: wire.ScoreTimings | None, error: UrialError | None) -> None:
        """The answer has ended, `error` is how it failed: close the trace, or tell why there is none."""
        written = self._recorder.n_tokens
        if self._trace is not None:
            await self._trace.finish(written, timings, error or self._unable)
        elif self._unable is not None and written:
            message_id = self._recorder.message.id
            trace = await stored_trace(self._store, message_id, None)
            self._tell(TraceEnded(message_id, trace, self._unable))
