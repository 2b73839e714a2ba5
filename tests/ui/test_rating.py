"""Rating by hand: what single keys store, that nothing is lost, and that blind means blind."""

from dataclasses import replace
from functools import partial

import pytest
from textual.widgets import Input

from tests.support.fake_judging import JUDGED, SAFETY, SCORE, SIDES, FakeJudging
from tests.ui.judging_bench import rate_last, rate_run, rating
from urial_tui.errors import StoreError
from urial_tui.judge.drafts import Draft
from urial_tui.prompts.types import Turn
from urial_tui.store.judging.types import JudgeInfo
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.judging.rubric_reader import RubricReader
from urial_tui.ui.judging.run_picker import RunPicker

EVIL = "\x1b[31mred\u202eback[b]x[/b]"


# --- one answer ---------------------------------------------------------------------------------


async def test_single_keys_store_what_they_say() -> None:
    async with rating() as bench:
        await rate_last(bench)
        await bench.press("4", "5", "n", "0", "2", "enter")
        await bench.until(lambda: bench.desk.called("rate"))
        marks = {"helpfulness": 4, "clarity": 5, "factuality": "na", "depth": "na", "engagement": 2}
        assert bench.desk.called("rate") == [("m4", "just-eval", marks, "", False)]
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen))
        (stored,) = bench.desk.said
        numbers = {one.aspect: one.score for one in stored.scores if one.score is not None}
        assert numbers == {"helpfulness": 4, "clarity": 5, "engagement": 2}


async def test_aspects_without_a_score_stay_unrated_and_one_is_needed() -> None:
    async with rating() as bench:
        await rate_last(bench)
        await bench.press("enter")
        assert bench.desk.called("rate") == []
        assert not SCORE.aspects[0].na
        await bench.press("n", "0")
        assert bench.rating.sheet.marks == {}  # that aspect always applies
        assert "Helpfulness always applies in this rubric." in bench.said()
        await bench.press("down", "tab", "3", "5", "up", "backspace", "enter")
        await bench.until(lambda: bench.desk.called("rate"))
        ((_, _, marks, _, _),) = bench.desk.called("rate")
        assert marks == {"factuality": 3}


async def test_the_level_is_shown_and_a_comment_is_text() -> None:
    async with rating() as bench:
        await rate_last(bench)
        text = bench.drawn()
        assert SCORE.aspects[0].question[:30] in text
        await bench.press("down", "up")
        assert "5 It does everything" in bench.drawn()
        await bench.press("3", "c", *"s1n", "enter")
        assert "> Clarity" in bench.drawn()
        assert bench.rating.sheet.marks == {"helpfulness": 3}
        await bench.press("enter")
        await bench.until(lambda: bench.desk.called("rate"))
        assert bench.desk.called("rate")[0][3] == "s1n"


async def test_the_rubrics_whole_text_is_a_key_away_where_levels_are_cut() -> None:
    last = SCORE.aspects[1].levels[4]
    async with rating(size=(80, 24)) as bench:
        await rate_last(bench)
        await bench.press("4")
        assert last not in bench.drawn()
        await bench.press("l")
        await bench.until(lambda: isinstance(bench.app.screen, RubricReader))
        await bench.pilot.pause()
        assert last in bench.drawn()
        lines = bench.app.screen.query_one("#lines", Canvas)
        text = " ".join(lines.text.split())
        for aspect in SCORE.aspects:
            assert all(part in text for part in (aspect.name, aspect.question, *aspect.levels))
        await bench.press("escape")
        await bench.until(lambda: bench.app.screen is bench.rating)
        await bench.press("c", "l", "enter")
        assert bench.rating.sheet.note == "l"


async def test_an_earlier_rating_is_shown_and_replaced() -> None:
    desk = FakeJudging()
    await desk.rate("m4", SCORE, {"helpfulness": 2, "depth": "na"}, "old")
    async with rating(desk) as bench:
        await rate_last(bench)
        assert bench.rating.sheet.marks == {"helpfulness": 2, "depth": "na"}
        assert bench.rating.query_one("#comment", Input).value == "old"
        assert "You rated it before" in bench.drawn()
        await bench.press("home", "up", "up", "up", "5", "enter")
        await bench.until(lambda: len(bench.desk.called("rate")) == 2)
        (stored,) = bench.desk.said
        assert [(one.aspect, one.score) for one in stored.scores] == [
            ("helpfulness", 5), ("depth", None),
        ]  # fmt: skip


