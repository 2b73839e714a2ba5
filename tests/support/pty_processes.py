"""The program as a process: its command line, an environment of its own, the processes that it starts."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 180.0
"""Seconds that a command may take on a busy machine."""

NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Goes with every limit on file sizes: Python would leave compiled modules behind that are cut off."""


def program() -> list[str]:
    """The command that starts the installed program of this interpreter."""
    script = Path(sys.executable).with_name("urial-tui")
    return [str(script)] if script.exists() else [sys.executable, "-m", "urial_tui"]


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment in which the program finds nothing of the user's: its home is `home`."""
    passed = {
        "PATH",
        "PYTHONPATH",
        "LD_LIBRARY_PATH",
        "VIRTUAL_ENV",
        "TMPDIR",
        "SYSTEMROOT",
        "TEMP",
        "TMP",
    }
    kept = {name: value for name, value in os.environ.items() if name in passed}
    own = {
        "URIAL_TUI_HOME": str(home),
        "HOME": str(home),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
    }
    return kept | own | more


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def run(home: Path, *arguments: str, stdin: str = "", **options: Any) -> Done:
    """Run the program to its end; a traceback is always a failure."""
    done = subprocess.run(
        [*program(), *arguments],
        input=stdin.encode(),
        capture_output=True,
        env=environment(home, **options.pop("env", {})),
        timeout=options.pop("timeout", PATIENCE),
        check=False,
        **options,
    )
    result = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in result.err, result.err
    return result


def begin(home: Path, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    """Start the program with pipes, for a test that interferes with it."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [*program(), *arguments], env=environment(home), bufsize=0, **{**streams, **options}
    )


def end(process: "subprocess.Popen[bytes]", seen: bytes = b"") -> Done:
    """Wait for the end; `seen` is what was read of its output before."""
    out, err = process.communicate(timeout=PATIENCE)
    result = Done(process.returncode, (seen + out).decode(), (err or b"").decode())
    assert "Traceback" not in result.err, result.err
    return result


def children_of(pid: int) -> list[int]:
    """Process ids of the living children of a process, zombies left out."""
    return [
        int(row[0]) for row in _processes("-A") if int(row[1]) == pid and not row[2].startswith("Z")
    ]


def is_running(pid: int) -> bool:
    """Whether the process lives; a zombie does not."""
    return any(not row[2].startswith("Z") for row in _processes("-p", str(pid)))


def _processes(*which: str) -> Sequence[list[str]]:
    listed = subprocess.run(
        ["ps", *which, "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=False
    )
    return [line.split() for line in listed.stdout.splitlines()]
