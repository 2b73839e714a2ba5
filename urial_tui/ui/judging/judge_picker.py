"""Which side judges an answer, and with which rubric: the side picker with the usual judge in its line."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Input, OptionList, Static

from urial_tui.errors import UrialError
from urial_tui.judge.rubric_types import Rubric
from urial_tui.safetext import sanitize_line
from urial_tui.sides import parse_side
from urial_tui.ui.screens.sides import Fits, SidePicker
from urial_tui.ui.services import ModelChoice

OWN = "It wrote this answer: a model may favour its own."


class JudgePicker(SidePicker):
    """The answer is SIDE notation; `rubric` is the chosen one."""

    CSS_PATH: ClassVar[CSSPathType | None] = [
        "../screens/dialog.tcss",
        "../screens/sides.tcss",
        "pickers.tcss",
    ]
    TITLE_WORDS = "Who judges this answer?"
    LEADS_TO_LIBRARY = False
    STARTS_IN_LINE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "next_rubric", "Rubric", id="judge-picker.rubric"),
    ]

    def __init__(
        self,
        current: str,
        rubrics: Sequence[Rubric],
        list_models: Callable[[], Awaitable[Sequence[ModelChoice]]],
        check: Callable[[str], None] | None = None,
        packs: Sequence[str] = (),
        fit: Fits | None = None,
        written_by: str = "",
    ) -> None:
        """`written_by` is the side that wrote the answer: another model is proposed, where there is one."""
        super().__init__(current, list_models, check, packs, fit)
        self._rubrics = tuple(rubrics)
        self._number = 0
        self._author = _model(written_by)

    @property
    def rubric(self) -> Rubric:
        return self._rubrics[self._number]

    def on_mount(self) -> None:
        super().on_mount()
        box = self.query_one(".box", Vertical)
        if self._author:
            name = sanitize_line(self._author.rpartition("/")[2], 40)
            box.border_title = Content(f"{self.TITLE_WORDS} {name} wrote it")
        box.mount(Static("", id="rubric", markup=False), before="#need")
        self._say_rubric()

    async def _fill(self) -> None:
        await super()._fill()
        if not self._author:
            return
        for number, model in enumerate(self._models):
            if _model(model.side) != self._author:
                self._propose(number)
                break

    def _propose(self, number: int) -> None:
        self.query_one("#models", OptionList).highlighted = number
        line = self.query_one("#side", Input)
        if line.value == self._current and _model(line.value) == self._author:
            line.value = self._side_of(str(number))

    def action_next_rubric(self) -> None:
        self._number = (self._number + 1) % len(self._rubrics)
        self._say_rubric()

    def _say_rubric(self) -> None:
        more = "  (F2: another)" if len(self._rubrics) > 1 else ""
        words = f"Rubric: {self.rubric.id}, {self.rubric.name}{more}"
        self.call_after_refresh(self._write_rubric, sanitize_line(words, 200))

    def _write_rubric(self, words: str) -> None:
        self.query_one("#rubric", Static).update(Content(words))

    async def _find_need(self, side: str) -> None:
        await super()._find_need(side)
        if self._author and _model(side) == self._author:
            self._say_need(OWN, "warn")


def _model(side: str) -> str:
    try:
        return parse_side(side).model if side else ""
    except UrialError:
        return ""
