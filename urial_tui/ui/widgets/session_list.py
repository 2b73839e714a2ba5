"""The list of sessions: titles with tags and age, a filter, marks for several, and requests to do something with them.

It only shows and asks: the screen decides. Titles are sanitised and never read as markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from urial_tui.safetext import sanitize
from urial_tui.store.types import Session
from urial_tui.ui.widgets.session_lines import title_line

FILTER_DELAY = 0.2
PLACEHOLDER = "words tag: since: is:"


class _Options(OptionList):
    """The list itself; enter chooses."""


def _asking(keys: str, action: str, label: str, tooltip: str, *, show: bool = True) -> Binding:
    name = f"session_list.{action}"
    return Binding(keys, f"ask('{action}')", label, show=show, tooltip=tooltip, id=name)


class SessionList(Vertical):
    """Sessions as the screen gives them, which also filters: the line is a filter as in `chat.filter_words`."""

    DEFAULT_CSS = """
    SessionList {
        width: 30;
        & > Input { display: none; height: 1; border: none; padding: 0 1; }
        &.-filtering > Input { display: block; }
        & > #session-note { display: none; height: auto; max-height: 5; padding: 0 1; color: $text-muted; }
        & > #session-note.-on { display: block; }
        & > #session-note.-problem { color: $text-error; text-style: bold; }
        & > OptionList {
            height: 1fr;
            border: none;
            padding: 0;
            background: transparent;
            scrollbar-size-vertical: 1;
        }
        & > OptionList > .option-list--option { padding: 0 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", tooltip="As in a search", id="session_list.filter"),
        _asking("r", "rename", "Rename", "Give it another title"),
        _asking("p", "pin", "Pin", "Keep it at the top; again: no longer"),
        _asking("t", "tag", "Tags", "Words to find it by"),
        _asking(
            "a", "archive", "Archive", "Out of the list; back, when it is archived or in the bin"
        ),
        _asking("delete,d", "delete", "Delete", "Into the bin; from there, for good"),
        _asking("x", "export", "Export", "Write it to a file", show=False),
        Binding("space", "mark", "Mark", tooltip="For the next command", id="session_list.mark"),
        Binding("u", "undo", "Undo", tooltip="Take the change back", id="session_list.undo"),
        Binding(
            "escape",
            "clear",
            "Clear",
            show=False,
            tooltip="The marks, then the filter",
            id="session_list.clear_filter",
        ),
    ]

    @dataclass
    class Chosen(Message):
        """Open this session."""

        session_list: "SessionList"
        session_id: str

    @dataclass
    class Requested(Message):
        """The user asks for `action` on sessions: rename (of the first), pin, tag, archive, delete, export."""

        session_list: "SessionList"
        action: str
        session_ids: tuple[str, ...]

    @dataclass
    class UndoRequested(Message):
        """Take the last change of the list back."""

        session_list: "SessionList"

    @dataclass
    class FilterChanged(Message):
        """The filter rested at `query`."""

        session_list: "SessionList"
        query: str

    @dataclass
    class MoreWanted(Message):
        """The cursor is at the end of the list, and there are more sessions."""

        session_list: "SessionList"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._sessions: tuple[Session, ...] = ()
        self._total = 0
        self._marked: dict[str, None] = {}  # in the order of marking
        self._problem = ""
        self._current: str | None = None
        self._now: datetime | None = None
        self._width = 0  # that the lines were made for; none while the list is hidden
        self._timer: Timer | None = None
        self.can_undo = False
        """Whether there is a change to take back."""

    def compose(self) -> ComposeResult:
        yield Input(placeholder=PLACEHOLDER, compact=True)
        yield _Options(markup=False)
        yield Static("", id="session-note", markup=False)

    @property
    def query_text(self) -> str:
        """What the filter says."""
        return self.query_one(Input).value if self.is_mounted else ""

    @property
    def count(self) -> int:
        """How many sessions are in the list now."""
        return len(self._sessions)

    @property
    def listed(self) -> tuple[str, ...]:
        """Ids of the sessions that are in the list now."""
        return tuple(session.id for session in self._sessions)

    @property
    def highlighted(self) -> str | None:
        """The session under the list's cursor."""
        index = self.query_one(OptionList).highlighted
        return self._sessions[index].id if index is not None and index < self.count else None

    @property
    def chosen(self) -> tuple[str, ...]:
        """The sessions that a command means: the marked ones, else the one under the cursor."""
        if self._marked:
            return tuple(self._marked)
        return (self.highlighted,) if self.highlighted is not None else ()

    def set_sessions(
        self,
        sessions: Sequence[Session],
        current_id: str | None,
        now: datetime | None = None,
        total: int | None = None,
    ) -> None:
        """Show these, of `total` in all. While the list has the focus its cursor stays on its session, or at its height
        where that is gone; without the focus it goes to the current session."""
        self._total = len(sessions) if total is None else total
        self._current = current_id
        self._now = now
        self._problem = ""
        there = {session.id for session in sessions}
        self._marked = {one: None for one in self._marked if one in there}
        self._fill(tuple(sessions))

    def add_sessions(self, sessions: Sequence[Session]) -> None:
        """Further ones at the end."""
        known = {session.id for session in self._sessions}
        more = tuple(session for session in sessions if session.id not in known)
        self._sessions += more
        if (
            not more
        ):  # others were changed meanwhile; no more are asked for until the list is made anew
            self._total = self.count
        self.query_one(OptionList).add_options(Option(self._line(session)) for session in more)
        self._show_note()

    def show_problem(self, problem: str) -> None:
        """Say what is wrong with the filter; the list stays as it is."""
        self._problem = problem
        self._show_note()

    def clear_marks(self) -> None:
        """No session is marked any more."""
        self._marked.clear()
        self._fill(self._sessions)

    def focus(self, scroll_visible: bool = True) -> "SessionList":
        """Focus the list inside."""
        self.query_one(OptionList).focus(scroll_visible)
        return self

    # --- keys ---

    def action_filter(self) -> None:
        self.add_class("-filtering")
        self.query_one(Input).focus()

    def action_clear(self) -> None:
        """First the marks, then the filter."""
        if self._marked:
            self.clear_marks()
            return
        self.remove_class("-filtering")
        self.query_one(OptionList).focus()
        if self.query_text:
            self.query_one(Input).value = ""
            self._post_filter()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "clear":
            return self.has_class("-filtering") or bool(self._marked)
        if action == "undo":
            return self.can_undo
        if action in ("ask", "mark") and self.is_mounted:
            return bool(self.chosen)
        return True

    def action_ask(self, action: str) -> None:
        if ids := self.chosen:
            self.post_message(self.Requested(self, action, ids))

    def action_undo(self) -> None:
        self.post_message(self.UndoRequested(self))

    def action_mark(self) -> None:
        """Mark the session under the cursor or take its mark away, and go on to the next."""
        session_id = self.highlighted
        if session_id is None:
            return
        if session_id in self._marked:
            del self._marked[session_id]
        else:
            self._marked[session_id] = None
        options = self.query_one(OptionList)
        index = options.highlighted or 0
        options.replace_option_prompt_at_index(index, self._line(self._sessions[index]))
        options.highlighted = min(index + 1, self.count - 1)
        self._show_note()
        self.refresh_bindings()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if (session_id := self.highlighted) is not None:
            self.post_message(self.Chosen(self, session_id))

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.refresh_bindings()
        if event.option_index == self.count - 1 < self._total - 1:
            self.post_message(self.MoreWanted(self))

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(FILTER_DELAY, self._post_filter)

    def _post_filter(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self.post_message(self.FilterChanged(self, self.query_text))

    @on(Input.Submitted)
    def _leave_filter(self, event: Input.Submitted) -> None:
        event.stop()
        if self._timer is not None:
            self._post_filter()
        options = self.query_one(OptionList)
        options.focus()
        if self._sessions and options.highlighted is None:
            options.highlighted = 0

    # --- drawing ---

    def on_mount(self) -> None:
        self.screen.screen_layout_refresh_signal.subscribe(self, self._fit)
        self._fill(self._sessions)

    def on_unmount(self) -> None:
        self.screen.screen_layout_refresh_signal.unsubscribe(self)

    def _fit(self, _: Screen[object]) -> None:
        """Make the lines for the width that is shown. A hidden list has none, and no event need tell that it has it
        again: the size may be the one before."""
        if self.content_size.width not in (0, self._width):
            self._fill(self._sessions)

    def _fill(self, sessions: tuple[Session, ...]) -> None:
        if not self.is_mounted:
            self._sessions = sessions
            return
        options = self.query_one(OptionList)
        before, place = self.highlighted, options.highlighted
        self._sessions = sessions
        self._width = self.content_size.width
        options.set_options(Option(self._line(session)) for session in sessions)
        ids = [session.id for session in sessions]
        used = self._in_use() and place is not None  # its user knows where the cursor is
        for wanted in (before,) if used else (self._current, before):
            if wanted in ids:
                options.highlighted = ids.index(wanted)
                break
        else:
            if place is not None and ids:
                options.highlighted = min(place, len(ids) - 1)
        self._show_note()
        self.refresh_bindings()

    def _in_use(self) -> bool:
        """Whether this list has its screen's focus, also while a dialog lies over it."""
        focused = self.screen.focused
        return focused is not None and self in focused.ancestors_with_self

    def _line(self, session: Session) -> Content:
        now = self._now or datetime.now().astimezone()
        width = max(self._width - 3, 10)  # the options' padding and the scroll bar
        current, marked = session.id == self._current, session.id in self._marked
        return Content(title_line(session, width, now, current=current, marked=marked))

    def _show_note(self) -> None:
        """Below the list: what is wrong with the filter, else how many sessions there are and are marked."""
        words = []
        if self._total > self.count or (self.query_text and self._sessions):
            shown = f"{self.count:,} of " if self._total > self.count else ""
            words.append(f"{shown}{self._total:,} session{'s' if self._total != 1 else ''}")
        elif self.query_text:
            words.append("nothing matches")
        if self._marked:
            words.append(f"{len(self._marked):,} marked")
        note = self.query_one("#session-note", Static)
        note.update(Content(sanitize(self._problem) or " · ".join(words)))
        note.set_class(bool(self._problem or words), "-on")
        note.set_class(bool(self._problem), "-problem")