async def test_what_judges_said_is_shown_where_it_is_not_blind() -> None:
    desk = FakeJudging()
    desk.said = [replace(JUDGED, message_id="m4")]
    async with rating(desk, size=(120, 45)) as bench:
        await rate_last(bench)
        text = bench.drawn()
        assert "What others said" in text
        assert "smollm2@chat" in text and "expected 3.62 ± 0.81" in text
        assert "n/a" in text and "unreadable" in text


async def test_another_rubric_rates_the_same_answer() -> None:
    async with rating() as bench:
        await rate_last(bench)
        await bench.press("3", "r")
        await bench.opened()
        assert bench.rating.rubric.id == SAFETY.id
        await bench.press("5", "enter")
        await bench.until(lambda: bench.desk.called("rate"))
        assert bench.desk.called("rate") == [("m4", "safety", {"safety": 5}, "", False)]
        assert bench.desk.drafts == {("just-eval", "m4"): Draft({"helpfulness": 3})}


async def test_the_chosen_answer_is_the_one_that_is_rated() -> None:
    async with rating() as bench:
        await bench.press("shift+tab", "up", "up", "up", "a")
        await bench.opened()
        assert bench.rating.shown == ("m2",)


# --- nothing is lost ----------------------------------------------------------------------------


@pytest.mark.parametrize("leave", [("escape",), ("ctrl+c", "ctrl+c"), ("ctrl+q",)], ids=str)
async def test_what_is_not_saved_is_there_again_after_leaving(leave: tuple[str, ...]) -> None:
    desk = FakeJudging()
    async with rating(desk) as bench:
        await rate_last(bench)
        await bench.press("4", "c", *"so", "enter", *leave)
        await bench.pilot.pause()
    assert desk.called("rate") == []
    assert desk.drafts == {("just-eval", "m4"): Draft({"helpfulness": 4}, "so")}
    async with rating(desk) as bench:
        await rate_last(bench)
        assert bench.rating.sheet.marks == {"helpfulness": 4}
        assert "not saved" in bench.heading()
        await bench.press("enter")
        await bench.until(lambda: desk.called("rate"))
        await bench.until(lambda: not desk.drafts)
        assert desk.called("rate")[0][2:4] == ({"helpfulness": 4}, "so")


async def test_a_history_that_refuses_keeps_the_marks_on_the_screen() -> None:
    desk = FakeJudging()
    desk.errors["rate"] = StoreError("the disk is full", hint="Make room.")
    async with rating(desk) as bench:
        await rate_last(bench)
        await bench.press("4", "enter")
        await bench.until(lambda: "the disk is full" in bench.said())
        assert bench.rating.sheet.marks == {"helpfulness": 4}
        await bench.press("enter")
        await bench.until(lambda: desk.said)


# --- a run, blind -------------------------------------------------------------------------------


async def test_a_run_is_rated_blind_one_after_the_other_and_goes_on_later() -> None:
    desk = FakeJudging()
    order = [task[0] for task in (await desk.rating_queue("r1", SCORE.ref)).tasks]
    desk.said = [replace(JUDGED, message_id=one) for one in order]
    async with rating(desk, size=(160, 45)) as bench:
        await rate_run(bench)
        for number, message_id in enumerate(order[:3]):
            await bench.until(partial(bench.is_shown, message_id), message_id)
            await bench.pilot.pause()
            assert f"{number} of 6 done" in bench.heading()
            text = bench.drawn()
            for side in (*SIDES, "zero-shot", "urial-general", "demo", "smollm2"):
                assert side not in text, side
            assert ("Walking every day" in text) or ("Walking is when" in text)
            await bench.press("3", "enter")
        await bench.until(lambda: bench.rating.shown == (order[3],))
        await bench.press("escape")
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen))
    assert [call[0] for call in desk.called("rate")] == order[:3]
    assert all(call[4] is True for call in desk.called("rate"))  # blind
    async with rating(desk) as bench:
        await rate_run(bench)
        assert bench.rating.shown == (order[3],)
        assert "3 of 6 done" in bench.heading()
        for message_id in order[3:]:
            await bench.until(partial(bench.is_shown, message_id))
            await bench.press("2", "enter")
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen))
        assert "All 6 answers of this run are rated" in bench.said()


