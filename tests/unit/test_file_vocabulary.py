"""Vocabularies read from files: fingerprints, and the first ids that differ, without loading anything."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import bad_gguf, tinygguf
from tests.support.bad_gguf import ARRAY, TEXT, array, string, take_apart
from urial_tui.errors import ModelError
from urial_tui.models import vocabulary
from urial_tui.models.vocabulary import compare, compute_fingerprint, read_vocabulary
from urial_tui.shift.vocabularies import Difference

TOKENS = "tokenizer.ggml.tokens"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return tinygguf.write_model(tmp_path / "tiny.gguf")


def with_tokens(tiny: Path, texts: Sequence[bytes]) -> Path:
    """`tiny` with another list of tokens, whatever its weights say."""
    parts = take_apart(tiny.read_bytes())
    listed = array(TEXT, len(texts), b"".join(string(text) for text in texts))
    path = tiny.with_name("changed.gguf")
    path.write_bytes(parts.with_key(TOKENS, ARRAY, listed).written())
    return path


def test_files_of_one_vocabulary_have_one_fingerprint_whatever_their_weights(
    tiny: Path, tmp_path: Path
) -> None:
    other = tinygguf.write_model(
        tmp_path / "other.gguf",
        seed=7,
        shape=tinygguf.TinyShape(n_layers=3, n_embd=128),
        chat_template=tinygguf.CHATML,
        name="another",
    )
    assert compute_fingerprint(other) == compute_fingerprint(tiny)
    assert compare(tiny, other).compatible
    changed = tinygguf.write_model(tmp_path / "changed.gguf", changed_tokens={300: "giraffe"})
    assert compute_fingerprint(changed) != compute_fingerprint(tiny)


def test_another_kind_of_tokenizer_is_another_vocabulary(tiny: Path) -> None:
    parts = take_apart(tiny.read_bytes()).with_key("tokenizer.ggml.model", TEXT, string("gpt2"))
    path = tiny.with_name("bpe.gguf")
    path.write_bytes(parts.written())
    assert compute_fingerprint(path) != compute_fingerprint(tiny)
    match = compare(tiny, path)
    assert (match.compatible, match.reason) == (False, "the tokenizers are of different kinds")
    assert match.differing == ()


def test_the_first_ids_that_differ_are_named_with_both_texts(tiny: Path, tmp_path: Path) -> None:
    changed = {400: "zebra", 300: "giraffe", **{450 + n: f"x{n}" for n in range(9)}}
    other = tinygguf.write_model(tmp_path / "other.gguf", changed_tokens=changed)
    match = compare(tiny, other)
    assert not match.compatible
    assert match.reason == "11 of 512 token ids mean something else"
    texts = read_vocabulary(tiny).texts
    assert match.differing[:2] == (
        Difference(300, texts[300], b"giraffe"),
        Difference(400, texts[400], b"zebra"),
    )
    assert len(match.differing) == 5
    assert compare(other, tiny).differing[0] == Difference(300, b"giraffe", texts[300])


def test_a_tail_of_control_tokens_is_allowed_and_one_of_words_is_not(
    tiny: Path, tmp_path: Path
) -> None:
    tail = tinygguf.write_model(tmp_path / "tail.gguf", extra_tokens=["<|tool|>", "<|call|>"])
    match = compare(tiny, tail)
    assert (match.compatible, match.n_common, match.extra) == (True, 512, 2)
    assert "2 more tokens" in match.warnings[0]
    padded = tinygguf.write_model(tmp_path / "padded.gguf", extra_words=["<unused7>"])
    assert compare(padded, tiny).compatible
    words = tinygguf.write_model(tmp_path / "words.gguf", extra_words=["giraffe"])
    match = compare(tiny, words)
    assert not match.compatible
    assert "1 further tokens that are ordinary text" in match.reason
    assert match.differing == (Difference(512, None, b"giraffe"),)


def test_tokens_are_taken_as_llama_cpp_keeps_them(tiny: Path) -> None:
    path = with_tokens(tiny, [b"a", b"", b"b\0c", b"\0", b"\xff"])
    assert read_vocabulary(path).texts == [b"a", b"[EMPTY_1]", b"b", b"[EMPTY_3]", b"\xff"]


def test_a_file_without_a_vocabulary_says_so(tmp_path: Path) -> None:
    adapter = tinygguf.write_adapter(tmp_path / "adapter.gguf")
    with pytest.raises(ModelError) as caught:
        compute_fingerprint(adapter)
    assert caught.value.kind == "no-vocabulary"
    assert caught.value.hint


def test_a_vocabulary_that_is_too_large_is_refused(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "MAX_TOKENS", 511)
    with pytest.raises(ModelError, match="512 tokens is too large"):
        compute_fingerprint(tiny)


def test_types_for_fewer_tokens_count_as_none(tiny: Path) -> None:
    parts = take_apart(tiny.read_bytes())
    short = parts.with_key("tokenizer.ggml.token_type", ARRAY, array(bad_gguf.I32, 1, bytes(4)))
    path = tiny.with_name("short.gguf")
    path.write_bytes(short.written())
    assert set(read_vocabulary(path).attributes) == {4}
