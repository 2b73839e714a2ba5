"""The side picker: models that are on this machine, and one line where any SIDE can be written."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize_line
from urial_tui.sides import CHAT, RAW, ZERO_SHOT, parse_side
from urial_tui.ui.background import run_latest
from urial_tui.ui.screens.dialog import Dialog, line_of, problem_text
from urial_tui.ui.services import ModelChoice
from urial_tui.ui.side_suggester import SideSuggester


class SidePicker(Dialog[str]):
    """Chooses what writes the answers; the answer is SIDE notation that parses."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "sides.tcss"]

    def __init__(
        self,
        current: str,
        list_models: Callable[[], Awaitable[Sequence[ModelChoice]]],
        check: Callable[[str], None] | None = None,
        packs: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._current = current
        self._list_models = list_models
        self._check = check
        self._models: list[ModelChoice] = []
        self._suggester = SideSuggester([RAW, ZERO_SHOT, CHAT, *packs])

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield Static("Looking for models…", id="loading")
            yield OptionList(id="models", markup=False)
            yield Static(
                "Side: MODEL[+ADAPTER[:SCALE]][@STYLE]. Styles: raw, zero-shot, chat, or a pack's id.",
                classes="note",
                markup=False,
            )
            yield Input(
                self._clean(),
                id="side",
                placeholder="demo@urial-general",
                suggester=self._suggester,
            )
            yield Static("", classes="problem")
        box.border_title = Content("Model and style")
        box.border_subtitle = Content(
            "Enter chooses, Tab moves to the line, Esc leaves it as it is"
        )

    def _clean(self) -> str:
        """The side in use, unless it has characters that cannot be shown as they are."""
        return self._current if sanitize_line(self._current, 1000) == self._current else ""

    def on_mount(self) -> None:
        self.query_one("#models").display = False
        self.query_one("#side", Input).focus()
        run_latest(self, self._fill, "models")

    async def _fill(self) -> None:
        loading = self.query_one("#loading", Static)
        try:
            self._models = list(await self._list_models())
            self._suggester.know([model.side for model in self._models])
        except UrialError as error:
            loading.update(Content(sanitize_line(problem_text(error), 400)))
            return
        if not self._models:
            loading.update("No models were found; write a path below.")
            return
        loading.display = False
        width = max(len(sanitize_line(model.name, 40)) for model in self._models)
        models = self.query_one("#models", OptionList)
        models.add_options(
            Option(
                line_of(sanitize_line(model.name, 40).ljust(width), (f"  {model.detail}", "dim")),
                id=str(index),
            )
            for index, model in enumerate(self._models)
        )
        models.display = True
        models.highlighted = 0
        if self.query_one("#side", Input).value == self._current:
            models.focus()

    @on(OptionList.OptionSelected)
    def take_model(self, event: OptionList.OptionSelected) -> None:
        """The chosen model, with the style that is in the line now."""
        model = self._models[int(event.option_id or 0)]
        line = self.query_one("#side", Input)
        try:
            style = parse_side(line.value).style
            side = str(parse_side(model.side).with_style(style))
        except UrialError:
            side = model.side
        line.value = side
        self._finish(side)

    @on(Input.Changed)
    def forget_problem(self) -> None:
        self.show_problem("")

    @on(Input.Submitted)
    def take_line(self, event: Input.Submitted) -> None:
        self._finish(event.value)

    def _finish(self, text: str) -> None:
        try:
            side = str(parse_side(text))
            if self._check is not None:
                self._check(side)
        except UrialError as error:
            self.show_problem(problem_text(error))
            self.query_one("#side", Input).focus()
            return
        self.dismiss(side)
