"""The calls of `Store` for runs and their answers."""

from collections.abc import Sequence

from urial_tui.store.database import locks
from urial_tui.store.database.connection import Connection
from urial_tui.store.runs import answers as run_answers
from urial_tui.store.runs import runs
from urial_tui.store.runs.types import Run, RunAnswer, RunItem, RunStart
from urial_tui.store.types import LockHolder, Message, Session


class RunCalls:
    """A part of `Store`, which has the connection."""

    _db: Connection
    _locked_runs: set[str]

    def create_run(self, start: RunStart, *, unless_there: bool = False) -> Run:
        """`unless_there`: the newest run of this fingerprint, where there is one."""
        return runs.create(self._db, start, unless_there=unless_there)

    def run(self, run_id: str) -> Run:
        return runs.get(self._db, run_id)

    def find_run(self, reference: str) -> Run:
        """By id, by the beginning of an id that no other run shares, by name, or `last` (the one written to last)."""
        return runs.find(self._db, reference)

    def runs(self, limit: int = 200) -> list[Run]:
        """The newest first."""
        return runs.listed(self._db, limit)

    def runs_of_input(self, input_sha256: str) -> list[Run]:
        """All that answer an input of this content, the newest first."""
        return runs.of_input(self._db, input_sha256)

    def judged_runs(self) -> list[str]:
        """Ids of all runs of which an answer was judged, or compared with another one, the newest first."""
        return runs.judged(self._db)

    def sides_of_runs(self) -> list[tuple[str, tuple[str, ...]]]:
        """Id and sides of every run, the newest first: to find the few that are about something."""
        return runs.sides_of_all(self._db)

    def rename_run(self, run_id: str, name: str) -> None:
        runs.rename(self._db, run_id, name)

    def delete_run(self, run_id: str) -> None:
        """Delete it with its conversations, traces, judgements and comparisons. Raises StoreError (`run-locked`)."""
        runs.delete(self._db, run_id)
        self._locked_runs.discard(run_id)

    def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        """Add items; those whose index is there already are left alone."""
        runs.add_items(self._db, run_id, items)

    def run_items(self, run_id: str) -> list[RunItem]:
        """By index."""
        return runs.items(self._db, run_id)

    def begin_run_answer(
        self, run_id: str, index: int, side: int, turn: int
    ) -> tuple[Session, tuple[Message, ...], Message]:
        """The session, the branch up to and including the user's message, and the answer, empty and `interrupted`.

        An unfinished earlier try is thrown away. Raises StoreError (`answered`, `turn-before`, `run-locked`).
        """
        return run_answers.begin(self._db, run_id, index, side, turn)

    def run_answers(self, run_id: str, *, side: int | None = None) -> list[RunAnswer]:
        """By item, side and turn; also those that are not complete."""
        return run_answers.listed(self._db, run_id, side=side)

    def run_branch(self, run_id: str, index: int, side: int) -> list[Message]:
        """The conversation of an item and side; empty when it has not begun."""
        return run_answers.branch(self._db, run_id, index, side)

    def lock_run(self, run_id: str, program: str, *, take_over: bool = False) -> None:
        """Raises StoreError (`run-locked`) naming the living program that has it; `take_over` takes it anyway."""
        locks.lock_run(self._db, run_id, program, take_over=take_over)
        self._locked_runs.add(run_id)

    def unlock_run(self, run_id: str) -> None:
        locks.unlock_run(self._db, run_id)
        self._locked_runs.discard(run_id)

    def run_lock_holder(self, run_id: str) -> LockHolder | None:
        return locks.run_holder(self._db, run_id)
