"""The one function that makes folders: theirs are private, what was there stays as it was."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from urial_tui.errors import UrialError
from urial_tui.paths import ensure_private_dir


@pytest.fixture(autouse=True)
def common_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_folder_that_is_made_is_private(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o755)
    target = there / "a" / "b" / "c"
    assert ensure_private_dir(target) == target
    assert [mode(path) for path in (target, target.parent, there / "a")] == [0o700] * 3
    assert mode(there) == 0o755


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o750)
    link = tmp_path / "link"
    link.symlink_to(there)
    ensure_private_dir(there)
    ensure_private_dir(link)
    ensure_private_dir(link / "below")
    assert mode(there) == 0o750
    assert mode(there / "below") == 0o700


def test_a_relative_folder_is_made_where_the_program_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ensure_private_dir(Path("a/b"))
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o700, 0o700)


def test_a_folder_that_another_program_makes_meanwhile_is_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.exists

    def first_missing(path: Path) -> bool:
        found = real(path)
        if not found:
            os.makedirs(path, mode=0o755)  # noqa: PTH103 - Path.mkdir is what is tested
        return found

    monkeypatch.setattr(Path, "exists", first_missing)
    assert ensure_private_dir(tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("name", ["file", "file/below", "broken", "broken/below"])
def test_what_is_in_the_way_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UrialError) as caught:
        ensure_private_dir(tmp_path / name)
    assert str(tmp_path / name) in caught.value.message
    assert caught.value.kind == "paths"
    assert not (tmp_path / "nowhere").exists()
