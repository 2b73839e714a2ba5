"""The transcript's rows: streamed like whole, tokens where they belong, heights that add up."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from urial_tui.safetext import sanitize
from urial_tui.ui.widgets.transcript_model import Block, Entry, TranscriptModel

PIECES = st.sampled_from(
    [
        "word ",
        "two words ",
        "\n",
        "\r\n",
        "\t",
        "漢字",
        "e\u0301",
        "\x1b[2J",
        "👩\u200d💻",
        "\u202e",
        "x",
        "",
    ]
)
TOKENS = st.lists(PIECES, max_size=40)


def answer(text: str = "", **changes: object) -> Entry:
    return Entry("a", "assistant", "urial-general", text, **changes)  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(TOKENS, st.integers(4, 40), st.lists(st.integers(1, 5), min_size=1, max_size=40))
def test_streaming_ends_with_the_rows_of_the_whole_text(
    tokens: list[str], width: int, sizes: list[int]
) -> None:
    text = "".join(tokens)
    streamed = Block(answer(), width)
    streamed.set_streaming(True)
    rest = list(tokens)
    for size in itertools.cycle(sizes):
        if not rest:
            break
        batch, rest = rest[:size], rest[size:]
        streamed.append("".join(batch), batch)
    streamed.set_streaming(False)
    streamed.set_entry(answer(text))
    whole = Block(answer(text, tokens=tuple(tokens)), width)
    assert streamed.body.rows == whole.body.rows
    assert streamed.token_ends == whole.token_ends
    assert streamed.height == whole.height
    assert streamed.text == text
    assert streamed.body.text == "".join(whole.body.text)
    assert len(whole.token_ends) == len(tokens)


@settings(max_examples=200, deadline=None)
@given(TOKENS, st.integers(4, 40))
def test_token_spans_cover_each_rows_text_in_order(tokens: list[str], width: int) -> None:
    block = Block(answer("Sure: " + "".join(tokens), prefill=6, tokens=tuple(tokens)), width)
    shown = block.body.text
    found: dict[int, str] = {}
    for number, row in enumerate(block.body.rows):
        place = None
        for token, start, end in block.token_spans(number):
            assert place is None or place == start
            assert 0 <= start < end <= len(row)
            found[token] = found.get(token, "") + row[start:end]
            place = end
    for token, text in found.items():
        start = block.token_ends[token - 1] if token else block.prefill_end
        assert shown[start : block.token_ends[token]].replace("\n", "") == text
        first = block.body.starts[block.row_of_token(token)]
        assert first <= start
    for offset in range(len(shown)):
        token = block.token_at(offset)
        assert (token is None) == (offset < block.prefill_end or not tokens)


def test_the_prefill_belongs_to_no_token() -> None:
    block = Block(answer("Sure, yes", prefill=5, tokens=(" y", "es")), 40)
    assert block.prefill_end == 5
    assert list(block.token_spans(0)) == [(0, 5, 7), (1, 7, 9)]


@settings(max_examples=100, deadline=None)
@given(st.lists(TOKENS.map("".join), max_size=6), st.integers(4, 40), st.integers(4, 40))
def test_every_line_belongs_to_one_row_after_any_change(
    texts: list[str], first: int, second: int
) -> None:
    model = TranscriptModel(first)
    model.set_entries([Entry(str(n), "user", "You", text) for n, text in enumerate(texts)])
    model.rewrap(second)
    model.set_left_out(2)
    if texts:
        block = model.blocks[0]
        block.append("more text\nand more", ())
        model.changed(block)
    rows = [model.row(y) for y in range(model.height)]
    assert model.row(model.height) is None
    expected = [(b.entry.id, y) for b in model.blocks for y in range(b.height)]
    assert [
        (row.block.entry.id, y - model.top(row.block)) for y, row in enumerate(rows) if row
    ] == expected
    for block in model.blocks:
        parts = [block.row(y).part for y in range(block.height)]
        assert parts[0] == "header"
        assert parts[-1] == "blank"
        assert parts.count("body") == block.body_height


def test_a_place_is_found_again_at_another_width() -> None:
    model = TranscriptModel(20)
    words = " ".join(f"w{n}" for n in range(200))
    model.set_entries([Entry("1", "user", "You", words), Entry("2", "assistant", "A", words)])
    y = model.height - 15
    place = model.place_of(y)
    row = model.row(y)
    assert place is not None and row is not None
    word = row.block.body.rows[row.number].split()[0]
    model.rewrap(50)
    again = model.row(model.y_of(place))
    assert again is not None and word in again.block.body.rows[again.number].split()


def test_how_an_answer_ended_is_said_only_when_it_is_not_being_written() -> None:
    block = Block(answer("text", status="interrupted"), 80)
    assert "interrupted" in block.notes[0]
    block.set_streaming(True)
    assert block.notes == []
    block.set_streaming(False)
    block.set_entry(answer("text", status="failed", error="the engine ended\x1b[31m"))
    assert block.notes == ["✗ failed: the engine ended␛[31m"]


def test_a_mark_that_streams_in_after_the_prefill_joins_it() -> None:
    whole = Block(answer("Cafe\u0301", prefill=4, tokens=("\u0301",)), 80)
    streamed = Block(answer("Cafe", prefill=4, status="interrupted"), 80)
    streamed.append("\u0301", ["\u0301"])
    assert streamed.body.rows == whole.body.rows == ["Cafe\u0301"]


def test_a_note_goes_away_with_the_first_text() -> None:
    block = Block(answer(note="waiting for the model"), 80)
    assert block.notes == ["waiting for the model"]
    block.append("Hello", ["Hello"])
    assert block.notes == []
    assert block.body.rows == ["Hello"]


def test_a_stored_text_that_is_shorter_keeps_the_tokens_that_are_left() -> None:
    block = Block(answer(), 80)
    block.append("one two\n# Query", ["one", " two", "\n#", " Query"])
    block.set_entry(answer("one two"))
    assert block.body.text == "one two"
    assert list(block.token_ends) == [3, 7]


@settings(deadline=None)
@given(TOKENS.map("".join))
def test_rows_hold_the_sanitised_text(text: str) -> None:
    block = Block(answer(text), 30)
    assert block.body.text == sanitize(text).expandtabs(4) or "\t" in sanitize(text)
    assert not any(
        ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for row in block.body.rows for char in row
    )
