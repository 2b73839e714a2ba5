"""How much memory a side takes, worked out from its header and the context's options before anything is loaded.

Weights and KV cache follow llama.cpp's layout to the byte, the compute buffers a formula that was found by letting
llama.cpp 0.3.36 plan without allocating (`tests/engine/test_memory.py` holds it against that). Bytes everywhere.

- weights: every tensor once, as the file has them.
- kv_cache: for each layer cells * heads * (key + value length) in the cache's type. Cells are the context, padded to
  256; in a sliding-window layer the window and one batch, padded to 256, when that is less.
- compute: the largest set of intermediate results that exist at once, for a whole batch, as float32: the attention
  mask (a float16 for each cell and token with flash attention, else a float32) and either the feed-forward layer or
  the attention, which without flash attention has a score for each head, cell and token. The rows of logits that a
  decode may ask for count when they are more.
- output: the rows of logits that are kept for the reader, one while writing, up to 40 once an answer was scored.
- adapter: as its file has it, in its own type.
"""

import re
from dataclasses import dataclass
from typing import Final

from urial_tui.engine.options import KV_TYPES, N_BATCH, OUTPUT_ROWS
from urial_tui.models.gguf.summary import GgufHeader

__all__ = ["N_BATCH", "OUTPUT_ROWS", "MemoryEstimate", "estimate"]

_PATTERNS: Final = {
    "gemma2": 2,
    "gemma3": 6,
    "gemma3n": 5,
    "cohere2": 4,
    "gpt-oss": 2,
    "exaone4": 4,
}
"""Architectures where one layer in so many sees the whole context; llama.cpp knows them by name."""
_PADDING: Final = 256
_FLOAT: Final = 4
_USUAL_EXPERTS: Final = 8
_UP: Final = re.compile(r"blk\.\d+\.ffn_(up|gate)(_exps|_shexp)?\.weight")


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes. `weights` is 0 where they are counted with another side on the same file."""

    weights: int
    kv_cache: int
    compute: int
    output: int = 0
    adapter: int = 0

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.compute + self.output + self.adapter


def estimate(
    header: GgufHeader,
    n_ctx: int,
    adapter: GgufHeader | None = None,
    *,
    n_batch: int = N_BATCH,
    kv_type: str = "f16",
    flash_attention: str = "auto",
    rows: int = 1,
    shared: bool = False,
) -> MemoryEstimate:
    """What `header`'s model takes with one context of `n_ctx` tokens (0: its training length).

    `rows` of logits are kept: 1 while a side writes, OUTPUT_ROWS where it scores or is scored. `shared`: the weights
    are there already, only the context is new. `flash_attention` "auto" counts as on, which it is on a CPU.
    """
    n_ctx = _padded(n_ctx or header.context_length)
    n_batch = min(n_batch, n_ctx)
    window = _window_cells(header, n_ctx, n_batch)
    return MemoryEstimate(
        weights=0 if shared else _weight_bytes(header),
        kv_cache=_kv_bytes(header, n_ctx, window, kv_type),
        compute=_compute_bytes(
            header, n_ctx, window, n_batch, flash_attention != "off", kv_type == "f32"
        ),
        output=rows * header.n_vocab * _FLOAT,
        adapter=adapter.weight_bytes if adapter is not None else 0,
    )


@dataclass(frozen=True)
class Offload:
    """What stays where when layers go to a GPU. Bytes.

    `embedding` stays in main memory; `output` goes to the GPU with the first layer, as a copy of the embedding where
    the model has no output of its own (`copied`). `inputs` is the compute buffer that is left in main memory.
    """

    embedding: int
    output: int
    copied: bool
    inputs: int


def offload(
    header: GgufHeader, n_ctx: int, *, n_batch: int = N_BATCH, flash_attention: str = "auto"
) -> Offload:
    """The parts that do not follow the layers; for `n_ctx` and the others see `estimate`."""
    n_ctx = _padded(n_ctx or header.context_length)
    n_batch = min(n_batch, n_ctx)
    sizes = {tensor.name: tensor.n_bytes for tensor in header.tensors}
    embedding = sizes.get("token_embd.weight", 0)
    output = sizes.get("output.weight")
    mask = (n_ctx + _window_cells(header, n_ctx, n_batch)) * (4 if flash_attention == "off" else 2)
    inputs = n_batch * (mask + _FLOAT * 2 * header.n_embd)
    # Of a split model only the first part's tensors are known: its output is taken to be in another part.
    copied = output is None and header.split_count < 2
    return Offload(embedding, embedding if output is None else output, copied, inputs)


def _weight_bytes(header: GgufHeader) -> int:
    """Of a split model the sizes of all parts: the header lists only the first one's tensors."""
    tail = f"-00001-of-{header.split_count:05d}"
    if header.split_count < 2 or not header.path.stem.endswith(tail):
        return header.weight_bytes
    base = header.path.stem.removesuffix(tail)
    parts = [
        header.path.with_name(f"{base}-{number:05d}-of-{header.split_count:05d}.gguf")
        for number in range(1, header.split_count + 1)
    ]
    return sum(part.stat().st_size for part in parts if part.is_file())


