"""One open conversation: which session and branch is visible, which side answers, what runs now.

The TUI holds one `Chat` and calls its coroutines; everything that happens comes back through the listener, in the same
event loop. Work on the engine runs in tasks of this object, so no call blocks for as long as an answer takes.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

from msgspec import structs

from urial_tui.chat.active import ActiveSide
from urial_tui.chat.answering import Answering
from urial_tui.chat.events import (
    BranchChanged,
    ChatEvent,
    ContextNotice,
    MessageAdded,
    SessionsChanged,
    StoreTrouble,
)
from urial_tui.chat.fitting import answer_room
from urial_tui.chat.inspecting import Inspecting
from urial_tui.chat.noise import Measurements
from urial_tui.chat.pair_list import FindPairs
from urial_tui.chat.pairing import IDLE_SECONDS
from urial_tui.chat.resuming import Resumption, resumption
from urial_tui.chat.sessions import PROGRAM
from urial_tui.chat.transcript import as_markdown
from urial_tui.chat.turn import Outcome
from urial_tui.engine.api import Engine
from urial_tui.engine.protocol import Sampling
from urial_tui.errors import StoreError, UrialError, UsageError
from urial_tui.prompts.styles import DEFAULT_PACK, Style
from urial_tui.prompts.types import Turn as PromptTurn
from urial_tui.sides import parse_side
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import Draft, Message

Listener = Callable[[ChatEvent], None]


class Chat(Inspecting):
    """`resolve` turns SIDE text into an ActiveSide; it may take a while and raises UrialError.

    `references` None: what suits the generator. `default_pack` is the one of suggested pairs; `find_pairs` finds more,
    with other models. Without `measurements` what is measured is forgotten at the end; it is measured after
    `idle_seconds` in which nothing happened.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        store: AsyncStore,
        resolve: Callable[[str], Awaitable[ActiveSide]],
        side: str,
        listener: Listener,
        trouble: StoreError | None = None,
        measurements: Measurements | None = None,
        references: tuple[str, ...] | None = None,
        scoring: bool = True,
        default_pack: str = DEFAULT_PACK,
        find_pairs: FindPairs | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        super().__init__(
            engine,
            store,
            resolve,
            side,
            listener,
            measurements=measurements,
            references=references,
            scoring=scoring,
            default_pack=default_pack,
            find_pairs=find_pairs,
            idle_seconds=idle_seconds,
        )
        self._answering = Answering(
            engine,
            store,
            self._loader,
            self._traced,
            self._ended,
            self._pairing.ready,
            self._died,
            self._pairing.soon,
        )
        self._store_trouble = trouble

    # --- the side ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to load the side's model and read its prompt in the background; returns at once."""
        if self._store_trouble is not None:
            self._tell(StoreTrouble(self._store_trouble))
        self._loader.start()

    async def set_side(self, side: str) -> None:
        """Answer with another side from now on. Raises UrialError when it cannot be used; the old one stays then."""
        self._not_while_busy("change the side")
        await self._rescoring.stop()
        talk = self.context_used - self._loader.pack_tokens
        active = await self._loader.change(side)
        self._chosen_sampling = None
        self._dropped = self._context_used = 0
        self._talk_tokens = max(talk, 0)
        if self.session is not None and self._locked is None:
            await self._stored(Store.set_side, self._session_id, active.notation)

    async def reload(self) -> None:
        """Load the side again, with its options as they are resolved now. Raises UrialError; it stays loaded then."""
        self._not_while_busy("load the model again")
        await self._rescoring.stop()
        await self._loader.change(self.side)

    async def set_pack(self, pack_id: str) -> None:
        """The same model with another pack."""
        await self.set_side(str(parse_side(self.side).with_style(pack_id)))

    async def set_sampling(self, sampling: Sampling, max_tokens: int) -> None:
        """For the next answers, until the side changes."""
        self._chosen_sampling = (sampling, max_tokens)

    def take_sampling(self, name: str, values_of: Callable[[Style], tuple[Sampling, int]]) -> None:
        """One value of the settings is another one: take it, by name, for the next answers. `values_of` is what
        settings and a style's pack say together."""
        active = self._loader.active
        if active is None:
            return  # a side that is made active reads the settings itself
        sampling, max_tokens = values_of(active.style)
        if name == "max_tokens":
            self._chosen_sampling = (self.sampling, max_tokens)
        else:
            changed = {name: getattr(sampling, name)}
            self._chosen_sampling = (structs.replace(self.sampling, **changed), self.max_tokens)

    # --- turns ------------------------------------------------------------------------------------------------------

    async def send(self, text: str, prefill: str = "") -> None:
        """Commit the user's message and begin the answer; returns when both are on their way."""
        _refuse_empty(text)
        async with self._begin("send"):
            draft_of = self._session_id or None
            if self.session is None:
                self.session = await self._stored(Store.create_session, self.side)
                await self._stored(Store.lock, self._session_id, PROGRAM)
            parent = self.messages[-1].id if self.messages else None
            user = await self._stored(Store.add_user_message, self._session_id, parent, text)
            with contextlib.suppress(StoreError):
                await self._store.call(Store.save_draft, draft_of, Draft())
                # It may have a title now.
                self.session = await self._store.call(Store.session, self._session_id)
            self.messages = (*self.messages, user)
            self._tell(MessageAdded(user))
            self._tell(SessionsChanged())
            await self._answer(prefill=prefill)

    async def edit_and_resend(self, message_id: str, text: str) -> None:
        """Another version of a user's message, as a new branch, and an answer to it."""
        _refuse_empty(text)
        async with self._begin("edit"):
            original = self._visible(message_id)
            if original.role != "user":
                raise UsageError(
                    "only your own messages can be edited", hint="Select one of your messages."
                )
            parent = original.parent_id
            user = await self._stored(Store.add_user_message, self._session_id, parent, text)
            self._go_back_to((*self._before(message_id), user))
            await self._answer()

    async def regenerate(self, message_id: str | None = None) -> None:
        """Another answer to the same message, as a new branch beside the old one."""
        async with self._begin("regenerate"):
            answer = self._answer_of(message_id)
            if answer is None:
                if not self.messages or self.messages[-1].role != "user":
                    raise UsageError(
                        "there is no answer to regenerate", hint="Send a message first."
                    )
                await self._answer()
                return
            versions = await self._store.call(Store.siblings, answer.id)
            self._go_back_to(self._before(answer.id))
            await self._answer(prefill=answer.prefill, attempt=len(versions))

    async def continue_answer(self, message_id: str | None = None) -> None:
        """Go on from where an answer ended, from its stored tokens, as a new branch beside it. A stop while the
        model is being loaded leaves everything as it is."""
        async with self._begin("continue"):
            answer = self._answer_of(message_id)
            if answer is None:
                raise UsageError("there is no answer to continue", hint="Send a message first.")
            active = await self._answering.unless_stopped(self._loader.ready())
            if active is None:
                return
            resume = await resumption(self._store, answer, active, self.n_ctx)
            if resume is not None and resume.ended:
                raise UsageError(
                    "the model ended this answer by itself, there is nothing to continue",
                    hint="Regenerate it, or send a further message.",
                )
            self._go_back_to(self._before(answer.id))
            content = resume.text if resume is not None else answer.content
            await self._answer(prefill=answer.prefill, content=content, resume=resume)

    async def branch_from(self, message_id: str, i: int, token_id: int) -> None:
        """Another version of an answer, as a new branch beside it: its tokens before number `i`, then `token_id`, then
        what the model writes after that. A stop while the model is being loaded leaves everything as it is."""
        async with self._begin("branch"):
            answer = self._visible(message_id)
            active = await self._answering.unless_stopped(self._loader.ready())
            if active is None:
                return
            resume = await resumption(self._store, answer, active, self.n_ctx)
            if resume is None:
                raise UsageError(
                    "the present side did not write this answer, or its context is too small for it",
                    hint="Choose the side that wrote it, or regenerate the answer.",
                )
            kept = tuple(token for token in resume.tokens if token.i < i)
            resume = replace(resume, tokens=kept, ended=False, forced=(token_id,))
            self._go_back_to(self._before(answer.id))
            await self._answer(prefill=answer.prefill, content=resume.text, resume=resume)

    async def stop(self) -> None:
        """End the running answer, or scoring; what was written is kept. Returns when it has ended."""
        await self._answering.stop()
        await self._rescoring.stop()

    def _go_back_to(self, messages: tuple[Message, ...]) -> None:
        """Show an earlier point of the branch, from which another one begins."""
        self.messages = messages
        self._dropped = 0
        self._tell(BranchChanged(self._session_id, messages))

    # --- packs and export -------------------------------------------------------------------------------------------

    async def pack_cost(self, pack_id: str) -> int:
        """Tokens that the pack's constant part takes on the loaded model."""
        return await self._loader.pack_cost(pack_id)

    async def preview(self, pack_id: str) -> str:
        """The exact text that the pack puts before and around a message."""
        other = await self._loader.with_pack(pack_id)
        return (await asyncio.to_thread(other.style.render, [PromptTurn("user", "…")])).text

    async def export_markdown(self) -> str:
        return as_markdown(self.session, self.messages, self.side)

    async def aclose(self) -> None:
        """Keep the running answer as far as it got, and give the session back."""
        with contextlib.suppress(UrialError):
            await self.stop()
        self._pairs.stop()
        await self._pairing.aclose()
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
            Store.begin_answer, self._session_id, user.id, prefill=prefill, content=content
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
        self._quiet.end()
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

    @contextlib.asynccontextmanager
    async def _begin(self, what: str) -> AsyncIterator[None]:
        """From here to the answer's beginning nothing else may begin, and no other session becomes the open one. Raises
        what speaks against it."""
        async with self._alone(what):
            if self._locked is not None:
                raise self._locked
            self._beginning = True
            self._answering.prepare()
            try:
                await self._rescoring.stop()
                self._quiet.begin()
                yield
            finally:
                if self.session is not None and self.session.deleted_at is not None:
                    with contextlib.suppress(StoreError):  # what was written to has left the bin
                        self.session = await self._store.call(Store.session, self._session_id)
                    self._tell(SessionsChanged())
                self._beginning = False
                if not self._answering.busy:
                    self._quiet.end()

    def _answer_of(self, message_id: str | None) -> Message | None:
        """The named answer, or the one that follows the named question, or the last one."""
        if message_id is None:
            return next((m for m in reversed(self.messages[-1:]) if m.role == "assistant"), None)
        message = self._visible(message_id)
        if message.role == "assistant":
            return message
        following = self.messages[self.messages.index(message) + 1 :]
        return following[0] if following else None


def _refuse_empty(text: str) -> None:
    if not text.strip():
        raise UsageError("the message is empty", hint="Write something first.")
