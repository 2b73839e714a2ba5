"""What a prompt pack is once it has been read: plain values. Reading is `pack_file`, rendering is `render`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Source = Literal["builtin", "user", "file"]


@dataclass(frozen=True)
class Example:
    """One query and the answer that shows the model how to answer. Texts without headings or fences."""

    query: str
    answer: str


@dataclass(frozen=True)
class Format:
    """The scaffold around texts; the defaults are the official fenced form. `docs/packs.md` says how they are used.

    One block is `before_heading + heading + after_heading + fence NL text NL fence + after_block`; an empty `fence`
    leaves both fence lines out. `after_examples` stands in for `after_block` after the last example.
    """

    system_heading: str = "# Instruction"
    query_heading: str = "# Query:"
    answer_heading: str = "# Answer:"
    fence: str = "```"
    after_system: str = "\n"
    before_heading: str = "\n"
    after_heading: str = "\n"
    after_block: str = "\n"
    after_examples: str | None = None
    stops: tuple[str, ...] | None = None

    def stop_texts(self) -> tuple[str, ...]:
        """The texts that end an answer: as given, else either heading at the start of a line."""
        if self.stops is not None:
            return self.stops
        return ("\n" + self.query_heading, "\n" + self.answer_heading)


@dataclass(frozen=True)
class Pack:
    """A prompt pack. `hash` is the sha256 (hex) of the file's bytes; `defaults` has the names of engine Sampling
    fields, and `max_tokens`."""

    id: str
    name: str
    version: str
    language: str
    license: str
    description: str
    system: str
    examples: tuple[Example, ...]
    format: Format = field(default_factory=Format)
    defaults: dict[str, float | int] = field(default_factory=dict)
    hash: str = ""
    path: Path | None = None
    source: Source = "file"
