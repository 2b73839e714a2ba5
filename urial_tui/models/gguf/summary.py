"""What the header of a GGUF file says, as values: `header` reads them, `checks` holds them to each other."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Tensor(NamedTuple):
    """A tensor as the header lists it; `shape` in ggml's order, the fastest dimension first."""

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    n_bytes: int


@dataclass(frozen=True)
class GgufHeader:
    """What a GGUF file says about itself. 0, "" and None mean that it does not say."""

    path: Path
    version: int
    kind: str
    """`model`, `adapter`, `vocabulary`, or another word from `general.type`, such as `mmproj`."""
    architecture: str
    name: str
    size_label: str
    license: str
    quantization: str
    context_length: int
    n_layers: int
    n_embd: int
    n_head: int
    kv_heads: tuple[int, ...]
    """Key/value heads of each layer."""
    key_length: int
    value_length: int
    n_vocab: int
    tokenizer: str
    has_chat_template: bool
    chat_template: str | None = field(repr=False)
    sliding_window: int
    sliding_pattern: int
    """Every so many layers one sees the whole context; 0 where the file does not say."""
    adapter_type: str
    lora_alpha: float | None
    split_no: int
    split_count: int
    n_params: int
    weight_bytes: int
    tensors: tuple[Tensor, ...] = field(repr=False)
    base_model: str = ""
    """What it was made from: `OWNER/REPO` where the file gives the hub's address, else a name."""
    finetune: str = ""
    """What `general.finetune` calls the training that came after the base, such as `Instruct`."""
    experts_used: int = 0
    """Experts that one token goes through; 0 where there are none."""

    @property
    def display_name(self) -> str:
        return self.name or self.path.stem
