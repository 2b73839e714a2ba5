"""The last sides: written privately and in one step, read back only when they are what they should be."""

import json
import stat
from pathlib import Path

import pytest

from urial_tui.errors import SettingsError
from urial_tui.settings.remembered import (
    MAX_BYTES,
    LastSides,
    last_sides_file,
    read_last_sides,
    write_last_sides,
)


@pytest.mark.parametrize(
    "sides",
    [
        LastSides("demo@urial-general"),
        LastSides('"/my models/ä.gguf"@chat', ("demo@raw", "demo@same")),
        LastSides("demo@raw", ()),
    ],
)
def test_what_is_written_is_read_back(tmp_path: Path, sides: LastSides) -> None:
    file = tmp_path / "state" / "last-sides.json"
    write_last_sides(file, sides)
    assert read_last_sides(file) == sides


def test_the_file_and_its_folder_are_the_users_alone(tmp_path: Path) -> None:
    file = tmp_path / "state" / "last-sides.json"
    write_last_sides(file, LastSides("demo"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_it_is_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path))
    assert last_sides_file() == tmp_path / "state" / "last-sides.json"


def test_a_second_writing_replaces_the_first_and_leaves_nothing_beside(tmp_path: Path) -> None:
    file = tmp_path / "last-sides.json"
    write_last_sides(file, LastSides("demo"))
    write_last_sides(file, LastSides("other@raw", ("demo@raw",)))
    assert read_last_sides(file) == LastSides("other@raw", ("demo@raw",))
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"side": 3}',
        b'{"side": ""}',
        b'{"references": ["demo"]}',
        b'{"side": "' + b"x" * 5000 + b'"}',
        b'{"side": "demo"' + b" " * MAX_BYTES + b"}",
        b"[" * 20_000,
    ],
    ids=lambda content: repr(content[:20]),
)
def test_a_broken_file_counts_as_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "last-sides.json"
    file.write_bytes(content)
    assert read_last_sides(file) is None


def test_no_file_and_a_folder_in_its_place_count_as_nothing(tmp_path: Path) -> None:
    assert read_last_sides(tmp_path / "no.json") is None
    assert read_last_sides(tmp_path) is None


@pytest.mark.parametrize("references", ["demo", 3, [1], [""], {"a": 1}])
def test_broken_references_leave_the_side(tmp_path: Path, references: object) -> None:
    file = tmp_path / "last-sides.json"
    file.write_text(json.dumps({"side": "demo", "references": references}))
    assert read_last_sides(file) == LastSides("demo")


def test_what_cannot_be_written_is_an_error_and_the_file_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "last-sides.json"
    write_last_sides(file, LastSides("demo"))

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(SettingsError, match="No space left") as caught:
        write_last_sides(file, LastSides("other"))
    assert caught.value.kind == "state-unwritable"
    assert read_last_sides(file) == LastSides("demo")
    assert list(tmp_path.iterdir()) == [file]
