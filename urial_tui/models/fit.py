"""Whether sides fit into this machine's memory: what they need, what is free, and a verdict in words."""

from dataclasses import dataclass
from typing import Literal

from urial_tui.models.memory import MemoryEstimate

Verdict = Literal["fits", "tight", "does not fit", "unknown"]


@dataclass(frozen=True)
class SideNeed:
    """What one side takes. Weights that it shares with an earlier side are counted there."""

    side: str
    estimate: MemoryEstimate
    gpu_layers: int = 0
    n_layers: int = 0


@dataclass(frozen=True)
class Fit:
    """Bytes. `needed` and `free` in main memory, `device_*` on the GPU (0 without one)."""

    verdict: Verdict
    needed: int
    free: int | None
    sides: tuple[SideNeed, ...] = ()
    device_needed: int = 0
    device_free: int = 0
