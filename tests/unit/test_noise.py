"""Kept measurements: for which model they count, and what a broken or unwritable file does."""

import json
import os
from pathlib import Path

import pytest

from tests.support.scripted_engine import ScriptedEngine
from urial_tui.chat.active import ActiveSide
from urial_tui.chat.measuring import measure
from urial_tui.chat.noise import Measurement, Measurements
from urial_tui.chat.references import check_reference, resolve_reference
from urial_tui.engine.protocol import ContextSpec, Measured, Sampling
from urial_tui.prompts.styles import default_library, resolve_style
from urial_tui.sides import parse_side

MEASURED = Measured(1, 0.25, 0.005, 0.01, 0.0, 200, 1.5)
KEPT = Measurement(noise=0.25, null_rate=0.0, mean_kl=0.005, changed=0.01, tokens=200)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"weights")
    return path


def test_a_measurement_is_found_again_by_another_program(tmp_path: Path, model: Path) -> None:
    file, spec = tmp_path / "new" / "m.json", ContextSpec(str(model))
    assert Measurements(file, "1").put(spec, MEASURED) == KEPT
    assert Measurements(file, "1").get(spec) == KEPT
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["m.json"]


def test_contexts_of_the_same_files_share_a_measurement(tmp_path: Path, model: Path) -> None:
    kept = Measurements(None, "1")
    kept.put(ContextSpec(str(model)), MEASURED)
    assert kept.get(ContextSpec(str(model), slot="reference-0", n_ctx=512)) == KEPT


def test_whatever_can_change_the_rounding_needs_a_new_measurement(
    tmp_path: Path, model: Path
) -> None:
    file, adapter = tmp_path / "m.json", tmp_path / "a.gguf"
    adapter.write_bytes(b"lora")
    path, spec = str(model), ContextSpec(str(model))
    kept = Measurements(file, "1")
    kept.put(spec, MEASURED)
    assert kept.get(ContextSpec(path, n_threads=3)) is None
    assert kept.get(ContextSpec(path, gpu_layers=0)) is None
    assert kept.get(ContextSpec(path, main_gpu=1)) is None
    assert kept.get(ContextSpec(path, n_batch=1024)) is None
    assert kept.get(ContextSpec(path, flash_attention="off")) is None
    assert kept.get(ContextSpec(path, kv_type="q8_0")) is None
    assert kept.get(ContextSpec(path, str(adapter))) is None
    kept.put(ContextSpec(path, str(adapter)), MEASURED)
    assert kept.get(ContextSpec(path, str(adapter), 0.5)) is None
    assert Measurements(file, "2").get(spec) is None
    os.utime(model, (1, 1))
    assert kept.get(spec) is None
    assert kept.get(ContextSpec(path, str(adapter))) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"a": 1}', '{"KEY": {"noise": "x"}}', "[" * 100_000]
)
def test_a_broken_file_is_ignored_and_replaced(tmp_path: Path, model: Path, text: str) -> None:
    file, spec = tmp_path / "m.json", ContextSpec(str(model))
    file.write_text(text)
    kept = Measurements(file, "1")
    assert kept.get(spec) is None
    kept.put(spec, MEASURED)
    assert Measurements(file, "1").get(spec) == KEPT


def test_an_entry_with_impossible_values_is_ignored(tmp_path: Path, model: Path) -> None:
    file, spec = tmp_path / "m.json", ContextSpec(str(model))
    Measurements(file, "1").put(spec, MEASURED)
    for wrong in (-1, True, float("nan"), None):
        entries = json.loads(file.read_text())
        (key,) = entries
        file.write_text(json.dumps({key: entries[key] | {"noise": wrong}}))
        assert Measurements(file, "1").get(spec) is None


def test_what_another_program_wrote_meanwhile_stays(tmp_path: Path, model: Path) -> None:
    file, spec, other = tmp_path / "m.json", ContextSpec(str(model)), tmp_path / "b.gguf"
    other.write_bytes(b"b")
    first, second = Measurements(file, "1"), Measurements(file, "1")
    assert first.get(spec) is second.get(spec) is None
    first.put(spec, MEASURED)
    second.put(ContextSpec(str(other)), MEASURED)
    assert Measurements(file, "1").get(spec) == KEPT


def test_a_folder_that_cannot_be_written_keeps_it_for_this_program(
    tmp_path: Path, model: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    kept = Measurements(tmp_path / "file" / "m.json", "1")
    kept.put(ContextSpec(str(model)), MEASURED)
    assert kept.get(ContextSpec(str(model))) == KEPT


async def test_measuring_asks_the_engine_once_unless_it_is_wanted_again(model: Path) -> None:
    engine, kept, spec = ScriptedEngine(), Measurements(None), ContextSpec(str(model))
    assert await measure(engine, spec, kept) == await measure(engine, spec, kept) == KEPT
    assert len(engine.calls) == 1 and engine.calls[0].prompt is not None
    assert engine.calls[0].prompt.spans
    await measure(engine, spec, kept, again=True)
    assert len(engine.calls) == 2


def test_what_was_measured_is_listed_with_its_files(tmp_path: Path, model: Path) -> None:
    file, adapter = tmp_path / "m.json", tmp_path / "a.gguf"
    adapter.write_bytes(b"lora")
    kept = Measurements(file, "1")
    kept.put(ContextSpec(str(model), kv_type="q8_0"), MEASURED)
    kept.put(ContextSpec(str(model), str(adapter)), MEASURED)
    # An entry of a version that measured without these settings counts for nothing.
    entries = json.loads(file.read_text())
    old = json.dumps([*json.loads(next(iter(entries)))[:3], "1", 2, -1])
    file.write_text(json.dumps(entries | {old: entries[next(iter(entries))]}))
    found = Measurements(file, "1").known()
    assert [(Path(m), a and Path(a)) for m, a, _ in found] == [(model, None), (model, adapter)]


async def resolve(text: str, references: int | None = None) -> ActiveSide:
    side = parse_side(text)
    style = resolve_style(side.style, default_library())
    return ActiveSide(
        notation=str(side.with_style(style.id)),
        spec=ContextSpec(f"/{side.model}.gguf", gpu_layers=20),
        reference_gpu_layers=references,
        style=style,
        sampling=Sampling(),
        max_tokens=8,
        quantization=side.model.upper(),
    )


async def test_a_reference_may_be_same_and_another_quantisation_is_said() -> None:
    engine, generator = ScriptedEngine(), await resolve("q4_0@raw")
    same = await resolve_reference(resolve, "q8_0@same", 1)
    assert (same.notation, same.style, same.spec.slot) == ("q8_0@same", None, "reference-1")
    checked = await check_reference(engine, generator, same)
    assert checked.warnings == ("quantisation differs: Q4_0 against Q8_0",)
    alike = await resolve_reference(resolve, "q4_0", 0)
    assert alike.notation == "q4_0@urial-general" and alike.style is not None
    assert (await check_reference(engine, generator, alike)).warnings == ()


async def test_a_reference_on_the_generators_model_lies_where_the_generator_lies() -> None:
    async def with_layers(text: str) -> ActiveSide:
        return await resolve(text, references=3)

    generator = await with_layers("base@raw")
    same = await resolve_reference(with_layers, "base@zero-shot", 0, generator)
    other = await resolve_reference(with_layers, "tuned@raw", 1, generator)
    alone = await resolve_reference(with_layers, "base@raw", 0)
    usual = await resolve_reference(resolve, "tuned@raw", 0, generator)
    assert [ref.spec.gpu_layers for ref in (same, other, alone, usual)] == [20, 3, 3, 20]
