"""Makes untrusted text safe to put on a terminal: the one sanitiser of the program, for streams and
for whole texts.

Used for model output, file names, GGUF metadata, error messages and imported rows, right before
they are shown; what is stored is always the raw text. Nothing here knows about widgets or markup,
and the output is plain text: whoever shows it must still not parse it as markup.

What is changed, and what is left alone:

- C0 controls become their pictures (ESC is `␛`), DEL is `␡`, C1 controls and other hidden
  characters become `⟨U+009B⟩`. Newline and tab stay. CR LF is a newline; a CR of its own is `␍`.
  Lone surrogates become U+FFFD.
- Shown as `⟨U+…⟩`: bidi controls, zero-width characters, tag characters, U+2028/2029, soft
  hyphens, Hangul fillers, unassigned code points outside the emoji and CJK planes, noncharacters.
- Joiners stay where a reader needs them: U+200C between letters of scripts that join, and U+200D
  between two emoji, at most three in a row. A longer chain would be two cells for Rich and any
  number of cells on a terminal that does not join, so it is shown instead. U+200D in other scripts
  is shown too: Rich counts the letter after it as zero cells.
- Variation selectors stay when they directly follow what they vary (an emoji, a keycap, a Han
  character), once.
- Skin tones stay directly after an emoji; elsewhere Rich counts zero cells where terminals draw
  two, so they are shown.
- A run of combining marks keeps its first six; the rest becomes one `⟨…⟩`. A mark with nothing
  before it gets `◌`.
"""

import json
import re
import unicodedata
from typing import Any

MAX_MARKS = 6
"""Combining marks kept on one base. Pointed Hebrew needs four, stacked Tibetan five; "zalgo" text
uses dozens.
"""

MAX_JOINS = 3
"""Joiners kept in one emoji. The longest emoji in use (two people kissing) has three."""

MARKS_CUT = "⟨…⟩"

_ZWNJ, _ZWJ, _VS15, _VS16, _KEYCAP = "\u200c", "\u200d", "\ufe0e", "\ufe0f", "\u20e3"

# Text that passes unchanged and cannot interact with what follows, except as a base.
_PLAIN_CHARS = (
    r"\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff\u0391-\u03a1\u03a3-\u03ff\u0400-\u0482\u2010-\u2027"
    r"\u3001-\u3029\u3041-\u3096\u30a1-\u30fe\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e"
)
_PLAIN = re.compile(rf"[\n\t{_PLAIN_CHARS}]+")
_NOT_PLAIN = re.compile(rf"[^\n\t{_PLAIN_CHARS}]")
_PLAIN_ONE_LINE = re.compile(rf"[{_PLAIN_CHARS}]+")

# Code points that may carry an emoji variation selector or take part in a joined emoji.
_EMOJI_RANGES = (
    (0x203C, 0x203C), (0x2049, 0x2049), (0x2122, 0x2122), (0x2139, 0x2139), (0x2190, 0x21FF),
    (0x2300, 0x23FF), (0x24C2, 0x24C2), (0x25A0, 0x27BF), (0x2900, 0x297F), (0x2B00, 0x2BFF),
    (0x3030, 0x3030), (0x303D, 0x303D), (0x3297, 0x3297), (0x3299, 0x3299), (0x1F000, 0x1F1E5),
    (0x1F200, 0x1F3FA), (0x1F400, 0x1FAFF),
)  # fmt: skip
# Scripts whose letters join, where U+200C changes how a word is read.
_JOINING_RANGES = (
    (0x0600, 0x0DFF), (0x1000, 0x109F), (0x1780, 0x18AF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC),
)  # fmt: skip
_HAN_RANGES = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFD))
# Signs of category Cf that have a glyph of their own.
_VISIBLE_FORMAT = frozenset(
    [*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD]
)
# Invisible, although their category says letter or mark.
_HIDDEN = frozenset(
    [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2065, 0x3164, 0xFFA0]
)


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def _shown(char: str) -> str:
    return f"⟨U+{ord(char):04X}⟩"


def _is_selector(code: int) -> bool:
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF


