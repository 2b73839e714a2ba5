"""Reads what a GGUF file says about itself, and whether it is whole, without reading its weights.

Used for the model list, for the checks before a model is loaded and for the memory estimate. The
file is never trusted: counts, lengths and nesting have limits, and whatever is wrong is a ModelError
that says what the file is instead, or what to do. Texts are as the file has them: sanitise to show.
"""

import math
import os
import stat
import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from urial_tui.errors import ModelError
from urial_tui.models.gguf_bytes import BoundedBytes
from urial_tui.models.gguf_types import ARRAY, FILE_TYPES, SCALARS, STRING, TENSOR_TYPES

MAX_KEYS: Final = 4096
MAX_KEY_BYTES: Final = 1024
MAX_TENSORS: Final = 32_768
MAX_TENSOR_NAME: Final = 256
MAX_TEXT: Final = 4096
"""Bytes that are kept of a name, a licence and the like."""
MAX_TEMPLATE: Final = 256 * 1024
"""A longer chat template is not kept; the header still says that there is one."""
MAX_LAYERS: Final = 1024

_TEMPLATE = "tokenizer.chat_template"
_TOKENS = "tokenizer.ggml.tokens"
_PER_LAYER = ("head_count", "head_count_kv", "sliding_window_pattern")


class Tensor(NamedTuple):
    """A tensor as the header lists it; `shape` in ggml's order, the fastest dimension first."""

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    n_bytes: int


@dataclass(frozen=True)
class GgufHeader:
    """What a GGUF file says about itself. 0, "" and None mean that it does not say."""

    path: Path
    file_size: int
    version: int
    kind: str
    """`model`, `adapter`, `vocabulary`, or another word from `general.type`, such as `mmproj`."""
    architecture: str
    name: str
    size_label: str
    license: str
    quantization: str
    context_length: int
    n_layers: int
    n_embd: int
    n_head: int
    kv_heads: tuple[int, ...]
    """Key/value heads of each layer."""
    key_length: int
    value_length: int
    n_vocab: int
    tokenizer: str
    has_chat_template: bool
    chat_template: str | None = field(repr=False)
    sliding_window: int
    sliding_pattern: int
    """Every so many layers one sees the whole context; 0 where the file does not say."""
    adapter_type: str
    lora_alpha: float | None
    split_no: int
    split_count: int
    n_params: int
    weight_bytes: int
    tensors: tuple[Tensor, ...] = field(repr=False)

    @property
    def display_name(self) -> str:
        return self.name or self.path.stem


