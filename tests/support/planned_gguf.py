"""Writes GGUF files of models at their real size that take no room: a header and a hole where the weights would be.

llama.cpp opens one without allocating anything and plans its buffers, so that estimates can be compared with models
that no test could hold. Only tests use this module; it needs the `gguf` package (extra `dev`).
"""

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Quant
from gguf import GGUFWriter
from gguf.constants import GGML_QUANT_SIZES

_ALIGNMENT = 32


@dataclass(frozen=True)
class Plan:
    """The dimensions of a decoder. `n_ff` is that of one expert where there are any."""

    architecture: str
    n_layers: int
    n_embd: int
    n_ff: int
    n_head: int
    n_head_kv: int
    n_vocab: int
    head_dim: int = 0
    window: int = 0
    tied: bool = True
    experts: int = 0
    experts_used: int = 0
    norms_of_heads: bool = False
    biases: bool = False

    @property
    def head(self) -> int:
        return self.head_dim or self.n_embd // self.n_head


LLAMA_8B = Plan("llama", 32, 4096, 14336, 32, 8, 128256, tied=False)
LLAMA2_7B = Plan("llama", 32, 4096, 11008, 32, 32, 32000, tied=False)
QWEN2_7B = Plan("qwen2", 28, 3584, 18944, 28, 4, 152064, tied=False, biases=True)
QWEN3_4B = Plan("qwen3", 36, 2560, 9728, 32, 8, 151936, 128, norms_of_heads=True)
QWEN3_30B = Plan(
    "qwen3moe", 48, 2048, 768, 32, 4, 151936, 128, 0, False, 128, 8, norms_of_heads=True
)
GEMMA3_1B = Plan("gemma3", 26, 1152, 6912, 4, 1, 262144, 256, 512, norms_of_heads=True)
GEMMA2_2B = Plan("gemma2", 26, 2304, 9216, 8, 4, 256000, 256, 4096)


def write_plan(path: Path, plan: Plan, quant: Quant = Quant.Q8_0) -> Path:
    """Write the file: megabytes of vocabulary, and weights that only the file system's size knows of."""
    writer = GGUFWriter(path, plan.architecture)
    writer.add_name("planned")
    writer.add_context_length(131072)
    writer.add_block_count(plan.n_layers)
    writer.add_embedding_length(plan.n_embd)
    writer.add_feed_forward_length(plan.n_ff)
    writer.add_head_count(plan.n_head)
    writer.add_head_count_kv(plan.n_head_kv)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_key_length(plan.head)
    writer.add_value_length(plan.head)
    writer.add_rope_dimension_count(plan.head)
    writer.add_vocab_size(plan.n_vocab)
    if plan.window:
        writer.add_sliding_window(plan.window)
    if plan.experts:
        writer.add_expert_count(plan.experts)
        writer.add_expert_used_count(plan.experts_used)
        writer.add_expert_feed_forward_length(plan.n_ff)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list([f"t{number}" for number in range(plan.n_vocab)])
    writer.add_token_types([1] * plan.n_vocab)
    writer.add_token_merges(["t 1"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for name, shape, quantised in _tensors(plan):
        _add(writer, name, shape, quant if quantised else Quant.F32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    (file,) = writer.fout or []
    sizes = [info.nbytes for info in writer.tensors[0].values()]
    file.truncate(_padded(file.tell()) + sum(map(_padded, sizes)))
    writer.close()
    return path


def _tensors(plan: Plan) -> list[tuple[str, tuple[int, ...], bool]]:
    """(name, shape with rows first, whether it is quantised)."""
    wide, kv = plan.n_head * plan.head, plan.n_head_kv * plan.head
    found: list[tuple[str, tuple[int, ...], bool]] = [
        ("token_embd", (plan.n_vocab, plan.n_embd), True),
        ("output_norm", (plan.n_embd,), False),
    ]
    if not plan.tied:
        found.append(("output", (plan.n_vocab, plan.n_embd), True))
    layer: list[tuple[str, tuple[int, ...], bool]] = [
        ("attn_norm", (plan.n_embd,), False),
        ("ffn_norm", (plan.n_embd,), False),
        ("attn_q", (wide, plan.n_embd), True),
        ("attn_k", (kv, plan.n_embd), True),
        ("attn_v", (kv, plan.n_embd), True),
        ("attn_output", (plan.n_embd, wide), True),
    ]
    if plan.norms_of_heads:
        layer += [(f"attn_{each}_norm", (plan.head,), False) for each in "qk"]
    if plan.architecture.startswith("gemma"):
        layer += [(f"post_{each}_norm", (plan.n_embd,), False) for each in ("attention", "ffw")]
    up, down = (plan.n_ff, plan.n_embd), (plan.n_embd, plan.n_ff)
    if plan.experts:
        layer.append(("ffn_gate_inp", (plan.experts, plan.n_embd), False))
        layer += [
            (f"ffn_{each}_exps", (plan.experts, *shape), True)
            for each, shape in (("gate", up), ("up", up), ("down", down))
        ]
    else:
        layer += [("ffn_gate", up, True), ("ffn_up", up, True), ("ffn_down", down, True)]
    for number in range(plan.n_layers):
        found += [(f"blk.{number}.{name}", shape, flag) for name, shape, flag in layer]
        if plan.biases:
            sizes = {"q": wide, "k": kv, "v": kv}
            found += [(f"blk.{number}.attn_{each}.bias", (n,), False) for each, n in sizes.items()]
    return [
        (name if name.endswith("bias") else f"{name}.weight", shape, flag)
        for name, shape, flag in found
    ]


def _add(writer: GGUFWriter, name: str, shape: tuple[int, ...], quant: Quant) -> None:
    block, size = GGML_QUANT_SIZES[quant]
    n_bytes = prod(shape) // block * size
    if quant == Quant.F32:
        writer.add_tensor_info(name, shape, np.dtype(np.float32), n_bytes, raw_dtype=quant)
        return
    stored = (*shape[:-1], shape[-1] // block * size)
    writer.add_tensor_info(name, stored, np.dtype(np.uint8), n_bytes, raw_dtype=quant)


def _padded(n: int) -> int:
    return -(-n // _ALIGNMENT) * _ALIGNMENT
