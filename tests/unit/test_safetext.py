"""The sanitiser: nothing that a terminal obeys gets through; honest text stays."""

import itertools
import json
import math
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from urial_tui.safetext import (
    MAX_MARKS,
    Sanitizer,
    json_line,
    sanitize,
    sanitize_line,
    sanitize_same_length,
)

# Plain letters, and everything that the sanitiser has a rule for, often next to each other.
CONTROLS = ["\x00", "\x07", "\x08", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\x9b", "\r\n"]
HIDDEN = ["\u2028", "\u2029", "\u202e", "\u2066", "\u200b", "\u200c", "\u200d", "\ufeff", "\u00ad"]
HIDDEN += ["\U000e0041", "\u3164", "\uffff", "\ud800", "\udc80"]
ATTACHED = [
    "\U000e0101",
    "\ufe00",
    "\ufe0e",
    "\ufe0f",
    "\u20e3",
    "\u0301",
    "\u0316",
    "\U0001f3fd",
    "\u1161",
]
BASES = [
    "\U0001f468",
    "\u2764",
    "1",
    "#",
    "a",
    " ",
    "\u0645",
    "\u06cc",
    "\u0915",
    "\u094d",
    "漢",
    "ㅎ",
]
BASES += ["\U0001f1ee", "\ue000", "é", "[31m", "]0;x"]
SPECIAL = st.sampled_from(CONTROLS + HIDDEN + ATTACHED + BASES)
ANY_CHAR = st.characters(codec=None)
NASTY = st.lists(SPECIAL | ANY_CHAR, max_size=30).map("".join)


def chunked(text: str, cuts: list[int]) -> str:
    sanitizer = Sanitizer()
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    out = [sanitizer.feed(text[a:b]) for a, b in itertools.pairwise(places)]
    return "".join([*out, sanitizer.finish()])


@settings(max_examples=600, deadline=None)
@given(NASTY)
def test_no_control_character_survives(text: str) -> None:
    for char in sanitize(text):
        category = unicodedata.category(char)
        assert char in "\n\t" or category not in ("Cc", "Cs", "Zl", "Zp"), hex(ord(char))
    assert not set(sanitize(text, keep_newlines=False)) & set("\n\t\r")


@settings(max_examples=600, deadline=None)
@given(NASTY)
def test_no_hidden_character_survives_outside_its_place(text: str) -> None:
    safe = sanitize(text)
    for hidden in "\u00ad\u061c\u200b\u200e\u200f\u202a\u202e\u2060\u2066\u2069\ufeff\u3164\u034f":
        assert hidden not in safe
    assert not any(0xE0000 <= ord(char) <= 0xE00FF for char in safe)


@settings(max_examples=600, deadline=None)
@given(NASTY, st.lists(st.integers(0, 200), max_size=12))
@example("a\r\nb\rc\r", [1, 2, 3, 4, 5, 6])
@example("\U0001f468\u200d\U0001f469\u200d", [1, 2, 3])
@example("1\ufe0f\u20e3 1\ufe0f2", [1, 2, 3, 4, 5])
def test_chunking_changes_nothing(text: str, cuts: list[int]) -> None:
    assert chunked(text, cuts) == sanitize(text)
    assert chunked(text, list(range(len(text)))) == sanitize(text)


@settings(max_examples=600, deadline=None)
@given(NASTY)
def test_sanitising_twice_changes_nothing_more(text: str) -> None:
    once = sanitize(text)
    assert sanitize(once) == once
    line = sanitize_line(text, 12)
    assert sanitize_line(line, 12) == line


@settings(max_examples=300, deadline=None)
@given(NASTY)
def test_no_run_of_marks_is_longer_than_the_cap(text: str) -> None:
    run = 0
    for char in sanitize(text):
        run = (
            run + 1
            if unicodedata.category(char) in ("Mn", "Me") and not 0xFE00 <= ord(char) <= 0xFE0F
            else 0
        )
        assert run <= MAX_MARKS + 1  # a keycap's or a Han character's selector may be one more


def test_a_cut_run_of_marks_says_so_once_even_across_chunks() -> None:
    zalgo = "e" + "\u0301" * 40 + "x"
    assert sanitize(zalgo) == "e" + "\u0301" * MAX_MARKS + "⟨…⟩x"
    assert chunked(zalgo, list(range(50))) == sanitize(zalgo)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\x9b2Jb", "a⟨U+009B⟩2Jb"),
        ("\x7f\x00", "␡␀"),
        ("one\r\ntwo\rthree\r", "one\ntwo␍three␍"),
        ("abc\u202egpj.exe", "abc⟨U+202E⟩gpj.exe"),
        ("a\u200bb\u200cc\u200dd", "a⟨U+200B⟩b⟨U+200C⟩c⟨U+200D⟩d"),
        ("x\U000e0041", "x⟨U+E0041⟩"),
        ("a\u2028b\u2029", "a⟨U+2028⟩b⟨U+2029⟩"),
        ("\ud800\udc00", "\ufffd\ufffd"),
        ("a\ufe0f b\ufe01", "a⟨U+FE0F⟩ b⟨U+FE01⟩"),
        ("\u0301a\n\u0301", "◌\u0301a\n◌\u0301"),
        ("a\U0001f3fd", "a⟨U+1F3FD⟩"),
    ],
)
def test_what_is_hidden_is_shown(raw: str, shown: str) -> None:
    assert sanitize(raw) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Plain text,\n\twith a tab.",
        "naïve café e\u0301 Tiê\u0301ng Việt",
        "漢字とかな、한국어",
        "می\u200cخواهم",
        "नमस्ते",
        "שָׁלוֹם",
        "👩\u200d💻 👨\u200d👩\u200d👧\u200d👦 👍🏽 🏳\ufe0f\u200d🌈",
        "👩\u200d❤\ufe0f\u200d💋\u200d👨",
        "❤\ufe0f ☀\ufe0f 1\ufe0f\u20e3 #\ufe0f\u20e3 ▶\ufe0e ©\ufe0f 🇮🇹",
        "葛\U000e0100城",
        "🫨",
    ],
)
def test_honest_text_stays_as_it_is(text: str) -> None:
    assert sanitize(text) == text


