"""Putting the embedded model together: whole or not at all, once, also when several start at once."""

import hashlib
import os
import sys
import threading
import types
from collections import namedtuple
from pathlib import Path

import pytest

from urial_tui.errors import ModelError
from urial_tui.models import demo, hashes

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A stand-in for the extra: four small chunks, and its hash as the expected one."""
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    step = len(CONTENT) // 4
    parts = []
    for i in range(4):
        part = tmp_path / f"part{i}"
        part.write_bytes(CONTENT[i * step : (i + 1) * step])
        parts.append(part)
    package = types.ModuleType(demo.PACKAGE)
    package.chunk_paths = lambda: parts  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, demo.PACKAGE, package)
    monkeypatch.setattr(demo, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    return parts


def names() -> set[str]:
    return {path.name for path in demo.demo_path().parent.iterdir()}


def test_the_model_is_put_together_and_progress_is_told(chunks: list[Path]) -> None:
    told: list[tuple[int, int]] = []
    path = demo.demo_model(lambda done, total: told.append((done, total)))
    assert path == demo.demo_path()
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert demo.is_assembled()
    assert names() == {demo.FILE_NAME, demo.FILE_NAME + ".json"}


def test_the_second_start_reads_no_chunk_and_not_the_file(
    chunks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.demo_model()
    for chunk in chunks:
        chunk.unlink()
    monkeypatch.setattr(demo, "_hash_of", lambda path: pytest.fail("it was read again"))
    assert demo.demo_model() == demo.demo_path()


def test_a_touched_file_is_verified_again(chunks: list[Path]) -> None:
    path = demo.demo_model()
    os.utime(path, ns=(1, 1))
    assert not demo.is_assembled()
    assert demo.demo_model() == path
    assert path.stat().st_mtime_ns == 1
    assert demo.is_assembled()


def test_a_changed_file_is_made_again(chunks: list[Path]) -> None:
    path = demo.demo_model()
    path.write_bytes(b"x" * len(CONTENT))
    assert demo.demo_model().read_bytes() == CONTENT


def test_damaged_chunks_leave_no_file(chunks: list[Path]) -> None:
    chunks[2].write_bytes(b"wrong" + chunks[2].read_bytes()[5:])
    with pytest.raises(ModelError) as caught:
        demo.demo_model()
    assert caught.value.kind == "demo-damaged"
    assert names() == set()
    chunks[2].unlink()
    with pytest.raises(ModelError) as missing:
        demo.demo_model()
    assert missing.value.kind == "demo-damaged"


def test_without_the_extra_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, demo.PACKAGE, None)
    with pytest.raises(ModelError) as caught:
        demo.demo_model()
    assert caught.value.kind == "demo-missing"
    assert "pip install 'urial-tui[demo]'" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_before_anything_is_written(
    chunks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(demo.shutil, "disk_usage", lambda path: usage(10, 10, 1000))
    with pytest.raises(ModelError) as caught:
        demo.demo_model()
    assert caught.value.kind == "disk-full"
    assert names() == set()


def test_a_disk_that_fills_up_meanwhile_leaves_no_file(
    chunks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelError, match="No space left"):
        demo.demo_model()
    assert names() == set()


def test_several_starts_at_once_all_get_the_whole_file(chunks: list[Path]) -> None:
    seen: list[bytes] = []
    gate = threading.Barrier(6)

    def start() -> None:
        gate.wait()
        seen.append(demo.demo_model().read_bytes())

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [CONTENT] * 6
    assert demo.is_assembled()
    assert names() == {demo.FILE_NAME, demo.FILE_NAME + ".json"}


def test_what_a_killed_start_left_is_removed_later(chunks: list[Path]) -> None:
    folder = demo.demo_path().parent
    folder.mkdir(parents=True)
    old, young = folder / ".old.part", folder / ".young.part"
    old.touch()
    young.touch()
    os.utime(old, (1, 1))
    demo.demo_model()
    assert not old.exists()
    assert young.exists()


def test_a_hash_is_computed_once_until_the_file_changes(
    chunks: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    assert hashes.known_sha256(path) is None
    assert hashes.file_sha256(path) == hashlib.sha256(b"one").hexdigest()
    monkeypatch.setattr(hashes.hashlib, "sha256", lambda: pytest.fail("it was read again"))
    assert hashes.file_sha256(path) == hashes.known_sha256(path)
    monkeypatch.undo()


def test_a_changed_file_has_no_known_hash(chunks: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    hashes.file_sha256(path)
    path.write_bytes(b"two!")
    assert hashes.known_sha256(path) is None
    assert hashes.file_sha256(path) == hashlib.sha256(b"two!").hexdigest()


def test_the_embedded_models_hash_is_known(chunks: list[Path]) -> None:
    assert hashes.known_sha256(demo.demo_path()) is None
    path = demo.demo_model()
    assert hashes.known_sha256(path) == hashlib.sha256(CONTENT).hexdigest()


def test_hashing_can_be_stopped_and_a_broken_cache_is_ignored(
    chunks: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    with pytest.raises(hashes.HashingStopped):
        hashes.file_sha256(path, lambda: True)
    cache = tmp_path / "home" / "cache" / "hashes.json"
    cache.parent.mkdir(parents=True, exist_ok=True)
    for broken in (b"{", b"[]", b'{"%s": 3}' % str(path).encode()):
        cache.write_bytes(broken)
        assert hashes.known_sha256(path) is None
    assert hashes.file_sha256(path) == hashlib.sha256(b"one").hexdigest()
    with pytest.raises(ModelError):
        hashes.file_sha256(tmp_path / "none")


def test_the_extra_that_is_installed_is_the_one_we_expect() -> None:
    package = pytest.importorskip(demo.PACKAGE, reason="the demo extra is not installed")
    assert package.EXPECTED_SHA256 == demo.SHA256
    assert package.MODEL_NAME == demo.FILE_NAME
