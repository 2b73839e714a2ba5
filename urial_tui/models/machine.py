"""How much main memory this machine has and how much of it is free, for the verdict whether a model fits.

Linux says it in /proc/meminfo, and a container or a service has limits of its own (control groups, version 1 and 2);
macOS says it through `sysctl` and `vm_stat`. What a system does not tell is None, and nothing is guessed.
"""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_UNLIMITED = 1 << 60
"""Version 1 writes a number near 2**63 where there is no limit."""
_COMMAND_SECONDS = 2.0


@dataclass(frozen=True)
class Memory:
    """Bytes of main memory; None where the system does not tell. `free` counts what caches would give back."""

    free: int | None
    total: int | None


def main_memory(root: Path = Path("/"), platform: str = sys.platform) -> Memory:
    """What is free now. Quick on Linux (a few small files); starts two short commands on macOS. Never raises."""
    if platform == "darwin":
        return _mac_memory()
    if not platform.startswith("linux"):
        return Memory(None, None)
    figures = _figures(root / "proc/meminfo", scale=1024)
    free, total = figures.get("MemAvailable"), figures.get("MemTotal")
    for limit, room in _limits(root):
        total = limit if total is None else min(total, limit)
        free = room if free is None else min(free, room)
    return Memory(free, total)


def _limits(root: Path) -> Iterator[tuple[int, int]]:
    """(limit, what is left of it) of every control group that this process is in, parents included."""
    text = _read(root / "proc/self/cgroup")
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        mounts: tuple[Path, ...]
        if number == "0" and not controllers:
            names = ("memory.max", "memory.current", "inactive_file")
            mounts = (root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            mounts = (root / "sys/fs/cgroup/memory",)
        else:
            continue
        for mount in mounts:
            for folder in _upwards(mount, path.strip("/")):
                found = _limit_of(folder, *names)
                if found is not None:
                    yield found


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """The group's folder and those above it. In a container the path may not be there: its own group is then the mount
    point."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for n in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:n])


def _limit_of(folder: Path, limit: str, usage: str, reclaimable: str) -> tuple[int, int] | None:
    most, used = _number(folder / limit), _number(folder / usage)
    if most is None or used is None or most >= _UNLIMITED:
        return None
    cache = _figures(folder / "memory.stat").get(reclaimable, 0)
    return most, max(0, most - max(0, used - cache))


def _figures(path: Path, scale: int = 1) -> dict[str, int]:
    """Lines of `name number` or `name: number kB`."""
    found = re.findall(r"^(\w[\w()]*):?\s+(\d+)(?: kB)?$", _read(path), re.MULTILINE)
    return {name: int(number) * scale for name, number in found}


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdecimal() else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _mac_memory() -> Memory:
    total = None
    with contextlib.suppress(ValueError):
        total = int(_output("/usr/sbin/sysctl", "-n", "hw.memsize"))
    return Memory(_mac_free(_output("/usr/bin/vm_stat")), total)


def _mac_free(text: str) -> int | None:
    """Free pages, and those that the system gives up first, of `vm_stat`'s report."""
    page = re.search(r"page size of (\d+) bytes", text)
    counts = dict(
        re.findall(r"^Pages (free|inactive|speculative|purgeable):\s+(\d+)\.$", text, re.MULTILINE)
    )
    if page is None or "free" not in counts:
        return None
    return int(page[1]) * sum(map(int, counts.values()))


def _output(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_COMMAND_SECONDS, check=False, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
