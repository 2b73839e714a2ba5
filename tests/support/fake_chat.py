"""A chat that keeps everything in memory and does what a test tells it: no store, no engine.

It records every call in `calls` and emits the events that the real one emits, in the same order.
`auto` answers each message at once with `answer`; without it the test drives an answer with
`begin`, `stream` and `end`.
"""

import asyncio
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.support.scripted_engine import ScriptedEngine
from tests.support.traces import empty_trace, pieces_of, scores_of
from urial_tui.chat.differences import Written
from urial_tui.chat.events import (
    BranchChanged,
    ChatEvent,
    ContextNotice,
    EngineStatus,
    MessageAdded,
    PairChanged,
    SessionsChanged,
    SideReady,
    StoreTrouble,
    TextStreamed,
    TokensScored,
    TraceEnded,
    TraceStarted,
    Trouble,
    TurnEnded,
    TurnStarted,
)
from urial_tui.chat.pair import Pair, PairStatus, ReferenceStatus
from urial_tui.engine.protocol import ContextInfo, ContextSpec, Finished, Sampling, Timings, Token
from urial_tui.errors import UrialError
from urial_tui.shift.records import TokenScore
from urial_tui.store.sessions.outline import OutlineRow
from urial_tui.store.types import (
    Draft,
    Hit,
    Message,
    Session,
    SessionFilter,
    ShiftTotals,
    Status,
    Trace,
)

NOW = "2026-03-01T10:00:00.000Z"


