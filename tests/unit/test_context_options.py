"""The options of every command that loads a model: the same words and bounds as the settings, for one run."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tests.support import tinygguf
from tests.support.scripted_engine import ScriptedEngine
from tests.support.scripted_scoring import Scoring, ScoringEngine
from urial_tui import launch, services
from urial_tui import main as entry
from urial_tui.cli.ask import asking
from urial_tui.cli.ask.command import ask
from urial_tui.cli.common import engine_access
from urial_tui.cli.common.context_options import _OPTIONS, LEAST_CONTEXT, ContextSize, Layers
from urial_tui.cli.common.engine_access import Loaded
from urial_tui.cli.doctor import command as doctor
from urial_tui.cli.shift.command import shift
from urial_tui.engine import options
from urial_tui.engine.memory import Device
from urial_tui.engine.protocol import ContextSpec, Description
from urial_tui.errors import SettingsError, UsageError
from urial_tui.models.fit import Fit
from urial_tui.models.machine import Memory
from urial_tui.services import Services
from urial_tui.settings import Settings, field_named, with_values

GIVEN = (
    *("--gpu-layers", "auto", "--threads", "3", "--ctx", "2048", "--batch", "1024"),
    *("--flash-attention", "on", "--kv-type", "q8_0", "--main-gpu", "1"),
)
MEANT = {
    "gpu_layers": -1,
    "n_threads": 3,
    "n_ctx": 2048,
    "n_batch": 1024,
    "flash_attention": "on",
    "kv_type": "q8_0",
    "main_gpu": 1,
}
GB = 1_000_000_000


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(tinygguf.write_model(tmp_path / "tiny.gguf"))


# --- words and bounds -----------------------------------------------------------------------------------------------


def test_the_options_have_the_bounds_of_the_settings() -> None:
    for key, _, parameter in _OPTIONS:
        field, kind = field_named(key), parameter["type"]
        if isinstance(kind, ContextSize):
            assert (LEAST_CONTEXT, kind.max, True) == (field.low, field.high, field.or_zero)
        elif isinstance(kind, click.IntRange):
            assert (kind.min, kind.max) == (field.low, field.high), key
        elif isinstance(kind, click.Choice):
            assert tuple(kind.choices) == field.choices, key
        else:
            assert isinstance(kind, Layers) and field.kind == "layers", key


@pytest.mark.parametrize(("text", "right"), [("0", True), ("255", False), ("256", True)])
def test_a_context_is_one_that_can_be_made(text: str, right: bool) -> None:
    if right:
        assert ContextSize().convert(text, None, None) == int(text)
        return
    with pytest.raises(click.BadParameter, match="neither 0 nor 256 or more"):
        ContextSize().convert(text, None, None)


def test_the_settings_and_the_engine_have_the_same_words() -> None:
    assert field_named("kv_type").choices == tuple(options.KV_TYPES)
    assert field_named("flash_attention").choices == options.FLASH_ATTENTION
    batch = field_named("n_batch")
    assert (batch.low, batch.high) == (options.LEAST_BATCH, options.MOST_BATCH)
    spec, settings = ContextSpec("m.gguf"), Settings()
    for name in ("n_ctx", "n_batch", "n_threads", "flash_attention", "kv_type", "main_gpu"):
        assert getattr(spec, name) == getattr(settings, name), name
    assert spec.gpu_layers == settings.gpu_layers and settings.reference_gpu_layers is None


@pytest.mark.parametrize(("text", "layers"), [("auto", -1), ("-1", -1), ("0", 0), (" 33 ", 33)])
def test_layers_are_auto_or_a_number(text: str, layers: int) -> None:
    assert Layers().convert(text, None, None) == layers


@pytest.mark.parametrize("text", ["all", "-2", "1.5", "", "10001"])
def test_other_layers_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="layers"):
        Layers().convert(text, None, None)


def test_options_that_cannot_go_together_name_the_way_out() -> None:
    for kv in options.QUANTISED:
        with pytest.raises(SettingsError, match="needs flash attention") as caught:
            options.check_options(512, "off", kv)
        assert caught.value.kind == "options" and "f16" in caught.value.hint
        options.check_options(512, "auto", kv)
    options.check_options(512, "off", "f32")


# --- where they arrive ----------------------------------------------------------------------------------------------


def test_ask_is_given_the_settings_of_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[asking.Asking] = []

    def note(request: asking.Asking) -> Any:
        asked.append(request)
        raise SystemExit(0)

    monkeypatch.setattr(asking, "run", note)
    CliRunner().invoke(ask, [*GIVEN, "Hi"])
    CliRunner().invoke(ask, ["Hi"])
    assert [request.overrides for request in asked] == [MEANT, {}]


def test_the_terminal_interface_is_given_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(entry, "_is_terminal", lambda stream: True)
    monkeypatch.setattr(launch, "launch_tui", lambda **given: told.append(given) or 0)
    with pytest.raises(SystemExit):
        entry.main([*GIVEN, "--reference-gpu-layers", "0"])
    assert told[0]["overrides"] == MEANT | {"reference_gpu_layers": 0}


def test_before_a_command_they_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        entry.main(["--gpu-layers", "0", "packs", "list"])
    assert left.value.code == UsageError.exit_code
    assert "options before 'packs'" in capsys.readouterr().err


def test_the_interface_refuses_what_excludes_itself_before_the_screen_is_taken_over() -> None:
    with pytest.raises(SettingsError, match="needs flash attention"):
        launch.app_services(overrides={"kv_type": "q4_0", "flash_attention": "off"})


def test_the_doctor_tries_the_model_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Settings] = []
    about = Description(1, "0.3.36", "", False, (), (), ("CPU",))
    monkeypatch.setattr(engine_access, "describe", lambda: about)
    monkeypatch.setattr("urial_tui.models.demo.is_assembled", lambda: True)
    monkeypatch.setattr(
        engine_access, "try_demo", lambda settings: tried.append(settings) or Loaded(0.1, 1, "CPU")
    )
    from urial_tui.models import demo

    demo.demo_path().parent.mkdir(parents=True)
    tinygguf.write_model(demo.demo_path())
    CliRunner().invoke(doctor.doctor, [*GIVEN, "--json"])
    assert tried == [with_values(Settings(), MEANT)]


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[ScoringEngine]:
    made: list[ScoringEngine] = []

    def start(**_options: Any) -> ScoringEngine:
        made.append(ScoringEngine(["One two three."], scoring=Scoring()))
        return made[-1]

    monkeypatch.setattr(services, "EngineClient", start)
    return made


def test_every_context_of_a_comparison_has_them(
    engines: list[ScoringEngine], model: str, tmp_path: Path
) -> None:
    other = str(tinygguf.write_model(tmp_path / "other.gguf", seed=3))
    sides = ["--generator", f"{model}@raw", "--reference", f"{model}@zero-shot"]
    sides += ["--reference", f"{other}@raw", "--reference-gpu-layers", "7"]
    done = CliRunner().invoke(shift, [*sides, *GIVEN, "--json", "Count"])
    assert done.exit_code == 0, done.output
    specs = {call.spec.slot: call.spec for call in engines[0].calls if call.name == "open"}
    assert set(specs) == {"generator", "reference-0", "reference-1"}
    for slot, spec in specs.items():
        meant = MEANT | ({"gpu_layers": 7} if slot == "reference-1" else {})
        assert {key: getattr(spec, key) for key in meant} == meant, slot


def test_a_comparison_with_other_options_is_not_continued(
    engines: list[ScoringEngine], model: str, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    sides = ["--generator", f"{model}@raw", "--reference", f"{model}@zero-shot"]
    call = [*sides, "--output", str(output), "Count"]
    assert CliRunner().invoke(shift, call).exit_code == 0
    assert CliRunner().invoke(shift, call).exit_code == 0
    for change in (["--batch", "1024"], ["--kv-type", "f32"], ["--flash-attention", "off"]):
        again = CliRunner().invoke(shift, [*change, *call])
        assert getattr(again.exception, "kind", "") == "output-mismatch", change


# --- services -------------------------------------------------------------------------------------------------------


async def test_what_a_run_says_goes_before_the_settings(model: str) -> None:
    found = Services(Settings(n_ctx=512, n_threads=5), {"n_ctx": 1024, "kv_type": "q8_0"})
    spec = (await found.activate(f"{model}@raw")).spec
    assert (spec.n_ctx, spec.n_threads, spec.kv_type) == (1024, 5, "q8_0")
    with pytest.raises(SettingsError):
        _ = Services(Settings(), {"n_batch": 1}).settings
    wrong = Services(Settings(kv_type="q8_0", flash_attention="off"))
    with pytest.raises(SettingsError, match="needs flash attention"):
        await wrong.activate(f"{model}@raw")


class Machine(ScriptedEngine):
    """Has a GPU of 2 GB and one of 1 GB."""

    async def describe(self) -> Description:
        devices = (
            Device("CUDA0", "a GPU", 2 * GB, 3 * GB, "gpu"),
            Device("CUDA1", "another", GB, GB, "gpu"),
            Device("CPU", "a processor", 9 * GB, 9 * GB),
        )
        return Description(1, "0.3.36", "", True, devices, (), ("CUDA", "CPU"))


async def test_what_is_free_on_the_gpus_counts_as_far_as_the_settings_let_them_be_used(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Services, "engine", Machine())
    monkeypatch.setattr(services, "main_memory", lambda: Memory(4 * GB, 8 * GB))
    for overrides, free in (
        ({}, 3 * GB),
        ({"main_gpu": 1}, GB),
        ({"main_gpu": 5}, 0),
        ({"gpu_layers": 0}, 0),
        ({"gpu_layers": 0, "reference_gpu_layers": -1}, 3 * GB),
    ):
        found = Services(Settings(), overrides)
        assert await found.device_free() == free, overrides
        fit = await found.fit([await found.activate(f"{model}@raw")])
        assert (fit.verdict, fit.free, fit.device_free) == ("fits", 4 * GB, free)


async def test_a_side_knows_in_words_what_it_needs(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Services, "engine", ScriptedEngine())
    monkeypatch.setattr(services, "main_memory", lambda: Memory(4 * GB, 8 * GB))
    side = await Services(Settings()).activate(f"{model}@raw")
    words = await side.need()
    assert words.startswith("needs about ") and words.endswith(", 4.0 GB is free")
    monkeypatch.setattr(services, "main_memory", lambda: Memory(1000, 8 * GB))
    assert (await side.need()).startswith("does not fit: needs about ")


# --- warnings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("fits", ""),
        ("unknown", ""),
        ("tight", "warning: memory will be tight: it needs about 1.2 GB, 1.3 GB is free"),
        ("does not fit", "warning: there may not be memory for this: it needs about 1.2 GB"),
    ],
)
def test_short_memory_is_said_on_stderr_and_the_work_goes_on(
    engines: list[ScoringEngine],
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    verdict: Any,
    words: str,
) -> None:
    async def fit(self: Services, sides: Any) -> Fit:
        return Fit(verdict, 1_234_000_000, 1_300_000_000)

    monkeypatch.setattr(Services, "fit", fit)
    compared = ["--generator", f"{model}@raw", "--reference", f"{model}@zero-shot", "Count"]
    for command, arguments in (
        (ask, ["--side", f"{model}@raw", "--no-save", "Hi"]),
        (shift, compared),
    ):
        done = CliRunner().invoke(command, arguments)
        assert done.exit_code == 0, done.output
        assert (words in done.stderr) and (words or "warning" not in done.stderr)
        assert "One" in done.stdout


def test_where_an_answer_came_from_is_part_of_its_provenance(
    engines: list[ScoringEngine], model: str
) -> None:
    arguments = ["--side", f"{model}@raw", "--no-save", "--json", *GIVEN, "Hi"]
    done = CliRunner().invoke(ask, arguments)
    found = json.loads(done.stdout)["provenance"]
    assert (found["device"], found["gpu_layers"], found["n_threads"]) == ("CPU", 0, 2)
    assert (found["n_batch"], found["flash_attention"], found["kv_type"]) == (1024, "on", "q8_0")
