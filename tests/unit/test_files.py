"""A file of ours is there whole, for the user alone, or as it was before."""

import os
import stat
from pathlib import Path

import pytest

from urial_tui.files import is_special, replacing, write_private


@pytest.mark.parametrize("name", ["a.json", "x" * 255, "散" * 85])
def test_a_file_is_replaced_and_is_for_the_user_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "né\n")
    assert path.read_bytes() == b"n\xc3\xa9\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    link = tmp_path / "link"
    link.symlink_to("precious")
    write_private(link, b"new", sync=False)
    assert not link.is_symlink()
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_pipe_is_not_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        write_private(pipe, "new")
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_name_of_an_open_file_is_not_replaced() -> None:
    assert is_special(Path("/dev/null"))
    if Path("/dev/stdout").is_symlink():
        assert is_special(Path("/dev/stdout"))


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()])
def test_what_fails_half_way_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(type(error)), replacing(path) as file:
        file.write(b"half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    seen: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.exists()))
    write_private(path, b"x")
    assert seen == [False]
    write_private(path, b"y", sync=False)
    assert len(seen) == 1
