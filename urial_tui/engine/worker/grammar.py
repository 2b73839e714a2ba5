"""A grammar for one answer, owned: llama.cpp's own engine on GBNF, or on a JSON schema that llama-cpp-python converts.

Applying it to a whole vocabulary costs about a thousand times as much as asking for one token, so `Sampler` asks first.
"""

import ctypes
import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from urial_tui.engine.protocol import Sampling
from urial_tui.engine.worker import native
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.model import Model

lib = native.lib
CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""llama_token_data as NumPy sees it."""
_MOST_CHARACTERS = 256 * 1024


class Candidates:
    """llama_token_data_array over memory of our own: ids and logits of up to `n` tokens."""

    def __init__(self, n: int) -> None:
        self._data = (lib.llama_token_data * n)()
        self._fields = np.frombuffer(self._data, dtype=CANDIDATE, count=n)
        self._order = np.arange(n, dtype=np.int32)

    def all_of(self, logits: npt.NDArray[np.float32]) -> Any:
        """Every token with its logit."""
        return self.some_of(self._order, logits)

    def some_of(self, ids: npt.NDArray[np.int32], logits: npt.NDArray[np.float32]) -> Any:
        """These tokens with these logits, in this order. Valid until the next call."""
        n = len(ids)
        self._fields["id"][:n] = ids
        self._fields["logit"][:n] = logits
        return lib.llama_token_data_array(data=self._data, size=n, selected=-1, sorted=False)

    def logits(self, n: int) -> npt.NDArray[np.float32]:
        """The first `n` logits as llama.cpp left them."""
        left: npt.NDArray[np.float32] = self._fields["logit"][:n]
        return left


class Grammar:
    """Raises Fault "grammar" for one that cannot be used. `close` at the end."""

    def __init__(self, model: Model, text: str) -> None:
        if len(text) > _MOST_CHARACTERS:
            raise Fault("grammar", f"the grammar has {len(text)} characters", "Give a shorter one.")
        self.handle = lib.llama_sampler_init_grammar(model.vocab, text.encode(), b"root")
        if not self.handle:
            raise Fault(
                "grammar", "llama.cpp cannot read the grammar", "Give GBNF with a `root` rule."
            )
        self._one = lib.llama_token_data()
        self._alone = lib.llama_token_data_array(ctypes.pointer(self._one), 1, -1, False)

    def allows(self, token: int) -> bool:
        """Whether this token may come next."""
        self._one.id, self._one.logit = token, 1.0
        self.filter(self._alone)
        return float(self._one.logit) != -math.inf

    def filter(self, candidates: Any) -> None:
        """Give minus infinity to what may not come next."""
        lib.llama_sampler_apply(self.handle, ctypes.byref(candidates))

    def accept(self, token: int) -> None:
        lib.llama_sampler_accept(self.handle, token)

    def close(self) -> None:
        if self.handle:
            lib.llama_sampler_free(self.handle)
            self.handle = None


def grammar_of(sampling: Sampling) -> str | None:
    """The GBNF that is asked for. Raises Fault "grammar"."""
    if sampling.json_schema is None:
        return sampling.grammar
    if sampling.grammar is not None:
        raise Fault("grammar", "a grammar and a JSON schema exclude each other", "Give one.")
    return _converted(sampling.json_schema)


def _converted(schema: str) -> str:
    from llama_cpp.llama_grammar import json_schema_to_gbnf

    hint = "Give a JSON schema of objects, arrays, texts, numbers and enums."
    if len(schema) > _MOST_CHARACTERS:
        raise Fault("grammar", f"the JSON schema has {len(schema)} characters", hint)
    try:
        # Keys keep the schema's own order, so that a reason can be asked for before a score.
        return str(json_schema_to_gbnf(json.dumps(json.loads(schema))))
    except (ValueError, TypeError, KeyError, AttributeError, AssertionError, RecursionError) as e:
        raise Fault(
            "grammar", f"the JSON schema cannot be used: {e or type(e).__name__}", hint
        ) from e
