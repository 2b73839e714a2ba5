"""The session list: titles as they are, a filter, and requests that name a session."""

import dataclasses
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.message import Message
from textual.widgets import Input, OptionList

from urial_tui.store.types import Session
from urial_tui.ui.widgets.session_lines import age, title_line
from urial_tui.ui.widgets.session_list import SessionList

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def session(name: str, title: str, updated: str = "2026-03-10T11:55:00.000Z") -> Session:
    return Session(name, title, "demo@urial-general", updated, updated, None)


SESSIONS = [
    session("1", "Walking every day"),
    session("2", "Haiku [bold]in[/bold] Italian\x1b[31m"),
    session("3", "Eggs, boiled"),
]


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Message] = []

    def compose(self) -> ComposeResult:
        yield SessionList()

    def on_session_list_chosen(self, event: SessionList.Chosen) -> None:
        self.seen.append(event)

    def on_session_list_requested(self, event: SessionList.Requested) -> None:
        self.seen.append(event)

    def on_session_list_more_wanted(self, event: SessionList.MoreWanted) -> None:
        self.seen.append(event)

    def on_session_list_filter_changed(self, event: SessionList.FilterChanged) -> None:
        self.seen.append(event)


def shown(app: App[None]) -> list[str]:
    options = app.query_one(OptionList)
    return [str(options.get_option_at_index(n).prompt) for n in range(options.option_count)]


@pytest.mark.parametrize(
    ("updated", "words"),
    [
        ("2026-03-10T11:59:30.000Z", "now"),
        ("2026-03-10T11:55:00.000Z", "5m"),
        ("2026-03-10T09:00:00.000Z", "3h"),
        ("2026-03-08T11:00:00.000Z", "2d"),
        ("2026-01-05T11:00:00.000Z", "05 Jan"),
        ("2025-11-23T11:00:00.000Z", "Nov 2025"),
        ("2024-01-05T11:00:00.000Z", "Jan 2024"),
        ("9999-12-31T23:59:59.999Z", "now"),
        ("0001-01-01T00:00:00.000+01:00", ""),
        ("not a time", ""),
    ],
)
def test_ages_are_short(updated: str, words: str) -> None:
    assert age(updated, NOW) == words


@pytest.mark.parametrize("title", ["short", "x" * 100, "漢字" * 30, "", "a\nb\x1b[2J"])
@pytest.mark.parametrize("width", [10, 24, 40])
def test_a_title_takes_exactly_one_line(title: str, width: int) -> None:
    line = title_line(session("1", title), width, NOW, current=True)
    assert cell_len(line) <= width
    assert line.startswith("● ") and "\n" not in line and "\x1b" not in line


@pytest.mark.parametrize("width", range(1, 60))
def test_an_age_with_its_year_fits_whole_or_is_left_out(width: int) -> None:
    old = session("1", "Walking every day", "2025-11-23T11:00:00.000Z")
    line = title_line(dataclasses.replace(old, pinned=True), width, NOW, current=True)
    assert cell_len(line) <= max(width, 5), "marks and one letter are always there"
    assert line.endswith(" Nov 2025") or "20" not in line


def test_tags_and_a_pin_are_in_the_line_and_leave_room_for_the_title() -> None:
    kept = dataclasses.replace(SESSIONS[0], pinned=True, tags=("health", "to\x1bread"))
    line = title_line(kept, 60, NOW, current=False)
    assert line.startswith("  ★ Walking every day #health #to␛read") and line.endswith(" 5m")
    narrow = title_line(kept, 30, NOW, current=False)
    assert "Walking" in narrow and "#" in narrow and cell_len(narrow) <= 30
    assert "#" not in title_line(kept, 20, NOW, current=False)


async def test_sessions_are_shown_and_chosen() -> None:
    app = Host()
    async with app.run_test() as pilot:
        sessions = app.query_one(SessionList)
        sessions.set_sessions(SESSIONS, "2", NOW)
        await pilot.pause()
        lines = shown(app)
        assert lines[1].startswith("● Haiku [bold]in") and lines[0].startswith("  Walking")
        assert sessions.highlighted == "2"
        sessions.focus()
        await pilot.press("down", "enter", "r", "d")
        await pilot.pause()
        chosen, *asked = app.seen
        assert isinstance(chosen, SessionList.Chosen) and chosen.session_id == "3"
        assert [(e.action, e.session_ids) for e in asked] == [  # type: ignore[attr-defined]
            ("rename", ("3",)),
            ("delete", ("3",)),
        ]


