"""The first screen of the first run: three ways to a model. Nothing is loaded before one is chosen.

Its answer is the side to begin with; None: the user left without one. The library and the hub open in front of it and
give their own answer (see `chat_models`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from urial_tui.errors import ModelError, UrialError
from urial_tui.models.demo import SIZE
from urial_tui.models.facts import ModelFacts
from urial_tui.safetext import sanitize
from urial_tui.sides import DEMO, Side
from urial_tui.ui.background import run_latest
from urial_tui.ui.keymap import up_and_down
from urial_tui.ui.library.words import size_words
from urial_tui.ui.path_input import PathInput
from urial_tui.ui.screens.dialog import problem_text
from urial_tui.ui.screens.fitting import wanted
from urial_tui.ui.screens.leaving import LeavesOnce
from urial_tui.ui.widgets.hint_bar import HintBar

if TYPE_CHECKING:
    from urial_tui.models.desk import ModelDesk

INTRO = (
    "urial-tui lets untuned base models chat, and shows token by token what alignment changes. "
    "It runs on this machine alone. Which model is to write the answers?"
)


class WelcomeScreen(LeavesOnce[str | None]):
    """See the module."""

    AUTO_FOCUS = "#ways"
    CSS_PATH: ClassVar[CSSPathType | None] = "welcome.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "back",
            "Skip",
            tooltip="Take the embedded model, if it is installed",
            id="welcome.skip",
        ),
        Binding("up", "to_ways", "To the list", show=False),
    ]

    def __init__(
        self,
        desk: ModelDesk | None,
        *,
        check: Callable[[str], None] | None = None,
        open_models: Callable[[], None],
        open_hub: Callable[[], None],
    ) -> None:
        """`check` raises UrialError for a side that cannot be used; it is called in a thread."""
        super().__init__()
        self._desk = desk
        self._check = check
        self._open_models, self._open_hub = open_models, open_hub
        self._n_found = 0

    def compose(self) -> ComposeResult:
        with Vertical(id="middle"), Vertical(id="welcome-box") as box:
            yield Static(INTRO, id="intro")
            yield OptionList(*self._options(), id="ways", markup=False)
            with Vertical(id="file"):
                yield Static("The path of a GGUF file; Tab completes, Enter takes it:", id="ask")
                yield PathInput(placeholder="~/models/model.gguf", id="path")
            yield Static("", id="problem", markup=False)
        box.border_title = Content("Welcome")
        skipping = "goes on without a model" if self.demo_problem else "takes the first"
        box.border_subtitle = Content(f"{up_and_down()} move, Enter chooses, Esc {skipping}")
        yield HintBar(lambda binding: False, id="hints")

    # --- the ways ---------------------------------------------------------------------------

    @property
    def demo_problem(self) -> str:
        return self._desk.demo_problem if self._desk is not None else ""

    def _options(self) -> list[Option]:
        problem = self.demo_problem
        demo = problem or f"Gemma 3 270M, {size_words(SIZE)}: at once and offline, but small"
        ways = [
            ("demo", "The embedded base model", demo),
            ("file", "A GGUF file on this machine", "Write its path"),
        ]
        if self._n_found:
            found = "1 was" if self._n_found == 1 else f"{self._n_found} were"
            ways.append(
                ("library", "A model from the library", f"{found} found in the usual places")
            )
        if self._desk is not None:
            ways.append(
                (
                    "hub",
                    "Download a pair",
                    "A base model and one aligned from it, for 8, 16 or 32 GB",
                )
            )
        return [Option(self._prompt(title, about), id=id) for id, title, about in ways]

    def _prompt(self, title: str, about: str) -> Content:
        return Content("\n").join(
            [Content.styled(title, "bold"), Content.styled(sanitize(f"  {about}"), "dim")]
        )

    def on_mount(self) -> None:
        self.query_one("#file").display = False
        ways = self.query_one("#ways", OptionList)
        ways.highlighted = 1 if self.demo_problem else 0

    def on_screen_resume(self) -> None:
        """Shown, or shown again: a model may have been fetched meanwhile."""
        if self._desk is not None:
            run_latest(self, self._look, "library")

    async def _look(self) -> None:
        """Whether other models are here already."""
        if self._desk is None:
            return
        try:
            facts: Sequence[ModelFacts] = await self._desk.facts()
        except UrialError as error:
            self.log.warning(error.message)
            return
        before, self._n_found = (
            self._n_found,
            sum(one.is_model and one.name != DEMO for one in facts),
        )
        if self._n_found != before:
            ways = self.query_one("#ways", OptionList)
            at = ways.highlighted
            chosen = ways.get_option_at_index(at).id if at is not None else None
            ways.set_options(self._options())
            ways.highlighted = ways.get_option_index(chosen) if chosen is not None else 0

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        self._say("")
        match event.option_id:
            case "demo" if self.demo_problem:
                self._say(f"The embedded model cannot be used: {self.demo_problem}")
            case "demo":
                self.dismiss(DEMO)
            case "file":
                self.query_one("#file").display = True
                self.query_one(PathInput).focus()
            case "library":
                self._open_models()
            case "hub":
                self._open_hub()

    def _say(self, problem: str) -> None:
        line = self.query_one("#problem", Static)
        line.update(Content(sanitize(problem)))
        line.set_class(bool(problem), "-on")

    # --- a file -----------------------------------------------------------------------------

    @on(Input.Changed)
    def forget_problem(self) -> None:
        self._say("")

    @on(Input.Submitted)
    def take_path(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if not text:
            self._say("Write the path of a GGUF file.")
            return
        run_latest(self, partial(self._take_path, text), "path")

    async def _take_path(self, text: str) -> None:
        try:
            side = await asyncio.to_thread(self._side_of, text)
        except UrialError as error:
            self._say(problem_text(error))
            return
        if await wanted(cast(App[object], self.app), self._desk, (side,)):
            self.dismiss(side)

    def _side_of(self, text: str) -> str:
        """SIDE notation of a path that can be used. Called in a thread."""
        try:
            path = Path(text).expanduser().absolute()
        except RuntimeError as error:  # no such user's home
            raise ModelError(f"cannot find {text}", kind="unreadable") from error
        if path.is_dir():
            raise ModelError(
                f"{path} is a folder", hint="Name a GGUF file in it; Tab completes.", kind="folder"
            )
        side = str(Side(str(path)))
        if self._check is not None:
            self._check(side)
        return side

    # --- out --------------------------------------------------------------------------------

    def action_to_ways(self) -> None:
        self.query_one("#ways").focus()

    def action_back(self) -> None:
        """Out of the path's line; else into the chat, with the embedded model where there is one."""
        if self.focused is self.query_one(PathInput):
            self.query_one("#file").display = False
            self._say("")
            self.query_one("#ways").focus()
            return
        self.dismiss(None if self.demo_problem else DEMO)
