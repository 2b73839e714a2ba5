"""The metadata of a GGUF file as the header reader keeps it: numbers, short texts, lists with one value a layer.

Read by `header` alone. Longer texts and lists are stepped over and only counted; a vocabulary is never kept.
Whatever is wrong is a ModelError that names the file and the key.
"""

import struct
from typing import Any, Final

from urial_tui.models.gguf.bytes import BoundedBytes
from urial_tui.models.gguf.types import ARRAY, SCALARS, STRING

MAX_KEYS: Final = 4096
MAX_KEY_BYTES: Final = 1024
MAX_TEXT: Final = 4096
"""Bytes that are kept of a name, a licence and the like."""
MAX_TEMPLATE: Final = 256 * 1024
"""A longer chat template is not kept; the header still says that there is one."""
MAX_LAYERS: Final = 512
"""As llama.cpp has it; a model that claims more ends its process."""

TEMPLATE: Final = "tokenizer.chat_template"
TOKENS: Final = "tokenizer.ggml.tokens"
_PER_LAYER = ("head_count", "head_count_kv", "sliding_window_pattern")
_KEPT = ("general.", "adapter.", "tokenizer.ggml.")


class Metadata:
    """The keys of one file. What `data` raises names the file."""

    def __init__(self, data: BoundedBytes) -> None:
        self._data = data
        self.values: dict[str, Any] = {}
        """Key -> number, text or tuple of numbers; None for what was stepped over."""
        self.kinds: dict[str, int] = {}
        """Key -> its value type; of a list, the type of its elements."""
        self.lengths: dict[str, int] = {}
        """Key -> bytes of a text, elements of a list."""
        self.lists: set[str] = set()

    def text(self, key: str) -> str:
        """The text of `key`; "" where there is none or a longer one than is kept."""
        if key in self.kinds and (self.kinds[key] != STRING or key in self.lists):
            raise self._data.damaged(f"the metadata key {key!r} is not a text")
        return self.values.get(key) or ""

    def number(self, key: str, default: int = 0, high: int = 2**31) -> int:
        """The whole number of `key`, the largest one of a list, from 0 to `high`."""
        value = self.values.get(key) if key in self.kinds else default
        if isinstance(value, tuple):
            value = max(value, default=0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
            what = repr(value) if value is not None else "not a number"
            raise self._data.damaged(f"the metadata key {key!r} is {what}")
        return value

    def per_layer(self, key: str, default: tuple[int, ...], n_layers: int) -> tuple[int, ...]:
        """The numbers of `key`, one a layer, from a list or from one number for all."""
        if key not in self.kinds:
            return default
        self.number(key, high=2**16)
        value = self.values[key]
        if not isinstance(value, tuple):
            return (int(value),) * n_layers
        if len(value) != n_layers:
            raise self._data.damaged(
                f"the metadata key {key!r} has {len(value)} values for {n_layers} layers"
            )
        if not all(isinstance(n, int) and 0 <= n <= 2**16 for n in value):
            raise self._data.damaged(f"the metadata key {key!r} has impossible values")
        return tuple(int(n) for n in value)

    def length_of(self, key: str, kinds: tuple[int, ...]) -> int:
        """How many elements the list `key` has; 0 without one. `kinds` are the types that they may have."""
        if key not in self.kinds:
            return 0
        if key not in self.lists or self.kinds[key] not in kinds:
            raise self._data.damaged(f"the metadata key {key!r} is not a list of the right type")
        return self.lengths[key]


def read_metadata(data: BoundedBytes, n_keys: int) -> Metadata:
    """Read `n_keys` keys from where `data` stands. Raises ModelError."""
    if n_keys > MAX_KEYS:
        raise data.damaged(f"it claims {n_keys} metadata keys")
    found = Metadata(data)
    seen: set[bytes] = set()
    for _ in range(n_keys):
        raw, length = data.string(MAX_KEY_BYTES)
        if length > MAX_KEY_BYTES or not raw:
            raise data.damaged(f"a metadata key has {length} bytes")
        if raw in seen:
            raise data.damaged(f"the metadata key {raw.decode(errors='replace')!r} comes twice")
        seen.add(raw)
        _read_value(data, raw.decode("utf-8", "replace"), found)
    return found


def _read_value(data: BoundedBytes, key: str, found: Metadata) -> None:
    kind = data.u32()
    if kind == ARRAY:
        _read_list(data, key, found)
    elif kind == STRING:
        limit = MAX_TEMPLATE if key == TEMPLATE else MAX_TEXT if key.startswith(_KEPT) else 0
        text, length = data.string(limit)
        cut = key == TEMPLATE and length > limit
        found.values[key] = text.decode("utf-8", "replace") if limit and not cut else None
        found.lengths[key] = length
    elif kind in SCALARS:
        code, width = SCALARS[kind]
        (found.values[key],) = struct.unpack("<" + code, data.take(width))
    else:
        raise data.damaged(f"the metadata key {key!r} has the unknown type {kind}")
    if kind != ARRAY:
        found.kinds[key] = kind


def _read_list(data: BoundedBytes, key: str, found: Metadata) -> None:
    kind, count = data.u32(), data.u64()
    found.values[key] = None
    found.kinds[key] = kind
    found.lengths[key] = count
    found.lists.add(key)
    if kind == STRING:
        data.skip_strings(count)
    elif kind in SCALARS:
        code, width = SCALARS[kind]
        if count * width > data.remaining:
            raise data.truncated()
        if key.rsplit(".", 1)[-1] in _PER_LAYER and count <= MAX_LAYERS:
            found.values[key] = struct.unpack(f"<{count}{code}", data.take(count * width))
        else:
            data.skip(count * width)
    elif kind == ARRAY:
        raise data.damaged(f"the metadata key {key!r} holds lists of lists")
    else:
        raise data.damaged(f"the metadata key {key!r} lists values of the unknown type {kind}")