def _pattern(header: GgufHeader) -> int:
    return header.sliding_pattern or _PATTERNS.get(header.architecture, 0)


def _window_cells(header: GgufHeader, n_ctx: int, n_batch: int) -> int:
    """Cells of a sliding-window layer; 0 where the model has none."""
    if not header.sliding_window or _pattern(header) <= 1:
        return 0
    return min(n_ctx, _padded(header.sliding_window + n_batch))


def _kv_bytes(header: GgufHeader, n_ctx: int, window: int, kv_type: str) -> int:
    elements, size = KV_TYPES[kv_type]
    row = header.key_length + header.value_length  # elements of a head and a token
    pattern = _pattern(header)
    cells = sum(
        heads * (window if window and (layer + 1) % pattern else n_ctx)
        for layer, heads in enumerate(header.kv_heads)
    )
    return cells * row * size // elements


def _compute_bytes(
    header: GgufHeader, n_ctx: int, window: int, n_batch: int, flash: bool, cast: bool
) -> int:
    """`cast`: flash attention reads keys and values as float16, so a float32 cache is copied for each layer."""
    width = header.n_embd
    query = header.n_head * header.key_length
    keys = max(header.kv_heads, default=0) * header.key_length
    mask = (n_ctx + window) * (2 if flash else 4)
    attention = 2 * width + 2 * query + 2 * keys
    copies = n_ctx * keys * 2 * 2 if flash and cast else 0
    if not flash:
        attention += width + header.n_head * n_ctx
    graph = max(
        n_batch * (mask + _FLOAT * _feed_forward(header, query)),
        n_batch * (mask + _FLOAT * attention) + copies,
    )
    logits = _FLOAT * (OUTPUT_ROWS * header.n_vocab + n_batch * 2 * width)
    return max(graph, logits)


def _feed_forward(header: GgufHeader, query: int) -> int:
    """Numbers a token that the feed-forward layer holds at once: gate, up and their product; with experts as many
    times as experts are used, or their results before they are added up."""
    width = header.n_embd
    inner = experts = 0
    for tensor in header.tensors:
        if len(tensor.shape) > 1 and _UP.fullmatch(tensor.name):
            if tensor.name.endswith("_exps.weight"):
                experts = max(experts, tensor.shape[1])
            else:
                inner = max(inner, tensor.shape[1])
    used = header.experts_used or _USUAL_EXPERTS
    around = 3 * width + query
    if not inner and not experts:
        inner = 4 * width  # a split model whose first part has no layer
    return max(
        3 * inner + around,
        3 * used * experts + around,
        used * (2 * width + experts) + 3 * width if experts else 0,
    )


def _padded(n: int, to: int = _PADDING) -> int:
    return -(-n // to) * to
