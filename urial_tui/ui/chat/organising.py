"""Keeping sessions in order: titles, pins, tags, archive, bin, and taking that back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize_line
from urial_tui.store.types import Session
from urial_tui.ui.chat.drafts import Drafts
from urial_tui.ui.chat.exporting import Exporting
from urial_tui.ui.chat.focus import Focus
from urial_tui.ui.chat.in_hand import InHand
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.sessions import Sessions
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.screens.dialog import AskText, Confirm
from urial_tui.ui.screens.working import Doing, P

if TYPE_CHECKING:
    from urial_tui.chat.chat import Chat

MOST_CHANGES = 50
"""How many changes can be taken back, one after the other."""

Work = Callable[[], Doing]


@dataclass(frozen=True)
class Change:
    """How something that was done to the list is taken back, and what is so again then."""

    undo: Work
    undone: str


class Organising(Part):
    """Everything that changes the list and not what is written in it."""

    def __init__(
        self,
        stage: ChatStage,
        focus: Focus,
        in_hand: InHand,
        drafts: Drafts,
        sessions: Sessions,
        exporting: Exporting,
    ) -> None:
        super().__init__(stage)
        self.focus = focus
        self.in_hand = in_hand
        self.drafts = drafts
        self.sessions = sessions
        self.exporting = exporting
        self._changes: tuple[Change, ...] = ()
        """What can be taken back, the last change last."""
        self._changing = asyncio.Lock()

    def actions(self) -> Actions:
        of_those = ("rename", "pin", "tag", "archive", "delete")
        return {
            "undo_sessions": self.undo,
            **{action: partial(self._ask_in_hand, action) for action in of_those},
        }

    def _ask_in_hand(self, action: str) -> None:
        if self.stage.is_turning:
            self.stage.tell("Another session is being opened; then this can be done to it.")
            return
        self.ask(action, self.in_hand.ids())

    def ask(self, action: str, session_ids: Sequence[str]) -> None:
        sessions = self.in_hand.sessions(session_ids)
        if not sessions or self.stage.chat is None:
            return
        match action:
            case "rename":
                self._ask_title(self.stage.chat, sessions[0])
            case "pin":
                self._in_order(self._pin, self.stage.chat, sessions)
            case "tag":
                self.stage.do(self._ask_tags, self.stage.chat, sessions)
            case "archive":
                self._in_order(self._archive, self.stage.chat, sessions)
            case "delete":
                self._delete(self.stage.chat, sessions)
            case "export":
                self.exporting.export([session.id for session in sessions])

    def _names(self, sessions: Sequence[Session]) -> str:
        if len(sessions) != 1:
            return f"{len(sessions)} sessions"
        return f"“{sanitize_line(sessions[0].title, 40) or 'Untitled'}”"

    # --- titles and tags --------------------------------------------------------------------

    def _ask_title(self, chat: Chat, session: Session) -> None:
        def rename(new: str | None) -> None:
            if new is not None and new != session.title:
                self.stage.do(chat.rename, session.id, new)

        self.stage.app.push_screen(AskText("Rename the session", session.title), rename)

    async def _ask_tags(self, chat: Chat, sessions: Sequence[Session]) -> None:
        """The tags that all of them have can be changed; what is done to them is done to all."""
        before = set(sessions[0].tags).intersection(*(session.tags for session in sessions))
        used = ", ".join(tag for tag, _ in await chat.tags())
        note = f"In use: {used}" if used else "Words to find it by, with commas between them."
        dialog = AskText(
            f"Tags of {self._names(sessions)}", ", ".join(sorted(before)), note=note, may_be_empty=True
        )  # fmt: skip
        text = await self.stage.app.push_screen_wait(dialog)
        if text is None:
            return
        shown = {sanitize_line(tag): tag for tag in before}
        typed = {" ".join(tag.lower().split()) for tag in text.split(",")} - {""}
        after = {shown.get(tag, tag) for tag in typed}
        add, remove = sorted(after - before), sorted(before - after)
        if not (add or remove):
            return
        was = {session.id: set(session.tags) for session in sessions}
        done = await self._each(sessions, lambda one: chat.change_tags(one, add, remove))

        async def undo() -> None:
            for session in done:
                had = was[session.id]
                lost, new = [t for t in remove if t in had], [t for t in add if t not in had]
                await chat.change_tags(session.id, lost, new)

        if done:
            tags = f"The tags of {self._names(done)} are"
            self._done(f"{tags} changed.", undo, f"{tags} as they were.")

    # --- pins, archive, bin -----------------------------------------------------------------

    async def _pin(self, chat: Chat, sessions: Sequence[Session]) -> None:
        """Those that are not pinned, or where all are, all no longer."""
        pin = not all(session.pinned for session in sessions)
        await self._change(
            [session for session in sessions if session.pinned != pin],
            lambda one: chat.set_pinned(one, pin),
            lambda one: chat.set_pinned(one, not pin),
            ("pinned", "no longer pinned") if pin else ("no longer pinned", "pinned again"),
        )

    async def _archive(self, chat: Chat, sessions: Sequence[Session]) -> None:
        """Out of the list; or back, where all are archived or one is in the bin."""
        binned = [session for session in sessions if session.deleted_at is not None]
        if binned:
            words = "out of the bin", "in the bin again"
            await self._change(binned, chat.restore, chat.delete, words)
            return
        archive = not all(session.archived for session in sessions)
        await self._change(
            [session for session in sessions if session.archived != archive],
            lambda one: chat.set_archived(one, archive),
            lambda one: chat.set_archived(one, not archive),
            ("archived (is:archived in the filter shows it)", "back in the list")
            if archive
            else ("back in the list", "archived again"),
        )

    def _delete(self, chat: Chat, sessions: Sequence[Session]) -> None:
        """Into the bin; where all are there, for good after asking."""
        there = [session for session in sessions if session.deleted_at is None]
        if there:
            self._in_order(self._bin, chat, there)
            return

        def delete(sure: bool | None) -> None:
            if sure:
                self._in_order(self._delete_for_good, chat, sessions)

        question = f"{self._names(sessions)} with all messages and versions: this cannot be undone."
        self.stage.app.push_screen(Confirm("Delete for good?", question, "Delete"), delete)

    async def _bin(self, chat: Chat, sessions: Sequence[Session]) -> None:
        open_one = chat.session.id if chat.session is not None else None

        async def back(session_id: str) -> None:
            await chat.restore(session_id)
            if session_id == open_one and chat.session is None and not self.stage.composer.text:
                # Who takes changes back in the list may press the key for the one before, too.
                await self.sessions.go_to(session_id, to_composer=self.focus.place() != "sessions")

        async with self._leaving(chat, sessions):
            await self._change(sessions, chat.delete, back, ("in the bin", "out of the bin again"))

    async def _delete_for_good(self, chat: Chat, sessions: Sequence[Session]) -> None:
        async with self._leaving(chat, sessions):
            await self._each(sessions, chat.delete_for_good)
        self._changes = ()  # some of them may be about these
        self._show_changes()

    def _leaving(
        self, chat: Chat, sessions: Sequence[Session]
    ) -> contextlib.AbstractAsyncContextManager[None]:
        """Around what makes these go: where the open one is among them, it is left."""
        open_one = chat.session.id if chat.session is not None else None
        if open_one in [session.id for session in sessions]:
            return self.drafts.moving()
        return contextlib.nullcontext()

    async def _each(
        self, sessions: Sequence[Session], work: Callable[[str], Awaitable[None]]
    ) -> list[Session]:
        """Do it to each; those that it worked for. What is wrong with the others is told."""
        done = []
        for session in sessions:
            try:
                await work(session.id)
            except UrialError as error:
                self.stage.tell_error(error)
            else:
                done.append(session)
        return done

    async def _change(
        self,
        sessions: Sequence[Session],
        work: Callable[[str], Awaitable[None]],
        back: Callable[[str], Awaitable[None]],
        words: tuple[str, str],
    ) -> None:
        """`words`: what they are then, and what they are when that is taken back."""
        done = await self._each(sessions, work)
        if not done:
            return

        async def undo() -> None:
            await self._each(done, back)

        are = f"{self._names(done)} {'is' if len(done) == 1 else 'are'}"
        self._done(f"{are} {words[0]}.", undo, f"{are} {words[1]}.")

    def _in_order(self, work: Callable[P, Doing], *args: P.args, **kwargs: P.kwargs) -> None:
        """Do it after the changes that were asked for before it."""
        self.stage.do(self._one_by_one, partial(work, *args, **kwargs))

    async def _one_by_one(self, work: Work) -> None:
        async with self._changing:
            await work()

    # --- undo -------------------------------------------------------------------------------

    def _done(self, words: str, undo: Work, undone: str) -> None:
        self._changes = (*self._changes, Change(undo, undone))[-MOST_CHANGES:]
        self.stage.session_list.clear_marks()
        self._show_changes()
        self.stage.tell(f"{words} {self.stage.key('chat.undo-sessions')} takes it back.")

    def _show_changes(self) -> None:
        self.stage.session_list.can_undo = bool(self._changes)
        self.sessions.refresh()
        self.stage.changed()

    def can_undo(self) -> bool:
        return bool(self._changes)

    def undo(self) -> None:
        self._in_order(self._undo)

    async def _undo(self) -> None:
        if not self._changes:
            return
        change, self._changes = self._changes[-1], self._changes[:-1]
        await change.undo()
        self._show_changes()
        self.stage.tell(f"Taken back: {change.undone}")
