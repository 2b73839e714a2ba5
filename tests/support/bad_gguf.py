"""Damaged, crafted and misnamed files under the names of GGUF models, each as a function that writes it.

`CASES` says of each how far it must come: `refused` files are refused from their header; the others look right there
and are refused by the engine. All are made from one small model that loads, so that a case differs from a good file
in exactly what its name says; `ADAPTER_CASES` are adapters. Only tests use this module; it needs the `gguf` package
(extra `dev`).
"""

import gzip
import os
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tests.support import tinygguf

U8, I8, U16, I16, U32, I32, F32, BOOL, TEXT, ARRAY, U64, I64, F64 = range(13)
HUGE: Final = 2**63
ALL_ONES: Final = 2**64 - 1
SPARSE: Final = 100 * 10**9
"""Bytes that a sparse file claims to have; it takes a few on the disk."""

_WIDTHS: Final = {
    U8: 1, I8: 1, U16: 2, I16: 2, U32: 4, I32: 4, F32: 4, BOOL: 1, U64: 8, I64: 8, F64: 8,
}  # fmt: skip


def string(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


def array(kind: int, count: int, content: bytes = b"") -> bytes:
    return u32(kind) + u64(count) + content


@dataclass(frozen=True)
class Key:
    """A metadata key: the type as a number and the value as bytes."""

    name: bytes
    kind: int
    value: bytes

    def written(self) -> bytes:
        return string(self.name) + u32(self.kind) + self.value


@dataclass(frozen=True)
class Info:
    """A tensor as the header lists it."""

    name: bytes
    dims: tuple[int, ...]
    kind: int
    offset: int

    def written(self) -> bytes:
        dims = b"".join(u64(dim % 2**64) for dim in self.dims)
        return string(self.name) + u32(len(self.dims)) + dims + u32(self.kind) + u64(self.offset)


@dataclass(frozen=True)
class Parts:
    """A GGUF file taken apart; `written` puts it together. Counts are what the lists have, unless given."""

    keys: tuple[Key, ...]
    infos: tuple[Info, ...]
    data: bytes = field(repr=False)
    magic: bytes = b"GGUF"
    version: int = 3
    n_keys: int | None = None
    n_infos: int | None = None

    def header(self) -> bytes:
        n_keys = len(self.keys) if self.n_keys is None else self.n_keys
        n_infos = len(self.infos) if self.n_infos is None else self.n_infos
        start = self.magic + u32(self.version) + u64(n_infos) + u64(n_keys)
        keys = b"".join(key.written() for key in self.keys)
        return start + keys + b"".join(info.written() for info in self.infos)

    def written(self) -> bytes:
        head = self.header()
        return head + bytes(-len(head) % 32) + self.data

    # --- changes ----------------------------------------------------------------------------------------------------

    def with_key(self, name: str | bytes, kind: int, value: bytes) -> "Parts":
        """The key in its old place, or at the end when it is new."""
        raw = name.encode() if isinstance(name, str) else name
        new = Key(raw, kind, value)
        if any(key.name == raw for key in self.keys):
            return replace(self, keys=tuple(new if key.name == raw else key for key in self.keys))
        return replace(self, keys=(*self.keys, new))

    def without(self, name: str) -> "Parts":
        return replace(self, keys=tuple(key for key in self.keys if key.name != name.encode()))

    def renamed(self, old: str, new: bytes) -> "Parts":
        keys = (replace(k, name=new) if k.name == old.encode() else k for k in self.keys)
        return replace(self, keys=tuple(keys))

    def with_info(self, index: int, **changes: object) -> "Parts":
        infos = list(self.infos)
        infos[index] = replace(infos[index], **changes)  # type: ignore[arg-type]
        return replace(self, infos=tuple(infos))

    def end_of(self, name: str) -> int:
        """Where in the file the key `name` ends."""
        at = 24
        for key in self.keys:
            at += len(key.written())
            if key.name == name.encode():
                return at
        raise KeyError(name)


def take_apart(content: bytes) -> Parts:
    """A good file's parts."""
    n_infos, n_keys = struct.unpack_from("<QQ", content, 8)
    at = 24

    def text() -> bytes:
        nonlocal at
        (length,) = struct.unpack_from("<Q", content, at)
        at += 8 + length
        return content[at - length : at]

    def value(kind: int) -> bytes:
        nonlocal at
        begin = at
        if kind == TEXT:
            text()
        elif kind == ARRAY:
            inner, count = struct.unpack_from("<IQ", content, at)
            at += 12
            for _ in range(count):
                value(inner)
        else:
            at += _WIDTHS[kind]
        return content[begin:at]

    keys, infos = [], []
    for _ in range(n_keys):
        name = text()
        (kind,) = struct.unpack_from("<I", content, at)
        at += 4
        keys.append(Key(name, kind, value(kind)))
    for _ in range(n_infos):
        name = text()
        (n_dims,) = struct.unpack_from("<I", content, at)
        dims = struct.unpack_from(f"<{n_dims}Q", content, at + 4)
        kind, offset = struct.unpack_from("<IQ", content, at + 4 + 8 * n_dims)
        at += 16 + 8 * n_dims
        infos.append(Info(name, dims, kind, offset))
    at += -at % 32
    return Parts(tuple(keys), tuple(infos), content[at:])


Write = Callable[[Path, Parts], None]


@dataclass(frozen=True)
class Case:
    """A bad file: `write(path, good)` makes it at `path`.

    `refused`: already from its header. `tolerated`: not by llama.cpp, which does not look at what is wrong with it.
    """

    name: str
    write: Write = field(repr=False)
    refused: bool = True
    tolerated: bool = False


def _bytes(name: str, content: bytes) -> Case:
    return Case(name, lambda path, _: _put(path, content))


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _parts(
    name: str, change: Callable[[Parts], Parts], *, refused: bool = True, tolerated: bool = False
) -> Case:
    return Case(name, lambda path, good: _put(path, change(good).written()), refused, tolerated)


def _key(
    name: str,
    key: str | bytes,
    kind: int,
    value: bytes,
    *,
    refused: bool = True,
    tolerated: bool = False,
) -> Case:
    return _parts(
        name,
        lambda good: good.with_key(key, kind, value),
        refused=refused,
        tolerated=tolerated,
    )


def _tensor(title: str, /, *, index: int = 1, refused: bool = True, **changes: object) -> Case:
    return _parts(title, lambda good: good.with_info(index, **changes), refused=refused)


def _cut(name: str, where: Callable[[Parts], int]) -> Case:
    return Case(name, lambda path, good: _put(path, good.written()[: where(good)]))


def _sparse(path: Path, head: bytes) -> None:
    path.write_bytes(head)
    os.truncate(path, SPARSE)


def _of_an_unknown_architecture(good: Parts) -> Parts:
    keys = (replace(key, name=key.name.replace(b"llama.", b"abacus.")) for key in good.keys)
    named = replace(good, keys=tuple(keys))
    return named.with_key("general.architecture", TEXT, string("abacus"))


def _without_heads(good: Parts) -> Parts:
    attention = "llama.attention."
    for key, value in (("head_count", 0), ("key_length", 16), ("value_length", 16)):
        good = good.with_key(attention + key, U32, u32(value))
    return good


def _not_gguf() -> Iterable[Case]:
    yield _bytes("empty", b"")
    yield _bytes("one byte", b"G")
    yield _bytes("the magic alone", b"GGUF")
    yield _parts("another magic", lambda good: replace(good, magic=b"GGUX"))
    yield _parts("a magic in lower case", lambda good: replace(good, magic=b"gguf"))
    yield _bytes("ggml", b"lmgg" + bytes(200))
    yield _bytes("ggjt", b"tjgg" + u32(3) + bytes(200))
    yield _bytes("zip", b"PK\x03\x04" + bytes(200))
    yield _bytes("pickle", b"\x80\x02}q\x00." + bytes(200))
    yield _bytes("safetensors", u64(60) + b'{"__metadata__":{"format":"pt"}}' + bytes(60))
    yield _bytes("a web page", b"<!DOCTYPE html><html><body>404</body></html>")
    yield _bytes("an LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    yield _bytes("a hub's error", b'{"error":"Access to model is restricted"}')
    yield _bytes("text", b"Qu'ils mangent de la brioche.\n" * 20)
    yield Case("gzip", lambda path, good: _put(path, gzip.compress(good.written())))
    yield Case("a folder", lambda path, _: path.mkdir())
    yield Case("a link to nothing", lambda path, _: path.symlink_to(path.parent / "gone.gguf"))
    yield Case("a link to itself", lambda path, _: path.symlink_to(path))
    if hasattr(os, "mkfifo"):
        yield Case("a named pipe", lambda path, _: os.mkfifo(path))
    yield Case("sparse zeros", lambda path, _: _sparse(path, b""))


def _versions_and_counts() -> Iterable[Case]:
    for version in (0, 1, 4, 2**32 - 1):
        yield _parts(f"version {version}", lambda good, v=version: replace(good, version=v))
    yield _parts("big-endian", lambda good: replace(good, version=0x03000000))
    for n in (4097, 2**32, HUGE, ALL_ONES):
        yield _parts(f"{n} keys", lambda good, n=n: replace(good, n_keys=n))
        yield _parts(f"{n} tensors", lambda good, n=n: replace(good, n_infos=n * 8 % 2**64 or n))
    yield _parts("a key too many", lambda good: replace(good, n_keys=len(good.keys) + 1))
    yield _parts("a key too few", lambda good: replace(good, n_keys=len(good.keys) - 1))
    yield _parts("a tensor too many", lambda good: replace(good, n_infos=len(good.infos) + 1))
    yield _parts("no key at all", lambda good: replace(good, keys=()))
    yield Case(
        "sparse with absurd counts",
        lambda path, _: _sparse(path, b"GGUF" + u32(3) + u64(ALL_ONES) + u64(ALL_ONES)),
    )
    yield Case("sparse with nothing", lambda path, _: _sparse(path, b"GGUF" + u32(3) + u64(0) * 2))
    yield Case(
        "sparse with 10^9 empty tokens",
        lambda path, good: _sparse(
            path,
            replace(good, infos=())
            .with_key("tokenizer.ggml.tokens", ARRAY, array(TEXT, 10**9))
            .header(),
        ),
    )


def _keys() -> Iterable[Case]:
    arch, name = "general.architecture", "general.name"
    for length in (HUGE, ALL_ONES, 10**12):
        yield _key(f"a text of {length} bytes", name, TEXT, u64(length))
        yield _key(f"a list of {length} numbers", "x", ARRAY, array(U64, length))
        yield _key(f"a list of {length} texts", "x", ARRAY, array(TEXT, length))
        yield Case(
            f"a key of {length} bytes",
            lambda path, good, n=length: _put(
                path, replace(good, n_keys=9).header()[:24] + u64(n) + b"general." + bytes(99)
            ),
        )
    yield _key("an empty key", b"", U32, u32(1))
    yield _key("a key of 5000 bytes", b"k" * 5000, U32, u32(1), tolerated=True)
    yield _parts(
        "a key with NUL", lambda good: good.renamed(arch, arch.encode() + b"\0"), tolerated=True
    )
    yield _parts("a key of bad UTF-8", lambda good: good.renamed(arch, b"general.\xff\xfe"))
    yield _key("a list in a list", "x", ARRAY, array(ARRAY, 1, array(U32, 1, u32(1))))
    yield _key("1000 lists in lists", "x", ARRAY, array(ARRAY, 1) * 1000)
    yield _key("a list of an unknown type", "x", ARRAY, array(13, 1, bytes(8)))
    yield _key("an unknown type", "x", 13, bytes(8))
    yield _key("the type -1", "x", 2**32 - 1, bytes(8))
    yield _parts("a key twice", lambda good: replace(good, keys=(*good.keys, good.keys[0])))
    yield _key("an architecture that is a number", arch, U32, u32(7))
    yield _key("an empty architecture", arch, TEXT, string(""))
    yield _parts("no architecture", lambda good: good.without(arch))
    yield _key("another architecture", arch, TEXT, string("ll\x1b[31mama"))
    yield _parts("an unknown architecture", _of_an_unknown_architecture, refused=False)
    yield _key("a type that is a number", "general.type", U32, u32(1), tolerated=True)
    for kind, value, said in (
        (U32, u32(0), "0"),
        (U32, u32(3), "3"),
        (U32, u32(2**31), "2^31"),
        (TEXT, string("32"), "a text"),
        (U64, u64(32), "a long number"),
        (ARRAY, array(U32, 1, u32(32)), "a list"),
    ):
        yield _key(f"an alignment of {said}", "general.alignment", kind, value)


def _numbers() -> Iterable[Case]:
    layers, heads, kv = "llama.block_count", "llama.attention.head_count", "head_count_kv"
    kv = f"llama.attention.{kv}"
    yield _key("2^31 layers", layers, U32, u32(2**31))
    yield _key("2^32-1 layers", layers, U32, u32(2**32 - 1))
    yield _key("-1 layers", layers, I32, struct.pack("<i", -1))
    yield _key("no layers", layers, U32, u32(0))
    yield _key("layers in words", layers, TEXT, string("two"))
    yield _key("layers as a fraction", layers, F32, struct.pack("<f", 2.0))
    yield _parts("layers not said", lambda good: good.without(layers))
    yield _key("900 layers", layers, U32, u32(900))
    yield _key("more layers than tensors", layers, U32, u32(3), refused=False)
    yield _key("no heads", heads, U32, u32(0))
    yield _parts("no heads of a length", _without_heads)
    yield _key("2^32-1 heads", heads, U32, u32(2**32 - 1))
    yield _key("more heads than numbers", heads, U32, u32(4096))
    yield _key("heads for three layers of two", heads, ARRAY, array(U32, 3, u32(4) * 3))
    yield _key("no key/value heads", kv, U32, u32(0), refused=False)
    yield _key("key/value heads for one layer of two", kv, ARRAY, array(U32, 1, u32(2)))
    yield _key("key/value heads for three layers of two", kv, ARRAY, array(U32, 3, u32(2) * 3))
    yield _key("key/value heads that do not divide", kv, U32, u32(3))
    yield _key("key/value heads as texts", kv, ARRAY, array(TEXT, 2, string("2") * 2))
    yield _key("2^31 key/value heads", kv, U32, u32(2**31))
    yield _key("no width", "llama.embedding_length", U32, u32(0))
    yield _key("a width of 2^31", "llama.embedding_length", U32, u32(2**31))
    yield _key("another width", "llama.embedding_length", U32, u32(128), refused=False)
    yield _key("a context of -1", "llama.context_length", I64, struct.pack("<q", -1))
    yield _key("no context", "llama.context_length", U32, u32(0), tolerated=True)
    yield _key("a head length of 2^32-1", "llama.attention.key_length", U32, u32(2**32 - 1))
    yield _key("a head length of 0", "llama.attention.key_length", U32, u32(0))
    yield _key("NaN for an epsilon", "llama.attention.layer_norm_rms_epsilon", TEXT, string("NaN"),
               refused=False)  # fmt: skip
    yield _key("rope over 2^32-1 numbers", "llama.rope.dimension_count", U32, u32(2**32 - 1),
               refused=False)  # fmt: skip
    yield _key("65535 parts", "split.count", U16, struct.pack("<H", 65535), refused=False)
    yield _parts(
        "part 9 of 3",
        lambda good: good.with_key("split.count", U16, b"\3\0").with_key(
            "split.no", U16, b"\x08\0"
        ),
    )


def _tokens() -> Iterable[Case]:
    tokens, model = "tokenizer.ggml.tokens", "tokenizer.ggml.model"
    template = "tokenizer.chat_template"
    yield _key("tokens that are numbers", tokens, ARRAY, array(U32, 512, u32(7) * 512))
    yield _key("tokens that are one text", tokens, TEXT, string("abc"))
    yield _key("no tokens", tokens, ARRAY, array(TEXT, 0))
    yield _parts("tokens not said", lambda good: good.without(tokens))
    yield _key("fewer tokens than rows", tokens, ARRAY, array(TEXT, 9, string("a") * 9))
    yield _key(
        "tokens that repeat", tokens, ARRAY, array(TEXT, 512, string("a") * 512), refused=False
    )
    yield _key("scores for one token", "tokenizer.ggml.scores", ARRAY, array(F32, 1, bytes(4)))
    yield _key("scores in words", "tokenizer.ggml.scores", TEXT, string("high"))
    yield _key("types for one token", "tokenizer.ggml.token_type", ARRAY, array(I32, 1, bytes(4)))
    yield _key("types in words", "tokenizer.ggml.token_type", ARRAY, array(TEXT, 1, string("a")))
    yield _key("a tokenizer that is a number", model, U32, u32(1))
    yield _key("an unknown tokenizer", model, TEXT, string("abacus"), refused=False)
    yield _key("a byte-pair tokenizer without merges", model, TEXT, string("gpt2"), refused=False)
    yield _key("a template that is a number", template, U32, u32(1), tolerated=True)
    yield _key(
        "a template that is a list", template, ARRAY, array(TEXT, 1, string("x")), tolerated=True
    )
    yield _key("a beginning in words", "tokenizer.ggml.bos_token_id", TEXT, string("<s>"))


def _tensors() -> Iterable[Case]:
    yield _tensor("5 dimensions", dims=(1, 1, 1, 1, 1))
    yield _tensor("no dimension", dims=())
    yield _tensor("a dimension of 0", index=0, dims=(64, 0))
    yield _tensor("a dimension of -1", index=0, dims=(64, -1))
    yield _tensor("dimensions beyond 2^64", index=0, dims=(2**33, 2**33))
    yield _tensor("dimensions that wrap to 0", index=0, dims=(2**32, 2**32))
    yield _tensor("dimensions that wrap to the right size", index=0, dims=(2**62 + 16, 2048))
    yield _tensor("four dimensions beyond 2^64", index=0, dims=(2**20,) * 4)
    yield _tensor("other dimensions", index=0, dims=(32, 1024))
    yield _tensor("a tensor of type 2^31", kind=2**31)
    yield _tensor("a tensor of a type that is gone", kind=4)
    yield _tensor("rows that are no whole blocks", index=0, dims=(33, 512), kind=2)
    yield _tensor("tensors that overlap", index=2, offset=0)
    yield _tensor("a tensor at an odd place", index=2, offset=1)
    yield _tensor("a tensor after a gap", index=2, offset=2**20)
    yield _tensor("a tensor at 2^63", index=2, offset=HUGE)
    yield _tensor("a tensor at 2^64-32", index=2, offset=2**64 - 32)
    yield _tensor("the first tensor not at 0", index=0, offset=32)
    yield _tensor("a tensor twice", index=2, name=b"token_embd.weight")
    yield _tensor("a tensor's name of 300 bytes", name=b"t" * 300)
    yield _tensor("a tensor without a name", name=b"")
    yield _tensor("a tensor's name with NUL", name=b"output_norm.wei\0ght")
    yield _tensor("a tensor's name of bad UTF-8", name=b"output_norm.\xff\xfe", refused=False)
    yield _parts("no tensors", lambda good: replace(good, infos=(), data=b""), refused=False)
    yield _parts(
        "a tensor too few", lambda good: replace(good, infos=good.infos[:-1]), refused=False
    )
    yield Case(
        "n_dims of 2^32-1",
        lambda path, good: _put(
            path,
            replace(good, infos=(), n_infos=1).header() + string("t") + u32(2**32 - 1) + bytes(99),
        ),
    )
    yield Case(
        "a tensor's name of 2^63 bytes",
        lambda path, good: _put(
            path, replace(good, infos=(), n_infos=1).header() + u64(HUGE) + bytes(99)
        ),
    )


def _truncations() -> Iterable[Case]:
    tokens = "tokenizer.ggml.tokens"
    yield _cut("cut in the version", lambda _: 6)
    yield _cut("cut in the counts", lambda _: 17)
    yield _cut("cut before the first key", lambda _: 24)
    yield _cut("cut in a key's length", lambda _: 28)
    yield _cut("cut in a key", lambda _: 40)
    yield _cut("cut in a key's type", lambda good: 24 + 8 + len(good.keys[0].name) + 2)
    yield _cut("cut in a value", lambda good: good.end_of("general.architecture") - 2)
    yield _cut("cut in a number", lambda good: good.end_of("llama.block_count") - 1)
    yield _cut("cut in the tokens", lambda good: good.end_of(tokens) - 4000)
    yield _cut("cut after the tokens", lambda good: good.end_of(tokens))
    yield _cut("cut in the scores", lambda good: good.end_of("tokenizer.ggml.scores") - 5)
    yield _cut("cut before the tensors", lambda good: len(replace(good, infos=()).header()))
    yield _cut("cut in a tensor's name", lambda good: len(replace(good, infos=()).header()) + 12)
    yield _cut("cut in a tensor's offset", lambda good: len(good.header()) - 3)
    yield _cut("cut before the weights", lambda good: len(good.header()))
    yield _cut("cut in the weights", lambda good: len(good.written()) // 2)
    yield _cut("cut by one byte", lambda good: len(good.written()) - 1)


CASES: Final = tuple(
    case
    for group in (_not_gguf, _versions_and_counts, _keys, _numbers, _tokens, _tensors, _truncations)
    for case in group()
)


def good_parts(folder: Path) -> Parts:
    """The model that every case is made from; `written()` of it loads."""
    path = tinygguf.write_model(folder / "good.gguf", chat_template=tinygguf.CHATML)
    return take_apart(path.read_bytes())


def _adapters() -> Iterable[Case]:
    yield _parts("no tensors", lambda good: replace(good, infos=(), data=b""), tolerated=True)
    yield _key("for another architecture", "general.architecture", TEXT, string("qwen2"))
    yield _key("of another type", "adapter.type", TEXT, string("control"))
    yield _parts("of no type", lambda good: good.without("adapter.type"))
    yield _key("a type that is a number", "adapter.type", U32, u32(1))
    yield _tensor("for a tensor that is not there", index=0, name=b"blk.9.attn_q.weight.lora_a")
    yield _tensor("of another width", index=0, dims=(32, 8))
    yield _tensor("of another rank", index=0, dims=(64, 2))
    yield _tensor("half of a pair", index=1, name=b"blk.0.attn_q.weight.lora_x")
    yield _tensor("a name of no use", index=0, name=b"abc")
    yield _tensor("overlapping", index=1, offset=0)
    yield _cut("cut in the weights", lambda good: len(good.written()) // 2)
    yield _key("a scale in words", "adapter.lora.alpha", TEXT, string("8"), refused=False)


ADAPTER_CASES: Final = tuple(_adapters())


def good_adapter_parts(folder: Path) -> Parts:
    """The adapter that every one of `ADAPTER_CASES` is made from; it fits `good_parts`."""
    return take_apart(tinygguf.write_adapter(folder / "good-lora.gguf").read_bytes())
