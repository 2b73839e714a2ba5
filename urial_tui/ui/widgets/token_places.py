"""Where tokens are in a message's shown text, and how they look: the part of `Block` that is about tokens. Pure.

The shown text is the sanitised one with its tabs expanded; both depend on what came before, so for a text that is
already shown the tokens' texts go through the same steps once more.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from urial_tui.safetext import Sanitizer
from urial_tui.ui.drawing.wrap import WrappedText, expand_tabs

MOST_SHARED = 8
"""Tokens before one that are looked at for bytes of its characters."""

_HALF = "\ufffd"
"""Stands for half a character where an answer ends in one."""


class TokenPlaces:
    """The tokens of one message."""

    body: WrappedText
    prefill_end: int
    tokens_begin: int
    """Offset in the shown text where the first token begins."""
    token_ends: "array[int]"
    """For each token, the offset in the shown text just after it."""
    streamed: bool
    """Whether tokens were streamed into this text."""

    def __init__(self) -> None:
        self.look: Callable[[int, int], str] | None = None
        """Style names for the characters that the tokens from the first to the last share."""
        self.cursor: int | None = None
        self.pinned: int | None = None
        self._live = (0, 0)  # the first streamed token, and where it begins

    @property
    def text(self) -> str:
        """The raw text."""
        raise NotImplementedError

    @property
    def prefill(self) -> int:
        """How many characters of the raw text the user wrote for the model."""
        raise NotImplementedError

    def begin_stream(self) -> None:
        """Tokens are about to be streamed into the text; only the first time counts."""
        if not self.streamed:
            self.streamed = True
            self._live = (len(self.token_ends), self.body.length)
            if not self.token_ends:
                self.tokens_begin = self.body.length

    def set_tokens(self, texts: Sequence[str]) -> bool:
        """The texts of the tokens of this answer, which was not streamed token by token. False when they are not what
        the answer's text is made of: it then has no tokens."""
        start = place_in(self.text, self.prefill, "".join(texts))
        if start is None:
            self.token_ends = array("Q")
            return False
        self.tokens_begin, self.token_ends = ends_of(self.text, start, texts, self.body.length)
        return True

    def align_streamed(self, first: int) -> None:
        """The first streamed token is token `first` of the answer: what was written before it counts as so many."""
        begun, offset = self._live
        if self.streamed and begun != first:
            self.token_ends[min(begun, first) : begun] = array(
                "Q", [offset] * max(first - begun, 0)
            )
            self._live = (first, offset)

    def token_spans(self, row: int) -> Iterator[tuple[int, int, int]]:
        """(token, start, end) of each token on a body row, in characters of that row."""
        start = self.body.starts[row]
        end = start + len(self.body.rows[row])
        token = bisect_right(self.token_ends, start)
        place = max(start, self._begin_of(token))
        while token < len(self.token_ends) and place < end:
            until = min(self.token_ends[token], end)
            if until > place:
                yield token, place - start, until - start
            place = max(place, until)
            token += 1

    def token_names(self, token: int) -> str:
        """The style names for the characters of a token. Tokens without characters (the first bytes of an emoji) share
        those of the token that completes them."""
        begin, first = self._begin_of(token), token
        while first and token - first < MOST_SHARED and self._begin_of(first - 1) == begin:
            first -= 1
        names = self.look(first, token) if self.look is not None else ""
        for mark, at in (("pinned", self.pinned), ("cursor", self.cursor)):
            if at is not None and first <= at <= token:
                names += f" {mark}"
        return names

    def _begin_of(self, token: int) -> int:
        return self.token_ends[token - 1] if token else self.tokens_begin

    def row_of_token(self, token: int) -> int:
        """The body row where a token begins."""
        return self.body.row_at(self._begin_of(token))

    def rows_of_tokens(self, first: int, last: int) -> range:
        """The body rows on which tokens `first` to `last` are; those whose text is not there yet are left out."""
        last = min(last, len(self.token_ends) - 1)
        if first > last or not self.token_ends:
            return range(0)
        # A character that a later token completes is on the row where this one's bytes begin.
        end = max(self.token_ends[last], self._begin_of(last) + 1) - 1
        return range(self.row_of_token(first), self.body.row_at(end) + 1)

    def token_at(self, offset: int) -> int | None:
        """The token that the shown character at `offset` belongs to."""
        token = bisect_right(self.token_ends, offset)
        return token if self.tokens_begin <= offset and token < len(self.token_ends) else None


def place_in(text: str, prefill: int, written: str) -> int | None:
    """Where in `text` the tokens' text begins: after the prefill, or later when more of the answer was there before its
    first token. It may end before or after the text does. None when the text is another one."""
    rest, core = text[prefill:], written.rstrip(_HALF)
    if rest.startswith(core) or core.startswith(rest.rstrip(_HALF)):
        return prefill
    for whole in (text, text.rstrip(_HALF)):
        if whole.endswith(core):
            return len(whole) - len(core)
    return None


def ends_of(text: str, start: int, texts: Sequence[str], total: int) -> tuple[int, "array[int]"]:
    """(where the first token begins, where each ends) in the shown text, `total` characters long, of a raw text whose
    tokens begin at `start`."""
    sanitizer = Sanitizer()
    length, column = 0, 0

    def feed(piece: str) -> int:
        nonlocal length, column
        shown, column = expand_tabs(sanitizer.feed(piece), column)
        length += len(shown)
        return length

    begin = feed(text[:start])
    left = len(text) - start
    ends = array("Q")
    for piece in texts:
        ends.append(min(feed(piece[:left]), total))
        left = max(left - len(piece), 0)
    if ends and not left:
        ends[-1] = total  # what the sanitiser still held
    return begin, ends
