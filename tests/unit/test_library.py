"""Finding models where this program and others keep them: names, duplicates, split files, limits."""

import json
import os
from pathlib import Path

import pytest

from urial_tui.errors import ModelError
from urial_tui.models import places
from urial_tui.models.library import Library
from urial_tui.models.places import Place
from urial_tui.settings import Settings, with_values


def gguf(path: Path, content: bytes = b"GGUF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "app"))
    return home


def names(library: Library) -> list[str]:
    return [entry.name for entry in library.entries()]


def library_of(*folders: Path) -> Library:
    return Library([Place(folder, f"place {i}") for i, folder in enumerate(folders)])


def test_every_known_place_is_searched(home: Path, tmp_path: Path) -> None:
    digest = "a" * 64
    gguf(tmp_path / "app" / "data" / "models" / "own.gguf", b"1")
    gguf(tmp_path / "mine" / "deep" / "user.GGUF", b"22")
    snapshot = home / ".cache/huggingface/hub/models--org--repo/snapshots/0abc"
    blob = gguf(snapshot.parents[1] / "blobs" / "beef", b"333")
    snapshot.mkdir(parents=True)
    (snapshot / "hub.gguf").symlink_to(blob)
    gguf(home / ".lmstudio/models/org/repo/studio.gguf", b"4444")
    gguf(home / ".cache/lm-studio/models/org/repo/old-studio.gguf", b"55555")
    gguf(home / ".cache/llama.cpp/llama-cpp.gguf", b"666666")
    gguf(home / f".ollama/models/blobs/sha256-{digest}", b"7777777")
    manifest = home / ".ollama/models/manifests/registry.ollama.ai/library/llama3/8b"
    manifest.parent.mkdir(parents=True)
    layers = [
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"},
        {"mediaType": "application/vnd.ollama.image.license", "digest": f"sha256:{'b' * 64}"},
    ]
    manifest.write_text(json.dumps({"layers": layers}))
    settings = with_values(Settings(), {"model_folders": [str(tmp_path / "mine")]})

    found = {entry.name: entry for entry in Library.from_settings(settings).entries()}

    assert {name: (entry.source, entry.size) for name, entry in found.items()} == {
        "own": ("models folder", 1),
        "user": ("your folder", 2),
        "hub": ("Hugging Face cache", 3),
        "studio": ("LM Studio", 4),
        "old-studio": ("LM Studio", 5),
        "llama-cpp": ("llama.cpp cache", 6),
        "llama3:8b": ("Ollama", 7),
    }
    assert found["hub"].path == snapshot / "hub.gguf"
    assert not (tmp_path / "app" / "config").exists()


def test_environment_variables_move_the_places(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gguf(tmp_path / "hub" / "x" / "moved-hub.gguf", b"1")
    gguf(tmp_path / "lc" / "moved-cache.gguf", b"22")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("LLAMA_CACHE", str(tmp_path / "lc"))
    assert names(Library.from_settings(Settings())) == ["moved-cache", "moved-hub"]


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[" * 100_000,
        b'{"layers": 3}',
        b'{"layers": [3]}',
        b'{"layers": [{"mediaType": "x.model", "digest": "sha256:../../../../etc/passwd"}]}',
        b'{"layers": [{"mediaType": "x.model", "digest": 7}]}',
    ],
)
def test_a_strange_ollama_manifest_is_passed_over(tmp_path: Path, manifest: bytes) -> None:
    gguf(tmp_path / "manifests" / "host" / "library" / "m" / "tag", manifest)
    assert Library([Place(tmp_path, "Ollama", "ollama")]).entries() == ()


def test_a_split_model_is_one_entry_with_its_whole_size(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        gguf(tmp_path / f"big-{number:05d}-of-00003.gguf", b"x" * number)
    (entry,) = library_of(tmp_path).entries()
    assert (entry.name, entry.size, entry.missing_parts) == ("big", 6, 0)
    assert entry.path.name == "big-00001-of-00003.gguf"
    assert len(entry.parts) == 3


def test_a_split_model_says_how_many_parts_are_missing(tmp_path: Path) -> None:
    gguf(tmp_path / "big-00002-of-00003.gguf")
    (entry,) = library_of(tmp_path).entries()
    assert entry.missing_parts == 2


def test_one_file_reached_in_several_ways_is_one_entry(tmp_path: Path) -> None:
    real = gguf(tmp_path / "a" / "m.gguf", b"same")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "link.gguf").symlink_to(real)
    os.link(real, tmp_path / "b" / "hard.gguf")
    gguf(tmp_path / "c" / "m.gguf", b"same")
    (entry,) = library_of(*(tmp_path / name for name in "abc")).entries()
    assert entry.path == real
    assert {path.name for path in entry.also} == {"link.gguf", "hard.gguf", "m.gguf"}


def test_different_files_of_one_name_get_different_names(tmp_path: Path) -> None:
    gguf(tmp_path / "a" / "one" / "m.gguf", b"1")
    gguf(tmp_path / "a" / "two" / "m.gguf", b"22")
    gguf(tmp_path / "b" / "two" / "M.gguf", b"333")
    gguf(tmp_path / "demo.gguf", b"4")
    found = names(library_of(tmp_path))
    assert len({name.casefold() for name in found}) == 4
    assert "demo" not in found
    assert "m" in found
    assert "two/m" in found


def test_a_name_is_found_without_case_and_ending(tmp_path: Path) -> None:
    path = gguf(tmp_path / "Qwen2.5-0.5B.gguf")
    library = library_of(tmp_path)
    assert library.find("qwen2.5-0.5b").path == path
    assert library.find("Qwen2.5-0.5B.gguf").path == path


def test_an_unknown_name_lists_close_names_or_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model called") as nothing:
        library_of(tmp_path).find("x")
    assert "path of a GGUF" in nothing.value.hint
    gguf(tmp_path / "qwen2.5-0.5b.gguf", b"1")
    gguf(tmp_path / "smollm2.gguf", b"22")
    with pytest.raises(ModelError) as close:
        library_of(tmp_path).find("qwen2.5")
    assert "qwen2.5-0.5b" in close.value.hint
    assert "smollm2" not in close.value.hint
    with pytest.raises(ModelError) as far:
        library_of(tmp_path).find("zzz")
    assert "demo, qwen2.5-0.5b, smollm2" in far.value.hint


def test_links_to_folders_and_loops_are_not_entered(tmp_path: Path) -> None:
    gguf(tmp_path / "in" / "m.gguf")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "gone.gguf").symlink_to(tmp_path / "nowhere")
    (tmp_path / "in" / "folder.gguf").mkdir()
    assert names(library_of(tmp_path / "in")) == ["m"]


