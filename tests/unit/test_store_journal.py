"""A power cut: whatever of the file and its journal had reached the disk, nothing acknowledged is lost.

The writer is stopped at random moments and its files are copied. From each copy come the states that a cut at that
moment can leave: the journal is on the disk before the file changes, so either it is whole and any of the changed pages
is old, new or torn, or the file is as it was and any part of the journal is missing.
"""

import os
import random
import signal
import sqlite3
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.test_store_kill import Acknowledged, acknowledged, check_after_kill, writer
from urial_tui.store.database.connection import journal_mode_for

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or journal_mode_for(sqlite3.sqlite_version_info) == "wal",
    reason="stops a process, and reads a rollback journal",
)

MAGIC = bytes.fromhex("d9d505f920a163d7")


@dataclass(frozen=True)
class State:
    """The files at one moment, and what the writer had acknowledged before it."""

    file: bytes
    journal: bytes
    known: Acknowledged


def old_pages(journal: bytes) -> tuple[int, dict[int, bytes]]:
    """The size of a page, and pages as they were, from a rollback journal (section 3 of SQLite's "Database File
    Format"). None where the journal is empty."""
    if len(journal) < 28 or journal[:8] != MAGIC:
        return 0, {}
    _, _, _, sector, size = struct.unpack_from(">IIIII", journal, 8)
    pages = {}
    for at in range(sector, len(journal) - size - 7, size + 8):
        (number,) = struct.unpack_from(">I", journal, at)
        pages.setdefault(number, journal[at + 4 : at + 4 + size])
    return size, pages


def stopped_states(path: Path, n: int, chooser: random.Random) -> Iterator[State]:
    """Let the writer run, and stop it `n` times."""
    process = writer(path)
    assert process.stdout is not None
    said = process.stdout.readline()
    os.set_blocking(process.stdout.fileno(), False)
    try:
        for _ in range(n):
            time.sleep(chooser.uniform(0.0, 0.06))
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            said += process.stdout.read() or b""
            journal = path.with_name(f"{path.name}-journal")
            yield State(
                path.read_bytes(),
                journal.read_bytes() if journal.exists() else b"",
                acknowledged(said.splitlines(keepends=True)),
            )
            process.send_signal(signal.SIGCONT)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def cuts(state: State, chooser: random.Random) -> Iterator[tuple[bytes, bytes]]:
    """What a power cut at this moment can leave on the disk."""
    yield state.file, state.journal
    size, old = old_pages(state.journal)
    if not old:
        return
    there = {number: page for number, page in old.items() if number * size <= len(state.file)}
    changed = [n for n, page in there.items() if state.file[(n - 1) * size : n * size] != page]
    if not changed:  # the journal is still being written
        for _ in range(3):
            cut = chooser.randrange(len(state.journal) + 1)
            yield state.file, state.journal[:cut]
            yield state.file, state.journal[:cut] + bytes(len(state.journal) - cut)
        return
    for _ in range(3):
        file = bytearray(state.file)
        for number in changed:
            until = chooser.choice((0, size, chooser.randrange(0, size, 512)))
            at = (number - 1) * size
            file[at : at + until] = there[number][:until]
        yield bytes(file), state.journal
    file = bytearray(state.file)
    for number, page in there.items():
        file[(number - 1) * size : number * size] = page
    yield bytes(file), state.journal


def run(folder: Path, stops: int, seed: int) -> None:
    chooser = random.Random(seed)
    states = list(stopped_states(folder / "history.db", stops, chooser))
    met = sum(bool(old_pages(state.journal)[1]) for state in states)
    assert met > 0, "no stop met a write: the moments are wrong"
    for number, state in enumerate(states):
        for n, (file, journal) in enumerate(cuts(state, chooser)):
            place = folder / f"{number}-{n}"
            place.mkdir()
            copy = place / "history.db"
            copy.write_bytes(file)
            if journal:
                copy.with_name("history.db-journal").write_bytes(journal)
            check_after_kill(copy, state.known)


def test_ten_moments(tmp_path: Path) -> None:
    run(tmp_path, 10, seed=4)


@pytest.mark.accept
def test_two_hundred_moments(tmp_path: Path) -> None:
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        run(folder, 50, seed=random.randrange(2**32))
