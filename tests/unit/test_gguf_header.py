"""The GGUF header reader: right about good files, quick and clear about bad ones."""

import os
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import tinygguf
from urial_tui.errors import ModelError
from urial_tui.models.gguf import bytes as gguf_bytes
from urial_tui.models.gguf.header import read_header


def string(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str | bytes, kind: int, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + value


def text_entry(key: str | bytes, text: str | bytes) -> bytes:
    return entry(key, 8, string(text))


def gguf(
    *entries: bytes, tensors: bytes = b"", n_tensors: int = 0, n_keys: int | None = None
) -> bytes:
    count = len(entries) if n_keys is None else n_keys
    return b"GGUF" + struct.pack("<IQQ", 3, n_tensors, count) + b"".join(entries) + tensors


ARCH = text_entry("general.architecture", "llama")


@pytest.fixture
def made(tmp_path: Path) -> Callable[[bytes], Path]:
    def make(content: bytes) -> Path:
        path = tmp_path / "crafted.gguf"
        path.write_bytes(content)
        return path

    return make


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    return tinygguf.write_model(path, n_ctx=640, chat_template=tinygguf.CHATML)


def test_a_model_tells_its_dimensions(tiny: Path) -> None:
    header = read_header(tiny)
    assert (header.kind, header.architecture, header.name) == ("model", "llama", "tiny")
    assert (header.size_label, header.quantization, header.license) == ("100K", "F32", "apache-2.0")
    assert (header.context_length, header.n_layers, header.n_embd) == (640, 2, 64)
    assert (header.n_head, header.kv_heads) == (4, (2, 2))
    assert (header.key_length, header.value_length) == (16, 16)
    assert (header.n_vocab, header.tokenizer) == (512, "llama")
    assert header.chat_template == tinygguf.CHATML
    assert header.weight_bytes == 4 * header.n_params
    shapes = {tensor.name: tensor.shape for tensor in header.tensors}
    assert shapes["blk.1.attn_k.weight"] == (64, 32)


def test_an_adapter_is_recognised(tmp_path: Path) -> None:
    header = read_header(tinygguf.write_adapter(tmp_path / "a.gguf", alpha=12.0))
    assert (header.kind, header.adapter_type, header.lora_alpha) == ("adapter", "lora", 12.0)
    assert header.architecture == "llama"
    assert not header.has_chat_template


@pytest.mark.parametrize("lost", [1, 100, 4096, 500_000])
def test_a_file_cut_short_is_incomplete(tiny: Path, tmp_path: Path, lost: int) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny.read_bytes()[:-lost])
    with pytest.raises(ModelError, match="incomplete") as caught:
        read_header(cut)
    assert caught.value.kind == "gguf-truncated"
    assert "again" in caught.value.hint


def test_every_shorter_length_of_a_header_is_an_error_not_a_crash(
    tiny: Path, tmp_path: Path
) -> None:
    whole = tiny.read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole)
    for length in [*range(len(whole) - 1, 1500, -1777), *range(1500, -1, -1)]:
        os.truncate(cut, length)
        with pytest.raises(ModelError):
            read_header(cut)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"hello, world", "not a GGUF file"),
        (b"PK\x03\x04" + bytes(60), "archive"),
        (struct.pack("<Q", 100) + b'{"__metadata__":{}}', "safetensors"),
        (b"version https://git-lfs.github.com/spec/v1\n", "LFS"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"tjgg" + bytes(60), "before GGUF"),
    ],
)
def test_other_files_are_named_for_what_they_are(
    made: Callable[[bytes], Path], content: bytes, words: str
) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        read_header(made(content))
    assert caught.value.kind == "not-gguf"


