"""Which other version of an answer to compare with: their beginnings, nothing of who wrote them."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from urial_tui.store.types import Message
from urial_tui.ui.screens.dialog import Dialog, line_of


class VersionPicker(Dialog[str]):
    """Chooses one of several answers; the answer is its id."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["../screens/dialog.tcss", "pickers.tcss"]

    def __init__(self, versions: Sequence[Message]) -> None:
        super().__init__()
        self._versions = versions

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield OptionList(
                *(
                    Option(
                        line_of(
                            " ".join(one.content[:400].split()),
                            (f"  {len(one.content.split())} words", "dim"),
                        ),
                        id=str(number),
                    )
                    for number, one in enumerate(self._versions)
                ),
                id="versions",
                markup=False,
            )
        box.border_title = Content("Compare with which version?")
        box.border_subtitle = Content("Enter chooses, Esc closes")

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._versions[int(event.option_id or 0)].id)
