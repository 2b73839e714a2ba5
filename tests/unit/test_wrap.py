"""Wrapping: against a slow wrapper written another way, and streaming against all at once."""

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from urial_tui.safetext import sanitize
from urial_tui.ui.drawing.wrap import WrappedText, clusters, row_starts

NARROW = ["a", "word", "longerword", " ", "  ", "-", "é", "e\u0301", "(", ")", ".", "─"]
WIDE = [
    "漢",
    "字",
    "、",
    "「",
    "한",
    "ア",
    "\u0915\u094d",
    "👍🏽",
    "👩\u200d💻",
    "❤\ufe0f",
    "🇮🇹",
    "1\ufe0f\u20e3",
]
PIECES = st.sampled_from(NARROW + WIDE)
LINES = st.lists(PIECES, max_size=40).map("".join)
TEXTS = st.lists(PIECES | st.sampled_from(["\n", "\t", "\n\n"]), max_size=60).map("".join)


def rows_of(line: str, width: int) -> list[str]:
    starts = row_starts(line, width)
    return [line[a:b] for a, b in zip(starts, [*starts[1:], len(line)], strict=True)]


def greedy(line: str, width: int) -> list[str]:
    """Words of narrow characters, longest prefix that fits: the textbook way, on a list of words."""
    words: list[str] = []
    for char in line:
        if words and (char == " " or not words[-1].endswith(" ")):
            words[-1] += char
        else:
            words.append(char)
    rows = [""]
    for word in words:
        rest = word
        if len(rows[-1]) + len(rest.rstrip(" ")) > width and rows[-1].strip():
            rows.append("")
        while len(rows[-1]) + len(rest.rstrip(" ")) > width:
            room = max(width - len(rows[-1]), 0)
            rows[-1] += rest[:room]
            rest = rest[room:]
            rows.append("")
        rows[-1] += rest
    return rows


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="ab  ,é─", max_size=120), st.integers(2, 30))
@example("    indented", 6)
@example("aaaa          b", 4)
@example("       a", 4)
def test_narrow_text_wraps_like_the_textbook(line: str, width: int) -> None:
    assert rows_of(line, width) == greedy(line, width)


@settings(max_examples=500, deadline=None)
@given(LINES, st.integers(2, 30))
def test_rows_are_the_text_and_fit(line: str, width: int) -> None:
    rows = rows_of(line, width)
    assert "".join(rows) == line
    for row in rows:
        assert cell_len(row.rstrip(" ")) <= width
    assert all(not row.startswith(" ") for row in rows[1:])  # no run of them is that long here


@settings(max_examples=300, deadline=None)
@given(LINES)
def test_cells_of_clusters_add_up_to_richs_count(line: str) -> None:
    line = sanitize(line)
    found = list(clusters(line))
    assert "".join(line[start:end] for start, end, _ in found) == line
    assert sum(cells for _, _, cells in found) == cell_len(line)


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.integers(2, 30), st.lists(st.integers(0, 300), max_size=10))
@example("a ❤\ufe0f", 3, [3])
@example("word    next", 4, [5, 6, 7])
@example("word  word❤\ufe0f", 10, [])
def test_streamed_text_wraps_like_text_at_once(text: str, width: int, cuts: list[int]) -> None:
    text = sanitize(text)
    whole, streamed = WrappedText(width), WrappedText(width)
    whole.append(text)
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(places):
        streamed.append(text[start:end])
    one_by_one = WrappedText(width)
    for char in text:
        one_by_one.append(char)
    for other in (streamed, one_by_one):
        assert other.rows == whole.rows
        assert other.starts == whole.starts
        assert other.hard == whole.hard
    assert whole.text == streamed.text


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["ab", " ", "   ", "é", " " * 260]), max_size=30).map("".join),
    st.integers(2, 30),
)
def test_narrow_text_wraps_the_same_whether_or_not_wide_text_follows(line: str, width: int) -> None:
    alone = rows_of(line, width)
    before = rows_of(line + "漢", width)
    assert before[: len(alone) - 1] == alone[:-1]


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(2, 30), st.integers(2, 30))
def test_rewrapping_is_wrapping_anew(text: str, first: int, second: int) -> None:
    wrapped, anew = WrappedText(first), WrappedText(second)
    wrapped.append(sanitize(text))
    anew.append(sanitize(text))
    wrapped.rewrap(second)
    assert wrapped.rows == anew.rows
    assert wrapped.starts == anew.starts
    for offset in range(wrapped.length):
        row = wrapped.row_at(offset)
        assert wrapped.starts[row] <= offset


def test_wide_text_breaks_anywhere_but_not_before_closing_punctuation() -> None:
    assert rows_of("漢字漢字漢", 4) == ["漢字", "漢字", "漢"]
    assert rows_of("漢字。漢", 4) == ["漢", "字。", "漢"]
    assert rows_of("漢「字漢", 4) == ["漢", "「字", "漢"]
    assert rows_of("ab漢cd", 4) == ["ab漢", "cd"]


@pytest.mark.parametrize(("text", "expanded"), [("a\tb", "a   b"), ("\tx\n\ty", "    x\n    y")])
def test_tabs_go_to_the_next_stop(text: str, expanded: str) -> None:
    wrapped = WrappedText(40)
    wrapped.append(text)
    assert wrapped.text == expanded


@settings(deadline=None)
@given(st.integers(2, 30), st.integers(200, 900), st.integers(0, 40), st.booleans())
def test_a_long_run_of_spaces_does_not_make_a_row_without_end(
    width: int, spaces: int, words: int, wide: bool
) -> None:
    text = "漢 " * wide + "ab " * words + " " * spaces + "end" + " " * spaces
    whole, streamed = WrappedText(width), WrappedText(width)
    whole.append(text)
    for char in text:
        streamed.append(char)
    assert streamed.rows == whole.rows
    assert "".join(whole.rows) == text
    assert max(map(len, whole.rows)) <= max(256, 4 * width)
