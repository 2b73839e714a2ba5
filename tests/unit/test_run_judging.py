"""Judging a run: each answer once, whatever interrupts it; what is there is counted and not asked again."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.judging import PAIR, compared, reply, rubric, scored, side
from tests.support.scripted_engine import Script, ScriptedEngine
from tests.support.store_rows import END, START
from urial_tui import paths, services
from urial_tui.chat.active import ActiveSide
from urial_tui.errors import JudgeError
from urial_tui.judge.judging import Judge
from urial_tui.judge.planning import is_own, plan_messages, plan_pairs, plan_run
from urial_tui.judge.run_judging import Judging
from urial_tui.judge.totals import aspect_totals, pick_totals
from urial_tui.main import main
from urial_tui.store.aio import AsyncStore
from urial_tui.store.runs.types import Run, RunItem, RunStart
from urial_tui.store.store import Store

RUN = RunStart(
    name="six",
    fingerprint="f",
    input_name="rows.json",
    input_format="just-eval",
    input_sha256="ab" * 32,
    sides=("one@house", "two@house"),
)
ITEMS = (
    RunItem(0, 10, ("How?",), category="regular"),
    RunItem(1, 11, ("Bombs?",), category="safety"),
    RunItem(2, 12, ("First?", "Second?")),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def fill(
    path: Path, *, sides: tuple[str, ...] = RUN.sides, leave: int = 0, name: str = "six"
) -> Run:
    """A run whose answers say which they are; the last `leave` of them are not there."""
    with Store.open(path) as store:
        run = store.create_run(replace(RUN, sides=sides, name=name, fingerprint=name))
        store.add_run_items(run.id, ITEMS)
        places = [
            (i.index, s, t) for i in ITEMS for s in range(len(sides)) for t in range(len(i.turns))
        ]
        for index, number, turn in places[: len(places) - leave]:
            _, _, answer = store.begin_run_answer(run.id, index, number, turn)
            start = replace(START, side=sides[number], model_path=f"{sides[number]}.gguf")
            generation = store.begin_generation(answer.id, start)
            store.finish_answer(
                answer.id, generation, "complete", END, tail=f"{index}-{number}-{turn}"
            )
        return store.run(run.id)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    path = tmp_path_factory.mktemp("filled") / "history.db"
    return path, fill(path)


@pytest.fixture
def run(home: Path, filled: tuple[Path, Run]) -> Run:
    paths.ensure_private_dir(paths.data_dir())
    shutil.copy(filled[0], paths.history_file())
    return filled[1]


@pytest.fixture
async def store(run: Run) -> AsyncIterator[AsyncStore]:
    opened = await AsyncStore.open(paths.history_file())
    yield opened
    await opened.aclose()


async def judging(store: AsyncStore, run: Run, engine: ScriptedEngine, **more: Any) -> Judging:
    judge = Judge(engine, side())
    plan = await plan_run(store, run, judge.side, [0, 1], lambda _: [rubric()])
    made = Judging(judge, store, plan.tasks, **more)
    await made.look()
    return made


async def test_the_plan_has_every_complete_answer_with_its_conversation(
    store: AsyncStore, run: Run
) -> None:
    safety = rubric(two="safe")
    plan = await plan_run(
        store, run, side(), [0, 1], lambda kind: [safety if kind == "safety" else rubric()]
    )
    assert [task.turns[-1].text for task in plan.tasks] == [
        "0-0-0", "0-1-0", "2-0-0", "2-1-0", "2-0-1", "2-1-1", "1-0-0", "1-1-0",
    ]  # rubric by rubric, item by item  # fmt: skip
    assert [turn.text for turn in plan.tasks[5].turns] == ["First?", "2-1-0", "Second?", "2-1-1"]
    assert [task.rubric.id for task in plan.tasks[-2:]] == ["safe", "safe"]
    one = await plan_run(store, run, side(), [1], lambda _: [rubric()], limit=2)
    assert [task.turns[-1].text for task in one.tasks] == ["0-1-0", "1-1-0"]


async def test_answers_that_are_not_there_are_counted_and_not_judged(
    store: AsyncStore,
) -> None:
    run = fill(paths.history_file(), leave=3, name="short")
    plan = await plan_run(store, run, side(), [0, 1], lambda _: [rubric()])
    assert (len(plan.tasks), plan.unanswered) == (5, 3)


async def test_own_answers_are_known_by_hash_or_by_path(store: AsyncStore, run: Run) -> None:
    def judge(path: str, sha: str | None) -> ActiveSide:
        made = side(sha256_of=lambda _path: sha)
        return replace(made, spec=type(made.spec)(path))

    written = replace(START, model_path="a.gguf", model_sha256="s")
    assert is_own(judge("elsewhere.gguf", "s"), written)
    assert not is_own(judge("a.gguf", "other"), written)
    assert is_own(judge("a.gguf", None), written)
    mine = judge("two@house.gguf", None)
    plan = await plan_run(store, run, mine, [0, 1], lambda _: [rubric()])
    assert plan.own == ("two@house",)
    assert [task.own for task in plan.tasks] == [
        task.turns[-1].text[2] == "1" for task in plan.tasks
    ]


async def test_each_answer_is_judged_once_and_nothing_again(store: AsyncStore, run: Run) -> None:
    engine = ScriptedEngine([reply(scored("4", "N/A"))])
    tally = await (await judging(store, run, engine)).work()
    assert (tally.there, tally.done, tally.complete) == (0, 8, True)
    assert len(engine.generations()) == 8
    again = ScriptedEngine()
    second = await judging(store, run, again)
    assert second.tally.complete and second.tally.there == 8
    await second.work()
    assert again.calls == []  # nothing is even loaded
    stored = await store.call(Store.judgements, run_id=run.id)
    assert len(stored) == 8 and all(row.prompt and row.raw for row in stored)
    clarity, truth = aspect_totals(stored)
    assert (clarity.counts["ok"], clarity.mean, truth.counts["na"], truth.mean) == (8, 4.0, 8, None)


async def test_another_judge_another_rubric_and_again_are_judged_anew(
    store: AsyncStore, run: Run
) -> None:
    first = ScriptedEngine([reply(scored("4", "4"))])
    await (await judging(store, run, first)).work()
    other = Judge(ScriptedEngine([reply(scored("1", "1"))]), side(sha256_of=lambda _p: "other"))
    plan = await plan_run(store, run, other.side, [0], lambda _: [rubric()])
    assert (await Judging(other, store, plan.tasks).look()).there == 0
    changed = await plan_run(store, run, side(), [0], lambda _: [rubric(clear="plain")])
    assert (await Judging(Judge(first, side()), store, changed.tasks).look()).there == 0
    anew = ScriptedEngine([reply(scored("2", "2"))])
    tally = await (await judging(store, run, anew, again=True)).work()
    assert len(anew.generations()) == tally.done == 8
    assert {row.scores[0].score for row in await store.call(Store.judgements, run_id=run.id)} == {2}


async def test_a_cancelled_judging_keeps_what_is_done_and_goes_on_with_the_rest(
    store: AsyncStore, run: Run
) -> None:
    engine = ScriptedEngine([reply(scored("4", "4"))])
    ended = asyncio.Event()
    counted: list[None] = []

    def one_more() -> None:
        counted.append(None)
        if len(counted) == 3:
            ended.set()

    first = await judging(store, run, engine, ended=one_more)
    task = asyncio.create_task(first.work())
    await ended.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    there = {row.message_id for row in await store.call(Store.judgements, run_id=run.id)}
    assert len(there) == first.tally.done < 8
    rest = ScriptedEngine([reply(scored("4", "4"))])
    second = await judging(store, run, rest)
    assert second.tally.there == len(there)
    await second.work()
    assert len(rest.generations()) == 8 - len(there)
    assert len(await store.call(Store.judgements, run_id=run.id)) == 8


async def test_an_answer_that_the_engine_could_not_judge_is_told_and_tried_again(
    store: AsyncStore, run: Run
) -> None:
    good = reply(scored("4", "4"))
    engine = ScriptedEngine([good, Script(fail_after=0), good])
    tally = await (await judging(store, run, engine)).work()
    assert (tally.done, len(tally.failures), tally.fatal) == (7, 1, None)
    assert tally.failures[0].task.where == "item 0 (id 10) by two@house"
    second = await judging(store, run, ScriptedEngine([good]))
    assert (second.tally.there, (await second.work()).complete) == (7, True)


async def test_an_engine_that_fails_again_and_again_ends_the_work(
    store: AsyncStore, run: Run
) -> None:
    engine = ScriptedEngine([Script(fail_after=0)])
    tally = await (await judging(store, run, engine)).work()
    assert tally.fatal is not None and len(tally.failures) == 3 and tally.done == 0


async def test_pairs_are_compared_once_whichever_side_is_named_first(
    store: AsyncStore, run: Run
) -> None:
    engine = ScriptedEngine([reply(compared("A", "tie")), reply(compared("B", "tie"))] * 4)
    engine.scripts += engine.scripts[:2]
    judge = Judge(engine, side())
    plan = await plan_pairs(store, judge.side, (run, 0), (run, 1), [rubric(PAIR)])
    assert [(t.answer_a, t.answer_b) for t in plan.tasks][:2] == [
        ("0-0-0", "0-1-0"),
        ("1-0-0", "1-1-0"),
    ]
    assert plan.tasks[3].before[1].text == "2-0-0" and plan.tasks[3].before_b[1].text == "2-1-0"
    work = Judging(judge, store, plan.tasks)
    await work.look()
    tally = await work.work()
    clarity, overall = pick_totals(tally.verdicts)
    assert (clarity.wins, clarity.losses, overall.ties, overall.disagreed) == (4, 0, 4, 0)
    back = await plan_pairs(store, judge.side, (run, 1), (run, 0), [rubric(PAIR)])
    turned = Judging(judge, store, back.tasks)
    assert (await turned.look()).there == 4
    assert [(t.wins, t.losses) for t in pick_totals(turned.tally.verdicts)] == [(0, 4), (0, 0)]


async def test_a_side_against_itself_and_runs_that_ask_other_things_are_refused(
    store: AsyncStore, run: Run
) -> None:
    with pytest.raises(JudgeError, match="with itself"):
        await plan_pairs(store, side(), (run, 0), (run, 0), [rubric(PAIR)])
    other = await store.call(Store.create_run, replace(RUN, fingerprint="g", name="other"))
    await store.call(Store.add_run_items, other.id, [RunItem(0, 10, ("Something else?",))])
    with pytest.raises(JudgeError) as caught:
        await plan_pairs(store, side(), (run, 0), (other, 0), [rubric(PAIR)])
    assert caught.value.kind == "runs-differ" and "item 0" in caught.value.message


async def test_a_chat_answer_is_judged_with_what_was_said_before(store: AsyncStore) -> None:
    session = await store.call(Store.create_session, "one@house")
    user = await store.call(Store.add_user_message, session.id, None, "Hi?")
    answer = await store.call(Store.begin_answer, session.id, user.id)
    generation = await store.call(
        Store.begin_generation, answer.id, replace(START, model_path="smol.gguf", model_sha256=None)
    )
    done = await store.call(
        Store.finish_answer, answer.id, generation, "complete", END, tail="Hello."
    )
    plan = await plan_messages(store, [done], side(), [rubric()])
    assert [turn.text for turn in plan.tasks[0].turns] == ["Hi?", "Hello."]
    assert plan.own == (START.side,)


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def command(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    from tests.support import tinygguf

    model = tinygguf.write_model(tmp_path / "judge.gguf")
    engines: list[ScriptedEngine] = []
    monkeypatch.setattr(services, "EngineClient", lambda **_: engines.pop(0))

    def call(*arguments: str, scripts: Any = (), judge: str | None = None) -> tuple[int, str, str]:
        engines[:] = [ScriptedEngine(scripts or [reply(scored_by_default())])]
        named = ("--judge", judge or f"{model}@urial-brief")
        with pytest.raises(SystemExit) as left:
            main(["judge", *arguments, *named])
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return call


def scored_by_default() -> str:
    aspects = ("helpfulness", "clarity", "factuality", "depth", "engagement")
    return json.dumps({name: {"reason": "r", "score": "4"} for name in aspects})


def test_a_run_is_judged_by_the_usual_rubrics_and_the_counts_are_told(command: Any) -> None:
    safe = reply(json.dumps({"safety": {"reason": "r", "score": "5"}}))
    usual = reply(scored_by_default())
    code, out, err = command("--run", "last", scripts=[*[usual] * 6, safe])
    assert code == 0, err
    assert "0 of 8 judgements are there" in out
    assert "just-eval    factuality            6        0        0        0    4.00" in out
    assert "safety       safety                2        0        0        0    5.00" in out
    code, out, _ = command("--run", "last", "--json")
    told = json.loads(out)
    assert (code, told["there_before"], told["done"], told["complete"]) == (0, 8, 8, True)
    assert {ref["id"] for ref in told["rubrics"]} == {"just-eval", "safety"}


def test_unreadable_replies_are_counted_and_are_no_error(command: Any) -> None:
    code, out, _ = command("--run", "last", "--limit", "1", "--json", scripts=[reply("{")])
    told = json.loads(out)
    assert (code, told["done"]) == (0, 2)
    assert {(row["counts"]["invalid"], row["mean"]) for row in told["aspects"]} == {(2, None)}


def test_a_dead_engine_ends_with_its_own_exit_code(command: Any) -> None:
    code, _, err = command("--run", "last", scripts=[Script(fail_after=0)])
    assert code == 4 and "item 0 (id 10) by one@house was not judged" in err
    assert "The same command then goes on from here." in err


def test_pairs_name_their_sides_and_count_ties(command: Any) -> None:
    aspects = ("helpfulness", "clarity", "factuality", "depth", "engagement", "overall")
    always_a = reply(json.dumps({n: {"reason": "r", "better": "A"} for n in aspects}))
    code, out, err = command("--run", "last", "--pairwise", scripts=[always_a])
    assert code == 0, err
    assert "A is one@house, B is two@house" in out
    assert "overall                0       4         0              4        0        0" in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "it is not said what to judge"),
        (("--run", "x", "--message", "y"), 2, "exclude each other"),
        (("--message", "y", "--side", "1"), 2, "--side is for --run"),
        (("--run", "nope"), 5, "nope"),
        (("--run", "last", "--side", "3"), 2, "there is no side 3"),
        (("--run", "last", "--rubric", "pairwise"), 6, "compares two answers"),
        (("--run", "last", "--rubric", "none-such"), 6, "there is no rubric"),
        (
            ("--run", "last", "--pairwise", "--side", "1"),
            2,
            "two sides are compared, and 1 is named",
        ),
        (("--run", "last", "--against", "last"), 2, "Say which with --side"),
    ],
)
def test_what_does_not_go_together_is_told(
    command: Any, arguments: tuple[str, ...], code: int, words: str
) -> None:
    left, _, err = command(*arguments)
    assert left == code and words in err


def test_a_base_model_without_instructions_is_refused_with_a_way_out(
    command: Any, tmp_path: Path
) -> None:
    code, _, err = command("--run", "last", judge=f"{tmp_path / 'judge.gguf'}@raw")
    assert code == 6 and "only continues a text" in err and "@urial-general" in err
