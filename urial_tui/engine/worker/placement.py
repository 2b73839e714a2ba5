"""Where a model's layers go: which GPUs there are, how many layers to try first, and what a failure means.

Automatic layers begin with what fits by llama.cpp's own figures: a model is opened without its weights, which tells
how many layers it has and how large caches and compute buffers would be. Only the engine process uses this.
"""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from urial_tui.engine.memory import Device, offload_devices
from urial_tui.engine.offload import layers_that_fit, usable
from urial_tui.engine.protocol import ContextSpec
from urial_tui.engine.worker import native
from urial_tui.engine.worker.buffers import BufferLog
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.parameters import ALL, context_params, model_params

lib = native.lib
_ROOMY = 1.25
"""A file that fits so many times, with _SPARE beside it, is not looked at more closely."""
_SPARE = 1024 * 1024 * 1024
_KV_SIZE = re.compile(r"^llama_kv_cache: size =\s*([0-9.]+) MiB")
_OUT_OF_MEMORY = re.compile(
    r"out[ _]?of[ _]?(device[ _]?|host[ _]?)?memory|insufficient memory|bad_alloc"
    r"|(failed|unable) to (allocate|reserve)|cannot allocate|allocation (of .* )?failed",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class DryRun:
    """What a model would take with every layer on the devices. Bytes; `fixed` is the largest device's share of what
    does not depend on the number of layers."""

    n_layers: int
    weights: int
    kv_cache: int
    fixed: int


def gpus(main_gpu: int) -> tuple[Device, ...]:
    """The devices that layers may go to; none without a GPU, whatever `main_gpu` says.

    Raises Fault "no-device" for a `main_gpu` that is not there.
    """
    if not lib.llama_supports_gpu_offload():
        return ()
    there = offload_devices(tuple(native.devices()))
    if main_gpu >= len(there) > 0:
        named = ", ".join(f"{index}: {each.name}" for index, each in enumerate(there))
        raise Fault(
            "no-device",
            f"there is no GPU number {main_gpu}",
            f"Set main_gpu to -1, or to one of these: {named}.",
        )
    return there if main_gpu < 0 else there[main_gpu : main_gpu + 1]


def first_layers(
    spec: ContextSpec,
    devices: Iterable[Device],
    dry_run: Callable[[ContextSpec], DryRun | None] | None = None,
) -> int:
    """Layers to load first: what the spec says, 0 without a device, ALL where everything fits easily."""
    free = [device.free for device in devices]
    if not free:
        return 0
    if spec.gpu_layers >= 0:
        return spec.gpu_layers
    size = _size_of(spec.model_path)
    if size * _ROOMY + _SPARE <= sum(map(usable, free)):
        return ALL
    found = (dry_run or run_dry)(spec)
    if found is None:
        return ALL  # the loading itself will say what is wrong
    output = found.weights // (found.n_layers + 1)  # about; llama.cpp does not tell it apart
    spread = found.weights - output + found.kv_cache
    layers = layers_that_fit(free, found.fixed, output, spread, found.n_layers)
    return ALL if layers > found.n_layers else layers


def run_dry(spec: ContextSpec) -> DryRun | None:
    """Open the model and a context without allocating either. None when llama.cpp refuses."""
    params = model_params(ALL, spec.main_gpu)
    params.no_alloc = True
    params.load_mode = lib.LLAMA_LOAD_MODE_NONE
    model = lib.llama_model_load_from_file(os.fsencode(spec.model_path), params)
    if not model:
        return None
    kv_sizes: list[float] = []

    def hear(line: str) -> None:
        if match := _KV_SIZE.match(line.strip()):
            kv_sizes.append(float(match[1]))

    log = BufferLog()
    try:
        with native.listening(hear), log.listening():
            params = context_params(
                spec.n_ctx or int(lib.llama_model_n_ctx_train(model)),
                n_batch=spec.n_batch,
                flash_attention=spec.flash_attention,
                kv_type=spec.kv_type,
            )
            context = lib.llama_init_from_model(model, params)
        if not context:
            return None
        lib.llama_free(context)
        return DryRun(
            n_layers=int(lib.llama_model_n_layer(model)),
            weights=int(lib.llama_model_size(model)),
            kv_cache=int(sum(kv_sizes) * 1024 * 1024),
            fixed=log.largest_compute,
        )
    finally:
        lib.llama_model_free(model)


def out_of_memory(lines: Iterable[str]) -> bool:
    """Whether llama.cpp's complaints are about memory."""
    return any(_OUT_OF_MEMORY.search(line) for line in lines)


def _size_of(path: str) -> int:
    """Bytes of the file, of a split model all parts together: they share a name but for the number."""
    first = Path(path)
    match = re.fullmatch(r"(.*)-00001-of-(\d{5})", first.stem)
    if match is None:
        return first.stat().st_size
    names = [
        f"{match[1]}-{number:05d}-of-{match[2]}.gguf" for number in range(1, int(match[2]) + 1)
    ]
    there = [first.with_name(name) for name in names]
    return sum(path.stat().st_size for path in there if path.is_file())
