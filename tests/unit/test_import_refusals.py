"""What an import cannot use is named: rows, bytes, limits, kinds of files; what is taken all the same."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.imported import (
    back,
    judged,
    lines,
    mt_answer,
    output,
    put,
    refused,
    take,
)
from urial_tui.errors import ExchangeError
from urial_tui.exchange import (
    alpaca_eval,
    exports,
    just_eval,
    mt_bench,
)
from urial_tui.exchange.incoming import imports as importing
from urial_tui.exchange.incoming.types import Options
from urial_tui.store.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as made:
        yield made


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([output(0), output(1, output=None)], "row 2: it has no `output`"),
        ([output(0), output(1, output=["x"])], "row 2: its `output` is not a text"),
        ([output(0, " ")], "row 1: its `generator` is empty"),
        ([output(0, instruction="")], "row 1: its `instruction` is empty"),
        ([output(0), 3], "row 2 is not an object"),
        ([output(0, extra="\ud800")], "row 1: `extra` holds half of a surrogate pair"),
        ([output(0, extra={"\udc00": 1})], "row 1: `extra` holds half of a surrogate pair"),
        ([judged(0, eval_config=None)], "row 1: it has no `eval_config`"),
        ([judged(0, parsed_result=None)], "row 1: its `parsed_result` is null"),
        ([judged(0, eval_config={"mode": "tag", "gpt": "x"})], "its mode is 'tag'"),
        ([judged(0, result=3)], "row 1: its `result` is not a text"),
        ([], "it is an empty array"),
        ('[{"instruction": "a", "output": NaN}]', "it has NaN"),
        ('[{"instruction": "a", "output": 1e999}]', "the number 1e999 is too large"),
        ('[{"a": 1, "a": 2}]', "the key `a` is there twice"),
        ('[{"instruction": "a"', "it is not JSON"),
        ("[" * 100_000, "it is nested too deeply"),
        ('[{"a": ' + "[" * 500 + "]" * 500 + "}]", "is nested too deeply"),
        ('{"a": 1}\n{"a": \n', "line 2: it is not JSON"),
        ("   \n", "is empty"),
    ],
    ids=range(20),
)
def test_what_cannot_be_used_is_named(tmp_path: Path, value: Any, said: str) -> None:
    assert said in refused(put(tmp_path / "x.json", value)).message


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"x": NaN}', "row 3: it has NaN"),
        ('{"x": 1e999}', "row 3: the number 1e999 is too large"),
        ('{"x": 1, "x": 2}', "row 3: the key `x` is there twice"),
        ('{"x": ' + "[" * 100_000 + "}", "row 3: it is nested too deeply"),
        ('{"x": ' + "9" * 5000 + "}", "row 3: it has a whole number of thousands of digits"),
        ('{"x": }', "row 3: it is not JSON"),
        ('{"x": [}, {"y": NaN}', "row 3: it is not JSON"),
    ],
    ids=range(7),
)
def test_the_row_of_an_array_that_cannot_be_read_is_named(
    tmp_path: Path, row: str, said: str
) -> None:
    good = json.dumps(output(0))
    message = refused(put(tmp_path / "x.json", f"[{good},\n {good} , {row}, {good}]")).message
    assert said in message
    assert "sys." not in message


def test_of_many_bad_rows_the_first_are_named(tmp_path: Path) -> None:
    error = refused(put(tmp_path / "x.json", [output(n, "") for n in range(9)]))
    assert error.kind == "bad-row"
    assert "row 5: " in error.message
    assert "row 6" not in error.message
    assert "and 4 more" in error.message


def test_bytes_that_are_no_text_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b'[\n{"a": "\xe9"}]')
    error = refused(path)
    assert (error.kind, "line 2: byte 0xe9" in error.message) == ("not-text", True)


def test_a_byte_order_mark_is_no_part_of_a_file(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([output(0)]).encode())
    assert len(take(store, path).runs) == 1


def test_limits_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "x.json", [output(n) for n in range(4)])
    monkeypatch.setattr("urial_tui.exchange.incoming.reading.MAX_ROWS", 3)
    assert "more than 3 rows" in refused(path).message
    monkeypatch.setattr("urial_tui.exchange.incoming.reading.MAX_FILE", 50)
    assert refused(path).kind == "too-large"


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    said = {
        fifo: "is not a regular file",
        Path(os.devnull): "is not a regular file",
        tmp_path: "is a folder",
        tmp_path / "dangling": "No such file",
        tmp_path / "a\0b": "null byte",
    }
    for path, words in said.items():
        for format_ in (None, "jsonl", "text"):
            error = refused(path, format_)
            assert words in error.message
            assert error.kind == "unreadable"


def test_of_a_pipe_and_of_standard_input_it_is_said_what_to_do(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (Path("-"), tmp_path / "fifo"):
        error = refused(path)
        assert (error.kind, "to a file first" in error.hint) == ("unreadable", True)


def test_a_link_to_a_file_is_read(store: Store, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(put(tmp_path / "real.json", [output(0)]))
    assert len(take(store, link).runs) == 1


HOSTILE = [
    "../../etc/passwd",
    "CON",
    "nul.txt",
    "a\0b",
    "\x1b[31mred",
    "/",
    "x" * 5000,
    "\u202eflip",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_in_rows_never_become_paths(store: Store, tmp_path: Path, name: str) -> None:
    rows = [output(0, name, id=0, dataset=name, category=name)]
    folder = tmp_path / "inner" / "back"
    folder.mkdir(parents=True)
    tally = take(store, put(tmp_path / "x.json", rows))
    chats = [{"title": name, "conversations": [{"from": "human", "value": name}], "id": name}]
    take(store, put(tmp_path / "y.json", chats))
    for format_ in (just_eval, alpaca_eval, mt_bench):
        back(store, tally.runs[0], folder / format_.__name__, format_)
    outside = [p for p in tmp_path.rglob("*") if p.is_file() and folder not in p.parents]
    assert sorted(p.name for p in outside) == ["x.json", "y.json"]
    for path in folder.rglob("*"):
        assert path.name.isascii() and path.name.isprintable()


def test_texts_of_ten_megabytes_are_taken(store: Store, tmp_path: Path) -> None:
    text = "word " * 2_000_000
    tally = take(store, put(tmp_path / "x.json", [output(0, output=text, id=1)]))
    (answer,) = store.run_answers(tally.runs[0])
    assert answer.content == text
    error = refused(put(tmp_path / "y.json", [output(0, instruction=text)]))
    assert "row 1: its text has 10,000,000 characters" in error.message


def test_the_wrong_format_is_said(tmp_path: Path) -> None:
    path = put(tmp_path / "x.json", [output(0)])
    error = refused(path, "chat")
    assert (error.kind, "not in the format chat" in error.message) == ("unknown-format", True)
    assert refused(path, "jsonl").kind == "bad-row"


def test_a_format_that_is_named_needs_what_it_needs_and_not_what_would_tell_it_from_others(
    store: Store, tmp_path: Path
) -> None:
    path = put(tmp_path / "x.json", [output(0)])
    for format_ in ("just-eval", "alpaca-eval"):
        tally = take(store, path, format_)
        assert (tally.format, len(tally.runs)) == (format_, 1)
    bare = put(tmp_path / "y.json", [{"instruction": "q", "output": "a"}])
    for format_ in ("just-eval", "alpaca-eval"):
        assert "row 1: it has no `generator`" in refused(bare, format_).message


def test_a_field_that_alpaca_eval_has_too_makes_no_file_one_of_just_eval(
    store: Store, tmp_path: Path
) -> None:
    rows = [output(0, dataset="helpful_base", datasplit="eval")]
    assert take(store, put(tmp_path / "x.json", rows)).format == "alpaca-eval"


def test_of_several_files_all_are_taken_or_none(store: Store, tmp_path: Path) -> None:
    good = importing.read(put(tmp_path / "a.json", [output(0)]), None, Options())
    pair = {
        "question_id": 1,
        "model_1": "a",
        "model_2": "b",
        "g1_winner": "tie",
        "g2_winner": "tie",
        "judge": ["x", "y"],
    }
    bad = importing.read(put(tmp_path / "b.jsonl", lines([pair, pair])), None, Options())
    with pytest.raises(ExchangeError, match="no answer"):
        importing.write(store, [good, bad])
    assert store.runs() == []
    assert [tally.format for tally in importing.write(store, [good])] == ["alpaca-eval"]


def test_no_format_takes_what_another_one_recognises(tmp_path: Path) -> None:
    """The order of the table decides only between just-eval and AlpacaEval, whose outputs are alike."""
    kinds = {
        "just-eval": [output(0, id=1)],
        "alpaca-eval": [output(0)],
        "urial-pairwise": [
            dict.fromkeys(
                ("input", "model_output", "ref_output", "generator", "ref_generator"), "x"
            )
        ],
        "mt-bench": [mt_answer(1, "m", "a")],
        "chat": [{"conversations": []}],
    }
    for name, value in kinds.items():
        loaded = importing._load(put(tmp_path / "x.json", value), as_text=False)
        fitting = [other for other, its in importing.IMPORTERS.items() if its.recognises(loaded)]
        assert fitting[0] == name
        assert set(fitting) - {name} <= {"alpaca-eval"}


def test_exports_and_imports_have_the_same_names() -> None:
    assert {"jsonl", "just-eval", "urial-pairwise", "alpaca-eval", "mt-bench"} <= set(
        importing.FORMATS
    )
    assert exports.Names().make("x", extension=".jsonl") == "x.jsonl"