def test_a_chain_of_joined_emoji_is_cut() -> None:
    assert sanitize("\u200d".join("👨" * 9)).count("\u200d") <= 6
    assert "⟨U+200D⟩" in sanitize("\u200d".join("👨" * 5))


def test_one_line_places_get_one_line_of_limited_length() -> None:
    assert sanitize_line("a\nb\tc\r\nd") == "a␊b␉c␊d"
    assert sanitize_line("x" * 500, 10) == "x" * 9 + "…"
    assert len(sanitize_line("\x9b" * 500, 10)) == 10
    assert sanitize_line("short.gguf") == "short.gguf"


@settings(deadline=None)
@given(NASTY)
def test_an_editors_line_keeps_its_columns_and_loses_its_controls(text: str) -> None:
    safe = sanitize_same_length(text)
    assert len(safe) == len(text)
    line = safe.replace("\t", "").replace("\n", "")
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in line)


def test_every_character_survives_json_and_none_that_is_obeyed_or_hidden_is_raw() -> None:
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    written = json_line([every, {every[:0x300]: 1}])
    assert json.loads(written) == [every, {every[:0x300]: 1}]
    assert written.count("\n") == 0
    for char in set(written):
        assert 0x20 <= ord(char) < 0x7F or ord(char) >= 0xA0, repr(char)
        assert unicodedata.category(char) not in ("Cf", "Cs", "Zl", "Zp"), repr(char)
        assert not 0xE0000 <= ord(char) <= 0xE0FFF, repr(char)
    assert "é漢😀" in json_line("é漢😀")


def test_json_of_hidden_characters_is_their_escapes() -> None:
    assert json_line("a\x7f\x9b\u202e") == r'"a\u007f\u009b\u202e"'
    assert json_line("\\\u200b") == r'"\\\u200b"'
    assert json_line("\U000e0041") == r'"\udb40\udc41"'
    assert json_line("\ud800x") == r'"\ud800x"'
    assert json_line({"a": [1]}, indent=2) == '{\n  "a": [\n    1\n  ]\n}'
    for number in (math.nan, math.inf):
        with pytest.raises(ValueError, match="not JSON compliant"):
            json_line([number])
