"""The calls of `AsyncStore` for lists of sessions, searches, pins, tags, the archive and the bin."""

from collections.abc import Callable
from typing import TypeVar

from urial_tui.store.sessions.organising_calls import OrganisingCalls
from urial_tui.store.types import Hit, Session, SessionFilter

R = TypeVar("R")


class AsyncOrganisingCalls:
    """A part of `AsyncStore`, which has the thread."""

    async def _call(self, method: Callable[..., R], *args: object, **kwargs: object) -> R:
        raise NotImplementedError

    async def sessions(
        self, wanted: SessionFilter | str = "", limit: int = 200, offset: int = 0
    ) -> list[Session]:
        return await self._call(OrganisingCalls.sessions, wanted, limit, offset)

    async def count_sessions(self, wanted: SessionFilter | str = "") -> int:
        return await self._call(OrganisingCalls.count_sessions, wanted)

    async def search(
        self, query: str, limit: int = 50, wanted: SessionFilter | None = None
    ) -> list[Hit]:
        return await self._call(OrganisingCalls.search, query, limit, wanted)

    async def set_pinned(self, session_id: str, pinned: bool) -> None:
        await self._call(OrganisingCalls.set_pinned, session_id, pinned)

    async def set_archived(self, session_id: str, archived: bool) -> None:
        await self._call(OrganisingCalls.set_archived, session_id, archived)

    async def add_tag(self, session_id: str, tag: str) -> None:
        await self._call(OrganisingCalls.add_tag, session_id, tag)

    async def remove_tag(self, session_id: str, tag: str) -> None:
        await self._call(OrganisingCalls.remove_tag, session_id, tag)

    async def tags(self) -> list[tuple[str, int]]:
        return await self._call(OrganisingCalls.tags)

    async def bin_session(self, session_id: str) -> None:
        await self._call(OrganisingCalls.bin_session, session_id)

    async def restore_session(self, session_id: str) -> None:
        await self._call(OrganisingCalls.restore_session, session_id)

    async def delete_session(self, session_id: str) -> None:
        await self._call(OrganisingCalls.delete_session, session_id)
