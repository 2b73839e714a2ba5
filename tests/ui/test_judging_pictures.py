"""Pictures of the screens of judging. After a wanted change, look at them, then run with `--snapshot-update`."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.support.fake_chat import FakeChat
from tests.support.fake_judging import GOOD, JUDGED, PAIRWISE, QUESTIONS, SCORE, SIDES, FakeJudging
from tests.ui.driving import make_app
from tests.ui.test_snapshots import still
from urial_tui.judge import desk_types
from urial_tui.prompts.types import Turn

SIZES = [(80, 24), (160, 45)]


def prepare(chat: FakeChat) -> None:
    chat.add_session("Walking", [QUESTIONS[0], GOOD], "5")


def desk() -> FakeJudging:
    made = FakeJudging(judge="smollm2@chat")
    for number, message_id in enumerate(sorted(made.texts)):
        score = replace(JUDGED.scores[0], score=2 + number % 4)
        said = replace(JUDGED, message_id=message_id, scores=(score, *JUDGED.scores[1:]))
        made.said.append(said)
    made.texts["m2"] = (SIDES[0], (Turn("user", QUESTIONS[0]), Turn("assistant", GOOD)))
    made.said.append(replace(JUDGED, message_id="m2"))
    return made


async def compared() -> FakeJudging:
    made = desk()
    for number, choice in ((0, "a"), (1, "tie"), (2, "b")):
        pair = await made.pair(f"x{number}a", f"x{number}b", PAIRWISE.ref)
        await made.prefer(pair, PAIRWISE, {"overall": choice})  # type: ignore[dict-item]
    for number, mark in enumerate((5, 4, 3)):
        await made.rate(f"x{number}a", SCORE, {"helpfulness": mark, "clarity": 4})
    return made


async def settled(pilot: Pilot[Any]) -> None:
    """Until the screen stays as it is. `still` waits for all workers, and some of these wait for a screen."""
    before, same = "", 0
    for _ in range(60):
        for widget in pilot.app.screen.query(Input):
            widget.cursor_blink = False
        await pilot.pause()
        now = pilot.app.screen.id or type(pilot.app.screen).__name__
        now += pilot.app.export_screenshot()
        same = same + 1 if now == before else 0
        before = now
        if same == 3:
            return


def doing(*keys: str, action: str = "") -> Any:
    async def run(pilot: Pilot[Any]) -> None:
        await still(pilot)
        if action:
            getattr(pilot.app.chat_screen, f"action_{action}")()  # type: ignore[attr-defined]
            await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return run


def app(made: FakeJudging, **services: Any) -> Any:
    return make_app(prepare, services={"judging": made, **services})


def test_rating_without_colour(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    run = doing("4", "down", "2", action="rate_answer")
    assert snap_compare(app(desk()), run_before=run)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    "keys",
    [("tab",), ("tab", "tab")],
    ids=["wins", "agreement"],
)
def test_the_board(snap_compare: Any, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    made = asyncio.run(compared())
    assert snap_compare(app(made), terminal_size=size, run_before=doing(*keys, action="open_board"))


def test_a_step_of_a_judge_in_words() -> None:
    assert desk_types.JudgingStep("judging", 34, 600).words == "judging, 34 tokens"
    assert desk_types.JudgingStep("loading", 40, 1000).words == "judge: loading 4 %"
