"""Chats that are imported again: nothing is doubled, what has grown is added, and nothing is lost or written over."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.imported import node, put, refused, shown, take
from urial_tui.cli.exchange.importing import import_command
from urial_tui.errors import StoreError
from urial_tui.exchange.incoming import types
from urial_tui.store.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as made:
        yield made


def chatgpt(id_: str, *texts: str, **more: Any) -> dict[str, Any]:
    """A conversation of ChatGPT's export: texts of user and assistant in turn."""
    mapping: dict[str, Any] = {"root": {"id": "root", "parent": None, "children": ["0"]}}
    for n, text in enumerate(texts):
        role = "assistant" if n % 2 else "user"
        mapping[str(n)] = node(str(n), str(n - 1) if n else "root", role, text, str(n + 1))
    row = {"title": f"Talk {id_}", "conversation_id": id_, "mapping": mapping}
    return row | {"current_node": str(len(texts) - 1) if texts else "root"} | more


def sharegpt(*texts: str, **more: Any) -> dict[str, Any]:
    who = ("human", "gpt")
    return {"conversations": [{"from": who[n % 2], "value": t} for n, t in enumerate(texts)]} | more


def texts_of(store: Store, session_id: str) -> list[str]:
    return [text for _, text in shown(store, session_id)]


@pytest.mark.parametrize("make", [lambda *t: chatgpt("x", *t), sharegpt])
def test_a_chat_without_messages_is_left_out_and_said(
    store: Store, tmp_path: Path, make: Any
) -> None:
    path = put(tmp_path / "all.json", [make(), make("Hi", "Ho"), make(), make("Bye")])
    tally = take(store, path)
    assert (len(tally.sessions), tally.empty) == (2, 2)
    assert tally.notes == ["2 chats without messages left out"]
    again = take(store, path)
    assert (again.sessions, again.empty) == ([], 2)


def test_a_file_of_empty_chats_alone_and_rows_that_are_no_chats_are_refused(tmp_path: Path) -> None:
    nothing = refused(put(tmp_path / "x.json", [chatgpt("x"), chatgpt("y")]))
    assert "row 1: it has no text of user or assistant" in nothing.message
    other = refused(put(tmp_path / "y.json", [sharegpt("Hi"), {"id": 3}]))
    assert "row 2: it has none of the lists conversations" in other.message


def test_a_later_export_doubles_no_chat_and_adds_what_is_new(store: Store, tmp_path: Path) -> None:
    first = take(
        store, put(tmp_path / "may.json", [chatgpt("a", "Hi", "Ho"), chatgpt("b", "One", "Two")])
    )
    a, b = first.sessions
    store.set_title(a, "My title")
    before = [message.id for message in store.messages(a)]
    later = [chatgpt("c", "New"), chatgpt("b", "One", "Two"), chatgpt("a", "Hi", "Ho", "And?", "So.")]  # fmt: skip
    tally = take(store, put(tmp_path / "june.json", later))
    assert (len(tally.sessions), tally.there, tally.grown) == (1, 1, [a])
    assert tally.notes == ["1 chat has grown: its new messages were added to its session"]
    assert texts_of(store, a) == ["Hi", "Ho", "And?", "So."]
    assert [message.id for message in store.messages(a)][:2] == before
    assert store.session(a).title == "My title"
    assert texts_of(store, b) == ["One", "Two"]
    for name in ("june.json", "may.json"):  # what is older than the history adds nothing
        again = take(store, tmp_path / name)
        assert (again.sessions, again.grown) == ([], [])
    assert store.stats().sessions == 3
    assert store.check() == []


