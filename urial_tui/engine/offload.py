"""How many layers of a model fit on GPUs. The engine process chooses by it, the parent tells the same beforehand.

Layers count as one size: the weights and the KV cache, spread over the layers and the output, which llama.cpp counts
as a layer more. What is not spread (compute buffers) is there once for each device.
"""

from collections.abc import Sequence
from typing import Final

LEAST_RESERVE: Final = 256 * 1024 * 1024


def usable(free: int) -> int:
    """What of a device's free memory is planned with: a tenth, 256 MiB at the least, is left to drivers and screens."""
    return max(0, free - max(free // 10, LEAST_RESERVE))


def layers_that_fit(free: Sequence[int], fixed: int, spread: int, n_layers: int) -> int:
    """How many of `n_layers` + 1 fit into devices with `free` bytes each.

    `fixed` bytes are needed on every device that has a layer, `spread` bytes belong to all layers together.
    """
    steps = n_layers + 1
    if spread <= 0:
        return steps
    room = sum(max(0, usable(each) - fixed) for each in free)
    return min(steps, room * steps // spread)


def fewer(layers: int, n_layers: int) -> int:
    """What to try after `layers` layers found no memory: a quarter of the model fewer, in the end none."""
    return max(0, min(layers, n_layers + 1) - max(1, (n_layers + 4) // 4))
