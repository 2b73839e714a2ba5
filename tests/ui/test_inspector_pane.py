"""The inspector's pane as a widget: what it highlights and posts, that it follows a growing trace, its looks."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

from tests.support.inspected import (
    REFERENCE,
    answer,
    log,
    pair,
    reference_score,
    token,
    trace,
    view,
)
from urial_tui.chat.pair import ReferenceStatus
from urial_tui.ui.inspect.pane import AlternativeChosen, InspectorPane
from urial_tui.ui.inspect.trace_view import TraceView
from urial_tui.ui.themes import DEFAULT_THEME, OUR_THEMES


class Host(App[None]):
    """One pane and nothing else."""

    CSS = "Screen { layout: horizontal; } Static { width: 1fr; }"

    def __init__(self, theme: str = DEFAULT_THEME, *, beside: bool = False) -> None:
        super().__init__()
        for ours in OUR_THEMES:
            self.register_theme(ours)
        self.theme = theme
        self.beside = beside
        self.chosen: list[tuple[int, int]] = []

    def compose(self) -> ComposeResult:
        if self.beside:
            yield Static("The transcript would be here.")
        yield InspectorPane()

    @property
    def pane(self) -> InspectorPane:
        return self.query_one(InspectorPane)

    def on_alternative_chosen(self, event: AlternativeChosen) -> None:
        self.chosen.append((event.i, event.token_id))


@asynccontextmanager
async def running(size: tuple[int, int] = (50, 40)) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    app = Host()
    async with app.run_test(size=size) as pilot:
        yield app, pilot


def two_lists() -> TraceView:
    own = ((100, log(0.6)), (101, log(0.2)), (103, log(0.1)))
    theirs = ((104, log(0.5)), (100, log(0.2)))
    score = reference_score(2, top=theirs)
    return TraceView(trace([token(0, 100, score, top=own), token(1, 101, score, top=own)]))


async def test_the_highlight_begins_at_the_best_token_that_was_not_written_and_moves() -> None:
    async with running() as (app, pilot):
        pane, shown = app.pane, two_lists()
        pane.update_view(shown, 0, None, pair())
        await pilot.pause()
        assert pane.alternative() == (0, 101)
        pane.move_alternative(1)
        assert pane.alternative() == (0, 103)
        pane.move_alternative(1)
        assert pane.alternative() == (0, 103)
        pane.switch_list()
        assert pane.alternative() == (0, 100)
        pane.move_alternative(-5)
        assert pane.alternative() == (0, 104)
        pane.update_view(shown, 0, 1, pair())
        assert pane.alternative() == (0, 104), "an update of the same token keeps the highlight"
        pane.update_view(shown, 1, None, pair())
        assert pane.alternative() == (1, 100)


async def test_a_chosen_alternative_is_posted() -> None:
    async with running() as (app, pilot):
        app.pane.update_view(two_lists(), 0, None, pair())
        await pilot.pause()
        assert app.pane.choose_alternative()
        await pilot.pause()
        assert app.chosen == [(0, 101)]


async def test_nothing_is_highlighted_without_a_cursor_or_where_the_lists_are_not_seen() -> None:
    async with running() as (app, pilot):
        app.pane.update_view(two_lists(), None, None, pair())
        await pilot.pause()
        assert app.pane.alternative() is None
        app.pane.move_alternative(1)
        app.pane.switch_list()
        app.pane.update_view(None, None, None, pair())
        assert not app.pane.choose_alternative()
    async with running((36, 8)) as (app, pilot):
        app.pane.update_view(two_lists(), 0, 1, pair())
        await pilot.pause()
        assert "generator" not in app.pane.text
        assert not app.pane.choose_alternative()
        await pilot.resize_terminal(36, 30)
        await pilot.pause()
        assert app.pane.alternative() == (0, 101)


async def test_it_follows_a_growing_trace() -> None:
    async with running() as (app, pilot):
        shown = TraceView(trace(), running=True)
        app.pane.update_view(shown, None, None, pair())
        await pilot.pause()
        assert "no token is counted yet" in app.pane.text
        shown.add(answer(20), {})
        app.pane.update_view(shown, None, None, pair())
        await pilot.pause()
        assert "token 20 of 20" in app.pane.text
        shown.end()
        app.pane.update_view(shown, None, None, pair())
        assert "token 20 of 20" not in app.pane.text


async def test_an_update_costs_the_same_at_any_length() -> None:
    async with running() as (app, pilot):
        scores = answer(20_100)

        async def cost(n: int) -> float:
            """Seconds for the quickest of many updates by two tokens, at a length of `n`."""
            shown = TraceView(trace(scores[:n]), running=True)
            app.pane.update_view(shown, None, None, pair())
            await pilot.pause()
            took = []
            for i in range(n, n + 100, 2):
                shown.add(scores[i : i + 2], {})
                begun = time.perf_counter()
                app.pane.update_view(shown, None, None, pair())
                for y in range(app.pane.content_size.height):
                    app.pane.render_line(y)
                took.append(time.perf_counter() - begun)
            return min(took)

        assert await cost(20_000) < 4 * await cost(300)


async def test_classes_differ_in_attributes_and_not_only_in_colour() -> None:
    async with running() as (app, pilot):
        looks = {}
        for name, rank in (("unshifted", 1), ("marginal", 2), ("shifted", 9)):
            app.pane.update_view(
                TraceView(trace([token(0, 100, reference_score(rank))])), 0, None, pair()
            )
            await pilot.pause()
            for y in range(app.pane.content_size.height):
                for segment in app.pane.render_line(y):
                    if segment.text == name and segment.style is not None:
                        style = segment.style
                        looks[name] = (
                            bool(style.bold),
                            bool(style.underline),
                            bool(style.reverse),
                        )
                if name in looks:
                    break
        assert looks["unshifted"] == (False, False, False)
        assert looks["marginal"] == (False, True, False)
        assert looks["shifted"] == (True, False, True)


async def test_another_theme_recolours_it_and_themes_without_our_colours_work() -> None:
    async with running() as (app, pilot):
        app.pane.update_view(view(), 14, None, pair())
        colours = set()
        for theme in (*(ours.name for ours in OUR_THEMES), "nord"):
            app.theme = theme
            await pilot.pause()
            segments = [s for y in range(30) for s in app.pane.render_line(y)]
            bars = [s.style.color for s in segments if s.text.startswith("░░") and s.style]
            colours.add(str(bars[0]))
        assert len(colours) >= 2


def test_a_picture_beside_the_transcript(snap_compare: Any) -> None:
    assert snap_compare(Host(beside=True), terminal_size=(120, 45), run_before=_filled)


def test_a_picture_below_the_transcript(snap_compare: Any) -> None:
    assert snap_compare(Host(), terminal_size=(80, 13), run_before=_filled)


def test_a_picture_without_colour(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Host("urial-day"), terminal_size=(50, 40), run_before=_filled)


async def _filled(pilot: Pilot[Any]) -> None:
    status = ReferenceStatus(
        REFERENCE, "ready", warnings=("quantisation differs: Q4_K_M against Q8_0",), noise=0.05
    )
    pilot.app.pane.update_view(view(90), 14, 22, pair(status))  # type: ignore[attr-defined]
    await pilot.pause()
