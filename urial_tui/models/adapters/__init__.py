"""The adapters that ship with the program, by the model that they are for and the name that a SIDE has for them.

Their files are beside this one, with their model card and licence notice. Nothing is read here.
"""

from pathlib import Path
from typing import Final

from urial_tui.sides import DEMO

SFT: Final = "sft"
"""`demo+sft`: the embedded base model, fine-tuned to answer instructions."""

_FOLDER: Final = Path(__file__).resolve().parent
_FILES: Final = {(DEMO, SFT): "gemma-3-270m-sft-lora.gguf"}
_SHA256: Final = {
    "gemma-3-270m-sft-lora.gguf": "fedb00d6f9746a233e80bcb609de897b6aba73e9ba794fe259626bc2184eaca2"
}


def shipped(model: str, adapter: str) -> Path | None:
    """The file of `adapter` for `model` as a SIDE names both; None where no such adapter ships."""
    name = _FILES.get((model, adapter))
    return _FOLDER / name if name else None


def shipped_names(model: str) -> tuple[str, ...]:
    """The names that can follow `model` and a plus sign without any file being fetched."""
    return tuple(adapter for known, adapter in _FILES if known == model)


def is_shipped(path: Path) -> bool:
    return path.parent == _FOLDER


def shipped_sha256(path: Path) -> str | None:
    """The hash that a file of this folder must have; None for any other file."""
    return _SHA256.get(path.name) if is_shipped(path) else None
