"""Search in everything that was ever written: titles and messages, as words are typed."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize_line
from urial_tui.store.types import Hit
from urial_tui.ui.background import run_latest
from urial_tui.ui.screens.dialog import Dialog, problem_text

MATCH_START, MATCH_END = "\x02", "\x03"
"""How the store marks a match in a snippet."""


def snippet_line(snippet: str) -> Content:
    """One line of found text with the matches underlined and bold."""
    parts: list[tuple[str, str] | str] = []
    for index, piece in enumerate(" ".join(snippet.split()).split(MATCH_START)):
        if index == 0:
            parts.append(sanitize_line(piece))
            continue
        match, _, rest = piece.partition(MATCH_END)
        parts += [(sanitize_line(match), "bold underline"), sanitize_line(rest)]
    return Content.assemble("  ", *parts)


class SearchDialog(Dialog[Hit]):
    """Finds a message or a session; the answer is the hit that was chosen."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "search.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Next", show=False),
        Binding("up", "move(-1)", "Previous", show=False),
    ]

    def __init__(self, search: Callable[[str], Awaitable[Sequence[Hit]]]) -> None:
        super().__init__()
        self._search = search
        self._hits: list[Hit] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield Input(id="words", placeholder="words of a title or a message")
            yield Static("", id="count", classes="note")
            yield OptionList(id="found", markup=False)
            yield Static("", classes="problem")
        box.border_title = Content("Search all sessions")
        box.border_subtitle = Content("↑ ↓ move, Enter opens, Esc closes")

    @on(Input.Changed)
    def look(self, event: Input.Changed) -> None:
        run_latest(self, partial(self._look, event.value.strip()), "search")

    async def _look(self, query: str) -> None:
        try:
            hits = list(await self._search(query)) if query else []
        except UrialError as error:
            self.show_problem(problem_text(error))
            return
        self.show_problem("")
        self._hits = hits
        found = self.query_one("#found", OptionList)
        found.set_options(Option(self._prompt(hit)) for hit in hits)
        found.highlighted = 0 if hits else None
        words = f"{len(hits)} found" if hits else "nothing found" if query else ""
        self.query_one("#count", Static).update(words)

    def _prompt(self, hit: Hit) -> Content:
        title = Content.styled(sanitize_line(hit.title, 120) or "(no title)", "bold")
        return Content("\n").join([title, snippet_line(hit.snippet)])

    def action_move(self, step: int) -> None:
        found = self.query_one("#found", OptionList)
        if step > 0:
            found.action_cursor_down()
        else:
            found.action_cursor_up()

    @on(Input.Submitted)
    def open_highlighted(self) -> None:
        highlighted = self.query_one("#found", OptionList).highlighted
        if highlighted is not None:
            self.dismiss(self._hits[highlighted])

    @on(OptionList.OptionSelected)
    def open_chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._hits[event.option_index])
