"""The transcript's part for tokens: the lane of styles over them, the token cursor, the pinned token.

A base of `Transcript`. What a token looks like is said by functions that the screen sets; here is only where tokens
are, and that no more rows are drawn again than those of the tokens that changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.style import Style
from textual.message import Message
from textual.scroll_view import ScrollView

from urial_tui.ui.drawing.wrap import clusters
from urial_tui.ui.widgets.transcript_lines import GUTTER
from urial_tui.ui.widgets.transcript_model import Block, TranscriptModel
from urial_tui.ui.widgets.transcript_paint import Painter

TOKEN_STYLES = (
    "unshifted",
    "marginal",
    "shifted",
    "near",
    "pending",
    "filtered",
    "grade0",
    "grade1",
    "grade2",
    "grade3",
    "grade4",
    "pinned",
    "cursor",
)


class TokenMarks(ScrollView):
    """Marks on tokens, over the model that the transcript shows."""

    DEFAULT_CSS = """
    TokenMarks {
        & > .transcript--unshifted { color: $primary; }
        & > .transcript--marginal { color: $accent; text-style: underline; }
        & > .transcript--shifted { color: $error; text-style: bold reverse; }
        & > .transcript--near { text-style: italic; }
        & > .transcript--pending { color: $text-muted; text-style: dim; }
        & > .transcript--filtered { color: $text-muted; text-style: dim; }
        & > .transcript--grade0 { color: $text-muted; text-style: dim; }
        & > .transcript--grade1 { color: $primary; }
        & > .transcript--grade2 { color: $accent; text-style: underline; }
        & > .transcript--grade3 { color: $accent; text-style: bold; }
        & > .transcript--grade4 { color: $error; text-style: bold underline; }
        & > .transcript--pinned { text-style: bold italic underline; }
        & > .transcript--cursor { color: $accent; text-style: reverse underline; }
    }
    """

    @dataclass
    class TokenKey(Message):
        """A key of the token cursor: left, right, home, end, up, down, next_shifted, previous_shifted, next_marginal,
        previous_marginal, branch, lane, filter, pin, reference, score, inspector, other_list, positions,
        totals.
        """

        action: str

    @dataclass
    class TokenClicked(Message):
        """A token of the message that is inspected was clicked."""

        token: int

    @dataclass
    class ViewMoved(Message):
        """Other messages are on screen now."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.model = TranscriptModel()
        self.inspecting: str | None = None
        """The message that the token cursor is in."""
        self._painter = Painter(self._style)
        self._in_view: tuple[str, ...] = ()

    # --- what the screen calls ---

    def set_look(self, message_id: str, look: Callable[[int, int], str] | None) -> None:
        """How the tokens of a message look from now on; None: like plain text."""
        if (block := self.model.get(message_id)) is not None:
            block.look = look
            self._repaint(block)

    def has_look(self, message_id: str) -> bool:
        """Whether a message shows how its tokens look."""
        block = self.model.get(message_id)
        return block is not None and block.look is not None

    def tokens_changed(self, message_id: str, tokens: Sequence[int]) -> None:
        """Some tokens look different now: the rows they are on are drawn again."""
        block = self.model.get(message_id)
        if block is not None and tokens:
            self._forget_rows(block, block.rows_of_tokens(min(tokens), max(tokens)))

    def all_tokens_changed(self) -> None:
        """All tokens of all messages look different now."""
        self._painter.clear()
        self.refresh()

    def set_tokens(self, message_id: str, texts: Sequence[str]) -> bool:
        """The texts of the tokens of a stored answer; False when its text is another one."""
        block = self.model.get(message_id)
        return block is not None and block.set_tokens(texts)

    def align_tokens(self, message_id: str, first: int) -> None:
        """The tokens that were streamed into a message begin with its token `first`."""
        if (block := self.model.get(message_id)) is not None:
            block.align_streamed(first)

    def token_count(self, message_id: str) -> int:
        """How many tokens of a message are shown and known."""
        block = self.model.get(message_id)
        return len(block.token_ends) if block is not None else 0

    def was_streamed(self, message_id: str) -> bool:
        """Whether a message's tokens are known because they were streamed."""
        block = self.model.get(message_id)
        return block is not None and block.streamed

    def first_token_in_view(self, message_id: str) -> int:
        """The first token of a message on screen; 0 when none is."""
        block = self.model.get(message_id)
        if block is None or not block.token_ends:
            return 0
        row = self.scroll_offset.y - self.model.top(block) - 1
        if not 0 < row < len(block.body.starts):
            return 0
        return block.token_at(block.body.starts[row]) or 0

    def token_under(self, x: int, y: int) -> int | None:
        """The token of the message that is inspected at a cell of the widget; None: there is none."""
        row = self.model.row(self.scroll_offset.y + y)
        if row is None or row.part != "body" or row.block.entry.id != self.inspecting:
            return None
        cell = GUTTER
        for start, _, width in clusters(row.block.body.rows[row.number]):
            if cell <= x < cell + max(width, 1):
                return row.block.token_at(row.block.body.starts[row.number] + start)
            cell += width
        return None

    def inspect(self, message_id: str | None) -> None:
        """Let the keys of the token cursor work on a message; None: on none."""
        if self.inspecting == message_id:
            return
        before, self.inspecting = self.model.get(self.inspecting), message_id
        if before is not None:
            before.cursor = before.pinned = None
            self._repaint(before)
        self.refresh_bindings()

    def show_cursor(self, cursor: int | None, pinned: int | None) -> None:
        """Put the marks on tokens of the message that is inspected, and the cursor's row into view."""
        block = self.model.get(self.inspecting)
        if block is None:
            return
        changed = {block.cursor, block.pinned} ^ {cursor, pinned}
        if (block.cursor, block.pinned) != (cursor, pinned):
            changed |= {block.cursor, cursor, block.pinned, pinned}
        block.cursor, block.pinned = cursor, pinned
        for token in changed:
            if token is not None:
                self._forget_rows(block, block.rows_of_tokens(token, token))
        if cursor is not None:
            self.scroll_to_token()

    def scroll_to_token(self) -> None:
        """Bring the row of the token cursor into view."""
        block = self.model.get(self.inspecting)
        if block is None or block.cursor is None:
            return
        row = block.row_of_token(min(block.cursor, len(block.token_ends)))
        y = self.model.top(block) + 1 + row
        if y < self.scroll_offset.y:
            self.scroll_to(y=y, animate=False, force=True)
        elif y >= self.scroll_offset.y + self.size.height:
            self.scroll_to(y=y - self.size.height + 1, animate=False, force=True)

    def in_view(self) -> tuple[str, ...]:
        """The messages on screen, top to bottom."""
        ids: list[str] = []
        y = self.scroll_offset.y
        end = y + max(self.size.height, 1)
        while y < end and (row := self.model.row(y)) is not None:
            ids.append(row.block.entry.id)
            y = self.model.top(row.block) + row.block.height
        return tuple(ids)

    def tell_view(self) -> None:
        """Post ViewMoved when other messages are on screen than the last time."""
        now = self.in_view()
        if now != self._in_view:
            self._in_view = now
            self.post_message(self.ViewMoved())

    # --- keys ---

    def action_inspect(self, name: str) -> None:
        self.post_message(self.TokenKey(name))

    def can_inspect(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Which keys are on while the token cursor is in a message: its own, and those that only read."""
        if self.inspecting is None:
            return False
        if action == "act":
            return parameters[0] in ("copy", "markdown", "previous_branch", "next_branch")
        return action not in ("previous_message", "next_message", "first_message", "follow")

    # --- drawing ---

    def _repaint(self, block: Block) -> None:
        block.version += 1
        self.refresh()

    def _forget_rows(self, block: Block, rows: range) -> None:
        for row in rows:
            self._painter.forget(block, row)
        if rows:
            top = self.model.top(block) + 1 - self.scroll_offset.y
            first, last = max(top + rows.start, 0), min(top + rows.stop, self.size.height)
            if first < last:
                self.refresh_lines(first + self.scroll_offset.y, last - first)

    def _style(self, name: str) -> Style:
        if not name:
            return self.rich_style
        if name == "selection":
            return self.screen.get_component_rich_style("screen--selection")
        names = [f"transcript--{part}" for part in name.split()]
        styles = [self.get_component_rich_style(one, partial=True) for one in names]
        return Style.combine(styles)