def test_a_new_version_of_an_answer_is_a_branch_of_its_session(
    store: Store, tmp_path: Path
) -> None:
    row = chatgpt("a", "Hi", "Ho")
    (session,) = take(store, put(tmp_path / "1.json", [row])).sessions
    row["mapping"]["again"] = node("again", "0", "assistant", "Hello")
    row["current_node"] = "again"
    tally = take(store, put(tmp_path / "2.json", [row]))
    assert (tally.sessions, tally.grown) == ([], [session])
    assert texts_of(store, session) == ["Hi", "Hello"]
    assert sorted(message.content for message in store.messages(session)) == ["Hello", "Hi", "Ho"]


def test_what_was_written_here_stays_and_what_it_does_not_fit_is_another_session(
    store: Store, tmp_path: Path
) -> None:
    path = put(tmp_path / "1.json", [chatgpt("a", "Hi", "Ho")])
    (session,) = take(store, path).sessions
    leaf = store.session(session).leaf_id
    store.add_user_message(session, leaf, "asked here")
    older = take(store, put(tmp_path / "same.json", [chatgpt("a", "Hi", "Ho"), chatgpt("b", "x")]))
    assert (older.there, older.grown) == (1, [])
    grown = take(store, put(tmp_path / "2.json", [chatgpt("a", "Hi", "Ho", "asked there", "Yes")]))
    assert grown.grown == []
    assert texts_of(store, grown.sessions[0]) == ["Hi", "Ho", "asked there", "Yes"]
    assert texts_of(store, session)[-1] == "asked here"
    (note,) = grown.notes
    assert note.startswith("1 chat is not what the session of its id holds")
    changed = take(store, put(tmp_path / "3.json", [chatgpt("a", "Hi", "Ho, changed", "more")]))
    assert len(changed.sessions) == 1
    last = take(store, put(tmp_path / "4.json", [chatgpt("a", "Hi", "Ho", "asked there", "Yes", "Z")]))  # fmt: skip
    assert last.grown == grown.sessions


def test_chats_without_an_id_are_known_by_their_whole_content(store: Store, tmp_path: Path) -> None:
    take(store, put(tmp_path / "1.json", [sharegpt("Hi", "Ho"), sharegpt("A", "B")]))
    rows = [sharegpt("Hi", "Ho", "more"), sharegpt("A", "B"), sharegpt("Hi"), sharegpt("C")]
    tally = take(store, put(tmp_path / "2.json", rows))
    assert (len(tally.sessions), tally.there, tally.grown) == (3, 1, [])
    twice = take(store, put(tmp_path / "3.json", [sharegpt("D"), sharegpt("D")]))
    assert len(twice.sessions) == 2  # a file may have two that are alike


