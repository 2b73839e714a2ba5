"""The literal text of a model's special tokens, for chat templates that mention them.

Reads a GGUF's header again, within the same limits as `gguf.header`, and steps over the vocabulary to the one string
that is wanted; the vocabulary itself is never kept.
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from urial_tui.models.gguf.bytes import BoundedBytes
from urial_tui.models.gguf.open import open_gguf, read_magic
from urial_tui.models.gguf.types import ARRAY, SCALARS, STRING
from urial_tui.models.gguf.values import MAX_KEY_BYTES, MAX_KEYS

MAX_TOKEN: Final = 256
"""Bytes of a special token's text; the longest of today have about 40."""

_IDS: Final = {
    "eos_token": "tokenizer.ggml.eos_token_id",
    "pad_token": "tokenizer.ggml.padding_token_id",
    "unk_token": "tokenizer.ggml.unknown_token_id",
}
_TOKENS: Final = "tokenizer.ggml.tokens"
_INTEGERS: Final = frozenset("BHIQ")


def token_texts(path: Path, names: Sequence[str]) -> dict[str, str]:
    """The texts of `names` (`eos_token`, `pad_token`, `unk_token`), without those that the file does not have.

    Raises ModelError as `read_header` does.
    """
    wanted = {_IDS[name]: name for name in names}
    with open_gguf(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = BoundedBytes(file, size, path)
        read_magic(data)
        data.skip(8)
        ids, tokens_at, count = _find(data, set(wanted))
        found: dict[str, str] = {}
        # Each from the beginning of the list: special tokens stand at its ends, and there are at most three.
        for key, token in ids.items():
            if token >= count:
                continue
            data = BoundedBytes(file, size, path)
            data.skip(tokens_at)
            data.skip_strings(token)
            text, length = data.string(MAX_TOKEN)
            if length <= MAX_TOKEN:
                found[wanted[key]] = text.decode("utf-8", "replace")
    return found


def _find(data: BoundedBytes, wanted: set[str]) -> tuple[dict[str, int], int, int]:
    """The ids that `wanted` keys hold, where the list of tokens begins, and how many it has."""
    ids: dict[str, int] = {}
    tokens_at = count = 0
    n_keys = data.u64()
    if n_keys > MAX_KEYS:
        raise data.damaged(f"it claims {n_keys} metadata keys")
    for _ in range(n_keys):
        raw, _ = data.string(MAX_KEY_BYTES)
        key = raw.decode("utf-8", "replace")
        kind = data.u32()
        if kind in SCALARS:
            code, width = SCALARS[kind]
            value = data.take(width)
            if key in wanted and code in _INTEGERS:
                (ids[key],) = struct.unpack("<" + code, value)
        elif kind == STRING:
            data.string(0)
        elif kind == ARRAY:
            inner, n = data.u32(), data.u64()
            if inner == STRING:
                if key == _TOKENS:
                    tokens_at, count = data.position, n
                data.skip_strings(n)
            elif inner in SCALARS:
                data.skip(n * SCALARS[inner][1])
            else:
                raise data.damaged(f"the metadata key {key!r} lists values of the type {inner}")
        else:
            raise data.damaged(f"the metadata key {key!r} has the unknown type {kind}")
    return ids, tokens_at, count
