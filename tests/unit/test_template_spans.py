"""Content is told from scaffold by comparison with marks, whatever the content looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urial_tui.prompts.template_spans import Spans, align

MARKS = ["mark0", "mark1", "mark2"]


def rendered(contents: list[str]) -> str:
    return "".join(f"<u>\n{text.strip()}\n</u>\n" for text in contents) + "<a>\n"


def written(spans: Spans | None) -> list[str]:
    assert spans is not None
    return [text for text, content in spans if content]


_pieces = st.lists(st.sampled_from(["<u>\n", "\n</u>\n", "<a>\n", "x", "\n", " ", "mark"]))
_contents = st.lists(_pieces.map("".join).filter(str.strip), min_size=3, max_size=3)


@given(_contents)
def test_trimmed_messages_are_found_whatever_they_contain(contents: list[str]) -> None:
    text = rendered(contents)
    spans = align(text, rendered(MARKS), contents, MARKS)
    assert spans is not None
    assert "".join(piece for piece, _ in spans) == text
    assert [each.strip() for each in written(spans)] == [each.strip() for each in contents]


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_what_is_returned_is_always_the_whole_text(text: str, marked: str, content: str) -> None:
    spans = align(text, marked + MARKS[0] + content, [content], MARKS[:1])
    assert spans is None or "".join(piece for piece, _ in spans) == text


def test_a_message_may_be_used_twice_or_not_at_all() -> None:
    spans = align("a[q]q!", "a[mark0]mark0!", ["q", "unused"], MARKS[:2])
    assert spans == [("a[", False), ("q", True), ("]", False), ("q", True), ("!", False)]


def test_neighbouring_pieces_of_one_kind_are_one_span() -> None:
    assert align("abc", "mark0mark1c", ["a", "b"], MARKS[:2]) == [("ab", True), ("c", False)]


def test_a_part_of_a_message_is_content_up_to_the_last_place_that_fits() -> None:
    contents = ["thought|a</u>b</u>", "c"]
    spans = align("<u>a</u>b</u></u><u>c</u>", "<u>mark0</u><u>mark1</u>", contents, MARKS[:2])
    assert written(spans) == ["a</u>b</u>", "c"]


@pytest.mark.parametrize(
    ("text", "marked", "contents"),
    [
        ("[A]", "[mark0]", ["a"]),
        ("[a]", "(mark0)", ["a"]),
        ("[a] ", "[mark0]", ["a"]),
        ("[a]", "[]", ["a"]),
        ("", "mark0x", ["a"]),
    ],
)
def test_what_cannot_be_aligned_is_said(text: str, marked: str, contents: list[str]) -> None:
    assert align(text, marked, contents, MARKS[:1]) is None


def test_without_marks_the_text_must_be_the_same() -> None:
    assert align("ab", "ab", [""], [None]) == [("ab", False)]
    assert align("ab", "ac", [""], [None]) is None


def test_many_ambiguous_places_end_in_bounded_time() -> None:
    contents = ["x" * 3000] * 30
    marks = [f"mark{number:02}" for number in range(30)]
    text = "x" * 50_000 + "y"
    assert align(text, "x".join(marks), contents, marks) is None
