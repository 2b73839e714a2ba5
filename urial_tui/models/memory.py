"""How much memory a model will take, estimated from its header and the context size, before loading.

Weights are counted exactly; the key/value cache follows llama.cpp's layout with 16-bit entries,
sliding-window layers included; the compute buffers are a rule of thumb. Bytes everywhere.
"""

from dataclasses import dataclass
from typing import Final

from urial_tui.models.gguf_header import GgufHeader

N_BATCH: Final = 512
"""Prompt tokens decoded at once, as the engine does it."""

_PATTERNS: Final = {
    "gemma2": 2,
    "gemma3": 6,
    "gemma3n": 5,
    "cohere2": 4,
    "gpt-oss": 2,
    "exaone4": 4,
}
"""Architectures where one layer in so many sees the whole context; llama.cpp knows them by name."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes. `compute` is approximate."""

    weights: int
    kv_cache: int
    compute: int

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.compute


def estimate(header: GgufHeader, n_ctx: int, adapter: GgufHeader | None = None) -> MemoryEstimate:
    """What `header`'s model takes with one context of `n_ctx` tokens (0: its training length)."""
    n_ctx = n_ctx or header.context_length
    weights = header.weight_bytes + (adapter.weight_bytes if adapter else 0)
    width = max(header.n_vocab, 4 * header.n_embd)
    compute = N_BATCH * 4 * (width + 8 * header.n_embd) + N_BATCH * n_ctx * 2
    return MemoryEstimate(weights, _kv_bytes(header, n_ctx), compute)


def _kv_bytes(header: GgufHeader, n_ctx: int) -> int:
    row = (header.key_length + header.value_length) * 2  # bytes a head and token, 16-bit
    pattern = header.sliding_pattern or _PATTERNS.get(header.architecture, 0)
    window = header.sliding_window
    small = min(n_ctx, _padded(window + N_BATCH)) if window and pattern > 1 else n_ctx
    total = 0
    for layer, heads in enumerate(header.kv_heads):
        whole = pattern <= 1 or (layer + 1) % pattern == 0
        total += heads * row * (n_ctx if whole else small)
    return total


def _padded(n: int, to: int = 256) -> int:
    return -(-n // to) * to
