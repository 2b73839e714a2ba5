"""A conversation as Markdown, for copying and for saving when the history cannot be written."""

from collections.abc import Sequence

from urial_tui.store.types import Message, Session

_NAMES = {"user": "You", "assistant": "Assistant"}


def as_markdown(session: Session | None, messages: Sequence[Message], side: str) -> str:
    """The visible branch: a title, the side, one heading a message; text as it is."""
    title = (session.title if session else "") or "Conversation"
    parts = [f"# {' '.join(title.split())}", f"Side: `{side}`"]
    for message in messages:
        mark = (
            "" if message.role == "user" or message.status == "complete" else f" ({message.status})"
        )
        parts += [f"## {_NAMES[message.role]}{mark}", message.content.strip("\n")]
    return "\n\n".join(parts) + "\n"
