"""kill -9 while a history is brought up to date, exported, compacted, copied or salvaged: it is whole, nothing of it is
lost, and whatever has its final name is complete."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.full_history import Rows, at_version, columns_of, contents, fill
from tests.unit.test_store_kill import check_after_kill, write_until_killed
from urial_tui.exchange.formats import EXPORTERS
from urial_tui.store.schema.steps import LATEST
from urial_tui.store.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL")

EXPORTS = [f"export-{name}" for name in EXPORTERS]
CARE = ["compact", "backup", "salvage"]


@dataclass(frozen=True)
class Pristine:
    """A history of each schema, which the rounds work on copies of, and what is in them."""

    files: dict[int, Path]
    rows: dict[int, Rows]

    def copy(self, version: int, folder: Path) -> Path:
        return Path(shutil.copy(self.files[version], folder / "history.db"))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Pristine:
    folder = tmp_path_factory.mktemp("pristine")
    newest = folder / "newest.db"
    with Store.open(newest) as store:
        fill(store, sessions=15)
    found = {v: at_version(folder / f"{v}.db", v, newest) for v in range(1, LATEST)}
    found[LATEST] = newest
    return Pristine(found, {version: contents(path) for version, path in found.items()})


def begin(work: str, path: Path, target: Path) -> subprocess.Popen[bytes]:
    """A process that is about to do the work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.care_program", work, str(path), str(target)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begin\n", process.communicate()[1].decode()
    return process


def written(target: Path) -> dict[str, bytes]:
    """The files that an export has left at their names."""
    if target.is_file():
        return {target.name: target.read_bytes()}
    return {
        str(file.relative_to(target)): file.read_bytes()
        for file in sorted(target.rglob("*"))
        if file.is_file() and file.suffix != ".part"
    }


class Killing:
    """Does each kind of work once unharmed, to know how long it takes and what it makes; then kills it."""

    def __init__(self, pristine: Pristine, folder: Path, chooser: random.Random) -> None:
        self._pristine = pristine
        self._folder = folder
        self._chooser = chooser
        self._took: dict[str, float] = {}
        self._made: dict[str, dict[str, bytes]] = {}
        self.met = 0
        """How many kills came before the work was done."""

    def kill(self, work: str) -> None:
        if work not in self._took:
            self._measure(work)
        version = self._chooser.randrange(1, LATEST) if work == "open" else LATEST
        with self._place() as folder:
            path, target = self._pristine.copy(version, folder), folder / "target"
            process = begin(work, path, target)
            time.sleep(self._chooser.uniform(0.0, self._took[work]))  # the moment is the point
            process.kill()
            self.met += process.wait() != 0
            process.communicate()
            self._check(work, version, path, target)

    def _measure(self, work: str) -> None:
        with self._place() as folder:
            path, target = (
                self._pristine.copy(1 if work == "open" else LATEST, folder),
                folder / "target",
            )
            process = begin(work, path, target)
            began = time.monotonic()
            error = process.communicate(timeout=60)[1]
            assert process.returncode == 0, error.decode()
            self._took[work] = time.monotonic() - began
            if work in EXPORTS:
                self._made[work] = written(target)
                assert self._made[work]

    @contextmanager
    def _place(self) -> Iterator[Path]:
        """A folder for a round."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            yield Path(folder)

    def _check(self, work: str, version: int, path: Path, target: Path) -> None:
        raw = sqlite3.connect(path)  # a plain reader recovers the file as well
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        raw.close()
        rows, columns = self._pristine.rows[version], columns_of(self._pristine.files[version])
        for backup in path.parent.glob("*.bak"):
            assert contents(backup) == rows
        if work in EXPORTS:
            complete = self._made[work]
            for name, content in written(target).items():
                assert content == complete[name]
        elif target.exists():
            assert contents(target) == rows
        with Store.open(path) as store:
            assert store.check() == []
            assert store.schema_version == LATEST
        assert contents(path, columns) == rows


def run(pristine: Pristine, folder: Path, works: list[str], seed: int) -> None:
    killing = Killing(pristine, folder, random.Random(seed))
    for work in works:
        killing.kill(work)
    assert killing.met > len(works) / 4, "hardly a kill met the work: the moments are wrong"


def test_a_few_kills(pristine: Pristine, tmp_path: Path) -> None:
    run(pristine, tmp_path, ["open", "open", "open", "export-jsonl", "export-csv", *CARE], seed=1)


@pytest.mark.accept
def test_two_hundred_kills(pristine: Pristine, tmp_path: Path) -> None:
    """80 of a program that writes answers, 50 of one that brings a history up to date, 50 of exports, 20 of care."""
    chooser = random.Random(random.randrange(2**32))
    history, interrupted = tmp_path / "history.db", 0
    for _ in range(80):
        known = write_until_killed(history, chooser.uniform(0.0, 0.25))
        check_after_kill(history, known)
        interrupted += len(set(known.begun) - set(known.finished))
    assert interrupted > 0
    works = ["open"] * 50 + [EXPORTS[n % len(EXPORTS)] for n in range(50)]
    works += [CARE[n % len(CARE)] for n in range(20)]
    chooser.shuffle(works)
    run(pristine, tmp_path, works, seed=chooser.randrange(2**32))
