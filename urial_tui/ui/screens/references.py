"""What is compared: pairs of sides that are worth looking at, and one line where any references can be written."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Checkbox, Input, OptionList, Static
from textual.widgets.option_list import Option

from urial_tui.chat.pair import Pair, PairStatus
from urial_tui.errors import UrialError, UsageError
from urial_tui.safetext import sanitize_line
from urial_tui.sides import parse_side
from urial_tui.ui.background import run_latest
from urial_tui.ui.drawing.lines import fit, safe
from urial_tui.ui.screens.dialog import Dialog, line_of, problem_text

_WORD = re.compile(r'(?:"[^"]*"|[^\s"])+|"')


@dataclass(frozen=True)
class ReferenceChoice:
    """What the dialog gives back. `generator` None: it stays what it is."""

    generator: str | None
    references: tuple[str, ...]
    scoring: bool


def split_sides(text: str) -> tuple[str, ...]:
    """SIDEs with spaces between them; a space in double quotes belongs to its side. Raises UsageError for a side that
    cannot be read, and for one that is there twice."""
    if text.count('"') % 2:
        raise UsageError("a double quote is not closed", hint="Write a path with a space as one.")
    sides: list[str] = []
    for word in _WORD.findall(text):
        side = str(parse_side(word))
        if side in sides:
            raise UsageError(f"the reference {side} is there twice")
        sides.append(side)
    return tuple(sides)


def _scoring_words(on: bool) -> str:
    """The box looks the same on and off but for its colour, so its label says which it is."""
    return f"Scoring is {'on' if on else 'off'} (Space switches)"


class ReferencePicker(Dialog[ReferenceChoice]):
    """Chooses the references, and the generator too where a pair is taken from the list."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "references.tcss"]

    def __init__(
        self,
        current: PairStatus,
        pairs: Sequence[Pair],
        check: Callable[[tuple[str, ...]], None] | None = None,
        more: Callable[[], Awaitable[Sequence[Pair]]] | None = None,
    ) -> None:
        """`check` may refuse references that parse, with a UrialError. `more` gives the pairs with those that take time
        to find; they are added below."""
        super().__init__()
        self._current = current
        self._pairs = list(pairs)
        self._check = check
        self._more = more
        self._title_width = min(max((cell_len(safe(p.title)) for p in pairs), default=0), 32)

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield OptionList(*map(self._option, range(len(self._pairs))), id="pairs", markup=False)
            yield Static(
                "References, with spaces between: MODEL[+ADAPTER[:SCALE]][@STYLE]. Style same: the "
                "generator's own tokens. Empty: none.",
                classes="note",
                markup=False,
            )
            yield Input(self._written(), id="references", placeholder="demo@zero-shot demo@raw")
            yield Static("", classes="problem")
            on = self._current.scoring
            yield Checkbox(_scoring_words(on), on, id="scoring", compact=True)
        box.border_title = Content("What is compared")
        box.border_subtitle = Content("Enter chooses, Tab moves, Esc leaves it as it is")

    def _option(self, index: int) -> Option:
        pair = self._pairs[index]
        sides = f"  {pair.generator} against {', '.join(pair.references) or 'nothing'}"
        title = fit(safe(pair.title), self._title_width, pad=True)
        return Option(line_of(title, (sides, "dim")), id=str(index))

    def _written(self) -> str:
        """The references in use, unless they have characters that cannot be shown as they are."""
        text = " ".join(reference.side for reference in self._current.references)
        return text if sanitize_line(text, 4000) == text else ""

    def on_mount(self) -> None:
        if self._more is not None:
            run_latest(self, partial(self._add_more, self._more), "more")
        pairs = self.query_one("#pairs", OptionList)
        if not self._pairs:
            pairs.display = False
            self.query_one("#references", Input).focus()
            return
        now = (self._current.generator, tuple(r.side for r in self._current.references))
        same = [n for n, p in enumerate(self._pairs) if (p.generator, p.references) == now]
        pairs.highlighted = same[0] if same else 0
        pairs.focus()

    async def _add_more(self, find: Callable[[], Awaitable[Sequence[Pair]]]) -> None:
        try:
            found = await find()
        except UrialError as error:
            self.log.warning(error.message)
            return
        known = {(pair.generator, pair.references) for pair in self._pairs}
        first = len(self._pairs)
        self._pairs += [pair for pair in found if (pair.generator, pair.references) not in known]
        pairs = self.query_one("#pairs", OptionList)
        pairs.add_options(map(self._option, range(first, len(self._pairs))))
        pairs.display = bool(self._pairs)

    @on(OptionList.OptionSelected)
    def take_pair(self, event: OptionList.OptionSelected) -> None:
        pair = self._pairs[int(event.option_id or 0)]
        self._finish(pair.generator, pair.references)

    @on(Input.Changed)
    def forget_problem(self) -> None:
        self.show_problem("")

    @on(Checkbox.Changed)
    def say_scoring(self, event: Checkbox.Changed) -> None:
        event.checkbox.label = Content(_scoring_words(event.value))

    @on(Input.Submitted)
    def take_line(self, event: Input.Submitted) -> None:
        try:
            references = split_sides(event.value)
        except UrialError as error:
            self._refuse(error)
            return
        self._finish(None, references)

    def _finish(self, generator: str | None, references: tuple[str, ...]) -> None:
        try:
            if self._check is not None:
                self._check(references)
        except UrialError as error:
            self._refuse(error)
            return
        scoring = self.query_one("#scoring", Checkbox).value
        self.dismiss(ReferenceChoice(generator, references, scoring))

    def _refuse(self, error: UrialError) -> None:
        self.show_problem(problem_text(error))
        self.query_one("#references", Input).focus()
