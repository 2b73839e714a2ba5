"""llama.cpp's own sampler chain, owned, and grammar applied the cheap way.

Order: penalties, top-k, top-p, min-p, temperature, then a seeded draw (greedy at temperature 0): llama.cpp's default
order. Penalties count the answer's own tokens only (drawn ones, and those of an answer that is continued; not a
beginning that the user typed), never the prompt's (vLLM's repetition penalty counts both), so a
pack's examples do not change what may be said.
"""

import ctypes
import os

import numpy as np
import numpy.typing as npt

from urial_tui.engine.protocol import Sampling
from urial_tui.engine.worker import native
from urial_tui.engine.worker.context import Context
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.grammar import Candidates, Grammar, grammar_of

lib = native.lib
_SLICES = (64, 2048)
"""Sizes of the first slices of the best tokens that a grammar is asked about when it refuses the best one."""


class Sampler:
    """Draws tokens from the last decode's logits. `seed` is the one in use, also when none was asked for."""

    def __init__(self, context: Context, sampling: Sampling) -> None:
        self._context = context
        self._grammar: Grammar | None = None
        self.seed = (
            sampling.seed if sampling.seed is not None else int.from_bytes(os.urandom(4), "little")
        )
        self.seed &= 0xFFFFFFFF
        model = context.model
        self._chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        add = self._add
        penalised = (
            sampling.repeat_penalty,
            sampling.frequency_penalty,
            sampling.presence_penalty,
        ) != (1.0, 0.0, 0.0)
        if penalised and sampling.penalty_last_n != 0:
            last_n = sampling.penalty_last_n if sampling.penalty_last_n > 0 else context.n_ctx
            add(
                lib.llama_sampler_init_penalties(
                    model.n_vocab,
                    last_n,
                    sampling.repeat_penalty,
                    sampling.frequency_penalty,
                    sampling.presence_penalty,
                )
            )
        if sampling.temperature > 0.0:
            if sampling.top_k > 0:
                add(lib.llama_sampler_init_top_k(sampling.top_k))
            if sampling.top_p < 1.0:
                add(lib.llama_sampler_init_top_p(sampling.top_p, 1))
            if sampling.min_p > 0.0:
                add(lib.llama_sampler_init_min_p(sampling.min_p, 1))
            add(lib.llama_sampler_init_temp(sampling.temperature))
            add(lib.llama_sampler_init_dist(self.seed))
        else:
            add(lib.llama_sampler_init_greedy())
        try:
            text = grammar_of(sampling)
            self._grammar = Grammar(model, text) if text is not None else None
        except Fault:
            self.close()
            raise
        self._candidates = Candidates(model.n_vocab) if self._grammar else None
        self._plain = sampling.temperature <= 0.0 and not penalised

    def _add(self, sampler: object) -> None:
        lib.llama_sampler_chain_add(self._chain, sampler)

    def accept(self, token: int) -> None:
        """Let the penalties and the grammar know a token that was written without drawing it (a prefilled answer)."""
        lib.llama_sampler_accept(self._chain, token)
        if self._grammar is not None:
            self._grammar.accept(token)

    def sample(self) -> int:
        """Draw from the last row and accept it. Raises Fault "grammar" where the grammar leaves nothing."""
        if self._grammar is None:
            return int(lib.llama_sampler_sample(self._chain, self._context.handle, -1))
        logits = self._context.logits()
        token = self._best(logits) if self._plain else self._drawn(logits)
        self.accept(token)
        return token

    def _best(self, logits: npt.NDArray[np.float32]) -> int:
        """The allowed token with the highest logit, the lowest id of equal ones: what filtering all would give.

        The highest of all first, then the few highest together, then more of them, all only when none is allowed.
        """
        assert self._grammar is not None and self._candidates is not None
        token = int(logits.argmax())
        if self._grammar.allows(token):
            return token
        n = len(logits)
        for size in (*(size for size in _SLICES if size < n), n):
            best_ids = np.arange(n) if size == n else np.argpartition(logits, n - size)[n - size :]
            ids: npt.NDArray[np.int32] = best_ids.astype(np.int32)
            self._grammar.filter(self._candidates.some_of(ids, logits[ids]))
            left = self._candidates.logits(size)
            best = left.max()
            # Tokens outside the slice are at most as probable as its lowest: a tie there is settled by a larger slice.
            settled = size == n or best > logits[ids].min()
            if best != -np.inf and settled:
                return int(ids[left == best].min())
        raise Fault("grammar", "the grammar allows no token here")

    def _drawn(self, logits: npt.NDArray[np.float32]) -> int:
        """A token of the chain's, drawn again from the allowed ones alone when the grammar refuses it."""
        assert self._grammar is not None
        token = self._draw(logits, constrained=False)
        return token if self._grammar.allows(token) else self._draw(logits, constrained=True)

    def _draw(self, logits: npt.NDArray[np.float32], *, constrained: bool) -> int:
        assert self._grammar is not None and self._candidates is not None
        candidates = self._candidates.all_of(logits)
        if constrained:
            self._grammar.filter(candidates)
        lib.llama_sampler_apply(self._chain, ctypes.byref(candidates))
        if candidates.selected < 0:
            raise Fault("grammar", "the grammar allows no token here")
        token = int(candidates.data[candidates.selected].id)
        if constrained and not self._grammar.allows(token):
            raise Fault("grammar", "the grammar allows no token here")
        return token

    def close(self) -> None:
        if self._chain is not None:
            lib.llama_sampler_free(self._chain)
            self._chain = None
        if self._grammar is not None:
            self._grammar.close()
            self._grammar = None
