"""The library described: facts with their origins, background scans, verification, removal, folders."""

import hashlib
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import tinygguf
from urial_tui import paths
from urial_tui.errors import ModelError, UsageError
from urial_tui.models import demo
from urial_tui.models.catalog import Catalog, add_folder
from urial_tui.models.describing import with_siblings
from urial_tui.models.facts import ModelFacts
from urial_tui.models.hashes import HashingStopped
from urial_tui.models.hub.origin import Origin, write_origin
from urial_tui.models.library import Library
from urial_tui.models.places import Place
from urial_tui.settings import Settings, load_settings, with_values


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "app"))
    return tmp_path / "app"


@pytest.fixture
def own(home: Path) -> Path:
    """The program's own folder."""
    folder = paths.models_dir()
    folder.mkdir(parents=True)
    return folder


def catalog(*folders: Path) -> Catalog:
    if not folders:
        return Catalog(Library.from_settings(Settings()), Settings())
    return Catalog(Library([Place(folder, "here") for folder in folders]), Settings())


def named(found: tuple[ModelFacts, ...]) -> dict[str, ModelFacts]:
    return {facts.name: facts for facts in found}


def origin(path: Path, **more: object) -> Origin:
    values = {
        "repo": "org/X-GGUF",
        "commit": "c" * 40,
        "path": path.name,
        "size": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "checked": True,
        "license": "mit",
        "base_model": "org/X",
    }
    return Origin(**(values | more))  # type: ignore[arg-type]


# --- facts --------------------------------------------------------------------------------------------------------


def test_what_comes_with_the_program_is_first(own: Path) -> None:
    tinygguf.write_model(own / "a.gguf")
    found = catalog().facts()
    assert [facts.name for facts in found] == ["demo", "demo+sft", "a"]
    assert [facts.source for facts in found] == ["embedded", "shipped", "models folder"]
    assert found[1].kind == "adapter"


def test_the_embedded_model_is_known_before_it_is_put_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(demo, "is_installed", lambda: True)
    facts = catalog().find("demo")
    assert facts.is_model
    assert (facts.architecture, facts.n_vocab, facts.role) == ("gemma3", 262_144, "base")
    monkeypatch.setattr(demo, "is_installed", lambda: False)
    facts = catalog().find("demo")
    assert not facts.is_model
    assert "pip install" in facts.problem


def test_a_model_is_described_by_its_header(own: Path) -> None:
    path = tinygguf.write_model(
        own / "tiny-instruct.gguf", chat_template=tinygguf.CHATML, n_ctx=640
    )
    facts = catalog().find("tiny-instruct")
    assert facts.path == path
    assert (facts.kind, facts.architecture, facts.size_label) == ("model", "llama", "100K")
    assert (facts.quantization, facts.context_length, facts.n_vocab) == ("F32", 640, 512)
    assert (facts.tokenizer, facts.has_template, facts.license) == ("llama", True, "apache-2.0")
    assert (facts.role, facts.role_reason) == ("chat", '"instruct" in its name')
    assert facts.size == path.stat().st_size
    assert facts.sha256 is None
    assert facts.is_model


def test_the_record_of_a_download_fills_what_the_header_leaves_open(own: Path) -> None:
    (own / "org" / "X-GGUF").mkdir(parents=True)
    path = tinygguf.write_model(own / "org" / "X-GGUF" / "x.gguf")
    assert catalog().find("x").base_model == "org/X-GGUF"
    write_origin(path, origin(path))
    facts = catalog().find("x")
    assert facts.base_model == "org/X"
    assert facts.license == "apache-2.0"  # the file's own word


