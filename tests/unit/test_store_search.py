"""Search finds what is there, whatever is typed, and its index always agrees with the texts."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.store_rows import END, START, tokens
from urial_tui.store.sessions import search as search_module
from urial_tui.store.sessions.search import fts_query
from urial_tui.store.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as opened:
        yield opened


@pytest.fixture(scope="module")
def hostile_store() -> Iterator[Store]:
    with Store.in_memory() as opened:
        session = opened.create_session("demo")
        opened.add_user_message(
            session.id,
            None,
            'What are the benefits of walking? C++ "quoted" AND 100% e\u0301te\u0301',
        )
        yield opened


def add(store: Store, text: str, title: str = "") -> str:
    session = store.create_session("demo", title or "untitled")
    return store.add_user_message(session.id, None, text).id


def found(store: Store, query: str) -> list[str | None]:
    return [hit.message_id for hit in store.search(query)]


def test_words_phrases_and_beginnings(store: Store) -> None:
    walking = add(store, "The benefits of walking every day")
    talking = add(store, "Talking every other day has benefits")
    assert set(found(store, "benefits day")) == {walking, talking}
    assert found(store, "every-day walking") == [walking]
    assert found(store, '"every day"') == [walking]
    assert found(store, "walk") == [walking]
    assert found(store, '"walk"') == []
    assert found(store, "walk benefits") == []
    assert found(store, "WALKING") == [walking]
    assert found(store, "nothing") == []


def test_accents_do_not_matter(store: Store) -> None:
    message = add(store, "Perché la città è così bella?")
    assert found(store, "perche citta") == [message]


def test_text_without_blanks_is_found_in_the_middle(store: Store) -> None:
    message = add(store, "每天散步有什么好处？")
    assert found(store, "散步") == [message]
    assert store.sessions("好处")[0].id == store.message(message).session_id
    assert store.search("散步")[0].snippet == "每天\x02散步\x03有什么好处？"
    assert found(store, "跑步") == []


def test_signs_alone_are_found_literally(store: Store) -> None:
    message = add(store, "well ¯\\_(ツ)_/¯ -> 100 %%")
    assert found(store, "->") == [message]
    assert found(store, "%%") == [message]
    assert found(store, "%_") == []


def test_titles_are_found_and_come_first(store: Store) -> None:
    message = add(store, "about walking")
    titled = store.create_session("demo", "Walking in Rome")
    hits = store.search("walking")
    assert [(h.session_id, h.message_id) for h in hits] == [
        (titled.id, None),
        (store.message(message).session_id, message),
    ]
    assert hits[0].snippet == "\x02Walking\x03 in Rome"
    store.set_title(titled.id, "Running")
    assert found(store, "walking") == [message]
    assert store.search("running")[0].session_id == titled.id


def test_sessions_are_filtered_by_title_and_content(store: Store) -> None:
    one = store.message(add(store, "about walking", "first")).session_id
    two = store.create_session("demo", "Walking in Rome").id
    add(store, "about something else")
    assert {s.id for s in store.sessions("walking")} == {one, two}
    assert [s.id for s in store.sessions("walking", limit=1, offset=1)] == [one]
    assert len(store.sessions("   ")) == 3


def test_a_session_has_its_best_hits_together_and_says_how_many_more_there_are(
    store: Store,
) -> None:
    many = store.create_session("demo", "many")
    messages = [
        store.add_user_message(many.id, None, "zebra " * n + "and more words " * (6 - n)).id
        for n in range(1, 6)
    ]
    one = add(store, "a zebra", "one")
    hits = store.search("zebra")
    assert [h.message_id for h in hits if h.session_id == many.id] == messages[:1:-1]
    assert [h.more for h in hits if h.session_id == many.id] == [0, 0, 2]
    assert {h.session_id for h in hits[:3]} in ({many.id}, {many.id, store.message(one).session_id})
    places = [n for n, h in enumerate(hits) if h.session_id == many.id]
    assert places == list(range(places[0], places[0] + 3)), "one after the other"
    (last,) = [h for h in hits if h.message_id == one]
    assert (last.role, last.created_at, last.more) == ("user", store.message(one).created_at, 0)
    assert [len(store.search("zebra", limit)) for limit in range(1, 6)] == [1, 2, 3, 4, 4]
    (first,) = store.search("zebra", 1)
    assert first.more == (4 if first.session_id == many.id else 0)


def test_a_message_that_is_more_about_it_comes_first_and_of_equals_the_newer_one(
    store: Store,
) -> None:
    for _ in range(20):
        add(store, "something else")
    about = add(store, "zebra zebra zebra")
    older = add(
        store, "a zebra among many other words that are not about any animal at all, or are they"
    )
    newer = add(
        store, "a zebra among many other words that are not about any animal at all, or are they"
    )
    store._db.execute(
        "UPDATE session SET updated_at = iif(id = ?, '2026-02', '2026-01')",
        (store.message(newer).session_id,),
    )
    assert found(store, "zebra") == [about, newer, older]


def test_a_title_that_matches_lifts_its_session_and_its_message_is_the_hit(store: Store) -> None:
    about = add(store, "zebra zebra zebra", "animals")
    titled = add(store, "do they sleep? the zebra is an animal with stripes", "The zebra")
    assert found(store, "zebra") == [titled, about]


def test_of_what_is_everywhere_the_newest_is_ranked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MAX_RANKED", 3)
    messages = [add(store, f"zebra number {n}") for n in range(5)]
    assert set(found(store, "zebra")) == set(messages[2:])
    assert found(store, "zebra 0") == [messages[0]]
    assert len(store.sessions("zebra")) == 5


def test_a_single_letter_is_a_word_and_with_others_a_beginning(store: Store) -> None:
    vitamin = add(store, "vitamin c or cobalamin")
    other = add(store, "vitamin cobalamin")
    assert found(store, "c") == [vitamin]
    assert set(found(store, "vitamin c")) == {vitamin, other}


def test_snippets_are_of_the_sessions_that_are_asked_for(store: Store) -> None:
    one = store.message(add(store, "about the zebra 散步", "first")).session_id
    two = store.message(add(store, "more about a zebra", "second")).session_id
    none = store.create_session("demo", "zebra").id
    assert store.snippets("zebra", [one, none]) == {one: "about the \x02zebra\x03 散步"}
    assert set(store.snippets("zebra", [one, two])) == {one, two}
    assert store.snippets("散步", [one, two]) == {one: "about the zebra \x02散步\x03"}
    assert store.snippets("zebra", []) == store.snippets(" ", [one]) == {}


def test_an_answer_is_found_once_it_has_ended(store: Store) -> None:
    session = store.create_session("demo")
    answer = store.begin_answer(session.id, store.add_user_message(session.id, None, "q").id)
    generation = store.begin_generation(answer.id, START)
    store.append_tokens(answer.id, generation, tokens(0, 1), "zebra")
    assert found(store, "zebra") == []
    assert store.check() == []
    store.finish_answer(answer.id, generation, "stopped", END, tail=" crossing")
    assert found(store, "zebra crossing") == [answer.id]
    assert store.check() == []


def test_deleted_text_is_not_found(store: Store) -> None:
    message = add(store, "zebra")
    store.delete_session(store.message(message).session_id)
    assert store.search("zebra") == []
    assert store.check() == []


@pytest.mark.parametrize(
    "query",
    ['"', '""', '"""', "'", "AND", "OR NOT", "NEAR(a b)", "*", "a*", "^a", "a:b", "content:x", "-a", "+", "(", ")",
     "{}", "\0", "a\0b", "a\0", "\x02", "\udcff", "\ud800x", "%", "_", "\\", "a" * 100_000, "a " * 5000, '"a ' * 5000,
     "🍎", "\u0301", "\u200b", ";DROP TABLE message", "\n", "²", "\ue000"],
)  # fmt: skip
def test_no_query_is_an_error(hostile_store: Store, query: str) -> None:
    hostile_store.search(query)
    ids = [session.id for session in hostile_store.sessions(query)]
    hostile_store.snippets(query, ids)


