"""What JSON or a file cannot hold is found wherever it is, and its place is named."""

from typing import Any

import pytest

from urial_tui.runs.json_rows import fault_in

HALF = "holds half of a surrogate pair, which is not text"


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"a": [None, True, 1, -0.5, "ä😀", ()], "": {"b": []}}, None),
        ("\ud800", ("", HALF)),
        ({"a": {"b": [0, "x", "\udfff"]}}, ("a.b[2]", HALF)),
        ([[{"a": "\ud800"}]], ("[0][0].a", HALF)),
        ({"a": {"\ud800": {"\udfff": 1}}}, ("a", HALF)),
        ({"a": [float("nan")]}, ("a[0]", "has NaN, which is not JSON")),
        (float("-inf"), ("", "has an infinite number, which is not JSON")),
        ({"a": {1: 2}}, ("a", "has a key that is no text")),
        ({"a": {2}}, ("a", "is a set, which JSON has not")),
        ({"a": [[[[]]]]}, ("a[0][0][0]", "is nested too deeply")),
        ({"a": [[["x"]]]}, None),
    ],
    ids=range(11),
)
def test_the_first_fault_is_found_with_its_place(value: Any, fault: tuple[str, str] | None) -> None:
    assert fault_in(value, 3) == fault
