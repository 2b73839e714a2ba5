"""Which runs are on the board: any number of them, or the judged answers of conversations."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from urial_tui.store.runs.types import Run
from urial_tui.ui.screens.dialog import Dialog, line_of

CONVERSATIONS = ""
"""Stands for a run's id."""


class RunsChooser(Dialog[tuple[str, ...]]):
    """The answer is the ids of the chosen runs, in the order of the list."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["../screens/dialog.tcss", "pickers.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="runs.mark"),
    ]

    def __init__(self, runs: Sequence[Run], chosen: Sequence[str]) -> None:
        super().__init__()
        self._runs_known = tuple(runs)
        self._marked = {one for one in chosen if one}

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            if not self._runs_known:
                words = (
                    "There is no run yet. `urial-tui run` makes one from a file of instructions."
                )
                yield Static(words, classes="note", markup=False)
            yield OptionList(*self._options(), id="runs", markup=False)
        box.border_title = Content("Which runs?")
        box.border_subtitle = Content("Enter shows one, Space marks several, Esc closes")

    def on_mount(self) -> None:
        runs = self.query_one("#runs", OptionList)
        ids = [one.id for one in self._runs_known]
        chosen = [n for n, one in enumerate(ids) if one in self._marked]
        runs.highlighted = chosen[0] if chosen else 0
        runs.focus()

    def _options(self) -> list[Option]:
        options = [
            Option(self._line(run), id=str(number)) for number, run in enumerate(self._runs_known)
        ]
        return [*options, Option(line_of("Judged answers of conversations"), id="conversations")]

    def _line(self, run: Run) -> Content:
        mark = "■ " if run.id in self._marked else "□ "
        when = run.created_at[:10]
        n = len(run.start.sides)
        about = (
            f"  {when}, {run.n_items} items, {n} side{'s' if n != 1 else ''}, "
            f"{run.n_answered} of {run.n_wanted} answers"
        )
        return line_of(mark, (run.start.name[:60], "bold"), (about, "dim"))

    def action_mark(self) -> None:
        runs = self.query_one("#runs", OptionList)
        at = runs.highlighted
        if at is None or at >= len(self._runs_known):
            return
        run = self._runs_known[at]
        self._marked ^= {run.id}
        runs.replace_option_prompt_at_index(at, self._line(run))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_id == "conversations":
            self.dismiss((CONVERSATIONS,))
            return
        here = self._runs_known[int(event.option_id or 0)].id
        marked = [one.id for one in self._runs_known if one.id in self._marked]
        # Marked runs are meant together; without another one, Enter means the one under the cursor.
        together = len(marked) > 1 and here in marked
        self.dismiss(tuple(marked) if together else (here,))
