"""The side picker: models that are on this machine, and one line where any SIDE can be written. It tells what a side
needs, asks before one is taken that does not fit, and leads to the library.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize_line
from urial_tui.sides import CHAT, RAW, ZERO_SHOT, Side, parse_side
from urial_tui.ui.background import run_latest
from urial_tui.ui.library.words import VERDICT_LOOKS
from urial_tui.ui.screens.dialog import Dialog, line_of, problem_text
from urial_tui.ui.screens.fitting import although
from urial_tui.ui.services import ModelChoice
from urial_tui.ui.side_suggester import SideSuggester

if TYPE_CHECKING:
    from urial_tui.models.fit import Fit


LIBRARY = ""
"""The answer of a user who wants to see the library instead: no SIDE."""

Fits = Callable[[str], Awaitable["Fit"]]


class SidePicker(Dialog[str]):
    """Chooses what writes the answers; the answer is SIDE notation that parses, or LIBRARY."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "sides.tcss"]
    TITLE_WORDS = "Model and style"
    LEADS_TO_LIBRARY = True
    STARTS_IN_LINE = False
    """Whether the line comes first: it keeps the cursor where a side is in it, and its style goes with every model."""

    def __init__(
        self,
        current: str,
        list_models: Callable[[], Awaitable[Sequence[ModelChoice]]],
        check: Callable[[str], None] | None = None,
        packs: Sequence[str] = (),
        fit: Fits | None = None,
    ) -> None:
        """`fit` tells what a side needs and what is free; with it there is a library to look at, too."""
        super().__init__()
        self._fit = fit
        self._current = current
        self._list_models = list_models
        self._check = check
        self._models: list[ModelChoice] = []
        self._put = self._clean()
        """What the picker wrote into the line; the rest was written by the user."""
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
                self._put,
                id="side",
                placeholder="MODEL[+ADAPTER][@STYLE]",
                suggester=self._suggester,
            )
            yield Static("", id="need", markup=False)
            yield Static("", classes="problem")
        box.border_title = Content(self.TITLE_WORDS)
        box.border_subtitle = Content("Enter chooses, Tab to the line, Esc leaves it as it is")

    def _clean(self) -> str:
        """The side in use, unless it has characters that cannot be shown as they are."""
        return self._current if sanitize_line(self._current, 1000) == self._current else ""

    def on_mount(self) -> None:
        self.query_one("#models").display = False
        self.query_one("#need").display = self._fit is not None
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
        if not self._models and self._fit is None:
            loading.update("No models were found; write a path below.")
            return
        loading.display = False
        width = max((len(sanitize_line(model.name, 40)) for model in self._models), default=0)
        models = self.query_one("#models", OptionList)
        models.add_options(
            Option(
                line_of(sanitize_line(model.name, 40).ljust(width), (f"  {model.detail}", "dim")),
                id=str(index),
            )
            for index, model in enumerate(self._models)
        )
        if self._fit is not None and self.LEADS_TO_LIBRARY:
            models.add_option(
                Option(line_of("All of them, with details and downloads…"), id="library")
            )
        models.display = True
        models.highlighted = 0
        in_line = self.STARTS_IN_LINE and bool(self._current)
        if self.query_one("#side", Input).value == self._current and not in_line:
            models.focus()

    @on(OptionList.OptionSelected)
    def take_model(self, event: OptionList.OptionSelected) -> None:
        """The chosen model, in the style that suits it."""
        if event.option_id == "library":
            self.dismiss(LIBRARY)
            return
        side = self._side_of(event.option_id)
        self._put = side
        self.query_one("#side", Input).value = side
        self._finish(side)

    def _side_of(self, option_id: str | None) -> str:
        """An entry as a side: in the style of the line where it suits or the user wrote it, else in the entry's own."""
        model = self._models[int(option_id or 0)]
        try:
            line = parse_side(self.query_one("#side", Input).value)
            chosen = parse_side(model.side)
        except UrialError:
            return model.side
        written = self.STARTS_IN_LINE or line.style != _style_in(self._put)
        if written or _style_suits(line, chosen):
            return str(chosen.with_style(line.style))
        return model.side

    @on(OptionList.OptionHighlighted)
    def look_at_model(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_id != "library":
            self._show_need(self._side_of(event.option_id))
        else:
            self._say_need("")

    # --- what it needs ----------------------------------------------------------------------

    def _show_need(self, side: str) -> None:
        if self._fit is not None:
            run_latest(self, partial(self._find_need, side), "need")

    async def _find_need(self, side: str) -> None:
        """Say what the side needs; nothing of one that cannot be used, which is said when it is chosen."""
        fit = await self._fit_of(side)
        if fit is None:
            self._say_need("")
            return
        from urial_tui.models.fit import in_words

        known = fit.verdict != "unknown"
        words = f"{fit.verdict}: {in_words(fit)}" if known else in_words(fit)
        self._say_need(words, VERDICT_LOOKS[fit.verdict])

    async def _fit_of(self, side: str) -> "Fit | None":
        try:
            return await self._fit(side) if self._fit is not None else None
        except UrialError:
            return None

    def _say_need(self, words: str, look: str = "") -> None:
        need = self.query_one("#need", Static)
        need.update(Content(sanitize_line(words, 200)))
        need.set_class(look == "bad", "-bad")
        need.set_class(look == "warn", "-warn")

    # --- the end ----------------------------------------------------------------------------

    @on(Input.Changed)
    def forget_problem(self, event: Input.Changed) -> None:
        self.show_problem("")
        if event.input.has_focus:
            self._show_need(event.value)

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
        if self._fit is None:
            self.dismiss(side)
        else:
            run_latest(self, partial(self._leave_with, side), "leave")

    async def _leave_with(self, side: str) -> None:
        """With that side, unless it does not fit and the user does not want it then."""
        fit = await self._fit_of(side)
        if fit is None or await although(cast(App[object], self.app), fit, 1):
            self.dismiss(side)


def _style_in(text: str) -> str | None:
    """The style of a side; None where it names none or is no side."""
    try:
        return parse_side(text).style
    except UrialError:
        return None


def _style_suits(line: Side, chosen: Side) -> bool:
    """Whether the style of one side is kept for another: a prompt that makes a base model answer is, from one to the
    next. With an adapter comes its chat template, and `chat` is what a side with a template has by itself.
    """
    return line.adapter is None and chosen.adapter is None and line.style != CHAT
