"""The pack picker: the packs on the left; what the chosen one costs and its exact text on the
right.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize
from urial_tui.ui.background import run_latest
from urial_tui.ui.screens.dialog import Dialog, line_of, problem_text

if TYPE_CHECKING:
    from urial_tui.prompts.packs import Pack


class PackPicker(Dialog[str]):
    """Chooses a prompt pack; the answer is its id."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "packs.tcss"]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-roomy")]

    def __init__(
        self,
        packs: Sequence[Pack],
        current: str | None,
        *,
        preview: Callable[[str], Awaitable[str]],
        cost: Callable[[str], Awaitable[int]],
        n_ctx: int,
        problems: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._packs = {pack.id: pack for pack in packs}
        self._current = current
        self._preview = preview
        self._cost = cost
        self._n_ctx = n_ctx
        self._problems = problems

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            with Horizontal(id="choice"):
                yield OptionList(
                    *(Option(self._line(pack), id=pack.id) for pack in self._packs.values()),
                    id="packs",
                    markup=False,
                )
                with Vertical():
                    yield Static("", id="about")
                    yield Static("", id="cost")
                    with VerticalScroll(id="preview-scroll"):
                        yield Static("", id="preview", markup=False)
            yield Static(Content(sanitize("\n".join(self._problems))), classes="problem")
        box.border_title = Content("Prompt pack")
        box.border_subtitle = Content("Enter chooses, Tab scrolls, Esc leaves it as it is")

    def _line(self, pack: Pack) -> Content:
        mark = "● " if pack.id == self._current else "  "
        mine = "" if pack.source == "builtin" else " (yours)"
        return line_of((mark, "$accent"), pack.id, (mine, "dim"))

    def on_mount(self) -> None:
        packs = self.query_one("#packs", OptionList)
        ids = list(self._packs)
        if ids:
            packs.highlighted = ids.index(self._current) if self._current in ids else 0
        else:
            self.show_problem("There are no prompt packs.")
        packs.focus()
        if self._problems:
            self.show_problem("\n".join(self._problems))

    @on(OptionList.OptionHighlighted)
    def show_pack(self, event: OptionList.OptionHighlighted) -> None:
        pack = self._packs[event.option_id or ""]
        about = line_of((pack.name, "bold"), (f"  {pack.language}", "dim"))
        description = Content(sanitize(" ".join(pack.description.split())))
        self.query_one("#about", Static).update(Content("\n").join([about, description]))
        self.query_one("#cost", Static).update("Counting its tokens…")
        self.query_one("#preview", Static).update("")
        run_latest(self, partial(self._fill_text, pack.id), "preview")
        run_latest(self, partial(self._fill_cost, pack.id), "cost")

    async def _fill_text(self, pack_id: str) -> None:
        try:
            text = await self._preview(pack_id)
        except UrialError as error:
            text = problem_text(error)
        self.query_one("#preview", Static).update(Content(sanitize(text)))
        self.query_one("#preview-scroll", VerticalScroll).scroll_home(animate=False)

    async def _fill_cost(self, pack_id: str) -> None:
        try:
            tokens = await self._cost(pack_id)
        except UrialError as error:
            words = f"Its tokens cannot be counted now: {error.message}"
        else:
            words = f"{tokens:,} tokens of this model"
            if self._n_ctx > 0:
                words += f", {tokens / self._n_ctx:.0%} of the context of {self._n_ctx:,}"
        self.query_one("#cost", Static).update(Content(sanitize(words)))

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)
