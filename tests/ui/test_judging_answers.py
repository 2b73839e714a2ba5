"""A model judges an answer of the chat: beside it, stoppable, and what came of it is said as it is."""

import asyncio
from dataclasses import replace

import pytest
from textual.widgets import Input, OptionList, Static

from tests.support.fake_judging import JUDGED, FakeJudging
from tests.ui.judging_bench import Rated, rating
from urial_tui.errors import ModelError
from urial_tui.store.judging.types import AspectScore
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.judging.judge_picker import JudgePicker
from urial_tui.ui.judging.judgements import JudgementsDialog
from urial_tui.ui.judging.opinions import opinion_lines


async def choose_judge(bench: Rated, *keys: str) -> None:
    bench.screen.transcript.focus()
    await bench.press("J")
    await bench.until(lambda: isinstance(bench.app.screen, JudgePicker))
    await bench.settle_picker()
    await bench.press(*keys)


def said(bench: Rated) -> str:
    return bench.app.screen.query_one("#judgements", Canvas).text


async def test_a_judge_works_beside_the_chat_and_its_scores_are_shown_with_how_sure_it_was() -> (
    None
):
    desk = FakeJudging(judge="smollm2@chat")
    gate = desk.gates["judge"] = asyncio.Event()
    async with rating(desk, size=(100, 40)) as bench:
        await choose_judge(bench)
        assert bench.app.screen.query_one("#side", Input).value == "smollm2@chat"
        assert "just-eval" in str(bench.app.screen.query_one("#rubric", Static).render())
        await bench.press("enter")  # the usual judge
        await bench.until(lambda: isinstance(bench.app.screen, JudgementsDialog))
        await bench.until(lambda: "judging, 34 tokens" in bench.drawn())
        await bench.press("escape")
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen))
        assert "judging" in bench.screen.status.status.judging
        assert "chat.judge" not in bench.footer()
        await bench.press("escape")
        await bench.write("Hello?")
        await bench.press("enter")
        await bench.until(lambda: bench.shown()[-2:-1] == [("You", "Hello?")])  # the chat goes on
        assert desk.called("judge") == [("m4", "smollm2@chat", "just-eval")]
        gate.set()
        await bench.until(lambda: "Judged" in str(bench.notices) or "helpfulness 4" in bench.said())
        assert "factuality n/a" in bench.said() and "depth unreadable" in bench.said()
        assert bench.screen.status.status.judging == ""
        bench.screen.transcript.focus()
        await bench.press("up", "up", "up", "o")
        await bench.until(lambda: isinstance(bench.app.screen, JudgementsDialog))
        await bench.until(lambda: "It names real benefits." in said(bench))
        text = said(bench)
        assert "smollm2@chat · just-eval" in text
        assert "expected 3.62 ± 0.81" in text
        assert "unreadable" in text and "n/a" in text


async def test_a_judge_that_is_stopped_leaves_nothing() -> None:
    desk = FakeJudging(judge="smollm2@chat")
    desk.gates["judge"] = asyncio.Event()
    async with rating(desk) as bench:
        await choose_judge(bench, "enter")
        await bench.until(lambda: isinstance(bench.app.screen, JudgementsDialog))
        await bench.pilot.pause()
        await bench.press("x")
        await bench.until(lambda: desk.stopped == ["judge"])
        await bench.until(lambda: bench.screen.judging.answer is None)
        assert desk.said == []
        await bench.until(lambda: "Nobody has judged it yet" in said(bench))


async def test_a_judge_that_fails_says_why_and_an_unreadable_one_gives_no_number() -> None:
    desk = FakeJudging(judge="other")
    desk.errors["judge"] = ModelError("the model cannot be loaded", hint="Choose another.")
    async with rating(desk, size=(100, 40)) as bench:
        await choose_judge(bench, "enter")
        await bench.until(lambda: "the model cannot be loaded" in bench.said())
        assert bench.screen.judging.answer is None
        await bench.press("escape")
        await bench.pilot.pause()
        desk.verdict = replace(
            JUDGED, outcome="invalid", own=True, scores=(AspectScore("clarity", "invalid"),)
        )
        await choose_judge(bench, "enter")
        await bench.until(lambda: "no score" in said(bench))
        text = said(bench)
        assert "clarity  unreadable" in text
        assert "may favour itself" in text
        assert not any(digit in text.replace("2026-03-01 10:00", "") for digit in "12345")


@pytest.mark.parametrize(
    ("raw", "words"),
    [(("?", "??"), "Nothing readable came"), ((), "could not be asked")],
    ids=["read twice", "never asked"],
)
def test_why_there_is_no_score_is_said_truly(raw: tuple[str, ...], words: str) -> None:
    made = replace(JUDGED, outcome="invalid", scores=(), raw=raw, note="it does not fit")
    text = "\n".join("".join(part for part, _ in line) for line in opinion_lines([made], 100))
    assert words in text and "it does not fit" in text


async def test_another_model_than_the_one_that_wrote_the_answer_is_proposed() -> None:
    for usual, proposed in (
        ("demo@chat", "qwen2.5-0.5b@chat"),
        ("", ""),
        ("other@chat", "other@chat"),
    ):
        desk = FakeJudging(judge=usual)
        async with rating(desk) as bench:
            await choose_judge(bench)
            picker = bench.app.screen
            assert picker.query_one("#side", Input).value == proposed
            assert picker.query_one(OptionList).highlighted == 1
            assert "demo wrote it" in bench.drawn()


async def test_the_model_that_wrote_the_answer_is_warned_of_before_it_judges() -> None:
    desk = FakeJudging(judge="demo@chat")
    async with rating(desk) as bench:
        await choose_judge(bench)
        await bench.until(
            lambda: (
                "favour its own" in str(bench.app.screen.query_one("#need", Static).render())
                or not bench.app.screen.query_one("#need").display
            )
        )