@settings(max_examples=300, deadline=None)
@given(query=st.text(max_size=40) | st.text(alphabet='"*^:()-+ANDOR aé\0散', max_size=20))
def test_no_text_is_an_error(hostile_store: Store, query: str) -> None:
    found = {hit.session_id for hit in hostile_store.search(query)}
    if query.strip():  # what a list has and what a search finds is the same
        assert found == {session.id for session in hostile_store.sessions(query)}


def test_syntax_words_are_words(hostile_store: Store) -> None:
    assert len(hostile_store.search("AND")) > 0
    assert hostile_store.search("OR") == []
    assert hostile_store.search("benefits OR zebra") == []
    assert hostile_store.search("benefits NOT walking") == []


def test_the_query_language_has_quotes_only() -> None:
    assert fts_query("a b") == '"a" "b" *'
    assert fts_query("a b ") == '"a" "b"'
    assert fts_query('say "good day') == '"say" "good day" *'
    assert fts_query('x" OR "y') == '"x" " OR " "y" *'
    assert fts_query("a") == '"a"'
    assert fts_query("!?") is None


def test_a_text_of_megabytes_is_found_at_once(store: Store) -> None:
    """FTS5's snippet of a text with a million matches would not end in this test."""
    session = store.create_session("demo").id
    store.add_user_message(session, None, "Start. " + "a walk b " * 1_000_000 + "Zürich")
    for query, marked in (("WALK", "walk"), ("walk b", "walk"), ("zurich", "Zürich")):
        (hit,) = store.search(query)
        assert len(hit.snippet) < 300
        assert (f"{search_module.BEGIN}{marked}{search_module.END}" in hit.snippet) == bool(marked)


LONG = "There are many words before it. " * 1000


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("the café is CAFÉ", "cafe", "the [café] is [CAFÉ]"),
        ("a cafe\u0301 there", "café", "a [cafe\u0301] there"),
        ("arts and parts of art", "art ", "arts and parts of [art]"),
        ("arts, not parts of art", "art", "[arts], not parts of [art]"),
        ("an Été, à Paris", '"ete a" par', "an [Été, à] [Paris]"),
        ("한국 한글", "한글", "한국 [한글]"),
        ("one, two", "two one", "[one], [two]"),
    ],
)
def test_in_a_long_text_the_words_are_marked_as_the_index_has_them(
    store: Store, text: str, query: str, shown: str
) -> None:
    message = add(store, f"{LONG}{text}")
    (hit,) = store.search(query)
    assert hit.message_id == message
    marked = hit.snippet.replace(search_module.BEGIN, "[").replace(search_module.END, "]")
    assert marked.startswith("…") and marked.endswith(f" {shown}")


def test_a_title_of_a_megabyte_is_shown_where_it_matches(store: Store) -> None:
    add(store, "nothing", "Long " * 200_000 + "zébra and more " * 10)
    (hit,) = store.search("zebra")
    assert f"{search_module.BEGIN}zébra{search_module.END}" in hit.snippet
    assert len(hit.snippet) < 300
