"""What a rubric is once it has been read: plain values. Reading is `rubric_file`, finding `rubrics`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from urial_tui.store.judging.types import RubricRef

Kind = Literal["score", "pairwise"]
Source = Literal["builtin", "user", "file"]

N_LEVELS = 5
SCORES = tuple(str(n) for n in range(1, N_LEVELS + 1))
NA = "N/A"
CHOICES = ("A", "B", "tie")


@dataclass(frozen=True)
class Aspect:
    """One thing that is judged. `levels` says what each score means, 1 to 5; a pairwise rubric has none. `na`: the
    judge may say that it does not apply."""

    id: str
    name: str
    question: str
    levels: tuple[str, ...] = ()
    na: bool = False


@dataclass(frozen=True)
class Rubric:
    """`instructions` stand before the aspects, `closing` after the texts to judge. A reason may have `reason_chars`
    characters. `hash` is the sha256 (hex) of the file's bytes."""

    id: str
    version: int
    kind: Kind
    name: str
    description: str
    instructions: str
    closing: str
    aspects: tuple[Aspect, ...]
    reason_chars: int
    hash: str
    path: Path | None = None
    source: Source = "file"

    @property
    def ref(self) -> RubricRef:
        """How a judgement names it."""
        return RubricRef(self.id, self.version, self.hash)

    def options(self, aspect: Aspect) -> tuple[str, ...]:
        """What the judge may choose from."""
        if self.kind == "pairwise":
            return CHOICES
        return (*SCORES, NA) if aspect.na else SCORES
