"""Instruction sets: each format is known by its content, its fields are kept, and a bad row refuses the whole file."""

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urial_tui.errors import PromptError, UrialError, UsageError
from urial_tui.runs.inputs import InputSet, read_input


def read(folder: Path, content: str | bytes, name: str = "in") -> InputSet:
    path = folder / name
    path.write_bytes(
        content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    )
    return read_input(path)


def refused(folder: Path, content: str | bytes) -> UrialError:
    with pytest.raises(UrialError) as error:
        read(folder, content)
    assert isinstance(error.value, UsageError | PromptError)
    return error.value


JUST_EVAL = [
    {
        "id": 38,
        "instruction": "Who?",
        "source_id": "alpaca_eval-40",
        "dataset": "helpful_base",
        "category": "regular",
        "task": ["info-seek", "writing"],
        "topic": ["art"],
        "output": "not kept",
        "generator": "other",
        "note": {"kept": [1, 2.5, None]},
    },
    {"id": "x", "instruction": "When?", "task": "['info-seek', \"it's\"]", "topic": "finance"},
]


@pytest.mark.parametrize("as_lines", [False, True])
def test_just_eval_rows(tmp_path: Path, as_lines: bool) -> None:
    lines = "\n\n".join(json.dumps(row) for row in JUST_EVAL)
    content = lines if as_lines else "\ufeff" + json.dumps(JUST_EVAL, indent=1)
    found = read(tmp_path, content)
    assert (found.format, found.name, found.notes) == ("just-eval", "in", ())
    assert found.sha256 == hashlib.sha256(content.encode()).hexdigest()
    first, second = found.items
    assert (first.index, first.source_id, first.turns) == (0, 38, ("Who?",))
    assert (first.dataset, first.category) == ("helpful_base", "regular")
    assert (first.task, first.topic) == (("info-seek", "writing"), ("art",))
    assert first.extra == {"source_id": "alpaca_eval-40", "note": {"kept": [1, 2.5, None]}}
    assert (second.index, second.source_id) == (1, "x")
    assert (second.task, second.topic) == (("info-seek", "it's"), ("finance",))


def test_alpaca_eval_rows_have_their_place_as_id_and_lose_the_answers_of_others(
    tmp_path: Path,
) -> None:
    rows = [
        {"instruction": f"Question {n}", "output": "x", "generator": "y", "dataset": "koala"}
        for n in range(2)
    ]
    found = read(tmp_path, json.dumps(rows))
    assert found.format == "alpaca-eval"
    assert [(i.source_id, i.dataset, i.extra) for i in found.items] == [
        (0, "koala", {}),
        (1, "koala", {}),
    ]


def test_mt_bench_questions_have_one_or_two_turns(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "question_id": 81,
            "category": "writing",
            "turns": ["First", "Second"],
            "reference": ["r"],
        },
        {"question_id": 82, "category": "math", "turns": ["Only"]},
    ]
    found = read(tmp_path, "\n".join(map(json.dumps, rows)))
    assert found.format == "mt-bench"
    assert [(i.source_id, i.category, i.turns) for i in found.items] == [
        (81, "writing", ("First", "Second")),
        (82, "math", ("Only",)),
    ]
    assert found.items[0].extra == {"reference": ["r"]}
    rows[1]["turns"] = ["a", "b", "c"]
    assert "line 2: it has 3 turns" in refused(tmp_path, "\n".join(map(json.dumps, rows))).message