async def test_marked_sessions_are_meant_instead_of_the_one_under_the_cursor() -> None:
    app = Host()
    async with app.run_test() as pilot:
        sessions = app.query_one(SessionList)
        sessions.set_sessions(SESSIONS, "1", NOW)
        sessions.focus()
        await pilot.press("space", "down", "space", "a")
        await pilot.pause()
        lines = shown(app)
        assert lines[0].startswith("● ✓ Walking") and lines[2].startswith("  ✓ Eggs")
        assert app.seen[-1].session_ids == ("1", "3")  # type: ignore[attr-defined]
        assert "2 marked" in str(app.query_one("#session-note").render())
        sessions.set_sessions(SESSIONS[1:], "1", NOW)  # the first one is archived
        assert sessions.chosen == ("3",)
        await pilot.press("escape")
        assert sessions.chosen == (sessions.highlighted,)


async def test_more_sessions_are_asked_for_at_the_end_and_added_once() -> None:
    app = Host()
    async with app.run_test() as pilot:
        sessions = app.query_one(SessionList)
        sessions.set_sessions(SESSIONS, "1", NOW, total=5)
        sessions.focus()
        assert "3 of 5 sessions" in str(app.query_one("#session-note").render())
        await pilot.press("end")
        await pilot.pause()
        assert isinstance(app.seen[-1], SessionList.MoreWanted)
        sessions.add_sessions([SESSIONS[2], session("4", "Four"), session("5", "Five")])
        assert len(shown(app)) == 5 and sessions.highlighted == "3"
        await pilot.press("end")
        await pilot.pause()
        assert sum(isinstance(e, SessionList.MoreWanted) for e in app.seen) == 1


async def test_the_filter_is_asked_for_and_escape_ends_it() -> None:
    app = Host()
    async with app.run_test() as pilot:
        sessions = app.query_one(SessionList)
        sessions.set_sessions(SESSIONS, "1", NOW)
        sessions.focus()
        await pilot.press("slash", *"egg", "enter")
        await pilot.pause()
        sessions.show_problem("is:egg is nothing")
        assert "is:egg is nothing" in str(app.query_one("#session-note").render())
        sessions.set_sessions(SESSIONS[2:], "1", NOW)
        assert "1 session" in str(app.query_one("#session-note").render())
        await pilot.press("escape")
        await pilot.pause()
        assert not app.query_one(Input).display
        queries = [e.query for e in app.seen if isinstance(e, SessionList.FilterChanged)]
        assert queries == ["egg", ""]


async def test_new_sessions_do_not_move_the_cursor_to_another_one() -> None:
    app = Host()
    async with app.run_test() as pilot:
        sessions = app.query_one(SessionList)
        sessions.set_sessions(SESSIONS, "1", NOW)
        sessions.focus()
        await pilot.press("down")
        sessions.set_sessions([session("9", "new"), *SESSIONS], "9", NOW)
        await pilot.pause()
        assert sessions.highlighted == "2"


async def test_the_cursor_goes_with_the_session_on_screen_while_the_keys_are_elsewhere() -> None:
    app = Host()
    async with app.run_test() as pilot:
        sessions = app.query_one(SessionList)
        app.screen.set_focus(None)
        sessions.set_sessions(SESSIONS, "1", NOW)
        assert sessions.highlighted == "1"
        sessions.set_sessions([session("9", "new"), *SESSIONS], "9", NOW)
        assert sessions.highlighted == "9"
        sessions.set_sessions(SESSIONS, "3", NOW)
        sessions.focus()
        await pilot.pause()
        assert sessions.highlighted == "3"


async def test_the_cursor_stays_at_its_height_when_its_session_goes_while_the_list_is_used() -> (
    None
):
    app = Host()
    async with app.run_test() as pilot:
        sessions = app.query_one(SessionList)
        sessions.set_sessions(SESSIONS, SESSIONS[-1].id, NOW)
        sessions.focus()
        await pilot.press("home", "down")
        sessions.set_sessions([SESSIONS[0], *SESSIONS[2:]], SESSIONS[-1].id, NOW)
        await pilot.pause()
        assert sessions.highlighted == SESSIONS[2].id


async def test_an_empty_list_asks_for_nothing() -> None:
    app = Host()
    async with app.run_test() as pilot:
        sessions = app.query_one(SessionList)
        sessions.set_sessions([], None)
        sessions.focus()
        await pilot.press("enter", "r", "delete")
        await pilot.pause()
        assert app.seen == []


async def test_lines_made_while_the_list_is_hidden_are_made_again_for_its_width() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        sessions = app.query_one(SessionList)
        sessions.set_sessions(SESSIONS, "1", NOW)
        await pilot.pause()
        before = shown(app)
        assert "Walking every day" in before[0]
        sessions.display = False
        await pilot.pause()
        sessions.set_sessions(SESSIONS, "1", NOW)
        await pilot.pause()
        sessions.display = True
        await pilot.pause()
        assert shown(app) == before