def test_a_split_model_counts_all_parts_and_says_which_are_missing(
    own: Path, tmp_path: Path
) -> None:
    whole = tinygguf.write_model(tmp_path / "whole.gguf")
    for number in (1, 2):
        shutil.copy(whole, own / f"big-{number:05d}-of-00003.gguf")
    facts = catalog().find("big")
    assert (facts.parts, facts.missing_parts) == (3, 1)
    assert not facts.is_model
    assert "1 of its 3 parts" in facts.problem
    shutil.copy(whole, own / "big-00003-of-00003.gguf")
    facts = catalog().find("big")
    one = catalog(tmp_path).find("whole")
    assert (facts.problem, facts.n_params, facts.size) == ("", 3 * one.n_params, 3 * one.size)
    (own / "big-00002-of-00003.gguf").write_bytes(b"GGUF")
    assert "00002" in catalog().find("big").problem


def test_a_damaged_file_is_an_entry_with_a_problem(own: Path) -> None:
    (own / "bad.gguf").write_bytes(b"<html>")
    facts = catalog().find("bad")
    assert facts.kind == ""
    assert "a web page" in facts.problem
    assert not facts.is_model


def test_a_base_model_with_a_template_is_known_by_its_tuned_sibling() -> None:
    def facts(name: str, role: str, reason: str) -> ModelFacts:
        return ModelFacts(
            name, Path(), "", 0, "model", architecture="a", role=role, role_reason=reason
        )  # type: ignore[arg-type]

    plain = facts("Qwen2.5-0.5B-Q8_0", "chat", "it has a chat template")
    tuned = facts("Qwen2.5-0.5B-Instruct-Q4_0", "chat", '"instruct" in its name')
    base = facts("Qwen2.5-0.5B-Base", "base", '"base" in its name')
    found = with_siblings([plain, tuned])
    assert [one.role for one in found] == ["base", "chat"]
    assert "Qwen2.5-0.5B-Instruct-Q4_0 is its tuned sibling" in found[0].role_reason
    # Where a base model is there by that name, the plain one is the family's chat model.
    assert [one.role for one in with_siblings([plain, tuned, base])] == ["chat", "chat", "base"]


# --- finding ------------------------------------------------------------------------------------------------------


def test_names_paths_and_what_comes_along_are_found(own: Path, tmp_path: Path) -> None:
    path = tinygguf.write_model(own / "Tiny.gguf")
    outside = tinygguf.write_model(tmp_path / "outside.gguf")
    there = catalog()
    assert there.find("tiny").path == there.find("TINY.gguf").path == path
    assert there.find(str(path)).name == "Tiny"
    assert there.find("demo+sft").source == "shipped"
    assert (there.find(str(outside)).name, there.find(str(outside)).kind) == (str(outside), "model")
    with pytest.raises(ModelError) as caught:
        there.find("tniy")
    assert "Tiny" in caught.value.hint
    with pytest.raises(ModelError) as caught:
        there.find("./gone.gguf")
    assert caught.value.kind == "not-found"
    with pytest.raises(ModelError) as caught:
        there.find(str(tmp_path))
    assert caught.value.kind == "is-directory"


def test_a_split_model_outside_the_library_is_found_by_its_first_part(
    tmp_path: Path, own: Path
) -> None:
    whole = tinygguf.write_model(tmp_path / "whole.gguf")
    for number in (1, 2):
        shutil.copy(whole, tmp_path / f"big-{number:05d}-of-00002.gguf")
    there = catalog()
    facts = there.find(str(tmp_path / "big-00001-of-00002.gguf"))
    assert (facts.parts, facts.problem) == (2, "")
    assert len(there.parts(facts)) == 2


# --- scans --------------------------------------------------------------------------------------------------------


def test_a_scan_that_finds_nothing_new_gives_the_very_same_facts(own: Path) -> None:
    tinygguf.write_model(own / "a.gguf")
    there = catalog()
    first = there.facts()
    assert there.facts(rescan=True) is first
    tinygguf.write_model(own / "b.gguf", name="other")
    assert there.facts() is first
    assert set(named(there.facts(rescan=True))) == {"demo", "demo+sft", "a", "b"}


def test_scans_in_several_threads_agree(own: Path) -> None:
    for number in range(8):
        tinygguf.write_model(own / f"m{number}.gguf", seed=number, name=f"m{number}")
    there = catalog()
    gate = threading.Barrier(6)

    def look(number: int) -> tuple[ModelFacts, ...]:
        gate.wait(timeout=30)
        return there.facts(rescan=number % 2 == 0)

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(look, range(6)))
    assert all(one == found[0] for one in found)
    assert len(found[0]) == 10