def _is_joining(char: str) -> bool:
    """Whether this is a letter of a script whose letters join."""
    return (
        bool(char) and _within(ord(char), _JOINING_RANGES) and unicodedata.category(char)[0] == "L"
    )


def _is_emoji(char: str) -> bool:
    return (
        bool(char)
        and _within(ord(char), _EMOJI_RANGES)
        and (ord(char) >= 0x1F000 or unicodedata.category(char) != "Cn")
    )


def _is_unknown(code: int, category: str) -> bool:
    """Unassigned as far as this Python knows. Emoji and CJK planes grow yearly and are drawn all
    the same.
    """
    return category == "Cn" and (
        code & 0xFFFE == 0xFFFE or not (0x1F000 <= code <= 0x1FBFF or 0x20000 <= code <= 0x3FFFF)
    )


class Sanitizer:
    """Sanitises a stream. The concatenated output of `feed` over any chunking, then `finish`, is
    `sanitize` of the whole.

    A character whose meaning depends on the next one (CR, a joiner) is held back until that one, or
    `finish`, comes. With `keep_newlines` false, newlines and tabs are made visible too.
    """

    def __init__(self, *, keep_newlines: bool = True) -> None:
        self._keep_newlines = keep_newlines
        self._plain = _PLAIN if keep_newlines else _PLAIN_ONE_LINE
        self._reset()

    def _reset(self) -> None:
        self._held = ""  # CR, a joiner, or a selector on a keycap's base: at most one character
        self._base = (
            ""  # the last character that a following one may attach to; "" at the start of a line
        )
        self._marks = 0  # combining marks on it so far
        self._joins = 0  # joiners in the current emoji
        self._varied = False  # the base has its selector
        self._toned = False  # the base has its skin tone

    def feed(self, chunk: str) -> str:
        """The safe form of `chunk`, less what has to wait for the next character."""
        out: list[str] = []
        pos, end = 0, len(chunk)
        while pos < end:
            if not self._held and (run := self._plain.match(chunk, pos)):
                pos = run.end()
                out.append(run.group())
                self._set_base("" if chunk[pos - 1] == "\n" else chunk[pos - 1])
                continue
            out.append(self._one(chunk[pos]))
            pos += 1
        return "".join(out)

    def finish(self) -> str:
        """What was held back, made visible. The sanitiser is as new afterwards."""
        out = self._release("") if self._held else ""
        self._reset()
        return out

    def _set_base(self, char: str) -> None:
        self._base = char
        self._marks = self._joins = 0
        self._varied = self._toned = False

    def _show(self, text: str) -> str:
        self._set_base(text[-1])
        return text

    def _one(self, char: str) -> str:
        out = ""
        if self._held:
            if self._held == "\r" and char == "\n":
                self._held = ""
            else:
                out = self._release(char)
        code = ord(char)
        if (
            char == "\r"
            or (char == _ZWJ and self._can_join())
            or (char == _ZWNJ and _is_joining(self._base))
        ):
            self._held = char
            return out
        if char == "\n" and self._keep_newlines:
            self._set_base("")
            return out + char
        if char == "\t" and self._keep_newlines:
            self._set_base(char)
            return out + char
        if code < 0x20:
            return out + self._show(chr(0x2400 + code))
        if _is_selector(code):
            return out + self._selector(char)
        if 0x1F3FB <= code <= 0x1F3FF:
            return out + self._tone(char)
        return out + self._by_category(char, code)

    def _by_category(self, char: str, code: int) -> str:
        if code == 0x7F:
            return self._show("␡")
        category = unicodedata.category(char)
        if category == "Cs":
            return self._show("\ufffd")
        if code in _HIDDEN or 0x80 <= code <= 0x9F or category in ("Zl", "Zp"):
            return self._show(_shown(char))
        if category == "Cf" and code not in _VISIBLE_FORMAT:
            return self._show(_shown(char))
        if _is_unknown(code, category):
            return self._show(_shown(char))
        if category[0] == "M" or 0x1161 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FB:
            return self._mark(char)
        if self._joins and not self._base:  # the second half of a joined emoji
            self._base, self._varied, self._toned = char, False, False
        else:
            self._set_base(char)
        return char

    def _mark(self, char: str) -> str:
        """A combining mark, or a Hangul vowel or final, which take no cell of their own either."""
        lead = "" if self._base else "◌"
        if not self._base:
            self._set_base("◌")
        self._marks += 1
        if self._marks <= MAX_MARKS:
            return lead + char
        return MARKS_CUT if self._marks == MAX_MARKS + 1 else ""

    def _selector(self, char: str) -> str:
        base = ord(self._base) if self._base else 0
        fresh = bool(self._base) and not self._varied and not self._marks and not self._toned
        if fresh and char in (_VS15, _VS16) and _is_emoji(self._base):
            self._varied = True
            return char
        if fresh and char in (_VS15, _VS16) and self._base in "©®":
            self._varied = True
            return char
        if fresh and char == _VS16 and self._base in "#*0123456789":
            self._held = char
            return ""
        if fresh and char not in (_VS15, _VS16) and _within(base, _HAN_RANGES):
            self._varied = True
            return char
        return self._show(_shown(char))

    def _tone(self, char: str) -> str:
        if _is_emoji(self._base) and not self._toned and not self._marks:
            self._toned = True
            return char
        return self._show(_shown(char))

    def _can_join(self) -> bool:
        return _is_emoji(self._base) and not self._marks and self._joins < MAX_JOINS

    def _release(self, following: str) -> str:
        """What becomes of the held character now that the next one is known ("" for the end)."""
        held, self._held = self._held, ""
        if held == "\r":
            return self._show("␍")
        if held == _ZWJ and _is_emoji(following):
            self._joins += 1
            self._base = ""
            return held
        if held == _ZWNJ and _is_joining(following):
            return held
        if held == _VS16 and following == _KEYCAP:
            self._varied = True
            return held
        return self._show(_shown(held))


