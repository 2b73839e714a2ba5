"""The chat screen's part for turns: send, stop, regenerate, continue, edit, begin the answer, go
around versions.
"""

from textual import on
from textual.widgets import Input

from urial_tui.store.types import Message
from urial_tui.ui.chat.base import ChatBase
from urial_tui.ui.widgets.composer import Composer
from urial_tui.ui.widgets.transcript import Transcript


class ChatTurns(ChatBase):
    """Everything that makes or changes messages."""

    early_message: str | None = None
    """Sent before the history was open; goes out as soon as it is."""
    sent_text: str | None = None
    """What the composer sent and still holds."""

    # --- send -------------------------------------------------------------------------------

    @on(Composer.Submitted)
    def submit(self, event: Composer.Submitted) -> None:
        self.send_text(event.text)

    @on(Input.Submitted, "#begin-text")
    def begin_text_is_written(self) -> None:
        self.composer.focus()

    def send_text(self, text: str) -> None:
        self.sent_text = text
        if self.chat is None:
            self.early_message = text
            self.tell("The history is being opened. The message goes out by itself.")
            return
        if self.editing is not None:
            self.do_turn(self._resend(self.editing, text))
        else:
            self.do_turn(self.chat.send(text, self.begin_line.text))
        self.transcript.select(None)
        self.transcript.follow()

    async def _resend(self, message_id: str, text: str) -> None:
        """The edited text is let go of when its new version is in the history."""
        if self.chat is None:
            return
        await self.chat.edit_and_resend(message_id, text)
        self.composer.let_go(text)
        self.end_edit(self.composer.text)

    @on(Composer.Refused)
    def explain_refusal(self) -> None:
        if self.moment.busy:
            self.tell("The answer is still being written. Escape stops it and keeps the text.")
        elif not self.composer.text.strip():
            self.tell("Write a message first.")

    def message_was_taken(self, message: Message) -> None:
        """The user's message is in the history: only now does the composer let go of it."""
        if message.role != "user":
            return
        if self.editing is not None:
            return
        sent, self.sent_text = self.sent_text, None
        self.composer.let_go(message.content if sent is None else sent)
        if self.begin_line.is_open:
            self.begin_line.close()

    # --- stop and go on ---------------------------------------------------------------------

    def action_stop(self) -> None:
        if self.chat is not None:
            self.do(self.chat.stop())

    def action_regenerate(self) -> None:
        self.regenerate(self.transcript.selected)

    def regenerate(self, message_id: str | None) -> None:
        if self.chat is None or not self.messages:
            return
        answer = self.answer_at(message_id)
        self.do_turn(self.chat.regenerate(answer.id if answer is not None else None))
        self.transcript.follow()

    def action_continue_answer(self) -> None:
        self.continue_from(self.transcript.selected)

    def continue_from(self, message_id: str | None) -> None:
        answer = self.answer_at(message_id)
        if self.chat is None or answer is None:
            return
        self.do_turn(self.chat.continue_answer(answer.id))
        self.transcript.follow()

    def answer_at(self, message_id: str | None) -> Message | None:
        """The answer that is this message or follows it; without one, the last message if it is an
        answer.
        """
        messages = self.messages
        if message_id is None:
            last = messages[-1] if messages else None
            return last if last is not None and last.role == "assistant" else None
        for index, message in enumerate(messages):
            if message.id == message_id:
                after = messages[index : index + 2]
                return next((m for m in after if m.role == "assistant"), None)
        return None

    # --- edit and send again ----------------------------------------------------------------

    def action_edit(self) -> None:
        self.edit(self.transcript.selected)

    def edit(self, message_id: str | None) -> None:
        """Put the user message at or before this one (or the last) into the composer."""
        messages = list(self.messages)
        ids = [m.id for m in messages]
        if message_id in ids:
            messages = messages[: ids.index(message_id) + 1]
        message = next((m for m in reversed(messages) if m.role == "user"), None)
        if message is None:
            return
        if self.editing is None:
            self.kept_draft = self.composer.text
        self.editing = message.id
        self.editing_text = message.content
        self.transcript.select(message.id)
        self.composer.set_text(message.content)
        self.composer.border_title = "Editing: sending makes a new version"
        self.composer.add_class("-editing")
        self.composer.focus()
        self.changed()

    def action_leave_edit(self) -> None:
        self.end_edit()
        self.transcript.select(None)

    def end_edit(self, typed_after: str = "") -> None:
        """Bring the draft back; `typed_after` the edited text was sent, it joins the draft."""
        self.editing = None
        self.composer.set_text("\n".join(filter(None, (self.kept_draft, typed_after))))
        self.kept_draft = ""
        self.editing_text = ""
        self.composer.border_title = ""
        self.composer.remove_class("-editing")
        self.save_draft()
        self.changed()

    # --- the beginning of the answer --------------------------------------------------------

    def action_prefill(self) -> None:
        self.begin_line.open()
        self.changed()

    def action_close_prefill(self) -> None:
        self.begin_line.close()
        self.composer.focus()
        self.changed()

    def action_back(self) -> None:
        self.leave_hits()
        self.transcript.select(None)
        self.composer.focus()

    # --- versions ---------------------------------------------------------------------------

    def action_next_branch(self) -> None:
        target = self.branch_target()
        if target is not None:
            self.do_turn(self.step_branch(target.id, 1))

    async def step_branch(self, message_id: str, step: int) -> None:
        """Show the next or previous version of a message; past the last one comes the first."""
        if self.chat is None:
            return
        index, count = await self.chat.siblings(message_id)
        if count < 2:
            self.tell("There is only this version of the message.")
            return
        wanted = (index - 1 + step) % count + 1
        await self.chat.switch_sibling(message_id, wanted - index)

    def action_open_branches(self) -> None:
        self.open_branches(self.transcript.selected)

    def open_branches(self, at: str | None) -> None:
        """The tree of the session, the cursor on a message."""
        from urial_tui.ui.branches.tree import BranchesScreen

        chat = self.chat
        if chat is None or not self.messages:
            return

        def show(message_id: str) -> None:
            self.do_turn(self.go_to_message(message_id))

        title = chat.session.title if chat.session is not None else ""
        leaf = self.messages[-1].id
        tree = BranchesScreen(chat, self.keymap, leaf, at or leaf, show, title, self.streaming)
        self.app.push_screen(tree)

    async def go_to_message(self, message_id: str) -> None:
        """Show the branch through a message of the session and choose the message."""
        if self.chat is None:
            return
        await self.chat.show_branch(message_id)
        self.transcript.focus()
        self.call_after_refresh(self.transcript.select, message_id)

    def action_differences(self) -> None:
        target = self.branch_target()
        if target is not None:
            self.do(self.differences(target.id))

    async def differences(self, message_id: str) -> None:
        """Compare a message with the version before it."""
        from urial_tui.chat.branch_tree import BranchTree
        from urial_tui.ui.branches.compare import CompareScreen

        chat = self.chat
        if chat is None:
            return
        tree = BranchTree(await chat.outline(), self.messages[-1].id, self.streaming)
        versions = tree.versions(message_id)
        if len(versions) < 2:
            self.tell("There is only this version of the message.")
            return
        before = versions[versions.index(message_id) - 1]
        self.app.push_screen(CompareScreen(chat, self.keymap, tree, before, message_id))

    # --- keys of the transcript -------------------------------------------------------------

    @on(Transcript.Action)
    def transcript_action(self, event: Transcript.Action) -> None:
        busy = self.moment.busy
        match event.action:
            case "regenerate" if not busy:
                self.regenerate(event.message_id)
            case "continue" if not busy:
                self.continue_from(event.message_id)
            case "edit" if not busy:
                self.edit(event.message_id)
            case "previous_branch" if not busy:
                self.do_turn(self.step_branch(event.message_id, -1))
            case "next_branch" if not busy:
                self.do_turn(self.step_branch(event.message_id, 1))
            case "next_hit":
                self.step_hit(1)
            case "previous_hit":
                self.step_hit(-1)
            case "branches":
                self.open_branches(event.message_id)
            case "differences":
                self.do(self.differences(event.message_id))
            case "copy" | "copy_code" | "markdown":
                self.read_or_copy(event.action, event.message_id)
            case "rate" | "compare" | "judge" | "judgements":
                self.judging_action(event.action, event.message_id)
            case "tokens" | "score" | "lane" | "inspector":
                self.inspect_action(event.action, event.message_id)
            case _:
                self.tell("The answer is still being written. Escape stops it and keeps the text.")
