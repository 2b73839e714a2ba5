"""Free memory as the system, its control groups and macOS tell it."""

from pathlib import Path

import pytest

from urial_tui.models import machine
from urial_tui.models.machine import Memory, main_memory

MIB = 1 << 20
MEMINFO = """MemTotal:       16000000 kB
MemFree:          500000 kB
MemAvailable:    9000000 kB
HugePages_Total:       0
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "proc/meminfo", MEMINFO)
    put(tmp_path, "proc/self/cgroup", "0::/\n")
    return tmp_path


def put(root: Path, name: str, text: object) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}")


def test_what_caches_would_give_back_counts_as_free(root: Path) -> None:
    assert main_memory(root, "linux") == Memory(9_000_000 * 1024, 16_000_000 * 1024)


def test_a_limit_of_version_2_counts_without_what_its_cache_holds(root: Path) -> None:
    put(root, "proc/self/cgroup", "0::/user.slice/a.scope\n")
    group = "sys/fs/cgroup/user.slice/a.scope"
    put(root, f"{group}/memory.max", 4000 * MIB)
    put(root, f"{group}/memory.current", 1500 * MIB)
    put(root, f"{group}/memory.stat", f"anon 5\ninactive_file {500 * MIB}\nactive_file 7\n")
    assert main_memory(root, "linux") == Memory(3000 * MIB, 4000 * MIB)


def test_the_tightest_of_the_groups_above_counts(root: Path) -> None:
    put(root, "proc/self/cgroup", "0::/outer/inner\n")
    put(root, "sys/fs/cgroup/outer/memory.max", 1000 * MIB)
    put(root, "sys/fs/cgroup/outer/memory.current", 400 * MIB)
    put(root, "sys/fs/cgroup/outer/inner/memory.max", 2000 * MIB)
    put(root, "sys/fs/cgroup/outer/inner/memory.current", 100 * MIB)
    assert main_memory(root, "linux") == Memory(600 * MIB, 1000 * MIB)


def test_a_limit_of_version_1_counts(root: Path) -> None:
    put(root, "proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/docker/abc\n0::/\n")
    group = "sys/fs/cgroup/memory/docker/abc"
    put(root, f"{group}/memory.limit_in_bytes", 2000 * MIB)
    put(root, f"{group}/memory.usage_in_bytes", 600 * MIB)
    put(root, f"{group}/memory.stat", f"inactive_file 1\ntotal_inactive_file {100 * MIB}\n")
    assert main_memory(root, "linux") == Memory(1500 * MIB, 2000 * MIB)


def test_in_a_container_the_mount_point_is_its_own_group(root: Path) -> None:
    put(root, "proc/self/cgroup", "0::/../outside/this/view\n")
    put(root, "sys/fs/cgroup/memory.max", 700 * MIB)
    put(root, "sys/fs/cgroup/memory.current", 900 * MIB)
    assert main_memory(root, "linux") == Memory(0, 700 * MIB)


@pytest.mark.parametrize("limit", ["max", "9223372036854771712", "", "not a number"])
def test_no_limit_is_no_limit(root: Path, limit: str) -> None:
    put(root, "proc/self/cgroup", "4:memory:/\n0::/\n")
    put(root, "sys/fs/cgroup/memory.max", limit)
    put(root, "sys/fs/cgroup/memory.current", MIB)
    put(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", limit)
    put(root, "sys/fs/cgroup/memory/memory.usage_in_bytes", MIB)
    assert main_memory(root, "linux").free == 9_000_000 * 1024


def test_a_system_that_does_not_tell_is_not_guessed_about(tmp_path: Path) -> None:
    assert main_memory(tmp_path, "linux") == Memory(None, None)
    assert main_memory(tmp_path, "win32") == Memory(None, None)


VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10000.
Pages active:                            200000.
Pages inactive:                           30000.
Pages speculative:                         2000.
Pages throttled:                              0.
Pages wired down:                        100000.
Pages purgeable:                           3000.
"""


def test_macos_tells_by_two_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"sysctl": "17179869184\n", "vm_stat": VM_STAT}
    monkeypatch.setattr(machine, "_output", lambda name, *_: told[Path(name).name])
    assert main_memory(tmp_path, "darwin") == Memory(45_000 * 16384, 17_179_869_184)
    monkeypatch.setattr(machine, "_output", lambda *_: "")
    assert main_memory(tmp_path, "darwin") == Memory(None, None)


def test_a_command_that_is_not_there_says_nothing() -> None:
    assert machine._output("/no/such/command") == ""
