"""The calls of `Store` that exports without loss and imports are made of."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from urial_tui.store.database.connection import Connection
from urial_tui.store.exchange import arrivals, lossless, restoring
from urial_tui.store.exchange.arrivals import NewSession
from urial_tui.store.exchange.lossless import Tree
from urial_tui.store.exchange.lossless_parts import Kind
from urial_tui.store.exchange.restoring import Taken


class ExchangeCalls:
    """A part of `Store`, which has the connection."""

    _db: Connection

    @contextmanager
    def importing(self) -> Iterator[None]:
        """All writes of the block, or none. Other programs' writes wait meanwhile."""
        with self._db.transaction():
            yield

    def dump(self, kind: Kind, id_: str) -> Tree | None:
        """A session, run or comparison as a tree of its rows; None when there is none."""
        return lossless.read(self._db, kind, id_)

    def take(self, kind: Kind, tree: Tree) -> Taken:
        """Write a tree of another history; what is there already with the same content stays. Use `importing`.

        Raises StoreError: `differs`, `bad-row`, `session-locked`, `run-locked`.
        """
        return restoring.take(self._db, kind, tree)

    def add_conversation(self, new: NewSession) -> tuple[str, tuple[str, ...]]:
        """Write a conversation that another program had; ids of the session and of its messages, in their order."""
        return arrivals.add(self._db, new)

    def extend_conversation(
        self, session_id: str, new: NewSession, known: Sequence[str | None]
    ) -> tuple[str, ...]:
        """Write those messages of a conversation that its session has not; `known` are ids of those that it has, by
        their place. Ids of all. Raises StoreError: `session-locked`."""
        return arrivals.extend(self._db, session_id, new, known)

    def imported(self, format_: str) -> list[tuple[str, dict[str, Any]]]:
        """Sessions that came in a format, with where they are from, the oldest first; those in the bin left out."""
        return arrivals.imported(self._db, format_)

    def origins(self, sha256: str) -> list[dict[str, Any]]:
        """Where the sessions are from that a file of this hash became, those in the bin left out."""
        return arrivals.origins(self._db, sha256)

    def in_order(self, session_ids: Sequence[str]) -> list[str]:
        """These sessions, without repetitions, in the order in which they were made."""
        return restoring.in_order(self._db, session_ids)

    def runs_of(self, session_ids: Sequence[str], run_ids: Sequence[str] = ()) -> list[str]:
        """Runs that these sessions are conversations of, and these, the oldest first."""
        return restoring.runs_of(self._db, session_ids, run_ids)

    def comparisons_within(self, session_ids: Sequence[str]) -> list[str]:
        """Comparisons of two answers that are both in these sessions, the oldest first."""
        return restoring.comparisons_within(self._db, session_ids)
