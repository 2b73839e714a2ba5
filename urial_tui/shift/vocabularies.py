"""Whether two vocabularies mean the same by a token id: compared id by id, with a fingerprint for each.

The engine calls it for models that are loaded, `models.vocabulary` for files that are not, so that both agree. A tail
of padding, unused or added control tokens on one side is allowed; anything else that differs is refused.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

UNKNOWN: Final = 1
UNUSED: Final = 2
NORMAL: Final = 4
CONTROL: Final = 8
USER_DEFINED: Final = 16
BYTE: Final = 32
"""A token's attributes: llama.cpp's bits."""

_SPARE: Final = UNKNOWN | UNUSED | CONTROL | USER_DEFINED
_PADDING: Final = (
    *(b"[PAD", b"<pad", b"<unused", b"<extra", b"<reserved", b"<|reserved", b"<|extra"),
)
_SHOWN: Final = 5
"""Differing ids that are named."""
_AT_ONCE: Final = 4096


@dataclass(frozen=True)
class Vocabulary:
    """Every token's text as the file spells it, its attributes, and llama.cpp's number for the kind of tokenizer."""

    kind: int
    texts: Sequence[bytes]
    attributes: Sequence[int]
    fingerprint: str


@dataclass(frozen=True)
class Difference:
    """A token id that means two things; None where a side does not have it."""

    id: int
    mine: bytes | None
    theirs: bytes | None


@dataclass(frozen=True)
class VocabularyMatch:
    """Whether two vocabularies can be compared token by token, over their first `n_common` ids."""

    compatible: bool
    n_common: int
    reason: str = ""
    """Why they are not compatible, in words."""
    differing: tuple[Difference, ...] = ()
    """The first ids that differ."""
    extra: int = 0
    """How many tokens more one of them has."""
    warnings: tuple[str, ...] = ()


def fingerprint_of(kind: int, texts: Sequence[bytes]) -> str:
    """A name for a vocabulary: sha256 over its kind, its size, and each text with its length before it."""
    digest = hashlib.sha256(f"{kind} {len(texts)}".encode())
    for begin in range(0, len(texts), _AT_ONCE):
        some = texts[begin : begin + _AT_ONCE]
        digest.update(b"".join([b"%d:%b" % (len(text), text) for text in some]))
    return digest.hexdigest()


def compare(mine: Vocabulary, theirs: Vocabulary) -> VocabularyMatch:
    """Compare two vocabularies id by id; the order of the sides only decides the order in `differing`."""
    n_common = min(len(mine.texts), len(theirs.texts))
    extra = abs(len(mine.texts) - len(theirs.texts))

    def refused(reason: str, ids: list[int]) -> VocabularyMatch:
        named = tuple(Difference(i, _at(mine, i), _at(theirs, i)) for i in ids[:_SHOWN])
        return VocabularyMatch(False, n_common, reason, named, extra)

    pairs = zip(mine.texts[:n_common], theirs.texts[:n_common], strict=True)
    different = [id_ for id_, (one, other) in enumerate(pairs) if one != other]
    if different:
        return refused(
            f"{len(different):,} of {n_common:,} token ids mean something else", different
        )
    if mine.kind != theirs.kind:
        return refused("the tokenizers are of different kinds", [])
    longer = max(mine, theirs, key=lambda vocabulary: len(vocabulary.texts))
    words = [id_ for id_ in range(n_common, len(longer.texts)) if not _is_padding(longer, id_)]
    if words:
        return refused(f"one side has {len(words):,} further tokens that are ordinary text", words)
    warnings = tuple(_warnings(mine, theirs, n_common, extra))
    return VocabularyMatch(True, n_common, extra=extra, warnings=warnings)


def _warnings(mine: Vocabulary, theirs: Vocabulary, n_common: int, extra: int) -> list[str]:
    found = []
    pairs = zip(mine.attributes[:n_common], theirs.attributes[:n_common], strict=True)
    changed = sum(one != other for one, other in pairs)
    if changed:
        found.append(
            f"{changed:,} tokens have other attributes (control, unused, ...) on the two sides"
        )
    if extra:
        found.append(
            f"one side has {extra:,} more tokens at its end; the first {n_common:,} are compared"
        )
    return found


def _is_padding(vocabulary: Vocabulary, id_: int) -> bool:
    return bool(vocabulary.attributes[id_] & _SPARE) or vocabulary.texts[id_].startswith(_PADDING)


def _at(vocabulary: Vocabulary, id_: int) -> bytes | None:
    return vocabulary.texts[id_] if id_ < len(vocabulary.texts) else None
