"""How large llama.cpp's buffers are, read from its log: the one place that knows how those lines look.

llama.cpp 0.3.36 has a function for it (`llama_get_memory_breakdown`), but it returns a C++ map, which cannot be read
from Python in a way that holds for every compiler. The lines have been the same for years. A line that is missing
leaves a zero, and `ContextInfo.memory` is then None.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from urial_tui.engine.memory import Bytes
from urial_tui.engine.worker import native

_LINE = re.compile(
    r"^\w+:\s+(?P<buffer>\S+)\s+(?P<kind>model|KV|RS|compute|output|LoRA) buffer size\s*=\s*"
    r"(?P<size>[0-9.]+) MiB"
)
_MIB = 1024 * 1024
_MAPPED = "_Mapped"
_REARRANGED = ("CPU_REPACK", "AMX")
"""Copies of weights in an order that the CPU's kernels like better. Their part of the file is not touched again."""


class BufferLog:
    """Collects the sizes while it listens. A size of the compute buffers replaces the one before: llama.cpp reserves
    them anew when an adapter is set. All others add up: a sliding-window model has two caches."""

    def __init__(self) -> None:
        self._sizes: dict[tuple[str, str], int] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        with native.listening(self.hear):
            yield

    def hear(self, line: str) -> None:
        match = _LINE.match(line.strip())
        if match is None:
            return
        key = (match["kind"], match["buffer"])
        size = round(float(match["size"]) * _MIB)
        before = 0 if match["kind"] == "compute" else self._sizes.get(key, 0)
        self._sizes[key] = before + size

    @property
    def weights(self) -> Bytes:
        """Each weight once. What was rearranged is there twice, in a buffer and in the mapped file; the file's pages
        are given back when memory runs short, so only the larger of the two counts."""
        sizes = self._of("model")
        mapped = sum(n for name, n in sizes.items() if name == "CPU" + _MAPPED)
        rearranged = sum(n for name, n in sizes.items() if name in _REARRANGED)
        other = sum(n for name, n in sizes.items() if _is_host(name)) - mapped - rearranged
        device = sum(n for name, n in sizes.items() if not _is_host(name))
        return Bytes(other + max(mapped, rearranged), device)

    @property
    def kv_cache(self) -> Bytes:
        """The recurrent state of models that have one is part of it."""
        cache, state = self._split("KV"), self._split("RS")
        return Bytes(cache.main + state.main, cache.device + state.device)

    @property
    def compute(self) -> Bytes:
        return self._split("compute")

    @property
    def largest_compute(self) -> int:
        """Of one device, or of the CPU where there is none."""
        sizes = self._of("compute")
        on_devices = [n for name, n in sizes.items() if not _is_host(name)]
        return max(on_devices or sizes.values(), default=0)

    @property
    def output(self) -> Bytes:
        return self._split("output")

    @property
    def adapter(self) -> Bytes:
        return self._split("LoRA")

    def devices(self) -> list[str]:
        """Names of the GPUs that hold weights, as llama.cpp calls them, in the order of the log."""
        names = [name.removesuffix(_MAPPED) for name in self._of("model") if not _is_host(name)]
        return list(dict.fromkeys(names))

    def _of(self, kind: str) -> dict[str, int]:
        return {name: n for (of, name), n in self._sizes.items() if of == kind}

    def _split(self, kind: str) -> Bytes:
        sizes = self._of(kind)
        main = sum(n for name, n in sizes.items() if _is_host(name))
        return Bytes(main, sum(sizes.values()) - main)


def _is_host(buffer: str) -> bool:
    """Whether a buffer of that name is in main memory: the CPU's own, or memory that a device reads over the bus."""
    return buffer.startswith("CPU") or buffer.endswith("_Host") or buffer in ("AMX", "BLAS")


def resident_bytes() -> int:
    """What this process has in main memory now; 0 where the system does not tell (only Linux does)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0
