"""What stands around the conversation: the session's title, the side in use and its context, and who else holds the
session.
"""

from textual.content import Content
from textual.widgets import Static

from urial_tui.safetext import sanitize_line
from urial_tui.ui.chat.part import Part


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
            self.stage.status.update(side=sanitize_line(self.stage.chat.side, 80))

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
