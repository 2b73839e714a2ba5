"""Which model to compare with: those with the same vocabulary, likely base and aligned pairs first."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from urial_tui.errors import UrialError
from urial_tui.models.facts import Partner
from urial_tui.safetext import sanitize_line
from urial_tui.ui.background import run_latest
from urial_tui.ui.screens.dialog import Dialog, line_of, problem_text


class PartnerPicker(Dialog[Partner]):
    """Chooses a partner of one model. Looking for them may take a while: vocabularies are read."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "partners.tcss"]

    def __init__(self, name: str, find: Callable[[], Awaitable[Sequence[Partner]]]) -> None:
        super().__init__()
        self._name = name
        self._find = find
        self._partners: list[Partner] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield Static("Looking for models with the same vocabulary…", id="looking")
            yield OptionList(id="partners", markup=False)
            yield Static("", classes="problem")
        box.border_title = Content(sanitize_line(f"Compare {self._name} with", 80))
        box.border_subtitle = Content("Enter opens the inspector on both, Esc closes")

    def on_mount(self) -> None:
        self.query_one("#partners").display = False
        run_latest(self, self._fill, "partners")

    async def _fill(self) -> None:
        looking = self.query_one("#looking", Static)
        try:
            self._partners = list(await self._find())
        except UrialError as error:
            looking.display = False
            self.show_problem(problem_text(error))
            return
        if not self._partners:
            looking.update(
                "No other model here has the same vocabulary, so tokens cannot be compared one by one. "
                "Fetch its base or its aligned version from the hub."
            )
            return
        looking.display = False
        partners = self.query_one("#partners", OptionList)
        partners.add_options(
            Option(self._prompt(partner), id=str(number))
            for number, partner in enumerate(self._partners)
        )
        partners.display = True
        partners.highlighted = 0
        partners.focus()

    def _prompt(self, partner: Partner) -> Content:
        sides = f"{partner.generator} against {', '.join(partner.references)}"
        first = line_of(
            (partner.name, "bold"), ("   likely" if partner.likely else "", "$text-accent")
        )
        return Content("\n").join(
            [first, line_of((f"  {partner.reason}", "dim")), line_of((f"  {sides}", "dim"))]
        )

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._partners[int(event.option_id or 0)])
