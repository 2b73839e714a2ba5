"""llama.cpp's own sampler chain, owned, and grammar applied the cheap way.

Order: penalties, top-k, top-p, min-p, temperature, then a seeded draw (greedy at temperature 0): llama.cpp's default
order. Penalties count the answer's own tokens only (drawn ones, and those of an answer that is continued; not a
beginning that the user typed), never the prompt's (vLLM's repetition penalty counts both), so a
pack's examples do not change what may be said.
"""

import ctypes
import os

import numpy as np

from urial_tui.engine.protocol import Sampling
from urial_tui.engine.worker import native
from urial_tui.engine.worker.context import Context
from urial_tui.engine.worker.faults import Fault

lib = native.lib
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""llama_token_data as NumPy sees it."""


class Sampler:
    """Draws tokens from the last decode's logits. `seed` is the one in use, also when none was asked for."""

    def __init__(self, context: Context, sampling: Sampling) -> None:
        self._context = context
        self._grammar = None
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
        if sampling.grammar is not None:
            self._grammar = lib.llama_sampler_init_grammar(
                model.vocab, sampling.grammar.encode(), b"root"
            )
            if not self._grammar:
                self.close()
                raise Fault(
                    "grammar", "llama.cpp cannot read the grammar", "Give GBNF with a `root` rule."
                )

    def _add(self, sampler: object) -> None:
        lib.llama_sampler_chain_add(self._chain, sampler)

    def accept(self, token: int) -> None:
        """Let the penalties and the grammar know a token that was written without drawing it (a prefilled answer)."""
        lib.llama_sampler_accept(self._chain, token)
        if self._grammar:
            lib.llama_sampler_accept(self._grammar, token)

    def sample(self) -> int:
        """Draw from the last row and accept it.

        A grammar over a large vocabulary costs about a hundred times as much as checking one token: the token is
        drawn first, and the whole vocabulary is filtered only when the grammar refuses it.
        """
        if not self._grammar:
            return int(lib.llama_sampler_sample(self._chain, self._context.handle, -1))
        token = self._draw(constrained=False)
        if not self._allows(token):
            token = self._draw(constrained=True)
        self.accept(token)
        return token

    def _draw(self, *, constrained: bool) -> int:
        logits = self._context.logits()
        n = logits.shape[0]
        data = (lib.llama_token_data * n)()
        fields = np.frombuffer(data, dtype=_CANDIDATE, count=n)
        fields["id"] = range(n)
        fields["logit"] = logits
        candidates = lib.llama_token_data_array(data=data, size=n, selected=-1, sorted=False)
        if constrained:
            lib.llama_sampler_apply(self._grammar, ctypes.byref(candidates))
        lib.llama_sampler_apply(self._chain, ctypes.byref(candidates))
        if candidates.selected < 0:
            raise Fault("grammar", "the grammar allows no token here")
        return int(candidates.data[candidates.selected].id)

    def _allows(self, token: int) -> bool:
        one = (lib.llama_token_data * 1)(lib.llama_token_data(token, 1.0, 0.0))
        candidates = lib.llama_token_data_array(data=one, size=1, selected=-1, sorted=False)
        lib.llama_sampler_apply(self._grammar, ctypes.byref(candidates))
        return bool(candidates.data[0].logit != float("-inf"))

    def close(self) -> None:
        if self._chain is not None:
            lib.llama_sampler_free(self._chain)
            self._chain = None
        if self._grammar:
            lib.llama_sampler_free(self._grammar)
            self._grammar = None
