"""Kills the real command `run` at random points and starts it again, and looks that nothing is lost or there twice."""

import random
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.pty_history import history_file
from tests.support.pty_processes import PATIENCE, begin
from tests.support.run_command import assert_each_once
from urial_tui.errors import StoreError
from urial_tui.store.runs.types import RunAnswer
from urial_tui.store.store import Store


@dataclass
class Killing:
    """`command` answers `n_items` by `n_sides`; `rng` decides when it dies."""

    home: Path
    command: tuple[str, ...]
    n_items: int
    n_sides: int
    rng: random.Random
    kills: int = 0

    def answers(self) -> list[RunAnswer]:
        try:
            with Store.open(history_file(self.home), readonly=True) as store:
                return store.run_answers(store.find_run("last").id)
        except StoreError as error:
            if error.kind in ("missing", "not-found"):
                return []
            raise

    def complete(self) -> dict[str, str]:
        """Message ids and texts of the answers that the history says are complete."""
        return {a.message_id: a.content for a in self.answers() if a.status == "complete"}

    def kill_once(self) -> bool:
        """Start the command, kill it after a few more answers and a moment; False when it ended before."""
        before = self.complete()
        wanted = len(before) + self.rng.randint(0, 3)
        process = begin(
            self.home, *self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + PATIENCE
        while len(self.complete()) < wanted and process.poll() is None:
            assert time.monotonic() < deadline
        try:
            process.wait(timeout=self.rng.random() * 0.2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.kills += 1
            after = self.complete()
            assert before.items() <= after.items(), "what was complete once is so for good"
            return True
        return False

    def finish(self) -> None:
        """Run it to its end, and look at what is there."""
        before = self.complete()
        process = begin(self.home, *self.command)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, (out, err)
        found = self.answers()
        assert_each_once(found, self.n_items, self.n_sides)
        assert len(found) == self.n_items * self.n_sides
        assert before.items() <= self.complete().items()
        with Store.open(history_file(self.home), readonly=True) as store:
            (run,) = store.runs()
            sessions = {answer.session_id for answer in found}
            assert (run.n_answered, store.stats().sessions) == (len(found), len(sessions))
            assert store.check() == []
