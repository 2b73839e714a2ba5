"""What must hold between the parts of a GGUF header, so that llama.cpp neither fails on it nor ends its process.

Called by `header` once everything is read. Only what the header itself tells is looked at; what needs the weights
or the knowledge of an architecture is llama.cpp's to say.
"""

import re
from typing import Final

from urial_tui.errors import ModelError
from urial_tui.models.gguf.bytes import BoundedBytes
from urial_tui.models.gguf.summary import GgufHeader, Tensor
from urial_tui.models.gguf.types import STRING
from urial_tui.models.gguf.values import TEMPLATE, TOKENS, Metadata

_ALIGNMENT: Final = "general.alignment"
_U32: Final = 4
_I32: Final = 5
_F32: Final = 6
_INTEGERS: Final = frozenset({0, 1, 2, 3, _U32, _I32, 10, 11})
_TOKEN_ID: Final = re.compile(r"tokenizer\.ggml\.[a-z_]+_token_id")
_NO_VOCABULARY: Final = ("", "none", "no_vocab")


def check_layout(data: BoundedBytes, found: Metadata, tensors: tuple[Tensor, ...]) -> None:
    """The weights follow the header, `data`'s position, in the listed order, each aligned, none twice.

    Raises ModelError `gguf-damaged`, or `gguf-truncated` where the file ends before they do.
    """
    alignment = found.values.get(_ALIGNMENT, 32)
    if found.kinds.get(_ALIGNMENT, _U32) != _U32 or _ALIGNMENT in found.lists:
        raise data.damaged("its alignment is not a number of 32 bits")
    if alignment < 1 or alignment & (alignment - 1):
        raise data.damaged(f"its alignment is {alignment}")
    names: set[str] = set()
    expected = 0
    for tensor in tensors:
        if tensor.name in names:
            raise data.damaged(f"the tensor {tensor.name!r} comes twice")
        names.add(tensor.name)
        if tensor.offset != expected:
            raise data.damaged(
                f"the tensor {tensor.name!r} begins at {tensor.offset} of the weights, "
                f"the one before ends at {expected}"
            )
        expected += _padded(tensor.n_bytes, alignment)
    last = tensors[-1] if tensors else None
    end = _padded(data.position, alignment) + last.offset + last.n_bytes if last else data.position
    if end > data.size:
        raise ModelError(
            f"{data.path} is incomplete: it has {data.size} bytes of at least {end}",
            hint="The download or copy did not finish. Fetch the file again.",
            kind="gguf-truncated",
        )


def check_model(data: BoundedBytes, found: Metadata, header: GgufHeader) -> None:
    """The numbers of a model and of its vocabulary fit together. Raises ModelError."""
    if TEMPLATE in found.lists:
        raise data.damaged(f"the metadata key {TEMPLATE!r} is not a text")
    if header.kind != "model" or header.split_no:
        return
    shapes = {tensor.name: tensor.shape for tensor in header.tensors}
    _check_dimensions(data, found, header, shapes)
    if header.tokenizer not in _NO_VOCABULARY:
        _check_vocabulary(data, found, shapes)


def _check_dimensions(
    data: BoundedBytes, found: Metadata, header: GgufHeader, shapes: dict[str, tuple[int, ...]]
) -> None:
    arch = header.architecture
    if not header.n_layers:
        raise ModelError(
            f"{data.path} cannot be loaded: it does not say how many layers it has",
            hint="It is not a language model, or it was converted by a faulty program.",
            kind="gguf-unsupported",
        )
    for key in ("embedding_length", "context_length"):
        if f"{arch}.{key}" in found.kinds and not found.values[f"{arch}.{key}"]:
            raise data.damaged(f"the metadata key '{arch}.{key}' is 0")
    attention = any(".attn_q." in name or ".attn_qkv." in name for name in shapes)
    if not attention:
        return
    if not header.n_head:
        raise data.damaged("it has attention layers and no heads")
    if not header.key_length or not header.value_length:
        raise data.damaged("its attention heads have no length")
    heads = found.per_layer(f"{arch}.attention.head_count", (), header.n_layers)
    for mine, kept in zip(heads, header.kv_heads, strict=False):
        if kept and mine % kept:
            raise data.damaged(f"its {mine} heads do not share {kept} key/value heads evenly")


def _check_vocabulary(
    data: BoundedBytes, found: Metadata, shapes: dict[str, tuple[int, ...]]
) -> None:
    n_tokens = found.length_of(TOKENS, (STRING,))
    if not n_tokens:
        raise data.damaged("its vocabulary is empty")
    rows = shapes.get("token_embd.weight", ())
    if len(rows) == 2 and rows[1] != n_tokens:
        raise data.damaged(f"it lists {n_tokens} tokens and has weights for {rows[1]}")
    for key, kinds in (("scores", (_F32, _I32)), ("token_type", (_I32,))):
        name = f"tokenizer.ggml.{key}"
        n = found.length_of(name, kinds)
        if name in found.kinds and n < n_tokens:
            raise data.damaged(f"the metadata key {name!r} has {n} values for {n_tokens} tokens")
    for key, kind in found.kinds.items():
        if _TOKEN_ID.fullmatch(key) and (kind not in _INTEGERS or key in found.lists):
            raise data.damaged(f"the metadata key {key!r} is not a token's number")


def _padded(n: int, alignment: int) -> int:
    return -(-n // alignment) * alignment
