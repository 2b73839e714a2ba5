"""The fingerprint of a file's vocabulary is the one that the engine finds for the loaded model."""

import struct
from pathlib import Path

import pytest

from tests.support import bad_gguf, tinygguf
from tests.support.bad_gguf import ARRAY, TEXT, array, string, take_apart
from urial_tui.engine.client import EngineClient
from urial_tui.engine.protocol import ContextSpec
from urial_tui.models.vocabulary import compare, compute_fingerprint


def spec(path: Path, slot: str = "generator") -> ContextSpec:
    return ContextSpec(str(path), n_ctx=128, n_threads=1, slot=slot)


def strange(path: Path) -> Path:
    """Texts that llama.cpp does not keep as they are: an empty one, and one with NUL."""
    parts = take_apart(tinygguf.write_model(path).read_bytes())
    (listed,) = (key.value for key in parts.keys if key.name == b"tokenizer.ggml.tokens")
    texts, at = [], 12
    while at < len(listed):
        (length,) = struct.unpack_from("<Q", listed, at)
        texts.append(listed[at + 8 : at + 8 + length])
        at += 8 + length
    texts[400], texts[401] = b"", b"odd\0token"
    value = array(TEXT, len(texts), b"".join(string(text) for text in texts))
    path.write_bytes(parts.with_key("tokenizer.ggml.tokens", ARRAY, value).written())
    return path


@pytest.mark.parametrize("which", ["plain", "with a tail", "strange"])
async def test_a_file_and_the_loaded_model_have_one_fingerprint(
    which: str, engine: EngineClient, tmp_path: Path
) -> None:
    path = tmp_path / "model.gguf"
    if which == "strange":
        strange(path)
    else:
        tail = ["<|a|>", "<|b|>"] if which == "with a tail" else []
        tinygguf.write_model(path, extra_tokens=tail)
    found = await engine.check_pair(spec(path), spec(path, "reference-0"))
    assert compute_fingerprint(path) == found.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        {"extra_tokens": ["<|a|>"]},
        {"extra_words": ["giraffe"]},
        {"extra_words": ["<unused7>"]},
        {"changed_tokens": {300: "giraffe", 400: "zebra"}},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_files_and_loaded_models_are_compared_alike(
    other: dict[str, object], engine: EngineClient, tmp_path: Path
) -> None:
    one = tinygguf.write_model(tmp_path / "one.gguf")
    two = tinygguf.write_model(tmp_path / "two.gguf", **other)  # type: ignore[arg-type]
    loaded = await engine.check_pair(spec(one), spec(two, "reference-0"))
    found = compare(one, two)
    assert (found.compatible, found.n_common) == (loaded.compatible, loaded.n_common)
    assert found.reason == loaded.reason
    assert found.warnings == loaded.warnings
    shown = [(token.id, token.generator, token.reference) for token in loaded.differing]
    assert [(one.id, one.mine, one.theirs) for one in found.differing] == shown


def test_the_corpus_helper_leaves_a_good_file_as_it_is(tmp_path: Path) -> None:
    content = tinygguf.write_model(tmp_path / "model.gguf").read_bytes()
    assert bad_gguf.take_apart(content).written() == content
