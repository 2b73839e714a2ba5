"""What stands around the conversation: the session's title, the side in use and its context, and who else holds the
session.
"""

from textual.content import Content
from textual.widgets import Static

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize_line
from urial_tui.sides import CHAT, RAW, ZERO_SHOT, parse_side
from urial_tui.ui.chat.part import Part
from urial_tui.ui.drawing.side_names import short_side
from urial_tui.ui.keymap import key_name, keys_of, works_while_writing

WELCOME_KEYS = (
    ("chat.pack", "choose the prompt pack"),
    ("chat.side", "choose the model"),
    ("chat.sampling", "sampling settings"),
    ("chat.prefill", "begin the answer yourself"),
    ("chat.next-pair", "compare another pair of sides"),
    ("chat.sessions", "earlier sessions"),
    ("app.palette", "all commands"),
    ("app.help", "help"),
)
_PACK = "A base model was never taught to chat.", "A prompt pack shows it how, with a few examples."
_HOW = {
    CHAT: ("This side was tuned to chat:", "its own chat template asks it."),
    ZERO_SHOT: ("The model sees headings alone,", "without examples of how to answer."),
    RAW: ("The model goes on from your text,", "without any prompt around it."),
}
"""How a message is put to the model, by the style of the side."""


class Labels(Part):
    """Shows what the chat says of itself. Each is safe to call at any time."""

    def show_title(self) -> None:
        self.stage.set_class(not self.stage.messages, "-empty")
        session = self.stage.chat.session if self.stage.chat is not None else None
        title = sanitize_line(session.title, 120) if session is not None else ""
        if session is not None and session.deleted_at is not None:
            title = f"{title} (in the bin)"
        self.stage.query_one("#heading", Static).update(Content(title or "New session"))

    def show_side(self) -> None:
        if self.stage.chat is not None:
            self.stage.status.update(side=short_side(self.stage.chat.side))
            self.show_welcome()

    def welcome(self) -> Content:
        """What an empty conversation shows: how the model is asked, and the keys to begin with."""
        lines = [
            Content.styled("Write a message and press Enter.", "bold $text"),
            *map(Content, self._how()),
            Content(""),
        ]
        for command_id, words in WELCOME_KEYS:
            bound = keys_of(command_id, self.stage.keymap)
            keys = [key for key in bound if works_while_writing(key)]
            if keys:
                name = (f"{key_name(keys[0]):>8}", "$text-accent")
                lines.append(Content.assemble(name, f"   {words}"))
        return Content("\n").join(lines)

    def _how(self) -> tuple[str, str]:
        try:
            style = parse_side(self.stage.chat.side).style if self.stage.chat is not None else None
        except UrialError:
            style = None
        return _HOW.get(style or "", _PACK)

    def show_welcome(self) -> None:
        """The keys or the side are others now."""
        if self.stage.is_attached:
            self.stage.query_one("#welcome Static", Static).update(self.welcome())

    def show_context(self) -> None:
        chat = self.stage.chat
        if chat is not None:
            self.stage.status.update(
                context_used=chat.context_used or None, context_size=chat.n_ctx or None
            )

    def show_lock(self) -> None:
        """Say who holds the session that is shown, as long as somebody does."""
        locked = self.stage.chat.locked if self.stage.chat is not None else None
        if locked is None:
            self.stage.banner.show("locked", "")
            return
        self.stage.banner.show(
            "locked",
            f"Read only: {locked.message}. Close it there, or take the session over: "
            f"{self.stage.take_over_place()}.",
        )
