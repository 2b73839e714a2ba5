"""What the stores of other programs tell of a file: real names, repositories, hashes; one file is one entry."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import tinygguf
from urial_tui.models import stores
from urial_tui.models.catalog import Catalog
from urial_tui.models.facts import ModelFacts
from urial_tui.models.hashes import file_sha256
from urial_tui.models.library import Library, LibraryEntry
from urial_tui.models.places import Place
from urial_tui.settings import Settings

REPO = "models--bartowski--SmolLM2-135M-Instruct-GGUF"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "app"))
    return home


def tiny(path: Path, seed: int = 0) -> Path:
    """A small model; each seed gives other bytes of one size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return tinygguf.write_model(path, seed=seed)


def sha256(path: Path) -> str:
    return file_sha256(path, again=True)


def in_hub_cache(hub: Path, repo: str, commit: str, name: str, seed: int = 0) -> Path:
    """A file as Hugging Face's client keeps it: a link to a blob that is named by its hash."""
    draft = tiny(hub / repo / "blobs" / "draft", seed)
    blob = draft.rename(draft.with_name(sha256(draft)))
    link = hub / repo / "snapshots" / commit / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(blob, link.parent))
    return link


def in_ollama(
    models: Path, name: str, tag: str, digest: str, host: str = "registry.ollama.ai"
) -> None:
    manifest = models / "manifests" / host / name / tag
    manifest.parent.mkdir(parents=True, exist_ok=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"}
    manifest.write_text(json.dumps({"layers": [layer]}))


def ollama_blob(models: Path, seed: int = 0, mark: str = "-") -> str:
    draft = tiny(models / "blobs" / "draft", seed)
    digest = sha256(draft)
    draft.rename(draft.with_name(f"sha256{mark}{digest}"))
    return digest


def entries(*where: Place) -> dict[str, LibraryEntry]:
    return {entry.name: entry for entry in Library(where).entries()}


Facts = Callable[[], dict[str, ModelFacts]]


@pytest.fixture
def facts(home: Path) -> Facts:
    """Everything that the catalog has of this home, without what comes with the program."""

    def read() -> dict[str, ModelFacts]:
        catalog = Catalog(Library.from_settings(Settings()), Settings())
        return {
            one.name: one for one in catalog.facts() if one.source not in ("embedded", "shipped")
        }

    return read


def test_two_snapshots_of_one_blob_are_one_model_with_its_real_name(
    home: Path, facts: Facts
) -> None:
    hub = home / ".cache/huggingface/hub"
    first = in_hub_cache(hub, REPO, "a" * 40, "SmolLM2-135M-Instruct-Q4_0.gguf")
    second = hub / REPO / "snapshots" / ("b" * 40) / first.name
    second.parent.mkdir()
    second.symlink_to(first.readlink())
    (found,) = facts().values()
    assert found.name == "SmolLM2-135M-Instruct-Q4_0"
    assert (found.path, found.also) == (first, (second,))
    assert found.source == "Hugging Face cache"
    assert found.base_model == "bartowski/SmolLM2-135M-Instruct-GGUF"
    assert found.role == "chat"


def test_names_of_the_hub_cache_are_unique(home: Path, facts: Facts) -> None:
    hub = home / ".cache/huggingface/hub"
    in_hub_cache(hub, "models--one--tiny-GGUF", "a" * 40, "tiny.gguf", seed=1)
    in_hub_cache(hub, "models--two--tiny-GGUF", "a" * 40, "tiny.gguf", seed=2)
    in_hub_cache(hub, "models--two--tiny-GGUF", "b" * 40, "tiny.gguf", seed=3)
    in_hub_cache(hub, "models--org--Some-1B-GGUF", "a" * 40, "ggml-model-q4_0.gguf", seed=4)
    assert set(facts()) == {
        *("tiny", "tiny-GGUF/tiny", "two/tiny-GGUF/tiny", "Some-1B-GGUF/ggml-model-q4_0"),
    }


def test_lm_studio_keeps_files_by_owner_and_repository(home: Path, facts: Facts) -> None:
    root = home / ".lmstudio" / "models"
    tiny(root / "lmstudio-community" / "X-1B-Instruct-GGUF" / "X-1B-Q4_K_M.gguf")
    elsewhere = home / "disk"
    tiny(elsewhere / "org" / "Y-GGUF" / "model.gguf", seed=1)
    (home / ".lmstudio" / "settings.json").write_text(
        json.dumps({"downloadsFolder": str(elsewhere)})
    )
    found = facts()
    assert set(found) == {"X-1B-Q4_K_M", "Y-GGUF/model"}
    assert {one.source for one in found.values()} == {"LM Studio"}
    assert found["X-1B-Q4_K_M"].base_model == "lmstudio-community/X-1B-Instruct-GGUF"
    assert found["X-1B-Q4_K_M"].role == "chat"


@pytest.mark.parametrize(
    "content", ["", "[", "[]", '{"downloadsFolder": 7}', '{"downloadsFolder": "x"}']
)
def test_strange_settings_of_lm_studio_change_nothing(home: Path, content: str) -> None:
    (home / ".lmstudio").mkdir()
    (home / ".lmstudio" / "settings.json").write_text(content)
    (home / ".lmstudio-home-pointer").write_text("../..")
    assert stores.lm_studio_folders(home) == [
        home / ".lmstudio" / "models",
        home / ".cache" / "lm-studio" / "models",
    ]


def test_lm_studio_is_found_where_it_says_that_it_lives(home: Path) -> None:
    (home / ".lmstudio-home-pointer").write_text(f"{home}/elsewhere\n")
    assert home / "elsewhere" / "models" in stores.lm_studio_folders(home)


def test_ollama_models_have_the_names_of_their_manifests(home: Path, facts: Facts) -> None:
    models = home / ".ollama" / "models"
    digest, older = ollama_blob(models), ollama_blob(models, 1, mark=":")
    in_ollama(models, "library/llama3", "8b", digest)
    in_ollama(models, "library/llama3", "latest", digest)
    in_ollama(models, "bartowski/SmolLM2-135M-Instruct-GGUF", "Q4_0", older, host="hf.co")
    found = facts()
    assert set(found) == {"llama3:8b", "bartowski/SmolLM2-135M-Instruct-GGUF:Q4_0"}
    assert found["llama3:8b"].path.name == f"sha256-{digest}"
    assert found["bartowski/SmolLM2-135M-Instruct-GGUF:Q4_0"].role == "chat"
    # Another tag of the same blob is another name of it.
    library = Library.from_settings(Settings())
    assert library.find("llama3:latest").name == "llama3:8b"


def test_the_older_llama_cpp_cache_tells_owner_repository_and_file(
    home: Path, facts: Facts
) -> None:
    cache = home / ".cache" / "llama.cpp"
    tiny(cache / "ggml-org_gemma-3-1b-it-GGUF_gemma-3-1b-it-Q4_K_M.gguf")
    (cache / "manifest=ggml-org=gemma-3-1b-it-GGUF=latest.json").write_text("{}")
    tiny(cache / "some_one_Odd_Name_file_Q8_0.gguf", 1)
    address = "https://huggingface.co/some_one/Odd_Name/resolve/main/file_Q8_0.gguf"
    (cache / "some_one_Odd_Name_file_Q8_0.gguf.json").write_text(json.dumps({"url": address}))
    tiny(cache / "unsloth_Q-0.6B-GGUF_Q-0.6B-Q2_K.gguf", 2)
    tiny(cache / "plain.gguf", 3)
    found = facts()
    assert {name: one.base_model for name, one in found.items()} == {
        "gemma-3-1b-it-Q4_K_M": "ggml-org/gemma-3-1b-it-GGUF",
        "file_Q8_0": "some_one/Odd_Name",
        "Q-0.6B-Q2_K": "unsloth/Q-0.6B-GGUF",
        "plain": "",
    }


def test_the_newer_llama_cpp_cache_is_one_of_the_hub(
    home: Path, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_CACHE", str(home / "lc"))
    in_hub_cache(home / "lc", "models--ggml-org--tiny-GGUF", "c" * 40, "tiny-Q8_0.gguf")
    (found,) = facts().values()
    assert (found.name, found.source) == ("tiny-Q8_0", "llama.cpp cache")
    assert found.base_model == "ggml-org/tiny-GGUF"


def test_one_content_in_two_stores_is_one_model_by_the_hash_in_its_name(
    home: Path, facts: Facts
) -> None:
    link = in_hub_cache(home / ".cache/huggingface/hub", REPO, "a" * 40, "Smol-Q4_0.gguf")
    models = home / ".ollama" / "models"
    digest = ollama_blob(models)
    in_ollama(models, "library/smol", "135m", digest)
    (found,) = facts().values()
    assert found.path == link
    assert found.also == (models / "blobs" / f"sha256-{digest}",)
    assert Library.from_settings(Settings()).find("smol:135m").path == link


def test_a_copy_is_known_by_its_hash_once_that_is_computed(home: Path, tmp_path: Path) -> None:
    one, other = tiny(tmp_path / "a" / "one.gguf"), tiny(tmp_path / "b" / "other.gguf")
    assert set(entries(Place(tmp_path, "x"))) == {"one", "other"}
    file_sha256(one)
    file_sha256(other)
    (entry,) = entries(Place(tmp_path, "x")).values()
    assert (entry.path, entry.also, entry.aliases) == (one, (other,), ("other",))


def test_files_of_one_name_and_size_that_are_known_to_differ_are_two(
    home: Path, tmp_path: Path
) -> None:
    one, other = tiny(tmp_path / "a" / "m.gguf", 1), tiny(tmp_path / "b" / "m.gguf", 2)
    assert one.stat().st_size == other.stat().st_size
    assert set(entries(Place(tmp_path, "x"))) == {"m"}
    file_sha256(one)
    file_sha256(other)
    assert set(entries(Place(tmp_path, "x"))) == {"m", "b/m"}


def test_names_that_say_nothing_make_no_copies(home: Path, facts: Facts) -> None:
    root = home / ".lmstudio" / "models"
    for seed, repo in enumerate(("a/X-1B-GGUF", "b/X-1B-Instruct-GGUF")):
        tiny(root / repo / "ggml-model-q4_0.gguf", seed)
    assert {name: one.role for name, one in facts().items()} == {
        "X-1B-GGUF/ggml-model-q4_0": "base",
        "X-1B-Instruct-GGUF/ggml-model-q4_0": "chat",
    }


def test_of_two_places_the_one_with_all_parts_is_taken(home: Path, tmp_path: Path) -> None:
    for folder, parts in (("a", (1,)), ("b", (1, 2))):
        for number in parts:
            path = tmp_path / folder / f"big-{number:05d}-of-00002.gguf"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x" * number)
    (tmp_path / "b" / "big-00001-of-00002.gguf").unlink()
    os.link(tmp_path / "a" / "big-00001-of-00002.gguf", tmp_path / "b" / "big-00001-of-00002.gguf")
    (entry,) = entries(Place(tmp_path, "x")).values()
    assert (entry.path.parent.name, entry.missing_parts) == ("b", 0)


def test_links_are_read_for_their_hash_and_nothing_else_is_taken_for_one(tmp_path: Path) -> None:
    digest = "ab" * 32
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    named = blobs / digest
    named.write_bytes(b"x")
    link = tmp_path / "m.gguf"
    link.symlink_to(named)
    assert stores.named_sha256(link) == digest
    other = tmp_path / digest
    other.write_bytes(b"x")
    assert stores.named_sha256(other) is None
    short = blobs / ("ab" * 20)
    short.write_bytes(b"x")
    assert stores.named_sha256(short) is None


def test_a_quote_in_a_name_leaves_it_possible_to_write_a_side(tmp_path: Path, home: Path) -> None:
    tiny(tmp_path / "x" / 'say "hi".gguf')
    (entry,) = entries(Place(tmp_path / "x", "x")).values()
    from urial_tui.sides import Side, parse_side

    assert parse_side(str(Side(entry.name))).model == entry.name
