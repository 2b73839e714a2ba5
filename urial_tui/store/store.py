"""The history as one object: open it, read and write sessions, messages, generations, traces, drafts and locks.

One connection, used from the thread that opened it (`AsyncStore` has such a thread). Each call is one short
transaction; each error is a StoreError. Nothing is created before `open`.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Self

from urial_tui.errors import StoreError
from urial_tui.shift.records import TokenScore
from urial_tui.store.database import files, locks
from urial_tui.store.database.connection import BUSY_TIMEOUT_S, Connection
from urial_tui.store.database.faults import NOT_WRITABLE
from urial_tui.store.exchange import transfer
from urial_tui.store.exchange.calls import ExchangeCalls
from urial_tui.store.judging.calls import JudgingCalls
from urial_tui.store.messages import drafts, messages
from urial_tui.store.runs.calls import RunCalls
from urial_tui.store.runs.types import AnswerShift
from urial_tui.store.schema import check as checks
from urial_tui.store.schema import migrate
from urial_tui.store.sessions import organising, outline, sessions
from urial_tui.store.sessions.organising_calls import OrganisingCalls
from urial_tui.store.sessions.outline import OutlineRow
from urial_tui.store.traces import generations, shift_totals, traces
from urial_tui.store.traces import reading as trace_reading
from urial_tui.store.types import (
    Draft,
    Generation,
    GenerationEnd,
    GenerationStart,
    LockHolder,
    Message,
    Session,
    SessionFilter,
    ShiftTotals,
    Stats,
    Status,
    Token,
    Trace,
    TraceInfo,
    TraceStart,
)


class Store(OrganisingCalls, RunCalls, JudgingCalls, ExchangeCalls):
    """An open history. Use `open` or `in_memory`. Lists, tags and the bin are in `sessions.organising_calls`, runs in
    `runs.calls`, judgements in `judging.calls`, what comes and goes without loss in `exchange.calls`."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._locked: set[str] = set()
        self._locked_runs: set[str] = set()
        self.migration_backup: Path | None = None
        """The copy that was made because the schema had to change, if it had to."""
        self.not_updated: StoreError | None = None
        """Why the file is still of an older schema, where what is read is a copy of it in memory."""

    # --- opening and closing

    @classmethod
    def open(
        cls, path: Path, *, readonly: bool = False, busy_timeout: float = BUSY_TIMEOUT_S
    ) -> Self:
        """Open the history at `path`, make it when it is not there, bring an old one to the current schema.

        `readonly` never makes one and writes no rows; it brings an old schema up to date, too, or where the file cannot
        be written reads a copy in memory (`not_updated`). Otherwise what has been in the bin for long goes for good.
        Raises StoreError.
        """
        if readonly:
            return cls._open_for_reading(files.existing(path), busy_timeout)
        found = files.find(path) or files.create(path)
        store = cls(Connection(found, busy_timeout=busy_timeout))
        try:
            store._begin()
            with store._db.transaction():
                organising.remove_old(store._db)
        except BaseException:
            store._db.close()
            raise
        return store

    @classmethod
    def _open_for_reading(cls, path: Path, busy_timeout: float) -> Self:
        db = Connection(path, readonly=True, busy_timeout=busy_timeout)
        try:
            if not migrate.pending(db):
                return cls(db)
        except BaseException:
            db.close()
            raise
        db.close()
        try:
            with closing(Connection(path, busy_timeout=busy_timeout)) as writing:
                cls(writing)._begin()
        except StoreError as error:
            if error.kind not in NOT_WRITABLE:
                raise
            copy = cls.read_into_memory(path)
            copy._db.stay_readonly()
            copy.not_updated = error
            return copy
        return cls(Connection(path, readonly=True, busy_timeout=busy_timeout))

    @classmethod
    def in_memory(cls) -> Self:
        """An empty history that ends with the program; what changes in it can still be written by `write_back`."""
        store = cls(Connection(None))
        store._begin()
        transfer.track(store._db)
        return store

    @classmethod
    def read_into_memory(cls, path: Path) -> Self:
        """A history in memory with all that is at `path`, which is not written, not even to bring it up to date.

        Raises StoreError when it cannot be read.
        """
        file = Connection(files.existing(path), readonly=True)
        try:
            migrate.pending(file)
            copy = cls(transfer.copy_to_memory(file))
        finally:
            file.close()
        copy._begin()
        transfer.track(copy._db)
        return copy

    def _begin(self) -> None:
        migrate.pending(self._db)  # refuses what is not ours before a byte is written
        self._db.prepare_writing()
        self.migration_backup = migrate.migrate(self._db)
        with self._db.transaction():
            # A real write, so that a disk that takes none is known now and not at the first message.
            self._db.execute(f"PRAGMA user_version={self.schema_version}")
            locks.remove_stale(self._db)
            messages.close_abandoned(self._db)
            shift_totals.count_abandoned(self._db)

    def close(self) -> None:
        """Give back the locks of this object and close. Calling it twice is fine."""
        try:
            for session_id in list(self._locked):
                self.unlock(session_id)
            for run_id in list(self._locked_runs):
                self.unlock_run(run_id)
        except StoreError:
            pass  # a full disk, a closed database: the lock names a process that is about to be gone
        finally:
            self._locked.clear()
            self._locked_runs.clear()
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path | None:
        """Where the history is; None in memory."""
        return self._db.path

    @property
    def schema_version(self) -> int:
        return max(migrate.applied(self._db), default=0)

    # --- sessions

    def create_session(self, side: str, title: str = "") -> Session:
        return sessions.create(self._db, side, title)

    def session(self, session_id: str) -> Session:
        return sessions.get(self._db, session_id)

    def find_session(self, reference: str, among: SessionFilter = sessions.NOT_IN_BIN) -> Session:
        """By id, by the beginning of an id that no other session shares, or `last`, which is one of `among`: the one
        that was written to last, or put into the bin last where it is about that."""
        return sessions.find(self._db, reference, among)

    def set_title(self, session_id: str, title: str) -> None:
        sessions.set_title(self._db, session_id, title)

    def set_side(self, session_id: str, side: str) -> None:
        sessions.set_side(self._db, session_id, side)

    def set_leaf(self, session_id: str, message_id: str) -> None:
        sessions.set_leaf(self._db, session_id, message_id)

    # --- messages

    def add_user_message(self, session_id: str, parent_id: str | None, content: str) -> Message:
        """Committed when it returns. Names the session when it has no title; removes the draft with this text."""
        return messages.add_user(self._db, session_id, parent_id, content)

    def begin_answer(
        self, session_id: str, parent_id: str | None, prefill: str = "", content: str = ""
    ) -> Message:
        """An answer, `interrupted` until `finish_answer` says better."""
        return messages.begin_answer(self._db, session_id, parent_id, prefill, content)

    def begin_generation(self, message_id: str, start: GenerationStart) -> str:
        return generations.begin(self._db, message_id, start)

    def append_tokens(
        self, message_id: str, generation_id: str, tokens: Sequence[Token], text: str
    ) -> None:
        messages.append_tokens(self._db, message_id, generation_id, tokens, text)

    def finish_answer(
        self,
        message_id: str,
        generation_id: str | None,
        status: Status,
        end: GenerationEnd | None,
        tail: str = "",
        error: str = "",
    ) -> Message:
        """Close an answer: `tail` is added to its text, its status is final, the generation gets its end."""
        with self.together():
            message = messages.finish_answer(self._db, message_id, status, tail, error)
            if generation_id is not None and end is not None:
                generations.end_generation(self._db, message_id, generation_id, end)
        return message

    def message(self, message_id: str) -> Message:
        return messages.get(self._db, message_id)

    def messages(self, session_id: str) -> list[Message]:
        """Every message of a session, all branches, oldest first."""
        return messages.of_session(self._db, session_id)

    def outline(self, session_id: str) -> list[OutlineRow]:
        """All messages of a session at a glance, the oldest first."""
        return outline.outline(self._db, session_id)

    def branch(self, message_id: str) -> list[Message]:
        return messages.branch(self._db, message_id)

    def siblings(self, message_id: str) -> list[Message]:
        return messages.siblings(self._db, message_id)

    def versions(self, message_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        return messages.versions(self._db, message_ids)

    def leaf_below(self, message_id: str) -> Message:
        return messages.leaf_below(self._db, message_id)

    def tokens(self, message_id: str) -> list[Token]:
        return generations.tokens_of(self._db, message_id)

    def generation_of(self, message_id: str) -> Generation | None:
        return generations.of_message(self._db, message_id)

    # --- traces

    def begin_trace(self, message_id: str, start: TraceStart) -> str:
        """Note which sides score an answer; its scores follow. Raises StoreError (`not-found`, `session-locked`)."""
        return traces.begin(self._db, message_id, start)

    def append_scores(
        self, trace_id: str, scores: Sequence[TokenScore], pieces: Mapping[int, bytes]
    ) -> None:
        """Add scores and the bytes of ids in them, all or nothing. Repeating a call changes nothing."""
        traces.append(self._db, trace_id, scores, pieces)

    def fail_reference(self, trace_id: str, reference: int, message: str) -> None:
        """Note why scores of a reference are missing; -1: of all."""
        traces.fail_reference(self._db, trace_id, reference, message)

    def set_noise(
        self, trace_id: str, reference: int, noise: float | None, null_rate: float | None
    ) -> None:
        traces.set_noise(self._db, trace_id, reference, noise, null_rate)

    def finish_trace(self, trace_id: str, *, complete: bool, timings: Mapping[str, float]) -> None:
        traces.finish(self._db, trace_id, complete=complete, timings=timings)

    def copy_scores(self, from_trace_id: str, to_trace_id: str, n: int) -> None:
        """Copy the scores of the first `n` tokens between traces of the same sides."""
        traces.copy_scores(self._db, from_trace_id, to_trace_id, n)

    def trace(self, trace_id: str) -> Trace:
        return trace_reading.load(self._db, trace_id)

    def trace_of(self, message_id: str) -> Trace | None:
        """The trace that counts for a message: the newest complete one, else the newest with scores."""
        return trace_reading.of_message(self._db, message_id)

    def traces_of(self, message_id: str) -> list[TraceInfo]:
        """All traces of a message, the newest first, those without scores too."""
        return trace_reading.listed(self._db, message_id)

    def has_trace(self, message_ids: Iterable[str]) -> set[str]:
        """Those messages that `trace_of` finds something for."""
        return trace_reading.having(self._db, message_ids)

    def answer_shifts(self, run_id: str) -> list[AnswerShift]:
        """Classes of each answer against each reference, from the trace that counts for it."""
        return shift_totals.of_run(self._db, run_id)

    def scored_answers(self, run_id: str) -> list[tuple[str, tuple[str, ...]]]:
        """(message, references) of each complete canonical trace of the run's answers."""
        return trace_reading.scored_of_run(self._db, run_id)

    def shift_totals(self, session_id: str | None = None) -> list[ShiftTotals]:
        """Classes by pair of sides and path over the traces that count of all answers, or of one session's."""
        return shift_totals.totals(self._db, session_id)

    # --- drafts, locks

    def save_draft(self, session_id: str | None, draft: Draft) -> None:
        """An empty one removes what was kept. None is the session that does not exist yet."""
        drafts.save(self._db, session_id, draft)

    def draft(self, session_id: str | None) -> Draft:
        return drafts.load(self._db, session_id)

    def lock(self, session_id: str, program: str, *, take_over: bool = False) -> None:
        """Raises StoreError (`session-locked`) naming the living program that has it; `take_over` takes it anyway."""
        locks.lock(self._db, session_id, program, take_over=take_over)
        self._locked.add(session_id)

    def unlock(self, session_id: str) -> None:
        locks.unlock(self._db, session_id)
        self._locked.discard(session_id)

    def lock_holder(self, session_id: str) -> LockHolder | None:
        return locks.holder(self._db, session_id)

    # --- care

    def check(self) -> list[str]:
        """Problems in words; empty when the history is whole."""
        return checks.problems(self._db)

    def stats(self) -> Stats:
        return checks.stats(self._db)

    def in_memory_copy(self) -> "Store":
        """A history in memory with all of this one: to go on with when this one cannot be written any more."""
        copy = Store(transfer.copy_to_memory(self._db))
        transfer.track(copy._db)
        return copy

    def unwritten(self) -> list[str]:
        """Ids of the conversations that changed in memory and are not in the file; none where this is the file."""
        return transfer.unwritten(self._db) if self.path is None else []

    def unwritten_drafts(self) -> list[str]:
        """The same for what was typed and not sent."""
        return transfer.unwritten_drafts(self._db) if self.path is None else []

    def write_back(self, memory: "Store") -> None:
        """Take what changed in `memory` (from `in_memory` or `in_memory_copy`) into this history, or raise.

        Locks of sessions come along, not those of runs: what writes a run does not go on in memory.
        """
        transfer.write_back(memory._db, self._db)
        for session_id in list(self._locked):
            if memory.lock_holder(session_id) is None:  # given back meanwhile
                self.unlock(session_id)
        for session_id in memory._locked - self._locked:
            holder = memory.lock_holder(session_id)
            if holder is not None:
                self.lock(session_id, holder.program)
