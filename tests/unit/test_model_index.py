"""Headers remembered between starts: read once, forgotten when the file changes, and trusted no further than that."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import tinygguf
from urial_tui import paths
from urial_tui.models import index as index_module
from urial_tui.models.gguf.header import GgufHeader, read_header
from urial_tui.models.index import MAX_ENTRIES, Description, Index
from urial_tui.models.vocabulary import compute_fingerprint


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The files whose headers were read, in order."""
    seen: list[Path] = []

    def noted(path: Path) -> GgufHeader:
        seen.append(path)
        return read_header(path)

    monkeypatch.setattr(index_module, "read_header", noted)
    yield seen


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return tinygguf.write_model(tmp_path / "tiny.gguf", chat_template=tinygguf.CHATML)


def kept() -> Path:
    return paths.cache_dir() / "library.json"


def described(*files: Path) -> list[Description]:
    index = Index.open()
    found = [index.describe(path) for path in files]
    index.save()
    return found


def test_a_second_start_reads_no_header(tiny: Path, read: list[Path]) -> None:
    (first,) = described(tiny)
    assert (first.kind, first.architecture, first.n_vocab, first.has_template) == (
        *("model", "llama", 512, True),
    )
    assert described(tiny) == [first]
    assert read == [tiny]


def test_a_changed_file_is_read_again(tiny: Path, read: list[Path]) -> None:
    described(tiny)
    os.utime(tiny, ns=(1, 1))
    described(tiny)
    described(tiny)
    assert read == [tiny, tiny]
    tinygguf.write_model(tiny, name="another, longer name")
    assert described(tiny)[0].title == "another, longer name"


def test_what_is_wrong_with_a_file_is_remembered_and_what_may_pass_is_not(
    tmp_path: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    assert "incomplete" in described(broken)[0].problem
    assert "incomplete" in described(broken)[0].problem
    assert read == [broken]
    (gone,) = described(tmp_path / "gone.gguf")
    assert "No such file" in gone.problem
    assert str(tmp_path / "gone.gguf") not in json.loads(kept().read_bytes())["files"]


def test_the_file_is_private_and_replaced_in_one_step(tiny: Path) -> None:
    described(tiny)
    before = kept().stat()
    assert stat.S_IMODE(before.st_mode) == 0o600
    assert stat.S_IMODE(kept().parent.stat().st_mode) == 0o700
    os.utime(tiny, ns=(1, 1))
    described(tiny)
    assert kept().stat().st_ino != before.st_ino
    assert [path.name for path in kept().parent.iterdir()] == ["library.json"]


def test_nothing_is_written_when_nothing_is_new(tiny: Path) -> None:
    described(tiny)
    before = kept().stat().st_mtime_ns, kept().stat().st_ino
    described(tiny)
    assert (kept().stat().st_mtime_ns, kept().stat().st_ino) == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"[]",
        b'{"format": 1}',
        b'{"format": "0 0", "files": {}}',
        b"\xff\xfe",
    ],
)
def test_a_broken_file_is_ignored_and_replaced(
    tiny: Path, content: bytes, read: list[Path]
) -> None:
    kept().parent.mkdir(parents=True)
    kept().write_bytes(content)
    assert described(tiny)[0].kind == "model"
    described(tiny)
    assert read == [tiny]


def test_entries_of_another_shape_are_ignored(tiny: Path, read: list[Path]) -> None:
    described(tiny)
    document = json.loads(kept().read_bytes())
    good = document["files"][str(tiny)]
    for wrong in (
        None,
        [],
        good[:2],
        [good[0], "1", good[2]],
        [good[0], good[1], {"kind": 7}],
        [good[0], good[1], {"n_vocab": True}],
        [good[0], good[1], {"nonsense": "x"}],
    ):
        document["files"][str(tiny)] = wrong
        kept().write_text(json.dumps(document))
        assert Index.open().describe(tiny).kind == "model"
    assert len(read) == 8


def test_another_version_of_the_program_reads_again(
    tiny: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    described(tiny)
    monkeypatch.setattr(index_module, "_FORMAT", "other")
    described(tiny)
    assert read == [tiny, tiny]


def test_the_oldest_entries_go_when_there_are_too_many(tiny: Path) -> None:
    described(tiny)
    document = json.loads(kept().read_bytes())
    entry = document["files"].pop(str(tiny))
    document["files"] = {f"/old/{number}": entry for number in range(MAX_ENTRIES + 10)}
    kept().write_text(json.dumps(document))
    described(tiny)
    files = json.loads(kept().read_bytes())["files"]
    assert len(files) == MAX_ENTRIES
    assert str(tiny) in files
    assert "/old/0" not in files


def test_a_file_that_is_too_large_is_not_read(
    tiny: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    described(tiny)
    monkeypatch.setattr(index_module, "MAX_BYTES", 10)
    described(tiny)
    assert read == [tiny, tiny]


def test_what_another_program_added_meanwhile_stays(tiny: Path, tmp_path: Path) -> None:
    other = tinygguf.write_model(tmp_path / "other.gguf")
    one, two = Index.open(), Index.open()
    one.describe(tiny)
    two.describe(other)
    one.save()
    two.save()
    assert set(json.loads(kept().read_bytes())["files"]) == {str(tiny), str(other)}


def test_a_disk_that_refuses_costs_only_the_memory(tiny: Path) -> None:
    kept().parent.parent.mkdir(parents=True)
    kept().parent.write_text("in the way")
    index = Index.open()
    assert index.describe(tiny).kind == "model"
    index.save()
    assert kept().parent.read_text() == "in the way"


def test_long_texts_are_cut(tmp_path: Path) -> None:
    path = tinygguf.write_model(tmp_path / "long.gguf", name="x" * 4000)
    assert len(described(path)[0].title) == 300


def test_a_fingerprint_is_computed_once(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index.open()
    found = index.fingerprint(tiny)
    assert found == compute_fingerprint(tiny)
    index.save()
    monkeypatch.setattr(index_module, "compute_fingerprint", lambda path: pytest.fail(str(path)))
    assert Index.open().fingerprint(tiny) == found
    assert Index.open().describe(tiny).vocabulary == found
