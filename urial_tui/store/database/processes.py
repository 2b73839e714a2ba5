"""Is the process that took a lock still there? Asked only when a lock is in the way."""

import os
import socket
import sys
from pathlib import Path


def host() -> str:
    return socket.gethostname()


def started(pid: int) -> str:
    """When a process started, as text to compare: boot id and clock ticks. Empty where there is no /proc.

    A process id comes back after a reboot or a long time; together with this it does not.
    """
    fields = _stat_fields(pid)
    if fields is None:
        return ""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = ""
    return f"{boot}:{fields[19]}"  # field 22 of proc(5): start time in ticks since boot


def is_alive(pid: int, started_then: str) -> bool:
    """Whether process `pid` of this host runs and is the one that started at `started_then` (empty: unknown)."""
    if pid <= 0:
        return False
    fields = _stat_fields(pid)
    if fields is not None:
        if fields[0] in {"Z", "X"}:  # ended, but its parent has not looked yet
            return False
        return not started_then or started(pid) == started_then
    return _answers(pid)


def _stat_fields(pid: int) -> list[str] | None:
    """Fields 3 and up of /proc/PID/stat; None where it cannot be read."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[
        2
    ].split()  # the name before it may hold anything, blanks and brackets too
    return fields if len(fields) > 19 else None


def _answers(pid: int) -> bool:
    if sys.platform == "win32":  # there, os.kill(pid, 0) would end the process
        import ctypes

        query, still_active = 0x1000, 259
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(query, False, pid)
        if not handle:
            return False
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == still_active
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
