"""The doctor says which build of llama.cpp is there, how to change it, and how near the estimate came."""

from pathlib import Path
from typing import Any

import pytest

from urial_tui.cli.common import engine_access
from urial_tui.cli.common.engine_access import Loaded
from urial_tui.cli.doctor import engine as module
from urial_tui.cli.doctor.checks import Check
from urial_tui.cli.doctor.engine import read_stamp
from urial_tui.engine.memory import Bytes, Device, MemoryTaken
from urial_tui.engine.protocol import Description
from urial_tui.errors import EngineError
from urial_tui.models.machine import Memory
from urial_tui.models.memory import MemoryEstimate
from urial_tui.settings import Settings

GB = 1_000_000_000
CPU = Device("CPU", "a processor", 16 * GB, 16 * GB)
GPU = Device("CUDA0", "a GPU ", 6 * GB, 8 * GB, "gpu")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "main_memory", lambda: Memory(9 * GB, 16 * GB))
    monkeypatch.setattr(module, "read_stamp", lambda environment: "")
    monkeypatch.setattr(module.sys, "platform", "linux")


def checks(
    monkeypatch: pytest.MonkeyPatch, backends: tuple[str, ...], *devices: Device, stamp: str = ""
) -> dict[str, Check]:
    offload = any(device.kind == "gpu" for device in devices)
    about = Description(1, "0.3.36", "AVX2 = 1", offload, devices, (), backends)
    monkeypatch.setattr(engine_access, "describe", lambda: about)
    monkeypatch.setattr(module, "read_stamp", lambda environment: stamp)
    return {check.name: check for check in module.engine_checks()}


def test_a_build_for_the_cpu_says_how_to_get_another(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checks(monkeypatch, ("CPU",), CPU, stamp="cpu")
    assert found["build"].status == "ok"
    assert "CPU only" in found["build"].detail
    assert "make cuda" in found["build"].detail and "make vulkan" in found["build"].detail
    assert found["installed by"] == Check("engine", "installed by", "ok", "make cpu")
    assert found["device"].detail == "CPU (cpu): a processor"
    assert found["memory"].detail == "9.0 GB of 16.0 GB free"
    monkeypatch.setattr(module.sys, "platform", "darwin")
    assert "make metal" in checks(monkeypatch, ("CPU", "BLAS"), CPU)["build"].detail


@pytest.mark.parametrize(
    ("backend", "flavour"),
    [
        ("CUDA", "cuda"),
        ("MTL", "metal"),
        ("Metal", "metal"),
        ("Vulkan", "vulkan"),
        ("SYCL", "SYCL"),
    ],
)
def test_a_gpu_build_is_named(monkeypatch: pytest.MonkeyPatch, backend: str, flavour: str) -> None:
    found = checks(monkeypatch, (backend, "CPU"), GPU, CPU, stamp=flavour)
    assert found["build"].status == found["installed by"].status == "ok"
    assert found["build"].detail.startswith(flavour) and "make cpu" in found["build"].detail
    devices = [check.detail for check in module.engine_checks() if check.name == "device"]
    assert devices[0] == "CUDA0 (gpu): a GPU, 6.0 GB of 8.0 GB free"


def test_a_gpu_build_without_a_gpu_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checks(monkeypatch, ("CUDA", "CPU"), CPU, stamp="cuda")["build"]
    assert found.status == "warn" and "no GPU was found" in found.detail
    assert "driver" in found.hint and "make cpu" in found.hint


@pytest.mark.parametrize(
    ("backends", "stamp", "words"),
    [
        (("CPU",), "cuda", "the build that is there now is cpu"),
        (("CUDA", "CPU"), "cpu", "the build that is there now is cuda"),
        (("Vulkan", "CPU"), "cuda", "the build that is there now is vulkan"),
    ],
)
def test_a_stamp_that_is_not_true_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, backends: tuple[str, ...], stamp: str, words: str
) -> None:
    found = checks(monkeypatch, backends, GPU, CPU, stamp=stamp)["installed by"]
    assert found.status == "warn" and words in found.detail
    assert f"make {stamp} builds it again" in found.hint


def test_graphics_that_share_the_main_memory_are_told_so() -> None:
    shared = Device("Vulkan0", "graphics", 4 * GB, 8 * GB, "gpu", integrated=True)
    assert "shares the main memory" in module.device_in_words(shared)


def test_the_stamp_is_read_from_the_environment_of_the_program(tmp_path: Path) -> None:
    assert read_stamp(tmp_path) == ""
    (tmp_path / ".llama-flavour").write_text("vulkan\n")
    assert read_stamp(tmp_path) == "vulkan"
    (tmp_path / ".llama-flavour").write_bytes(b"\xff\xfe")
    assert read_stamp(tmp_path) == ""


ESTIMATE = MemoryEstimate(250_000_000, 20_000_000, 40_000_000, 1_000_000)


def memory_check(monkeypatch: pytest.MonkeyPatch, **more: Any) -> list[Check]:
    loaded = Loaded(0.5, 2, "CPU", **more)
    monkeypatch.setattr(engine_access, "try_demo", lambda settings: loaded)
    return list(module.demo_runs(Settings()))


def test_estimate_and_what_was_taken_stand_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = MemoryTaken(
        Bytes(240_000_000), Bytes(20_000_000), Bytes(30_000_000, 12_000_000), Bytes(1_000_000),
        resident=333_000_000,
    )  # fmt: skip
    runs, memory = memory_check(monkeypatch, estimate=ESTIMATE, memory=taken)
    assert "loaded in 0.50 s, CPU" in runs.detail
    assert (memory.name, memory.status) == ("demo memory", "ok")
    assert "estimated 311.0 MB, took 303.0 MB (+2.6%)" in memory.detail
    assert "weights 250 MB / 240 MB" in memory.detail and "compute 40 MB / 42 MB" in memory.detail
    assert "adapter" not in memory.detail
    assert "12 MB of it on the GPU" in memory.detail
    assert "the process grew by 333 MB" in memory.detail


def test_an_estimate_far_from_the_truth_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    for weights in (150_000_000, 400_000_000):
        taken = MemoryTaken(Bytes(weights))
        _, memory = memory_check(monkeypatch, estimate=ESTIMATE, memory=taken)
        assert memory.status == "warn" and memory.hint


def test_what_was_not_measured_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    _, memory = memory_check(monkeypatch, estimate=ESTIMATE)
    assert memory.status == "ok" and "not measured" in memory.detail
    assert len(memory_check(monkeypatch)) == 1


def test_a_model_that_does_not_load_is_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: Settings) -> Loaded:
        raise EngineError("not enough memory", hint="Lower n_ctx.")

    monkeypatch.setattr(engine_access, "try_demo", broken)
    (found,) = module.demo_runs(Settings())
    assert (found.status, found.hint) == ("fail", "Lower n_ctx.")
