"""From SIDE notation to checked files, and what is said when a file cannot be used."""

from pathlib import Path

import pytest

from tests.support import tinygguf
from urial_tui.errors import ModelError, UrialError, UsageError
from urial_tui.models import adapters, demo
from urial_tui.models.gguf.header import MAX_TEMPLATE, read_header
from urial_tui.models.library import Library
from urial_tui.models.memory import estimate
from urial_tui.models.places import Place
from urial_tui.models.resolve import resolve_side
from urial_tui.settings import Settings, with_values
from urial_tui.sides import Side


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tinygguf.write_model(folder / "base.gguf")
    tinygguf.write_adapter(folder / "tune.gguf")
    return folder


@pytest.fixture
def library(folder: Path) -> Library:
    return Library([Place(folder, "models folder")])


def refused(side: str, library: Library) -> UrialError:
    with pytest.raises(UrialError) as caught:
        resolve_side(side, library, Settings())
    assert caught.value.hint
    return caught.value


def test_a_library_name_becomes_a_path_and_the_default_pack(folder: Path, library: Library) -> None:
    settings = with_values(Settings(), {"pack": "urial-brief"})
    side = resolve_side("base", library, settings)
    assert side.model_path == folder / "base.gguf"
    assert (side.adapter_path, side.adapter_header) == (None, None)
    assert side.style == side.default_style == "urial-brief"
    assert side.display_name == "base@urial-brief"
    assert side.header.n_vocab == 512


def test_a_path_an_adapter_a_scale_and_a_style_are_kept(folder: Path, library: Library) -> None:
    side = resolve_side(f"{folder / 'base.gguf'}+tune:0.5@raw", library, Settings())
    assert side.adapter_path == folder / "tune.gguf"
    assert side.adapter_scale == 0.5
    assert side.style == "raw"
    assert side.default_style == "urial-general"
    assert side.display_name == "base+tune@raw"
    assert side.adapter_header is not None
    assert side.adapter_header.lora_alpha == 8.0


