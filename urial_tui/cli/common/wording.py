"""Words that several commands share: counts, and times as the wall clock here shows them."""

from datetime import datetime

from urial_tui.safetext import sanitize_line


def many(count: int, what: str) -> str:
    """ "1 aspect", "2 aspects"."""
    return f"{count} {what}" + ("" if count == 1 else "s")


def local(time: str) -> str:
    """A stored time (UTC) as the user's wall clock shows it; what cannot be read is shown as it is."""
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return sanitize_line(time, 40)
