"""The dialogs about token shift: the chart over positions, totals, and the choice of what is compared."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Checkbox, Input, OptionList, Static

from tests.support.inspected import GENERATOR, REFERENCE, answer, pair, trace
from urial_tui.chat.pair import Pair
from urial_tui.errors import StoreError, UsageError
from urial_tui.store.types import ShiftTotals
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.inspect.trace_view import TraceView
from urial_tui.ui.screens.position_chart import PositionChart
from urial_tui.ui.screens.references import ReferenceChoice, ReferencePicker, split_sides
from urial_tui.ui.screens.shift_totals import ShiftTotalsDialog
from urial_tui.ui.themes import DEFAULT_THEME, OUR_THEMES

TOTALS = (
    ShiftTotals(GENERATOR, REFERENCE, "live", 12, 780, 140, 80, 12, 0.41),
    ShiftTotals("demo+sft@chat", "demo@raw", "canonical", 20, 1500, 300, 200, 20, 0.73),
)
PAIRS = (
    Pair(GENERATOR, (REFERENCE,), "URIAL against zero-shot"),
    Pair("demo+sft@chat", ("demo@raw",), "Tuned against base"),
)


class Host(App[None]):
    """Opens one dialog and keeps what it gives back."""

    def __init__(self, dialog: Screen[Any]) -> None:
        super().__init__()
        for ours in OUR_THEMES:
            self.register_theme(ours)
        self.theme = DEFAULT_THEME
        self.dialog = dialog
        self.given: list[Any] = []

    def on_mount(self) -> None:
        self.push_screen(self.dialog, self.given.append)

    def shown(self) -> str:
        return "\n".join(canvas.text for canvas in self.dialog.query(Canvas))


async def until(pilot: Pilot[Any], true: Any) -> None:
    for _ in range(100):
        if true():
            return
        await pilot.pause()
    raise AssertionError("did not come true")


# --- positions ----------------------------------------------------------------------------------


def chart() -> PositionChart:
    shown = TraceView(trace(answer(120), name="now"))
    others = [
        trace(answer(60), name="a"),
        trace(answer(40), name="b", path="canonical"),
        trace(answer(40), name="c", generator="other@raw"),
        trace(answer(40), name="now"),
    ]
    return PositionChart.of(shown, others)


async def test_the_chart_switches_to_relative_positions_and_to_the_session() -> None:
    app = Host(chart())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert f"{GENERATOR} against {REFERENCE}" in app.shown()
        assert "this answer · positions" in app.shown()
        assert "120" in app.shown() and "100 %" not in app.shown().splitlines()[-1]
        await pilot.press("r")
        assert "relative positions" in app.shown()
        assert "100 %" in app.shown().splitlines()[-1]
        await pilot.press("s")
        # Another path and other sides are not pooled, the answer that is shown counts once.
        assert "this session: 2 answers · relative positions" in app.shown()
        await pilot.press("escape")
        assert app.given == [None]


async def test_the_chart_opens_on_the_session_where_the_answer_has_no_scores() -> None:
    shown = TraceView(trace([], name="now"))
    app = Host(PositionChart.of(shown, [trace(answer(30), name="a")]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "this session: 1 answer ·" in app.shown()
        await pilot.press("s")
        assert "No token is counted yet." in app.shown()


@pytest.mark.parametrize("size", [(80, 24), (140, 45)], ids=str)
def test_a_picture_of_the_chart(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(Host(chart()), terminal_size=size)


# --- totals -------------------------------------------------------------------------------------


async def test_totals_of_the_session_and_of_the_history_are_read_when_they_are_asked_for() -> None:
    asked: list[bool] = []
    ready = asyncio.Event()

    async def load(session_only: bool) -> Sequence[ShiftTotals]:
        asked.append(session_only)
        await ready.wait()
        return TOTALS[:1] if session_only else TOTALS

    app = Host(ShiftTotalsDialog(load))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Counting…" in app.shown() and "[This session]" in app.shown()
        ready.set()
        await until(pilot, lambda: "live · 12 answers" in app.shown())
        assert asked == [True]
        assert "demo+sft@chat" not in app.shown()
        await pilot.press("tab")
        await until(pilot, lambda: "demo+sft@chat" in app.shown())
        assert "[Whole history]" in app.shown()
        await pilot.press("tab")
        assert "demo+sft@chat" not in app.shown()
        assert asked == [True, False]
        await pilot.press("escape")
        assert app.given == [None]


async def test_the_answer_for_the_scope_that_was_left_is_kept_apart() -> None:
    gates = {True: asyncio.Event(), False: asyncio.Event()}

    async def load(session_only: bool) -> Sequence[ShiftTotals]:
        await gates[session_only].wait()
        return TOTALS[:1] if session_only else TOTALS[1:]

    app = Host(ShiftTotalsDialog(load))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("tab")
        gates[False].set()
        await until(pilot, lambda: "demo+sft@chat" in app.shown())
        await pilot.press("tab")
        assert "Counting…" in app.shown()
        gates[True].set()
        await until(pilot, lambda: "live · 12 answers" in app.shown())


async def test_a_history_that_cannot_be_read_is_said() -> None:
    async def load(session_only: bool) -> Sequence[ShiftTotals]:
        raise StoreError("the history cannot be read\x1b[31m", hint="Look at the disk.")

    app = Host(ShiftTotalsDialog(load))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "cannot be read" in app.shown())
        assert "Look at the disk." in app.shown() and "\x1b" not in app.shown()


@pytest.mark.parametrize("size", [(80, 24), (140, 45)], ids=str)
def test_a_picture_of_the_totals(snap_compare: Any, size: tuple[int, int]) -> None:
    async def load(session_only: bool) -> Sequence[ShiftTotals]:
        return TOTALS

    async def filled(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        await until(pilot, lambda: "live · 12 answers" in app.shown())
        await pilot.pause()

    assert snap_compare(Host(ShiftTotalsDialog(load)), terminal_size=size, run_before=filled)


# --- references ---------------------------------------------------------------------------------


def test_sides_are_split_at_spaces_but_not_inside_quotes() -> None:
    assert split_sides("") == ()
    assert split_sides("  demo@raw   demo@same ") == ("demo@raw", "demo@same")
    assert split_sides('"/my models/a.gguf"@raw demo+"/x y.gguf":0.5@chat') == (
        '"/my models/a.gguf"@raw',
        'demo+"/x y.gguf":0.5@chat',
    )


@pytest.mark.parametrize("text", ['"/my models', "demo@raw demo@raw", "demo@@raw", 'a"b'])
def test_sides_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        split_sides(text)


async def test_a_pair_is_chosen_from_the_list() -> None:
    app = Host(ReferencePicker(pair(), PAIRS))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.dialog.query_one(OptionList).highlighted == 0
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.given == [ReferenceChoice("demo+sft@chat", ("demo@raw",), True)]


async def test_references_are_written_and_what_is_wrong_is_said_in_place() -> None:
    app = Host(ReferencePicker(pair(), PAIRS))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        line = app.dialog.query_one(Input)
        assert line.value == REFERENCE
        line.focus()
        line.value = "demo@raw demo@@x"
        await pilot.press("enter")
        await pilot.pause()
        problem = app.dialog.query_one(".problem", Static)
        assert "demo@@x" in str(problem.render()) and problem.display
        assert app.given == []
        line.value = "demo@raw  demo@same"
        await pilot.pause()
        assert not problem.has_class("-on")
        await pilot.press("enter")
        await pilot.pause()
        assert app.given == [ReferenceChoice(None, ("demo@raw", "demo@same"), True)]


async def test_scoring_is_switched_off_and_the_label_says_so() -> None:
    app = Host(ReferencePicker(pair(), ()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert not app.dialog.query_one(OptionList).display
        box = app.dialog.query_one(Checkbox)
        assert "Scoring is on" in str(box.label)
        box.focus()
        await pilot.press("space")
        assert "Scoring is off" in str(box.label)
        app.dialog.query_one(Input).focus()
        await pilot.press("enter")
        await pilot.pause()
        assert app.given == [ReferenceChoice(None, (REFERENCE,), False)]


async def test_a_check_may_refuse_and_escape_changes_nothing() -> None:
    def check(references: tuple[str, ...]) -> None:
        raise UsageError("no such model: demo9")

    app = Host(ReferencePicker(pair(), PAIRS, check))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert "no such model" in str(app.dialog.query_one(".problem", Static).render())
        await pilot.press("escape")
        assert app.given == [None]


async def test_pairs_that_take_time_to_find_are_added_below() -> None:
    gate = asyncio.Event()
    more = Pair("demo@raw", ("other@raw",), "with other")

    async def find() -> Sequence[Pair]:
        await gate.wait()
        return (*PAIRS, more)

    app = Host(ReferencePicker(pair(), PAIRS, more=find))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        listed = app.dialog.query_one(OptionList)
        await pilot.press("down")
        assert (listed.option_count, listed.highlighted) == (len(PAIRS), 1)
        gate.set()
        await until(pilot, lambda: listed.option_count == len(PAIRS) + 1)
        assert listed.highlighted == 1
        await pilot.press("end", "enter")
        await pilot.pause()
        assert app.given == [ReferenceChoice("demo@raw", ("other@raw",), True)]


async def test_pairs_that_cannot_be_found_do_not_stand_in_the_way() -> None:
    async def find() -> Sequence[Pair]:
        raise StoreError("no")

    app = Host(ReferencePicker(pair(), PAIRS, more=find))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert len(app.given) == 1


@pytest.mark.parametrize("size", [(80, 24), (140, 45)], ids=str)
def test_a_picture_of_the_references(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(Host(ReferencePicker(pair(), PAIRS)), terminal_size=size)
