"""Where an answer ends and which of its bytes may be shown: text stops, the closing fence, UTF-8.

Pure bytes in, released tokens out; the generation loop feeds it and tests do without a model. Bytes that may still
turn out to belong to a stop text or to the closing fence are held back together with their tokens, so stop text is
never shown nor stored, wherever the token boundaries fall.
"""

import codecs
from dataclasses import dataclass

_BACKTICK = b"`"
_BLANKS = b" \t\r"


@dataclass(frozen=True)
class Released:
    """A token that is certainly part of the answer. `visible` of its bytes are; `text` became readable with it."""

    id: int
    raw: bytes
    text: str
    visible: int
    cut: bool = False
    control: bool = False


class AnswerStream:
    """Feed tokens in order; `ended` turns True when a stop text or the answer's closing fence is complete.

    `fence` is given when the prompt ends inside an open fence: its closing line ends the answer, while fences that
    open with a language inside the answer nest. `prefilled` is the part of the answer that the prompt holds already.
    The earliest stop in the text wins, also when a later one is complete first.
    """

    def __init__(
        self, stops: tuple[str, ...] = (), fence: str | None = None, prefilled: bytes = b""
    ) -> None:
        self._stops = tuple(stop.encode() for stop in stops if stop)
        self._fence = fence.encode() if fence else None
        self._text = bytearray(prefilled)
        self._released = len(prefilled)
        self._pending: list[tuple[int, bytes, bool]] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._decoder.decode(prefilled)
        self._depth = 1
        self._line = 0
        self.ended = False
        if self._fence:
            self._fence_end()

    def feed(self, token: int, raw: bytes, *, control: bool = False) -> list[Released]:
        """Add one token; what can be shown now is returned, in order. A control token has no visible bytes."""
        self._pending.append((token, raw, control))
        if not control:
            self._text += raw
        end, hold = self._boundaries(final=False)
        if end is not None:
            return self._finish(end)
        return self._release(hold)

    def flush(self) -> list[Released]:
        """The answer ended otherwise (EOG, length, cancel): release everything that is no stop text."""
        end, _hold = self._boundaries(final=True)
        return self._finish(end) if end is not None else self._release(len(self._text))

    def tail(self) -> str:
        """What an unfinished character at the very end shows as; call once, last."""
        return self._decoder.decode(b"", final=True)

    # --- releasing --------------------------------------------------------------------------------------------------

    def _release(self, upto: int) -> list[Released]:
        """Tokens whose bytes all lie before `upto`."""
        out = []
        position = self._released
        taken = 0
        for token, raw, control in self._pending:
            length = 0 if control else len(raw)
            if position + length > upto:
                break
            position += length
            taken += 1
            text = self._decoder.decode(raw) if length else ""
            out.append(Released(token, raw, text, length, control=control))
        del self._pending[:taken]
        self._released = position
        return out

    def _finish(self, end: int) -> list[Released]:
        """Release up to `end`: the token that the end cuts in two is kept and marked, later ones are dropped."""
        self.ended = True
        out = self._release(end)
        if self._pending and self._released < end:
            token, raw, _control = self._pending[0]
            visible = end - self._released
            out.append(Released(token, raw, self._decoder.decode(raw[:visible]), visible, cut=True))
            self._released = end
        self._pending.clear()
        return out

    # --- finding the end --------------------------------------------------------------------------------------------

    def _boundaries(self, *, final: bool) -> tuple[int | None, int]:
        """(where the answer ends or None, from where bytes must be held back). `final`: nothing will follow."""
        end, hold = self._stop_end(final=final)
        if self._fence:
            fence_end, fence_hold = self._fence_end(final=final)
            hold = min(hold, fence_hold)
            if fence_end is not None and (end is None or fence_end < end):
                end = fence_end
        if end is not None and (final or end <= hold):
            return self._trimmed(end), end
        if end is not None:
            hold = min(hold, end)
        return None, self._blanks(hold) if not final else hold

    def _trimmed(self, end: int) -> int:
        """`end` moved before the blank run in front of it, if that run holds a newline."""
        start = self._blanks(end)
        return start if b"\n" in self._text[start:end] else end

    def _blanks(self, end: int) -> int:
        """Where the blank run before `end` begins: it is held back, for a newline and a stop may follow."""
        while end > self._released and self._text[end - 1] in b" \t\r\n":
            end -= 1
        return end

    def _stop_end(self, *, final: bool) -> tuple[int | None, int]:
        text, begin = self._text, self._released
        found: int | None = None
        hold = len(text)
        for stop in self._stops:
            at = text.find(stop, begin)
            if at >= 0 and (found is None or at < found):
                found = at
            if not final:
                hold = min(hold, _partial(text, stop, begin))
        return found, hold

    def _fence_end(self, *, final: bool = False) -> tuple[int | None, int]:
        """Follow the fence depth over complete lines; judge the last, incomplete one."""
        while (newline := self._text.find(b"\n", self._line)) >= 0:
            end = self._judge(bytes(self._text[self._line : newline]), self._line, complete=True)[0]
            if end is not None:
                return end, len(self._text)
            self._line = newline + 1
        end, hold = self._judge(bytes(self._text[self._line :]), self._line, complete=final)
        return end, hold

    def _judge(self, line: bytes, start: int, *, complete: bool) -> tuple[int | None, int]:
        """(end of the answer or None, hold from here) for one line that begins at `start`."""
        assert self._fence is not None
        nothing = len(self._text)
        body = line.lstrip(_BLANKS)
        if body.startswith(self._fence):
            info = body.lstrip(_BACKTICK).strip(_BLANKS)
            if not info:
                if not complete:
                    return (None, start) if self._depth == 1 else (None, nothing)
                return self._close(start, nothing)
            if complete and _BACKTICK not in info:
                self._depth += 1
            return None, nothing
        if not complete and body and self._fence.startswith(body):
            return None, start
        runs = line.count(self._fence)
        if line.rstrip(_BLANKS).endswith(self._fence) and runs % 2 == 1:
            at = start + line.rfind(self._fence)
            return (
                self._close(at, nothing)
                if complete
                else (None, at if self._depth == 1 else nothing)
            )
        if not complete and self._depth == 1 and line.endswith(_BACKTICK):
            return None, start + len(line.rstrip(_BACKTICK))
        return None, nothing

    def _close(self, at: int, nothing: int) -> tuple[int | None, int]:
        if self._depth == 1:
            return at, nothing
        self._depth -= 1
        return None, nothing


def _partial(text: bytearray, stop: bytes, begin: int) -> int:
    """Where a suffix of `text` begins that is a proper prefix of `stop`; the earliest one, or the end of the text."""
    for at in range(max(begin, len(text) - len(stop) + 1), len(text)):
        if stop.startswith(bytes(text[at:])):
            return at
    return len(text)
