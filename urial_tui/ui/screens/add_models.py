"""Adds a folder, or the folder of a GGUF file, to the library: one line for its path, errors beside it."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Input, Static

from urial_tui.errors import UrialError
from urial_tui.ui.background import run_latest
from urial_tui.ui.path_input import PathInput
from urial_tui.ui.screens.dialog import Dialog, problem_text


class AddModels(Dialog[Path]):
    """The answer is the folder that was added."""

    CSS_PATH: ClassVar[CSSPathType | None] = "dialog.tcss"

    def __init__(self, add: Callable[[str], Awaitable[Path]]) -> None:
        super().__init__()
        self._add = add

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield Static(
                "A folder with GGUF files, or one file. They stay where they are; the folder goes into the "
                "settings, as one of model_folders.",
                classes="lead",
            )
            yield PathInput(placeholder="~/models", id="path")
            yield Static("", classes="problem")
        box.border_title = Content("Add models")
        box.border_subtitle = Content("Enter adds, Tab completes, Esc closes")

    def on_mount(self) -> None:
        self.query_one(PathInput).focus()

    @on(Input.Changed)
    def forget_problem(self) -> None:
        self.show_problem("")

    @on(Input.Submitted)
    def accept(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if not text:
            self.show_problem("Write the path of a folder or a file, or press Escape.")
            return
        run_latest(self, partial(self._accept, text), "add")

    async def _accept(self, text: str) -> None:
        try:
            folder = await self._add(text)
        except UrialError as error:
            self.show_problem(problem_text(error))
            return
        self.dismiss(folder)
