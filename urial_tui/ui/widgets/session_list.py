"""The list of sessions: titles with their age, a filter, and requests to open, rename or delete one.

It only shows and asks: the screen decides. Titles are sanitised and never read as markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from urial_tui.safetext import sanitize_line
from urial_tui.store.types import Session

FILTER_DELAY = 0.2


def age(updated_at: str, now: datetime) -> str:
    """How long ago, in at most six characters: now, 5m, 3h, 2d, then the date. "" for a time that cannot be read."""
    try:
        then = datetime.fromisoformat(updated_at)
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    seconds = (now - then).total_seconds()
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{seconds // 60:.0f}m"
    if seconds < 86400:
        return f"{seconds // 3600:.0f}h"
    if seconds < 7 * 86400:
        return f"{seconds // 86400:.0f}d"
    local = then.astimezone(now.tzinfo)
    return f"{local:%d %b}" if local.year == now.year else f"{local:%b %y}"


def title_line(session: Session, width: int, now: datetime, *, current: bool) -> str:
    """One line of `width` cells: a mark on the current session, the title, the age at the right."""
    when = age(session.updated_at, now)
    mark = "● " if current else "  "
    title = sanitize_line(session.title).strip() or "(no title)"
    room = width - len(mark) - (len(when) + 1 if when else 0)
    if room < 4:
        return mark + _fit(title, max(width - len(mark), 1))
    return f"{mark}{_fit(title, room)} {when}".rstrip()


def _fit(title: str, room: int) -> str:
    if cell_len(title) > room:
        title = set_cell_size(title, room - 1).rstrip() + "…"
    return set_cell_size(title, room)


class _Options(OptionList):
    """The list itself; enter chooses."""


class SessionList(Vertical):
    """Sessions, newest first, as the screen gives them."""

    DEFAULT_CSS = """
    SessionList {
        width: 30;
        & > Input { display: none; height: 1; border: none; padding: 0 1; }
        &.-filtering > Input { display: block; }
        & > OptionList { height: 1fr; border: none; padding: 0; background: transparent; }
        & > OptionList > .option-list--option { padding: 0 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="session_list.filter"),
        Binding("r", "rename", "Rename", id="session_list.rename"),
        Binding("delete,d", "delete", "Delete", id="session_list.delete"),
        Binding(
            "escape", "clear_filter", "Clear filter", show=False, id="session_list.clear_filter"
        ),
    ]

    @dataclass
    class Chosen(Message):
        """Open this session."""

        session_list: "SessionList"
        session_id: str

    @dataclass
    class RenameRequested(Message):
        """Ask for another title."""

        session_list: "SessionList"
        session_id: str

    @dataclass
    class DeleteRequested(Message):
        """Ask whether to delete it."""

        session_list: "SessionList"
        session_id: str

    @dataclass
    class FilterChanged(Message):
        """The filter rested at `query`: titles are filtered already, the store may know more."""

        session_list: "SessionList"
        query: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._sessions: tuple[Session, ...] = ()
        self._shown: list[str] = []
        self._current: str | None = None
        self._now: datetime | None = None
        self._width = 0
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Input(placeholder="filter titles", compact=True)
        yield _Options(markup=False)

    @property
    def query_text(self) -> str:
        """What the filter says."""
        return self.query_one(Input).value if self.is_mounted else ""

    @property
    def highlighted(self) -> str | None:
        """The session under the list's cursor."""
        index = self.query_one(OptionList).highlighted
        return self._shown[index] if index is not None and index < len(self._shown) else None

    def set_sessions(
        self, sessions: Sequence[Session], current_id: str | None, now: datetime | None = None
    ) -> None:
        """Show these. The list's cursor stays on its session, or goes to the current one."""
        self._sessions = tuple(sessions)
        self._current = current_id
        self._now = now
        self._fill()

    def set_current(self, session_id: str | None) -> None:
        """Another session is open now."""
        if session_id != self._current:
            self._current = session_id
            self._fill()

    def focus(self, scroll_visible: bool = True) -> "SessionList":
        """Focus the list inside."""
        self.query_one(OptionList).focus(scroll_visible)
        return self

    def action_filter(self) -> None:
        self.add_class("-filtering")
        self.query_one(Input).focus()

    def action_clear_filter(self) -> None:
        self.query_one(Input).value = ""
        self.remove_class("-filtering")
        self.query_one(OptionList).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "clear_filter":
            return self.has_class("-filtering")
        if action in ("rename", "delete") and self.is_mounted:
            return self.highlighted is not None
        return True

    def action_rename(self) -> None:
        if (session_id := self.highlighted) is not None:
            self.post_message(self.RenameRequested(self, session_id))

    def action_delete(self) -> None:
        if (session_id := self.highlighted) is not None:
            self.post_message(self.DeleteRequested(self, session_id))

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if (session_id := self.highlighted) is not None:
            self.post_message(self.Chosen(self, session_id))

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.refresh_bindings()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(FILTER_DELAY, self._post_filter)

    def _post_filter(self) -> None:
        self.post_message(self.FilterChanged(self, self.query_text))

    @on(Input.Submitted)
    def _leave_filter(self, event: Input.Submitted) -> None:
        event.stop()
        options = self.query_one(OptionList)
        options.focus()
        if self._shown and options.highlighted is None:
            options.highlighted = 0

    def on_mount(self) -> None:
        self._fill()

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._width:
            self._width = event.size.width
            self._fill()

    def _fill(self) -> None:
        if not self.is_mounted:
            return
        options = self.query_one(OptionList)
        before = self.highlighted
        now = self._now or datetime.now().astimezone()
        words = self.query_text.casefold().split()
        shown = [s for s in self._sessions if all(word in s.title.casefold() for word in words)]
        width = max(self._width - 3, 10)  # the options' padding and the scroll bar
        self._shown = [session.id for session in shown]
        options.set_options(
            Option(Content(title_line(s, width, now, current=s.id == self._current)), id=f"s-{n}")
            for n, s in enumerate(shown)
        )
        for wanted in (before, self._current):
            if wanted in self._shown:
                options.highlighted = self._shown.index(wanted)
                return
