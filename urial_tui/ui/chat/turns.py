"""What makes or changes messages: send, stop, regenerate, continue, edit, begin the answer."""

from collections.abc import Sequence

from urial_tui.store.types import Message
from urial_tui.ui.chat.drafts import Drafts
from urial_tui.ui.chat.focus import Focus
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.stage import ChatStage


def answer_at(messages: Sequence[Message], message_id: str | None) -> Message | None:
    """The answer that is this message or follows it; without one, the last message if it is an answer."""
    if message_id is None:
        return messages[-1] if messages and messages[-1].role == "assistant" else None
    ids = [message.id for message in messages]
    if message_id not in ids:
        return None
    at = ids.index(message_id)
    return next((m for m in messages[at : at + 2] if m.role == "assistant"), None)


class Turns(Part):
    """See the module."""

    def __init__(self, stage: ChatStage, focus: Focus, drafts: Drafts) -> None:
        super().__init__(stage)
        self.focus = focus
        self.drafts = drafts
        self._early: str | None = None
        """Sent before the history was open; goes out as soon as it is."""
        self._sent: str | None = None
        """What the composer sent and still holds."""

    def actions(self) -> Actions:
        return {
            "stop": self.stop,
            "regenerate": self.regenerate_chosen,
            "continue_answer": self.continue_chosen,
            "edit": self.edit_chosen,
            "leave_edit": self.leave_edit,
            "prefill": self.open_begin_line,
            "close_prefill": self.close_begin_line,
        }

    # --- send -------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """The user sent what is in the composer."""
        self._sent = text
        if self.stage.chat is None:
            self._early = text
            self.stage.tell("The history is being opened. The message goes out by itself.")
            return
        if self.drafts.editing is not None:
            self.stage.do_turn(self._resend, self.drafts.editing, text)
        else:
            self.stage.do_turn(self.stage.chat.send, text, self.stage.begin_line.text)
        self.stage.transcript.select(None)
        self.stage.transcript.follow()

    def send_early(self) -> None:
        """The history is open: what was sent before goes out."""
        text, self._early = self._early, None
        if text is not None:
            self.send(text)

    async def _resend(self, message_id: str, text: str) -> None:
        """The edited text is let go of when its new version is in the history."""
        if self.stage.chat is None:
            return
        await self.stage.chat.edit_and_resend(message_id, text)
        self.stage.composer.let_go(text)
        self.drafts.end_edit(self.stage.composer.text)

    def explain_refusal(self) -> None:
        """Say why Enter sends nothing now."""
        if self.stage.moment.busy:
            self.stage.tell_busy()
        elif not self.stage.composer.text.strip():
            self.stage.tell("Write a message first.")

    def was_taken(self, message: Message) -> None:
        """The user's message is in the history: only now does the composer let go of it."""
        if self.drafts.editing is not None:
            return
        sent, self._sent = self._sent, None
        self.stage.composer.let_go(message.content if sent is None else sent)
        if self.stage.begin_line.is_open:
            self.stage.begin_line.let_go()

    # --- stop and go on ---------------------------------------------------------------------

    def stop(self) -> None:
        if self.stage.chat is not None:
            self.stage.do(self.stage.chat.stop)

    def regenerate_chosen(self) -> None:
        self.regenerate(self.stage.transcript.selected)

    def regenerate(self, message_id: str | None) -> None:
        if self.stage.chat is None or not self.stage.messages:
            return
        answer = answer_at(self.stage.messages, message_id)
        self.stage.do_turn(self.stage.chat.regenerate, answer.id if answer is not None else None)
        self.stage.transcript.follow()

    def continue_chosen(self) -> None:
        self.continue_from(self.stage.transcript.selected)

    def continue_from(self, message_id: str | None) -> None:
        answer = answer_at(self.stage.messages, message_id)
        if self.stage.chat is None or answer is None:
            return
        self.stage.do_turn(self.stage.chat.continue_answer, answer.id)
        self.stage.transcript.follow()

    # --- edit and send again ----------------------------------------------------------------

    def edit_chosen(self) -> None:
        self.edit(self.stage.transcript.selected)

    def edit(self, message_id: str | None) -> None:
        """Put the user message at or before this one (or the last) into the composer."""
        messages = list(self.stage.messages)
        ids = [m.id for m in messages]
        if message_id in ids:
            messages = messages[: ids.index(message_id) + 1]
        message = next((m for m in reversed(messages) if m.role == "user"), None)
        if message is None:
            return
        self.stage.transcript.select(message.id)
        self.drafts.edit(message)

    def leave_edit(self) -> None:
        self.drafts.end_edit()
        self.stage.transcript.select(None)

    # --- the beginning of the answer --------------------------------------------------------

    def open_begin_line(self) -> None:
        self.stage.begin_line.open()
        self.focus.to_begin_line()
        self.drafts.save()
        self.stage.changed()

    def close_begin_line(self) -> None:
        self.stage.begin_line.close()
        self.focus.to_composer()
        self.drafts.save()
        self.stage.changed()
