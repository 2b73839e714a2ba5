"""What an exporter gets: the answers of a run, or of conversations, side by side."""

from collections.abc import Iterator

import pytest

from tests.support.store_rows import END, say
from tests.support.store_runs import answer, begin, comparison, judgement, make_run
from urial_tui.exchange.sources import source_of_run, source_of_sessions
from urial_tui.store.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as opened:
        yield opened


def test_a_run_has_its_sides_in_order_with_the_turns_that_are_complete(store: Store) -> None:
    run = make_run(store)
    first = answer(store, run, 0, 0)
    answer(store, run, 1, 1)
    begin(store, run, 1, 1, turn=1)  # not finished
    source = source_of_run(store, run)
    one, two = source.sides
    assert (one.side, one.number, one.n_items) == ("demo@urial-general", 0, 3)
    assert [(row.id, row.number, row.n_turns, len(row.turns)) for row in one.rows] == [(7, 7, 1, 1)]
    assert [(row.id, row.number, row.n_turns, len(row.turns)) for row in two.rows] == [
        ("mt-81", 1, 2, 1)
    ]
    assert one.rows[0].turns[0].question == "How do I walk?"
    assert one.rows[0].turns[0].message_id == first.id
    assert one.rows[0].extra == {"urls": ["é"], "n": 1}
    assert len(source.sessions) == 2
    assert source.name == "just-eval-40"


def test_a_conversation_is_a_row_of_the_side_of_its_answers(store: Store) -> None:
    a = store.create_session("now@this", "A talk").id
    say(store, a, say(store, a, None, "q1", "a1"), "q2", "a2")
    b = store.create_session("demo@urial-general").id
    say(store, b, say(store, b, None, "q3", "a3", "other@chat"), "q4", "a4")
    source = source_of_sessions(store, [a, b])
    assert [(side.side, side.number) for side in source.sides] == [
        ("demo@urial-general", 0),
        ("other@chat", 1),
    ]
    (row,), (changed,) = (side.rows for side in source.sides)
    assert (row.id, row.index, row.number, row.session_id) == (a, 0, 0, a)
    assert [(turn.question, turn.answer) for turn in row.turns] == [("q1", "a1"), ("q2", "a2")]
    assert [turn.answer for turn in changed.turns] == ["a3"]
    assert any("1 session: turns after a change of side" in note for note in source.notes)
    assert source_of_sessions(store, [a]).name == "A talk"
    assert source.name == "sessions"


def test_the_branch_that_was_on_screen_is_read_up_to_an_answer_that_is_not_complete(
    store: Store,
) -> None:
    session = store.create_session("demo").id
    first = say(store, session, None, "q1", "a1")
    say(store, session, first, "q2", "left")
    shown = say(store, session, first, "q3", "half", status="stopped")
    source = source_of_sessions(store, [session])
    assert [turn.answer for turn in source.sides[0].rows[0].turns] == ["a1"]
    assert any("not complete" in note for note in source.notes)
    store.finish_answer(shown, None, "complete", END)
    again = source_of_sessions(store, [session])
    assert [turn.question for turn in again.sides[0].rows[0].turns] == ["q1", "q3"]
    empty = store.create_session("demo").id
    assert source_of_sessions(store, [empty]).sides == ()


def test_judgements_and_comparisons_are_those_of_its_answers(store: Store) -> None:
    run, other = make_run(store), make_run(store)
    mine, theirs = answer(store, run, 0, 0), answer(store, other, 0, 0)
    session = store.create_session("demo").id
    talk = say(store, session, None, "q", "a")
    for message in (mine.id, theirs.id, talk):
        store.save_judgement(judgement(message))
    store.save_comparison(comparison(theirs.id, mine.id))
    source = source_of_run(store, run)
    assert [one.message_id for one in source.judgements] == [mine.id]
    assert [one.message_a for one in source.comparisons] == [theirs.id]
    talks = source_of_sessions(store, [session])
    assert [one.message_id for one in talks.judgements] == [talk]
    assert talks.comparisons == ()
