"""`models pull` as a process: killed in mid-file and gone on with, interrupted, on a terminal."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_hub import FakeHub, Fault, serving, usable_bytes
from urial_tui import paths

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

REPO = "org/m-GGUF"
NAME = "m-Q4_K_M.gguf"
SIZE = 4_000_000
HELD = 1_500_000
CONTENT = usable_bytes(SIZE, 1)
PULL = [sys.executable, "-m", "urial_tui", "models", "pull", REPO, "--json"]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving(tmp_path, monkeypatch) as hub:
        hub.add(REPO, {NAME: CONTENT})
        hub.cdn_faults[NAME] = Fault(times=1, hold_after=HELD)
        yield hub


def folder() -> Path:
    return paths.models_dir().joinpath(REPO)


def started(hub: FakeHub, *more: str, **streams: int) -> subprocess.Popen[str]:
    """The command, with all that comes before the hub falls silent on disk."""
    process = subprocess.Popen(
        [*PULL, *more],
        text=True,
        **(dict.fromkeys(("stdout", "stderr"), subprocess.PIPE) | streams),  # type: ignore[call-overload]
    )
    assert hub.held.wait(60)
    while _size() < HELD:
        assert process.poll() is None
    return process


def _size() -> int:
    try:
        return (folder() / f"{NAME}.part").stat().st_size
    except FileNotFoundError:
        return 0


def test_a_killed_pull_is_gone_on_with_and_no_byte_comes_twice(hub: FakeHub) -> None:
    process = started(hub)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not (folder() / NAME).exists()
    assert _size() == HELD
    hub.requests.clear()
    again = subprocess.run(PULL, capture_output=True, text=True, check=True, timeout=60)
    assert hub.ranges(NAME) == [f"bytes={HELD}-"]
    found = json.loads(again.stdout)
    assert (found["resumed_bytes"], found["fetched_bytes"]) == (HELD, SIZE - HELD)
    assert (folder() / NAME).read_bytes() == CONTENT
    assert sorted(path.name for path in folder().iterdir()) == [NAME, f"{NAME}.hub.json"]
    assert again.stderr == ""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_pauses_and_the_same_command_goes_on(
    hub: FakeHub, number: signal.Signals, code: int
) -> None:
    process = started(hub)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    error = json.loads(out)["error"]
    assert error["kind"] == "interrupted"
    assert "1.5 MB of 4.0 MB" in error["message"]
    assert "same command" in error["hint"]
    assert err.strip() == ""
    hub.requests.clear()
    subprocess.run(PULL, capture_output=True, check=True, timeout=60)
    assert hub.ranges(NAME) == [f"bytes={HELD}-"]
    assert (folder() / NAME).read_bytes() == CONTENT


def test_two_programs_do_not_fetch_the_same_file(hub: FakeHub) -> None:
    process = started(hub)
    second = subprocess.run(PULL, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 3
    error = json.loads(second.stdout)["error"]
    assert error["kind"] == "hub-busy"
    assert f"process {process.pid}" in error["message"]
    hub.release.set()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(out)["fetched_bytes"] == SIZE
    assert (folder() / NAME).read_bytes() == CONTENT


def test_on_a_terminal_one_line_shows_how_far_it_is(hub: FakeHub) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = started(hub, "--yes", stderr=theirs)
    os.close(theirs)
    hub.release.set()
    shown = b""
    try:
        while block := os.read(ours, 4096):
            shown += block
    except OSError:  # the terminal's other end is closed
        pass
    finally:
        os.close(ours)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"Q4_K_M  " in shown
    assert b" of 4.0 MB  " in shown
    assert b"\n" not in shown
    assert shown.endswith(b"\r\x1b[K")
