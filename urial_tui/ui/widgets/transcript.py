"""The transcript: the visible branch as one scrolling widget that draws only the lines on screen.

A line-API widget over `TranscriptModel`. Streamed text costs the same at any length: the last row is wrapped again, the
rows on screen come out of a cache. It knows nothing of the chat: the screen feeds it and handles its messages.
Untrusted text was sanitised by the model and is never read as markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from urial_tui.ui.widgets.transcript_following import FollowingEnd
from urial_tui.ui.widgets.transcript_keys import READING_KEYS, TOKEN_KEYS, possible
from urial_tui.ui.widgets.transcript_lines import selected_text
from urial_tui.ui.widgets.transcript_model import Entry
from urial_tui.ui.widgets.transcript_tokens import TOKEN_STYLES


class Transcript(FollowingEnd, can_focus=True):
    """Shows a branch of messages, streams text into it, and lets the user pick a message to act on."""

    ALLOW_SELECT = True

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "transcript--user",
        "transcript--assistant",
        "transcript--meta",
        "transcript--error",
        "transcript--dim",
        "transcript--prefill",
        "transcript--caret",
        "transcript--marker",
        "transcript--match",
        *(f"transcript--{name}" for name in TOKEN_STYLES),
    }

    DEFAULT_CSS = """
    Transcript {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        & > .transcript--user { color: $secondary; text-style: bold; }
        & > .transcript--assistant { color: $primary; text-style: bold; }
        & > .transcript--meta { color: $text-muted; text-style: italic; }
        & > .transcript--error { color: $text-error; text-style: bold; }
        & > .transcript--dim { color: $text-disabled; text-style: dim; }
        & > .transcript--prefill { text-style: italic; }
        & > .transcript--caret { color: $accent; }
        & > .transcript--marker { color: $accent; text-style: bold; }
        & > .transcript--match { color: $warning; text-style: bold reverse; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*TOKEN_KEYS, *READING_KEYS]

    @dataclass
    class Selected(Message):
        """The message cursor is on another message now, or on none."""

        transcript: "Transcript"
        message_id: str | None

        @property
        def control(self) -> "Transcript":
            return self.transcript

    @dataclass
    class Action(Message):
        """The user asks for `action` on a message: copy, copy_code, edit, regenerate, continue, markdown, rate,
        compare, judge, judgements, branches, differences, previous_branch, next_branch, next_hit, previous_hit.
        """

        transcript: "Transcript"
        action: str
        message_id: str

        @property
        def control(self) -> "Transcript":
            return self.transcript

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.selected: str | None = None
        self._streaming: str | None = None
        self._matched: str | None = None
        self.finding = False
        """Whether there are hits of a search to go to."""
        self.read_only = False
        """Whether another program writes this session."""

    # --- what the screen calls ---

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The messages as they are shown now, raw text."""
        return tuple(replace(block.entry, text=block.text) for block in self.model.blocks)

    def set_entries(self, entries: Sequence[Entry], *, keep_place: bool = False) -> None:
        """Show another branch. `keep_place` keeps the scroll position and the selected message where they still are."""
        place = (
            self.model.place_of(self.scroll_offset.y) if keep_place and not self.following else None
        )
        self.model.set_entries(entries)
        self._painter.clear()
        self._streaming = None
        if not (keep_place and self.model.get(self.selected)):
            self._set_selected(None)
        self._update_height()
        if place is not None:
            self.scroll_to(y=self.model.y_of(place), animate=False, force=True)
        else:
            self.follow()
        self.refresh()
        self.refresh_bindings()
        self.tell_view()

    def add_entry(self, entry: Entry) -> None:
        """One more message at the end."""
        self.model.add(entry)
        self._after_change()
        self.refresh_bindings()

    def append(self, message_id: str, text: str, tokens: Sequence[str] = ()) -> None:
        """Streamed text for a message; `tokens` are the pieces of it. An unknown message is ignored."""
        block = self.model.get(message_id)
        if block is None:
            return
        version, height = block.version, block.height
        first = block.append(text, tokens)
        self.model.changed(block)
        if block.version == version:
            for row in range(first, len(block.body.rows)):
                self._painter.forget(block, row)
        if block.height == height:
            top = self.model.top(block)
            self.refresh_lines(top + 1 + first, block.height - 1 - first)
        else:
            self._after_change(refresh=block.version != version)

    def set_note(self, message_id: str, note: str) -> None:
        """A line below a message; the first streamed text takes it away."""
        if (block := self.model.get(message_id)) is not None and block.note_text != note:
            block.set_note(note)
            self._changed(block)

    def set_streaming(self, message_id: str | None) -> None:
        """The message that is being written: it shows the caret, and no mark of how it ended."""
        for changed in (self._streaming, message_id):
            if (block := self.model.get(changed)) is not None:
                block.set_streaming(changed == message_id)
                self._changed(block)
        self._streaming = message_id

    def finish(self, entry: Entry) -> None:
        """The message as it ended. Its rows are made anew only where its text is not what was streamed."""
        if self._streaming == entry.id:
            self.set_streaming(None)
        self.update_entry(entry)

    def update_entry(self, entry: Entry) -> None:
        """Another state of a message that is shown."""
        if (block := self.model.get(entry.id)) is not None:
            block.set_entry(entry)
            self._changed(block)
            self.refresh_bindings()

    def set_branch(self, message_id: str, branch: tuple[int, int]) -> None:
        """Which version a message is, of how many: also of the one that is being written."""
        if (block := self.model.get(message_id)) is not None:
            block.set_branch(branch)
            self._changed(block)
            self.refresh_bindings()

    def set_left_out(self, count: int) -> None:
        """The first `count` messages are not in the context any more."""
        self.model.set_left_out(count)
        self._after_change()

    def text_of(self, message_id: str) -> str:
        """The raw text of a message, "" for an unknown one."""
        block = self.model.get(message_id)
        return block.text if block is not None else ""

    def select(self, message_id: str | None) -> None:
        """Put the message cursor on a message and bring it into view."""
        block = self.model.get(message_id)
        self._set_selected(message_id if block is not None else None)
        if block is None:
            return
        top, room = self.model.top(block), self.size.height
        bottom = top + block.height - 1
        y = self.scroll_offset.y
        if top < y or block.height > room:
            self.scroll_to(y=top, animate=False, force=True)
        elif bottom > y + room:
            self.scroll_to(y=bottom - room, animate=False, force=True)

    def show_match(self, message_id: str | None, snippet: str) -> None:
        """Mark in a message what a search found, by its snippet, and bring it into view; None: mark nothing."""
        for one in (self._matched, message_id):
            if (block := self.model.get(one)) is not None:
                block.set_matches(snippet if one == message_id else "")
                self._repaint(block)
        self._matched = message_id
        block = self.model.get(message_id)
        if block is None or not block.matches:
            return
        y = self.model.top(block) + 1 + block.body.row_at(block.matches[block.best_match][0])
        if not self.scroll_offset.y <= y < self.scroll_offset.y + self.size.height - 1:
            self.scroll_to(y=max(y - self.size.height // 3, 0), animate=False, force=True)

    # --- keys ---

    def action_follow(self) -> None:
        self._set_selected(None)
        self.follow()

    def action_first_message(self) -> None:
        if self.model.blocks:
            self.select(self.model.blocks[0].entry.id)

    def action_previous_message(self) -> None:
        """The message above; a message taller than the screen is scrolled through first."""
        block = self.model.get(self.selected)
        if block is None:
            if self.model.blocks:
                self.select(self.model.blocks[-1].entry.id)
            return
        if self.model.top(block) < self.scroll_offset.y:
            self.scroll_relative(y=-self._page(), animate=False)
            return
        number = self.model.number(block.entry.id)
        if number:
            above = self.model.blocks[number - 1]
            self.select(above.entry.id)
            if above.height > self.size.height:  # enter it from below
                self.scroll_to(
                    y=self.model.top(above) + above.height - self.size.height, animate=False
                )

    def action_next_message(self) -> None:
        """The message below; past the last one, back to following the end."""
        block = self.model.get(self.selected)
        if block is None:
            self.follow()
            return
        bottom = self.model.top(block) + block.height - 1
        if bottom > self.scroll_offset.y + self.size.height:
            self.scroll_relative(y=self._page(), animate=False)
            return
        number = self.model.number(block.entry.id) + 1
        if number < len(self.model.blocks):
            self.select(self.model.blocks[number].entry.id)
        else:
            self.action_follow()

    def action_act(self, action: str) -> None:
        target = self._target(action)
        if target is not None:
            self.post_message(self.Action(self, action, target))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that have nothing to act on are off, so that the footer tells the truth."""
        if action == "inspect" or self.inspecting is not None:
            return self.can_inspect(action, parameters)
        if action != "act":
            return True
        name = str(parameters[0])
        block = self.model.get(self._target(name))
        entry = block.entry if block is not None else None
        return possible(name, entry, finding=self.finding, read_only=self.read_only)

    def on_click(self, event: events.Click) -> None:
        """A click picks the message, or the token while tokens are inspected, unless it ended a selection of text."""
        row = self.model.row(self.scroll_offset.y + event.y)
        if row is None or event.chain > 1 or self.screen.get_selected_text():
            return
        token = self.token_under(event.x, event.y)
        if token is not None:
            self.post_message(self.TokenClicked(token))
        elif self.inspecting is None:
            self._set_selected(row.block.entry.id)

    def _target(self, action: str) -> str | None:
        return self.selected or self._default_target(action)

    def _default_target(self, action: str) -> str | None:
        role = "user" if action == "edit" else "assistant"
        for block in reversed(self.model.blocks):
            if block.entry.role == role:
                return block.entry.id
        return None

    def _page(self) -> int:
        return max(self.size.height // 2, 1)

    def _set_selected(self, message_id: str | None) -> None:
        if message_id != self.selected:
            self.selected = message_id
            self.refresh()
            self.refresh_bindings()
            self.post_message(self.Selected(self, message_id))

    # --- drawing ---

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.clear(styles=True)

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text: rows that were only wrapped are joined again."""
        return selected_text(self.model, selection), "\n"

    def render_line(self, y: int) -> Strip:
        line = self.scroll_offset.y + y
        row = self.model.row(line)
        if row is None:
            return Strip.blank(self.size.width, self.rich_style)
        selection = self.text_selection
        span = selection.get_span(line) if selection is not None else None
        marked = row.block.entry.id == self.selected
        strip = self._painter.strip(row, marked=marked, selected=span)
        return strip.apply_offsets(0, line)
