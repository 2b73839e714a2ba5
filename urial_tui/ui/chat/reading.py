"""Reading and copying: Markdown view, clipboard, the conversation as a file."""

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from urial_tui.errors import UrialError
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.clipboard import (
    copy_out,
    export_name,
    last_code_block,
    shown_path,
    write_private,
)
from urial_tui.ui.screens.markdown_view import MarkdownView


class Reading(Part):
    """Everything that looks at the conversation and takes out of it."""

    def actions(self) -> Actions:
        return {
            "copy_message": self.copy_chosen,
            "copy_code": self.copy_last_code,
            "read": self.read_chosen,
            "follow": self.follow,
            "save_transcript": self.save_transcript,
        }

    def follow(self) -> None:
        """To the end, and along with what is written."""
        self.stage.transcript.follow()

    def act(self, action: str, message_id: str) -> None:
        """`action` is "copy", "copy_code" or "markdown"."""
        message = self.stage.message(message_id)
        if message is None:
            return
        mine = message.role == "user"
        if action == "copy" and not message.content:
            self.stage.tell("There is nothing to copy: the answer is empty.", severity="warning")
        elif action == "copy":
            self._copy_text(message.content, "your message" if mine else "the answer")
        elif action == "copy_code":
            index = [m.id for m in self.stage.messages].index(message_id)
            self._copy_code([m.content for m in self.stage.messages[: index + 1]])
        else:
            self.stage.app.push_screen(
                MarkdownView(message.content, "Your message" if mine else "Answer")
            )

    def copy_chosen(self) -> None:
        target = self.stage.target()
        if target is not None:
            self.act("copy", target.id)

    def copy_last_code(self) -> None:
        self._copy_code([m.content for m in self.stage.messages])

    def read_chosen(self) -> None:
        target = self.stage.target()
        if target is not None:
            self.act("markdown", target.id)

    def _copy_code(self, texts: Sequence[str]) -> None:
        code = last_code_block(list(texts))
        if code is None:
            self.stage.tell("There is no fenced code block to copy.", severity="warning")
        else:
            self._copy_text(code, "the code block")

    def _copy_text(self, text: str, what: str) -> None:
        """Copy and say where to."""
        state_dir = self.stage.services.state_dir
        result = copy_out(text, what, self.stage.app.copy_to_clipboard, state_dir)
        self.stage.tell(result.sentence, severity="information" if result.ok else "error")

    def save_transcript(self) -> None:
        self.stage.do(self._save_transcript)

    async def _save_transcript(self) -> None:
        """To a file where one can be written, and to the clipboard in any case."""
        if self.stage.chat is None:
            return
        text = await self.stage.chat.export_markdown()
        folder = self.stage.services.state_dir or Path(tempfile.gettempdir())
        session = self.stage.chat.session
        title, session_id = (session.title, session.id) if session else ("", "")
        path = folder / "transcripts" / export_name(title, session_id, datetime.now().astimezone())
        try:
            write_private(path, text)
        except UrialError as error:
            self.stage.tell(f"{error.message}. Trying the clipboard instead.", severity="warning")
            self._copy_text(text, "the conversation")
        else:
            self.stage.tell(f"The conversation is in {shown_path(path)}", title="Saved")
