"""The sessions of an open conversation: which one and which branch is visible, the list, drafts, locks.

The lower half of `Chat`; nothing here runs a model.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Concatenate, ParamSpec, TypeVar

from urial_tui.chat.answering import Answering
from urial_tui.chat.events import (
    BranchChanged,
    ChatEvent,
    EnginePhase,
    SessionsChanged,
    StoreTrouble,
    Trouble,
)
from urial_tui.chat.keeping import keep_writing
from urial_tui.chat.side_loader import SideLoader
from urial_tui.engine.protocol import ContextInfo, Sampling
from urial_tui.errors import StoreError, UrialError, UsageError
from urial_tui.sides import UNKNOWN
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import Draft, Hit, Message, Session, SessionFilter

P = ParamSpec("P")
R = TypeVar("R")

PROGRAM = "urial-tui"
HELD = "session-locked"
"""The kind of the error of a session that another program writes."""


class Sessions:
    """What is visible, and the session it belongs to."""

    _answering: Answering
    _loader: SideLoader

    def __init__(self, store: AsyncStore, listener: Callable[[ChatEvent], None]) -> None:
        self._store = store
        self._tell = listener
        self._beginning = False
        self._opening = asyncio.Lock()
        """Held while another session or branch becomes the open one, while its lock becomes ours, and while a message
        begins: see `_alone`."""
        self._dropped = 0
        self._locked: UrialError | None = None
        self._chosen_sampling: tuple[Sampling, int] | None = None
        self.session: Session | None = None
        self.messages: tuple[Message, ...] = ()
        self._context_used = 0
        self._talk_tokens = 0

    # --- what the screen reads --------------------------------------------------------------------------------------

    @property
    def side(self) -> str:
        return self._loader.notation

    @property
    def phase(self) -> EnginePhase:
        return self._loader.phase

    @property
    def context_used(self) -> int:
        """Tokens in the context after the last answer; before one, what the pack takes.

        Until a side that was chosen during a conversation answers, it is what its pack takes and what the conversation
        took with the side before: exact where both have one vocabulary.
        """
        return self._context_used or self._loader.pack_tokens + self._talk_tokens

    @property
    def busy(self) -> bool:
        """Whether a message is being committed, or an answer is written or waits for the engine."""
        return self._beginning or self._answering.busy

    @property
    def locked(self) -> UrialError | None:
        """Why the open session cannot be written: another program holds it."""
        return self._locked

    @property
    def n_ctx(self) -> int:
        return self._loader.info.n_ctx if self._loader.info else 0

    @property
    def info(self) -> ContextInfo | None:
        return self._loader.info

    @property
    def sampling(self) -> Sampling:
        if self._chosen_sampling:
            return self._chosen_sampling[0]
        return self._loader.active.sampling if self._loader.active else Sampling()

    @property
    def max_tokens(self) -> int:
        if self._chosen_sampling:
            return self._chosen_sampling[1]
        return self._loader.active.max_tokens if self._loader.active else 512

    async def _before_leaving(self) -> None:
        """Called before what is visible is left."""
        raise NotImplementedError

    # --- sessions ---------------------------------------------------------------------------------------------------

    async def sessions(
        self, wanted: SessionFilter | str = "", limit: int = 200, offset: int = 0
    ) -> list[Session]:
        """Pinned ones first, then the one written to last; a text is a filter by query alone."""
        return await self._store.call(Store.sessions, wanted, limit, offset)

    async def count_sessions(self, wanted: SessionFilter | str = "") -> int:
        return await self._store.call(Store.count_sessions, wanted)

    async def search(
        self, query: str, wanted: SessionFilter | None = None, limit: int = 50
    ) -> list[Hit]:
        """Messages and titles that match, with a snippet each, in the sessions that are wanted."""
        return await self._store.call(Store.search, query, limit, wanted)

    async def open_session(self, session_id: str) -> None:
        """Show a stored session. One that another program writes is shown too; answering in it is refused."""
        async with self._alone("open another session"):
            await self._before_leaving()
            session = await self._store.call(Store.session, session_id)
            held = None
            try:
                await self._stored(Store.lock, session_id, PROGRAM)
            except StoreError as error:
                if error.kind != HELD:
                    raise
                held = error
            if session_id != self._session_id:
                await self._unlock()
            await self._show(session.leaf_id, (session, held))
            self._dropped = 0
            if held is not None:
                self._tell(Trouble(held))
            if session.side != self.side:
                await self._follow(session)

    async def _follow(self, session: Session) -> None:
        """Answer with the session's own side; where it cannot be used any more, say so and keep the present one. That
        of an import is the name of a model elsewhere: nobody expects it here."""
        if session.side == UNKNOWN:
            return
        try:
            await self._loader.change(session.side)
        except UrialError as error:
            if not session.origin:
                self._tell(Trouble(error))
            return
        self._chosen_sampling = None

    async def take_over(self) -> bool:
        """Write the open session although another program holds its lock (it is gone, or on another machine); whether
        it is ours since then."""
        async with self._opening:
            if self.session is None or self._locked is None:
                return False
            await self._store.call(Store.lock, self._session_id, PROGRAM, take_over=True)
            await self._as_it_is_now()
            return True

    async def relock(self) -> bool:
        """Whether a session that another program held can be written here now; it is shown as that program left it."""
        async with self._opening:
            if self.session is None or self._locked is None or self.busy:
                return False
            try:
                await self._store.call(Store.lock, self._session_id, PROGRAM)
            except StoreError as error:
                if error.kind != HELD:
                    raise
                return False
            await self._as_it_is_now()
            return True

    async def _as_it_is_now(self) -> None:
        """The open session is ours: show what the other program left."""
        session = await self._store.call(Store.session, self._session_id)
        await self._show(session.leaf_id, (session, None))

    async def new_session(self) -> None:
        """Leave the session; the next message begins a new one."""
        async with self._alone("begin a new session"):
            await self._new_session()

    async def _new_session(self) -> None:
        await self._before_leaving()
        await self._unlock()
        self.session, self.messages = None, ()
        self._locked = None
        self._dropped = 0
        self._context_used = self._talk_tokens = 0
        self._tell(BranchChanged("", ()))

    async def rename(self, session_id: str, title: str) -> None:
        await self._store.call(Store.set_title, session_id, title)
        if self.session and self.session.id == session_id:
            self.session = await self._store.call(Store.session, session_id)
        self._tell(SessionsChanged())

    async def set_pinned(self, session_id: str, pinned: bool) -> None:
        await self._store.call(Store.set_pinned, session_id, pinned)
        self._tell(SessionsChanged())

    async def set_archived(self, session_id: str, archived: bool) -> None:
        await self._store.call(Store.set_archived, session_id, archived)
        self._tell(SessionsChanged())

    async def change_tags(self, session_id: str, add: Iterable[str], remove: Iterable[str]) -> None:
        try:
            for tag in remove:
                await self._store.call(Store.remove_tag, session_id, tag)
            for tag in add:
                await self._store.call(Store.add_tag, session_id, tag)
        finally:
            self._tell(SessionsChanged())

    async def tags(self) -> list[tuple[str, int]]:
        """Every tag with how many sessions have it."""
        return await self._store.call(Store.tags)

    async def delete(self, session_id: str) -> None:
        """Put a session into the bin; `restore` takes it out. Refused while another program has it open."""
        await self._put_away(session_id, Store.bin_session)

    async def restore(self, session_id: str) -> None:
        await self._store.call(Store.restore_session, session_id)
        if self.session and self.session.id == session_id:
            self.session = replace(self.session, deleted_at=None)
        self._tell(SessionsChanged())

    async def delete_for_good(self, session_id: str) -> None:
        await self._put_away(session_id, Store.delete_session)

    async def _put_away(self, session_id: str, how: Callable[[Store, str], None]) -> None:
        """The open one is left before. Raises StoreError when another program holds it."""
        if session_id == self._session_id:
            async with self._alone("put the session away"):
                if session_id == self._session_id:
                    if self._locked is not None:
                        raise self._locked
                    await self._new_session()
                await self._store.call(how, session_id)
        else:
            await self._store.call(how, session_id)
        self._tell(SessionsChanged())

    @contextlib.asynccontextmanager
    async def _alone(self, what: str) -> AsyncIterator[None]:
        """In the block no other session becomes the open one, and no message begins. Raises UsageError while an answer
        is written, which is not waited for."""
        self._not_while_busy(what)
        async with self._opening:
            self._not_while_busy(what)
            yield

    async def _show(
        self, leaf_id: str | None, opened: tuple[Session, UrialError | None] | None = None
    ) -> None:
        """The branch down to a message; `opened`: of this session, and why it cannot be written, if so. Nothing runs
        between the changes: whoever looks sees the session before or this one with its messages."""
        messages = tuple(await self._store.call(Store.branch, leaf_id)) if leaf_id else ()
        used = await self._used_by(messages)
        if opened is not None:
            self.session, self._locked = opened
        self.messages, self._context_used, self._talk_tokens = messages, used, 0
        self._tell(BranchChanged(self._session_id, self.messages))

    async def _used_by(self, messages: Sequence[Message]) -> int:
        """Tokens that the last answer of a branch with a known end left in the context; 0 when there is none."""
        for message in reversed(messages):
            if message.role == "assistant":
                generation = await self._store.call(Store.generation_of, message.id)
                end = generation.end if generation else None
                if end is not None and end.prompt_tokens:
                    return end.prompt_tokens + end.completion_tokens
        return 0

    @property
    def _session_id(self) -> str:
        return self.session.id if self.session else ""

    async def _unlock(self) -> None:
        if self.session is not None and self._locked is None:
            with contextlib.suppress(StoreError):
                await self._store.call(Store.unlock, self.session.id)

    # --- drafts -----------------------------------------------------------------------------------------------------

    async def save_draft(self, draft: Draft) -> None:
        """Keep what is written and not sent. A history that cannot be written does not matter here: it is said once
        when a message is sent. The draft of a session that another program holds is that program's."""
        if self._locked is not None:
            return
        with contextlib.suppress(StoreError):
            await self._store.call(Store.save_draft, self._session_id or None, draft)

    async def save_for_later(self, draft: Draft) -> None:
        """Keep it for the next new session, behind what is kept for that already."""
        with contextlib.suppress(StoreError):
            before = await self._store.call(Store.draft, None)
            await self._store.call(Store.save_draft, None, before.before(draft))

    async def draft(self) -> Draft:
        """What is kept for the open session; nothing where another program holds it."""
        if self._locked is not None:
            return Draft()
        return await self._store.call(Store.draft, self._session_id or None)

    # --- guards -----------------------------------------------------------------------------------------------------

    def _not_while_busy(self, what: str) -> None:
        if self.busy:
            raise UsageError(
                f"cannot {what} while an answer is being written", hint="Stop it first (Escape)."
            )

    def _visible(self, message_id: str) -> Message:
        for message in self.messages:
            if message.id == message_id:
                return message
        raise UsageError(
            "that message is not on the visible branch", hint="Select a message that is shown."
        )

    def _before(self, message_id: str) -> tuple[Message, ...]:
        index = next(i for i, message in enumerate(self.messages) if message.id == message_id)
        return self.messages[:index]

    async def _stored(
        self, write: Callable[Concatenate[Store, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Write, in memory where the disk refuses; that is told."""
        return await keep_writing(
            self._store, lambda error: self._tell(StoreTrouble(error)), write, *args, **kwargs
        )
