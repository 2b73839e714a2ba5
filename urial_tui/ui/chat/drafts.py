"""What is in the composer and not sent: the session's draft, and a message that is being edited."""

from functools import partial

from urial_tui.errors import UrialError
from urial_tui.store.types import Message
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.focus import Focus
from urial_tui.ui.chat.part import Part
from urial_tui.ui.chat.stage import ChatStage


class Drafts(Part):
    """See the module. While a message is edited, the draft waits behind it."""

    def __init__(self, stage: ChatStage, focus: Focus) -> None:
        super().__init__(stage)
        self.focus = focus
        self.editing: str | None = None
        """Id of the user message that is being edited."""
        self._edited = ""
        """That message, as it was."""
        self._waiting = ""
        """What was in the composer before editing began."""

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
        self.stage.composer.set_text("\n".join(filter(None, (waiting, typed_after))))
        self.save()
        self.stage.changed()

    def _forget_edit(self) -> None:
        self.editing = None
        self._waiting = self._edited = ""
        self.stage.composer.border_title = ""
        self.stage.composer.remove_class("-editing")

    # --- drafts -----------------------------------------------------------------------------

    def now(self) -> str:
        """What must not be lost: the draft, and before it an edited message that is not sent."""
        text = self.stage.composer.text
        if self.editing is None:
            return text
        edited = text if text != self._edited else ""
        return "\n\n".join(filter(None, (edited, self._waiting)))

    def save(self) -> None:
        """Save it as it is now, in a moment."""
        if self.stage.chat is not None:
            run_latest(self.stage, partial(self._save, self.now()), "draft")

    async def _save(self, text: str) -> None:
        """Drafts are a convenience: trouble with the history is told by the chat, once, not at
        each key.
        """
        if self.stage.chat is None:
            return
        try:
            await self.stage.chat.save_draft(text)
        except UrialError as error:
            self.stage.log.warning(error.message)

    async def keep(self) -> None:
        """Save what is in the composer now: before leaving the session or the program."""
        if self.stage.chat is None or not self.stage.is_attached:
            return
        self.stage.composer.draft_is_kept()
        await self._save(self.now())

    async def bring(self) -> None:
        """Put the session's draft into the composer."""
        if self.stage.chat is None:
            return
        if self.editing is not None:
            self._forget_edit()
        self.stage.composer.set_text(await self.stage.chat.draft())
        self.stage.changed()
