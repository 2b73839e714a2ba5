"""Packs and official data for the prompt tests."""

import os
from pathlib import Path

import pytest

from urial_tui.prompts.pack_types import Example, Format, Pack
from urial_tui.prompts.types import Turn

DATA = os.environ.get("URIAL_TUI_TEST_DATA")
OFFICIAL = Path(DATA) / "urial_prompts" if DATA else None

needs_official_data = pytest.mark.skipif(
    OFFICIAL is None or not OFFICIAL.is_dir(),
    reason="URIAL_TUI_TEST_DATA names no folder with urial_prompts/ and official_renders_sample.json",
)

MINIMAL = 'id = "mine"\nname = "Mine"\nversion = "1"\nlanguage = "en"\n'


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def pack(**changes: object) -> Pack:
    """A small correct pack, with changes."""
    values: dict[str, object] = {
        "id": "mine",
        "name": "Mine",
        "version": "1",
        "language": "en",
        "license": "MIT",
        "description": "For tests.",
        "system": 'Questions under "# Query:" and replies under "# Answer:".',
        "examples": (Example("Who?", "Me."), Example("When?", "Now.")),
        "format": Format(),
    }
    return Pack(**(values | changes))  # type: ignore[arg-type]


def turns(*texts: str) -> list[Turn]:
    return [Turn("assistant" if number % 2 else "user", text) for number, text in enumerate(texts)]