def test_relative_and_home_paths_work(
    folder: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    empty = Library([])
    for text in ("base.gguf", "./base.gguf", "~/base.gguf"):
        assert resolve_side(text, empty, Settings()).model_path == folder / "base.gguf"
    monkeypatch.chdir("/")
    assert resolve_side("base.gguf", library, Settings()).model_path == folder / "base.gguf"


def test_demo_is_the_embedded_model(
    folder: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "demo_model", lambda: folder / "base.gguf")
    side = resolve_side(Side("demo"), library, Settings())
    assert side.model_path == folder / "base.gguf"
    assert side.display_name == "demo@urial-general"


def test_files_that_cannot_be_used_say_why(folder: Path, library: Library, tmp_path: Path) -> None:
    text = tmp_path / "text.gguf"
    text.write_text("hello")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes((folder / "base.gguf").read_bytes()[:-1000])
    cases = {
        f"{tmp_path}/none.gguf": "not-found",
        "./none.gguf": "not-found",
        str(text): "not-gguf",
        str(cut): "gguf-truncated",
        str(tmp_path): "is-directory",
        "bse": "unknown-model",
        str(folder / "tune.gguf"): "not-a-model",
        "base+base": "not-an-adapter",
        "base+nothing": "unknown-model",
        f"base+{text}": "not-gguf",
    }
    for side, kind in cases.items():
        error = refused(side, library)
        assert isinstance(error, ModelError), side
        assert error.kind == kind, side
    assert "base" in refused("bse", library).hint
    assert isinstance(refused("", library), UsageError)


def test_an_adapter_that_is_not_there_is_told_with_the_adapters_that_are(library: Library) -> None:
    error = refused("base+nix@chat", library)
    assert error.message == "there is no adapter called 'nix' for base"
    assert error.hint.startswith("There are: tune. Or give the path")
    assert "sft" in adapters.shipped_names("demo")


def test_an_adapter_for_another_model_is_refused(
    folder: Path, library: Library, tmp_path: Path
) -> None:
    other = tinygguf.write_adapter(tmp_path / "other.gguf", architecture="qwen2")
    error = refused(f"base+{other}", library)
    assert error.kind == "adapter-mismatch"
    assert "qwen2" in error.message
    assert "llama" in error.message
    wide = tinygguf.TinyShape(n_embd=128)
    large = tinygguf.write_adapter(tmp_path / "large.gguf", shape=wide)
    error = refused(f"base+{large}", library)
    assert error.kind == "adapter-mismatch"
    assert "another size" in error.message
    deep = tinygguf.TinyShape(n_layers=3)
    deeper = tinygguf.write_adapter(tmp_path / "deep.gguf", shape=deep)
    assert "missing there" in refused(f"base+{deeper}", library).message


def test_a_vocabulary_file_is_no_model(library: Library, tmp_path: Path) -> None:
    from gguf import GGUFWriter

    path = tmp_path / "vocab.gguf"
    writer = GGUFWriter(path, "llama")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    error = refused(str(path), library)
    assert error.kind == "not-a-model"
    assert "vocabulary" in error.message


def test_a_split_model_needs_all_its_parts(library: Library, tmp_path: Path) -> None:
    import numpy as np
    from gguf import GGUFWriter

    writer = GGUFWriter(tmp_path / "big.gguf", "llama", split_max_tensors=2)
    writer.add_block_count(1)
    for i in range(5):
        writer.add_tensor(f"t{i}", np.zeros((4, 4), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    parts = sorted(tmp_path.glob("big-*.gguf"))
    assert len(parts) == 3
    assert resolve_side(str(parts[0]), library, Settings()).header.split_count == 3
    assert refused(str(parts[1]), library).kind == "split-part"
    whole = parts[2].read_bytes()
    parts[2].write_bytes(whole[:-8])
    assert refused(str(parts[0]), library).kind == "gguf-truncated"
    parts[2].unlink()
    assert refused(str(parts[0]), library).kind == "not-found"
    assert refused("big", Library([Place(tmp_path, "x")])).kind == "gguf-truncated"


def test_the_memory_estimate_counts_weights_exactly_and_the_cache_by_context(
    library: Library,
) -> None:
    header = resolve_side("base", library, Settings()).header
    small, large = estimate(header, 256), estimate(header, 512)
    assert small.weights == header.weight_bytes
    # layers x heads x (key + value) x 2 bytes x tokens
    assert small.kv_cache == 2 * 2 * (16 + 16) * 2 * 256
    assert large.kv_cache == 2 * small.kv_cache
    assert estimate(header, 0) == large
    assert large.total == large.weights + large.kv_cache + large.compute + large.output
    assert large.output == 4 * header.n_vocab


THEIRS, OURS = "{{ messages[0].content }}", "{{ messages[-1].content }}"


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned")
    tinygguf.write_model(folder / "chatty.gguf", chat_template=THEIRS)
    tinygguf.write_model(folder / "base.gguf", seed=3)
    tinygguf.write_adapter(folder / "tune.gguf", chat_template=OURS)
    tinygguf.write_adapter(folder / "plain.gguf")
    long = "x" * (MAX_TEMPLATE + 1)
    tinygguf.write_adapter(folder / "long.gguf", chat_template=long)
    return folder


@pytest.mark.parametrize(
    ("text", "style", "template"),
    [
        ("chatty", "chat", THEIRS),
        ("chatty@raw", "raw", THEIRS),
        ("chatty+plain", "chat", THEIRS),
        ("chatty+tune", "chat", OURS),
        ("base+tune", "chat", OURS),
        ("base+tune@chat", "chat", OURS),
        ("base", "urial-general", None),
        ("base+plain", "urial-general", None),
    ],
)
def test_the_adapters_template_goes_before_the_models(
    tuned: Path, text: str, style: str, template: str | None
) -> None:
    side = resolve_side(text, Library([Place(tuned, "x")]), Settings())
    assert (side.style, side.chat_template) == (style, template)


def test_chat_needs_a_template_that_can_be_used(tuned: Path) -> None:
    library = Library([Place(tuned, "x")])
    cases = {"base@chat": "base", "base+plain@chat": "plain", "chatty+long@chat": "too long"}
    for text, words in cases.items():
        error = refused(text, library)
        assert (error.kind, words in error.message) == ("template-missing", True)


def test_sft_is_the_shipped_adapter_behind_demo_alone(
    tuned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = adapters.shipped("demo", "sft")
    assert path is not None
    header = read_header(path)
    assert (header.kind, header.architecture, header.adapter_type) == ("adapter", "gemma3", "lora")
    assert "<start_of_turn>" in (header.chat_template or "")
    for name in ("MODEL_CARD.md", "NOTICE"):
        assert "ai.google.dev/gemma/terms" in (path.parent / name).read_text("utf-8")
    monkeypatch.setattr(demo, "demo_model", lambda: tuned / "base.gguf")
    error = refused("demo+sft", Library([]))
    assert error.kind == "adapter-mismatch" and str(path) in error.message
    assert refused("base+sft", Library([Place(tuned, "x")])).kind == "unknown-model"