class FakeChat:
    """See the module. Ids are s1, s2, … and m1, m2, … in the order in which things are made."""

    def __init__(
        self,
        listener: Callable[[ChatEvent], None],
        *,
        answer: str = "Walking is good for you.",
        auto: bool = True,
        ready: bool = True,
        side: str = "demo@urial-general",
    ) -> None:
        self.emit = listener
        self.answer = answer
        self.auto = auto
        self.side = side
        self.phase = "idle"
        self.busy = False
        self.sampling = Sampling(temperature=0.7)
        self.max_tokens = 512
        self.context_used = 0
        self.n_ctx = 4096
        self.session: Session | None = None
        self.locked: UrialError | None = None
        self.holders: dict[str, UrialError] = {}
        """Why a session cannot be written, by its id."""
        self.calls: list[tuple[Any, ...]] = []
        self.errors: dict[str, UrialError] = {}
        """Raised by the method of that name, once."""
        self.drafts: dict[str | None, str] = {}
        self.beginnings: dict[str | None, str] = {}
        self.closed = False
        self.is_ready = ready
        self.went = asyncio.Event()
        self._sessions: dict[str, Session] = {}
        self._messages: dict[str, Message] = {}
        self._visible: list[str] = []
        self._numbers = itertools.count(1)
        self._streamed = 0
        self.queued: list[str] = []
        self.pair = PairStatus(side)
        """Without references, as an old conversation has it; `compare` sets some."""
        self.scoring_message: str | None = None
        self.traces: dict[str, Trace] = {}
        """Stored traces by message id."""
        self.numbers: dict[str, OutlineRow] = {}
        """What is known of answers, by message id; messages are as they are."""
        self.unlikely_pairs: tuple[Pair, ...] = ()
        self.all_pairs = (
            Pair("demo@urial-general", ("demo@zero-shot",), "What the prompt does"),
            Pair("demo+sft@chat", ("demo@raw",), "What tuning does"),
        )

    # --- state ------------------------------------------------------------------------------

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(self._messages[i] for i in self._visible)

    def add_session(
        self, title: str, turns: Sequence[str] = (), updated: str = NOW, side: str = ""
    ) -> Session:
        """A session of the past, with alternating messages."""
        name = f"s{len(self._sessions) + 1}"
        session = Session(name, title, side or self.side, NOW, updated, None)
        self._sessions[session.id] = session
        parent: str | None = None
        for index, text in enumerate(turns):
            role = "user" if index % 2 == 0 else "assistant"
            parent = self._new(session.id, parent, role, text, "complete").id
        changed = dataclasses.replace(session, leaf_id=parent, n_messages=len(turns))
        self._sessions[session.id] = changed
        return changed

    def _new(
        self, session_id: str, parent: str | None, role: Any, text: str, status: Status
    ) -> Message:
        message = Message(f"m{next(self._numbers)}", session_id, parent, role, text, status, NOW)
        self._messages[message.id] = message
        return message

    def _path(self, leaf: str | None) -> list[str]:
        path: list[str] = []
        while leaf is not None:
            path.append(leaf)
            leaf = self._messages[leaf].parent_id
        return path[::-1]

    def _called(self, name: str, *arguments: Any) -> None:
        self.calls.append((name, *arguments))
        self.went.set()
        if name in self.errors:
            raise self.errors.pop(name)

    def called(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of each call of `name`."""
        return [call[1:] for call in self.calls if call[0] == name]

    # --- the chat's interface ---------------------------------------------------------------

    async def start(self) -> None:
        self._called("start")
        self.set_phase("loading", 400, 1000)
        if self.is_ready:
            self.make_ready()

    def set_phase(self, phase: Any, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.phase = phase
        self.emit(EngineStatus(phase, done, total, detail))

    def make_ready(self) -> None:
        """The model is loaded and the pack is in the context; what waited begins."""
        self.is_ready = True
        info: ContextInfo = ScriptedEngine(n_ctx=self.n_ctx).info(ContextSpec("demo.gguf"))
        self.context_used = self.context_used or 1021
        self.emit(SideReady(self.side, info, 1021))
        self.set_phase("ready")
        if self.queued:
            self._write(self.queued.pop())

    async def open_session(self, session_id: str) -> None:
        self._called("open_session", session_id)
        self.session = self._sessions[session_id]
        self.locked = self.holders.get(session_id)
        self._show(self.session.leaf_id)
        if self.locked is not None:
            self.emit(Trouble(self.locked))
        self.side = self.session.side

    async def take_over(self) -> bool:
        self._called("take_over")
        assert self.session is not None
        self.locked = None
        del self.holders[self.session.id]
        self._show(self.session.leaf_id)
        return True

    async def relock(self) -> bool:
        if self.session is None or self.locked is None or self.session.id in self.holders:
            return False
        self.locked = None
        self._show(self.session.leaf_id)
        return True

    def _show(self, leaf: str | None) -> None:
        assert self.session is not None
        self._visible = self._path(leaf)
        self.emit(BranchChanged(self.session.id, self.messages))

    async def new_session(self) -> None:
        self._called("new_session")
        self.session, self.locked = None, None
        self._visible = []
        self.emit(BranchChanged("", ()))
        self.emit(SessionsChanged())

    async def send(self, text: str, prefill: str = "") -> None:
        self._called("send", text, prefill)
        if self.locked is not None:
            raise self.locked
        self._ensure_session(text)
        assert self.session is not None
        parent = self._visible[-1] if self._visible else None
        self._user(parent, text, prefill, MessageAdded)

    def _ensure_session(self, text: str) -> None:
        if self.session is None:
            self.session = self.add_session(text[:40])
            self.emit(SessionsChanged())

    def _user(
        self, parent: str | None, text: str, prefill: str, event: Callable[[Message], ChatEvent]
    ) -> None:
        assert self.session is not None
        user = self._new(self.session.id, parent, "user", text, "complete")
        self._visible.append(user.id)
        self.busy = True
        self.emit(event(user))
        answer = self._begin(user.id, prefill)
        if self.is_ready:
            self._write(answer)
        else:
            self.queued = [answer]

    def _answer(self, user_id: str, prefill: str = "") -> None:
        self._write(self._begin(user_id, prefill))

    def _write(self, answer: str) -> None:
        """Write the answer that is on screen, by itself when `auto` is set."""
        self._start(answer)
        if self.auto:
            for word in self.answer.split(" "):
                self.stream((" " if self._streamed else "") + word)
            self.end(answer_id=answer)

    def begin(self, user_id: str, prefill: str = "", content: str = "") -> str:
        """An answer appears and begins; the test streams into it. Its id."""
        answer = self._begin(user_id, prefill, content)
        self._start(answer)
        return answer

    def _begin(self, user_id: str, prefill: str = "", content: str = "") -> str:
        assert self.session is not None
        self.busy = True
        self._streamed = 0
        answer = self._new(self.session.id, user_id, "assistant", content or prefill, "interrupted")
        answer = dataclasses.replace(answer, prefill=prefill)
        self._messages[answer.id] = answer
        self._visible = self._path(answer.id)
        self.emit(MessageAdded(answer, queued=not self.is_ready))
        return answer.id

    def _start(self, answer_id: str) -> None:
        self.set_phase("generating")
        self.emit(TurnStarted(answer_id, 1100, self.n_ctx, 1021))

    def stream(self, text: str) -> None:
        answer = self._messages[self._visible[-1]]
        raw = text.encode()
        token = Token(1, self._streamed, 100 + self._streamed, raw, text, len(raw))
        self._streamed += 1
        self._messages[answer.id] = dataclasses.replace(answer, content=answer.content + text)
        self.context_used = 1100 + self._streamed
        self.emit(TextStreamed(answer.id, text, (token,)))

    def end(
        self,
        status: Status = "complete",
        reason: str = "stop",
        error: UrialError | None = None,
        answer_id: str | None = None,
    ) -> None:
        answer = self._messages[answer_id or self._visible[-1]]
        words = error.message if error else ""
        answer = dataclasses.replace(answer, status=status, error=words)
        self._messages[answer.id] = answer
        self._settle()
        self.busy = False
        timings = Timings(0.5, 0.05, 1021, 0.09, 1.0, 34.1)
        finished = Finished(1, reason, 1100, self._streamed, timings, "", 42)
        self.emit(TurnEnded(answer, None if error else finished, error))
        self.set_phase("failed" if error else "ready")
        self.emit(SessionsChanged())

    def _settle(self) -> None:
        assert self.session is not None
        self.session = dataclasses.replace(
            self.session, leaf_id=self._visible[-1], n_messages=len(self._visible)
        )
        self._sessions[self.session.id] = self.session

    async def stop(self) -> None:
        self._called("stop")
        if self.scoring_message is not None:
            self.end_trace(self.scoring_message)
        if not self.busy:
            return
        if self.queued:
            self.queued.clear()
        self.end("stopped", "cancelled")

    async def regenerate(self, message_id: str | None = None) -> None:
        self._called("regenerate", message_id)
        target = message_id or self._visible[-1]
        message = self._messages[target]
        user = target if message.role == "user" else message.parent_id
        assert user is not None
        self._visible = self._path(user)
        self._show(user)
        self._answer(user)

    async def continue_answer(self, message_id: str | None = None) -> None:
        self._called("continue_answer", message_id)
        message = self._messages[message_id or self._visible[-1]]
        assert message.parent_id is not None
        self._show(message.parent_id)
        answer = self.begin(message.parent_id, content=message.content)
        if self.auto:
            self.stream(" And it goes on.")
            self.end(answer_id=answer)

    async def edit_and_resend(self, message_id: str, text: str) -> None:
        self._called("edit_and_resend", message_id, text)
        message = self._messages[message_id]
        self._visible = self._path(message.parent_id)
        self._user(
            message.parent_id,
            text,
            "",
            lambda user: BranchChanged(user.session_id, self.messages),
        )

    async def switch_sibling(self, message_id: str, step: int) -> None:
        self._called("switch_sibling", message_id, step)
        siblings = self._siblings(message_id)
        index = (siblings.index(message_id) + step) % len(siblings)
        leaf = siblings[index]
        while below := [m.id for m in self._messages.values() if m.parent_id == leaf]:
            leaf = below[-1]
        self._show(leaf)

    async def show_branch(self, message_id: str) -> None:
        self._called("show_branch", message_id)
        if message_id in self._visible:
            return
        while below := [m.id for m in self._messages.values() if m.parent_id == message_id]:
            message_id = below[-1]
        self._show(message_id)

    async def outline(self) -> list[OutlineRow]:
        self._called("outline")
        assert self.session is not None
        return [
            dataclasses.replace(
                self.numbers.get(m.id, OutlineRow(m.id, m.parent_id, m.role, m.status, NOW, "")),
                parent_id=m.parent_id,
                beginning=m.content[:400],
            )
            for m in self._messages.values()
            if m.session_id == self.session.id
        ]

    async def written(self, message_id: str) -> Written:
        self._called("written", message_id)
        return Written(self._messages[message_id].content)

    def _siblings(self, message_id: str) -> list[str]:
        message = self._messages[message_id]
        return [
            m.id
            for m in self._messages.values()
            if m.parent_id == message.parent_id and m.session_id == message.session_id
        ]

    async def siblings(self, message_id: str) -> tuple[int, int]:
        return self._position(message_id)

    def _position(self, message_id: str) -> tuple[int, int]:
        all_of_them = self._siblings(message_id)
        return all_of_them.index(message_id) + 1, len(all_of_them)

    async def versions(self) -> dict[str, tuple[int, int]]:
        self._called("versions")
        return {message_id: self._position(message_id) for message_id in self._visible}

    async def set_side(self, side: str) -> None:
        self._called("set_side", side)
        self.side = side
        await self.start()

    async def reload(self) -> None:
        self._called("reload")

    async def set_pack(self, pack_id: str) -> None:
        self._called("set_pack", pack_id)
        self.side = self.side.partition("@")[0] + "@" + pack_id
        self.emit(EngineStatus(self.phase))

    async def set_sampling(self, sampling: Sampling, max_tokens: int) -> None:
        self._called("set_sampling", sampling, max_tokens)
        self.sampling, self.max_tokens = sampling, max_tokens

    async def sessions(
        self, wanted: SessionFilter | str = "", limit: int = 200, offset: int = 0
    ) -> list[Session]:
        self._called("sessions", wanted)
        found = sorted(self._sessions.values(), key=lambda s: s.updated_at, reverse=True)
        found.sort(key=lambda s: not s.pinned)
        return [s for s in found if self._matches(s, wanted)][offset : offset + limit]

    async def count_sessions(self, wanted: SessionFilter | str = "") -> int:
        return sum(self._matches(s, wanted) for s in self._sessions.values())

    def _matches(self, session: Session, wanted: SessionFilter | str) -> bool:
        """By query, tags, pin, archive and bin; a fake has no other numbers."""
        it = SessionFilter(wanted) if isinstance(wanted, str) else wanted
        shown = {"no": (False,), "yes": (False, True), "only": (True,)}
        texts = [m.content for m in self._messages.values() if m.session_id == session.id]
        query = it.query.strip().lower()
        return (
            (not query or any(query in text.lower() for text in [session.title, *texts]))
            and set(it.tags) <= set(session.tags)
            and it.pinned in (None, session.pinned)
            and session.archived in shown[it.archived]
            and (session.deleted_at is not None) in shown[it.deleted]
        )

    async def search(
        self, query: str, wanted: SessionFilter | None = None, limit: int = 50
    ) -> list[Hit]:
        self._called("search", query)
        word = query.strip()
        it = dataclasses.replace(wanted or SessionFilter(), query="")
        return [
            Hit(
                m.session_id,
                m.id,
                self._sessions[m.session_id].title,
                m.content.replace(word, f"\x02{word}\x03"),
            )
            for m in self._messages.values()
            if word in m.content and self._matches(self._sessions[m.session_id], it)
        ][:limit]

    def _set(self, session_id: str, **changes: Any) -> None:
        self._sessions[session_id] = dataclasses.replace(self._sessions[session_id], **changes)
        self.emit(SessionsChanged())

    async def set_pinned(self, session_id: str, pinned: bool) -> None:
        self._called("set_pinned", session_id, pinned)
        self._set(session_id, pinned=pinned)

    async def set_archived(self, session_id: str, archived: bool) -> None:
        self._called("set_archived", session_id, archived)
        self._set(session_id, archived=archived)

    async def change_tags(self, session_id: str, add: Iterable[str], remove: Iterable[str]) -> None:
        self._called("change_tags", session_id, list(add), list(remove))
        tags = (set(self._sessions[session_id].tags) - set(remove)) | set(add)
        self._set(session_id, tags=tuple(sorted(tags)))

    async def tags(self) -> list[tuple[str, int]]:
        every = [tag for session in self._sessions.values() for tag in session.tags]
        return [(tag, every.count(tag)) for tag in sorted(set(every))]

    async def rename(self, session_id: str, title: str) -> None:
        self._called("rename", session_id, title)
        changed = dataclasses.replace(self._sessions[session_id], title=title)
        self._sessions[session_id] = changed
        if self.session is not None and self.session.id == session_id:
            self.session = changed
        self.emit(SessionsChanged())

    async def delete(self, session_id: str) -> None:
        self._called("delete", session_id)
        await self._leave(session_id)
        self._set(session_id, deleted_at=NOW)

    async def _leave(self, session_id: str) -> None:
        if self.session is not None and self.session.id == session_id:
            if self.locked is not None:
                raise self.locked
            await self.new_session()

    async def restore(self, session_id: str) -> None:
        self._called("restore", session_id)
        await asyncio.sleep(0)
        self._set(session_id, deleted_at=None)

    async def delete_for_good(self, session_id: str) -> None:
        self._called("delete_for_good", session_id)
        await self._leave(session_id)
        del self._sessions[session_id]
        self.emit(SessionsChanged())

    async def save_draft(self, draft: Draft) -> None:
        self._called("save_draft", draft)
        if self.locked is None:
            self._keep(self.session.id if self.session else None, draft)

    async def save_for_later(self, draft: Draft) -> None:
        self._keep(None, self._kept(None).before(draft))

    async def draft(self) -> Draft:
        if self.locked is not None:
            return Draft()
        return self._kept(self.session.id if self.session else None)

    def _keep(self, session_id: str | None, draft: Draft) -> None:
        self.drafts[session_id] = draft.text
        self.beginnings[session_id] = draft.beginning

    def _kept(self, session_id: str | None) -> Draft:
        return Draft(self.drafts.get(session_id, ""), self.beginnings.get(session_id, ""))

    async def pack_cost(self, pack_id: str) -> int:
        self._called("pack_cost", pack_id)
        return 1021

    async def preview(self, pack_id: str) -> str:
        self._called("preview", pack_id)
        return (
            f"# Instruction\n\nBelow is a conversation ({pack_id}).\n\n"
            "# Query:\n```\nWhat is a tide?\n```\n\n# Answer:\n```\nA tide is water that rises.\n```\n"
        )

    async def export_markdown(self) -> str:
        self._called("export_markdown")
        return "\n\n".join(f"**{m.role}**\n\n{m.content}" for m in self.messages) + "\n"

    async def aclose(self) -> None:
        self._called("aclose")
        if self.busy:
            await self.stop()
        self.closed = True

    # --- events by themselves ---------------------------------------------------------------

    def notice(self, kind: Any, used: int, dropped: int = 0) -> None:
        self.emit(ContextNotice(kind, used, self.n_ctx, dropped))

    def store_trouble(self, error: UrialError | None) -> None:
        self.emit(StoreTrouble(error))

    # --- token shift ------------------------------------------------------------------------

    def compare(self, *sides: str, **status: Any) -> None:
        """Set ready references."""
        references = tuple(ReferenceStatus(side, "ready", **status) for side in sides)
        self.pair = PairStatus(self.side, references, self.pair.scoring)
        self.emit(PairChanged(self.pair))

    def store_trace(
        self, message_id: str, texts: Sequence[str | bytes], kinds: str, **changes: Any
    ) -> Trace:
        """A stored trace of an answer whose tokens are `texts`; a letter of `kinds` for each."""
        trace = empty_trace(message_id, scores=scores_of(kinds), pieces=pieces_of(texts), **changes)
        self.traces[message_id] = trace
        return trace

    def start_trace(self, message_id: str = "", **changes: Any) -> Trace:
        """Scores of an answer, the last one unless it is named, will follow."""
        message_id = message_id or self._visible[-1]
        trace = empty_trace(message_id, complete=False, **changes)
        self.traces[message_id] = trace
        self.emit(TraceStarted(message_id, trace))
        return trace

    def score_tokens(
        self,
        scores: Sequence[TokenScore],
        pieces: dict[int, bytes] | None = None,
        message_id: str = "",
    ) -> None:
        """More scores of the answer whose trace was started."""
        message_id = message_id or self._visible[-1]
        trace = self.traces[message_id]
        known = pieces or {}
        self.traces[message_id] = dataclasses.replace(
            trace, scores=(*trace.scores, *scores), pieces={**trace.pieces, **known}
        )
        self.emit(TokensScored(message_id, tuple(scores), known))

    def end_trace(self, message_id: str = "", error: UrialError | None = None) -> None:
        message_id = message_id or self._visible[-1]
        trace = dataclasses.replace(self.traces[message_id], complete=error is None)
        self.traces[message_id] = trace
        self.scoring_message = None
        self.emit(TraceEnded(message_id, trace if trace.scores else None, error))

    def pairs(self) -> tuple[Pair, ...]:
        return self.all_pairs

    async def more_pairs(self) -> tuple[Pair, ...]:
        self._called("more_pairs")
        return (*self.all_pairs, *self.unlikely_pairs)

    async def set_references(self, sides: tuple[str, ...]) -> None:
        self._called("set_references", sides)
        self.compare(*sides)

    async def set_scoring(self, on: bool) -> None:
        self._called("set_scoring", on)
        self.pair = dataclasses.replace(self.pair, scoring=on)
        self.emit(PairChanged(self.pair))

    async def next_pair(self) -> None:
        self._called("next_pair")
        generators = [pair.generator for pair in self.all_pairs]
        number = generators.index(self.side) + 1 if self.side in generators else 0
        pair = self.all_pairs[number % len(self.all_pairs)]
        self.side = pair.generator
        self.compare(*pair.references)

    async def trace(self, message_id: str) -> Trace | None:
        self._called("trace", message_id)
        return self.traces.get(message_id)

    async def score(self, message_id: str) -> None:
        self._called("score", message_id)
        self.scoring_message = message_id

    async def branch_from(self, message_id: str, i: int, token_id: int) -> None:
        self._called("branch_from", message_id, i, token_id)
        message = self._messages[message_id]
        assert message.parent_id is not None
        self._show(message.parent_id)
        self._answer(message.parent_id)

    async def shift_totals(self, session_only: bool) -> list[ShiftTotals]:
        self._called("shift_totals", session_only)
        side = self.pair.references[0].side if self.pair.references else "demo@zero-shot"
        return [ShiftTotals(self.side, side, "live", 3, 78, 14, 8, 3, 0.31)]
