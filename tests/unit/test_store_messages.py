"""Sessions, branches, answers, generations and drafts as the store keeps them."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.store_rows import END, START, tokens
from urial_tui.errors import StoreError
from urial_tui.store.database import ids
from urial_tui.store.database.ids import now
from urial_tui.store.store import Store
from urial_tui.store.types import Draft, Message, Session, SessionFilter, Token


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "history.db") as opened:
        yield opened


def answer(store: Store, session: Session, parent: Message, text: str) -> Message:
    begun = store.begin_answer(session.id, parent.id, content=text)
    return store.finish_answer(begun.id, None, "complete", None)


def test_ids_grow_within_one_millisecond_and_when_the_clock_goes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter([2_000_000_000_000_000_000, 2_000_000_000_000_000_000, 1_999_000_000_000_000_000])
    monkeypatch.setattr(ids, "_last", 0)
    monkeypatch.setattr(ids.time, "time_ns", lambda: next(times))
    made = [ids.new_id() for _ in range(3)]
    assert made == sorted(set(made))
    assert all(len(i) == 26 and set(i) <= set(ids.ALPHABET) for i in made)


def test_ids_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_last", 0)
    first = ids.new_id()
    monkeypatch.setattr(ids, "_last", 0)
    monkeypatch.setattr(ids.time, "time_ns", lambda: 2**63 - 1)
    assert ids.new_id() > first


def test_a_first_message_names_the_session_and_a_given_title_stays(store: Store) -> None:
    named = store.create_session("demo", "Mine")
    store.add_user_message(named.id, None, "Something else")
    assert store.session(named.id).title == "Mine"

    unnamed = store.create_session("demo")
    first = store.add_user_message(unnamed.id, None, "\n\n  What  are\tthe benefits?\nsecond line")
    store.add_user_message(unnamed.id, answer(store, unnamed, first, "Many.").id, "And?")
    assert store.session(unnamed.id).title == "What are the benefits?"


def test_a_long_first_message_is_cut_at_a_word(store: Store) -> None:
    session = store.create_session("demo")
    store.add_user_message(session.id, None, "word " * 40)
    title = store.session(session.id).title
    assert len(title) <= 60
    assert title.endswith("word…")


def test_branches_share_their_beginning(store: Store) -> None:
    session = store.create_session("demo")
    root = store.add_user_message(session.id, None, "q")
    first = answer(store, session, root, "first")
    second = answer(store, session, root, "second")
    deeper = store.add_user_message(session.id, first.id, "again")

    assert [m.content for m in store.branch(deeper.id)] == ["q", "first", "again"]
    assert [m.content for m in store.branch(second.id)] == ["q", "second"]
    assert [m.id for m in store.siblings(second.id)] == [first.id, second.id]
    assert [m.id for m in store.siblings(root.id)] == [root.id]
    assert [m.id for m in store.messages(session.id)] == [root.id, first.id, second.id, deeper.id]


def test_the_leaf_below_is_where_that_part_was_written_to_last(store: Store) -> None:
    session = store.create_session("demo")
    root = store.add_user_message(session.id, None, "q")
    first = answer(store, session, root, "first")
    second = answer(store, session, root, "second")
    deeper = store.add_user_message(session.id, first.id, "again")
    assert store.leaf_below(root.id).id == deeper.id
    assert store.leaf_below(first.id).id == deeper.id
    assert store.leaf_below(second.id).id == second.id


def test_a_new_message_becomes_the_visible_leaf_and_set_leaf_moves_it(store: Store) -> None:
    session = store.create_session("demo")
    root = store.add_user_message(session.id, None, "q")
    assert store.session(session.id).leaf_id == root.id
    begun = store.begin_answer(session.id, root.id)
    assert store.session(session.id).leaf_id == begun.id
    store.set_leaf(session.id, root.id)
    assert store.session(session.id).leaf_id == root.id


def test_a_message_of_another_session_is_refused_as_parent_and_as_leaf(store: Store) -> None:
    one, two = store.create_session("demo"), store.create_session("demo")
    foreign = store.add_user_message(one.id, None, "q")
    with pytest.raises(StoreError) as refused:
        store.add_user_message(two.id, foreign.id, "q")
    assert refused.value.kind == "not-found"
    with pytest.raises(StoreError):
        store.set_leaf(two.id, foreign.id)
    assert store.messages(two.id) == []
    assert store.session(two.id).title == ""


def test_the_schema_itself_keeps_a_parent_in_its_session(store: Store, tmp_path: Path) -> None:
    one, two = store.create_session("demo"), store.create_session("demo")
    foreign = store.add_user_message(one.id, None, "q")
    raw = sqlite3.connect(tmp_path / "history.db")
    raw.execute("PRAGMA foreign_keys=ON")
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(
            "INSERT INTO message (id, session_id, parent_id, role, status, created_at) "
            "VALUES ('x', ?, ?, 'user', 'complete', '')",
            (two.id, foreign.id),
        )
    raw.close()


@pytest.mark.parametrize(
    "call", ["session", "message", "branch", "siblings", "leaf_below", "delete_session"]
)
def test_what_is_not_there_is_said_so(store: Store, call: str) -> None:
    with pytest.raises(StoreError) as missing:
        getattr(store, call)("nothing")
    assert missing.value.kind == "not-found"


def test_sessions_come_with_the_one_written_to_last_first(store: Store) -> None:
    old, new = store.create_session("demo", "old"), store.create_session("demo", "new")
    assert [s.id for s in store.sessions()] == [new.id, old.id]
    while now() <= new.updated_at:  # rows tell times to the millisecond
        pass
    store.add_user_message(old.id, None, "q")
    assert [(s.id, s.n_messages) for s in store.sessions()] == [(old.id, 1), (new.id, 0)]
    assert [s.id for s in store.sessions(limit=1, offset=1)] == [new.id]


def test_renaming_does_not_move_a_session_and_an_archived_one_is_hidden(store: Store) -> None:
    old, new = store.create_session("demo", "old"), store.create_session("demo", "new")
    store.set_title(old.id, " renamed ")
    store.set_side(old.id, "demo@raw")
    store.set_archived(new.id, True)
    assert [(s.title, s.side) for s in store.sessions()] == [("renamed", "demo@raw")]
    assert [s.id for s in store.sessions(SessionFilter(archived="yes"))] == [new.id, old.id]


def test_a_session_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    one, two = store.create_session("demo", "one"), store.create_session("demo", "two")
    assert store.find_session(one.id).id == one.id
    assert store.find_session(one.id[:-1].upper()).id == one.id
    assert store.find_session(" last ").id == two.id
    with pytest.raises(StoreError) as ambiguous:
        store.find_session(one.id[:3])
    assert ambiguous.value.kind == "ambiguous"
    assert one.id in ambiguous.value.message
    for nothing in ("", "%", "zzz", "é", one.id + "0", "\udcff", one.id[:5] + "\0"):
        with pytest.raises(StoreError) as missing:
            store.find_session(nothing)
        assert missing.value.kind == "not-found"


def test_an_answer_is_interrupted_until_it_is_finished(store: Store) -> None:
    session = store.create_session("demo")
    question = store.add_user_message(session.id, None, "q")
    begun = store.begin_answer(session.id, question.id, prefill="Sure:")
    assert (begun.status, begun.content, begun.prefill) == ("interrupted", "Sure:", "Sure:")
    generation = store.begin_generation(begun.id, START)
    store.append_tokens(begun.id, generation, tokens(0, 2), " word word")
    store.append_tokens(begun.id, generation, tokens(2, 1, "\0"), "\0")
    assert store.message(begun.id).content == "Sure: word word\0"
    assert store.message(begun.id).status == "interrupted"
    finished = store.finish_answer(begun.id, generation, "stopped", END, tail="\ufffd", error="")
    assert (finished.status, finished.content) == ("stopped", "Sure: word word\0\ufffd")
    assert [t.i for t in store.tokens(begun.id)] == [0, 1, 2]


def test_a_failed_answer_keeps_its_text_and_says_why(store: Store) -> None:
    session = store.create_session("demo")
    begun = store.begin_answer(session.id, store.add_user_message(session.id, None, "q").id)
    generation = store.begin_generation(begun.id, START)
    store.append_tokens(begun.id, generation, tokens(0, 1), " word")
    failed = store.finish_answer(begun.id, generation, "failed", None, error="the engine died")
    assert (failed.content, failed.error, failed.status) == (" word", "the engine died", "failed")
    stored = store.generation_of(begun.id)
    assert stored is not None
    assert stored.end is None


def test_nothing_is_appended_to_an_answer_that_has_ended(store: Store) -> None:
    session = store.create_session("demo")
    begun = store.begin_answer(session.id, store.add_user_message(session.id, None, "q").id)
    generation = store.begin_generation(begun.id, START)
    store.finish_answer(begun.id, generation, "complete", END)
    with pytest.raises(StoreError) as ended:
        store.append_tokens(begun.id, generation, tokens(0, 1), " word")
    assert ended.value.kind == "finished"


def test_tokens_and_text_are_appended_both_or_not_at_all(store: Store) -> None:
    session = store.create_session("demo")
    begun = store.begin_answer(session.id, store.add_user_message(session.id, None, "q").id)
    generation = store.begin_generation(begun.id, START)
    store.append_tokens(begun.id, generation, tokens(0, 2), " word word")
    for wrong in (tokens(2, 1) + tokens(1, 1), tokens(2, 1)):
        with pytest.raises(StoreError):
            store.append_tokens(begun.id, generation if len(wrong) > 1 else "other", wrong, " more")
    assert store.message(begun.id).content == " word word"
    assert len(store.tokens(begun.id)) == 2


def test_tokens_come_back_as_they_were(store: Store) -> None:
    session = store.create_session("demo")
    begun = store.begin_answer(session.id, store.add_user_message(session.id, None, "q").id)
    generation = store.begin_generation(begun.id, START)
    given = [
        Token(0, 262143, b"\xf0\x9f", "", 2),
        Token(1, 5, b"\x8d\x8e", "🍎", 2),
        Token(2, 9, b"a\0# Query", "a\0", 2, cut=True),
        Token(3, 1, b"", "", 0, control=True),
    ]
    store.append_tokens(begun.id, generation, given, "🍎a\0")
    assert store.tokens(begun.id) == given


def test_provenance_comes_back_whole(store: Store) -> None:
    session = store.create_session("demo")
    begun = store.begin_answer(session.id, store.add_user_message(session.id, None, "q").id)
    generation = store.begin_generation(begun.id, START)
    store.finish_answer(begun.id, generation, "complete", END)
    stored = store.generation_of(begun.id)
    assert stored is not None
    assert (stored.id, stored.message_id) == (generation, begun.id)
    assert stored.start == START
    assert stored.end == END


def test_a_seed_that_was_asked_for_is_kept_apart_from_the_one_that_was_used(
    store: Store, tmp_path: Path
) -> None:
    session = store.create_session("demo")
    begun = store.begin_answer(session.id, store.add_user_message(session.id, None, "q").id)
    generation = store.begin_generation(begun.id, replace(START, sampling={"seed": 7}))
    store.finish_answer(begun.id, generation, "complete", END)
    raw = sqlite3.connect(tmp_path / "history.db")
    assert raw.execute("SELECT seed_asked, seed FROM generation").fetchone() == (7, 4294967295)
    assert raw.execute("SELECT prompt_ids FROM generation").fetchone() == (
        b"\x02\0\0\0\xff\xff\x03\0\xff\xff\xff\xff",
    )
    raw.close()


def test_a_question_has_no_generation_and_no_tokens(store: Store) -> None:
    question = store.add_user_message(store.create_session("demo").id, None, "q")
    assert store.generation_of(question.id) is None
    assert store.tokens(question.id) == []


def test_undecodable_input_is_stored_with_replacement_characters(store: Store) -> None:
    session = store.create_session("demo")
    message = store.add_user_message(session.id, None, "caf\udce9 😀")
    assert message.content == "caf\ufffd 😀"


def test_deleting_a_session_deletes_everything_of_it(store: Store, tmp_path: Path) -> None:
    session = store.create_session("demo")
    begun = store.begin_answer(session.id, store.add_user_message(session.id, None, "q").id)
    store.append_tokens(begun.id, store.begin_generation(begun.id, START), tokens(0, 3), "abc")
    store.save_draft(session.id, Draft("draft"))
    store.lock(session.id, "me")
    kept = store.create_session("demo")
    store.delete_session(session.id)
    raw = sqlite3.connect(tmp_path / "history.db")
    for table in ("message", "generation", "token", "draft", "session_lock"):
        assert raw.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    raw.close()
    assert [s.id for s in store.sessions()] == [kept.id]
    assert store.check() == []


def test_a_branch_longer_than_sqlite_nests_triggers_can_be_read_and_deleted() -> None:
    store = Store.in_memory()
    session = store.create_session("demo")
    parent: str | None = None
    for n in range(3000):
        parent = store.add_user_message(session.id, parent, str(n)).id
    assert parent is not None
    assert [m.content for m in store.branch(parent)] == [str(n) for n in range(3000)]
    assert store.leaf_below(store.branch(parent)[0].id).id == parent
    store.delete_session(session.id)
    assert store.messages(session.id) == []


def test_a_draft_a_session_and_one_for_the_session_to_come(store: Store) -> None:
    session = store.create_session("demo")
    store.save_draft(session.id, Draft("one"))
    store.save_draft(session.id, Draft("two"))
    store.save_draft(None, Draft("", "Sure, "))
    assert (store.draft(session.id), store.draft(None)) == (Draft("two"), Draft("", "Sure, "))
    store.save_draft(session.id, Draft())
    assert (store.draft(session.id), store.draft(None)) == (Draft(), Draft("", "Sure, "))
    with pytest.raises(StoreError):
        store.save_draft("nothing", Draft("x"))


def test_a_draft_that_was_sent_is_gone_and_another_one_stays(store: Store) -> None:
    session = store.create_session("demo")
    store.save_draft(None, Draft("hello\n"))
    store.save_draft(session.id, Draft("something else"))
    store.add_user_message(session.id, None, "hello")
    assert (store.draft(session.id), store.draft(None)) == (Draft("something else"), Draft())


def test_a_draft_survives_closing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "h.db") as store:
        store.save_draft(None, Draft("not yet sent é"))
    with Store.open(tmp_path / "h.db") as store:
        assert store.draft(None) == Draft("not yet sent é")