def test_a_known_list_is_there_at_once_while_a_scan_goes_on(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = catalog()
    first = there.facts()
    scanning, go_on = threading.Event(), threading.Event()

    def slow(library: Library) -> None:
        scanning.set()
        assert go_on.wait(30)

    monkeypatch.setattr(Library, "refresh", slow)
    scan = threading.Thread(target=lambda: there.facts(rescan=True))
    scan.start()
    assert scanning.wait(30)
    assert there.facts() is first
    go_on.set()
    scan.join(30)
    assert not scan.is_alive()


def test_a_fingerprint_that_was_computed_is_among_the_facts(own: Path) -> None:
    tinygguf.write_model(own / "a.gguf")
    there = catalog()
    assert there.find("a").vocabulary is None
    found = there.fingerprint(there.find("a"))
    assert there.find("a").vocabulary == found
    assert there.facts(rescan=True) is there.facts()


def test_other_settings_are_searched_without_a_new_catalog(own: Path, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    tinygguf.write_model(folder / "more.gguf")
    library = Library.from_settings(Settings())
    there = Catalog(library, Settings())
    assert "more" not in named(there.facts())
    there.use(with_values(Settings(), {"model_folders": [str(folder)]}))
    assert "more" in named(there.facts())
    assert library.find("more").path == folder / "more.gguf"


# --- pairs --------------------------------------------------------------------------------------------------------


def test_a_pair_of_different_vocabularies_is_refused_with_the_first_ids(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    tinygguf.write_model(folder / "one.gguf")
    tinygguf.write_model(folder / "two.gguf", changed_tokens={300: "giraffe", 301: "\x1b[31m"})
    tinygguf.write_model(folder / "three.gguf", name="third", extra_tokens=["<|tool|>"])
    there = catalog(folder)
    with pytest.raises(ModelError) as caught:
        there.check_pair("one", "two")
    assert caught.value.kind == "vocabulary-mismatch"
    assert "id 300 is" in caught.value.message
    assert "'giraffe' in two" in caught.value.message
    assert "\x1b" not in caught.value.message
    match = there.check_pair("one", "three")
    assert (match.n_common, match.extra) == (512, 1)


# --- verification -------------------------------------------------------------------------------------------------


def test_a_download_is_verified_against_its_record(own: Path) -> None:
    path = tinygguf.write_model(own / "x.gguf")
    there = catalog()
    assert there.verify("x").ok is None
    write_origin(path, origin(path))
    found = there.verify("x")
    assert (found.ok, found.source) == (True, "the hub")
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    write_origin(path, origin(path, checked=False))
    assert there.verify("x").source == "what it was when it was fetched"


def test_a_changed_byte_is_found_although_a_hash_is_remembered(own: Path) -> None:
    path = tinygguf.write_model(own / "x.gguf")
    write_origin(path, origin(path))
    there = catalog()
    assert there.verify("x").ok
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = there.verify("x")
    assert found.ok is False
    assert found.expected != found.sha256


def test_a_blob_is_verified_against_its_name(tmp_path: Path) -> None:
    blobs = tmp_path / "models--org--x" / "blobs"
    blobs.mkdir(parents=True)
    draft = tinygguf.write_model(blobs / "draft")
    blob = draft.rename(blobs / hashlib.sha256(draft.read_bytes()).hexdigest())
    snapshot = blobs.parent / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "x.gguf").symlink_to(blob)
    found = catalog(tmp_path).verify("x")
    assert (found.ok, found.source) == (True, "its name in the cache of the hub")


def test_of_a_split_model_the_part_that_is_wrong_is_named(own: Path, tmp_path: Path) -> None:
    whole = tinygguf.write_model(tmp_path / "whole.gguf")
    parts = [own / f"big-{number:05d}-of-00002.gguf" for number in (1, 2)]
    for path in parts:
        shutil.copy(whole, path)
        write_origin(path, origin(path))
    seen: list[tuple[int, int]] = []
    there = catalog()
    assert there.verify("big", on_progress=lambda done, total: seen.append((done, total))).ok
    size = whole.stat().st_size
    assert seen == [(size, 2 * size), (2 * size, 2 * size)]
    write_origin(parts[1], origin(parts[1], sha256="0" * 64))
    found = there.verify("big")
    assert (found.ok, found.name) == (False, "big, part 2 of 2")


def test_a_verification_can_be_stopped(own: Path) -> None:
    tinygguf.write_model(own / "x.gguf")
    with pytest.raises(HashingStopped):
        catalog().verify("x", should_stop=lambda: True)


def test_the_adapter_that_ships_is_what_it_should_be() -> None:
    found = catalog().verify("demo+sft")
    assert (found.ok, found.source) == (True, "this program")


# --- removal and folders ------------------------------------------------------------------------------------------


def test_a_model_of_our_own_goes_with_its_record_and_empty_folders(own: Path) -> None:
    folder = own / "org" / "X-GGUF"
    folder.mkdir(parents=True)
    path = tinygguf.write_model(folder / "x.gguf")
    write_origin(path, origin(path))
    tinygguf.write_model(own / "stays.gguf")
    there = catalog()
    assert there.remove("x") == (path,)
    assert [one.name for one in own.iterdir()] == ["stays.gguf"]
    assert set(named(there.facts())) == {"demo", "demo+sft", "stays"}


def test_all_parts_go_and_nothing_else(own: Path) -> None:
    whole = tinygguf.write_model(own / "other.gguf")
    for number in (1, 2):
        shutil.copy(whole, own / f"big-{number:05d}-of-00002.gguf")
    (own / "notes.txt").write_text("mine")
    assert len(catalog().remove("big")) == 2
    assert {one.name for one in own.iterdir()} == {"other.gguf", "notes.txt"}


def test_what_others_keep_is_not_removed(own: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / ".lmstudio" / "models" / "a" / "b"
    elsewhere.mkdir(parents=True)
    path = tinygguf.write_model(elsewhere / "studio.gguf")
    there = catalog()
    for name, word in (("studio", "LM Studio"), ("demo", "pip uninstall"), ("demo+sft", "program")):
        with pytest.raises(ModelError) as caught:
            there.remove(name)
        assert caught.value.kind == "not-ours"
        assert word in caught.value.message + caught.value.hint
    assert path.exists()


def test_removing_a_link_leaves_what_it_points_to(own: Path, tmp_path: Path) -> None:
    real = tinygguf.write_model(tmp_path / "real.gguf")
    (own / "linked.gguf").symlink_to(real)
    catalog().remove("linked")
    assert real.exists()
    assert list(own.iterdir()) == []


def test_a_folder_is_added_once_and_comments_stay(home: Path, tmp_path: Path) -> None:
    settings = paths.settings_file()
    settings.parent.mkdir(parents=True)
    settings.write_text('# mine\nside = "demo"  # always\n')
    folder = tmp_path / "models"
    folder.mkdir()
    path = tinygguf.write_model(folder / "x.gguf")
    add_folder(path)
    add_folder(folder)
    add_folder(folder / ".." / "models")
    assert load_settings(settings).model_folders == (str(folder),)
    assert "# mine" in settings.read_text()
    assert "# always" in settings.read_text()


def test_a_folder_that_is_searched_already_is_not_added(own: Path) -> None:
    below = own / "org"
    below.mkdir()
    add_folder(own)
    add_folder(below)
    assert load_settings(paths.settings_file()).model_folders == ()


def test_what_is_no_folder_is_not_added(home: Path, tmp_path: Path) -> None:
    text = tmp_path / "x.txt"
    text.write_text("x")
    for path in (text, tmp_path / "gone"):
        with pytest.raises(UsageError) as caught:
            add_folder(path)
        assert caught.value.hint
    assert not paths.settings_file().exists()