@pytest.mark.parametrize(
    ("version", "words"), [(1, "version 1"), (4, "version 4"), (0x03000000, "big-endian")]
)
def test_other_versions_are_refused(
    made: Callable[[bytes], Path], version: int, words: str
) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        read_header(made(b"GGUF" + struct.pack("<IQQ", version, 0, 0)))
    assert caught.value.kind == "gguf-version"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, kind in [(tmp_path, "is-directory"), (tmp_path / "none.gguf", "not-found")]:
        with pytest.raises(ModelError) as caught:
            read_header(path)
        assert caught.value.kind == kind
        assert caught.value.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.gguf"
    os.mkfifo(pipe)
    with pytest.raises(ModelError, match="regular file"):
        read_header(pipe)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_forbidden_file_says_so(tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "x.gguf"
    copy.write_bytes(tiny.read_bytes())
    copy.chmod(0)
    with pytest.raises(ModelError) as caught:
        read_header(copy)
    assert caught.value.kind == "unreadable"


HUGE = 2**63


@pytest.mark.parametrize(
    "content",
    [
        gguf(n_keys=HUGE),
        gguf(n_tensors=HUGE),
        gguf(ARCH, entry("a", 8, struct.pack("<Q", HUGE))),
        gguf(ARCH, struct.pack("<Q", HUGE)),
        gguf(ARCH, entry("a", 9, struct.pack("<IQ", 8, HUGE))),
        gguf(ARCH, entry("a", 9, struct.pack("<IQ", 4, HUGE))),
        gguf(ARCH, entry("a", 9, struct.pack("<IQ", 9, 1) * 100)),
        gguf(ARCH, entry("a", 9, struct.pack("<IQ", 99, 1))),
        gguf(ARCH, entry("a", 99, b"")),
        gguf(ARCH, ARCH),
        gguf(ARCH, text_entry("k" * 5000, "v")),
        gguf(entry("general.architecture", 4, struct.pack("<I", 1))),
        gguf(ARCH, text_entry("llama.block_count", "two")),
        gguf(ARCH, entry("llama.block_count", 4, struct.pack("<I", 2**31))),
        gguf(ARCH, entry("general.alignment", 4, struct.pack("<I", 0))),
        gguf(ARCH, entry("general.alignment", 4, struct.pack("<I", 24))),
        gguf(text_entry("general.name", "no architecture")),
        gguf(ARCH, n_tensors=1, tensors=string("t") + struct.pack("<I", 2**31)),
        gguf(ARCH, n_tensors=1, tensors=string("t") + struct.pack("<IQQIQ", 2, HUGE, HUGE, 0, 0)),
        gguf(ARCH, n_tensors=1, tensors=string("t") + struct.pack("<IQIQ", 1, 1, 0, HUGE)),
        gguf(ARCH, n_tensors=1, tensors=string("t") + struct.pack("<IQIQ", 1, 1, 77, 0)),
        gguf(ARCH, n_tensors=1, tensors=string("t") + struct.pack("<IQIQ", 1, 33, 2, 0)),
        gguf(ARCH, n_tensors=1, tensors=string("t" * 300) + struct.pack("<IQIQ", 1, 1, 0, 0)),
    ],
)
def test_impossible_claims_are_model_errors_at_once(
    made: Callable[[bytes], Path], content: bytes
) -> None:
    began = time.perf_counter()
    with pytest.raises(ModelError) as caught:
        read_header(made(content))
    assert caught.value.kind.startswith("gguf-")
    assert time.perf_counter() - began < 0.5


def sparse(path: Path, head: bytes, size: int) -> Path:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


def test_a_huge_list_of_empty_strings_is_not_walked(tmp_path: Path) -> None:
    head = gguf(ARCH, entry("a", 9, struct.pack("<IQ", 8, 10**9)))
    began = time.perf_counter()
    with pytest.raises(ModelError, match="strings"):
        read_header(sparse(tmp_path / "x.gguf", head, 2**40))
    assert time.perf_counter() - began < 0.5


def test_a_list_of_huge_strings_stops_at_the_reading_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gguf_bytes, "MAX_READ", 4 * 1024 * 1024)
    step = 2 * 1024 * 1024
    head = gguf(ARCH, entry("a", 9, struct.pack("<IQ", 8, 1000)))
    path = sparse(tmp_path / "x.gguf", head, 2**32)
    with path.open("r+b") as file:
        for i in range(20):
            file.seek(len(head) + i * (step + 8))
            file.write(struct.pack("<Q", step))
    with pytest.raises(ModelError, match="larger"):
        read_header(path)


def test_memory_stays_small_on_long_texts(tmp_path: Path) -> None:
    big = 64 * 1024 * 1024
    head = gguf(ARCH, entry("tokenizer.chat_template", 8, struct.pack("<Q", big)), n_keys=2)
    path = sparse(tmp_path / "x.gguf", head, len(head) + big)
    tracemalloc.start()
    header = read_header(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert header.has_chat_template
    assert header.chat_template is None
    assert peak < 8 * 1024 * 1024


def test_a_file_without_tensors_is_a_vocabulary(made: Callable[[bytes], Path]) -> None:
    assert read_header(made(gguf(ARCH))).kind == "vocabulary"


@settings(max_examples=300, deadline=2000, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 16_000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6
    )
)
def test_random_damage_gives_a_header_or_a_model_error(
    tiny: Path, tmp_path: Path, changes: list[tuple[int, bytes]]
) -> None:
    content = bytearray(tiny.read_bytes())
    for at, new in changes:
        content[at : at + len(new)] = new
    path = tmp_path / "fuzzed.gguf"
    path.write_bytes(content)
    began = time.perf_counter()
    try:
        header = read_header(path)
    except ModelError as error:
        assert str(path) in error.message
    else:
        assert header.path == path
    assert time.perf_counter() - began < 1.0


@settings(max_examples=200, deadline=2000, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=400), keys=st.integers(0, 6), tensors=st.integers(0, 4))
def test_random_bytes_behind_the_magic_give_a_header_or_a_model_error(
    tmp_path: Path, body: bytes, keys: int, tensors: int
) -> None:
    path = tmp_path / "random.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, tensors, keys) + body)
    try:
        read_header(path)
    except ModelError as error:
        assert error.kind.startswith("gguf-")