def test_a_file_is_hashed_once_and_not_for_each_of_its_chats(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = json.dumps([sharegpt("Hi", str(n)) for n in range(9)])
    hashed: list[bytes] = []

    def sha256(content: bytes = b"") -> Any:
        hashed.append(content)
        return hashlib.blake2b(content)

    monkeypatch.setattr(types, "hashlib", SimpleNamespace(sha256=sha256))
    assert len(take(store, put(tmp_path / "1.json", data)).sessions) == 9
    assert hashed == [data.encode()]


def test_equal_ids_of_other_chats_are_no_reason_to_leave_one_out(
    store: Store, tmp_path: Path
) -> None:
    take(store, put(tmp_path / "1.json", [sharegpt("Hi", "Ho", id=1)]))
    tally = take(store, put(tmp_path / "2.json", [sharegpt("Other", "chat", id=1)]))
    assert texts_of(store, tally.sessions[0]) == ["Other", "chat"]
    assert take(store, put(tmp_path / "3.json", [sharegpt("Hi", "Ho", id="1")])).there == 0


@pytest.mark.parametrize("id_", [0, "17", "QWJhYvA_0"])
def test_numbers_of_chats_mean_nothing_in_another_file(
    store: Store, tmp_path: Path, id_: Any
) -> None:
    """Data sets number their chats from 0, and many chats begin alike."""
    four, more = ("Hi", "Hello!", "cats?", "cats."), "dogs?"
    (session,) = take(store, put(tmp_path / "a.json", [sharegpt(*four, id=id_)])).sessions
    shorter = take(store, put(tmp_path / "b.json", [sharegpt(*four[:2], id=id_)]))
    longer = take(store, put(tmp_path / "c.json", [sharegpt(*four, more, id=id_)]))
    other = take(store, put(tmp_path / "d.json", [sharegpt("Bye", id=id_)]))
    for tally in (shorter, longer, other):
        assert (len(tally.sessions), tally.there, tally.grown, tally.notes) == (1, 0, [], [])
    assert texts_of(store, session) == list(four)
    same = take(store, put(tmp_path / "e.json", [sharegpt(*four, id=id_), sharegpt("x", id=9)]))
    assert (len(same.sessions), same.there) == (1, 1)


def test_a_file_of_the_same_name_and_an_id_that_no_other_chat_has_let_a_chat_grow(
    store: Store, tmp_path: Path
) -> None:
    uuid = "0b7c2f9e-3c1d-4d55-9a53-1f0f5f1f7a11"
    path = tmp_path / "a.json"
    one, two = take(
        store, put(path, [sharegpt("Hi", "Ho", id=1), sharegpt("A", "B", id=uuid)])
    ).sessions
    tally = take(store, put(path, [sharegpt("Hi", "Ho", "more", id=1)]))
    assert tally.grown == [one]
    tally = take(store, put(tmp_path / "b.json", [sharegpt("A", "B", "more", id=uuid)]))
    assert tally.grown == [two]
    tally = take(store, put(tmp_path / "c.json", [sharegpt("other", id=uuid)]))
    assert (len(tally.sessions), "is not what the session of its id holds" in tally.notes[0]) == (1, True)  # fmt: skip


def test_a_chat_in_the_bin_comes_again_and_as_new_has_everything(
    store: Store, tmp_path: Path
) -> None:
    path = put(tmp_path / "1.json", [chatgpt("a", "Hi", "Ho")])
    (session,) = take(store, path).sessions
    assert len(take(store, path, as_new=True).sessions) == 1
    for row in store.sessions():
        store.bin_session(row.id)
    (other,) = take(store, path).sessions
    assert other != session


def test_a_session_that_another_program_writes_is_not_added_to(tmp_path: Path) -> None:
    history = tmp_path / "history.db"
    with Store.open(history) as store:
        (session,) = take(store, put(tmp_path / "1.json", [chatgpt("a", "Hi")])).sessions
        store._db.execute(
            "INSERT INTO session_lock (session_id, pid, host, started, program, since) "
            "VALUES (?, 1, 'elsewhere', '', 'x', '')",
            (session,),
        )
        with pytest.raises(StoreError) as raised:
            take(store, put(tmp_path / "2.json", [chatgpt("a", "Hi", "Ho"), chatgpt("b", "x")]))
        assert raised.value.kind == "session-locked"
        assert store.stats().sessions == 1
        assert texts_of(store, session) == ["Hi"]


def test_the_command_says_what_became_of_chats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))

    def call(*arguments: str) -> Any:
        return CliRunner().invoke(import_command, list(arguments), catch_exceptions=False)

    first = put(tmp_path / "1.json", [chatgpt("a", "Hi"), chatgpt("b")])
    second = put(tmp_path / "2.json", [chatgpt("a", "Hi", "Ho"), chatgpt("c", "x"), chatgpt("b")])
    said = call(str(first))
    assert "(chat: 1 session)" in said.stdout
    assert "note: 1 chat without messages left out" in said.stderr
    (as_json,) = json.loads(call("--json", str(second)).stdout)
    assert (len(as_json["sessions"]), len(as_json["grown"]), as_json["empty"]) == (1, 1, 1)
    third = put(tmp_path / "3.json", [chatgpt("a", "Hi", "Ho", "!"), chatgpt("c", "x")])
    assert "(chat: 1 session with more messages, 1 already there)" in call(str(third)).stdout
