"""The tree of the open session: every version of every message, the shown branch straight, the others beside it.

Enter shows another branch, `c` on two messages compares the branches up to them. It changes nothing that is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.types import CSSPathType

from urial_tui.chat.branch_tree import BranchTree, TreeRow
from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize_line
from urial_tui.ui.background import run_latest
from urial_tui.ui.branches.tree_lines import Columns, detail_lines, head_line, tree_line
from urial_tui.ui.commands_branches import BRANCHES, TREE_COMMANDS
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line
from urial_tui.ui.screens.working import CommandScreen
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.hint_bar import HintBar
from urial_tui.ui.widgets.line_list import LineList

if TYPE_CHECKING:
    from urial_tui.chat.chat import Chat


class BranchesScreen(CommandScreen):
    """`leaf_id` ends the branch that is shown, the cursor begins at `at`; `show` is called with the message whose
    branch is wanted instead. `writing` is the answer that is being written, if any."""

    PLACE = BRANCHES
    COMMANDS_HERE = TREE_COMMANDS
    AUTO_FOCUS = "#tree"
    CSS_PATH: ClassVar[CSSPathType | None] = "branches.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-low"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in TREE_COMMANDS]

    def __init__(
        self,
        chat: Chat,
        keymap: Mapping[str, str],
        leaf_id: str | None,
        at: str | None,
        show: Callable[[str], None],
        title: str = "",
        writing: str | None = None,
    ) -> None:
        super().__init__(keymap)
        self._writing = writing
        self._chat, self._leaf_id, self._at, self._show, self._about = (
            chat,
            leaf_id,
            at,
            show,
            title,
        )
        self.branches: BranchTree | None = None
        self.marked: str | None = None
        """The message that another one will be compared with."""
        self._columns = Columns()
        self._parting: frozenset[str | None] = frozenset()
        """The messages that several follow; None: there are several first ones."""
        self._n_ends = 0

    def compose(self) -> ComposeResult:
        yield Heading(BRANCHES, id="heading")
        yield Canvas(lambda width, height: [head_line(self._columns, width - 1)], id="columns")
        yield LineList(self._draw, cursor=True, id="tree")
        yield Canvas(self._draw_detail, id="detail")
        yield HintBar(lambda binding: False, id="hints")

    def on_mount(self) -> None:
        self.query_one(Heading).update(words="Looking…")
        run_latest(self, self._fill, "tree")

    async def _fill(self) -> None:
        try:
            messages = await self._chat.outline()
        except UrialError as error:
            self.query_one(Heading).update(words="")
            self.tell_error(error)
            return
        tree = self.branches = BranchTree(messages, self._leaf_id, self._writing)
        self._columns = Columns.of(tree)
        self._parting = frozenset(r.message.parent_id for r in tree.rows if r.version[1] > 1)
        followed = {row.message.parent_id for row in tree.rows}
        self._n_ends = sum(row.message.id not in followed for row in tree.rows)
        at = tree.place(self._at)
        shown = tree.place(self._leaf_id)
        cursor = at if at is not None else shown if shown is not None else 0
        listed = self.query_one(LineList)
        listed.show_lines(len(tree.rows), cursor)
        self.call_after_refresh(listed.bring_into_view, cursor, middle=True)
        self.changed()

    # --- drawing ----------------------------------------------------------------------------

    @property
    def row(self) -> TreeRow | None:
        """The one under the cursor."""
        rows = self.branches.rows if self.branches is not None else []
        cursor = self.query_one(LineList).cursor
        return rows[cursor] if cursor < len(rows) else None

    def _draw(self, number: int, width: int) -> Line:
        if self.branches is None:
            return []
        row = self.branches.rows[number]
        return tree_line(
            row,
            self._columns,
            width,
            here=number == self.query_one(LineList).cursor,
            mark="A" if row.message.id == self.marked else " ",
            parts=row.message.id in self._parting,
        )

    def _draw_detail(self, width: int, height: int) -> list[Line]:
        row = self.row
        if self.branches is None or row is None:
            return [[("There is no message yet.", "dim")]] if self.branches is not None else []
        return detail_lines(row, width, height)

    @on(LineList.Moved)
    def moved(self) -> None:
        self.changed()

    def changed(self) -> None:
        tree = self.branches
        if tree is None:
            return
        for canvas in self.query(Canvas):
            canvas.repaint()
        n, ends = len(tree.rows), self._n_ends
        branches = "branch" if ends == 1 else "branches"
        words = [sanitize_line(self._about, 80)] if self._about else []
        words.append(f"{n:,} message{'s' if n != 1 else ''}, {ends:,} {branches}")
        piece = f"A is marked: {self.key('branches.compare')} on another compares" if self.marked else ""  # fmt: skip
        self.query_one(Heading).update(words=" · ".join(words), piece=piece)
        self.query_one(LineList).refresh()
        self.refresh_bindings()

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self.changed)

    # --- keys -------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "show" | "compare" | "go_to_shown":
                return self.branches is not None and bool(self.branches.rows)
            case "other_version":
                return bool(self._parting)
        return True

    def _go_to(self, message_id: str | None) -> None:
        place = self.branches.place(message_id) if self.branches is not None else None
        if place is not None:
            self.query_one(LineList).move_to(place)

    def action_other_version(self, step: int) -> None:
        row = self.row
        if row is None or self.branches is None:
            return
        other = self.branches.other_version(row.message.id, step)
        if other is None:
            self.tell("Up to here there is one version of each message.")
        self._go_to(other)

    def action_go_to_shown(self) -> None:
        self._go_to(self._leaf_id)

    @on(LineList.Clicked)
    def action_show(self) -> None:
        row = self.row
        if row is not None:
            self.dismiss(None)
            self._show(row.message.id)

    def action_compare(self) -> None:
        from urial_tui.ui.branches.compare import CompareScreen

        row = self.row
        if row is None or self.branches is None:
            return
        first, second = self.marked, row.message.id
        if first is None:
            self.marked = second
        elif first == second:
            self.marked = None
        elif not all(self.branches.parted(first, second)[1:]):
            self.tell("One of the two leads to the other: there is nothing to compare.")
        else:
            self.marked = None
            self.app.push_screen(
                CompareScreen(self._chat, self.keymap, self.branches, first, second)
            )
        self.changed()

    def action_back(self) -> None:
        if self.marked is not None:
            self.marked = None
            self.changed()
            return
        self.dismiss(None)
