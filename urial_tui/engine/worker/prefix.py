"""Bringing a prompt into a context with as little decoding as possible, bit for bit the same however it got there.

What is reused, best first: the tokens already in the cache, a checkpoint of an earlier turn, the constant prefix from
disk. What is left is decoded in chunks: up to the end of the constant prefix, up to the last TAIL tokens, then those.
The borders never depend on what was reused, so a regenerated answer sees the same logits as the first one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from urial_tui.engine.worker.context import BATCH, Context
from urial_tui.engine.worker.faults import Cancelled, Fault
from urial_tui.engine.worker.prompting import common_prefix
from urial_tui.engine.worker.states import StateStore

TAIL = 8
"""Tokens of the prompt that are decoded last, in one batch: llama.cpp takes the same kernels for 4 tokens and more,
so decoding these again after a checkpoint gives the same logits."""
MIN_CONSTANT = 32
"""Shorter constant prefixes are not worth a file."""
CHUNK_SECONDS = 0.5
_CHECKPOINT_BYTES = 192 * 1024 * 1024

OnPrefill = Callable[[int, int], None]


@dataclass(frozen=True)
class Filled:
    """`reused` tokens did not have to be decoded; `from_disk` of them came from a file."""

    reused: int
    from_disk: bool
    seconds: float


class PrefixCache:
    """What is kept of one context: checkpoints in memory, constant prefixes on disk, and the measured prefill rate."""

    def __init__(self, context: Context, states: StateStore | None, key: dict[str, object]) -> None:
        self.context = context
        self._states = states
        self._key = key
        self._checkpoints: list[tuple[list[int], bytes]] = []
        self._rate = 0.0

    def fill(
        self,
        ids: list[int],
        constant: list[int],
        on_progress: OnPrefill,
        cancelled: Callable[[], bool],
        *,
        outputs: int = 1,
    ) -> Filled:
        """Make the cache hold exactly `ids`, the last token's logits ready (`outputs` 0: none wanted).

        `constant` is a prefix of `ids`. Raises Cancelled between chunks; the cache then holds what was decoded.
        """
        began = time.monotonic()
        context = self.context
        if len(ids) > context.n_ctx:
            raise Fault(
                "context-full", f"the prompt has {len(ids)} tokens, the context {context.n_ctx}"
            )
        worth = constant if len(constant) >= MIN_CONSTANT else []
        target = len(ids) - min(TAIL, len(ids)) if outputs else len(ids)
        reused, from_disk = self._reuse(ids, target, worth)
        borders = sorted({len(worth), target, len(ids)} - {0})
        on_progress(reused, len(ids))
        for border in borders:
            while len(context.ids) < border:
                if cancelled():
                    raise Cancelled
                size = min(self._chunk(), border - len(context.ids))
                last = len(context.ids) + size == len(ids)
                start = time.monotonic()
                context.decode(
                    ids[len(context.ids) : len(context.ids) + size], outputs=outputs if last else 0
                )
                self._measure(size, time.monotonic() - start)
                on_progress(len(context.ids), len(ids))
            if border == len(worth) and not from_disk and len(context.ids) == border:
                self._keep_on_disk(worth)
            if border == target and outputs:
                self._checkpoint()
        return Filled(reused, from_disk, time.monotonic() - began)

    def forget(self) -> None:
        self._checkpoints.clear()
        self.context.clear()

    # --- reuse ------------------------------------------------------------------------------------------------------

    def _reuse(self, ids: list[int], target: int, constant: list[int]) -> tuple[int, bool]:
        """(tokens kept, whether from disk). At least the tail is left to decode."""
        context = self.context
        shared = min(common_prefix(context.ids, ids), target)
        live = shared if context.can_trim(shared) else 0
        checkpoint = max(
            (c for c in self._checkpoints if len(c[0]) <= target and ids[: len(c[0])] == c[0]),
            key=lambda c: len(c[0]),
            default=([], b""),
        )
        if live >= len(checkpoint[0]) and live >= len(constant) and live and context.trim(live):
            return live, False
        if (
            len(checkpoint[0]) >= len(constant)
            and checkpoint[0]
            and context.restore_state(checkpoint[1], checkpoint[0])
        ):
            return len(checkpoint[0]), False
        if constant and len(constant) <= target and self._states is not None:
            state = self._states.load(self._key, constant)
            if state is not None and context.restore_state(state, constant):
                return len(constant), True
        if live and len(context.ids) >= live and context.trim(live):
            return live, False
        context.clear()
        return 0, False

    def _keep_on_disk(self, constant: list[int]) -> None:
        if self._states is not None and constant and not self._states.has(self._key, constant):
            self._states.save(self._key, constant, self.context.save_state())

    def _checkpoint(self) -> None:
        """Remember this point, where trimming back to it later would not be exact."""
        if self.context.keeps_everything or any(
            c[0] == self.context.ids for c in self._checkpoints
        ):
            return
        self._checkpoints.append((list(self.context.ids), self.context.save_state()))
        while (
            len(self._checkpoints) > 1
            and sum(len(c[1]) for c in self._checkpoints) > _CHECKPOINT_BYTES
        ):
            del self._checkpoints[0]

    # --- chunks -----------------------------------------------------------------------------------------------------

    def _chunk(self) -> int:
        """Tokens that take about CHUNK_SECONDS at the measured rate, a multiple of 32, at most BATCH."""
        if not self._rate:
            return 128
        return max(32, min(BATCH, int(self._rate * CHUNK_SECONDS) // 32 * 32))

    def _measure(self, tokens: int, seconds: float) -> None:
        if tokens >= 32 and seconds > 0:
            rate = tokens / seconds
            self._rate = rate if not self._rate else 0.5 * self._rate + 0.5 * rate
