"""Writes tiny GGUF models and LoRA adapters for the tests: llama architecture, 512 tokens.

A model has seeded random float32 weights and takes about half a megabyte and a few milliseconds to
write and to load. The same arguments give the same file. Every tensor has its own random stream and
token rows are drawn in order of id, so that a longer vocabulary or a changed token leaves every
other weight as it was. Only tests use this module; it needs the `gguf` package (extra `dev`).
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

UNK, BOS, EOS = 0, 1, 2
FIRST_BYTE = 3
"""The id of the token for byte 0; byte b has the id FIRST_BYTE + b."""
IM_START, IM_END, END_OF_TEXT = 259, 260, 261
"""Control tokens. llama.cpp takes `<|im_end|>` and `<|endoftext|>`, beside EOS, as EOG."""

SPACE = "\u2581"
"""How a SentencePiece vocabulary writes a space."""

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_CONTROL = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
_WORDS = (
    *("the", "walk", "day", "every", "good", "is", "of", "and", "to", "benefits", "hello", "help"),
    *("user", "answer", "query", "what", "are", "in", "a", "haiku", "sea", "some", "here", "you"),
    *("can", "we", "not"),
)
_MULTI_BYTE = ("世界", "日本", *"éüñ—世界日本😀👍èàßпри")
_MERGED = ("``", "```", "##", "th", "er", "on", "an", "re", "he", "in", "st", "ing", "ng")


@dataclass(frozen=True)
class TinyShape:
    """Dimensions of the network; a model and its adapter must be written with the same one."""

    n_layers: int = 2
    n_embd: int = 64
    n_head: int = 4
    n_head_kv: int = 2
    n_ff: int = 96

    @property
    def head_dim(self) -> int:
        return self.n_embd // self.n_head

    def matrices(self) -> dict[str, tuple[int, int]]:
        """Name -> (rows out, columns in) of every layer matrix, in GGUF naming."""
        kv = self.n_head_kv * self.head_dim
        each = {
            "attn_q": (self.n_embd, self.n_embd),
            "attn_k": (kv, self.n_embd),
            "attn_v": (kv, self.n_embd),
            "attn_output": (self.n_embd, self.n_embd),
            "ffn_gate": (self.n_ff, self.n_embd),
            "ffn_up": (self.n_ff, self.n_embd),
            "ffn_down": (self.n_embd, self.n_ff),
        }
        return {
            f"blk.{layer}.{name}.weight": shape
            for layer in range(self.n_layers)
            for name, shape in each.items()
        }


TINY = TinyShape()


@dataclass(frozen=True)
class TinyToken:
    """One vocabulary entry: the text as the GGUF stores it, its score and its type."""

    text: str
    score: float
    type: TokenType


def vocabulary(
    extra: Sequence[str] = (),
    changed: Mapping[int, str] | None = None,
    size: int = 512,
    words: Sequence[str] = (),
) -> list[TinyToken]:
    """The vocabulary: specials, 256 bytes, control tokens, characters, pieces of words, filler.

    `extra` adds control tokens after the `size` first ones (an aligned model's tail), `words` ordinary
    ones; `changed` gives other texts to some ids. Every word is reached by merging from its first character on.
    """
    tokens = [
        TinyToken("<unk>", 0.0, TokenType.UNKNOWN),
        TinyToken("<s>", 0.0, TokenType.CONTROL),
        TinyToken("</s>", 0.0, TokenType.CONTROL),
    ]
    tokens += [TinyToken(f"<0x{byte:02X}>", 0.0, TokenType.BYTE) for byte in range(256)]
    tokens += [TinyToken(text, 0.0, TokenType.CONTROL) for text in _CONTROL]
    pieces: dict[str, None] = dict.fromkeys([SPACE, *(chr(code) for code in range(33, 127))])
    pieces |= dict.fromkeys(_MULTI_BYTE)
    pieces |= dict.fromkeys(_MERGED)
    for word in _WORDS:
        marked = SPACE + word
        pieces |= dict.fromkeys(marked[:end] for end in range(1, len(marked) + 1))
    room = size - len(tokens)
    tokens += [
        TinyToken(text, -float(rank), TokenType.NORMAL)
        for rank, text in enumerate(list(pieces)[:room])
    ]
    tokens += [
        TinyToken(f"{SPACE}filler{i}", -1000.0 - i, TokenType.NORMAL)
        for i in range(size - len(tokens))
    ]
    tokens += [TinyToken(text, 0.0, TokenType.CONTROL) for text in extra]
    tokens += [TinyToken(text, -2000.0, TokenType.NORMAL) for text in words]
    for token_id, text in (changed or {}).items():
        old = tokens[token_id]
        tokens[token_id] = TinyToken(text, old.score, old.type)
    return tokens


def _weights(seed: int, name: str, shape: tuple[int, ...], scale: float) -> np.ndarray:
    stream = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return (stream.standard_normal(shape) * scale).astype(np.float32)  # `shape` float32


def write_model(
    path: Path,
    *,
    seed: int = 0,
    n_ctx: int = 512,
    shape: TinyShape = TINY,
    extra_tokens: Sequence[str] = (),
    extra_words: Sequence[str] = (),
    changed_tokens: Mapping[int, str] | None = None,
    chat_template: str | None = None,
    name: str = "tiny",
    sharpness: float = 3.0,
    eog_scale: float = 0.0,
    space_prefix: bool = False,
) -> Path:
    """Write a model to `path` and return it.

    `n_ctx` is the training length in the metadata. `sharpness` is the standard deviation of the
    logits. `eog_scale` multiplies the output rows of EOS, `<|im_end|>` and `<|endoftext|>`: 0 makes
    their logits exactly 0, far from the top, so that greedy answers run to their limit; 1 leaves
    them random like the others. `space_prefix` has the tokeniser put a space before a text.
    """
    vocab = vocabulary(extra_tokens, changed_tokens, words=extra_words)
    writer = GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_size_label("100K")
    writer.add_license("apache-2.0")
    writer.add_file_type(0)
    writer.add_context_length(n_ctx)
    writer.add_block_count(shape.n_layers)
    writer.add_embedding_length(shape.n_embd)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_head_count(shape.n_head)
    writer.add_head_count_kv(shape.n_head_kv)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(vocab))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token.text for token in vocab])
    writer.add_token_scores([token.score for token in vocab])
    writer.add_token_types([token.type for token in vocab])
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(EOS)
    writer.add_unk_token_id(UNK)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(space_prefix)
    if chat_template is not None:
        writer.add_chat_template(chat_template)

    n_vocab, n_embd = len(vocab), shape.n_embd
    # (n_vocab, n_embd) float32
    output = _weights(seed, "output", (n_vocab, n_embd), sharpness / n_embd**0.5)
    output[[EOS, IM_END, END_OF_TEXT]] *= eog_scale
    writer.add_tensor("token_embd.weight", _weights(seed, "token_embd", (n_vocab, n_embd), 1.0))
    writer.add_tensor("output_norm.weight", np.ones(n_embd, np.float32))
    writer.add_tensor("output.weight", output)
    for layer in range(shape.n_layers):
        writer.add_tensor(f"blk.{layer}.attn_norm.weight", np.ones(n_embd, np.float32))
        writer.add_tensor(f"blk.{layer}.ffn_norm.weight", np.ones(n_embd, np.float32))
    for tensor, (rows, columns) in shape.matrices().items():
        writer.add_tensor(tensor, _weights(seed, tensor, (rows, columns), 1.5 / columns**0.5))
    _write(writer)
    return path


def write_adapter(
    path: Path,
    *,
    seed: int = 1,
    rank: int = 4,
    alpha: float = 8.0,
    strength: float = 0.5,
    shape: TinyShape = TINY,
    targets: Sequence[str] = ("attn_q", "attn_v", "ffn_down"),
    architecture: str = "llama",
    chat_template: str | None = None,
    name: str = "tiny-lora",
) -> Path:
    """Write a LoRA adapter for a model of the same `shape`; applied as W + alpha / rank * B @ A.

    `strength` is the standard deviation of both factors; 0 makes it change nothing.
    """
    writer = GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    writer.add_name(name)
    writer.add_file_type(0)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    for tensor, (rows, columns) in shape.matrices().items():
        if tensor.split(".")[2] in targets:
            factor_a = _weights(seed, tensor + "a", (rank, columns), strength)  # (rank, columns)
            factor_b = _weights(seed, tensor + "b", (rows, rank), strength)  # (rows, rank)
            writer.add_tensor(f"{tensor}.lora_a", factor_a)
            writer.add_tensor(f"{tensor}.lora_b", factor_b)
    _write(writer)
    return path


def _write(writer: GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
