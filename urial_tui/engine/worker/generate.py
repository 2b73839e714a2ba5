"""The loop that writes an answer: prefill, then sample, release what may be shown, decode, until something ends it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from urial_tui.engine import protocol as wire
from urial_tui.engine.answer import AnswerStream, Released
from urial_tui.engine.worker.context import Context
from urial_tui.engine.worker.faults import Cancelled, Fault
from urial_tui.engine.worker.prefix import PrefixCache
from urial_tui.engine.worker.probe import ProbeWatch
from urial_tui.engine.worker.prompting import constant_ids, prompt_ids
from urial_tui.engine.worker.sampler import Sampler
from urial_tui.engine.worker.scoring import LiveScorer, start_scoring

Send = Callable[[wire.Event], None]


@dataclass
class _Clock:
    """When things happened, on the monotonic clock."""

    began: float
    load_s: float
    prefill_s: float = 0.0
    reused: int = 0
    first: float = 0.0
    decoding: float = 0.0

    def timings(self, tokens: int) -> wire.Timings:
        now = time.monotonic()
        decode_s = now - self.decoding if self.decoding else 0.0
        return wire.Timings(
            load_s=self.load_s,
            prefill_s=self.prefill_s,
            prefix_reused_tokens=self.reused,
            first_token_s=self.first - self.began if self.first else 0.0,
            decode_s=decode_s,
            tokens_per_s=tokens / decode_s if decode_s > 0 else 0.0,
        )


def generate(
    request: wire.Generate,
    cache: PrefixCache,
    send: Send,
    cancelled: Callable[[], bool],
    *,
    load_s: float,
    references: Sequence[PrefixCache | Fault] = (),
) -> None:
    """Run one Generate request to its Finished event. Raises Fault; a cancel is an ordinary end.

    `references` are the caches of the contexts that `request.scoring` names, or why there is none.
    """
    context = cache.context
    model = context.model
    clock = _Clock(began=time.monotonic(), load_s=load_s)
    ids = prompt_ids(model, request.prompt)
    if not ids:
        raise Fault("prompt", "the prompt is empty", "Write something first.")
    if len(ids) >= context.n_ctx:
        raise Fault(
            "context-full",
            f"the prompt has {len(ids)} tokens and the context holds {context.n_ctx}",
            "Shorten the message, choose a shorter pack, or raise n_ctx.",
        )
    probe = ProbeWatch(request.probe, model) if request.probe is not None else None
    sampler = Sampler(context, request.sampling)
    run = _Run(request, context, sampler, send, probe)
    scoring_s = 0.0
    try:
        filled = cache.fill(
            ids,
            constant_ids(model, request.prompt, ids),
            lambda done, total: send(wire.Progress(request.request, "prefill", done, total)),
            cancelled,
            anew=request.prompt.anew,
        )
        clock.prefill_s, clock.reused = filled.seconds, filled.reused
        send(
            wire.Started(
                request.request, tuple(ids), filled.reused, filled.from_disk, filled.seconds
            )
        )
        if request.scoring is not None:
            run.scorer, scoring_s = start_scoring(
                request, request.scoring, ids, context, references, send, cancelled
            )
        for token in request.prompt.ids[len(request.prompt.ids) - request.prompt.answer :]:
            sampler.accept(token)
        reason = run.loop(clock, cancelled)
    except Cancelled:
        reason = "cancelled"
    finally:
        sampler.close()
    run.end()
    timings = clock.timings(run.sampled)
    scores = run.finish_scoring(scoring_s, stopped=reason == "cancelled")
    send(
        wire.Finished(
            request.request,
            reason=reason,
            prompt_tokens=len(ids),
            completion_tokens=run.sampled,
            timings=timings,
            tail=run.answer.tail(),
            seed=sampler.seed,
            context_full=run.context_full,
            scoring=scores,
        )
    )


class _Run:
    """The state of one answer: how many tokens were drawn and how many were told."""

    def __init__(
        self,
        request: wire.Generate,
        context: Context,
        sampler: Sampler,
        send: Send,
        probe: ProbeWatch | None,
    ) -> None:
        self._request = request
        self._context = context
        self._sampler = sampler
        self._send = send
        self._probe = probe
        self.answer = AnswerStream(
            request.stops.texts, request.stops.fence, request.stops.prefilled
        )
        self.scorer: LiveScorer | None = None
        self.sampled = 0
        self.told = 0
        self.context_full = False

    def loop(self, clock: _Clock, cancelled: Callable[[], bool]) -> str:
        """Returns the finish reason. The KV cache holds every token whose successor was computed."""
        context, model = self._context, self._context.model
        clock.decoding = time.monotonic()
        while True:
            if self.sampled >= self._request.max_tokens:
                return "length"
            token = self._next()
            self.sampled += 1
            if self.sampled == 1:
                clock.first = time.monotonic()
            if self.scorer is not None:
                self.scorer.observe(token, context.logits())
            control = model.is_control(token)
            if self._probe is not None and not control:
                for masses in self._probe.observe(token, context.logits()):
                    number = self._request.request
                    self._send(wire.Probed(number, i=self.sampled - 1, masses=masses))
            self._tell(self.answer.feed(token, model.piece(token), control=control))
            if self.scorer is not None:
                self.scorer.step()
            if model.is_eog(token):
                return "eog"
            if self.answer.ended:
                return "stop"
            if cancelled():
                return "cancelled"
            if len(context.ids) >= context.n_ctx:
                self.context_full = True
                return "length"
            context.decode((token,), outputs=1)

    def _next(self) -> int:
        """A forced token, or the next draw."""
        if self.sampled < len(self._request.forced):
            token = self._request.forced[self.sampled]
            self._sampler.accept(token)
            return token
        return self._sampler.sample()

    def finish_scoring(self, prefill_s: float, *, stopped: bool) -> wire.ScoreTimings | None:
        """Score what waits and say what scoring took; None where nothing was scored."""
        if self.scorer is None:
            return None
        try:
            self.scorer.finish(stopped=stopped)
        except Cancelled:
            pass  # a stop in the middle of the last batch: those tokens stay without scores
        finally:
            self.scorer.close()
        return self.scorer.timings(prefill_s)

    def end(self) -> None:
        if not self.answer.ended:
            self._tell(self.answer.flush())

    def _tell(self, released: list[Released]) -> None:
        for token in released:
            if self.scorer is not None:
                self.scorer.told(control=token.control, cut=token.cut)
            self._send(
                wire.Token(
                    self._request.request,
                    i=self.told,
                    id=token.id,
                    raw=token.raw,
                    text=token.text,
                    visible=token.visible,
                    cut=token.cut,
                    control=token.control,
                )
            )
            self.told += 1
