"""The calls of `Store` for lists of sessions, searches, pins, tags, the archive and the bin."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from urial_tui.store.database.connection import Connection
from urial_tui.store.sessions import organising, search, sessions
from urial_tui.store.types import Hit, Session, SessionFilter


class OrganisingCalls:
    """A part of `Store`, which has the connection."""

    _db: Connection
    _locked: set[str]

    def sessions(
        self, wanted: SessionFilter | str = "", limit: int = 200, offset: int = 0
    ) -> list[Session]:
        """Pinned sessions first, then the one written to last. A text is a query: its title or a message matches."""
        return sessions.listed(self._db, wanted, limit, offset)

    def count_sessions(self, wanted: SessionFilter | str = "") -> int:
        """How many `sessions` has without a limit."""
        return sessions.count(self._db, wanted)

    def search(self, query: str, limit: int = 50, wanted: SessionFilter | None = None) -> list[Hit]:
        """The best matches of a query in the sessions that `wanted` is about, whose own query is ignored."""
        return search.search(self._db, query, limit, wanted or SessionFilter())

    def snippets(self, query: str, session_ids: Sequence[str]) -> dict[str, str]:
        """The best match in the messages of each of these sessions, marked as in a `Hit`."""
        return search.snippets(self._db, query, session_ids)

    def together(self) -> AbstractContextManager[None]:
        """The calls in the block are one transaction: all of them or none. Keep it short."""
        return self._db.transaction()

    # --- none of these changes when a session was written to last

    def set_pinned(self, session_id: str, pinned: bool) -> None:
        sessions.set_pinned(self._db, session_id, pinned)

    def set_archived(self, session_id: str, archived: bool) -> None:
        sessions.set_archived(self._db, session_id, archived)

    def add_tag(self, session_id: str, tag: str) -> None:
        """Tags are kept in small letters. Raises StoreError (`bad-tag`) for an empty one, a long one, a comma."""
        organising.add_tag(self._db, session_id, tag)

    def remove_tag(self, session_id: str, tag: str) -> None:
        organising.remove_tag(self._db, session_id, tag)

    def tags(self) -> list[tuple[str, int]]:
        """Every tag outside of the bin, in the order of the alphabet, with how many sessions have it."""
        return organising.tags(self._db)

    def bin_session(self, session_id: str) -> None:
        """Put it into the bin, whole. Raises StoreError: `session-locked`, `of-run` for a conversation of a run."""
        organising.bin_session(self._db, session_id)

    def restore_session(self, session_id: str) -> None:
        """Take it out of the bin."""
        organising.restore_session(self._db, session_id)

    def delete_session(self, session_id: str) -> None:
        """For good, wherever it is. Refused while another program writes it."""
        sessions.delete(self._db, session_id)
        self._locked.discard(session_id)

    def empty_bin(self, before: str = "") -> int:
        """Delete for good what was put into the bin before a time as stored, all with ""; how many. What another
        program writes is left alone."""
        return organising.empty_bin(self._db, before)
