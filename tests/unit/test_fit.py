"""The verdict: which part of what is free sides may take, what they share, and where a GPU comes in."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import planned_gguf
from tests.support.planned_gguf import write_plan
from tests.support.tinygguf import write_adapter, write_model
from urial_tui.models.fit import Fit, fit_sides, in_words, size_in_words, verdict_for_size
from urial_tui.models.library import Library
from urial_tui.models.machine import Memory
from urial_tui.models.memory import OUTPUT_ROWS, estimate, offload
from urial_tui.models.resolve import ResolvedSide, resolve_side
from urial_tui.settings import Settings

GB = 1_000_000_000
SETTINGS = Settings(n_ctx=4096)
PLENTY = Memory(64 * GB, 64 * GB)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> ResolvedSide:
    """A model of 8 billion parameters, without its weights: about 8.5 GB."""
    path = write_plan(tmp_path_factory.mktemp("m") / "large.gguf", planned_gguf.LLAMA_8B)
    return resolve_side(str(path), Library.from_settings(SETTINGS), SETTINGS)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny.gguf")


def side(path: Path, adapter: Path | None = None) -> ResolvedSide:
    text = f"{path}" if adapter is None else f"{path}+{adapter}"
    return resolve_side(text, Library.from_settings(SETTINGS), SETTINGS)


def test_up_to_four_fifths_of_what_is_free_fits_and_up_to_all_of_it_is_tight(
    large: ResolvedSide,
) -> None:
    needed = estimate(large.header, 4096).total
    for free, verdict in (
        (int(needed / 0.79), "fits"),
        (int(needed / 0.81), "tight"),
        (needed, "tight"),
        (needed - 1, "does not fit"),
        (None, "unknown"),
    ):
        found = fit_sides([large], SETTINGS, Memory(free, 64 * GB))
        assert (found.verdict, found.needed, found.free) == (verdict, needed, free)
    assert found.device_needed == found.device_free == 0


def test_the_settings_of_the_context_count(large: ResolvedSide) -> None:
    usual = fit_sides([large], SETTINGS, PLENTY).needed
    for change, more in (
        ({"n_ctx": 8192}, True),
        ({"n_batch": 2048}, True),
        ({"flash_attention": "off"}, True),
        ({"kv_type": "q8_0"}, False),
        ({"n_ctx": 2048}, False),
    ):
        found = fit_sides([large], replace(SETTINGS, **change), PLENTY).needed
        assert (found > usual) == more, change


def test_a_reference_on_the_same_file_adds_a_context_and_no_weights(large: ResolvedSide) -> None:
    alone, pair = (fit_sides([large] * n, SETTINGS, PLENTY) for n in (1, 2))
    first, second = pair.sides
    assert first.estimate.weights == large.header.weight_bytes and second.estimate.weights == 0
    assert second.estimate.kv_cache == first.estimate.kv_cache > 0
    # Both keep the rows that scoring needs.
    assert first.estimate.output == OUTPUT_ROWS * large.header.n_vocab * 4
    assert alone.sides[0].estimate.output == large.header.n_vocab * 4
    assert pair.needed == first.estimate.total + second.estimate.total


def test_an_adapter_is_loaded_once_however_often_it_is_used(tiny: Path, tmp_path: Path) -> None:
    lora = write_adapter(tmp_path / "a.gguf")
    tuned = side(tiny, lora)
    assert tuned.adapter_header is not None
    found = fit_sides([tuned, side(tiny), tuned], SETTINGS, PLENTY)
    size = tuned.adapter_header.weight_bytes
    assert [need.estimate.adapter for need in found.sides] == [size, 0, 0]


def test_other_models_add_their_own_weights(tiny: Path, large: ResolvedSide) -> None:
    found = fit_sides([large, side(tiny)], SETTINGS, PLENTY)
    assert all(need.estimate.weights for need in found.sides)


# --- with a GPU -----------------------------------------------------------------------------------------------------


def test_automatic_layers_go_to_the_gpu_as_far_as_they_fit(large: ResolvedSide) -> None:
    total = fit_sides([large], SETTINGS, PLENTY).needed
    inputs = offload(large.header, 4096).inputs
    embedding = next(t.n_bytes for t in large.header.tensors if t.name == "token_embd.weight")
    whole = fit_sides([large], SETTINGS, PLENTY, 24 * GB)
    assert whole.sides[0].gpu_layers == 33 and whole.sides[0].n_layers == 32
    assert whole.needed + whole.device_needed == total + inputs
    assert whole.needed == pytest.approx(embedding + inputs, rel=0.01)
    part = fit_sides([large], SETTINGS, PLENTY, 6 * GB)
    assert 10 < part.sides[0].gpu_layers < 25
    assert part.device_needed < 6 * GB and part.needed + part.device_needed == total + inputs
    none = fit_sides([large], SETTINGS, PLENTY, GB // 2)
    assert (none.sides[0].gpu_layers, none.device_needed, none.needed) == (0, 0, total)


def test_a_model_without_an_output_of_its_own_has_its_embedding_in_both_places(
    tmp_path: Path,
) -> None:
    path = write_plan(tmp_path / "m.gguf", planned_gguf.GEMMA3_1B)
    found = fit_sides([side(path)], SETTINGS, PLENTY, 24 * GB)
    parts = offload(side(path).header, 4096)
    assert parts.copied and parts.output == parts.embedding > 300_000_000
    total = fit_sides([side(path)], SETTINGS, PLENTY).needed
    assert found.needed + found.device_needed == total + parts.inputs + parts.embedding
    assert found.needed == pytest.approx(parts.embedding + parts.inputs, rel=0.01)
    # Its output alone is too large for this one.
    assert fit_sides([side(path)], SETTINGS, PLENTY, 600_000_000).device_needed == 0


def test_a_gpu_makes_room_in_main_memory(large: ResolvedSide) -> None:
    memory = Memory(4 * GB, 8 * GB)
    assert fit_sides([large], SETTINGS, memory).verdict == "does not fit"
    assert fit_sides([large], SETTINGS, memory, 24 * GB).verdict == "fits"


def test_layers_that_were_asked_for_must_fit_on_the_gpu(large: ResolvedSide) -> None:
    wanted = replace(SETTINGS, gpu_layers=33)
    assert fit_sides([large], wanted, PLENTY, 6 * GB).verdict == "does not fit"
    assert fit_sides([large], wanted, PLENTY, 24 * GB).verdict == "fits"
    none = fit_sides([large], replace(SETTINGS, gpu_layers=0), PLENTY, 24 * GB)
    assert none.device_needed == 0
    # Without a GPU nobody can take them, and nothing fails for it.
    assert fit_sides([large], wanted, PLENTY).device_needed == 0


def test_references_have_layers_of_their_own_unless_they_share_weights(
    large: ResolvedSide, tiny: Path
) -> None:
    settings = replace(SETTINGS, gpu_layers=33, reference_gpu_layers=0)
    found = fit_sides([large, large, side(tiny)], settings, PLENTY, 40 * GB)
    assert [need.gpu_layers for need in found.sides] == [33, 33, 0]
    used = fit_sides([large, side(tiny)], replace(SETTINGS, gpu_layers=-1), PLENTY, 40 * GB)
    assert [need.gpu_layers for need in used.sides] == [33, 3]


def test_what_the_generator_takes_is_gone_for_its_references(
    large: ResolvedSide, tmp_path: Path
) -> None:
    other = write_plan(tmp_path / "other.gguf", planned_gguf.LLAMA_8B)
    found = fit_sides([large, side(other)], SETTINGS, PLENTY, 12 * GB)
    first, second = found.sides
    assert first.gpu_layers == 33 and 0 < second.gpu_layers < 15
    assert found.device_needed <= 12 * GB


# --- files that are not here yet, and words -------------------------------------------------------------------------


def test_a_size_alone_gives_a_verdict_with_something_for_the_context() -> None:
    memory = Memory(8 * GB, 16 * GB)
    assert verdict_for_size(5 * GB, memory) == "fits"
    assert verdict_for_size(7 * GB, memory) == "tight"
    assert verdict_for_size(8 * GB, memory) == "does not fit"
    assert verdict_for_size(8 * GB, memory, 6 * GB) == "fits"
    assert verdict_for_size(GB // 10, Memory(GB // 5, GB)) == "does not fit"
    assert verdict_for_size(GB, Memory(None, None)) == "unknown"


def test_needs_and_room_are_told_in_words() -> None:
    fit = Fit("fits", 1_234_567_890, 9_100_000_000)
    assert in_words(fit) == "needs about 1.2 GB, 9.1 GB is free"
    assert in_words(Fit("unknown", 300_000_000, None)) == (
        "needs about 300 MB, what is free is not known"
    )
    gpu = Fit("fits", 500_000_000, 9 * GB, (), 3 * GB, 8 * GB)
    assert in_words(gpu) == (
        "needs about 500 MB, 9.0 GB is free; on the GPU 3.0 GB, 8.0 GB is free"
    )
    assert [size_in_words(n) for n in (0, 999_499_999, 999_500_000)] == ["0 MB", "999 MB", "1.0 GB"]


def test_the_parts_of_a_split_model_count_together(tmp_path: Path, tiny: Path) -> None:
    header = side(tiny).header
    parts = [tmp_path / f"m-0000{number}-of-00002.gguf" for number in (1, 2)]
    for part, size in zip(parts, (1000, 5000), strict=True):
        part.write_bytes(b"x" * size)
    split = replace(header, path=parts[0], split_count=2, weight_bytes=10)
    assert estimate(split, 512).weights == 6000
    # One whose parts have other names is counted by its header.
    assert estimate(replace(split, path=tmp_path / "m.gguf"), 512).weights == 10


def test_an_output_in_a_later_part_of_a_split_model_is_no_copy_of_the_embedding(
    large: ResolvedSide,
) -> None:
    first = replace(
        large.header,
        split_count=2,
        tensors=tuple(t for t in large.header.tensors if t.name != "output.weight"),
    )
    parts = offload(first, 4096)
    assert not parts.copied
    assert parts.output == parts.embedding
