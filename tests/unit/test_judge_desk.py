"""Rating by hand through the desk, on a real history in memory: what is stored, what is left, and in which order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.store_runs import ITEMS, JUDGE, answer_all, judgement, make_run
from urial_tui.errors import JudgeError
from urial_tui.judge import people
from urial_tui.judge.desk import JudgeDesk
from urial_tui.judge.drafts import Draft
from urial_tui.judge.rubrics import Rubric, RubricLibrary, builtin_rubrics_dir
from urial_tui.store.aio import AsyncStore
from urial_tui.store.runs.types import Run, RunAnswer, RunItem
from urial_tui.store.store import Store

LIBRARY = RubricLibrary([builtin_rubrics_dir()])
SCORE, SAFETY, PAIRWISE = (LIBRARY.get(one) for one in ("just-eval", "safety", "pairwise"))


def desk_on(store: AsyncStore, folder: Path, rater: str = "me") -> JudgeDesk:
    def nothing(*_: Any) -> Any:
        raise AssertionError("rating by hand needs no engine")

    return JudgeDesk(
        lambda: store, rater=rater, rubrics=LIBRARY.all, engine=nothing, resolve=nothing,
        when_quiet=nothing, drafts=folder / "state" / "drafts.json",
    )  # fmt: skip


def run_of(store: Store, items: Sequence[RunItem]) -> tuple[Run, list[RunAnswer]]:
    run = make_run(store, items)
    return run, answer_all(store, run)


@asynccontextmanager
async def answered(
    folder: Path, items: Sequence[RunItem] = ITEMS
) -> AsyncIterator[tuple[JudgeDesk, AsyncStore, Run, list[RunAnswer]]]:
    """A desk, its history, and a run of two sides with all its answers."""
    store = await AsyncStore.in_memory()
    try:
        run, answers = await store._run(lambda: run_of(store._current(), items))
        yield desk_on(store, folder), store, run, answers
    finally:
        await store.aclose()


def left(queue: Any) -> list[str]:
    return [task[0] for task in queue.tasks]


async def test_marks_are_stored_as_a_persons_scores_and_nothing_else_is_a_number(
    tmp_path: Path,
) -> None:
    async with answered(tmp_path) as (desk, store, _, answers):
        made = await desk.rate(
            answers[0].message_id, SCORE, {"depth": "na", "clarity": 4, "helpfulness": 2}, " odd \n",
            blind=True,
        )  # fmt: skip
        (stored,) = await store.call(Store.judgements, message_ids=[answers[0].message_id])
        assert stored == made
        assert [(s.aspect, s.outcome, s.score) for s in stored.scores] == [
            ("helpfulness", "ok", 2), ("clarity", "ok", 4), ("depth", "na", None),
        ]  # fmt: skip
        assert (stored.judge.kind, stored.judge.judge) == ("person", "me")
        assert (stored.outcome, stored.note, stored.blind) == ("ok", "odd", True)
        assert stored.rubric == SCORE.ref
        assert people.marks_of(stored) == {"helpfulness": 2, "clarity": 4, "depth": "na"}


async def test_nothing_rated_is_refused_and_na_alone_is_no_score(tmp_path: Path) -> None:
    async with answered(tmp_path) as (desk, store, _, answers):
        for marks in ({}, {"no-such-aspect": 3}):
            with pytest.raises(JudgeError, match="no aspect is rated"):
                await desk.rate(answers[0].message_id, SCORE, marks)  # type: ignore[arg-type]
        with pytest.raises(JudgeError, match="no score from 1 to 5"):
            await desk.rate(answers[0].message_id, SCORE, {"clarity": 6})
        assert await store.call(Store.judgements) == []
        assert (await desk.rate(answers[0].message_id, SCORE, {"depth": "na"})).outcome == "na"


async def test_a_later_rating_takes_the_place_of_ones_own_and_of_nobody_elses(
    tmp_path: Path,
) -> None:
    async with answered(tmp_path) as (desk, store, _, answers):
        message_id = answers[0].message_id
        other = desk_on(store, tmp_path, "Zoë")
        await store.call(Store.save_judgement, judgement(message_id))
        await desk.rate(message_id, SCORE, {"clarity": 1})
        await other.rate(message_id, SCORE, {"clarity": 3})
        await desk.rate(message_id, SCORE, {"depth": 5})
        shown = await desk.answer(message_id, SCORE.ref)
        assert shown.mine is not None and people.marks_of(shown.mine) == {"depth": 5}
        assert [one.judge.judge for one in shown.others] == [JUDGE.judge, "Zoë"]
        await desk.forget(shown.mine)
        assert (await desk.answer(message_id, SCORE.ref)).mine is None


async def test_an_answer_comes_with_its_conversation_and_who_wrote_it(tmp_path: Path) -> None:
    async with answered(tmp_path) as (desk, _, _, answers):
        second = next(one for one in answers if one.turn == 1)
        shown = await desk.answer(second.message_id, SCORE.ref)
        assert [turn.role for turn in shown.before] == ["user", "assistant", "user"]
        assert shown.before[-1].text == "Now shorter."
        assert shown.content == second.content
        assert shown.side == "demo@urial-general"


async def test_the_queue_is_shuffled_the_same_after_a_restart_and_goes_on(tmp_path: Path) -> None:
    async with answered(tmp_path) as (desk, store, run, answers):
        first = await desk.rating_queue(run.id, SCORE.ref)
        again = await desk_on(store, tmp_path).rating_queue(run.id, SCORE.ref)
        assert first == again
        assert (first.done, first.total) == (0, len(answers))
        in_order = [one.message_id for one in answers]
        assert sorted(left(first)) == sorted(in_order)
        assert left(first) != in_order
        other = await desk_on(store, tmp_path, "Zoë").rating_queue(run.id, SCORE.ref)
        assert left(other) != left(first)
        await desk.rate(left(first)[0], SCORE, {"clarity": 2}, blind=True)
        await store.call(
            Store.save_judgement, judgement(left(first)[1], rubric=SCORE.ref)
        )  # a model's
        rest = await desk.rating_queue(run.id, SCORE.ref)
        assert left(rest) == left(first)[1:]
        assert (rest.done, rest.total) == (1, len(answers))
        assert (await desk.rating_queue(run.id, SAFETY.ref)).done == 0  # another rubric


async def test_people_rate_safety_items_by_the_rubric_that_a_judge_would_take(
    tmp_path: Path,
) -> None:
    items = [
        RunItem(n, n, ("q",), category=name) for n, name in enumerate(("regular", " Safety", ""))
    ]
    async with answered(tmp_path, items) as (desk, _, run, answers):
        harmful = {one.message_id for one in answers if one.index == 1}
        usual = await desk.rating_queue(run.id, SCORE.ref)
        assert (usual.total, usual.left_out) == (4, 2) and not harmful & set(left(usual))
        safety = await desk.rating_queue(run.id, SAFETY.ref)
        assert (safety.total, safety.left_out) == (2, 4) and set(left(safety)) == harmful
        mine = replace(SCORE.ref, id="mine", hash="ee" * 32)  # one's own is for all
        assert (await desk.rating_queue(run.id, mine)).total == 6
    async with answered(tmp_path) as (
        desk,
        _,
        run,
        answers,
    ):  # none of that category: wanted for all
        assert (await desk.rating_queue(run.id, SAFETY.ref)).total == len(answers)


async def test_unfinished_answers_are_not_rated(tmp_path: Path) -> None:
    store = await AsyncStore.in_memory()
    run = await store._run(lambda: make_run(store._current()))
    await store.call(Store.begin_run_answer, run.id, 0, 0, 0)
    desk = desk_on(store, tmp_path)
    assert await desk.rating_queue(run.id, SCORE.ref) == await desk.pair_queue(
        run.id, 0, 1, PAIRWISE.ref
    )
    await store.aclose()


async def test_pairs_are_of_the_same_message_and_a_compared_one_does_not_come_again(
    tmp_path: Path,
) -> None:
    async with answered(tmp_path) as (desk, _, run, answers):
        place = {one.message_id: (one.index, one.turn, one.side) for one in answers}
        queue = await desk.pair_queue(run.id, 0, 1, PAIRWISE.ref)
        assert (queue.done, queue.total) == (0, len(answers) // 2)
        for a, b in queue.tasks:
            assert place[a][:2] == place[b][:2]
            assert (place[a][2], place[b][2]) == (0, 1)
        pair = await desk.pair(queue.tasks[0][0], queue.tasks[0][1], PAIRWISE.ref)
        await desk.prefer(pair, PAIRWISE, {"overall": "b"}, blind=True)
        rest = await desk.pair_queue(run.id, 0, 1, PAIRWISE.ref)
        assert rest.tasks == queue.tasks[1:]
        turned = await desk.pair_queue(run.id, 1, 0, PAIRWISE.ref)
        assert [task[::-1] for task in turned.tasks] == list(rest.tasks)
        with pytest.raises(JudgeError):
            await desk.pair_queue(run.id, 1, 1, PAIRWISE.ref)


async def test_a_choice_names_the_answers_and_not_the_places_on_the_screen(tmp_path: Path) -> None:
    async with answered(tmp_path) as (desk, store, run, _):
        for task in (await desk.pair_queue(run.id, 0, 1, PAIRWISE.ref)).tasks:
            pair = await desk.pair(task[0], task[1], PAIRWISE.ref)
            turned = await desk.pair(task[1], task[0], PAIRWISE.ref)
            assert pair.first == turned.first  # the same order whoever is called A
            await desk.prefer(pair, PAIRWISE, {"overall": "a", "clarity": "tie"}, "so", blind=True)
            (stored,) = await store.call(Store.comparisons, message_ids=[task[0]])
            assert (stored.message_a, stored.message_b) == task
            assert (stored.words_a, stored.words_b) == (pair.a.words, pair.b.words)
            assert (stored.blind, stored.note, stored.judge.kind) == (True, "so", "person")
            assert [(p.aspect, p.winner) for p in stored.picks] == [
                ("clarity", "tie"), ("overall", "a"),
            ]  # fmt: skip
            overall = stored.picks[-1]
            a_first = pair.first == pair.a.message_id
            assert (overall.first, overall.second) == (("a", None) if a_first else (None, "a"))
            turned = await desk.pair(task[1], task[0], PAIRWISE.ref)
            assert turned.mine is not None
            assert people.choices_of(turned.mine, task[1])["overall"] == "b"
            await desk.prefer(turned, PAIRWISE, {"overall": "a"})
            assert len(await store.call(Store.comparisons, message_ids=[task[0]])) == 1


def test_either_answer_is_first_about_as_often() -> None:
    firsts = [people.shown_first(f"a{n}", f"b{n}", "me", "pairwise") for n in range(400)]
    assert 150 < firsts.count("a") < 250


async def test_what_is_begun_is_there_after_a_restart_and_gone_when_it_is_forgotten(
    tmp_path: Path,
) -> None:
    store = await AsyncStore.in_memory()
    desk = desk_on(store, tmp_path)
    await asyncio.gather(
        *(desk.keep_draft(Draft({"clarity": n}, "x"), SCORE.ref, "m1") for n in range(1, 6))
    )
    await desk.keep_draft(Draft({"overall": "tie"}), PAIRWISE.ref, "m2", "m1")
    again = desk_on(store, tmp_path)
    assert await again.draft(SCORE.ref, "m1") == Draft({"clarity": 5}, "x")
    assert await again.draft(PAIRWISE.ref, "m1", "m2") == Draft({"overall": "tie"})
    assert await again.draft(SCORE.ref, "m2") is None
    assert await desk_on(store, tmp_path, "Zoë").draft(SCORE.ref, "m1") is None
    await again.keep_draft(None, SCORE.ref, "m1")
    assert await desk.draft(SCORE.ref, "m1") is None
    await store.aclose()


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"k": 1}', '{"me|x|m": {"marks": {"a": [1]}, "note": ""}}', "{" * 100_000]
)
async def test_a_draft_file_that_is_broken_counts_as_empty(tmp_path: Path, text: str) -> None:
    store = await AsyncStore.in_memory()
    desk = desk_on(store, tmp_path)
    file = tmp_path / "state" / "drafts.json"
    file.parent.mkdir()
    file.write_text(text)
    assert await desk.draft(SCORE.ref, "m") is None
    await desk.keep_draft(Draft({"a": 1}), SCORE.ref, "m")
    assert await desk.draft(SCORE.ref, "m") == Draft({"a": 1})
    await store.aclose()


async def test_rubrics_are_given_by_kind(tmp_path: Path) -> None:
    store = await AsyncStore.in_memory()
    desk = desk_on(store, tmp_path)
    found: list[Rubric] = await desk.rubrics("score")
    assert [one.id for one in found] == ["just-eval", "safety"]
    assert [one.id for one in await desk.rubrics("pairwise")] == ["pairwise"]
    await store.aclose()
