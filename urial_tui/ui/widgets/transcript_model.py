"""What the transcript shows, as rows, without drawing anything: messages, their wrapped text, where each row is.

The Transcript widget owns one `TranscriptModel`. Raw text comes in and is kept (for copying); everything that rows hold
went through the sanitiser. A message knows where each token ends in its shown text, so that a lane of styles over
tokens, or a cursor that moves by token, needs nothing but an index.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from urial_tui.safetext import Sanitizer, sanitize, sanitize_line
from urial_tui.store.types import Message, Role, Status
from urial_tui.ui.drawing.wrap import WrappedText
from urial_tui.ui.widgets.matches import matches_in
from urial_tui.ui.widgets.token_places import TokenPlaces

Part = Literal["header", "body", "note", "rule", "blank"]


@dataclass(frozen=True)
class Entry:
    """One message to show, raw. `prefill` is how many characters of `text` the user wrote for the model.

    `tokens` are the texts of the generated tokens, which follow the prefill. `branch` is (which, of how many), from 1.
    """

    id: str
    role: Role
    author: str
    text: str = ""
    status: Status = "complete"
    error: str = ""
    branch: tuple[int, int] = (1, 1)
    prefill: int = 0
    tokens: tuple[str, ...] = ()
    note: str = ""


def entry_of(
    message: Message,
    author: str,
    *,
    branch: tuple[int, int] = (1, 1),
    tokens: tuple[str, ...] = (),
    note: str = "",
) -> Entry:
    """The entry for a stored message."""
    return Entry(
        id=message.id,
        role=message.role,
        author=author,
        text=message.content,
        status=message.status,
        error=message.error,
        branch=branch,
        prefill=len(message.prefill) if message.content.startswith(message.prefill) else 0,
        tokens=tokens,
        note=note,
    )


class Row(NamedTuple):
    """Row `number` of one part of one message."""

    block: "Block"
    part: Part
    number: int


class Block(TokenPlaces):
    """One message's rows: header, text, notes, and a blank one (with a rule before it where the context begins)."""

    def __init__(self, entry: Entry, width: int) -> None:
        super().__init__()
        self.entry = entry
        self.streaming = False
        self.left_out = False
        self.rule: str = ""  # shown below this message
        self.matches: list[
            tuple[int, int]
        ] = []  # (start, end) in the shown text of what a search found
        self.best_match = 0  # the one that the search's snippet shows
        self.version = 0  # grows when rows that were final change after all
        self.width = width
        self._build()

    def _build(self) -> None:
        entry = self.entry
        self.note_text = entry.note
        self._raw: list[str] = []
        self._raw_length = 0
        self.streamed = False
        self._sanitizer = Sanitizer()
        self.body = WrappedText(self.width)
        self.token_ends = array("Q")
        self._put(entry.text[: entry.prefill])
        self.prefill_end = self.body.length
        self.tokens_begin = self.prefill_end
        self._put_tokens(entry.text[entry.prefill :], entry.tokens)
        if entry.status != "interrupted":  # an answer that is about to stream is one
            self._flush()
        self._wrap_note()

    def append(self, text: str, tokens: Sequence[str]) -> int:
        """Add streamed text; the first body row that changed."""
        if self.note_text:
            self.note_text = ""
            self._wrap_note()
        changed = len(self.body.rows) - 1
        if tokens:
            self.begin_stream()
        self._put_tokens(text, tokens)
        return changed

    def _put(self, text: str) -> None:
        self._raw.append(text)
        self._raw_length += len(text)
        safe = self._sanitizer.feed(text)
        if safe:
            self.body.append(safe)

    def _put_tokens(self, text: str, tokens: Sequence[str]) -> None:
        place = 0
        for token in tokens:
            end = min(place + len(token), len(text))
            self._put(text[place:end])
            self.token_ends.append(self.body.length)
            place = end
        if place < len(text):
            self._put(text[place:])

    def _flush(self) -> None:
        held = self._sanitizer.finish()
        if held:
            self.body.append(held)
            if self.token_ends:
                self.token_ends[-1] = self.body.length

    @property
    def prefill(self) -> int:
        return self.entry.prefill

    @property
    def text(self) -> str:
        """The raw text."""
        if len(self._raw) > 1:
            self._raw = ["".join(self._raw)]
        return self._raw[0] if self._raw else ""

    def set_entry(self, entry: Entry) -> None:
        """Another state of the same message. Its rows are only made anew where the text is another one."""
        shown, ends = self.text, self.token_ends
        grown = entry.prefill == self.entry.prefill and entry.text.startswith(shown)
        self.entry = entry
        self.version += 1
        if grown and not entry.tokens:
            self._put(entry.text[len(shown) :])
            self._flush()
            self.note_text = entry.note
            self._wrap_note()
            return
        self._build()
        if not entry.tokens and shown.startswith(entry.text):  # the end was cut off
            self.token_ends = ends[: bisect_right(ends, self.body.length)]

    def set_matches(self, snippet: str) -> None:
        """Mark every place of what is marked in a snippet."""
        self.matches, self.best_match = matches_in(self.body.text, snippet) if snippet else ([], 0)

    def set_branch(self, branch: tuple[int, int]) -> None:
        self.entry = replace(self.entry, branch=branch)
        self.version += 1

    def set_note(self, note: str) -> None:
        self.note_text = note
        self._wrap_note()

    def rewrap(self, width: int) -> None:
        self.width = width
        self.version += 1
        self.body.rewrap(width)
        self._wrap_note()

    def set_streaming(self, streaming: bool) -> None:
        self.streaming = streaming
        self.version += 1
        self._wrap_note()

    def _wrap_note(self) -> None:
        self.version += 1
        text = self.note_text
        if not text and not self.streaming:
            text = self.status_text
        wrapped = WrappedText(self.width)
        wrapped.append(sanitize(text))
        self.notes: list[str] = wrapped.rows if text else []

    @property
    def status_text(self) -> str:
        """How the answer ended, when that is worth saying."""
        if self.entry.status == "stopped":
            return "■ stopped"
        if self.entry.status == "interrupted":
            return "▲ interrupted: this is what was written before the program ended"
        if self.entry.status == "failed":
            return f"✗ failed: {self.entry.error or 'no reason was given'}"
        return ""

    @property
    def header(self) -> str:
        """Author and branch position, one line."""
        which, count = self.entry.branch
        author = sanitize_line(self.entry.author, 60)
        return f"{author}  {which}/{count}" if count > 1 else author

    @property
    def body_height(self) -> int:
        """Body rows; none while there is no text but a note."""
        empty = len(self.body.rows) == 1 and not self.body.rows[0]
        return 0 if empty and (self.notes or not self.streaming) else len(self.body.rows)

    @property
    def height(self) -> int:
        return 2 + self.body_height + len(self.notes) + (2 if self.rule else 0)

    def row(self, y: int) -> Row:
        """Row `y` of this block, counted from its header."""
        if y == 0:
            return Row(self, "header", 0)
        y -= 1
        if y < self.body_height:
            return Row(self, "body", y)
        y -= self.body_height
        if y < len(self.notes):
            return Row(self, "note", y)
        y -= len(self.notes)
        return Row(self, "rule" if self.rule and y == 1 else "blank", y)