def read_header(path: Path) -> GgufHeader:
    """Read the header of `path` and check that every tensor lies inside the file.

    Raises ModelError, kinds: not-found, is-directory, unreadable, not-gguf, gguf-version,
    gguf-unsupported, gguf-damaged, gguf-truncated.
    """
    with open_gguf(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = BoundedBytes(file, size, path)
        version = read_magic(data)
        n_tensors, n_keys = data.u64(), data.u64()
        if n_keys > MAX_KEYS:
            raise data.damaged(f"it claims {n_keys} metadata keys")
        if n_tensors > MAX_TENSORS:
            raise data.damaged(f"it claims {n_tensors} tensors")
        values = _read_values(data, n_keys)
        tensors = [_read_tensor(data) for _ in range(n_tensors)]
        alignment = values.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
            raise data.damaged(f"its alignment is {alignment!r}")
        start = -(-data.position // alignment) * alignment
        expected = max((start + t.offset + t.n_bytes for t in tensors), default=data.position)
        if expected > size:
            raise ModelError(
                f"{path} is incomplete: it has {size} bytes of at least {expected}",
                hint="The download or copy did not finish. Fetch the file again.",
                kind="gguf-truncated",
            )
        return _interpret(data, version, values, tuple(tensors))


def open_gguf(path: Path) -> BinaryIO:
    """The file, if it is one that can be read. Raises ModelError."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ModelError(
                f"{path} is a folder, not a model",
                hint="Name one GGUF file in it, or add it to model_folders in the settings.",
                kind="is-directory",
            )
        if not stat.S_ISREG(mode):
            raise ModelError(f"{path} is not a regular file", kind="not-gguf")
        return path.open("rb", buffering=0)
    except FileNotFoundError as error:
        broken = path.is_symlink()
        raise ModelError(
            f"{path} is a link to a file that is gone" if broken else f"there is no file {path}",
            hint="Check the path; `urial-tui models list` shows what is on this machine.",
            kind="not-found",
        ) from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise ModelError(
            f"cannot read {path}: {why or error}",
            hint="Check the permissions of the file and its folder.",
            kind="unreadable",
        ) from error


_OTHER_FORMATS: Final = (
    (b"ggjt", "a GGML file from before GGUF"),
    (b"tjgg", "a GGML file from before GGUF"),
    (b"lmgg", "a GGML file from before GGUF"),
    (b"fmgg", "a GGML file from before GGUF"),
    (b"algg", "an adapter from before GGUF"),
    (b"PK\x03\x04", "a PyTorch or zip archive"),
    (b"\x80\x02", "a PyTorch checkpoint"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself with `git lfs pull`"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)


def read_magic(data: BoundedBytes) -> int:
    """The version, when this is a GGUF file that can be read; the cursor is then at the number of tensors.

    Raises ModelError for anything else, in words that say what it is.
    """
    path, head = data.path, data.peek(32)
    if head[:4] != b"GGUF":
        found = next((words for magic, words in _OTHER_FORMATS if head.startswith(magic)), "")
        if not found and head[8:10] == b'{"':
            found = "a safetensors file; convert it with llama.cpp's convert_hf_to_gguf.py"
        if not head:
            found = "an empty file"
        raise ModelError(
            f"{path} is not a GGUF file" + (f": it is {found}" if found else ""),
            hint="urial-tui runs GGUF models, the format of llama.cpp.",
            kind="not-gguf",
        )
    if len(head) < 24:
        raise data.truncated()
    (version,) = struct.unpack_from("<I", head, 4)
    if version not in (2, 3):
        if version & 0xFFFF == 0 and version:
            problem, hint = "a big-endian GGUF file", "Get a little-endian version of the model."
        else:
            problem = f"a GGUF file of version {version}; versions 2 and 3 can be read"
            hint = "Convert it again." if version < 2 else "It may need a newer urial-tui."
        raise ModelError(f"{path} is {problem}", hint=hint, kind="gguf-version")
    data.skip(8)
    return int(version)


def _read_values(data: BoundedBytes, n_keys: int) -> dict[str, Any]:
    """The metadata that is of use: numbers, short texts, per-layer lists; `#key` is a list's length."""
    values: dict[str, Any] = {}
    seen: set[bytes] = set()
    for _ in range(n_keys):
        raw, length = data.string(MAX_KEY_BYTES)
        if length > MAX_KEY_BYTES or not raw:
            raise data.damaged(f"a metadata key has {length} bytes")
        if raw in seen:
            raise data.damaged(f"the metadata key {raw.decode(errors='replace')!r} comes twice")
        seen.add(raw)
        key = raw.decode("utf-8", "replace")
        kind = data.u32()
        if kind in SCALARS:
            code, width = SCALARS[kind]
            (values[key],) = struct.unpack("<" + code, data.take(width))
        elif kind == STRING:
            kept = key.startswith(("general.", "adapter.", "tokenizer.ggml.")) or key == _TEMPLATE
            limit = (MAX_TEMPLATE if key == _TEMPLATE else MAX_TEXT) if kept else 0
            text, length = data.string(limit)
            values["#" + key] = length
            if not kept:
                values[key] = None
            elif length <= limit or key != _TEMPLATE:
                values[key] = text.decode("utf-8", "replace")
        elif kind == ARRAY:
            _read_array(data, key, values)
        else:
            raise data.damaged(f"the metadata key {key!r} has the unknown type {kind}")
    return values


def _read_array(data: BoundedBytes, key: str, values: dict[str, Any]) -> None:
    kind, count = data.u32(), data.u64()
    values["#" + key] = count
    if kind == STRING:
        data.skip_strings(count)
    elif kind in SCALARS:
        code, width = SCALARS[kind]
        if count * width > data.remaining:
            raise data.truncated()
        if key.rsplit(".", 1)[-1] in _PER_LAYER and count <= MAX_LAYERS:
            values[key] = struct.unpack(f"<{count}{code}", data.take(count * width))
        else:
            data.skip(count * width)
    elif kind == ARRAY:
        raise data.damaged(f"the metadata key {key!r} holds lists of lists")
    else:
        raise data.damaged(f"the metadata key {key!r} lists values of the unknown type {kind}")


def _read_tensor(data: BoundedBytes) -> Tensor:
    raw, length = data.string(MAX_TENSOR_NAME)
    name = raw.decode("utf-8", "replace")
    if length > MAX_TENSOR_NAME:
        raise data.damaged(f"a tensor's name has {length} bytes")
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
    if shape and shape[0] % block:
        raise data.damaged(f"the rows of the tensor {name!r} are not whole {type_name} blocks")
    return Tensor(name, shape, type_name, offset, math.prod(shape) // block * block_bytes)


def _interpret(
    data: BoundedBytes, version: int, values: dict[str, Any], tensors: tuple[Tensor, ...]
) -> GgufHeader:
    def text(key: str) -> str:
        value = values.get(key, "")
        if not isinstance(value, str):
            raise data.damaged(f"the metadata key {key!r} is not a text")
        return value

    def number(key: str, default: int = 0, high: int = 2**31) -> int:
        value = values.get(key, default)
        if isinstance(value, tuple):
            value = max(value, default=0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
            raise data.damaged(f"the metadata key {key!r} is {value!r}")
        return value

    arch = text("general.architecture")
    split_no, split_count = number("split.no"), number("split.count")
    if not arch and not split_no:
        raise data.damaged("it does not name its architecture")
    kind = text("general.type") or ("mmproj" if arch == "clip" else "model")
    if kind == "model" and not tensors and split_count < 2:
        kind = "vocabulary"
    n_layers = number(f"{arch}.block_count", high=MAX_LAYERS)
    n_embd = number(f"{arch}.embedding_length")
    n_head = number(f"{arch}.attention.head_count")
    head_dim = n_embd // n_head if n_head else 0
    alpha = values.get("adapter.lora.alpha")
    pattern = values.get(f"{arch}.attention.sliding_window_pattern", 0)
    return GgufHeader(
        path=data.path,
        file_size=data.size,
        version=version,
        kind=kind,
        architecture=arch,
        name=text("general.name"),
        size_label=text("general.size_label"),
        license=text("general.license"),
        quantization=_quantization(values.get("general.file_type"), tensors),
        context_length=number(f"{arch}.context_length"),
        n_layers=n_layers,
        n_embd=n_embd,
        n_head=n_head,
        kv_heads=_kv_heads(values.get(f"{arch}.attention.head_count_kv", n_head), n_layers),
        key_length=number(f"{arch}.attention.key_length", head_dim),
        value_length=number(f"{arch}.attention.value_length", head_dim),
        n_vocab=number(f"{arch}.vocab_size", number("#" + _TOKENS)),
        tokenizer=text("tokenizer.ggml.model"),
        has_chat_template=bool(values.get("#" + _TEMPLATE)),
        chat_template=text(_TEMPLATE) or None,
        sliding_window=number(f"{arch}.attention.sliding_window"),
        sliding_pattern=pattern if isinstance(pattern, int) else 0,
        adapter_type=text("adapter.type"),
        lora_alpha=float(alpha) if isinstance(alpha, (int, float)) else None,
        split_no=split_no,
        split_count=split_count,
        n_params=sum(math.prod(t.shape) for t in tensors),
        weight_bytes=sum(t.n_bytes for t in tensors),
        tensors=tensors,
    )


def _kv_heads(value: Any, n_layers: int) -> tuple[int, ...]:
    heads = value if isinstance(value, tuple) else (value,) * n_layers
    if not all(isinstance(n, int) and 0 <= n <= 65_536 for n in heads):
        return ()
    return tuple(int(n) for n in heads)


def _quantization(file_type: Any, tensors: tuple[Tensor, ...]) -> str:
    """The file's own word, else the tensor type that most weights have."""
    if isinstance(file_type, int) and file_type in FILE_TYPES:
        return FILE_TYPES[file_type]
    weights: Counter[str] = Counter()
    for tensor in tensors:
        weights[tensor.type] += math.prod(tensor.shape)
    return weights.most_common(1)[0][0] if weights else ""
