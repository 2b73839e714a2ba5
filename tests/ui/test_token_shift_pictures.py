"""Pictures of the inspector in the app. After a wanted change, look at them, then run this file with
`--snapshot-update`.
"""

import re
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.support.fake_chat import FakeChat
from tests.support.traces import pieces_of, reference_score, score
from tests.ui.driving import make_app
from tests.ui.test_snapshots import still
from urial_tui.shift.records import TokenScore

ANSWER = (
    "Hello! Walking every day has many benefits: it strengthens your heart, it improves your "
    "mood, and it costs nothing. 漢字 🥾\n\nStart with 20 minutes a day, and go on from there."
)
TOKENS = re.findall(r"\s?[^\s]+|\s+", ANSWER)
KINDS = "ssumuumsuuuuuumuuusuuuuumusuuuuuuuuuu"
OTHERS = {7: b" The", 8: b" a", 9: b" some"}


def scores() -> tuple[TokenScore, ...]:
    return tuple(
        score(i, KINDS[i], kl=0.02 * (i % 7) ** 3, logprob=-0.3 * (i % 11), entropy=0.4 * (i % 9))
        for i in range(len(TOKENS))
    )


def prepare(chat: FakeChat) -> None:
    assert reference_score("u") is not None
    chat.add_session("Haiku in Italian", ["Write a haiku.", "Neve d'inverno"], "3")
    turns = ["What are the benefits of walking every day?", ANSWER]
    chat.add_session("Walking every day", turns, "5")
    chat.compare("demo@zero-shot", noise=0.02, null_rate=0.0)
    trace = chat.store_trace("m4", TOKENS, KINDS[: len(TOKENS)], noise=0.02)
    pieces = {**pieces_of(TOKENS), **OTHERS}
    chat.traces["m4"] = type(trace)(**{**vars(trace), "scores": scores(), "pieces": pieces})


def pressing(*keys: str) -> Any:
    async def run(pilot: Pilot[Any]) -> None:
        await still(pilot)
        await pilot.press(*keys)
        await still(pilot)

    return run


@pytest.mark.parametrize("size", [(80, 24), (110, 30), (160, 45)], ids=str)
def test_the_token_cursor(snap_compare: Any, size: tuple[int, int]) -> None:
    run = pressing("f6", "n", "n", "p", "m")
    assert snap_compare(make_app(prepare), terminal_size=size, run_before=run)


def test_without_colour(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    run = pressing("f6", "n")
    assert snap_compare(make_app(prepare), terminal_size=(120, 30), run_before=run)


def test_a_graded_lane(snap_compare: Any) -> None:
    run = pressing("f6", "l", "l")
    assert snap_compare(make_app(prepare), terminal_size=(120, 30), run_before=run)


def test_a_filter(snap_compare: Any) -> None:
    run = pressing("f6", "f")
    assert snap_compare(make_app(prepare), terminal_size=(120, 30), run_before=run)


def test_the_light_theme(snap_compare: Any) -> None:
    app = make_app(prepare, services={"theme": "urial-day"})
    assert snap_compare(app, terminal_size=(160, 45), run_before=pressing("f6", "n"))


def test_while_the_answer_is_written(snap_compare: Any) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await still(pilot)
        chat = pilot.app.chat_screen.chat  # type: ignore[attr-defined]
        chat.auto = False
        await chat.send("And again?")
        chat.start_trace(noise=0.02)
        for token in TOKENS[:20]:
            chat.stream(token)
        chat.score_tokens(scores()[:14], pieces_of(TOKENS[:14]))
        await still(pilot)

    assert snap_compare(make_app(prepare), terminal_size=(160, 45), run_before=run)


def test_an_answer_without_scores(snap_compare: Any) -> None:
    def unscored(chat: FakeChat) -> None:
        prepare(chat)
        chat.traces.clear()

    assert snap_compare(make_app(unscored), run_before=pressing("f6"))
