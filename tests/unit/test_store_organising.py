"""Pins, tags, the archive and the bin; and lists and searches that are about some sessions only."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.store_rows import END, START
from tests.support.store_runs import OK, RUBRIC, answer_all, judgement, make_run
from tests.support.store_traces import SCORES
from tests.support.store_traces import START as TRACE_START
from urial_tui.errors import StoreError
from urial_tui.store.aio import AsyncStore
from urial_tui.store.database import files
from urial_tui.store.database.connection import Connection
from urial_tui.store.database.ids import now, stamp
from urial_tui.store.schema import migrate
from urial_tui.store.schema.steps import MIGRATIONS
from urial_tui.store.sessions.organising import KEPT_IN_BIN
from urial_tui.store.store import Store
from urial_tui.store.types import SessionFilter


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as opened:
        yield opened


def add(store: Store, title: str, side: str = "demo", *, pack: str = "urial-general") -> str:
    """A session with a question and an answer; its id."""
    session = store.create_session(side, title)
    question = store.add_user_message(session.id, None, f"about {title}")
    answer = store.begin_answer(session.id, question.id)
    start = replace(START, side=side, pack_id=pack)
    generation = store.begin_generation(answer.id, start)
    store.finish_answer(answer.id, generation, "complete", END, tail="walking")
    return session.id


def answer_of(store: Store, session: str) -> str:
    return store.messages(session)[1].id


def titles(store: Store, **wanted: object) -> list[str]:
    return [s.title for s in store.sessions(SessionFilter(**wanted))]  # type: ignore[arg-type]


def age(store: Store, session: str, time: str) -> None:
    store._db.execute("UPDATE session SET updated_at = ? WHERE id = ?", (time, session))


def test_pinned_sessions_come_first_and_the_others_by_age(store: Store) -> None:
    ids = [add(store, name) for name in ("one", "two", "three")]
    for n, session in enumerate(ids):
        age(store, session, f"2026-01-0{n + 1}T00:00:00.000Z")
    store.set_pinned(ids[0], True)
    assert titles(store) == ["one", "three", "two"]
    assert titles(store, pinned=True) == ["one"]
    assert titles(store, pinned=False) == ["three", "two"]
    assert [s.title for s in store.sessions(limit=1, offset=1)] == ["three"]
    assert store.find_session("last").title == "three", "the last is the one written to last"
    store.set_pinned(ids[0], False)
    assert titles(store) == ["three", "two", "one"]


def test_a_tag_is_the_same_however_it_is_typed(store: Store) -> None:
    one, two = add(store, "one"), add(store, "two")
    store.add_tag(one, "  For  Class ")
    store.add_tag(one, "for class")
    store.add_tag(one, "Été")
    store.add_tag(two, "for class")
    assert store.session(one).tags == ("for class", "été")
    assert store.tags() == [("for class", 2), ("été", 1)]
    assert titles(store, tags=("FOR CLASS", "été")) == ["one"]
    assert set(titles(store, tags=("for class",))) == {"one", "two"}
    assert titles(store, tags=("for",)) == []
    store.remove_tag(one, "For Class")
    store.remove_tag(one, "never there")
    assert store.session(one).tags == ("été",)
    store.bin_session(two)
    assert store.tags() == [("été", 1)]


@pytest.mark.parametrize("tag", ["", "  ", "a,b", "a" * 51, "a\x1bb", "a\u202eb"])
def test_a_tag_that_cannot_be_one_is_refused(store: Store, tag: str) -> None:
    session = add(store, "one")
    with pytest.raises(StoreError) as refused:
        store.add_tag(session, tag)
    assert refused.value.kind == "bad-tag"
    assert refused.value.hint
    assert store.tags() == []


def test_archived_sessions_are_shown_on_request(store: Store) -> None:
    one, _ = add(store, "one"), add(store, "two")
    store.set_archived(one, True)
    assert titles(store) == ["two"]
    assert set(titles(store, archived="yes")) == {"one", "two"}
    assert titles(store, archived="only") == ["one"]
    wanted = SessionFilter(archived="only")
    assert [h.session_id for h in store.search("about", wanted=wanted)] == [one]
    assert one not in {h.session_id for h in store.search("about")}


def test_what_is_in_the_bin_is_whole_and_comes_back(store: Store) -> None:
    session = add(store, "one")
    before = store.session(session)
    store.bin_session(session)
    binned = store.session(session)
    assert binned == replace(before, deleted_at=binned.deleted_at)
    assert binned.deleted_at is not None and binned.deleted_at <= now()
    assert store.sessions() == [] and store.search("walking") == []
    with pytest.raises(StoreError, match="no session yet"):
        store.find_session("last")
    assert titles(store, deleted="only") == titles(store, deleted="yes") == ["one"]
    assert store.search("walking", wanted=SessionFilter(deleted="only"))
    while now() <= binned.deleted_at:  # rows tell times to the millisecond
        pass
    store.bin_session(session)
    assert store.session(session) == binned, "it stays there since it came"
    store.restore_session(session)
    store.restore_session(session)
    assert store.session(session) == before
    assert len(store.messages(session)) == 2


def test_a_session_that_is_written_to_leaves_the_bin(store: Store) -> None:
    session = add(store, "one")
    store.bin_session(session)
    store.add_user_message(session, None, "and now?")
    assert titles(store) == ["one"]


def test_the_bin_is_emptied_whole_or_of_what_is_old(store: Store) -> None:
    kept, *doomed = [add(store, name) for name in ("kept", "old", "new")]
    for session, time in zip(doomed, ("2026-01-01T", "2026-02-01T"), strict=True):
        store.bin_session(session)
        store._db.execute("UPDATE session SET deleted_at = ? WHERE id = ?", (time, session))
    assert store.empty_bin(before="2026-01-15T") == 1
    assert titles(store, deleted="only") == ["new"]
    assert store.empty_bin() == 1
    assert store.empty_bin() == 0
    assert [s.id for s in store.sessions(SessionFilter(deleted="yes"))] == [kept]
    assert store.check() == []


def test_opening_a_history_empties_the_bin_of_what_is_old(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with Store.open(path) as store:
        for name, days in (("old", KEPT_IN_BIN.days + 1), ("new", KEPT_IN_BIN.days - 1)):
            session = add(store, name)
            store.bin_session(session)
            time = stamp(datetime.now(UTC) - timedelta(days=days))
            store._db.execute("UPDATE session SET deleted_at = ? WHERE id = ?", (time, session))
    with Store.open(path, readonly=True) as store:
        assert set(titles(store, deleted="only")) == {"old", "new"}, "reading removes nothing"
    with Store.open(path) as store:
        assert titles(store, deleted="only") == ["new"]


def test_a_conversation_of_a_run_does_not_go_into_the_bin(store: Store) -> None:
    row = answer_all(store, make_run(store))[0]
    with pytest.raises(StoreError) as refused:
        store.bin_session(row.session_id)
    assert refused.value.kind == "of-run"
    assert store.session(row.session_id).deleted_at is None


@pytest.mark.parametrize(
    "change",
    [
        lambda store, session: store.set_title(session, "Mine"),
        lambda store, session: store.set_pinned(session, True),
        lambda store, session: store.set_archived(session, True),
        lambda store, session: store.add_tag(session, "mine"),
        lambda store, session: store.remove_tag(session, "mine"),
    ],
)
def test_a_conversation_of_a_run_is_not_kept_in_order_by_itself(
    store: Store, change: Callable[[Store, str], None]
) -> None:
    run = make_run(store)
    before = store.session(answer_all(store, run)[0].session_id)
    with pytest.raises(StoreError) as refused:
        change(store, before.id)
    assert refused.value.kind == "of-run"
    assert f"`urial-tui runs rename {run.id} NAME`" in (refused.value.hint or "")
    assert store.session(before.id) == before


def test_tags_that_conversations_of_runs_got_once_are_in_no_list(store: Store) -> None:
    mine = add(store, "mine")
    store.add_tag(mine, "thesis")
    of_run = answer_all(store, make_run(store))[0].session_id
    for tag in ("thesis", "old"):
        store._db.execute("INSERT INTO session_tag (session_id, tag) VALUES (?, ?)", (of_run, tag))
    assert store.tags() == [("thesis", 1)]


def test_a_title_of_more_than_two_hundred_characters_is_refused(store: Store) -> None:
    session = add(store, "walks")
    store.set_title(session, " " + "é" * 200 + "\n")
    with pytest.raises(StoreError, match="1,000,000 characters is too long") as refused:
        store.set_title(session, "x" * 1_000_000)
    assert refused.value.kind == "bad-title" and "200" in (refused.value.hint or "")
    assert store.session(session).title == "é" * 200


CHANGES: dict[str, Callable[[Store, str], None]] = {
    "pin": lambda store, session: store.set_pinned(session, True),
    "archive": lambda store, session: store.set_archived(session, True),
    "tag": lambda store, session: store.add_tag(session, "a"),
    "untag": lambda store, session: store.remove_tag(session, "a"),
    "bin": lambda store, session: store.bin_session(session),
    "restore": lambda store, session: store.restore_session(session),
}


@pytest.mark.parametrize("change", CHANGES)
def test_keeping_order_does_not_change_when_it_was_written_to(store: Store, change: str) -> None:
    session = add(store, "one")
    age(store, session, "2026-01-01T00:00:00.000Z")
    CHANGES[change](store, session)
    assert store.session(session).updated_at == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_changed_that_is_not_there_or_open_elsewhere(store: Store, change: str) -> None:
    with pytest.raises(StoreError) as missing:
        CHANGES[change](store, "nothing")
    assert missing.value.kind == "not-found"
    session = add(store, "one")
    store.lock(session, "another")
    store._db.execute("UPDATE session_lock SET host = 'elsewhere'")
    with pytest.raises(StoreError) as locked:
        CHANGES[change](store, session)
    assert locked.value.kind == "session-locked"
    assert "another" in locked.value.message


def test_a_session_that_is_open_elsewhere_stays_in_the_bin(store: Store) -> None:
    one, two = add(store, "one"), add(store, "two")
    store.bin_session(one)
    store.bin_session(two)
    store.lock(one, "another")
    store._db.execute("UPDATE session_lock SET host = 'elsewhere'")
    assert store.empty_bin() == 1
    assert titles(store, deleted="only") == ["one"]


def test_side_and_pack_are_parts_of_names_of_the_session_or_an_answer(store: Store) -> None:
    add(store, "one", "Gemma-É+sft@chat", pack="urial-general")
    two = add(store, "two", "smol@raw", pack="haiku_100%")
    store.set_side(two, "qwen@chat")
    assert titles(store, side="gemma-é") == ["one"]
    assert titles(store, side="SMOL") == titles(store, side="qwen") == ["two"]
    assert set(titles(store, side="@")) == {"one", "two"}
    assert titles(store, side="%") == titles(store, side="sm_l") == []
    assert titles(store, pack="Urial") == ["one"]
    assert titles(store, pack="_100%") == ["two"]
    assert titles(store, pack="urial", side="smol") == []


def test_dates_are_of_the_last_message_the_end_left_out(store: Store) -> None:
    for day in ("01", "02", "03"):
        age(store, add(store, day), f"2026-01-{day}T00:00:00.000Z")
    assert titles(store, since="2026-01-02") == ["03", "02"]
    assert titles(store, until="2026-01-02T00:00:00.000Z") == ["01"]
    assert titles(store, since="2026-01-02", until="2026-01-03") == ["02"]


def test_scores_are_the_mean_of_all_aspects_of_all_judgements(store: Store) -> None:
    scored, _ = add(store, "scored"), add(store, "not scored")
    answer = answer_of(store, scored)
    unscored = replace(OK, aspect="depth", outcome="na", score=None, expected=None, spread=None)
    store.save_judgement(judgement(answer, scores=(replace(OK, score=2), unscored)))
    other = replace(RUBRIC, hash="bb" * 32)
    store.save_judgement(judgement(answer, rubric=other, scores=(replace(OK, score=5),)))
    assert titles(store, score_min=3.5) == titles(store, score_max=3.5) == ["scored"]
    assert titles(store, score_min=3.6) == titles(store, score_max=3.4) == []
    assert titles(store, score_min=1) == ["scored"]


def test_the_share_of_shifted_tokens_is_that_of_the_traces_that_count(store: Store) -> None:
    shifted, _ = add(store, "shifted"), add(store, "no trace")
    answer = answer_of(store, shifted)
    for scores in (SCORES, SCORES[:2]):  # the newest counts
        trace = store.begin_trace(answer, TRACE_START)
        store.append_scores(trace, scores, {})
        store.finish_trace(trace, complete=True, timings={})
    # Token 0: unshifted and shifted; token 1: marginal and no score.
    assert titles(store, shifted_min=0.333, shifted_max=0.334) == ["shifted"]
    assert titles(store, shifted_min=0.34) == titles(store, shifted_max=0.33) == []


def test_filters_narrow_each_other_and_count_what_they_list(store: Store) -> None:
    ids = [add(store, f"walk {n}", "demo" if n % 2 else "other") for n in range(4)]
    store.add_tag(ids[1], "a")
    store.add_tag(ids[2], "a")
    store.set_archived(ids[3], True)
    for wanted, n in (
        (SessionFilter(), 3),
        (SessionFilter(archived="yes"), 4),
        (SessionFilter(tags=("a",)), 2),
        (SessionFilter(tags=("a",), side="demo"), 1),
        (SessionFilter(query="walk", side="demo", archived="yes"), 2),
        (SessionFilter(query="nothing"), 0),
        ("walk", 3),
    ):
        assert store.count_sessions(wanted) == len(store.sessions(wanted)) == n


def test_a_search_is_about_the_sessions_that_are_wanted(store: Store) -> None:
    one, two = add(store, "one", "demo"), add(store, "two 散步", "other")
    assert {h.session_id for h in store.search("walking")} == {one, two}
    wanted = SessionFilter(side="other", query="this is ignored")
    assert {h.session_id for h in store.search("walking", wanted=wanted)} == {two}
    assert {h.session_id for h in store.search("散步", wanted=wanted)} == {two}
    assert store.search("one", wanted=wanted) == []


def test_an_older_history_gets_the_names_and_counts_that_filters_need(tmp_path: Path) -> None:
    path = files.create(tmp_path / "history.db")
    db = Connection(path)
    migrate.migrate(db, MIGRATIONS[:5])
    same = "side, model_path, adapter_scale, style, n_ctx, prompt_ids"
    values = "'demo', '/m', 1.0, 'raw', 512, x'02000000'"
    for statement in (
        "INSERT INTO session (id, title, side, created_at, updated_at) VALUES ('s', 'Walking', 'other', '', '')",
        "INSERT INTO message (id, session_id, role, status, created_at, closed_at) "
        "VALUES ('m', 's', 'assistant', 'complete', '', 't')",
        f"INSERT INTO generation (id, message_id, created_at, pack_id, {same}) "
        f"VALUES ('g', 'm', 't', 'haiku', {values})",
        "INSERT INTO vocabulary (seq, fingerprint, n_vocab) VALUES (1, 'v', 9)",
        "INSERT INTO trace (seq, id, message_id, path, created_at, top_k, vocabulary_seq, n_common) "
        "VALUES (1, 't', 'm', 'live', 't', 2, 1, 9)",
        f"INSERT INTO trace_side (seq, trace_seq, number, role, {same}) VALUES (1, 1, 0, 'reference', {values})",
        "INSERT INTO scored_token (trace_seq, i, token_id) VALUES (1, 0, 1), (1, 1, 1)",
        "INSERT INTO reference_token (side_seq, i, logprob, entropy, rank, emitted_margin, top) "
        "VALUES (1, 0, -1, 1, 1, 1, x''), (1, 1, -1, 1, 9, 1, x'')",
    ):
        db.execute(statement)
    db.close()
    with Store.open(path) as store:
        assert titles(store, side="demo", pack="haiku") == ["Walking"]
        assert titles(store, shifted_min=0.5, shifted_max=0.5) == ["Walking"]
        assert store.session("s").tags == () and not store.session("s").pinned
        assert store.check() == []


def test_what_is_not_whole_is_undone_together(store: Store) -> None:
    session = add(store, "one")
    with pytest.raises(StoreError), store.together():
        store.set_pinned(session, True)
        store.add_tag(session, "a")
        store.set_pinned("nothing", True)
    assert not store.session(session).pinned
    assert store.session(session).tags == ()


async def test_what_was_changed_in_memory_is_written_back(tmp_path: Path) -> None:
    store = await AsyncStore.open(tmp_path / "history.db")
    try:
        session = (await store.call(Store.create_session, "demo", "zebra")).id
        await store.call(Store.set_pinned, session, True)
        await store.call(Store.add_tag, session, "a")
        await store.fall_back()
        await store.call(Store.bin_session, session)
        await store.call(Store.add_tag, session, "b")
        assert await store.call(Store.tags) == []
        await store.write_back()
        binned = SessionFilter(deleted="only")
        (found,) = await store.call(Store.sessions, binned)
        assert (found.tags, found.pinned) == (("a", "b"), True)
        assert await store.call(Store.count_sessions, binned) == len(
            await store.call(Store.search, "zebra", wanted=binned)
        )
    finally:
        await store.aclose()
    with Store.open(tmp_path / "history.db") as reopened:
        assert reopened.empty_bin() == 1