def test_plain_lines(tmp_path: Path) -> None:
    found = read(tmp_path, "What is tea?\r\n\n  \nSay, in a word: why\u2028so?\nLast")
    assert found.format == "lines"
    assert [i.turns[0] for i in found.items] == [
        "What is tea?",
        "Say, in a word: why\u2028so?",
        "Last",
    ]
    assert [i.index for i in found.items] == [i.source_id for i in found.items] == [0, 1, 2]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_keeps_its_other_columns(tmp_path: Path, delimiter: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows(
        [
            ["ID", "Prompt", "input", "task", "dataset"],
            ["a1", 'Two\nlines, "quoted"', "kept", "['x']", "mine"],
            ["", "Short"],
        ]
    )
    found = read(tmp_path, out.getvalue())
    assert found.format == "csv"
    first, second = found.items
    assert (first.source_id, first.turns) == ("a1", ('Two\nlines, "quoted"',))
    assert (first.dataset, first.task, first.extra) == ("mine", ("x",), {"input": "kept"})
    assert (second.source_id, second.turns[0]) == (1, "Short")


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ('[{"instruction": "a"}, {"instruction": " "}]', "row 2: its `instruction` is empty"),
        ('[{"instruction": "a"}, 3]', "row 2: it is not an object"),
        ('[{"instruction": "a"}, {"text": "b"}]', "row 2: it has no `instruction`"),
        ('{"instruction": "a"}\n{"instruction": 5}', "line 2: it has no `instruction`"),
        ('{"instruction": "a"}\n\n{"instruction": "b"', "line 3: it is not JSON"),
        ('[{"instruction": "a", "score": NaN}]', "row 1: it has NaN"),
        ('[{"instruction": "a", "x": [{"y": 1e999}]}]', "row 1: it has an infinite number"),
        ('[{"instruction": "half \\ud800"}]', "half of a surrogate pair"),
        ('[{"instruction": "a", "\\udfff": 1}]', "half of a surrogate pair"),
        ('[{"instruction": "a", "id": true}]', "its id is neither text nor a number"),
        ('[{"instruction": "a", "id": 99999999999999999999}]', "its id is too large"),
        ('[{"instruction": "a", "id": 1, "task": {"a": 1}}]', "its task is neither"),
        ('[{"instruction": "a", "id": 1, "task": [["a"]]}]', "its task is not a short list"),
        ('[{"instruction": "a", "dataset": 4}]', "its dataset is not a text"),
        ('[{"instruction": "a", "x": ' + "[" * 50 + "]" * 50 + "}]", "nested too deeply"),
        ('[{"instruction": "' + "a" * 1_000_001 + '"}]', "1,000,001 characters"),
        ('[{"instruction": "a", "x": "' + "b" * 300_000 + '"}]', "other fields are too large"),
        ("prompt,n\na,1\n,2", "line 3: its `prompt` is empty"),
        ("prompt,n\na,1,2", "line 2: it has 3 cells, the header 2"),
        ('prompt,n\n"a,1', "it is not CSV"),
    ],
    ids=lambda value: str(value)[-50:],
)  # fmt: skip
def test_a_bad_row_refuses_the_file_and_is_named(tmp_path: Path, rows: str, why: str) -> None:
    error = refused(tmp_path, rows)
    assert (error.kind, error.exit_code) == ("bad-rows", 2)
    assert why in error.message
    assert "read as" in error.message


def test_only_the_first_bad_rows_are_listed(tmp_path: Path) -> None:
    message = refused(tmp_path, json.dumps([{"id": n} for n in range(9)])).message
    assert "9 rows cannot be used" in message
    assert "row 5" in message and "row 6" not in message
    assert message.endswith("and 4 more")


@pytest.mark.parametrize(
    "content",
    ["", " \n\n", "[]", "[1, 2", '{"a": 1', "[" * 100_000, "prompt,prompt\na,b", b"caf\xe9", b"\xff\xfe"],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_what_is_no_instruction_set_is_refused(tmp_path: Path, content: str | bytes) -> None:
    assert refused(tmp_path, content).hint


def test_ids_that_are_there_twice_are_told_and_kept(tmp_path: Path) -> None:
    rows = [{"id": id_, "instruction": str(n)} for n, id_ in enumerate([7, "a\x1b", 7, "a\x1b", 8])]
    found = read(tmp_path, json.dumps(rows))
    assert [i.index for i in found.items] == [0, 1, 2, 3, 4]
    (note,) = found.notes
    assert note.startswith("2 ids are there more than once (7, a␛)")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(
            ["id", "instruction", "turns", "task", "topic", "dataset", "x", "question_id"]
        ),
        VALUES | st.text(min_size=1, max_size=8),
        max_size=6,
    )
    | VALUES,
    max_size=4,
)


@given(ROWS)
def test_rows_of_any_shape_are_items_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, rows: Any
) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        found = read(folder, json.dumps(rows))
    except UsageError as error:
        assert error.message and error.hint
        return
    assert len(found.items) == len(rows)
    for index, item in enumerate(found.items):
        assert item.index == index
        assert item.turns and all(turn.strip() for turn in item.turns)
        json.dumps(item.extra, allow_nan=False).encode()
        item.turns[0].encode()


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5))
def test_lines_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    texts = ["Say: " + text.replace("\n", " ").rstrip("\r") for text in texts]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return
    found = read(tmp_path_factory.getbasetemp(), "\n".join(texts))
    assert [item.turns[0] for item in found.items] == texts
