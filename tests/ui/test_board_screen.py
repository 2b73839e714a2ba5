"""The board's screen: numbers where there are some, words where there are none, and the answers behind each row."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import OptionList

from tests.support.fake_judging import JUDGED, PAIRWISE, RUN, SCORE, FakeJudging
from tests.ui.judging_bench import Rated, rating
from urial_tui.errors import StoreError
from urial_tui.judge import people
from urial_tui.store.judging.types import JudgeInfo
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.judging.board import BoardScreen
from urial_tui.ui.judging.board_answers import BoardAnswers
from urial_tui.ui.judging.by_hand import ByHandScreen
from urial_tui.ui.judging.reader import AnswerReader
from urial_tui.ui.judging.runs_chooser import RunsChooser
from urial_tui.ui.widgets.table import Table


async def judged() -> FakeJudging:
    """A run that a model judged, the answers of one item also by hand, and two pairs compared."""
    desk = FakeJudging()
    for number, message_id in enumerate(sorted(desk.texts)):
        desk.said.append(replace(JUDGED, message_id=message_id, id=f"j{number}"))
    await desk.rate("x0a", SCORE, {"helpfulness": 5, "clarity": 4, "depth": "na"}, blind=True)
    await desk.rate("x0b", SCORE, {"helpfulness": 1, "clarity": 2})
    for number, choice in ((0, "a"), (1, "tie")):
        pair = await desk.pair(f"x{number}a", f"x{number}b", PAIRWISE.ref)
        await desk.prefer(pair, PAIRWISE, {"overall": choice})  # type: ignore[dict-item]
    return desk


@asynccontextmanager
async def board(desk: FakeJudging, **rest: Any) -> AsyncIterator[Rated]:
    async with rating(desk, **rest) as bench:
        await bench.press("f18")
        await bench.until(lambda: isinstance(bench.app.screen, BoardScreen))
        await bench.until(lambda: shown(bench).board is not None or shown(bench).trouble)
        await bench.pilot.pause()
        yield bench


def shown(bench: Rated) -> BoardScreen:
    found = [one for one in bench.app.screen_stack if isinstance(one, BoardScreen)]
    return found[-1]


def rows(bench: Rated) -> list[list[str]]:
    table = bench.app.screen.query_one(Table)
    return [[str(cell).strip() for cell in table.get_row_at(row)] for row in range(table.row_count)]


def detail(bench: Rated) -> str:
    return " ".join(shown(bench).query_one("#detail", Canvas).text.split())


async def test_sides_by_aspects_with_what_is_no_number_apart() -> None:
    async with board(await judged(), size=(160, 45)) as bench:
        await bench.until(lambda: len(rows(bench)) == 2)
        titles = [str(c.label).strip() for c in bench.app.screen.query_one(Table).ordered_columns]
        assert titles[:4] == ["side", "average", "helpfulness", "clarity"]
        first = dict(zip(titles, rows(bench)[0], strict=True))
        assert first["side"] == "demo@urial-general"
        assert first["helpfulness"] == "4.00 [4.00, 4.00]"
        assert (first["factuality"], first["depth"]) == ("–", "–")
        assert first["average"] == "–"  # an aspect has no score: no average
        assert (first["judged"], first["n/a"], first["bad"]) == ("3/3", "3", "3")
        text = detail(bench)
        assert "shift against demo@raw: unshifted 80.0%" in text
        assert "4.00 [4.00, 4.00] n 3 expected 3.62 mass 0.98" in text
        assert "factuality no score 3 n/a" in text
        assert "fewer than 20 items" in text
        assert "depth no score 3 unreadable" in text
        assert "no average: an aspect of it has no score" in text
        assert "judge 1 of 2" in str(shown(bench).query_one("#heading").render())
        await bench.press("j")
        await bench.pilot.pause()
        assert rows(bench)[0][1:3] == ["–", "5.00"]  # one item: no interval
        assert "1 rated blind" in detail(bench)


async def test_a_side_that_the_shown_judge_has_not_judged_stays_and_says_so() -> None:
    desk = await judged()
    desk.said = [one for one in desk.said if one.message_id.endswith("a")]
    async with board(desk, size=(160, 45)) as bench:
        await bench.until(lambda: len(rows(bench)) == 2)
        second = rows(bench)[1]
        assert second[:4] == ["demo@zero-shot", "not judged", "–", "–"] and "0/3" in second
        await bench.press("down")
        await bench.pilot.pause()
        assert "not judged by smollm2@chat with just-eval" in detail(bench)
        assert "3 of 3 answers" in detail(bench)


async def test_the_heading_counts_the_items_of_all_runs() -> None:
    desk = await judged()
    made = desk.material
    desk.material = lambda: replace(  # type: ignore[method-assign]
        made(), runs=(*made().runs, replace(made().runs[0], id="r2", n_items=5))
    )
    async with board(desk, size=(160, 45)) as bench:
        assert "3 + 5 items" in str(shown(bench).query_one("#heading").render())


async def test_views_say_who_won_who_agrees_and_what_was_published() -> None:
    async with board(await judged()) as bench:
        await bench.press("tab")
        await bench.pilot.pause()
        text = bench.drawn()
        assert "[Wins]" in text
        assert "demo@urial-general against demo@zero-shot" in text
        assert "win 50% tie 50% loss 0%" in text
        assert "margin +50% [0%, +100%]" in text
        assert "own model" not in text
        await bench.press("tab")
        await bench.pilot.pause()
        text = bench.drawn()
        assert "[Agreement]" in text and "smollm2@chat and me" in text
        assert "kappa" in text
        await bench.press("tab")
        await bench.pilot.pause()
        text = bench.drawn()
        assert "[Published]" in text and "judge: " in text
        assert "demo@" not in text  # never among the run's own rows
        await bench.press("escape")
        await bench.pilot.pause()
        assert "[Scores]" in bench.drawn()
        await bench.press("escape")
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen))


async def test_compared_answers_say_what_weakens_them() -> None:
    desk = await judged()
    cut = {"a": (10, 20)}
    desk.compared = [replace(one, own=True, blind=True, shortened=cut) for one in desk.compared]
    async with board(desk) as bench:
        await bench.press("tab")
        await bench.pilot.pause()
        text = " ".join(bench.drawn().split())
        assert "2 have an answer by the judge's own model, which may favour itself" in text
        assert "of 2 the judge read a shortened text" in text and "2 compared blind" in text


async def test_a_breakdown_goes_through_what_tells_answers_apart() -> None:
    async with board(await judged()) as bench:
        await bench.press("b")
        await bench.until(lambda: len(rows(bench)) == 8)
        assert [row[0] for row in rows(bench)[2:]] == [
            "advice (2)", "demo@urial-general", "demo@zero-shot",
            "facts (1)", "demo@urial-general", "demo@zero-shot",
        ]  # fmt: skip
        assert "by task" in bench.drawn()
        await bench.press("end")
        await bench.pilot.pause()
        assert "n 1" in detail(bench)
        await bench.press("o")
        await bench.until(lambda: isinstance(bench.app.screen, BoardAnswers))
        assert bench.desk.called("board_items") == [("r1:1", "task", "facts")]
        await bench.press("escape", "b")
        await bench.until(lambda: shown(bench).by is None and len(rows(bench)) == 2)


async def test_the_answers_of_a_row_are_read_with_reasons() -> None:
    async with board(await judged()) as bench:
        await bench.press("down", "enter")
        await bench.until(lambda: isinstance(bench.app.screen, BoardAnswers))
        await bench.until(lambda: len(rows(bench)) == 3)
        assert bench.desk.called("board_items") == [("r1:1", None, None)]
        assert rows(bench)[0][-5:] == ["4", "5", "n/a", "unread", "3"]
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.app.screen, AnswerReader))
        lines = bench.app.screen.query_one("#lines", Canvas)
        await bench.until(lambda: "What was said of it" in lines.text)
        assert "demo@zero-shot, 15 words" in lines.text
        assert "It names real benefits." in lines.text
        assert "me (person)" in lines.text
        await bench.press("escape", "escape", "escape")
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen))


async def test_rating_from_the_board_changes_its_numbers() -> None:
    async with board(await judged()) as bench:
        await bench.press("h")
        await bench.until(
            lambda: isinstance(bench.app.screen, ByHandScreen) and bench.app.screen.shown
        )
        await bench.pilot.pause()
        await bench.press("5", "enter")
        await bench.until(lambda: len(bench.desk.called("rate")) == 3)
        await bench.until(lambda: bench.rating.shown)
        await bench.press("escape")
        await bench.until(lambda: isinstance(bench.app.screen, BoardScreen))
        await bench.until(lambda: len(bench.desk.called("board")) == 2)
        assert bench.desk.called("board")[-1][2] is True  # read anew


async def test_safety_items_are_rated_with_their_own_rubric_when_the_others_are_done() -> None:
    desk = await judged()
    desk.harmful = {1}
    for message_id in ("x0a", "x0b", "x2a", "x2b"):
        await desk.rate(message_id, SCORE, {"clarity": 3})
    async with board(desk) as bench:
        await bench.press("h")
        await bench.until(lambda: isinstance(bench.app.screen, ByHandScreen))
        await bench.until(lambda: bench.rating.shown is not None)
        assert bench.rating.rubric.id == "safety" and "0 of 2 done" in bench.heading()


async def test_other_runs_are_chosen_and_several_together() -> None:
    desk = await judged()
    other = replace(RUN, id="r2", start=replace(RUN.start, name="older"))
    desk.all_runs.append(other)
    async with board(desk) as bench:
        assert desk.called("board")[-1][0] == ("r1",)
        await bench.press("r")
        await bench.until(lambda: isinstance(bench.app.screen, RunsChooser))
        await bench.pilot.pause()
        await bench.press("down", "space", "enter")
        await bench.until(lambda: desk.called("board")[-1][0] == ("r1", "r2"))
        await bench.press("r")
        await bench.until(lambda: isinstance(bench.app.screen, RunsChooser))
        await bench.pilot.pause()
        assert bench.app.screen.query_one(OptionList).option_count == 3
        await bench.press("end", "enter")
        await bench.until(lambda: desk.called("board")[-1][0] == ())
        await bench.until(lambda: "Nothing to show here" in bench.drawn())


@pytest.mark.parametrize("case", ["empty", "refused", "unjudged"])
async def test_what_cannot_be_shown_is_said(case: str) -> None:
    desk = FakeJudging()
    if case == "empty":
        desk.all_runs.clear()
    elif case == "refused":
        desk.errors["runs"] = StoreError("the history cannot be read", hint="Look at the disk.")
        desk.errors["board"] = desk.errors["runs"]
    async with board(desk) as bench:
        text = " ".join(bench.drawn().split())
        wanted = {
            "empty": "There is no run yet",
            "refused": "the history cannot be read. Look at the disk.",
            "unjudged": "not judged yet",
        }
        assert wanted[case] in text
        if case == "unjudged":
            assert [row[1] for row in rows(bench)] == ["3/3", "3/3"]


async def test_names_of_judges_and_sides_do_nothing_to_the_terminal() -> None:
    evil = "\x1b[31mred\u202eback[b]x[/b]"
    desk = await judged()
    desk.said = [replace(one, judge=JudgeInfo("model", evil, "k")) for one in desk.said]
    async with board(desk, size=(120, 40)) as bench:
        text = bench.drawn()
        assert "\x1b" not in text and "\u202e" not in text and "[b]x[/b]" in text


def test_people_are_judges_by_name() -> None:
    assert people.person(" me ").key == people.person("me").key
