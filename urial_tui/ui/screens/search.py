"""Search in everything that was ever written: titles and messages, as words are typed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
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

from urial_tui.chat.filter_words import FILTERS
from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize_line
from urial_tui.store.types import Hit
from urial_tui.ui.background import run_latest
from urial_tui.ui.drawing.roles import ROLES
from urial_tui.ui.keymap import up_and_down
from urial_tui.ui.screens.dialog import Dialog, problem_text
from urial_tui.ui.widgets.matches import MATCH_END, MATCH_START
from urial_tui.ui.widgets.session_lines import age


def snippet_line(snippet: str, look: str = "", indent: str = "  ") -> Content:
    """One line of found text with the matches bold and reversed."""
    parts: list[tuple[str, str]] = []
    for index, piece in enumerate(" ".join(snippet.split()).split(MATCH_START)):
        if index == 0:
            parts.append((sanitize_line(piece), look))
            continue
        match, _, rest = piece.partition(MATCH_END)
        parts += [(sanitize_line(match), "bold reverse"), (sanitize_line(rest), look)]
    return Content.assemble(indent, *parts)


@dataclass(frozen=True)
class Found:
    """What was looked for, what was found, best first, and which of it was chosen. `more`: these are not all."""

    text: str
    hits: tuple[Hit, ...]
    chosen: int
    more: bool


Find = Callable[[str], Awaitable[tuple[Sequence[Hit], bool]]]
"""A filter line to its hits, and whether there are more. Raises UrialError for a line that cannot be understood."""


class SearchDialog(Dialog[Found]):
    """Finds a message or a session; the answer is what was found, and which of it was chosen. `text` is where it
    begins."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "search.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Next", show=False),
        Binding("up", "move(-1)", "Previous", show=False),
    ]

    def __init__(self, find: Find, text: str = "") -> None:
        super().__init__()
        self._find, self._text = find, text
        self._found = Found("", (), 0, False)
        self._enter_waits = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield Input(self._text, id="words", placeholder="words of a title or a message")
            yield Static("", classes="problem")
            yield Static("", id="count", classes="note")
            yield OptionList(id="found", markup=False)
        box.border_title = Content("Search all sessions")
        box.border_subtitle = Content(f"{up_and_down()} move, Enter opens, Esc closes")

    @on(Input.Changed)
    def look(self, event: Input.Changed) -> None:
        self._enter_waits = False
        run_latest(self, partial(self._look, event.value), "search")

    def on_mount(self) -> None:
        self._tell_count()

    async def _look(self, text: str) -> None:
        try:
            hits, more = await self._find(text)
        except UrialError as error:
            self.show_problem(problem_text(error))
            self.query_one("#count").display = False  # the list is still of the line before
            return
        self.show_problem("")
        self.query_one("#count").display = True
        self._found = Found(text, tuple(hits), 0, more)
        found = self.query_one("#found", OptionList)
        found.set_options(Option(self._prompt(hit)) for hit in hits)
        found.highlighted = 0 if hits else None
        self._tell_count()
        if self._enter_waits:
            self._enter_waits = False
            self.open_highlighted()

    def _tell_count(self) -> None:
        n, more = len(self._found.hits), self._found.more
        words = f"the best {n} of more" if more else f"{n} found" if n else "nothing found"
        filters = " ".join(FILTERS)
        text = words if self._found.text.strip() else f"Filters, beside words: {filters}"
        self.query_one("#count", Static).update(text)

    def _prompt(self, hit: Hit) -> Content:
        """The session's title, who wrote what was found and when, then the place itself."""
        if hit.message_id is None and hit.snippet:  # the title itself, with the match in it
            return snippet_line(hit.snippet, "bold", indent="")
        title = sanitize_line(hit.title, 120) or "(no title)"
        when = age(hit.created_at, datetime.now().astimezone())
        about = " · ".join(filter(None, (ROLES[hit.role] if hit.role else "", when)))
        lines = [Content.assemble((title, "bold"), (f"  {about}" if about else "", "dim"))]
        if hit.snippet:
            lines.append(snippet_line(hit.snippet))
        if hit.more:
            lines.append(Content.styled(f"  and {hit.more:,} more in this session", "dim"))
        return Content("\n").join(lines)

    def action_move(self, step: int) -> None:
        found = self.query_one("#found", OptionList)
        if step > 0:
            found.action_cursor_down()
        else:
            found.action_cursor_up()

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        """Open what is highlighted, once it is what was typed."""
        if event.value == self._found.text:
            self.open_highlighted()
        else:
            self._enter_waits = True

    def open_highlighted(self) -> None:
        highlighted = self.query_one("#found", OptionList).highlighted
        if highlighted is not None and highlighted < len(self._found.hits):
            self.dismiss(replace(self._found, chosen=highlighted))

    @on(OptionList.OptionSelected)
    def open_chosen(self) -> None:
        self.open_highlighted()
