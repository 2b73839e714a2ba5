"""Chats and texts of other tools become sessions, with their branches."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.imported import (
    lines,
    node,
    put,
    refused,
    shown,
    take,
)
from tests.support.store_runs import answer_all, comparison, make_run
from urial_tui.exchange import (
    jsonl,
)
from urial_tui.store.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as made:
        yield made


def test_lists_of_turns_become_sessions(store: Store, tmp_path: Path) -> None:
    rows = [
        {
            "id": "a1",
            "conversations": [
                {"from": "system", "value": "Be brief."},
                {"from": "human", "value": "Hi"},
                {"from": "gpt", "value": "Hello"},
                {"from": "gpt", "value": "again"},
                {"from": "tool", "value": "x"},
                {"from": "human", "value": "Bye"},
            ],
        },
        {
            "title": "A \x1b[31mtitle",
            "model": "m-7",
            "messages": [
                {"role": "assistant", "content": "I begin."},
                {"role": "user", "content": [{"type": "text", "text": "Ok"}, {"type": "image"}]},
            ],
        },
    ]
    path = put(tmp_path / "chats.json", rows)
    tally = take(store, path)
    assert (tally.format, len(tally.sessions)) == ("chat", 2)
    one, two = tally.sessions
    assert shown(store, one) == [("user", "Hi"), ("assistant", "Hello\n\nagain"), ("user", "Bye")]
    assert shown(store, two) == [("user", ""), ("assistant", "I begin."), ("user", "Ok")]
    session = store.session(one)
    assert (session.title, session.origin["system"], session.origin["id"]) == ("Hi", "Be brief.", "a1")  # fmt: skip
    assert store.session(two).side == "m-7"
    assert tally.notes == [
        "1 message joined the one before it, which is of the same side",
        "1 message that is no text of user or assistant is left out",
    ]
    again = take(store, path)
    assert (again.sessions, again.there) == ([], 2)
    assert len(take(store, path, as_new=True).sessions) == 2


def test_a_file_under_another_name_is_the_same_file(store: Store, tmp_path: Path) -> None:
    chat = [
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}
    ]
    take(store, put(tmp_path / "a.json", chat))
    tally = take(store, put(tmp_path / "b.json", chat))
    assert (tally.there, tally.sessions, store.stats().sessions) == (1, [], 1)


def test_one_conversation_as_a_list_of_messages(store: Store, tmp_path: Path) -> None:
    rows = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    tally = take(store, put(tmp_path / "talk.json", rows))
    assert shown(store, tally.sessions[0]) == [("user", "Hi"), ("assistant", "Hello")]


def test_a_tree_of_chatgpt_keeps_its_branches(store: Store, tmp_path: Path) -> None:
    mapping = {
        "end": node("end", "b2", "user", "Thanks"),
        "root": {"id": "root", "parent": None, "children": ["s"], "message": None},
        "s": node("s", "root", "system", ""),
        "q": node("q", "s", "user", "Why?", "a", "b"),
        "a": node("a", "q", "assistant", "Because."),
        "b": node("b", "q", "assistant", "Since", "t"),
        "t": node("t", "b", "tool", "42", "b2"),
        "b2": node("b2", "t", "assistant", "then.", "end"),
    }
    row = {
        "title": "Reasons",
        "mapping": mapping,
        "current_node": "a",
        "default_model_slug": "gpt-4",
    }
    tally = take(store, put(tmp_path / "conversations.json", [row]))
    session = store.session(tally.sessions[0])
    assert (session.title, session.side) == ("Reasons", "gpt-4")
    assert session.created_at == "2023-11-14T22:13:20.250Z"
    assert shown(store, session.id) == [("user", "Why?"), ("assistant", "Because.")]
    assert [(m.role, m.content) for m in store.messages(session.id)] == [
        ("user", "Why?"),
        ("assistant", "Because."),
        ("assistant", "Since\n\nthen."),
        ("user", "Thanks"),
    ]
    assert tally.notes[-1].startswith("1 message that is no text")


def test_a_message_with_followers_of_both_sides_is_kept_and_copied(
    store: Store, tmp_path: Path
) -> None:
    mapping = {
        "q": node("q", None, "user", "Q", "a"),
        "a": node("a", "q", "assistant", "A", "b", "u"),
        "b": node("b", "a", "assistant", "B"),
        "u": node("u", "a", "user", "U"),
    }
    tally = take(store, put(tmp_path / "c.json", {"mapping": mapping, "current_node": "u"}))
    assert [m.content for m in store.messages(tally.sessions[0])] == ["Q", "A", "A\n\nB", "U"]
    assert shown(store, tally.sessions[0])[-1] == ("user", "U")


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"a": node("a", "b", "user", "x"), "b": node("b", "a", "user", "y")}, "are no tree"),
        ({"a": node("a", "zz", "user", "x")}, "has a parent that is not there"),
        ({"a": 3}, "is not an object"),
        ([], "its `mapping` is not an object"),
        ({}, "has no text"),
    ],
)
def test_a_tree_that_is_none_is_refused(tmp_path: Path, mapping: Any, said: str) -> None:
    assert said in refused(put(tmp_path / "c.json", [{"mapping": mapping}])).message


def test_a_conversation_of_thousands_of_messages_and_one_that_repeats_itself(
    store: Store, tmp_path: Path
) -> None:
    deep = {
        str(n): node(str(n), str(n - 1) if n else None, ("user", "assistant")[n % 2], f"{n}")
        for n in range(5000)
    }
    tally = take(store, put(tmp_path / "deep.json", {"mapping": deep}))
    assert len(shown(store, tally.sessions[0])) == 5000
    spine = {
        f"a{n}": node(f"a{n}", f"a{n - 1}" if n else None, "assistant", "x" * 1000)
        for n in range(400)
    }
    spine |= {f"u{n}": node(f"u{n}", f"a{n}", "user", "u") for n in range(400)}
    assert "repeat too much" in refused(put(tmp_path / "spine.json", {"mapping": spine})).message


def test_a_text_is_an_answer_to_nothing(store: Store, tmp_path: Path) -> None:
    path = put(tmp_path / "poem.txt", "\ufeffRoses are red,\nviolets are blue.\n")
    tally = take(store, path)
    assert tally.format == "text"
    session = store.session(tally.sessions[0])
    assert shown(store, session.id) == [
        ("user", ""),
        ("assistant", "Roses are red,\nviolets are blue."),
    ]
    assert (session.title, session.origin["file"]) == ("poem.txt", "poem.txt")
    assert tally.notes == [
        "it is in no other known format, so it was taken as a plain text to be scored"
    ]
    assert take(store, path).there == 1
    assert take(store, path, "text").notes == [], "that was said by the user"
    json_text = put(tmp_path / "x.json", '{"a": 1}')
    assert refused(json_text).kind == "unknown-format"
    assert len(take(store, json_text, "text").sessions) == 1


@pytest.mark.parametrize(
    "text",
    ["[Intro]\nWalk on.", "[1] A footnote.", "[] to do\n[x] done", "{name}, hello", "[...] on", "[-5] cold"],
)  # fmt: skip
def test_a_text_that_begins_with_a_bracket_and_is_no_json_is_a_text(
    store: Store, tmp_path: Path, text: str
) -> None:
    tally = take(store, put(tmp_path / "song.txt", text))
    assert tally.format == "text"
    assert shown(store, tally.sessions[0])[1] == ("assistant", text)


@pytest.mark.parametrize(
    "text", ['[{"a": 1}', '["a", ', "[1, 2", "{'a': 1}", '{"a": 1', "[1]", "[null, x]", "[", "[]\n[]"]
)  # fmt: skip
def test_what_may_be_damaged_json_is_never_kept_as_a_text(tmp_path: Path, text: str) -> None:
    error = refused(put(tmp_path / "cut.json", text))
    assert (error.kind, "--format text" in error.hint) == ("not-json", True)


@pytest.mark.parametrize("kind", ["session", "run", "comparison"])
def test_lines_of_our_own_export_without_its_header_are_no_chats(
    store: Store, tmp_path: Path, kind: str
) -> None:
    """A session has `messages` and a run `items`, which chats of other programs have too."""
    run = make_run(store)
    answer_all(store, run)
    one, other = [answer.message_id for answer in store.run_answers(run.id)][:2]
    store.save_comparison(comparison(one, other))
    sessions = [answer.session_id for answer in store.run_answers(run.id)]
    rows = [json.loads(line) for line in jsonl.lines(store, sessions)]
    text = lines([row for row in rows if row["type"] == kind])
    for format_ in (None, "chat", "jsonl"):
        error = refused(put(tmp_path / "x.jsonl", text), format_)
        assert error.kind == "bad-row"
        assert "line 1: " in error.message and "its header, is missing" in error.message
