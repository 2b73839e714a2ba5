"""The engine's part of `urial-tui doctor`: which build of llama.cpp is there, its devices, what a model really took.

How to change the build is said in each case; docs/gpu.md has the whole of it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from urial_tui.cli.common import engine_access
from urial_tui.cli.common.engine_access import Loaded
from urial_tui.cli.doctor.checks import Check
from urial_tui.engine.memory import Device, MemoryTaken
from urial_tui.engine.protocol import Description
from urial_tui.errors import UrialError
from urial_tui.models.fit import size_in_words
from urial_tui.models.machine import main_memory
from urial_tui.models.memory import MemoryEstimate
from urial_tui.settings import Settings

GROUP: Final = "engine"
CLOSE_ENOUGH: Final = 0.15
"""An estimate that is further from what loading took than this share is worth a warning."""

_GPU_BACKENDS: Final = {
    "CUDA": "cuda",
    "MTL": "metal",
    "Metal": "metal",
    "Vulkan": "vulkan",
}
"""What llama.cpp calls the parts of it that use a GPU -> the make target that builds them."""
_SEE: Final = "docs/gpu.md tells how."


def engine_checks() -> Iterator[Check]:
    """Everything that can be said without loading a model. Raises EngineError when the engine does not start."""
    about = engine_access.describe()
    version = f"{about.llama_cpp_version}; {about.system_info}".strip()
    yield Check(GROUP, "llama.cpp", "ok", version)
    if about.missing_symbols:
        missing = ", ".join(about.missing_symbols)
        hint = "Install the llama-cpp-python version that urial-tui asks for."
        yield Check(GROUP, "symbols", "fail", f"missing: {missing}", hint)
    else:
        yield Check(GROUP, "symbols", "ok", "all there")
    yield _build(about)
    stamp = read_stamp(Path(sys.prefix))
    if stamp:
        yield from _stamped(about, stamp)
    for device in about.devices:
        yield Check(GROUP, "device", "ok", device_in_words(device))
    yield Check(GROUP, "memory", "ok", _main_memory())


def flavours(about: Description) -> tuple[str, ...]:
    """What the build can use besides the CPU: `cuda`, `metal`, `vulkan`, or llama.cpp's own word for another one."""
    others = [name for name in about.backends if name not in ("CPU", "BLAS")]
    return tuple(_GPU_BACKENDS.get(name, name) for name in others)


def _build(about: Description) -> Check:
    found = flavours(about)
    if not found:
        words = "CPU only"
        if about.gpu_offload:
            words = "with GPU support"
        elif sys.platform == "darwin":
            words += "; for the GPU of a Mac: make metal"
        else:
            words += "; for a GPU: make cuda (NVIDIA) or make vulkan (others)"
        return Check(GROUP, "build", "ok", words)
    words = f"{', '.join(found)}; back to the CPU alone: make cpu"
    if any(device.kind == "gpu" for device in about.devices):
        return Check(GROUP, "build", "ok", words)
    hint = f"Everything runs on the CPU. Check the GPU's driver, or go back with make cpu; {_SEE}"
    return Check(GROUP, "build", "warn", f"{words}; no GPU was found", hint)


def read_stamp(environment: Path) -> str:
    """Which flavour the Makefile put into this environment; "" where it did not make it."""
    try:
        return (environment / ".llama-flavour").read_text(encoding="utf-8").strip()[:40]
    except (OSError, UnicodeDecodeError):
        return ""


def _stamped(about: Description, stamp: str) -> Iterator[Check]:
    """The Makefile keeps to its stamp: where the build is another one, the next install would be a surprise."""
    found = flavours(about)
    agree = stamp in found if stamp != "cpu" else not found
    if agree or (about.gpu_offload and not about.backends):
        yield Check(GROUP, "installed by", "ok", f"make {stamp}")
        return
    has = ", ".join(found) or "cpu"
    yield Check(
        GROUP,
        "installed by",
        "warn",
        f"make {stamp}, and the build that is there now is {has}",
        f"make {stamp} builds it again, make {found[0] if found else 'cpu'} keeps to what is there; {_SEE}",
    )


def device_in_words(device: Device) -> str:
    """One device; of a GPU also what is free on it (llama.cpp calls all of a CPU's memory free)."""
    words = f"{device.name} ({device.kind}): {device.description.strip()}"
    if device.integrated:
        words += ", shares the main memory"
    if device.total and device.kind == "gpu":
        words += f", {size_in_words(device.free)} of {size_in_words(device.total)} free"
    return words


def _main_memory() -> str:
    memory = main_memory()
    if memory.free is None:
        return "how much is free is not known here"
    of = f" of {size_in_words(memory.total)}" if memory.total is not None else ""
    return f"{size_in_words(memory.free)}{of} free"


def demo_runs(settings: Settings) -> Iterator[Check]:
    """That the embedded model loads and runs, and how well its memory was estimated."""
    try:
        loaded = engine_access.try_demo(settings)
    except UrialError as error:
        yield Check("models", "demo runs", "fail", error.message, error.hint)
        return
    detail = f"loaded in {loaded.load_s:.2f} s, {loaded.device}; a word is {loaded.tokens} tokens"
    yield Check("models", "demo runs", "ok", detail)
    yield from _memory(loaded)


def _memory(loaded: Loaded) -> Iterator[Check]:
    taken, expected = loaded.memory, loaded.estimate
    if expected is None:
        return
    name = "demo memory"
    if taken is None or not taken.total:
        yield Check(
            "models", name, "ok", f"estimated {size_in_words(expected.total)}; not measured"
        )
        return
    off = expected.total / taken.total - 1
    detail = (
        f"estimated {expected.total / 1e6:.1f} MB, took {taken.total / 1e6:.1f} MB ({off:+.1%}): "
        + ", ".join(parts_in_words(expected, taken))
    )
    if taken.device:
        detail += f"; {size_in_words(taken.device)} of it on the GPU"
    if taken.resident:
        detail += f"; the process grew by {size_in_words(taken.resident)}"
    if abs(off) <= CLOSE_ENOUGH:
        yield Check("models", name, "ok", detail)
    else:
        hint = "Whether a model fits is told from such an estimate: take it with care here."
        yield Check("models", name, "warn", detail, hint)


def parts_in_words(expected: MemoryEstimate, taken: MemoryTaken) -> list[str]:
    """Each part, estimated and taken side by side; parts that are not there are left out."""
    pairs = (
        ("weights", expected.weights, taken.weights),
        ("KV cache", expected.kv_cache, taken.kv_cache),
        ("compute", expected.compute, taken.compute),
        ("output", expected.output, taken.output),
        ("adapter", expected.adapter, taken.adapter),
    )
    return [
        f"{name} {size_in_words(before)} / {size_in_words(after.total)}"
        for name, before, after in pairs
        if before or after.total
    ]
