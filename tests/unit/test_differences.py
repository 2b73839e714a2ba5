"""What differs between two answers: found in tokens or words, complete, readable, and with bounded work."""

import random

from hypothesis import given
from hypothesis import strategies as st

from urial_tui.chat.differences import Run, Written, in_pieces, in_words, runs_of
from urial_tui.store.types import Token


def written(*pieces: tuple[str, int], begun: str = "", content: str | None = None) -> Written:
    tokens = [
        Token(i, number, text.encode(), text, len(text.encode()))
        for i, (text, number) in enumerate(pieces)
    ]
    whole = begun + "".join(text for text, _ in pieces)
    return Written(whole if content is None else content, begun, tuple(tokens))


def differing(a: str, b: str) -> list[tuple[str, str]]:
    left, right = in_words(a), in_words(b)
    return [
        ("".join(left.texts[r.a_start : r.a_end]), "".join(right.texts[r.b_start : r.b_end]))
        for r in runs_of(left.keys, right.keys)
        if not r.same
    ]


letters = st.lists(st.sampled_from("abcde"), max_size=60)


@given(letters, letters)
def test_runs_cover_both_texts_and_only_the_same_is_called_the_same(
    a: list[str], b: list[str]
) -> None:
    at_a = at_b = 0
    before: bool | None = None
    for run in runs_of(a, b):
        assert (run.a_start, run.b_start) == (at_a, at_b)
        assert run.longest > 0 and run.same is not before
        if run.same:
            assert a[run.a_start : run.a_end] == b[run.b_start : run.b_end]
        at_a, at_b, before = run.a_end, run.b_end, run.same
    assert (at_a, at_b) == (len(a), len(b))


def test_equal_texts_have_no_difference_and_empty_ones_no_run() -> None:
    assert runs_of("abc", "abc") == [Run(True, 0, 3, 0, 3)]
    assert runs_of("", "") == []
    assert runs_of("", "ab") == [Run(False, 0, 0, 0, 2)]


def test_a_word_that_was_changed_is_the_only_difference() -> None:
    assert differing("It is good for you.", "It is great for you.") == [(" good", " great")]
    assert differing("a b c", "a c") == [(" b", "")]


def test_a_word_that_two_other_texts_happen_to_share_is_no_island() -> None:
    found = differing("Run far away from the old dark house", "Eat good food in the red small bar")
    assert len(found) == 1


def test_joined_words_are_the_text() -> None:
    for text in ("", "  ", "a  b\n\nc ", "漢字 and, so on…", "x\x00\u200dy"):
        assert "".join(in_words(text).texts) == text


def test_the_work_is_bounded() -> None:
    """4,096 against 4,096 pieces of every kind that makes diffs slow; exact matching would not end in this test."""
    one, other = random.Random(1), random.Random(2)
    for kinds in (1, 2, 50, 10_000):
        a = [one.randrange(kinds) for _ in range(4096)]
        b = [other.randrange(kinds) for _ in range(4096)]
        assert runs_of(a, b)[-1].a_end == 4096
    shifted = runs_of(range(4096), range(2000, 6096))
    assert [run.same for run in shifted] == [False, True, False]


def test_a_change_in_the_middle_of_a_long_text_that_repeats_itself_is_found() -> None:
    a = [0, 1] * 2000
    b = [*a[:2000], 9, *a[2000:]]
    assert runs_of(a, b) == [
        Run(True, 0, 2000, 0, 2000),
        Run(False, 2000, 2000, 2000, 2001),
        Run(True, 2000, 4000, 2001, 4001),
    ]


# --- tokens or words ----------------------------------------------------------------------------


def test_answers_of_one_vocabulary_are_compared_by_token_ids() -> None:
    a = written((" walk", 5), ("ing", 6), begun="Yes, ")
    b = written((" walking", 7), begun="Yes, ")
    unit, left, right = in_pieces(a, b)
    assert unit == "token"
    assert left.texts == ("Yes", ",", " ", " walk", "ing") and left.keys[-2:] == (5, 6)
    assert right.keys[-1] == 7


def test_answers_of_two_vocabularies_are_compared_by_words() -> None:
    a, b = written(("Hello", 5), (" you", 6)), written(("Hello", 9), (" you", 6))
    assert in_pieces(a, b)[0] == "word"
    assert in_pieces(written(("Hello", 5)), written(("Bye", 5)))[0] == "word"


def test_an_answer_without_tokens_or_with_another_text_is_compared_by_words() -> None:
    a = written((" walk", 5))
    assert in_pieces(a, Written("Hello"))[0] == "word"
    assert in_pieces(a, written((" walk", 5), content="imported"))[0] == "word"


def test_half_a_character_at_the_end_belongs_to_the_text() -> None:
    a = written(("Hi", 5), content="Hi\ufffd")
    unit, left, _ = in_pieces(a, written(("Hi", 5)))
    assert unit == "token" and "".join(left.texts) == "Hi\ufffd"


def test_tokens_that_are_not_text_are_left_out() -> None:
    end = Token(1, 2, b"<eos>", "", 0, control=True)
    a = Written("Hi", "", (Token(0, 5, b"Hi", "Hi", 2), end))
    assert in_pieces(a, a)[1].keys == (5,)
