"""One compared answer: `shifting` makes it, or a stored trace is read as one; pages and rows of `exchange` show it."""

from dataclasses import dataclass, field
from typing import Any

from urial_tui.errors import UrialError
from urial_tui.prompts.types import Turn
from urial_tui.shift.records import TokenScore
from urial_tui.store.types import TraceSide

GIVEN = "given"
"""Finish reason of an answer that was not generated."""


@dataclass(frozen=True)
class ShiftResult:
    """One compared answer. `raw` has each token's bytes, `scores` one record a token, in order.

    `visible` is how many bytes of the last token belong to the answer (a stop text may begin inside it). `errors` has
    one entry a reference: why its scores are missing, where they are. `finish_reason` is the engine's, or GIVEN.
    """

    query: tuple[Turn, ...]
    raw: tuple[bytes, ...]
    scores: tuple[TokenScore, ...]
    pieces: dict[int, bytes]
    visible: int
    generator: TraceSide | None
    references: tuple[TraceSide, ...]
    warnings: tuple[tuple[str, ...], ...]
    errors: tuple[UrialError | None, ...]
    finish_reason: str
    top_k: int
    vocabulary: str
    n_common: tuple[int, ...]
    timings: dict[str, float | int]
    sampling: dict[str, Any] | None
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[bytes, ...]:
        """Each token's bytes that are text of the answer: none of a control token, part of one that was cut."""
        return tuple(
            b"" if score.control else raw[: self.visible] if score.cut else raw
            for raw, score in zip(self.raw, self.scores, strict=True)
        )

    @property
    def text(self) -> str:
        return b"".join(self.shown).decode("utf-8", "replace")
