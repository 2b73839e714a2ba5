"""The vocabulary of a GGUF file, read without loading the model: its fingerprint, and whether two files share theirs.

For pairs of models that are on disk. The fingerprint is the value that the engine finds for the loaded model; tests
hold that. Pure Python, within limits, and only on request: listing models never comes here.
"""

import itertools
import os
import struct
from pathlib import Path
from typing import BinaryIO, Final

from urial_tui.errors import ModelError
from urial_tui.models.gguf.bytes import BoundedBytes
from urial_tui.models.gguf.open import open_gguf, read_magic
from urial_tui.models.gguf.types import ARRAY, SCALARS, STRING
from urial_tui.models.gguf.values import MAX_KEY_BYTES, MAX_KEYS, TOKENS
from urial_tui.shift import vocabularies
from urial_tui.shift.vocabularies import Vocabulary, VocabularyMatch, fingerprint_of

MAX_TOKENS: Final = 600_000
MAX_BYTES: Final = 24 * 1024 * 1024
"""Of the list of tokens; the largest of today has 262,144 in 5 million bytes."""

_MODEL: Final = "tokenizer.ggml.model"
_TYPES: Final = "tokenizer.ggml.token_type"
_MAX_NAME: Final = 64
_I32: Final = 5

KINDS: Final = {
    "llama": 1,
    "gpt2": 2,
    "whitespace": 2,
    "gemma4": 2,
    "bert": 3,
    "t5": 4,
    "rwkv": 5,
    "plamo2": 6,
}
"""The tokenizer as the file names it -> llama.cpp's number for its kind. Another one cannot be loaded."""

_ATTRIBUTES: Final = {
    1: vocabularies.NORMAL,
    2: vocabularies.UNKNOWN,
    3: vocabularies.CONTROL,
    4: vocabularies.USER_DEFINED,
    5: vocabularies.UNUSED,
    6: vocabularies.BYTE,
}
"""A token's type as the file numbers it -> the attribute that llama.cpp gives it at first."""


def compute_fingerprint(path: Path) -> str:
    """The fingerprint of `path`'s vocabulary, by reading it (0.2 s for 262,144 tokens); `Index` remembers it.

    Files of one vocabulary have the same one, whatever their quantisation. Raises ModelError.
    """
    return read_vocabulary(path).fingerprint


def compare(a: Path, b: Path) -> VocabularyMatch:
    """Whether two files mean the same by a token id, as the engine decides it, without loading anything.

    Raises ModelError for a file that cannot be read.
    """
    return vocabularies.compare(read_vocabulary(a), read_vocabulary(b))


def read_vocabulary(path: Path) -> Vocabulary:
    """All tokens of `path`. Raises ModelError as `read_header` does, and `no-vocabulary` where there is none."""
    with open_gguf(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = BoundedBytes(file, size, path)
        read_magic(data)
        data.skip(8)
        found = _Where(data)
        if found.kind is None or not found.count:
            raise ModelError(
                f"there is no vocabulary in {path} that could be compared",
                hint="Adapters and image projectors have none of their own; name the model.",
                kind="no-vocabulary",
            )
        if found.count > MAX_TOKENS or found.end - found.begin > MAX_BYTES:
            raise data.damaged(f"its vocabulary of {found.count} tokens is too large")
        texts = _texts(_read(file, data, found.begin, found.end), found.count)
        attributes = [vocabularies.NORMAL] * found.count
        if found.types_at:
            raw = _read(file, data, found.types_at, found.types_at + 4 * found.count)
            types = struct.unpack(f"<{found.count}i", raw)
            attributes = [_ATTRIBUTES.get(kind, 0) for kind in types]
    return Vocabulary(found.kind, texts, attributes, fingerprint_of(found.kind, texts))


def _read(file: BinaryIO, data: BoundedBytes, begin: int, end: int) -> bytes:
    try:
        file.seek(begin)
        raw = file.read(end - begin)
    except OSError as error:
        raise ModelError(
            f"cannot read {data.path}: {error.strerror or error}", kind="unreadable"
        ) from error
    if len(raw) != end - begin:
        raise data.truncated()
    return raw


class _Where:
    """Where in the file the tokens and their types are, and what kind of tokenizer they are for."""

    def __init__(self, data: BoundedBytes) -> None:
        self.kind: int | None = None
        self.begin = self.end = self.count = self.types_at = 0
        n_keys = data.u64()
        if n_keys > MAX_KEYS:
            raise data.damaged(f"it claims {n_keys} metadata keys")
        self._n_types = 0
        for _ in range(n_keys):
            raw, _ = data.string(MAX_KEY_BYTES)
            self._take(data, raw.decode("utf-8", "replace"))
        if self._n_types < self.count:
            self.types_at = 0

    def _take(self, data: BoundedBytes, key: str) -> None:
        """Step over the value of a key, and note what is looked for."""
        kind = data.u32()
        if kind in SCALARS:
            data.skip(SCALARS[kind][1])
        elif kind == STRING:
            text, length = data.string(_MAX_NAME)
            if key == _MODEL and length <= _MAX_NAME:
                self.kind = KINDS.get(text.decode("utf-8", "replace"))
        elif kind == ARRAY:
            self._take_array(data, key)
        else:
            raise data.damaged(f"the metadata key {key!r} has the unknown type {kind}")

    def _take_array(self, data: BoundedBytes, key: str) -> None:
        inner, n = data.u32(), data.u64()
        begin = data.position
        if inner == STRING:
            data.skip_strings(n)
        elif inner in SCALARS:
            data.skip(n * SCALARS[inner][1])
        else:
            raise data.damaged(f"the metadata key {key!r} lists values of the type {inner}")
        if key == TOKENS and inner == STRING:
            self.begin, self.end, self.count = begin, data.position, n
        elif key == _TYPES and inner == _I32:
            self.types_at, self._n_types = begin, n


def _texts(raw: bytes, count: int) -> list[bytes]:
    """The tokens as llama.cpp keeps them: cut at the first NUL, and an empty one under a name of its own."""
    texts: list[bytes] = []
    add, unpack, at = texts.append, struct.Struct("<Q").unpack_from, 0
    for _ in itertools.repeat(None, count):
        (length,) = unpack(raw, at)
        end = at + 8 + length
        add(raw[at + 8 : end])
        at = end
    for index, text in enumerate(texts):
        if b"\0" in text or not text:
            texts[index] = text.partition(b"\0")[0] or b"[EMPTY_%d]" % index
    return texts
