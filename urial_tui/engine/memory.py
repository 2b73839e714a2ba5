"""What the engine says of memory: the devices of a machine, and what loading a side really took. Values only.

`protocol` carries them; the parent compares them with its own estimate (`models.memory`, `models.fit`).
"""

from typing import Literal

import msgspec


class Device(msgspec.Struct, frozen=True):
    """A compute device as llama.cpp lists it. Bytes; 0 where the device does not say.

    `integrated`: a graphics processor that shares the main memory. llama.cpp uses it when there is no other one.
    """

    name: str
    description: str
    free: int
    total: int
    kind: Literal["cpu", "gpu"] = "cpu"
    integrated: bool = False


def offload_devices(devices: tuple[Device, ...], main_gpu: int = -1) -> tuple[Device, ...]:
    """Those that layers may go to, in llama.cpp's order: every GPU, integrated ones (of one backend) only where there
    is no other.

    `main_gpu` leaves that one alone; one that is not there leaves none.
    """
    gpus = [device for device in devices if device.kind == "gpu"]
    own = [device for device in gpus if not device.integrated]
    backend = gpus[0].name.rstrip("0123456789") if gpus else ""
    chosen = tuple(own or [d for d in gpus if d.name.rstrip("0123456789") == backend])
    return chosen if main_gpu < 0 else chosen[main_gpu : main_gpu + 1]


class Bytes(msgspec.Struct, frozen=True):
    """An amount of memory, `main` in main memory and `device` on GPUs."""

    main: int = 0
    device: int = 0

    @property
    def total(self) -> int:
        return self.main + self.device


class MemoryTaken(msgspec.Struct, frozen=True):
    """What one context took, as llama.cpp's buffers say.

    `shared`: the weights were there already, of another context on the same file. `adapter` is counted where it is
    used, once for each context. `resident` is by how much the process grew in main memory while loading: weights that
    are mapped count when they are touched, buffers too. 0 where the system does not tell.
    """

    weights: Bytes = Bytes()
    kv_cache: Bytes = Bytes()
    compute: Bytes = Bytes()
    output: Bytes = Bytes()
    adapter: Bytes = Bytes()
    shared: bool = False
    resident: int = 0

    @property
    def parts(self) -> tuple[Bytes, ...]:
        return self.weights, self.kv_cache, self.compute, self.output, self.adapter

    @property
    def main(self) -> int:
        return sum(part.main for part in self.parts)

    @property
    def device(self) -> int:
        return sum(part.device for part in self.parts)

    @property
    def total(self) -> int:
        return self.main + self.device
