"""Whether sides fit into this machine's memory: what they need, what is free, and a verdict in words.

Commands warn with it, the interface shows it before it loads anything. It reads headers that are there already and
never the weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from urial_tui.engine.offload import layers_that_fit, usable
from urial_tui.models.machine import Memory
from urial_tui.models.memory import OUTPUT_ROWS, MemoryEstimate, estimate, offload
from urial_tui.models.resolve import ResolvedSide
from urial_tui.settings import Settings

Verdict = Literal["fits", "tight", "does not fit", "unknown"]

ROOMY: Final = 0.8
"""Up to this share of what is free a side fits; up to all of it, it is tight."""
_BESIDE_FILE: Final = 0.06
_BESIDE_FILE_LEAST: Final = 128 * 1000 * 1000
"""What a model of a known size takes beside its file, at the usual context: KV cache and compute buffers."""


@dataclass(frozen=True)
class SideNeed:
    """What one side takes. Weights that it shares with an earlier side are counted there.

    `gpu_layers` of `n_layers` + 1 go to the GPU. It then takes `in_main` and `on_device` bytes, together a little more
    than the estimate: some buffers are there twice.
    """

    side: str
    estimate: MemoryEstimate
    gpu_layers: int = 0
    n_layers: int = 0
    in_main: int = 0
    on_device: int = 0


@dataclass(frozen=True)
class Fit:
    """Bytes. `needed` and `free` in main memory, `device_*` on the GPU (0 without one)."""

    verdict: Verdict
    needed: int
    free: int | None
    sides: tuple[SideNeed, ...] = ()
    device_needed: int = 0
    device_free: int = 0


def fit_sides(
    sides: Sequence[ResolvedSide], settings: Settings, memory: Memory, device_free: int = 0
) -> Fit:
    """What `sides` (the generator first, then its references) need together with these settings.

    `device_free` is the free memory of all GPUs that may be used, 0 without one. Automatic layers go there as far as
    they fit, side after side; the rest is main memory's. Memory that is in use now counts as used, also by this
    program.
    """
    needs: list[SideNeed] = []
    placed: dict[object, int] = {}
    adapters: set[object] = set()
    left = device_free
    for number, side in enumerate(sides):
        adapter = (side.model_path, side.adapter_path)
        shared = side.model_path in placed
        memory_of_side = estimate(
            side.header,
            settings.n_ctx,
            side.adapter_header if adapter not in adapters else None,
            n_batch=settings.n_batch,
            kv_type=settings.kv_type,
            flash_attention=settings.flash_attention,
            rows=OUTPUT_ROWS if len(sides) > 1 else 1,
            shared=shared,
        )
        wanted = placed.get(side.model_path, _wanted(settings, number))
        need = _placed(side, settings, memory_of_side, wanted, left if device_free else 0)
        placed.setdefault(side.model_path, need.gpu_layers)
        adapters.add(adapter)
        left = max(0, left - need.on_device)
        needs.append(need)
    on_device = sum(need.on_device for need in needs)
    needed = sum(need.in_main for need in needs)
    verdict = _verdict(needed, memory.free)
    if on_device > device_free:
        verdict = "does not fit"
    return Fit(verdict, needed, memory.free, tuple(needs), on_device, device_free)


def _wanted(settings: Settings, number: int) -> int:
    """Layers by the settings, -1 for automatic ones; side 0 is the generator."""
    if number and settings.reference_gpu_layers is not None:
        return settings.reference_gpu_layers
    return settings.gpu_layers


def _placed(
    side: ResolvedSide, settings: Settings, need: MemoryEstimate, wanted: int, device_free: int
) -> SideNeed:
    """The side's layers on the GPU, and what it then takes where. The compute buffers are where the layers are."""
    n_layers = side.header.n_layers
    name = str(side.side)
    if not device_free or not wanted:
        return SideNeed(name, need, 0, n_layers, need.total)
    fixed = offload(
        side.header,
        settings.n_ctx,
        n_batch=settings.n_batch,
        flash_attention=settings.flash_attention,
    )
    own = need.weights > 0  # else the weights lie where another side has put them
    output = fixed.output if own else 0
    stays = (fixed.embedding if own else 0) + (0 if fixed.copied else output)
    spread = max(0, need.weights - stays) + need.kv_cache
    layers = wanted
    if wanted < 0:
        layers = layers_that_fit([device_free], need.compute, output, spread, n_layers)
    layers = min(layers, n_layers + 1)
    if not layers:
        return SideNeed(name, need, 0, n_layers, need.total)
    on_device = need.compute + output + spread * (layers - 1) // max(1, n_layers)
    total = need.total + fixed.inputs + (output if fixed.copied else 0)
    return SideNeed(name, need, layers, n_layers, total - on_device, on_device)


def verdict_for_size(n_bytes: int, memory: Memory, device_free: int = 0) -> Verdict:
    """The same for a model of which only the size is known (not fetched yet), at the usual context."""
    beside = max(int(n_bytes * _BESIDE_FILE), _BESIDE_FILE_LEAST)
    free = None if memory.free is None else memory.free + usable(device_free)
    return _verdict(n_bytes + beside, free)


def _verdict(needed: int, free: int | None) -> Verdict:
    if free is None:
        return "unknown"
    if needed <= free * ROOMY:
        return "fits"
    return "tight" if needed <= free else "does not fit"


def in_words(fit: Fit) -> str:
    """ "needs about 1.2 GB, 9.1 GB is free"; with a GPU also what is needed and free there."""
    words = f"needs about {size_in_words(fit.needed)}"
    words += (
        ", what is free is not known"
        if fit.free is None
        else f", {size_in_words(fit.free)} is free"
    )
    if fit.device_needed:
        words += f"; on the GPU {size_in_words(fit.device_needed)}, {size_in_words(fit.device_free)} is free"
    return words


def size_in_words(n_bytes: int) -> str:
    """In GB with one decimal, below 1 GB in MB; 1000-based, as file sizes on hubs are."""
    if n_bytes < 999_500_000:
        return f"{n_bytes / 1e6:.0f} MB"
    return f"{n_bytes / 1e9:.1f} GB"
