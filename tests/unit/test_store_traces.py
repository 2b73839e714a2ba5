"""Traces as the store keeps them: whole, in order, tied to their message, and gone with it."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import pytest

from tests.support.store_rows import START as GENERATION
from tests.support.store_rows import tokens
from tests.support.store_traces import (
    PACK,
    PIECES,
    RAW,
    SCORES,
    START,
    generator_score,
    reference_score,
)
from urial_tui.errors import StoreError
from urial_tui.shift.records import GeneratorScore, ReferenceScore, TokenScore
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import Trace

TABLES = ("trace", "trace_side", "scored_token", "reference_token")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "history.db") as opened:
        yield opened


def answer(store: Store, session_id: str | None = None) -> str:
    session_id = session_id or store.create_session("demo").id
    question = store.add_user_message(session_id, None, "q")
    message = store.begin_answer(session_id, question.id)
    generation = store.begin_generation(message.id, GENERATION)
    store.append_tokens(message.id, generation, tokens(0, 6), " word" * 6)
    return message.id


def scored(store: Store, message_id: str, scores: tuple[TokenScore, ...] = SCORES) -> str:
    trace_id = store.begin_trace(message_id, START)
    store.append_scores(trace_id, scores, PIECES)
    return trace_id


def newest(store: Store, message_id: str) -> Trace:
    trace = store.trace_of(message_id)
    assert trace is not None
    return trace


def rows(store: Store) -> dict[str, int]:
    return {name: store._db.value(f"SELECT count(*) FROM {name}") for name in TABLES}


def test_every_field_comes_back(store: Store) -> None:
    message = answer(store)
    trace_id = store.begin_trace(message, START)
    store.append_scores(trace_id, SCORES[:2], {7: PIECES[7]})
    store.append_scores(trace_id, SCORES[2:], PIECES)
    store.finish_trace(trace_id, complete=True, timings={"score_s": 1.5})
    trace = store.trace(trace_id)
    assert trace == newest(store, message)
    assert trace.created_at
    assert trace == Trace(
        id=trace_id,
        message_id=message,
        created_at=trace.created_at,
        complete=True,
        start=START,
        scores=SCORES,
        pieces=PIECES,
        timings={"score_s": 1.5},
    )
    assert store.check() == []
    assert store.stats().traces == 1


def test_a_trace_belongs_to_the_generation_that_its_message_has(store: Store) -> None:
    trace_id = scored(store, answer(store))
    assert store._db.value(
        "SELECT g.side FROM trace t JOIN generation g ON g.seq = t.generation_seq WHERE t.id = ?",
        (trace_id,),
    ) == (GENERATION.side)


def test_a_text_without_a_generator_and_a_trace_without_references(store: Store) -> None:
    message = answer(store)
    score = TokenScore(0, 7, None, (reference_score(2, None, margin=None, kl=None),))
    text = store.begin_trace(message, replace(START, generator=None, references=(PACK,)))
    store.append_scores(text, [score], {})
    assert store.trace(text).start.generator is None
    assert store.trace(text).scores == (score,)
    alone = store.begin_trace(message, replace(START, references=()))
    store.append_scores(alone, [TokenScore(0, 7, generator_score(), ())], {})
    assert store.trace(alone).scores == (TokenScore(0, 7, generator_score(), ()),)
    assert store.trace(alone).start.references == ()


@pytest.mark.parametrize(
    "broken",
    [
        ReferenceScore(nan, 1.0, 1, 0.5, 1, 0.5, 0.1, ()),
        ReferenceScore(-1.0, nan, 1, 0.5, 1, 0.5, 0.1, ()),
        ReferenceScore(-1.0, 1.0, 1, nan, 1, 0.5, 0.1, ()),
        ReferenceScore(-1.0, 1.0, 1, 0.5, 1, nan, 0.1, ()),
        ReferenceScore(-1.0, 1.0, 1, 0.5, 1, 0.5, nan, ()),
        ReferenceScore(-1.0, 1.0, 1, 0.5, 1, 0.5, 0.1, ((3, nan),)),
    ],
)
def test_a_score_with_a_nan_is_no_score(store: Store, broken: ReferenceScore) -> None:
    score = TokenScore(0, 7, generator_score(), (broken, reference_score()))
    trace = store.trace(scored(store, answer(store), (score,)))
    assert trace.scores == (TokenScore(0, 7, generator_score(), (None, reference_score())),)


@pytest.mark.parametrize(
    "broken",
    [
        GeneratorScore(nan, 1.0, 1, ()),
        GeneratorScore(-1.0, nan, 1, ()),
        GeneratorScore(-1.0, 1.0, 1, ((1, nan),)),
    ],
)
def test_a_generator_score_with_a_nan_is_no_score(store: Store, broken: GeneratorScore) -> None:
    score = TokenScore(0, 7, broken, (reference_score(), None))
    trace = store.trace(scored(store, answer(store), (score,)))
    assert trace.scores == (TokenScore(0, 7, None, (reference_score(), None)),)


def test_a_number_that_somebody_took_out_of_the_file_is_no_score(store: Store) -> None:
    trace_id = scored(store, answer(store), SCORES[:1])
    store._db.execute("UPDATE scored_token SET entropy = NULL")
    assert store.trace(trace_id).scores == (TokenScore(0, 7, None, SCORES[0].references),)


def test_appending_twice_changes_nothing_and_a_new_score_takes_the_place(store: Store) -> None:
    trace_id = scored(store, answer(store))
    store.append_scores(trace_id, SCORES, PIECES)
    assert store.trace(trace_id).scores == SCORES
    changed = TokenScore(0, 8, None, (None, reference_score(9)))
    store.append_scores(trace_id, [changed], {})
    assert store.trace(trace_id).scores == (changed, *SCORES[1:])
    assert store.check() == []


def test_a_token_without_a_score_for_the_last_references(store: Store) -> None:
    trace_id = scored(
        store, answer(store), (TokenScore(0, 7, generator_score(), (reference_score(),)),)
    )
    assert store.trace(trace_id).scores[0].references == (reference_score(), None)


def test_an_append_that_fails_in_the_middle_leaves_nothing(store: Store) -> None:
    trace_id = scored(store, answer(store), SCORES[:2])
    before = rows(store), store._db.value("SELECT count(*) FROM piece")
    no_number = TokenScore(
        3, 9, generator_score(), (ReferenceScore(-1.0, 1.0, "x", 0.5, 1, 0.5, 0.1, ()),)
    )  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        store.append_scores(trace_id, [SCORES[2], no_number], {77: b"new"})
    too_many = TokenScore(3, 9, None, (None, None, reference_score()))
    with pytest.raises(StoreError) as third:
        store.append_scores(trace_id, [SCORES[2], too_many], {77: b"new"})
    assert third.value.kind == "not-found"
    assert (rows(store), store._db.value("SELECT count(*) FROM piece")) == before
    assert store.trace(trace_id).scores == SCORES[:2]


def test_a_trace_that_cannot_be_begun_leaves_nothing(store: Store) -> None:
    with pytest.raises(StoreError):
        store.begin_trace(
            answer(store),
            replace(START, references=(replace(PACK, n_ctx="much"),)),  # type: ignore[arg-type]
        )
    assert set(rows(store).values()) == {0}
    assert store._db.value("SELECT count(*) FROM vocabulary") == 0


def test_a_number_that_is_none_is_refused_in_provenance_and_timings(store: Store) -> None:
    message_id = answer(store)
    trace_id = scored(store, message_id)
    for attempt in (
        lambda: store.begin_generation(message_id, replace(GENERATION, context={"x": nan})),
        lambda: store.begin_trace(message_id, replace(START, versions={"x": nan})),  # type: ignore[dict-item]
        lambda: store.finish_trace(trace_id, complete=True, timings={"x": inf}),
    ):
        with pytest.raises(StoreError) as refused:
            attempt()
        assert refused.value.kind == "not-json"
    assert store.trace(trace_id).timings == {}


def test_failures_and_measurements_are_written_to_their_reference(store: Store) -> None:
    clean = replace(START, references=(PACK, replace(RAW, error="")))
    trace_id = store.begin_trace(answer(store), clean)
    store.set_noise(trace_id, 0, 0.125, 0.03)
    store.fail_reference(trace_id, 1, "its context is full \udcff")
    store.fail_reference(trace_id, -1, "the engine ended")
    start = store.trace(trace_id).start
    assert start == replace(
        START,
        references=(
            replace(PACK, noise=0.125, null_rate=0.03, error="the engine ended"),
            replace(RAW, error="its context is full \ufffd"),
        ),
    )
    store.set_noise(trace_id, 0, None, None)
    assert store.trace(trace_id).start.references[0].noise is None


def test_what_is_not_there_is_said(store: Store) -> None:
    trace_id = scored(store, answer(store))
    for call in (
        lambda: store.begin_trace("nobody", START),
        lambda: store.append_scores("nobody", SCORES, {}),
        lambda: store.fail_reference("nobody", -1, "x"),
        lambda: store.fail_reference(trace_id, 2, "x"),
        lambda: store.set_noise("nobody", 0, 0.1, 0.1),
        lambda: store.set_noise(trace_id, -1, 0.1, 0.1),
        lambda: store.finish_trace("nobody", complete=True, timings={}),
        lambda: store.copy_scores("nobody", trace_id, 1),
        lambda: store.copy_scores(trace_id, "nobody", 1),
        lambda: store.trace("nobody"),
    ):
        with pytest.raises(StoreError) as missing:
            call()
        assert missing.value.kind == "not-found"
    assert store.trace_of("nobody") is None
    assert store.traces_of("nobody") == []


def test_a_session_that_another_program_writes_gets_no_trace(store: Store, tmp_path: Path) -> None:
    message = answer(store)
    store.lock(store.message(message).session_id, "other")
    store._db.execute("UPDATE session_lock SET host = 'elsewhere'")
    with pytest.raises(StoreError) as locked:
        store.begin_trace(message, START)
    assert locked.value.kind == "session-locked"


def test_the_newest_complete_trace_counts_and_else_the_newest_with_scores(store: Store) -> None:
    message, other = answer(store), answer(store)
    assert store.trace_of(message) is None
    first = scored(store, message, SCORES[:3])
    store.finish_trace(first, complete=True, timings={})
    second = store.begin_trace(message, replace(START, path="live", generator=None))
    assert newest(store, message).id == first
    assert [(t.id, t.path, t.complete, t.generator, t.references, t.n_scores) for t in store.traces_of(message)] == [
        (second, "live", False, None, (PACK.side, RAW.side), 0),
        (first, "canonical", True, "demo+sft:0.5@chat", (PACK.side, RAW.side), 3),
    ]  # fmt: skip
    store.append_scores(second, SCORES[:1], {})
    assert newest(store, message).id == first, "a scoring that was stopped hides nothing"
    store.finish_trace(second, complete=True, timings={})
    assert newest(store, message).id == second
    store.append_scores(store.begin_trace(other, START), SCORES[:1], {})
    last = store.begin_trace(other, START)
    store.append_scores(last, SCORES[:1], {})
    assert newest(store, other).id == last
    many = [message, other, "nobody"] + [f"m{n}" for n in range(1200)]
    assert store.has_trace(many) == {message, other}
    assert store.has_trace([]) == set()


def test_the_first_scores_are_copied(store: Store) -> None:
    old, new = answer(store), answer(store)
    source = scored(store, old)
    target = store.begin_trace(new, START)
    store.copy_scores(source, target, 2)
    copy = store.trace(target)
    assert copy.scores == SCORES[:2]
    assert copy.pieces == {id_: PIECES[id_] for id_ in (7, 8, 9, 262143)}
    store.copy_scores(source, target, 100)
    assert store.trace(target).scores == SCORES
    assert store.trace(source).scores == SCORES
    other = store.begin_trace(new, replace(START, vocabulary="another"))
    with pytest.raises(StoreError) as different:
        store.copy_scores(source, other, 2)
    assert different.value.kind == "vocabulary"
    assert store.check() == []


def test_pieces_are_kept_once_a_vocabulary(store: Store) -> None:
    message = answer(store)
    for _ in range(3):
        scored(store, message)
    assert store._db.value("SELECT count(*) FROM piece") == len(PIECES)
    other = store.begin_trace(message, replace(START, vocabulary="another", n_vocab=10))
    store.append_scores(other, SCORES[:1], {7: b"seven"})
    assert store.trace(other).pieces == {7: b"seven"}
    assert store.trace(other).start.n_vocab == 10


def test_traces_go_with_their_session_and_only_with_it(store: Store) -> None:
    doomed, kept = answer(store), answer(store)
    for message in (doomed, kept):
        scored(store, message)
        scored(store, message)
    before = rows(store)
    store.delete_session(store.message(doomed).session_id)
    assert rows(store) == {name: n // 2 for name, n in before.items()}
    assert newest(store, kept).scores == SCORES
    assert newest(store, kept).pieces == PIECES
    assert store.check() == []


def test_deleting_looks_nothing_up_without_an_index(store: Store) -> None:
    """Each foreign key leads to the first columns of an index, or a deletion would read whole tables."""
    for table in (*TABLES, "piece"):
        indexed = set()
        for index in store._db.rows(f"PRAGMA index_list({table})"):
            indexed.add(store._db.rows(f"PRAGMA index_info({index['name']})")[0]["name"])
        for key in store._db.rows(f"PRAGMA foreign_key_list({table})"):
            assert key["from"] in indexed, (table, key["from"])


def test_scores_without_their_token_are_found_by_the_check(store: Store, tmp_path: Path) -> None:
    trace_id = scored(store, answer(store))
    store._db.execute("DELETE FROM scored_token WHERE i = 0")
    assert store.check() == [
        f"trace {trace_id}: a reference has scores for 2 tokens that are not there"
    ]


def test_a_trace_of_another_answers_generation_is_found_by_the_check(store: Store) -> None:
    trace_id = scored(store, answer(store))
    answer(store)
    store._db.execute("UPDATE trace SET generation_seq = 2")
    assert store.check() == [f"trace {trace_id} is of another message than its generation"]


def test_a_row_of_a_trace_without_its_parent_is_found_by_the_check(
    store: Store, tmp_path: Path
) -> None:
    scored(store, answer(store))
    raw = sqlite3.connect(tmp_path / "history.db")
    raw.execute("DELETE FROM trace_side WHERE number = 0")
    raw.commit()
    raw.close()
    assert any("reference_token" in problem for problem in store.check())


# --- through the memory


async def test_scores_go_on_in_memory_and_come_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    with Store.open(path) as before:
        streaming, old = answer(before), answer(before)
        trace_id = before.begin_trace(streaming, START)
        before.append_scores(trace_id, SCORES[:2], {7: PIECES[7]})
        stays = scored(before, old)
    store = await AsyncStore.open(path)
    await store.fall_back()
    await store.call(Store.append_scores, trace_id, SCORES[1:], PIECES)
    await store.call(Store.set_noise, trace_id, 0, 0.25, 0.5)
    await store.call(Store.fail_reference, trace_id, 0, "context full")
    await store.call(Store.finish_trace, trace_id, complete=True, timings={"score_s": 2.0})
    # Only a trace is new in this session, and it has a vocabulary that the file does not know.
    again = await store.call(
        Store.begin_trace, old, replace(START, vocabulary="another", n_vocab=7)
    )
    await store.call(Store.append_scores, again, SCORES[:3], {7: b"seven"})
    with Store.open(path) as elsewhere:  # takes row numbers that the memory gave to others
        theirs = answer(elsewhere)
        elsewhere.begin_trace(theirs, replace(START, vocabulary="theirs"))
        scored(elsewhere, theirs)
    inside = (
        await store.call(Store.trace, trace_id),
        await store.call(Store.trace, again),
        await store.call(Store.trace, stays),
    )

    await store.write_back()
    assert (
        await store.call(Store.trace, trace_id),
        await store.call(Store.trace, again),
        await store.call(Store.trace, stays),
    ) == inside
    assert inside[0].complete
    assert inside[0].scores == SCORES
    assert inside[0].start.references[0].noise == 0.25
    assert inside[0].start.references[0].error == "context full"
    assert [t.id for t in await store.call(Store.traces_of, old)] == [again, stays]
    await store.aclose()
    with Store.open(path) as reopened:
        assert reopened.check() == []
        assert reopened.has_trace([streaming, old, theirs]) == {streaming, old, theirs}
        assert newest(reopened, streaming) == inside[0]
        assert newest(reopened, old).start.vocabulary == "another"
        assert newest(reopened, theirs).scores == SCORES


def test_what_only_a_trace_has_changed_is_written_back(store: Store) -> None:
    """Each of the calls alone is enough for the session to be written."""
    message = answer(store)
    trace_id = store.begin_trace(message, START)
    changes = (
        lambda memory: memory.append_scores(trace_id, SCORES, PIECES),
        lambda memory: memory.set_noise(trace_id, 0, inf, 0.5),
        lambda memory: memory.fail_reference(trace_id, 0, "context full"),
        lambda memory: memory.finish_trace(trace_id, complete=True, timings={"a": 1.0}),
        lambda memory: memory.begin_trace(message, START),
    )
    for change in changes:
        memory = store.in_memory_copy()
        change(memory)
        expected = memory.trace(trace_id), memory.traces_of(message)
        assert expected != (store.trace(trace_id), store.traces_of(message))
        store.write_back(memory)
        memory.close()
        assert (store.trace(trace_id), store.traces_of(message)) == expected
