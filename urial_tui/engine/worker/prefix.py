"""Bringing a prompt into a context with as little decoding as possible, the same bits however it got there.

What is reused, best first: the tokens already in the cache, a checkpoint of an earlier turn, the constant prefix from
disk. What is left is decoded in chunks: up to the end of the constant prefix, up to the last TAIL tokens, then those.
Rounding depends on how tokens are grouped into batches and on how the cache's cells lie, so neither depends on speed
or luck: chunk sizes follow from the model alone, and a state that was saved is restored at once, which puts the cells
where a later restore will put them. A cold prompt and one from disk therefore give the same answer.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from urial_tui.engine.worker.context import Context
from urial_tui.engine.worker.faults import Cancelled, Fault
from urial_tui.engine.worker.prompting import common_prefix
from urial_tui.engine.worker.states import StateStore

TAIL = 8
"""Tokens of the prompt that are decoded last, in one batch: llama.cpp takes the same kernels for 4 tokens and more,
so decoding these again after a checkpoint gives the same logits."""
SHORT = 64
"""A prompt that is the constant prefix and no more than these tokens gets no checkpoint of its own: the prefix's state
serves as well, and one batch is quicker than two."""
MIN_CONSTANT = 32
"""Shorter constant prefixes are not worth a file."""
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
        self._chunk = chunk_size(context)

    def fill(
        self,
        ids: list[int],
        constant: list[int],
        on_progress: OnPrefill,
        cancelled: Callable[[], bool],
        *,
        outputs: int = 1,
        anew: bool = False,
    ) -> Filled:
        """Make the cache hold exactly `ids`, the last token's logits ready (`outputs` 0: none wanted).

        `constant` is a prefix of `ids`; `anew` reads all that follows it. Raises Cancelled between chunks; the cache
        then holds what was decoded.
        """
        began = time.monotonic()
        context = self.context
        if len(ids) > context.n_ctx:
            raise Fault(
                "context-full", f"the prompt has {len(ids)} tokens, the context {context.n_ctx}"
            )
        worth = constant if len(constant) >= MIN_CONSTANT else []
        target = len(ids) - min(TAIL, len(ids)) if outputs else len(ids)
        if anew or (outputs and worth and TAIL <= len(ids) - len(worth) <= SHORT):
            target = min(len(worth), len(ids) - 1)
        reused, from_disk = self._reuse(ids, target, worth)
        borders = sorted({len(worth), target, len(ids)} - {0})
        on_progress(reused, len(ids))
        for border in borders:
            while len(context.ids) < border:
                if cancelled():
                    raise Cancelled
                size = min(self._chunk, border - len(context.ids))
                last = len(context.ids) + size == len(ids)
                context.decode(
                    ids[len(context.ids) : len(context.ids) + size], outputs=outputs if last else 0
                )
                on_progress(len(context.ids), len(ids))
            if border == len(worth) > reused:
                self._keep(worth)
            elif border == target > len(worth) and outputs:
                self._checkpoint()
        return Filled(reused, from_disk, time.monotonic() - began)

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
        settled = context.keeps_everything or live > len(constant) or live == len(context.ids)
        worth_it = live >= max(1, len(checkpoint[0]), len(constant))
        if worth_it and settled and context.trim(live):
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

    def _keep(self, constant: list[int]) -> None:
        """Keep the constant prefix, on disk where that is possible, and go on from what was kept."""
        if self._states is None and self.context.keeps_everything:
            return
        state = self.context.save_state()
        if self._states is None or not self._states.save(self._key, constant, state):
            self._remember(constant, state)
        if not self.context.restore_state(state, constant):
            raise Fault(
                "decode", "llama.cpp does not take its own state back", "See the engine log."
            )

    def _checkpoint(self) -> None:
        """Remember this point, where trimming back to it later would not be exact."""
        known = any(ids == self.context.ids for ids, _ in self._checkpoints)
        if not (self.context.keeps_everything or known):
            self._remember(self.context.ids, self.context.save_state())

    def _remember(self, ids: list[int], state: bytes) -> None:
        self._checkpoints.append((list(ids), state))
        while (
            len(self._checkpoints) > 1
            and sum(len(c[1]) for c in self._checkpoints) > _CHECKPOINT_BYTES
        ):
            del self._checkpoints[0]


def chunk_size(context: Context) -> int:
    """Tokens of one prefill decode: about half a second on a laptop's CPU, whole batches on a GPU.

    A CPU prefills about 2e11 / n_params tokens a second; the size follows from the model and the context's batch
    alone, not from a measurement, so that the same prompt is always cut at the same places.
    """
    whole = context.n_batch // 32 * 32
    if context.model.gpu_layers:
        return whole
    half_a_second = int(1e11 / max(1, context.model.n_params))
    return max(32, min(whole, half_a_second // 32 * 32))
