"""How many layers of a model fit on GPUs. The engine process chooses by it, the parent tells the same beforehand.

llama.cpp counts the output as a layer more and offloads it first. The other layers count as one size: their weights
and their part of the KV cache. What does not depend on them (compute buffers) is there once for each device.
"""

from collections.abc import Sequence
from typing import Final

LEAST_RESERVE: Final = 256 * 1024 * 1024


def usable(free: int) -> int:
    """What of a device's free memory is planned with: a tenth, 256 MiB at the least, is left to drivers and screens."""
    return max(0, free - max(free // 10, LEAST_RESERVE))


def layers_that_fit(
    free: Sequence[int], fixed: int, output: int, spread: int, n_layers: int
) -> int:
    """How many of `n_layers` + 1 fit into devices with `free` bytes each.

    `fixed` bytes are needed on every device that has a layer, `output` bytes for the output, `spread` bytes for all
    other layers together.
    """
    room = sum(max(0, usable(each) - fixed) for each in free) - output
    if room < 0:
        return 0
    return 1 + (min(n_layers, room * n_layers // spread) if spread > 0 else n_layers)


def fewer(layers: int, n_layers: int) -> int:
    """What to try after `layers` layers found no memory: a quarter of the model fewer, in the end none."""
    return max(0, min(layers, n_layers + 1) - max(1, (n_layers + 4) // 4))
