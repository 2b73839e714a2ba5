"""The session list: titles as they are, a filter, and requests that name a session."""

from datetime import UTC, datetime

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.message import Message
from textual.widgets import Input, OptionList

from urial_tui.store.types import Session
from urial_tui.ui.widgets.session_list import SessionList, age, title_line

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

    def on_session_list_rename_requested(self, event: SessionList.RenameRequested) -> None:
        self.seen.append(event)

    def on_session_list_delete_requested(self, event: SessionList.DeleteRequested) -> None:
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
        ("2024-01-05T11:00:00.000Z", "Jan 24"),
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
        assert [type(e) for e in app.seen] == [
            SessionList.Chosen,
            SessionList.RenameRequested,
            SessionList.DeleteRequested,
        ]
        assert {e.session_id for e in app.seen} == {"3"}  # type: ignore[attr-defined]


async def test_the_filter_narrows_the_list_and_escape_brings_it_back() -> None:
    app = Host()
    async with app.run_test() as pilot:
        sessions = app.query_one(SessionList)
        sessions.set_sessions(SESSIONS, "1", NOW)
        sessions.focus()
        await pilot.press("slash", *"egg")
        await pilot.pause()
        assert [line.split()[0] for line in shown(app)] == ["Eggs,"]
        await pilot.press("enter")
        assert sessions.highlighted == "3"
        await pilot.press("escape")
        await pilot.pause()
        assert len(shown(app)) == 3
        assert not app.query_one(Input).display
        for _ in range(100):
            if any(isinstance(e, SessionList.FilterChanged) for e in app.seen):
                break
            await pilot.pause(0.01)
        queries = [e.query for e in app.seen if isinstance(e, SessionList.FilterChanged)]
        assert queries[-1] == ""


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


async def test_an_empty_list_asks_for_nothing() -> None:
    app = Host()
    async with app.run_test() as pilot:
        sessions = app.query_one(SessionList)
        sessions.set_sessions([], None)
        sessions.focus()
        await pilot.press("enter", "r", "delete")
        await pilot.pause()
        assert app.seen == []
