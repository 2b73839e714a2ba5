"""The end of an answer: stop texts, the closing fence, UTF-8, at any token boundaries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urial_tui.engine.answer import AnswerStream


def pieces(data: bytes, size: int = 1) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


def run(
    parts: list[bytes],
    stops: tuple[str, ...] = (),
    fence: str | None = None,
    prefilled: bytes = b"",
) -> tuple[str, bool]:
    stream = AnswerStream(stops, fence, prefilled)
    text = ""
    for i, part in enumerate(parts):
        text += "".join(r.text for r in stream.feed(i, part))
        if stream.ended:
            break
    if not stream.ended:
        text += "".join(r.text for r in stream.flush())
    return text + stream.tail(), stream.ended


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize(
    ("text", "shown", "ended"),
    [
        ("Hello\n```\n\n# Query:\n", "Hello", True),
        ("Hello# Query: more", "Hello", True),
        ("Hello # Quer", "Hello # Quer", False),
        ("Use:\n```python\nx = 1\n```\nDone.\n```\n", "Use:\n```python\nx = 1\n```\nDone.", True),
        ("Inline ```code``` stays\n```\n", "Inline ```code``` stays", True),
        ("It ends here.```\nmore", "It ends here.", True),
        ("One `tick` and ``two``\n```\n", "One `tick` and ``two``", True),
        ("- item\n  ```sh\n  ls\n  ```\n\nend\n```", "- item\n  ```sh\n  ls\n  ```\n\nend", True),
        ("no end at all\n\n", "no end at all\n\n", False),
    ],
)
def test_the_answer_ends_where_its_fence_closes(
    text: str, shown: str, ended: bool, size: int
) -> None:
    got, did_end = run(pieces(text.encode(), size), ("# Query",), "```")
    assert (got, did_end) == (shown, ended or text.endswith("```"))


def test_the_earliest_stop_wins_even_when_a_later_one_is_complete_first() -> None:
    assert run(pieces(b"abcdefgh"), ("bcdefg", "cd"))[0] == "a"
    assert run(pieces(b"abcdeXgh"), ("bcdefg", "cd"))[0] == "ab"


def test_stop_text_is_never_released_while_it_may_still_become_one() -> None:
    stream = AnswerStream(("STOP",))
    shown = ""
    for i, part in enumerate([b"go S", b"T", b"O", b"P"]):
        shown += "".join(r.text for r in stream.feed(i, part))
        assert "S" not in shown
    assert stream.ended


def test_a_token_that_a_stop_cuts_in_two_is_kept_and_marked() -> None:
    stream = AnswerStream(("# Query",))
    out = stream.feed(7, b"done# Query")
    assert [(r.id, r.text, r.visible, r.cut) for r in out] == [(7, "done", 4, True)]


def test_a_character_split_over_tokens_becomes_readable_with_its_last_token() -> None:
    stream = AnswerStream()
    texts = [stream.feed(i, part)[0].text for i, part in enumerate(pieces("é🌤".encode()))]
    assert texts == ["", "é", "", "", "", "🌤"]


def test_an_unfinished_character_at_the_end_shows_as_replacement() -> None:
    assert run([b"ok \xf0\x9f"])[0] == "ok \ufffd"


def test_a_character_left_unfinished_by_the_prefilled_part_is_finished() -> None:
    assert run([b"\xa9!"], prefilled=b"\xc3")[0] == "é!"


def test_an_open_code_block_in_the_prefilled_part_counts_for_the_depth() -> None:
    assert (
        run(pieces(b"x\n```\nafter\n```\n"), fence="```", prefilled=b"see\n```python\n")[0]
        == "x\n```\nafter"
    )


def test_control_tokens_are_released_without_visible_bytes() -> None:
    stream = AnswerStream()
    (token,) = stream.feed(106, b"<end_of_turn>", control=True)
    assert (token.visible, token.text, token.control) == (0, "", True)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_blank_line_before_a_stop_is_no_part_of_the_answer_however_it_is_cut(size: int) -> None:
    assert run(pieces(b"Yes. \n#Q", size), ("#Q",)) == ("Yes.", True)
    assert run(pieces(b"Yes. #Q", size), ("#Q",)) == ("Yes. ", True)


@given(st.text(alphabet="ab`\n #Qé🌤", max_size=60), st.lists(st.integers(1, 4), max_size=60))
def test_token_boundaries_never_change_the_text(text: str, sizes: list[int]) -> None:
    data = text.encode()
    parts, at = [], 0
    for size in sizes:
        parts.append(data[at : at + size])
        at += size
    parts.append(data[at:])
    parts = [part for part in parts if part]
    for fence in (None, "```"):
        assert run(parts, ("#Q",), fence) == run(pieces(data), ("#Q",), fence)


@given(st.text(alphabet="ab`\n #Qé", max_size=60))
def test_the_shown_text_is_a_prefix_without_any_stop(text: str) -> None:
    shown, ended = run(pieces(text.encode()), ("#Q",), "```")
    assert text.startswith(shown)
    assert "#Q" not in shown
    assert ended or shown == text
