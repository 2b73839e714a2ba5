"""The text of special tokens, read out of a header without its vocabulary."""

import struct
from pathlib import Path

import pytest
from gguf import GGUFWriter

from tests.support import tinygguf
from urial_tui.errors import ModelError
from urial_tui.models.token_text import MAX_TOKEN, token_texts


def vocabulary(path: Path, tokens: list[str], **ids: int) -> Path:
    """A GGUF that has these tokens and nothing else."""
    writer = GGUFWriter(path, "llama")
    for name, number in ids.items():
        writer.add_uint32(f"tokenizer.ggml.{name}_token_id", number)
    writer.add_token_list(tokens)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def test_the_wanted_tokens_are_read(tmp_path: Path) -> None:
    model = tinygguf.write_model(tmp_path / "m.gguf")
    assert token_texts(model, ["eos_token", "unk_token"]) == {
        "eos_token": "</s>",
        "unk_token": "<unk>",
    }
    assert token_texts(model, ["pad_token"]) == {}
    assert token_texts(model, []) == {}


def test_an_id_may_come_before_the_list_and_be_its_last(tmp_path: Path) -> None:
    path = vocabulary(tmp_path / "v.gguf", ["a", "b", "<|end▁of▁text|>"], eos=2, padding=3)
    assert token_texts(path, ["eos_token", "pad_token"]) == {"eos_token": "<|end▁of▁text|>"}


def test_a_token_that_is_too_long_is_left_out(tmp_path: Path) -> None:
    path = vocabulary(tmp_path / "v.gguf", ["a", "x" * (MAX_TOKEN + 1)], eos=1)
    assert token_texts(path, ["eos_token"]) == {}


def test_damaged_files_are_typed_errors(tmp_path: Path) -> None:
    path = vocabulary(tmp_path / "v.gguf", ["a", "b"], eos=1)
    whole = path.read_bytes()
    for length in range(8, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            token_texts(path, ["eos_token"])
    path.write_bytes(whole[:16] + struct.pack("<Q", 2**40) + whole[24:])
    with pytest.raises(ModelError, match="metadata keys"):
        token_texts(path, ["eos_token"])
    with pytest.raises(ModelError):
        token_texts(tmp_path / "none.gguf", ["eos_token"])
