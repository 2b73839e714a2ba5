"""What the benchmarks share: rows with a bound, medians, a home of their own, memory of a process."""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024


@dataclass(frozen=True)
class Row:
    """One measurement. `value` None: it could not be taken, `detail` says why. `at_least`: the bound is a floor."""

    name: str
    value: float | None
    bound: float
    detail: str
    unit: str = ""
    at_least: bool = False

    @property
    def ok(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "bound": self.bound,
            "bound_is": "at least" if self.at_least else "at most",
            "ok": self.ok,
            "detail": self.detail,
        }


def row_of(values: dict[str, Any]) -> Row:
    """A row from a benchmark that gives plain dictionaries."""
    return Row(values["name"], values["value"], values["bound"], values["detail"])


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The smallest and the largest, for a row's detail."""
    return f"{min(values):.{digits}f}-{max(values):.{digits}f}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(0, int(rank) - 1)]


@contextmanager
def own_home() -> Iterator[Path]:
    """A home for the program, away from the user's, with the embedded model in it. The environment
    names it meanwhile, for child processes too.
    """
    from urial_tui.models.demo import demo_model

    before = os.environ.get("URIAL_TUI_HOME")
    with tempfile.TemporaryDirectory(prefix="urial-bench-") as folder:
        os.environ["URIAL_TUI_HOME"] = folder
        try:
            demo_model()
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["URIAL_TUI_HOME"]
            else:
                os.environ["URIAL_TUI_HOME"] = before


def program() -> list[str]:
    """The command that starts urial-tui: the installed script where there is one."""
    script = Path(sys.executable).with_name("urial-tui")
    return [str(script)] if script.exists() else [sys.executable, "-m", "urial_tui"]


class Watch:
    """How much of the processors programs other than `pids` and this one take, from now on, in cores."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._began = time.perf_counter()
        self._busy, self._own = _busy_s(), self._own_s()

    def others(self) -> float:
        """0 where the system does not tell."""
        busy, own = _busy_s() - self._busy, self._own_s() - self._own
        return max(0.0, busy - own) / (time.perf_counter() - self._began)

    def _own_s(self) -> float:
        times = os.times()
        own = times.user + times.system + times.children_user + times.children_system
        return own + sum(_process_s(pid) for pid in self._pids)


def _busy_s() -> float:
    """Seconds that all processors together were busy, or taken away by the host."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return 0.0
    user, nice, system, _idle, _wait, irq, soft, steal = map(int, fields[:8])
    return float(user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def _process_s(pid: int) -> float:
    """Seconds of processor time of a process that runs."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(pid: int) -> int | None:
    """Bytes of the largest resident size so far, of a process that runs; None where the system does not tell."""
    return _status(pid, "VmHWM")


def memory(pid: int) -> int | None:
    """Bytes that are resident now."""
    return _status(pid, "VmRSS")


def _status(pid: int, field: str) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return None
