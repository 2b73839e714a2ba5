"""What is known of a model or adapter in the library, as lists, pages and pairs need it. Values only.

Texts are as the file has them: sanitise to show.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Role = Literal["base", "chat", "unknown"]


@dataclass(frozen=True)
class ModelFacts:
    """One model or adapter. 0, "" and None mean that it is not known."""

    name: str
    """What SIDE notation calls it, unique in the library: `demo`, `demo+sft`, `SmolLM2-135M-Instruct-Q4_1`."""
    path: Path
    source: str
    """Where it was found, in words: `embedded`, `Hugging Face cache`, ..."""
    size: int
    """Bytes on disk, all parts together."""
    kind: str = ""
    """`model`, `adapter`, or another word from the header; empty where the header could not be read."""
    title: str = ""
    architecture: str = ""
    size_label: str = ""
    n_params: int = 0
    quantization: str = ""
    context_length: int = 0
    tokenizer: str = ""
    n_vocab: int = 0
    has_template: bool = False
    license: str = ""
    base_model: str = ""
    """The model that it was made from, as the file or the hub names it."""
    role: Role = "unknown"
    role_reason: str = ""
    """Why `role` was guessed, in words: `no chat template`, `"instruct" in its name`."""
    parts: int = 1
    missing_parts: int = 0
    sha256: str | None = None
    vocabulary: str | None = None
    """Fingerprint of the vocabulary (`models.vocabulary`), once it was computed."""
    also: tuple[Path, ...] = field(default=(), repr=False)
    """Other places of the same file."""
    problem: str = ""
    """Why it cannot be used, in words: a damaged header, missing parts, an embedded model that is not installed."""

    @property
    def is_model(self) -> bool:
        return self.kind == "model" and not self.problem


@dataclass(frozen=True)
class Partner:
    """A side that can be compared with a model, and how: SIDE notation of a generator and its references."""

    name: str
    """The other model or adapter, as the library calls it."""
    generator: str
    references: tuple[str, ...]
    reason: str
    """In words: `same vocabulary, 262,144 tokens; base and chat of gemma-3-270m`."""
    likely: bool
    """A base and a model aligned from it, as far as names and headers tell."""


@dataclass(frozen=True)
class Verification:
    """Whether a file is what it should be. `expected` None: nothing says what its sha256 should be."""

    name: str
    sha256: str
    expected: str | None
    source: str
    """Who says what is expected: `the hub`, `its name in Ollama's store`, `this program`, ..."""

    @property
    def ok(self) -> bool | None:
        return None if self.expected is None else self.sha256 == self.expected
