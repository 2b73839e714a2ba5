"""Copies go to the terminal and to a private file, and the sentence says where they really went."""

import stat

import pytest

from urial_tui.errors import UrialError
from urial_tui.ui.clipboard import MAX_OSC52_BYTES, copy_out, last_code_block, plain, write_private


def test_a_copy_goes_to_the_terminal_and_to_a_private_file(tmp_path):
    sent = []
    result = copy_out("hello", "the answer", sent.append, tmp_path / "state", {})
    file = tmp_path / "state" / "clipboard.txt"
    assert sent == ["hello"]
    assert file.read_text() == "hello"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert result.ok
    assert "the answer (5 characters)" in result.sentence
    assert str(file) in result.sentence


def test_an_older_more_open_file_is_made_private(tmp_path):
    file = tmp_path / "clipboard.txt"
    file.write_text("old")
    file.chmod(0o644)
    copy_out("new", "it", lambda text: None, tmp_path, {})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "environ", "why"),
    [
        ("x" * (MAX_OSC52_BYTES + 1), {}, "too long"),
        ("x", {"TERM_PROGRAM": "Apple_Terminal"}, "no clipboard access"),
    ],
)
def test_what_a_terminal_cannot_take_is_only_in_the_file(tmp_path, text, environ, why):
    sent = []
    result = copy_out(text, "it", sent.append, tmp_path, environ)
    assert sent == []
    assert result.ok
    assert why in result.sentence
    assert (tmp_path / "clipboard.txt").read_text() == text


def test_a_folder_that_cannot_be_written_leaves_the_terminal(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    sent = []
    result = copy_out("x", "it", sent.append, blocked / "state", {})
    assert (sent, result.ok) == (["x"], True)
    assert "Also kept" not in result.sentence
    nowhere = copy_out("x", "it", sent.append, blocked / "s", {"TERM_PROGRAM": "Apple_Terminal"})
    assert not nowhere.ok
    with pytest.raises(UrialError):
        write_private(blocked / "state" / "a", "x")


def test_control_characters_are_not_copied():
    assert plain("a\x1b[31mb\x07\tc\r\nd\x9b") == "a[31mb\tc\nd"


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (["no code"], None),
        (["```python\nprint(1)\n```"], "print(1)"),
        (["```\na\n```\nthen\n~~~sh\nls\n~~~\n"], "ls"),
        (["```\nfirst\n```", "no code here"], "first"),
        (["````\n```\ninner\n```\n````"], "```\ninner\n```"),
        (["```\nunfinished\n"], "unfinished"),
        (["  ```\n  x\n  ```"], "  x"),
    ],
)
def test_the_last_code_block(texts, code):
    assert last_code_block(texts) == code
