"""Comparing two answers by hand: what a key stores is about the answers, wherever they stand on the screen."""

from functools import partial

from tests.support.fake_judging import BAD, GOOD, PAIRWISE, SIDES, FakeJudging
from tests.ui.judging_bench import Rated, rating
from urial_tui.prompts.types import Turn
from urial_tui.store.types import Message
from urial_tui.ui.chat.screen import ChatScreen
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.judging.pairing import PairScreen
from urial_tui.ui.judging.run_picker import RunPicker
from urial_tui.ui.judging.versions import VersionPicker


def shown(bench: Rated, task: tuple[str, ...]) -> bool:
    return bench.rating.shown == task


async def compare_run(bench: Rated) -> PairScreen:
    bench.screen.action_compare_run()
    await bench.until(lambda: isinstance(bench.app.screen, RunPicker))
    await bench.settle_dialog()
    await bench.press("enter")
    await bench.opened()
    screen = bench.rating
    assert isinstance(screen, PairScreen)
    return screen


async def test_one_key_decides_all_in_all_in_terms_of_the_answers() -> None:
    async with rating(size=(160, 45)) as bench:
        queue = await bench.desk.pair_queue("r1", 0, 1, PAIRWISE.ref)
        screen = await compare_run(bench)
        for number, task in enumerate(queue.tasks):
            await bench.until(partial(shown, bench, task), str(task))
            await bench.pilot.pause()
            text = bench.drawn()
            assert f"{number} of 3 done" in bench.heading() and "blind" in bench.heading()
            for side in (*SIDES, "zero-shot", "urial-general", "demo"):
                assert side not in text, side
            pair = screen.pair
            assert pair is not None
            good_is_a = pair.first == pair.a.message_id  # the good answer is the first side's
            left, right = (screen.query_one(f"#{name}", Canvas).text for name in "ab")
            assert ("Walking every day" in left) == good_is_a
            assert ("Walking every day" in right) == (not good_is_a)
            await bench.press("a" if good_is_a else "b")
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen))
        assert [(one.message_a, one.message_b) for one in bench.desk.compared] == list(queue.tasks)
        for one in bench.desk.compared:
            assert [(pick.aspect, pick.winner) for pick in one.picks] == [("overall", "a")]
            assert (one.words_a, one.words_b) == (len(GOOD.split()), len(BAD.split()))
            assert one.blind and one.judge.kind == "person"
        assert "All 3 pairs" in bench.said()


async def test_aspects_are_chosen_one_by_one_and_kept_until_they_are_saved() -> None:
    desk = FakeJudging()
    async with rating(desk) as bench:
        screen = await compare_run(bench)
        await bench.press("p", "a", "tab", "t", "b", "escape")
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen))
        assert desk.compared == []
        screen = await compare_run(bench)
        assert screen.aspects_open
        assert screen.sheet.marks == {"helpfulness": "a", "factuality": "tie", "depth": "b"}
        await bench.press("c", *"abt", "enter", "enter")
        await bench.until(lambda: desk.compared)
        (one,) = desk.compared
        a_first = one.picks[0].first is not None
        turned = {"a": "b", "b": "a", "tie": "tie"}
        picked = {pick.aspect: pick.winner for pick in one.picks}
        wanted = {"helpfulness": "a", "factuality": "tie", "depth": "b"}
        assert picked == {k: v if a_first else turned[v] for k, v in wanted.items()}
        assert one.note == "abt"


async def test_at_80_columns_one_answer_is_shown_at_a_time_and_the_last_choice_can_be_changed() -> (
    None
):
    async with rating() as bench:
        screen = await compare_run(bench)
        first, turned = bench.rating.shown, screen.turned
        one, other = ("Walking every day", "Walking is when")
        if screen.turned:
            one, other = other, one
        assert one in bench.drawn() and other not in bench.drawn()
        await bench.press("right")
        await bench.pilot.pause()
        assert other in bench.drawn() and one not in bench.drawn()
        assert "B   " in bench.drawn()
        await bench.press("t")
        await bench.until(lambda: bench.rating.shown not in (None, first))
        await bench.press("u")
        await bench.until(partial(shown, bench, first or ()))
        assert "you said: tie" in bench.drawn()
        await bench.press("a")
        await bench.until(lambda: bench.rating.shown not in (None, first))
        (stored,) = bench.desk.compared
        assert stored.picks[0].winner == ("b" if turned else "a")


async def test_versions_of_an_answer_are_compared_in_the_chat() -> None:
    desk = FakeJudging()
    for name, text in (("m4", "It is gentle."), ("v2", "It is wet."), ("v3", "It is far.")):
        desk.texts[name] = ("demo", (Turn("user", "And swimming?"), Turn("assistant", text)))
        desk.others.setdefault("m4", []).append(
            Message(name, "s1", "m3", "assistant", text, "complete", "")
        )
    async with rating(desk) as bench:
        await bench.press("shift+tab")
        bench.screen.judging.act("compare", "m4")
        await bench.until(lambda: isinstance(bench.app.screen, VersionPicker))
        await bench.pilot.pause()
        await bench.press("down", "enter")
        await bench.opened()
        assert bench.rating.shown == ("m4", "v3")
        await bench.press("t")
        await bench.until(lambda: isinstance(bench.app.screen, ChatScreen))
        (one,) = desk.compared
        assert (one.message_a, one.message_b, one.blind) == ("m4", "v3", False)


def second_turns() -> FakeJudging:
    """Two versions of a second answer, each with a first one of its own."""
    desk = FakeJudging()
    for name, earlier, text in (("m4", "Mine. " * 300, "It is gentle."), ("v2", "Other.", "Wet.")):
        turns = (("user", "Why?"), ("assistant", earlier), ("user", "Swim?"), ("assistant", text))
        desk.texts[name] = ("demo", tuple(Turn(role, said) for role, said in turns))
        desk.others.setdefault("m4", []).append(
            Message(name, "s1", "m3", "assistant", text, "complete", "")
        )
    return desk


async def compare_second_turns(bench: Rated) -> tuple[PairScreen, str, str]:
    """The screen, and where it shows `m4` and `v2`."""
    bench.screen.judging.act("compare", "m4")
    await bench.opened()
    screen = bench.rating
    assert isinstance(screen, PairScreen)
    return (screen, "b", "a") if screen.turned else (screen, "a", "b")


async def test_each_answer_of_a_second_turn_has_its_own_earlier_turns_beside_it() -> None:
    async with rating(second_turns(), size=(160, 45)) as bench:
        screen, mine, other = await compare_second_turns(bench)
        text = {name: screen.query_one(f"#{name}", Canvas).text for name in ("question", "a", "b")}
        assert "Swim?" in text["question"]
        assert "Mine." not in text["question"] and "Other." not in text["question"]
        assert "Mine." in text[mine] and "Other." not in text[mine] and "gentle" in text[mine]
        assert "Other." in text[other] and "Mine." not in text[other] and "Wet." in text[other]
        assert "It is gentle." in bench.drawn() and "Wet." in bench.drawn()


async def test_an_answer_below_a_long_earlier_turn_is_seen_at_once_in_80_columns() -> None:
    async with rating(second_turns()) as bench:
        _, mine, _ = await compare_second_turns(bench)
        if mine == "b":
            await bench.press("right")
            await bench.pilot.pause()
        assert "It is gentle." in bench.drawn() and "its own earlier turns above" in bench.drawn()
        await bench.press("home")
        await bench.pilot.pause()
        assert "Mine." in bench.drawn()
