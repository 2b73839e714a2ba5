"""One open conversation: which session and branch is visible, which side answers, what runs now.

The TUI holds one `Chat` and calls its coroutines; everything that happens comes back through the listener, in the same
event loop. Work on the engine runs in tasks of this object, so no call blocks for as long as an answer takes.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from urial_tui.chat.active import ActiveSide
from urial_tui.chat.answering import Answering
from urial_tui.chat.events import (
    BranchChanged,
    ChatEvent,
    ContextNotice,
    EnginePhase,
    MessageAdded,
    SessionsChanged,
    StoreTrouble,
    Trouble,
)
from urial_tui.chat.fitting import answer_room
from urial_tui.chat.keeping import keep_writing
from urial_tui.chat.resuming import Resumption, resumption
from urial_tui.chat.side_loader import SideLoader
from urial_tui.chat.transcript import as_markdown
from urial_tui.chat.turn import Outcome
from urial_tui.engine.api import Engine
from urial_tui.engine.protocol import ContextInfo, Sampling
from urial_tui.errors import StoreError, UrialError, UsageError
from urial_tui.prompts.types import Turn as PromptTurn
from urial_tui.sides import parse_side
from urial_tui.store.aio import AsyncStore
from urial_tui.store.types import Hit, Message, Session

Listener = Callable[[ChatEvent], None]
PROGRAM = "urial-tui"
T = TypeVar("T")


class Chat:
    """`resolve` turns SIDE text into an ActiveSide (None: the default side); it may take a while and raises
    UrialError."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: AsyncStore,
        resolve: Callable[[str], Awaitable[ActiveSide]],
        side: str,
        listener: Listener,
        trouble: StoreError | None = None,
    ) -> None:
        self._engine = engine
        self._store = store
        self._tell = listener
        self._loader = SideLoader(engine, resolve, side, listener)
        self._answering = Answering(engine, store, self._loader, listener, self._ended)
        self._beginning = False
        self._dropped = 0
        self._locked: UrialError | None = None
        self._chosen_sampling: tuple[Sampling, int] | None = None
        self._store_trouble = trouble
        self.session: Session | None = None
        self.messages: tuple[Message, ...] = ()
        self._context_used = 0

    # --- what the screen reads --------------------------------------------------------------------------------------

    @property
    def side(self) -> str:
        return self._loader.notation

    @property
    def phase(self) -> EnginePhase:
        return self._loader.phase

    @property
    def context_used(self) -> int:
        """Tokens in the context after the last answer; before one, what the pack takes."""
        return self._context_used or self._loader.pack_tokens

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

    # --- the side ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to load the side's model and read its prompt in the background; returns at once."""
        if self._store_trouble is not None:
            self._tell(StoreTrouble(self._store_trouble))
        self._loader.start()

    async def set_side(self, side: str) -> None:
        """Answer with another side from now on. Raises UrialError when it cannot be used; the old one stays then."""
        self._not_while_busy("change the side")
        active = await self._loader.change(side)
        self._chosen_sampling = None
        self._dropped = self._context_used = 0
        if self.session is not None and self._locked is None:
            await self._stored(lambda: self._store.set_side(self._session_id, active.notation))

    async def set_pack(self, pack_id: str) -> None:
        """The same model with another pack."""
        await self.set_side(str(parse_side(self.side).with_style(pack_id)))

    async def set_sampling(self, sampling: Sampling, max_tokens: int) -> None:
        """For the next answers, until the side changes."""
        self._chosen_sampling = (sampling, max_tokens)

    # --- sessions ---------------------------------------------------------------------------------------------------

    async def sessions(self, query: str = "") -> list[Session]:
        return await self._store.sessions(query=query)

    async def search(self, query: str) -> list[Hit]:
        """Messages and titles that match, with a snippet each."""
        return await self._store.search(query)

    async def open_session(self, session_id: str) -> None:
        """Show a stored session. One that another program writes is shown too; answering in it is refused."""
        self._not_while_busy("open another session")
        session = await self._store.session(session_id)
        await self._unlock()
        self._locked = None
        try:
            await self._store.lock(session_id, PROGRAM)
        except StoreError as error:
            self._locked = error
        self.session = session
        self._dropped = 0
        await self._show(session.leaf_id)
        if self._locked is not None:
            self._tell(Trouble(self._locked))
        if session.side != self.side:
            await self._follow(session.side)

    async def _follow(self, side: str) -> None:
        """Answer with the session's own side; where it cannot be used any more, say so and keep the present one."""
        try:
            await self._loader.change(side)
        except UrialError as error:
            self._tell(Trouble(error))
            return
        self._chosen_sampling = None

    async def take_over(self) -> None:
        """Write the open session although another program holds its lock (it is gone, or on another machine)."""
        if self.session is None or self._locked is None:
            return
        await self._store.lock(self._session_id, PROGRAM, take_over=True)
        self._locked = None
        await self._show(self.session.leaf_id)

    async def new_session(self) -> None:
        """Leave the session; the next message begins a new one."""
        self._not_while_busy("begin a new session")
        await self._unlock()
        self.session, self.messages = None, ()
        self._locked = None
        self._dropped = 0
        self._context_used = 0
        self._tell(BranchChanged("", ()))

    async def rename(self, session_id: str, title: str) -> None:
        await self._store.set_title(session_id, title)
        if self.session and self.session.id == session_id:
            self.session = await self._store.session(session_id)
        self._tell(SessionsChanged())

    async def delete(self, session_id: str) -> None:
        if self.session and self.session.id == session_id:
            await self.new_session()
        else:
            await self._store.lock(session_id, PROGRAM)
        await self._store.delete_session(session_id)
        self._tell(SessionsChanged())

    async def _show(self, leaf_id: str | None) -> None:
        self.messages = tuple(await self._store.branch(leaf_id)) if leaf_id else ()
        self._context_used = await self._used_by_branch()
        self._tell(BranchChanged(self._session_id, self.messages))

    async def _used_by_branch(self) -> int:
        """Tokens that the last answer of the branch left in the context; 0 when it is not known."""
        for message in reversed(self.messages):
            if message.role == "assistant":
                generation = await self._store.generation_of(message.id)
                end = generation.end if generation else None
                return end.prompt_tokens + end.completion_tokens if end else 0
        return 0

    @property
    def _session_id(self) -> str:
        return self.session.id if self.session else ""

    async def _unlock(self) -> None:
        if self.session is not None and self._locked is None:
            with contextlib.suppress(StoreError):
                await self._store.unlock(self.session.id)

    # --- drafts -----------------------------------------------------------------------------------------------------

    async def save_draft(self, text: str) -> None:
        """Keep what is written and not sent. A history that cannot be written does not matter here: it is said once
        when a message is sent."""
        with contextlib.suppress(StoreError):
            await self._store.save_draft(self._session_id or None, text)

    async def draft(self) -> str:
        return await self._store.draft(self._session_id or None)

    # --- turns ------------------------------------------------------------------------------------------------------

    async def send(self, text: str, prefill: str = "") -> None:
        """Commit the user's message and begin the answer; returns when both are on their way."""
        _refuse_empty(text)
        with self._begin("send"):
            draft_of = self._session_id or None
            if self.session is None:
                self.session = await self._stored(lambda: self._store.create_session(self.side))
                await self._stored(lambda: self._store.lock(self._session_id, PROGRAM))
            parent = self.messages[-1].id if self.messages else None
            user = await self._stored(
                lambda: self._store.add_user_message(self._session_id, parent, text)
            )
            with contextlib.suppress(StoreError):
                await self._store.save_draft(draft_of, "")
            self.messages = (*self.messages, user)
            self._tell(MessageAdded(user))
            self._tell(SessionsChanged())
            await self._answer(prefill=prefill)

    async def edit_and_resend(self, message_id: str, text: str) -> None:
        """Another version of a user's message, as a new branch, and an answer to it."""
        _refuse_empty(text)
        with self._begin("edit"):
            original = self._visible(message_id)
            if original.role != "user":
                raise UsageError(
                    "only your own messages can be edited", hint="Select one of your messages."
                )
            parent = original.parent_id
            user = await self._stored(
                lambda: self._store.add_user_message(self._session_id, parent, text)
            )
            self._go_back_to((*self._before(message_id), user))
            await self._answer()

    async def regenerate(self, message_id: str | None = None) -> None:
        """Another answer to the same message, as a new branch beside the old one."""
        with self._begin("regenerate"):
            answer = self._answer_of(message_id)
            if answer is None:
                if not self.messages or self.messages[-1].role != "user":
                    raise UsageError(
                        "there is no answer to regenerate", hint="Send a message first."
                    )
                await self._answer()
                return
            versions = await self._store.siblings(answer.id)
            self._go_back_to(self._before(answer.id))
            await self._answer(prefill=answer.prefill, attempt=len(versions))

    async def continue_answer(self, message_id: str | None = None) -> None:
        """Go on from where an answer ended, from its stored tokens, as a new branch beside it."""
        with self._begin("continue"):
            answer = self._answer_of(message_id)
            if answer is None:
                raise UsageError("there is no answer to continue", hint="Send a message first.")
            active = await self._loader.ready()
            resume = await resumption(self._store, answer, active, self.n_ctx)
            if resume is not None and resume.ended:
                raise UsageError(
                    "the model ended this answer by itself, there is nothing to continue",
                    hint="Regenerate it, or send a further message.",
                )
            self._go_back_to(self._before(answer.id))
            content = resume.text if resume is not None else answer.content
            await self._answer(prefill=answer.prefill, content=content, resume=resume)

    async def stop(self) -> None:
        """End the running answer; what was written is kept. Returns when it has ended."""
        await self._answering.stop()

    def _go_back_to(self, messages: tuple[Message, ...]) -> None:
        """Show an earlier point of the branch, from which another one begins."""
        self.messages = messages
        self._dropped = 0
        self._tell(BranchChanged(self._session_id, messages))

    async def switch_sibling(self, message_id: str, step: int) -> None:
        """Show the branch through the next (+1) or previous (-1) version of a message."""
        self._not_while_busy("switch the branch")
        siblings = await self._store.siblings(message_id)
        ids = [message.id for message in siblings]
        if message_id not in ids or len(ids) < 2:
            return
        other = ids[(ids.index(message_id) + step) % len(ids)]
        leaf = await self._store.leaf_below(other)
        if self._locked is None:
            await self._stored(lambda: self._store.set_leaf(self._session_id, leaf.id))
        self._dropped = 0
        await self._show(leaf.id)

    async def siblings(self, message_id: str) -> tuple[int, int]:
        """(position from 1, how many) among the versions of a message."""
        return (await self._store.versions([message_id]))[message_id]

    async def versions(self) -> dict[str, tuple[int, int]]:
        """(position from 1, how many) among its versions, for each message of the visible branch."""
        return await self._store.versions([message.id for message in self.messages])

    # --- packs and export -------------------------------------------------------------------------------------------

    async def pack_cost(self, pack_id: str) -> int:
        """Tokens that the pack's constant part takes on the loaded model."""
        return await self._loader.pack_cost(pack_id)

    async def preview(self, pack_id: str) -> str:
        """The exact text that the pack puts before and around a message."""
        other = await self._loader.with_pack(pack_id)
        return other.style.render([PromptTurn("user", "…")]).text

    async def export_markdown(self) -> str:
        return as_markdown(self.session, self.messages, self.side)

    async def aclose(self) -> None:
        """Keep the running answer as far as it got, and give the session back."""
        with contextlib.suppress(UrialError):
            await self.stop()
        await self._loader.aclose()
        await self._unlock()

    # --- one answer -------------------------------------------------------------------------------------------------

    async def _answer(
        self,
        *,
        prefill: str = "",
        content: str = "",
        resume: Resumption | None = None,
        attempt: int = 0,
    ) -> None:
        user, content = self.messages[-1], content or prefill
        answer = await self._stored(
            lambda: self._store.begin_answer(
                self._session_id, user.id, prefill=prefill, content=content
            )
        )
        branch = self.messages
        self.messages = (*branch, answer)
        self._tell(MessageAdded(answer, queued=not self._loader.is_ready))
        self._answering.begin(
            branch,
            answer,
            lambda: (self.sampling, self.max_tokens),
            resume=resume,
            attempt=attempt,
            at_least_dropped=self._dropped,
        )

    def _ended(self, outcome: Outcome) -> None:
        self.messages = (*self.messages[:-1], outcome.message)
        finished = outcome.finished
        if finished is not None:
            self._dropped = outcome.dropped
            used = finished.prompt_tokens + finished.completion_tokens
            grown = used - self._context_used if self._context_used else 0
            self._context_used = used
            room = max(grown, answer_room(self.max_tokens, self.n_ctx))
            if used + room > self.n_ctx * 0.95:
                self._tell(ContextNotice("near", used, self.n_ctx, self._dropped))
        self._tell(SessionsChanged())

    # --- guards -----------------------------------------------------------------------------------------------------

    def _not_while_busy(self, what: str) -> None:
        if self.busy:
            raise UsageError(
                f"cannot {what} while an answer is being written", hint="Stop it first (Escape)."
            )

    @contextlib.contextmanager
    def _begin(self, what: str) -> Iterator[None]:
        """From here to the answer's beginning nothing else may begin. Raises what speaks against it."""
        self._not_while_busy(what)
        if self._locked is not None:
            raise self._locked
        self._beginning = True
        self._answering.prepare()
        try:
            yield
        finally:
            self._beginning = False

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

    def _answer_of(self, message_id: str | None) -> Message | None:
        """The named answer, or the one that follows the named question, or the last one."""
        if message_id is None:
            return next((m for m in reversed(self.messages[-1:]) if m.role == "assistant"), None)
        message = self._visible(message_id)
        if message.role == "assistant":
            return message
        following = self.messages[self.messages.index(message) + 1 :]
        return following[0] if following else None

    async def _stored(self, write: Callable[[], Awaitable[T]]) -> T:
        return await keep_writing(self._store, write, lambda error: self._tell(StoreTrouble(error)))


def _refuse_empty(text: str) -> None:
    if not text.strip():
        raise UsageError("the message is empty", hint="Write something first.")
