"""The calls of `Store` for runs, judgements and comparisons."""

from collections.abc import Sequence

from urial_tui.store.database import locks
from urial_tui.store.database.connection import Connection
from urial_tui.store.judging import comparisons, judgements
from urial_tui.store.judging.types import Comparison, Judgement
from urial_tui.store.runs import answers as run_answers
from urial_tui.store.runs import runs
from urial_tui.store.runs.types import AnswerShift, Run, RunAnswer, RunItem, RunStart
from urial_tui.store.traces import reading as trace_reading
from urial_tui.store.traces import shift_totals
from urial_tui.store.types import LockHolder, Message, Session


class JudgingCalls:
    """A part of `Store`, which has the connection."""

    _db: Connection
    _locked_runs: set[str]

    # --- runs

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

    def answer_shifts(self, run_id: str) -> list[AnswerShift]:
        """Classes of each answer against each reference, from the trace that counts for it."""
        return shift_totals.of_run(self._db, run_id)

    def scored_answers(self, run_id: str) -> list[tuple[str, tuple[str, ...]]]:
        """(message, references) of each complete canonical trace of the run's answers."""
        return trace_reading.scored_of_run(self._db, run_id)

    # --- judgements and comparisons

    def save_judgement(self, judgement: Judgement) -> Judgement:
        """Write it in place of what this judge (by key) and rubric (by hash) said of the answer before."""
        return judgements.save(self._db, judgement)

    def judgements(
        self,
        *,
        run_id: str | None = None,
        message_ids: Sequence[str] | None = None,
        texts: bool = True,
        outside_runs: bool = False,
    ) -> list[Judgement]:
        """The oldest first. Without `texts` they have no prompt and no raw texts."""
        return judgements.listed(
            self._db,
            run_id=run_id,
            message_ids=message_ids,
            texts=texts,
            outside_runs=outside_runs,
        )

    def delete_judgement(self, judgement_id: str) -> None:
        judgements.delete(self._db, judgement_id)

    def save_comparison(self, comparison: Comparison) -> Comparison:
        """Write it in place of what this judge and rubric said of the two answers before, in either order."""
        return comparisons.save(self._db, comparison)

    def comparisons(
        self,
        *,
        run_ids: Sequence[str] | None = None,
        message_ids: Sequence[str] | None = None,
        texts: bool = True,
        outside_runs: bool = False,
    ) -> list[Comparison]:
        """Of two answers of these runs; with one of these messages at least. The oldest first."""
        return comparisons.listed(
            self._db,
            run_ids=run_ids,
            message_ids=message_ids,
            texts=texts,
            outside_runs=outside_runs,
        )

    def compared_runs(self, run_id: str) -> dict[str, int]:
        """Ids of other runs that answers of this one were compared with, and how many such comparisons there are."""
        return comparisons.other_runs(self._db, run_id)

    def delete_comparison(self, comparison_id: str) -> None:
        comparisons.delete(self._db, comparison_id)