def test_the_search_ends_at_its_limits_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path.joinpath(*"abcdefghijkl")
    gguf(deep / "deep.gguf")
    for i in range(50):
        gguf(tmp_path / "many" / f"m{i:02}.gguf", bytes(i))
    assert len(library_of(tmp_path).entries()) == 50
    monkeypatch.setattr(places, "MAX_SEEN", 20)
    library = library_of(tmp_path)
    assert len(library.entries()) < 20
    assert "too many files" in library.problems[0]
    monkeypatch.setattr(places, "MAX_SEEN", 1000)
    monkeypatch.setattr(places, "MAX_FOUND", 5)
    library = library_of(tmp_path / "many")
    assert len(library.entries()) == 5
    assert library.problems


def test_a_missing_folder_of_the_user_is_a_problem_and_others_are_not(tmp_path: Path) -> None:
    settings = with_values(Settings(), {"model_folders": [str(tmp_path / "gone")]})
    library = Library.from_settings(settings)
    library.refresh()
    assert any("gone" in problem for problem in library.problems)
    assert library_of(tmp_path / "none").entries() == ()


def test_refresh_sees_new_files(tmp_path: Path) -> None:
    library = library_of(tmp_path)
    assert library.entries() == ()
    gguf(tmp_path / "new.gguf")
    assert library.entries() == ()
    library.refresh()
    assert names(library) == ["new"]
