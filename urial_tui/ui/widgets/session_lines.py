"""One session as a line of the list: marks, title, tags, age. Pure; titles and tags are sanitised here."""

from datetime import UTC, datetime

from rich.cells import cell_len, set_cell_size

from urial_tui.safetext import sanitize_line
from urial_tui.store.types import Session

TITLE_ROOM = 12
"""Cells that tags leave to a title at least."""


def age(updated_at: str, now: datetime) -> str:
    """How long ago, in at most eight characters: now, 5m, 3h, 2d, then the date, of another year its month and year.
    "" for a time that cannot be read."""
    try:
        then = datetime.fromisoformat(updated_at)
        then = then.replace(tzinfo=then.tzinfo or UTC)
        local = then.astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        return ""
    seconds = (now - then).total_seconds()
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{seconds // 60:.0f}m"
    if seconds < 86400:
        return f"{seconds // 3600:.0f}h"
    if seconds < 7 * 86400:
        return f"{seconds // 86400:.0f}d"
    return f"{local:%d %b}" if local.year == now.year else f"{local:%b} {local.year}"


def title_line(
    session: Session, width: int, now: datetime, *, current: bool, marked: bool = False
) -> str:
    """One line of `width` cells: marks, the title, tags where there is room, the age at the right."""
    when = age(session.updated_at, now)
    mark = ("● " if current else "  ") + "✓ " * marked + "★ " * session.pinned
    title = sanitize_line(session.title).strip() or "(no title)"
    room = width - len(mark) - (len(when) + 1 if when else 0)
    if room < 4:
        return mark + _fit(title, max(width - len(mark), 1))
    tags = "".join(f" #{sanitize_line(tag, 60)}" for tag in session.tags)
    own = min(cell_len(tags), max(room - cell_len(title), room // 3))
    if room - own < TITLE_ROOM:
        own = 0
    return f"{mark}{_fit(_cut(title, room - own) + _cut(tags, own), room)} {when}".rstrip()


def _cut(text: str, room: int) -> str:
    if cell_len(text) <= room:
        return text
    return set_cell_size(text, room - 1).rstrip() + "…" if room > 2 else ""


def _fit(title: str, room: int) -> str:
    return set_cell_size(_cut(title, room) if room > 2 else title, room)
