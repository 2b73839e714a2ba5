"""Which run to rate, and with which rubric: the runs with how much of each is answered and rated already."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from urial_tui.errors import UrialError
from urial_tui.judge.desk_types import Queue
from urial_tui.judge.rubric_types import Rubric
from urial_tui.safetext import sanitize_line
from urial_tui.store.runs.types import Run
from urial_tui.ui.background import run_latest
from urial_tui.ui.screens.dialog import ChooseOne, Dialog, line_of, problem_text

if TYPE_CHECKING:
    from urial_tui.judge.desk import JudgeDesk


class RunPicker(Dialog[tuple[Run, Rubric]]):
    """The answer is the run and the rubric. `at_least`: runs with fewer sides are left out."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["../screens/dialog.tcss", "pickers.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next_rubric", "Rubric", id="run-picker.rubric"),
    ]

    def __init__(
        self, desk: JudgeDesk, rubrics: Sequence[Rubric], title: str, *, at_least: int = 1
    ) -> None:
        super().__init__()
        self._desk = desk
        self._rubrics = tuple(rubrics)
        self._title = title
        self._at_least = at_least
        self._runs: list[Run] = []
        self._rubric = 0
        self._queues: dict[tuple[str, str], Queue] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield Static("Looking for runs…", id="looking", markup=False)
            yield OptionList(id="runs", markup=False)
            yield Static("", id="about", markup=False)
            yield Static("", classes="problem")
        box.border_title = Content(sanitize_line(self._title))
        more = ", Tab another rubric" if len(self._rubrics) > 1 else ""
        box.border_subtitle = Content(f"Enter chooses{more}, Esc closes")

    def on_mount(self) -> None:
        self.query_one("#runs").display = False
        run_latest(self, self._fill, "runs")

    async def _fill(self) -> None:
        looking = self.query_one("#looking", Static)
        try:
            found = await self._desk.runs()
        except UrialError as error:
            looking.display = False
            self.show_problem(problem_text(error))
            return
        self._runs = [
            one for one in found if len(one.start.sides) >= self._at_least and one.n_answered
        ]
        if not self._runs:
            of = " of two sides" if self._at_least > 1 else ""
            looking.update(
                f"There is no run{of} with answers yet. `urial-tui run` makes one from a file of instructions."
            )
            return
        looking.display = False
        runs = self.query_one("#runs", OptionList)
        runs.add_options(
            Option(self._line(run), id=str(number)) for number, run in enumerate(self._runs)
        )
        runs.display = True
        runs.highlighted = 0
        runs.focus()

    def _line(self, run: Run) -> Content:
        n = len(run.start.sides)
        answers = f"{run.n_answered} of {run.n_wanted} answers"
        about = f"  {run.n_items} items, {n} side{'s' if n != 1 else ''}, {answers}"
        return line_of((sanitize_line(run.start.name, 60), "bold"), (about, "dim"))

    @on(OptionList.OptionHighlighted)
    def look_at(self, event: OptionList.OptionHighlighted) -> None:
        self._tell_about()

    def action_next_rubric(self) -> None:
        self._rubric = (self._rubric + 1) % len(self._rubrics)
        self._tell_about()

    def _tell_about(self) -> None:
        at = self.query_one("#runs", OptionList).highlighted
        if at is not None and at < len(self._runs):
            run_latest(self, partial(self._count, self._runs[at]), "count")

    async def _count(self, run: Run) -> None:
        """How much of it is rated by this person."""
        rubric = self._rubrics[self._rubric]
        words = f"Rubric: {rubric.id}"
        if rubric.kind == "score":
            key = (run.id, rubric.hash)
            try:
                if key not in self._queues:
                    self._queues[key] = await self._desk.rating_queue(run.id, rubric.ref)
            except UrialError as error:
                self.show_problem(problem_text(error))
                return
            queue = self._queues[key]
            words += f" · {queue.done} of {queue.total} answers rated by {self._desk.rater}"
            if queue.left_out:
                words += f" · {queue.left_out} are for another rubric"
        self.query_one("#about", Static).update(Content(sanitize_line(words, 200)))

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        self.dismiss((self._runs[int(event.option_id or 0)], self._rubrics[self._rubric]))


class SidesPicker(ChooseOne[tuple[int, int]]):
    """Chooses two sides of a run to compare; the answer is their numbers, the lower one first."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["../screens/dialog.tcss", "pickers.tcss"]

    def __init__(self, run: Run) -> None:
        sides = run.start.sides
        super().__init__(
            "Compare which sides?",
            [
                (line_of(sides[a], ("  and  ", "dim"), sides[b]), (a, b))
                for a in range(len(sides))
                for b in range(a + 1, len(sides))
            ],
        )
