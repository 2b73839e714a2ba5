"""Whether two models mean the same by a token id: compared id by id, with a fingerprint for each vocabulary.

A tail of padding, unused or added control tokens on one side is allowed; anything else that differs is refused.
"""

import hashlib
from dataclasses import dataclass

from urial_tui.engine import protocol as wire
from urial_tui.engine.worker import native
from urial_tui.engine.worker.model import Model

lib = native.lib
_SHOWN = 5
"""Differing ids that are named."""
_TAIL_ATTRIBUTES = (
    lib.LLAMA_TOKEN_ATTR_UNKNOWN
    | lib.LLAMA_TOKEN_ATTR_UNUSED
    | lib.LLAMA_TOKEN_ATTR_CONTROL
    | lib.LLAMA_TOKEN_ATTR_USER_DEFINED
)
_PADDING = (b"[PAD", b"<pad", b"<unused", b"<extra", b"<reserved", b"<|reserved", b"<|extra")


@dataclass(frozen=True)
class Vocabulary:
    """Every token's text as the file spells it, and its attributes (llama.cpp's bits)."""

    kind: int
    texts: list[bytes]
    attributes: list[int]
    fingerprint: str


def read_vocabulary(model: Model) -> Vocabulary:
    """Walks the vocabulary: about 0.2 s for 262,144 tokens."""
    get_text, get_attribute, vocab = lib.llama_vocab_get_text, lib.llama_vocab_get_attr, model.vocab
    texts = [get_text(vocab, token) or b"" for token in range(model.n_vocab)]
    attributes = [int(get_attribute(vocab, token)) for token in range(model.n_vocab)]
    kind = int(lib.llama_vocab_type(vocab))
    digest = hashlib.sha256(f"{kind} {model.n_vocab}".encode())
    for text in texts:
        digest.update(b"%d:" % len(text) + text)
    return Vocabulary(kind, texts, attributes, digest.hexdigest())


def compare(request: int, generator: Vocabulary, reference: Vocabulary) -> wire.PairChecked:
    """The answer to a CheckPair request."""
    n_common = min(len(generator.texts), len(reference.texts))

    def refused(reason: str, ids: list[int]) -> wire.PairChecked:
        return wire.PairChecked(
            request,
            compatible=False,
            n_common=n_common,
            fingerprint=generator.fingerprint,
            reason=reason,
            differing=tuple(
                wire.DifferingToken(id_, _at(generator, id_), _at(reference, id_)) for id_ in ids
            ),
        )

    pairs = zip(generator.texts[:n_common], reference.texts[:n_common], strict=True)
    different = [id_ for id_, (mine, theirs) in enumerate(pairs) if mine != theirs]
    if different:
        return refused(
            f"{len(different):,} of {n_common:,} token ids mean something else", different[:_SHOWN]
        )
    if generator.kind != reference.kind:
        return refused("the tokenizers are of different kinds", [])
    longer = max(generator, reference, key=lambda vocabulary: len(vocabulary.texts))
    tail = range(n_common, len(longer.texts))
    words = [id_ for id_ in tail if not _is_padding(longer, id_)]
    if words:
        return refused(
            f"one side has {len(words):,} further tokens that are ordinary text", words[:_SHOWN]
        )
    return wire.PairChecked(
        request,
        compatible=True,
        n_common=n_common,
        fingerprint=generator.fingerprint,
        warnings=tuple(_warnings(generator, reference, n_common)),
    )


def _warnings(generator: Vocabulary, reference: Vocabulary, n_common: int) -> list[str]:
    found = []
    mine, theirs = generator.attributes[:n_common], reference.attributes[:n_common]
    changed = sum(a != b for a, b in zip(mine, theirs, strict=True))
    if changed:
        found.append(
            f"{changed:,} tokens have other attributes (control, unused, ...) on the two sides"
        )
    extra = abs(len(generator.texts) - len(reference.texts))
    if extra:
        found.append(
            f"one side has {extra:,} more tokens at its end; the first {n_common:,} are compared"
        )
    return found


def _is_padding(vocabulary: Vocabulary, id_: int) -> bool:
    return bool(vocabulary.attributes[id_] & _TAIL_ATTRIBUTES) or vocabulary.texts[id_].startswith(
        _PADDING
    )


def _at(vocabulary: Vocabulary, id_: int) -> bytes | None:
    return vocabulary.texts[id_] if id_ < len(vocabulary.texts) else None
