"""The chat screen's part for reading, copying and choosing: Markdown view, clipboard, packs,
models, sampling.
"""

import tempfile
from datetime import datetime
from pathlib import Path

from urial_tui.errors import UrialError
from urial_tui.sides import parse_side
from urial_tui.ui.chat.base import ChatBase
from urial_tui.ui.clipboard import (
    copy_out,
    export_name,
    last_code_block,
    shown_path,
    write_private,
)
from urial_tui.ui.screens.markdown_view import MarkdownView
from urial_tui.ui.screens.packs import PackPicker
from urial_tui.ui.screens.sampling import SamplingChoice, SamplingDialog
from urial_tui.ui.screens.sides import LIBRARY, SidePicker


class ChatTools(ChatBase):
    """Everything that looks at the conversation or chooses how the next answer is made."""

    # --- copying ----------------------------------------------------------------------------

    def copy_text(self, text: str, what: str) -> None:
        """Copy and say where to."""
        state_dir = self.services.state_dir
        result = copy_out(text, what, self.app.copy_to_clipboard, state_dir)
        self.tell(result.sentence, severity="information" if result.ok else "error")

    def action_copy_message(self) -> None:
        target = self.target()
        if target is not None:
            self.read_or_copy("copy", target.id)

    def action_copy_code(self) -> None:
        self.copy_code([m.content for m in self.messages])

    def copy_code(self, texts: list[str]) -> None:
        code = last_code_block(texts)
        if code is None:
            self.tell("There is no fenced code block to copy.", severity="warning")
        else:
            self.copy_text(code, "the code block")

    def action_read(self) -> None:
        target = self.target()
        if target is not None:
            self.read_or_copy("markdown", target.id)

    def read_or_copy(self, action: str, message_id: str) -> None:
        message = self.message(message_id)
        if message is None:
            return
        mine = message.role == "user"
        if action == "copy" and not message.content:
            self.tell("There is nothing to copy: the answer is empty.", severity="warning")
        elif action == "copy":
            self.copy_text(message.content, "your message" if mine else "the answer")
        elif action == "copy_code":
            index = [m.id for m in self.messages].index(message_id)
            self.copy_code([m.content for m in self.messages[: index + 1]])
        else:
            self.app.push_screen(
                MarkdownView(message.content, "Your message" if mine else "Answer")
            )

    # --- the whole conversation -------------------------------------------------------------

    def action_save_transcript(self) -> None:
        self.do(self._save_transcript())

    async def _save_transcript(self) -> None:
        """To a file where one can be written, and to the clipboard in any case."""
        if self.chat is None:
            return
        text = await self.chat.export_markdown()
        folder = self.services.state_dir or Path(tempfile.gettempdir())
        session = self.chat.session
        title, session_id = (session.title, session.id) if session else ("", "")
        path = folder / "transcripts" / export_name(title, session_id, datetime.now().astimezone())
        try:
            write_private(path, text)
        except UrialError as error:
            self.tell(f"{error.message}. Trying the clipboard instead.", severity="warning")
            self.copy_text(text, "the conversation")
        else:
            self.tell(f"The conversation is in {shown_path(path)}", title="Saved")

    # --- choosing ---------------------------------------------------------------------------

    def action_choose_pack(self) -> None:
        chat = self.chat
        if chat is None:
            return

        def choose(pack_id: str | None) -> None:
            if pack_id is not None:
                self.do_turn(self._set_pack(pack_id))

        self.app.push_screen(
            PackPicker(
                self.services.list_packs(),
                self.current_style(),
                preview=chat.preview,
                cost=chat.pack_cost,
                n_ctx=chat.n_ctx,
                problems=self.services.pack_problems(),
            ),
            choose,
        )

    def current_style(self) -> str | None:
        """The style of the side in use; None when it names none."""
        if self.chat is None:
            return None
        try:
            return parse_side(self.chat.side).style
        except UrialError:
            return None

    async def _set_pack(self, pack_id: str) -> None:
        if self.chat is None:
            return
        await self.chat.set_pack(pack_id)
        self.show_side()
        self.remember_sides()

    def action_choose_side(self) -> None:
        chat = self.chat
        if chat is None:
            return

        def choose(side: str | None) -> None:
            if side == LIBRARY:
                self.open_models()
            elif side is not None and side != chat.side:
                self.do_turn(self._set_side(side))

        desk = self.services.models
        loaded = self.loaded_sides()
        self.app.push_screen(
            SidePicker(
                chat.side,
                self.services.list_models,
                self.services.check_side,
                [pack.id for pack in self.services.list_packs()],
                fit=(lambda side: desk.fit((side,), loaded)) if desk is not None else None,
            ),
            choose,
        )

    async def _set_side(self, side: str) -> None:
        if self.chat is None:
            return
        await self.chat.set_side(side)
        self.show_side()
        self.remember_sides()

    def action_sampling(self) -> None:
        chat = self.chat
        if chat is None:
            return

        def choose(choice: SamplingChoice | None) -> None:
            if choice is not None:
                self.do(self._set_sampling(choice))

        self.app.push_screen(SamplingDialog(chat.sampling, chat.max_tokens), choose)

    async def _set_sampling(self, choice: SamplingChoice) -> None:
        if self.chat is None:
            return
        await self.chat.set_sampling(choice.sampling, choice.max_tokens)
        self.tell("The next answer uses these settings.")
