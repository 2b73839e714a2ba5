"""Copies go to the terminal and to a private file, and the sentence says where they really went."""

import os
import stat
from datetime import datetime

import pytest

from urial_tui.errors import UrialError
from urial_tui.ui.clipboard import (
    MAX_OSC52_BYTES,
    copy_out,
    export_name,
    last_code_block,
    plain,
    write_private,
)


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


def test_a_link_in_the_way_is_replaced_and_what_it_points_to_is_not_touched(tmp_path):
    other = tmp_path / "other"
    other.write_text("precious")
    link = tmp_path / "transcripts" / "a.md"
    link.parent.mkdir()
    link.symlink_to(other)
    write_private(link, "new")
    assert other.read_text() == "precious"
    assert not link.is_symlink()
    assert link.read_text() == "new"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / "a.md"
    write_private(file, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UrialError, match="No space left"):
        write_private(file, "new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Why walk?", "2026-03-01-100500-defghjkm-why-walk.md"),
        ("Café crème", "2026-03-01-100500-defghjkm-cafe-creme.md"),
        ("为什么散步", "2026-03-01-100500-defghjkm-conversation.md"),
        ("../../etc/passwd", "2026-03-01-100500-defghjkm-etc-passwd.md"),
        ("x" * 80, f"2026-03-01-100500-defghjkm-{'x' * 40}.md"),
    ],
)
def test_a_file_name_has_the_time_the_session_and_the_title(title, name):
    when = datetime(2026, 3, 1, 10, 5)
    assert export_name(title, "01kjabcdefghjkm", when) == name


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