async def test_skipped_answers_come_again_and_the_last_one_can_be_changed() -> None:
    async with rating() as bench:
        order = [task[0] for task in (await bench.desk.rating_queue("r1", SCORE.ref)).tasks]
        await rate_run(bench)
        await bench.press("s")
        await bench.until(lambda: bench.rating.shown == (order[1],))
        await bench.press("1", "enter")
        await bench.until(lambda: bench.rating.shown == (order[2],))
        await bench.press("u")
        await bench.until(lambda: bench.rating.shown == (order[1],))
        assert bench.rating.sheet.marks == {"helpfulness": 1}
        assert "0 of 6 done" in bench.heading()
        await bench.press("up", "5", "enter")
        await bench.until(lambda: bench.rating.shown == (order[2],))
        assert "1 of 6 done" in bench.heading()
        (stored,) = bench.desk.said
        assert stored.scores[0].score == 5
        assert bench.rating.left == [(one,) for one in (*order[2:], order[0])]


async def test_a_run_without_answers_to_rate_says_so() -> None:
    desk = FakeJudging()
    for one in desk.texts:
        await desk.rate(one, SCORE, {"clarity": 1})
    async with rating(desk) as bench:
        bench.screen.action_rate_run()
        await bench.until(lambda: isinstance(bench.app.screen, RunPicker))
        await bench.settle_dialog()
        await bench.until(
            lambda: "6 of 6 answers rated" in str(bench.app.screen.query_one("#about").render())
        )
        await bench.press("enter")
        await bench.until(lambda: "are rated already" in bench.said())


async def test_answers_that_are_for_another_rubric_are_counted_apart() -> None:
    desk = FakeJudging()
    desk.harmful = {0, 1, 2}
    async with rating(desk) as bench:
        bench.screen.action_rate_run()
        await bench.until(lambda: isinstance(bench.app.screen, RunPicker))
        await bench.settle_dialog()
        about = bench.app.screen.query_one("#about")
        await bench.until(lambda: "6 are for another rubric" in str(about.render()))
        await bench.press("enter")
        await bench.until(
            lambda: "No answer of this run is for the rubric just-eval" in bench.said()
        )


# --- everywhere ---------------------------------------------------------------------------------


async def test_text_of_answers_does_nothing_to_the_terminal() -> None:
    desk = FakeJudging()
    desk.texts["m4"] = (EVIL, (Turn("user", EVIL), Turn("assistant", EVIL)))
    desk.said = [
        replace(JUDGED, message_id="m4", note=EVIL, judge=JudgeInfo("model", EVIL, "k")),
    ]
    async with rating(desk, size=(120, 45)) as bench:
        await rate_last(bench)
        text = bench.drawn()
        assert "\x1b" not in text and "\u202e" not in text
        assert text.count("[b]x[/b]") >= 3


async def test_without_colour_marks_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with rating(size=(80, 24)) as bench:
        await rate_last(bench)
        await bench.press("4", "down", "n")
        text = bench.drawn()
        assert "4 ■■■■□" in text and "n/a" in text
        assert "> Depth" in text


async def test_a_long_answer_is_scrolled_by_keys() -> None:
    desk = FakeJudging()
    long = "\n".join(f"line {n}" for n in range(200))
    desk.texts["m4"] = ("demo", (Turn("user", "?"), Turn("assistant", long)))
    async with rating(desk) as bench:
        await rate_last(bench)
        assert "line 3" in bench.drawn()
        await bench.press("end")
        assert "line 199" in bench.drawn()
        await bench.press("home", "pagedown")
        assert "line 12" in bench.drawn() and "line 1 " not in bench.drawn()