def sanitize(text: str, *, keep_newlines: bool = True) -> str:
    """The safe form of a whole text. Applying it twice changes nothing more."""
    sanitizer = Sanitizer(keep_newlines=keep_newlines)
    return sanitizer.feed(text) + sanitizer.finish()


def sanitize_line(text: str, limit: int = 200) -> str:
    """The safe form for a place of one line (a title, a file name): at most `limit` characters, `…`
    for the rest.
    """
    safe = sanitize(text[: limit + 1], keep_newlines=False)
    if len(safe) <= limit and len(text) <= limit:
        return safe
    cut = safe[: max(limit - 1, 0)]
    while cut and (unicodedata.category(cut[-1]) in ("Cf", "Cs") or _is_selector(ord(cut[-1]))):
        cut = cut[:-1]
    return cut + "…"


def json_line(value: object, **options: Any) -> str:
    """`value` as JSON in which readable text stays readable and the rest is escaped: DEL, C1 controls, bidi
    and other format characters, variation selectors, half surrogates, U+2028/2029. Parsed, it is the same.

    `options` are those of `json.dumps` for the layout. Raises ValueError for NaN and infinity.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, **options)
    return _NOT_PLAIN.sub(_json_escaped, text)


def _json_escaped(found: re.Match[str]) -> str:
    char = found.group()
    code = ord(char)
    hidden = unicodedata.category(char) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
    if code < 0x20 or not (hidden or code in _HIDDEN or _is_selector(code)):
        return char  # below U+0020 only the layout's own newlines are left
    return json.dumps(char)[1:-1] if code > 0x7F else "\\u007f"


def sanitize_same_length(text: str) -> str:
    """One safe character for each, so that an editor's columns still hold. Tabs and newlines stay.

    Only for showing text that is being edited: joiners and marks stay as they are typed.
    """
    return "".join(map(_same_length, text)) if not _PLAIN.fullmatch(text) else text


def _same_length(char: str) -> str:
    code = ord(char)
    if char in ("\t", "\n", _ZWNJ, _ZWJ):
        return char
    if code < 0x20:
        return chr(0x2400 + code)
    category = unicodedata.category(char)
    hidden = code in _HIDDEN or (category == "Cf" and code not in _VISIBLE_FORMAT)
    return "\ufffd" if hidden or category in ("Cc", "Cs", "Zl", "Zp") else char
