"""Reads what a GGUF file says about itself, and whether it is whole, without reading its weights.

Used for the model list, for the checks before a model is loaded and for the memory estimate. The
file is never trusted: counts, lengths and nesting have limits, and whatever is wrong is a ModelError
that says what the file is instead, or what to do. Texts are as the file has them: sanitise to show.
"""

import math
import os
from collections import Counter
from pathlib import Path
from typing import Final

from urial_tui.errors import ModelError
from urial_tui.models.gguf import checks
from urial_tui.models.gguf.bytes import BoundedBytes
from urial_tui.models.gguf.open import open_gguf, read_magic
from urial_tui.models.gguf.summary import GgufHeader, Tensor
from urial_tui.models.gguf.types import FILE_TYPES, STRING, TENSOR_TYPES
from urial_tui.models.gguf.values import (
    MAX_LAYERS,
    MAX_TEMPLATE,
    TEMPLATE,
    TOKENS,
    Metadata,
    read_metadata,
)

__all__ = ["MAX_TEMPLATE", "GgufHeader", "Tensor", "read_header"]

MAX_TENSORS: Final = 32_768
MAX_TENSOR_NAME: Final = 256
_MAX_ELEMENTS: Final = 2**63
_HUB: Final = "https://huggingface.co/"


def read_header(path: Path) -> GgufHeader:
    """Read the header of `path` and check that it fits together and that every tensor lies inside the file.

    Raises ModelError, kinds: not-found, is-directory, unreadable, not-gguf, gguf-version,
    gguf-unsupported, gguf-damaged, gguf-truncated.
    """
    with open_gguf(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = BoundedBytes(file, size, path)
        version = read_magic(data)
        n_tensors, n_keys = data.u64(), data.u64()
        if n_tensors > MAX_TENSORS:
            raise data.damaged(f"it claims {n_tensors} tensors")
        metadata = read_metadata(data, n_keys)
        tensors = tuple(_read_tensor(data) for _ in range(n_tensors))
        checks.check_layout(data, metadata, tensors)
        header = _interpret(data, version, metadata, tensors)
        checks.check_model(data, metadata, header)
        return header


def _read_tensor(data: BoundedBytes) -> Tensor:
    raw, length = data.string(MAX_TENSOR_NAME)
    name = raw.decode("utf-8", "replace")
    if length > MAX_TENSOR_NAME or not raw or b"\0" in raw:
        raise data.damaged(f"a tensor is called {name[:40]!r}, {length} bytes")
    n_dims = data.u32()
    if n_dims > 4:
        raise data.damaged(f"the tensor {name!r} has {n_dims} dimensions")
    shape = tuple(data.u64() for _ in range(n_dims))
    kind, offset = data.u32(), data.u64()
    if kind not in TENSOR_TYPES:
        raise ModelError(
            f"{data.path} cannot be loaded: its tensor {name!r} has the type {kind}, "
            "which this version does not know",
            hint="Get another quantisation of the model, or a newer urial-tui.",
            kind="gguf-unsupported",
        )
    type_name, block, block_bytes = TENSOR_TYPES[kind]
    elements = math.prod(shape)
    if elements >= _MAX_ELEMENTS or max(shape, default=0) >= _MAX_ELEMENTS:
        raise data.damaged(f"the tensor {name!r} has the impossible shape {shape}")
    if shape and shape[0] % block:
        raise data.damaged(f"the rows of the tensor {name!r} are not whole {type_name} blocks")
    return Tensor(name, shape, type_name, offset, elements // block * block_bytes)


def _interpret(
    data: BoundedBytes, version: int, found: Metadata, tensors: tuple[Tensor, ...]
) -> GgufHeader:
    arch = found.text("general.architecture")
    split_no, split_count = found.number("split.no"), found.number("split.count")
    if not arch and not split_no:
        raise data.damaged("it does not name its architecture")
    if split_count and split_no >= split_count:
        raise data.damaged(f"it is part {split_no + 1} of {split_count}")
    kind = found.text("general.type") or ("mmproj" if arch == "clip" else "model")
    if kind == "model" and not tensors and split_count < 2:
        kind = "vocabulary"
    n_layers = found.number(f"{arch}.block_count", high=MAX_LAYERS)
    n_embd = found.number(f"{arch}.embedding_length", high=2**24)
    heads = found.per_layer(f"{arch}.attention.head_count", (), n_layers)
    n_head = max(heads, default=found.number(f"{arch}.attention.head_count", high=2**16))
    head_dim = n_embd // n_head if n_head else 0
    alpha = found.values.get("adapter.lora.alpha")
    pattern = found.values.get(f"{arch}.attention.sliding_window_pattern", 0)
    n_tokens = found.length_of(TOKENS, (STRING,))
    return GgufHeader(
        path=data.path,
        version=version,
        kind=kind,
        architecture=arch,
        name=found.text("general.name"),
        size_label=found.text("general.size_label"),
        license=_license(found),
        quantization=_quantization(found.values.get("general.file_type"), tensors),
        context_length=found.number(f"{arch}.context_length"),
        n_layers=n_layers,
        n_embd=n_embd,
        n_head=n_head,
        kv_heads=found.per_layer(
            f"{arch}.attention.head_count_kv", heads or (n_head,) * n_layers, n_layers
        ),
        key_length=found.number(f"{arch}.attention.key_length", head_dim),
        value_length=found.number(f"{arch}.attention.value_length", head_dim),
        n_vocab=n_tokens or found.number(f"{arch}.vocab_size"),
        tokenizer=found.text("tokenizer.ggml.model"),
        has_chat_template=bool(found.lengths.get(TEMPLATE)),
        chat_template=found.text(TEMPLATE) or None,
        experts_used=found.number(f"{arch}.expert_used_count", high=2**16),
        sliding_window=found.number(f"{arch}.attention.sliding_window"),
        sliding_pattern=pattern if isinstance(pattern, int) else 0,
        adapter_type=found.text("adapter.type"),
        lora_alpha=float(alpha) if isinstance(alpha, (int, float)) else None,
        split_no=split_no,
        split_count=split_count,
        n_params=sum(math.prod(t.shape) for t in tensors),
        weight_bytes=sum(t.n_bytes for t in tensors),
        tensors=tensors,
        base_model=_base_model(found),
        finetune=found.text("general.finetune"),
    )


def _license(found: Metadata) -> str:
    """The licence's id, else its name where the id says that it is none of the usual ones."""
    ident, name = found.text("general.license"), found.text("general.license.name")
    return name if name and ident in ("", "other") else ident


def _base_model(found: Metadata) -> str:
    """The first of the models that it was made from."""
    first = "general.base_model.0."
    address = found.text(first + "repo_url")
    if address.startswith(_HUB) and address.count("/") >= 4:
        return "/".join(address.removeprefix(_HUB).split("/")[:2])
    name, owner = found.text(first + "name"), found.text(first + "organization")
    return f"{owner}/{name}" if owner and name else name


def _quantization(file_type: object, tensors: tuple[Tensor, ...]) -> str:
    """The file's own word, else the tensor type that most weights have."""
    if isinstance(file_type, int) and file_type in FILE_TYPES:
        return FILE_TYPES[file_type]
    weights: Counter[str] = Counter()
    for tensor in tensors:
        weights[tensor.type] += math.prod(tensor.shape)
    return weights.most_common(1)[0][0] if weights else ""
