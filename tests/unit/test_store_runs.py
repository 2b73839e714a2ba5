"""Runs: no answer is ever there twice, none is lost to a kill, and what is deleted leaves nothing behind."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.store_rows import END, START
from tests.support.store_runs import (
    ITEMS,
    RUN,
    answer,
    answer_all,
    begin,
    comparison,
    judgement,
    make_run,
)
from tests.support.store_traces import PIECES, SCORES
from tests.support.store_traces import START as TRACE_START
from urial_tui.errors import StoreError
from urial_tui.store.aio import AsyncStore
from urial_tui.store.runs.types import AnswerShift, RunItem
from urial_tui.store.store import Store
from urial_tui.store.types import Draft, SessionFilter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened


def refused(kind: str, attempt: Callable[[], object]) -> StoreError:
    with pytest.raises(StoreError) as raised:
        attempt()
    assert raised.value.kind == kind
    return raised.value


def counts(store: Store) -> dict[str, int]:
    """Rows of each table that belongs to conversations or runs."""
    tables = [
        row["name"]
        for row in store._db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        if "_fts" not in row["name"]
        and row["name"] not in {"migration", "vocabulary", "piece", "draft"}
    ]
    return {name: store._db.value(f"SELECT count(*) FROM {name}") for name in tables}


def kill(store: Store) -> None:
    """Leave the file as a killed program does: no lock is given back, nothing is finished."""
    store._db.close()


# --- what is kept


def test_a_run_is_read_as_it_was_written(store: Store) -> None:
    run = make_run(store)
    assert run.start == RUN
    assert (run.n_items, run.n_wanted, run.n_answered, run.n_failed) == (3, 8, 0, 0)
    items = store.run_items(run.id)
    assert items[:2] == list(ITEMS[:2])
    assert items[2] == replace(ITEMS[2], source_id=str(10**30))  # no column holds such a number
    assert store.runs() == [run]


def test_all_runs_can_be_had_by_their_sides(store: Store) -> None:
    first = make_run(store)
    second = store.create_run(replace(RUN, fingerprint="f2", sides=("z@raw", "demo", "a@raw")))
    assert store.sides_of_runs() == [
        (second.id, ("z@raw", "demo", "a@raw")),
        (first.id, RUN.sides),
    ]


def test_items_that_are_there_are_left_alone(store: Store) -> None:
    run = make_run(store)
    answer(store, run, 0, 0)
    store.add_run_items(run.id, [RunItem(0, 1, ("something else",)), RunItem(3, "d", ("new",))])
    assert [item.turns[0] for item in store.run_items(run.id)] == [
        *(item.turns[0] for item in ITEMS),
        "new",
    ]
    assert store.run(run.id).n_answered == 1


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (RunItem(5, 1, ()), "no-turns"),
        (RunItem(5, 1, ("q",), extra={"x": float("nan")}), "not-json"),
    ],
)
def test_an_item_that_cannot_be_kept_is_refused_with_all_others(
    store: Store, item: RunItem, kind: str
) -> None:
    run = make_run(store)
    refused(kind, lambda: store.add_run_items(run.id, [RunItem(4, 1, ("fine",)), item]))
    assert len(store.run_items(run.id)) == len(ITEMS)


def test_a_run_is_found_by_id_beginning_name_and_last(store: Store) -> None:
    refused("not-found", lambda: store.find_run("last"))
    first, second = make_run(store), make_run(store, name="other", fingerprint="f2")
    again = store.create_run(RUN)
    for reference in (second.id, second.id.upper(), second.id[:-1], "other", " other "):
        assert store.find_run(reference).id == second.id
    assert store.find_run("last").id == again.id
    ambiguous = refused("ambiguous", lambda: store.find_run(RUN.name))
    assert first.id in ambiguous.message
    refused("ambiguous", lambda: store.find_run(first.id[:2]))
    for reference in ("", "zzz", "just-eval", "%", "\udc80"):
        refused("not-found", lambda reference=reference: store.find_run(reference))
    store.rename_run(second.id, " mine ")
    assert store.find_run("mine").id == second.id


def test_the_newest_run_of_a_fingerprint_is_taken_where_one_is_there(store: Store) -> None:
    first, newest = make_run(store), make_run(store)
    assert store.create_run(RUN, unless_there=True).id == newest.id
    assert first.id != newest.id
    other = store.create_run(replace(RUN, fingerprint="f3"), unless_there=True)
    assert other.id not in (first.id, newest.id) and len(store.runs()) == 3


@pytest.mark.parametrize("name", ["last", " LAST ", " "])
def test_a_name_that_means_something_else_is_refused(store: Store, name: str) -> None:
    run = make_run(store)
    refused("bad-name", lambda: store.rename_run(run.id, name))
    refused("bad-name", lambda: make_run(store, name=name))
    assert [one.start.name for one in store.runs()] == [RUN.name]


# --- answers


def test_an_answer_begins_in_a_conversation_of_its_own(store: Store) -> None:
    run = make_run(store)
    session, branch, begun = store.begin_run_answer(run.id, 1, 1, 0)
    assert (session.side, session.run_id) == ("demo@zero-shot", run.id)
    assert [m.content for m in branch] == [ITEMS[1].turns[0]]
    assert (begun.content, begun.status, begun.parent_id) == ("", "interrupted", branch[-1].id)
    refused("turn-before", lambda: store.begin_run_answer(run.id, 1, 1, 1))
    store.finish_answer(begun.id, None, "complete", None, tail="A line.")
    again, branch, second = store.begin_run_answer(run.id, 1, 1, 1)
    assert again.id == session.id
    assert [m.content for m in branch] == [ITEMS[1].turns[0], "A line.", ITEMS[1].turns[1]]
    assert store.run_branch(run.id, 1, 1) == [*branch, second]
    assert store.run_branch(run.id, 0, 0) == []
    assert [(a.index, a.side, a.turn, a.status, a.words) for a in store.run_answers(run.id)] == [
        (1, 1, 0, "complete", 2),
        (1, 1, 1, "interrupted", 0),
    ]


@pytest.mark.parametrize("where", [(3, 0, 0), (0, 2, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)])
def test_what_the_run_does_not_ask_cannot_be_answered(
    store: Store, where: tuple[int, int, int]
) -> None:
    run = make_run(store)
    refused("not-found", lambda: store.begin_run_answer(run.id, *where))
    assert counts(store)["session"] == 0


def test_an_answer_is_never_there_twice(store: Store) -> None:
    run = make_run(store)
    rows = answer_all(store, run)
    assert len(rows) == run.n_wanted == store.run(run.id).n_answered
    before = counts(store)
    for row in rows:
        refused(
            "answered",
            lambda row=row: store.begin_run_answer(run.id, row.index, row.side, row.turn),
        )
    with pytest.raises(StoreError):  # nor by a program that does not ask
        store._db.execute(
            "INSERT INTO run_answer SELECT run_id, item, side, turn, session_id, message_id || 'x' FROM run_answer"
        )
    assert counts(store) == before
    assert store.run_answers(run.id, side=1) == [row for row in rows if row.side == 1]


@pytest.mark.parametrize("status", ["stopped", "interrupted", "failed"])
def test_only_a_complete_answer_counts_and_another_is_made_again(store: Store, status: str) -> None:
    run = make_run(store)
    begun, generation = begin(store, run, 0, 0)
    store.finish_answer(begun.id, generation, status, END, error="why")  # type: ignore[arg-type]
    now = store.run(run.id)
    assert (now.n_answered, now.n_failed) == (0, int(status == "failed"))
    answer(store, run, 0, 0)
    assert [a.status for a in store.run_answers(run.id)] == ["complete"]
    assert (store.run(run.id).n_answered, store.run(run.id).n_failed) == (1, 0)
    assert {
        k: v for k, v in counts(store).items() if k in {"session", "message", "generation"}
    } == {
        "session": 1,
        "message": 2,
        "generation": 1,
    }
    assert store.check() == []


@pytest.mark.parametrize("turn", [0, 1])
def test_after_a_kill_the_try_is_seen_as_interrupted_and_then_thrown_away(
    path: Path, turn: int
) -> None:
    store = Store.open(path)
    run = make_run(store)
    store.lock_run(run.id, "urial-tui run")
    for before in range(turn):
        answer(store, run, 1, 0, before)
    done = [a.message_id for a in store.run_answers(run.id)]
    begun, _ = begin(store, run, 1, 0, turn)
    trace = store.begin_trace(begun.id, TRACE_START)
    store.append_scores(trace, SCORES[:1], PIECES)
    store.save_judgement(judgement(begun.id))
    kill(store)
    raw = sqlite3.connect(path)  # the process that had the lock is gone
    raw.execute("UPDATE run_lock SET pid = 999999999")
    raw.commit()
    raw.close()

    with Store.open(path) as store:
        assert store.run_lock_holder(run.id) is None
        assert store.check() == []
        (last,) = [a for a in store.run_answers(run.id) if a.turn == turn]
        assert (last.status, last.content) == ("interrupted", " word word")
        fresh = answer(store, run, 1, 0, turn)
        rows = store.run_answers(run.id)
        assert [a.message_id for a in rows] == [*done, fresh.id]
        assert {a.session_id for a in rows} == {fresh.session_id}
        assert [m.content for m in store.run_branch(run.id, 1, 0)][-1] == fresh.content
        assert store.judgements() == []
        assert counts(store)["trace"] == counts(store)["scored_token"] == 0
        refused("not-found", lambda: store.message(begun.id))
        assert store.check() == []


def test_whatever_write_fails_nothing_half_is_there(store: Store) -> None:
    run = make_run(store)
    answer(store, run, 1, 0, 0)
    begun, _ = begin(store, run, 1, 0, 1)
    before = counts(store)
    store._db.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON main.run_answer BEGIN SELECT raise(ABORT, 'full'); END"
    )
    with pytest.raises(StoreError):
        store.begin_run_answer(run.id, 1, 0, 1)
    assert counts(store) == before
    assert store.message(begun.id).content == " word word"
    store._db.execute("DROP TRIGGER full")
    answer(store, run, 1, 0, 1)
    assert store.check() == []


def test_what_a_person_added_below_a_thrown_away_try_goes_with_it(store: Store) -> None:
    run = make_run(store)
    answer(store, run, 1, 0, 0)
    begun, generation = begin(store, run, 1, 0, 1)
    store.finish_answer(begun.id, generation, "stopped", END)
    question = store.branch(begun.id)[-2]
    store.begin_answer(begun.session_id, question.id, content="another version")
    store.add_user_message(begun.session_id, begun.id, "and then?")
    answer(store, run, 1, 0, 1)
    assert [m.role for m in store.messages(begun.session_id)] == ["user", "assistant"] * 2
    assert store.check() == []


# --- what others see


def test_conversations_of_runs_are_hidden_from_lists_and_searches_and_can_be_opened(
    store: Store,
) -> None:
    mine = store.create_session("demo").id
    store.add_user_message(mine, None, "How do I walk? 散步")
    run = make_run(store)
    rows = answer_all(store, run)
    assert [s.id for s in store.sessions()] == [mine]
    assert [s.id for s in store.sessions(SessionFilter(archived="yes"))] == [mine]
    assert store.find_session("last").id == mine
    for query in ("walk", "散步", '"How do I"'):
        assert [s.id for s in store.sessions(query)] == [mine]
        assert {h.session_id for h in store.search(query)} == {mine}
    hidden = rows[0].session_id
    assert store.find_session(hidden) == store.session(hidden)
    assert store.session(hidden).title == "How do I walk?"
    assert store.stats().sessions == 7
    assert (store.stats().runs, store.stats().messages) == (1, 17)


def test_a_run_takes_no_draft_of_the_same_text(store: Store) -> None:
    run = make_run(store)
    store.save_draft(None, Draft(ITEMS[0].turns[0]))
    answer(store, run, 0, 0)
    assert store.draft(None) == Draft(ITEMS[0].turns[0])


def test_shift_of_each_answer_is_that_of_the_trace_that_counts(store: Store) -> None:
    run = make_run(store)
    rows = answer_all(store, run)
    other = store.create_session("demo").id
    alone = store.begin_answer(other, store.add_user_message(other, None, "q").id)
    for message_id in (rows[0].message_id, alone.id):
        store.begin_trace(message_id, TRACE_START)
        trace = store.begin_trace(message_id, TRACE_START)
        store.append_scores(trace, SCORES, PIECES)
        store.finish_trace(trace, complete=True, timings={})
    first, second = store.answer_shifts(run.id)
    assert first == AnswerShift(
        rows[0].message_id, "demo@urial-general", 1, 1, 0, pytest.approx(0.1)
    )
    assert (second.reference, second.marginal, second.shifted) == ("demo@raw", 1, 1)
    assert [t.answers for t in store.shift_totals()] == [2, 2]


def test_views_show_the_answers(store: Store) -> None:
    run = make_run(store)
    answer_all(store, run)
    rows = store._db.rows("SELECT * FROM run_answer_text ORDER BY item, side_number, turn")
    assert len(rows) == 8
    assert rows[3] | {"session_id": "", "message_id": "", "run_id": ""} == {
        "run": "just-eval-40",
        "run_id": "",
        "item": 1,
        "source_id": "mt-81",
        "dataset": "mt",
        "category": "writing",
        "side": "demo@urial-general",
        "side_number": 0,
        "turn": 1,
        "question": "Now shorter.",
        "answer": " word word end",
        "status": "complete",
        "error": "",
        "finish_reason": "stop",
        "completion_tokens": 2,
        "session_id": "",
        "message_id": "",
    }


# --- deleting, locks


def test_deleting_a_run_leaves_nothing_of_it_and_all_else(store: Store) -> None:
    kept = make_run(store, name="kept")
    kept_rows = answer_all(store, kept)
    store.save_judgement(judgement(kept_rows[0].message_id))
    store.save_comparison(comparison(kept_rows[0].message_id, kept_rows[1].message_id))
    before = counts(store)
    run = make_run(store)
    store.lock_run(run.id, "me")
    rows = answer_all(store, run)
    for row in rows:
        trace = store.begin_trace(row.message_id, TRACE_START)
        store.append_scores(trace, SCORES, PIECES)
        store.save_judgement(judgement(row.message_id))
    store.save_comparison(comparison(rows[0].message_id, rows[1].message_id))
    store.save_comparison(comparison(rows[0].message_id, kept_rows[0].message_id))
    store.save_draft(rows[0].session_id, Draft("unsent"))
    store.delete_run(run.id)
    assert counts(store) == before
    assert store.draft(rows[0].session_id) == Draft()
    assert store.check() == []
    assert store.runs() == [store.run(kept.id)]
    refused("not-found", lambda: store.delete_run(run.id))


def test_a_conversation_of_a_run_that_was_deleted_is_answered_again(store: Store) -> None:
    run = make_run(store)
    rows = answer_all(store, run)
    store.delete_session(rows[2].session_id)
    assert store.run(run.id).n_answered == 6
    assert store.check() == []
    answer(store, run, 1, 0, 0)
    answer(store, run, 1, 0, 1)
    assert store.run(run.id).n_answered == 8


def test_a_chain_of_a_thousand_messages_is_deleted_with_its_run(store: Store) -> None:
    run = make_run(store)
    parent = answer(store, run, 0, 0).id
    session = store.message(parent).session_id
    with store._db.transaction():
        for n in range(1200):
            parent = store.add_user_message(session, parent, f"more {n}").id
    store.delete_run(run.id)
    assert counts(store)["message"] == 0


def test_a_run_that_another_program_writes_is_refused_by_its_name(path: Path, store: Store) -> None:
    run = make_run(store)
    rows = answer_all(store, run)[:1]
    unfinished, _ = begin(store, make_run(store, name="free"), 0, 0)
    holder = subprocess.Popen(
        [sys.executable, "-m", "tests.support.store_writer", "hold-run", str(path), run.id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert json.loads(holder.stdout.readline()) == {"locked": True}
    session = rows[0].session_id
    try:
        for attempt in (
            lambda: store.lock_run(run.id, "me"),
            lambda: store.begin_run_answer(run.id, 0, 0, 0),
            lambda: store.add_run_items(run.id, ITEMS),
            lambda: store.rename_run(run.id, "mine"),
            lambda: store.delete_run(run.id),
            lambda: store.add_user_message(session, rows[0].message_id, "q"),
            lambda: store.lock(session, "me"),
            lambda: store.delete_session(session),
        ):
            locked = refused("run-locked", attempt)
            assert "urial-tui run" in locked.message
            assert str(holder.pid) in locked.message
            assert locked.hint
        found = store.lock_holder(session)
        assert found is not None
        assert found.pid == holder.pid
        # Its answers can be judged, other runs are free.
        store.save_judgement(judgement(rows[0].message_id))
        assert store.message(unfinished.id).status == "interrupted"
        store.lock_run(run.id, "me", take_over=True)
        store.unlock_run(run.id)
    finally:
        holder.communicate(timeout=30)
    store.lock_run(run.id, "me")
    store.lock_run(run.id, "me")
    mine = store.run_lock_holder(run.id)
    assert mine is not None
    assert (mine.pid, mine.program) == (os.getpid(), "me")


def test_an_answer_that_a_living_program_writes_is_not_closed_by_one_that_starts(
    path: Path, store: Store
) -> None:
    run = make_run(store)
    store.lock_run(run.id, "urial-tui run")
    begun, generation = begin(store, run, 0, 0)
    closed = f"SELECT closed_at FROM message WHERE id = '{begun.id}'"
    with Store.open(path) as other:
        assert other._db.value(closed) is None
    store.finish_answer(begun.id, generation, "complete", END)
    assert store._db.value(closed) is not None
    store.close()
    with Store.open(path) as other:
        assert other.run_lock_holder(run.id) is None


def test_a_session_open_in_another_program_keeps_its_run(path: Path, store: Store) -> None:
    run = make_run(store)
    session = answer(store, run, 0, 0).session_id
    store.lock(session, "urial-tui")
    raw = sqlite3.connect(path)
    raw.execute("UPDATE session_lock SET host = 'elsewhere'")
    raw.commit()
    raw.close()
    refused("session-locked", lambda: store.delete_run(run.id))
    assert store.run(run.id).n_answered == 1


# --- in memory and back


def test_what_a_run_did_in_memory_comes_back_to_the_file(path: Path, store: Store) -> None:
    run = make_run(store)
    first = answer(store, run, 0, 0)
    answer(store, run, 1, 0, 0)
    unfinished, _ = begin(store, run, 1, 0, 1)
    doomed = make_run(store, name="doomed")
    doomed_session = answer(store, doomed, 0, 0).session_id
    old = store.save_judgement(judgement(first.id))
    store.lock_run(run.id, "urial-tui run")

    memory = store.in_memory_copy()
    memory.delete_run(doomed.id)
    memory.add_run_items(run.id, [RunItem(3, "d", ("new",))])
    rest = answer(memory, run, 1, 0, 1)
    answer(memory, run, 3, 1)
    newer = memory.save_judgement(judgement(first.id, note="newer"))
    compared = memory.save_comparison(comparison(first.id, rest.id))
    fresh = make_run(memory, name="fresh")
    answer_all(memory, fresh)
    store.write_back(memory)
    memory.close()

    assert store.check() == []
    assert {r.start.name for r in store.runs()} == {RUN.name, "fresh"}
    assert store.run_items(fresh.id) == store.run_items(run.id)[:3]
    assert store.run(fresh.id).n_answered == 8
    assert [(a.index, a.side, a.turn, a.status) for a in store.run_answers(run.id)] == [
        (0, 0, 0, "complete"),
        (1, 0, 0, "complete"),
        (1, 0, 1, "complete"),
        (3, 1, 0, "complete"),
    ]
    for gone in (unfinished.id, doomed_session):
        assert not store._db.rows("SELECT 1 FROM message WHERE ? IN (id, session_id)", (gone,))
    assert old.id != newer.id
    assert store.judgements() == [newer]
    assert store.comparisons() == [compared]
    again = store.in_memory_copy()
    store.write_back(again)  # nothing changed
    assert store.judgements() == [newer]


def test_where_two_programs_answered_the_same_ours_is_kept_and_only_it(store: Store) -> None:
    run = make_run(store)
    base = answer(store, run, 0, 1)
    memory = store.in_memory_copy()
    theirs, ours = answer(store, run, 0, 0), answer(memory, run, 0, 0)
    store.save_judgement(judgement(base.id, note="theirs"))
    memory.save_judgement(judgement(base.id, note="ours"))
    store.save_comparison(comparison(theirs.id, base.id))
    kept = memory.save_comparison(comparison(ours.id, base.id))
    store.write_back(memory)
    assert [a.message_id for a in store.run_answers(run.id)] == [ours.id, base.id]
    assert [j.note for j in store.judgements()] == ["ours"]
    assert store.comparisons() == [kept]
    assert store.check() == []


def test_a_run_that_was_deleted_meanwhile_comes_back_with_what_changed(store: Store) -> None:
    run = make_run(store)
    first = answer(store, run, 0, 0)
    memory = store.in_memory_copy()
    second = answer(memory, run, 0, 1)
    memory.save_comparison(comparison(first.id, second.id))
    store.delete_run(run.id)
    store.write_back(memory)
    assert [a.message_id for a in store.run_answers(run.id)] == [second.id]
    assert store.comparisons() == []
    assert store.check() == []


async def test_the_calls_are_there_for_asyncio(path: Path) -> None:
    store = await AsyncStore.open(path)
    run = await store.call(Store.create_run, RUN)
    await store.call(Store.add_run_items, run.id, ITEMS)
    _, branch, begun = await store.call(Store.begin_run_answer, run.id, 0, 0, 0)
    generation = await store.call(Store.begin_generation, begun.id, START)
    await store.fall_back()
    await store.call(Store.finish_answer, begun.id, generation, "complete", END, tail="done")
    saved = await store.call(Store.save_judgement, judgement(begun.id))
    await store.write_back()
    assert not store.is_in_memory
    assert await store.call(Store.run_branch, run.id, 0, 0) == [
        *branch,
        await store.call(Store.message, begun.id),
    ]
    assert await store.call(Store.judgements, run_id=run.id) == [saved]
    assert (await store.call(Store.find_run, "last")).n_answered == 1
    await store.aclose()
