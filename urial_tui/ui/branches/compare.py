"""Two branches of a session beside each other, from where they part: what differs is marked, and gone through by key.

Answers of one vocabulary are compared token by token, others word by word. It only reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.types import CSSPathType

from urial_tui.chat.branch_tree import BranchTree
from urial_tui.chat.differences import Written, in_pieces, runs_of
from urial_tui.errors import UrialError
from urial_tui.store.sessions.outline import OutlineRow
from urial_tui.ui.background import run_latest
from urial_tui.ui.branches.compare_lines import GAP, Comparison, Passage, compared
from urial_tui.ui.branches.tree_lines import class_lines, number_words
from urial_tui.ui.commands_branches import COMPARE, COMPARE_COMMANDS
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line, fit, fit_line, fit_middle
from urial_tui.ui.drawing.roles import ROLES
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.screens.working import CommandScreen
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.hint_bar import HintBar
from urial_tui.ui.widgets.line_list import LineList

if TYPE_CHECKING:
    from urial_tui.chat.chat import Chat

LOW = 16
"""Below so many rows only the first line of what is said of the two is shown."""
MOST_MESSAGES = 40
"""Of each branch that are compared; of the common beginning, so many are shown."""


class CompareScreen(CommandScreen):
    """The branches of `tree` up to the messages `a` and `b`, neither of which is on the way to the other."""

    PLACE = COMPARE
    COMMANDS_HERE = COMPARE_COMMANDS
    AUTO_FOCUS = "#texts"
    CSS_PATH: ClassVar[CSSPathType | None] = "branches.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in COMPARE_COMMANDS]

    def __init__(
        self, chat: Chat, keymap: Mapping[str, str], tree: BranchTree, a: str, b: str
    ) -> None:
        super().__init__(keymap)
        self._chat, self._tree = chat, tree
        self._ends = (a, b)
        self._passages: tuple[Passage, ...] = ()
        self._before: list[tuple[str, str]] = []
        self._left_out = 0
        self.folded = True
        self.current: int | None = None
        """The difference that is pointed out."""
        self.comparison: Comparison | None = None

    def compose(self) -> ComposeResult:
        yield Heading(COMPARE, id="heading")
        yield Canvas(self._draw_sides, id="sides")
        yield LineList(self._draw, id="texts")
        yield HintBar(lambda binding: False, id="hints")

    def on_mount(self) -> None:
        self.query_one(Heading).update(words="Looking…")
        run_latest(self, self._fill, "compare")

    # --- what is compared -------------------------------------------------------------------

    async def _fill(self) -> None:
        both, first, second = self._tree.parted(*self._ends)
        try:
            left = [await self._chat.written(one) for one in first[:MOST_MESSAGES]]
            right = [await self._chat.written(one) for one in second[:MOST_MESSAGES]]
            before = [await self._chat.written(one) for one in both[-MOST_MESSAGES:]]
        except UrialError as error:
            self.query_one(Heading).update(words="")
            self.tell_error(error)
            return
        titles = [ROLES[self._tree.messages[one].role] for one in both[-MOST_MESSAGES:]]
        self._before = [(title, one.content) for title, one in zip(titles, before, strict=True)]
        self._left_out = max(len(first), len(second)) - MOST_MESSAGES
        self._passages = await asyncio.to_thread(
            _passages,
            [self._tree.messages[one] for one in first[:MOST_MESSAGES]],
            left,
            [self._tree.messages[one] for one in second[:MOST_MESSAGES]],
            right,
        )
        self._lay_out()
        self.action_difference(1)

    def _lay_out(self) -> None:
        texts = self.query_one(LineList)
        if not self._passages or texts.width < 2:
            return
        self.comparison = compared(
            self._passages, texts.width, folded=self.folded, before=self._before
        )
        if self._left_out > 0:
            self.comparison.lines.append(f"… {self._left_out} more messages are not compared")
        texts.show_lines(len(self.comparison.lines))
        sides = self.query_one("#sides", Canvas)
        sides.styles.height = len(self._side_lines())
        sides.repaint()
        self._tell_place()

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._laid_out_anew)

    def _laid_out_anew(self) -> None:
        if self.is_attached and self.query(LineList):
            self._lay_out()
            self._show_current()

    # --- drawing ----------------------------------------------------------------------------

    def _draw(self, number: int, width: int) -> Line:
        made = self.comparison
        return made.draw(number, self.current) if made is not None and number < len(made.lines) else []  # fmt: skip

    def _draw_sides(self, width: int, height: int) -> list[Line]:
        return self._side_lines()[: max(height, 1)]

    def _side_lines(self) -> list[Line]:
        """Both messages with their sides and numbers, over their columns."""
        column = max((self.query_one(LineList).width - len(GAP)) // 2, 4)
        left, right = (
            _side_lines(letter, self._tree.messages[end], self._version(end), column)
            for letter, end in zip("AB", self._ends, strict=True)
        )
        lines: list[Line] = []
        for one, other in zip_longest(left, right, fillvalue=[("", "")]):
            if not any(text for text, _ in (*one, *other)):
                continue
            used = sum(cell_len(text) for text, _ in one)
            lines.append([*one, (" " * max(column - used, 0), ""), (GAP, "dim"), *other])
        return lines if self.size.height >= LOW else lines[:1]

    def _version(self, message_id: str) -> tuple[int, int]:
        place = self._tree.place(message_id)
        return self._tree.rows[place].version if place is not None else (1, 1)

    def _tell_place(self) -> None:
        made = self.comparison
        n = len(made.places) if made is not None else 0
        units = sorted({f"{passage.unit}s" for passage in self._passages})
        words = [f"by {' and '.join(units)}"]
        if not n:
            words.append("no difference")
        elif self.current is not None:
            words.append(f"difference {self.current + 1} of {n}")
        self.query_one(Heading).update(words=" · ".join(words))
        self.refresh_bindings()

    # --- keys -------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "difference":
                return self.comparison is not None and len(self.comparison.places) > 1
            case "fold" | "swap":
                return self.comparison is not None
        return True

    def action_difference(self, step: int) -> None:
        """To the next one; after the last comes the first."""
        made = self.comparison
        if made is None or not made.places:
            return
        first = 0 if step > 0 else len(made.places) - 1
        self.current = first if self.current is None else (self.current + step) % len(made.places)
        self._show_current()
        self._tell_place()

    def _show_current(self) -> None:
        made, texts = self.comparison, self.query_one(LineList)
        if made is None or self.current is None or self.current >= len(made.places):
            return
        texts.refresh()
        place = made.places[self.current]
        if place >= texts.size.height - 1:
            texts.bring_into_view(place, middle=True)
        else:
            texts.scroll_home(animate=False)

    def action_fold(self) -> None:
        self.folded = not self.folded
        self._lay_out()
        if self.folded:
            self._show_current()
        else:
            self.query_one(LineList).scroll_home(animate=False)

    def action_swap(self) -> None:
        self._ends = self._ends[::-1]
        self.current = None
        run_latest(self, self._fill, "compare")

    def action_back(self) -> None:
        self.dismiss(None)


def _passages(
    left: Sequence[OutlineRow],
    left_texts: Sequence[Written],
    right: Sequence[OutlineRow],
    right_texts: Sequence[Written],
) -> tuple[Passage, ...]:
    """Message by message; a single one needs no title, since its side and numbers stand above."""
    empty = Written("")
    several = max(len(left), len(right)) > 1
    found = []
    pairs = zip_longest(zip(left, left_texts, strict=True), zip(right, right_texts, strict=True))
    for one, other in pairs:
        a, b = one[1] if one else empty, other[1] if other else empty
        unit, a_pieces, b_pieces = in_pieces(a, b)
        titles = tuple(ROLES[pair[0].role] if pair and several else "" for pair in (one, other))
        runs = tuple(runs_of(a_pieces.keys, b_pieces.keys)) if one and other else ()
        found.append(Passage((titles[0], titles[1]), unit, (a_pieces, b_pieces), runs))
    return tuple(found)


def _side_lines(
    letter: str, message: OutlineRow, version: tuple[int, int], width: int
) -> list[Line]:
    which, count = version
    name = f"{letter}  {ROLES[message.role]}" + (f" {which}/{count}" if count > 1 else "")
    side = short_side(message.side) if message.side else ""
    room = width - len(name) - 2
    return [
        fit_line([(name, "title"), (f"  {fit_middle(side, room)}" if side and room > 4 else "", "")], width),
        [(fit(" · ".join(number_words(message)), width), "")],
        *class_lines(message, width),
    ]  # fmt: skip
