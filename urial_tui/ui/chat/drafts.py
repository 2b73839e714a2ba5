"""What is typed and not sent: the session's draft, the beginning of its answer, and a message that is being edited."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from urial_tui.errors import UrialError
from urial_tui.store.types import Draft, Message
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.focus import Focus
from urial_tui.ui.chat.part import Part
from urial_tui.ui.chat.stage import ChatStage

LONGEST_MOVE_S = 5.0
"""How long the end waits for a move to another session that has begun."""
TYPING_PAUSE_S = 0.4
"""The beginning of an answer is saved when nothing was typed in it for so long."""


class Drafts(Part):
    """See the module. While a message is edited, the draft waits behind it.

    Where another program writes the session, the draft in the history is its writer's: what is written here goes along
    to whatever is opened next.
    """

    def __init__(self, stage: ChatStage, focus: Focus) -> None:
        super().__init__(stage)
        self.focus = focus
        self.editing: str | None = None
        """Id of the user message that is being edited."""
        self._edited = ""
        """That message, as it was."""
        self._waiting = ""
        """What was in the composer before editing began."""
        self._parted = False
        """The session is being left: what is typed is for the next one."""
        self._left = Draft()
        """What was not sent in the session that is left, until it is kept."""
        self._held = False
        """It is being seen whether the session is ours: nothing is saved."""
        self._taken = Draft()
        """What must not be lost of a screen that is gone."""
        self._mover = asyncio.Lock()

    # --- editing ----------------------------------------------------------------------------

    def edit(self, message: Message) -> None:
        """Put a message of the user into the composer, in place of the draft."""
        composer = self.stage.composer
        if self.editing is None:
            self._waiting = composer.text
        self.editing = message.id
        self._edited = message.content
        composer.set_text(message.content)
        composer.border_title = "Editing: sending makes a new version"
        composer.add_class("-editing")
        self.focus.to_composer()
        self.stage.changed()

    def end_edit(self, typed_after: str = "") -> None:
        """Bring the draft back; `typed_after` the edited text was sent, it joins the draft."""
        waiting = self._waiting
        self._forget_edit()
        self.stage.composer.set_text(Draft(waiting).before(Draft(typed_after)).text)
        self.save()
        self.stage.changed()

    def _forget_edit(self) -> None:
        self.editing = None
        self._waiting = self._edited = ""
        self.stage.composer.border_title = ""
        self.stage.composer.remove_class("-editing")

    # --- drafts -----------------------------------------------------------------------------

    def now(self) -> Draft:
        """What must not be lost: the draft with the beginning of its answer, and before it a message that is edited."""
        text = self.stage.composer.text
        if self.editing is not None:
            edited = text if text != self._edited else ""
            text = "\n\n".join(filter(None, (edited, self._waiting)))
        return self._left.before(Draft(text, self.stage.begin_line.text))

    def save(self) -> None:
        """Save it as it is now, in a moment."""
        if self.stage.chat is not None and not (self._parted or self._held):
            run_latest(self.stage, partial(self._save, self.now()), "draft")

    def save_soon(self) -> None:
        """Save it when the typing stops."""
        run_latest(self.stage, self._save_after_pause, "typing")

    async def _save_after_pause(self) -> None:
        await asyncio.sleep(TYPING_PAUSE_S)
        self.save()

    async def _save(self, draft: Draft) -> None:
        """Drafts are a convenience: trouble with the history is told by the chat, once, not at
        each key.
        """
        if self.stage.chat is None:
            return
        try:
            await self.stage.chat.save_draft(draft)
        except UrialError as error:
            self.stage.log.warning(error.message)

    def take(self) -> None:
        """The screen is gone in a moment, by a mistake of the program: `keep_all` has what it shows from here."""
        self._taken = self.now()

    async def keep_all(self) -> None:
        """Save everything, before the program is left: with the session whose draft is in the composer, so after a move
        to another one that has begun.
        """
        chat = self.stage.chat
        if chat is None or not (self.stage.is_attached or self._taken):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_MOVE_S), self._mover:
                pass
        if self._mover.locked():
            return  # what was to be kept with the session that is left is kept, and the next has its own
        draft = self._taken
        if self.stage.is_attached:
            self.stage.composer.draft_is_kept()
            draft = self.now()
        elif self._parted and chat.locked is None:
            draft = (await chat.draft()).before(draft)  # of a session whose draft is not here yet
        if chat.locked is None:
            await self._save(draft)
        elif draft.text.strip() or draft.beginning:
            await chat.save_for_later(draft)

    # --- from one session to another --------------------------------------------------------

    def part(self) -> None:
        """Take what is not sent out of the lines: what is typed from now on, however fast, is for the session that was
        asked for. `moving` does the rest.
        """
        if self._parted:
            return
        self._left = self.now()
        if self.editing is not None:
            self._forget_edit()
        self._parted = True
        self.stage.composer.set_text("")
        if self.stage.begin_line.is_open:
            self.focus.leave_begin_line()
            self.stage.begin_line.let_go()

    @contextlib.asynccontextmanager
    async def moving(self) -> AsyncIterator[None]:
        """In the block another session becomes the open one: drafts go and come around it.

        The answer that is written ends before, and what is not sent is kept with the session that is still open. One
        move after the other; the composer has the open session's draft in the end, also where the block raises.
        """
        chat = self.stage.chat
        async with self._mover:
            self.part()
            try:
                if chat is not None and chat.busy:
                    await chat.stop()
                await self._keep()
                yield
            finally:
                await self._bring()

    async def joining(self, ours: Callable[[], Awaitable[bool]]) -> bool:
        """Ask whether a session that another program held is ours now: then its draft comes before what was written
        beside it. Nothing is saved in between, when it would take the draft's place.
        """
        async with self._mover:
            self._held = True
            try:
                joined = await ours()
                if joined:
                    await self._bring()
            finally:
                self._held = False
        if joined:
            self.save()
        return joined

    async def _keep(self) -> None:
        """Save what was taken out with the session that is still open; nothing where another program writes that."""
        chat = self.stage.chat
        if chat is not None and chat.locked is None:
            await self._save(self._left)
            self._left = Draft()

    async def begin(self) -> None:
        """The history is open: the session's draft, before what was typed already."""
        async with self._mover:
            await self._bring()

    async def _bring(self) -> None:
        """Put the open session's draft into the lines, before what came along and what was typed meanwhile."""
        chat = self.stage.chat
        if chat is None:
            return
        try:
            stored = await chat.draft()
        finally:
            self._parted = False
        left, self._left = self._left, Draft()
        typed = Draft(self.stage.composer.text, self.stage.begin_line.text)
        draft = stored.before(left).before(typed)
        if draft.text != typed.text:
            self.stage.composer.set_text(draft.text)
        if draft.beginning != typed.beginning:
            self.stage.begin_line.open(draft.beginning)
        if draft != stored:
            self.save()
        self.stage.changed()
