"""Which other version of an answer to compare with: their beginnings, nothing of who wrote them."""

from collections.abc import Sequence
from typing import ClassVar

from textual.types import CSSPathType

from urial_tui.store.types import Message
from urial_tui.ui.screens.dialog import ChooseOne, line_of


class VersionPicker(ChooseOne[str]):
    """Chooses one of several answers; the answer is its id."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["../screens/dialog.tcss", "pickers.tcss"]

    def __init__(self, versions: Sequence[Message]) -> None:
        lines = [
            line_of(
                " ".join(one.content[:400].split()),
                (f"  {len(one.content.split())} words", "dim"),
            )
            for one in versions
        ]
        super().__init__(
            "Compare with which version?",
            [(line, one.id) for line, one in zip(lines, versions, strict=True)],
        )