class TranscriptModel:
    """The visible branch as rows of one width. `width` is the text's, without the marker column."""

    def __init__(self, width: int = 80) -> None:
        self.width = width
        self.blocks: list[Block] = []
        self._index: dict[str, int] = {}
        self._tops: list[int] = []
        self.height = 0

    def set_entries(self, entries: Sequence[Entry]) -> None:
        self.blocks = []
        self._index = {}
        self._tops = []
        self.height = 0
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> Block:
        block = Block(entry, self.width)
        self._index[entry.id] = len(self.blocks)
        self.blocks.append(block)
        self._tops.append(self.height)
        self.height += block.height
        return block

    def get(self, message_id: str | None) -> Block | None:
        number = self._index.get(message_id) if message_id is not None else None
        return self.blocks[number] if number is not None else None

    def number(self, message_id: str) -> int:
        return self._index[message_id]

    def top(self, block: Block) -> int:
        """The y of its header."""
        return self._tops[self._index[block.entry.id]]

    def changed(self, block: Block) -> None:
        """The block's height may be another one now. Cheap for the last block, which is the one that streams."""
        number = self._index[block.entry.id]
        y = self._tops[number]
        for later in range(number, len(self.blocks)):
            self._tops[later] = y
            y += self.blocks[later].height
        self.height = y

    def rewrap(self, width: int) -> None:
        self.width = width
        self._tops = []
        self.height = 0
        for block in self.blocks:
            block.rewrap(width)
            self._tops.append(self.height)
            self.height += block.height

    def row(self, y: int) -> Row | None:
        """What is on line `y`; None below the end."""
        if not 0 <= y < self.height:
            return None
        number = bisect_right(self._tops, y) - 1
        return self.blocks[number].row(y - self._tops[number])

    def set_left_out(self, count: int) -> None:
        """The first `count` messages are outside the context."""
        for number, block in enumerate(self.blocks):
            block.left_out = number < count
            turns = "message" if count == 1 else "messages"
            rule = (
                f"the {count} {turns} above no longer fit the context"
                if number == count - 1
                else ""
            )
            if rule != block.rule:
                block.rule = rule
            block.version += 1
        if self.blocks:
            self.changed(self.blocks[0])

    def place_of(self, y: int) -> tuple[str, int, int] | None:
        """A place that outlives another width: message, offset in its text (-1 for the header), rows after that."""
        row = self.row(y)
        if row is None:
            return None
        if row.part == "body":
            return row.block.entry.id, row.block.body.starts[row.number], 0
        rest = y - self.top(row.block) - 1 - row.block.body_height
        return (
            row.block.entry.id,
            -1 if row.part == "header" else row.block.body.length,
            max(rest, 0),
        )

    def y_of(self, place: tuple[str, int, int]) -> int:
        """The y of a place, 0 when its message is gone."""
        message_id, offset, rest = place
        block = self.get(message_id)
        if block is None:
            return 0
        if offset < 0:
            return self.top(block)
        if rest or offset >= block.body.length:
            return self.top(block) + 1 + block.body_height + rest
        return self.top(block) + 1 + block.body.row_at(offset)
