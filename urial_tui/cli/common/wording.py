"""Words that several commands share: counts, numbers, sizes, and times as the wall clock here shows them."""

from datetime import datetime

from urial_tui.safetext import sanitize_line

NONE = "-"
"""Where there is no number."""


def many(count: int, what: str) -> str:
    """ "1 aspect", "2 aspects"."""
    return f"{count} {what}" + ("" if count == 1 else "s")


def local(time: str) -> str:
    """A stored time (UTC) as the user's wall clock shows it; what cannot be read is shown as it is."""
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return sanitize_line(time, 40)


def number(value: float | None, digits: int = 2) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def human_size(n_bytes: int) -> str:
    """Bytes in the unit that reads best, 1000-based as file sizes on hubs are."""
    size = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit in ("B", "kB") else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
