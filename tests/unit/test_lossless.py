"""Our own format: what is exported, imported into an empty history and exported again is the same file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import store_traces
from tests.support.histories import fill
from tests.support.store_rows import START
from tests.support.store_runs import COMPARED, JUDGE, OK, RUBRIC, answer, make_run
from urial_tui.errors import ExchangeError, StoreError, UrialError
from urial_tui.exchange import jsonl
from urial_tui.exchange.incoming import jsonl as incoming
from urial_tui.exchange.incoming.types import Tally
from urial_tui.store.exchange.lossless_json import from_json, to_json
from urial_tui.store.exchange.lossless_parts import ROOTS, Part, own_columns
from urial_tui.store.judging.types import Comparison, Judgement
from urial_tui.store.store import Store
from urial_tui.store.types import Draft


def all_ids(store: Store) -> tuple[list[str], list[str]]:
    """Every session, conversations of runs and the bin too, and every run."""
    sessions = [row["id"] for row in store._db.rows("SELECT id FROM session")]
    return sessions, [run.id for run in store.runs()]


def exported(store: Store) -> bytes:
    return jsonl.header() + b"".join(jsonl.lines(store, *all_ids(store)))


def take(store: Store, path: Path, *, as_new: bool = False) -> Tally:
    tally = Tally(path, "jsonl")
    with store.importing():
        incoming.take(path, store, tally, as_new=as_new)
    return tally


def everything(store: Store) -> list[Any]:
    """All rows of all tables but locks, drafts of no session and the record of migrations."""
    tables = [
        row["name"]
        for row in store._db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not any(word in row["name"] for word in ("_fts", "lock", "migration", "piece", "draft"))
    ]
    return [(table, store._db.rows(f"SELECT * FROM {table}")) for table in sorted(tables)]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_history_goes_round_to_an_equal_file(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with Store.in_memory() as first, Store.in_memory() as second:
        fill(first, data)
        path.write_bytes(exported(first))
        tally = take(second, path)
        assert exported(second) == path.read_bytes()
        assert tally.there == 0
        assert len(tally.sessions) == len(all_ids(first)[0])
        assert second.check() == []
        again = take(second, path)
        assert not again.sessions and not again.runs and not again.comparisons
        assert again.there == len(path.read_bytes().splitlines()) - 1


@pytest.fixture
def store() -> Any:
    """A history with something in every table."""
    with Store.in_memory() as made:
        session = made.create_session("demo", "Walking").id
        user = made.add_user_message(session, None, "How do I walk?")
        first = made.begin_answer(session, user.id)
        generation = made.begin_generation(first.id, START)
        made.finish_answer(first.id, generation, "complete", None, tail="On two legs.")
        trace = made.begin_trace(first.id, store_traces.START)
        made.append_scores(trace, store_traces.SCORES, store_traces.PIECES)
        made.finish_trace(trace, complete=True, timings={})
        made.add_tag(session, "legs")
        made.save_draft(session, Draft("And"))
        run = make_run(made)
        other = answer(made, run, 0, 0)
        third = answer(made, run, 0, 1)
        made.save_judgement(Judgement(first.id, JUDGE, RUBRIC, "ok", (OK,)))
        made.save_comparison(Comparison(other.id, third.id, JUDGE, RUBRIC, "ok", COMPARED))
        yield made


@pytest.fixture
def file(store: Store, tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    path.write_bytes(exported(store))
    return path


def test_every_table_of_a_history_goes_round(store: Store, file: Path) -> None:
    tables = {part.table for part in _parts(*ROOTS.values())}
    with Store.in_memory() as second:
        take(second, file)
        assert everything(second) == everything(store)
        missing = {name for name, rows in everything(second) if not rows} & tables
    assert missing == set()
    assert b"Infinity" in file.read_bytes()
    assert b"NaN" not in file.read_bytes()


def _parts(*parts: Part) -> list[Part]:
    return [one for part in parts for one in (part, *_parts(*part.parts))]


def test_no_row_has_a_column_with_the_name_of_a_part() -> None:
    for part in _parts(*ROOTS.values()):
        names = [column.name for column in own_columns(part)]
        names += [one.name for one in (*part.named, *part.parts)]
        assert len(set(names)) == len(names)
        assert "type" not in names


def test_one_session_takes_its_run_with_it_and_leaves_the_others(store: Store) -> None:
    rows = store.run_answers(store.find_run("just-eval-40").id)
    lines = [json.loads(line) for line in jsonl.lines(store, [rows[0].session_id])]
    assert [line["type"] for line in lines] == ["run", "session"]  # half a comparison stays behind
    lines = [json.loads(line) for line in jsonl.lines(store, [row.session_id for row in rows])]
    assert [line["type"] for line in lines] == ["run", "session", "session", "comparison"]


def test_what_is_there_with_other_content_is_refused_and_kept(store: Store, file: Path) -> None:
    with Store.in_memory() as second:
        take(second, file)
        session = second.sessions()[0]
        second._db.execute(
            "UPDATE message SET content = 'On four.' WHERE session_id = ? AND role = 'assistant'",
            (session.id,),
        )
        before = everything(second)
        with pytest.raises(ExchangeError, match="other content") as raised:
            take(second, file)
        assert f"the session {session.id} is there already" in raised.value.message
        assert raised.value.message.endswith(": messages[1].content")
        assert (raised.value.kind, "--as-new" in raised.value.hint) == ("exists", True)
        assert everything(second) == before


@pytest.mark.parametrize("where", ["here", "there"])
def test_what_a_person_arranges_is_no_other_content(store: Store, file: Path, where: str) -> None:
    """In the history that takes the file or in that of the file; what is missing is taken all the same."""
    with Store.in_memory() as second:
        take(second, file)
        session = second.sessions()[0]
        other = second if where == "here" else store
        other.set_title(session.id, "Another")
        other.set_pinned(session.id, True)
        other.set_archived(session.id, True)
        other.add_tag(session.id, "more")
        other.save_draft(session.id, Draft("Or"))
        other.set_leaf(
            session.id, next(m.id for m in other.messages(session.id) if m.role == "user")
        )
        other.rename_run(other.runs()[0].id, "renamed")
        store.add_user_message(store.create_session("demo", "New").id, None, "Hi")
        file.write_bytes(exported(store))
        before = [row for row in everything(second) if row[0] in ("session_tag", "message", "run")]
        tally = take(second, file)
        assert (len(tally.sessions), tally.runs) == (1, [])
        assert tally.there == len(file.read_bytes().splitlines()) - 2
        after = dict(everything(second))
        assert after["session_tag"] == dict(before)["session_tag"]
        assert after["run"] == dict(before)["run"]
        assert second.session(session.id).title == ("Another" if where == "here" else session.title)


def test_as_new_makes_a_copy_beside_it_as_often_as_wanted(store: Store, file: Path) -> None:
    counts = {name: len(rows) for name, rows in everything(store)}
    take(store, file, as_new=True)
    take(store, file, as_new=True)
    shared = {"vocabulary"}
    assert {name: len(rows) for name, rows in everything(store)} == {
        name: n if name in shared else 3 * n for name, n in counts.items()
    }
    assert store.check() == []
    copies = store.sessions()
    assert len({session.id for session in copies}) == 3
    assert {session.title for session in copies} == {"Walking"}
    for copy in copies:
        (_, shown) = store.branch(copy.leaf_id or "")
        trace = store.trace_of(shown.id)
        assert trace is not None
        assert trace.scores == store.trace_of(store.branch(copies[0].leaf_id or "")[1].id).scores  # type: ignore[union-attr]


def test_another_programs_session_is_not_written(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with Store.open(path) as store:
        take(store, file)
        session = store.sessions()[0].id
        store._db.execute(
            "INSERT INTO session_lock VALUES (?, 1, 'elsewhere', '', 'urial-tui', '2026')",
            (session,),
        )
        with pytest.raises(StoreError) as raised:
            take(store, file)
        assert raised.value.kind == "session-locked"


Change = Callable[[dict[str, Any]], object]


def _message(change: Change) -> Change:
    return lambda line: change(line["messages"][1])


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("session", lambda s: s.pop("side"), "side: is missing"),
        ("session", lambda s: s.update(side=3), "side: is the number 3, and a text is wanted"),
        ("session", lambda s: s.update(pinned=True), "pinned: is a truth value"),
        ("session", lambda s: s.update(pinned=2), "CHECK constraint failed: pinned"),
        ("session", lambda s: s.update(pinned=2**63), "pinned"),
        ("session", lambda s: s.update(id="../x"), "id: is no id"),
        ("session", lambda s: s.update(created_at="now"), "created_at: is no time"),
        ("session", lambda s: s.update(created_at="2024-05-06"), "created_at: is not in the form"),
        ("session", lambda s: s.update(updated_at="2024-05-06T07:08:09Z"), "updated_at: is not in"),
        ("session", lambda s: s.update(updated_at="2024-05-06T07:08:09.000+02:00"), "ss.sssZ"),
        ("session", lambda s: s.update(updated_at="0001-01-01T00:00:00.000+09:00"), "is no time"),
        ("session", _message(lambda m: m.update(closed_at="2024-05-06T07:08:09.1Z")), r"messages\[1\].closed_at"),
        ("session", lambda s: s.update(tags=[{"tag": "ok"}, {"tag": "Two"}]), r"tags\[1\].tag: is not in the form"),
        ("session", lambda s: s.update(tags=[{"tag": "a  b"}]), r"tags\[0\].tag: is not in the form"),
        ("session", lambda s: s.update(tags=[{"tag": " "}]), r"tags\[0\].tag: a tag is empty"),
        ("session", lambda s: s.update(tags=[{"tag": "a,b"}]), r"tags\[0\].tag: a tag has no commas"),
        ("session", lambda s: s.update(origin="[]"), "origin: is not the text of a JSON object"),
        ("session", lambda s: s.update(origin='{"a": NaN}'), "origin: is not a text of JSON"),
        ("session", lambda s: s.update(title="\ud800"), "title: holds half of a surrogate"),
        ("session", lambda s: s.update(path="/etc"), "path: there is no such field"),
        ("session", lambda s: s.update(leaf_id="zz"), "leaf_id: is no message"),
        ("session", lambda s: s.update(run_id="zz"), "run_id: there is no such run"),
        ("session", lambda s: s.update(messages={}), "messages: is not a list"),
        ("session", lambda s: s["messages"].append("x"), r"messages\[2\]: is not an object"),
        ("session", lambda s: s["messages"].reverse(), r"messages\[0\].parent_id"),
        ("session", lambda s: s["messages"].append(s["messages"][0]), "is there twice"),
        ("session", _message(lambda m: m.update(role="system")), r"messages\[1\]: CHECK"),
        ("session", _message(lambda m: m.update(content=None)), r"messages\[1\].content: is null"),
        (
            "session",
            _message(lambda m: m["generations"][0].update(prompt_ids="abc")),
            r"generations\[0\].prompt_ids: is not hexadecimal",
        ),
        (
            "session",
            _message(lambda m: m["generations"][0].update(prompt_ids="abcd")),
            "ends in the middle",
        ),
        (
            "session",
            _message(lambda m: m["traces"][0]["tokens"]["i"].pop()),
            r"traces\[0\].tokens: its lists have different lengths",
        ),
        (
            "session",
            _message(lambda m: m["traces"][0]["sides"][1]["tokens"]["kl"].__setitem__(0, "x")),
            r"sides\[1\].tokens.kl\[0\]: is a text",
        ),
        (
            "session",
            _message(lambda m: m["traces"][0].update(vocabulary="other")),
            r"traces\[0\]: NOT NULL constraint failed: trace.vocabulary_seq",
        ),
        (
            "session",
            _message(lambda m: m["traces"][0].update(generation="other")),
            r"traces\[0\].generation: is none of this message",
        ),
        (
            "session",
            _message(lambda m: m["judgements"][0]["scores"][0].update(score=6)),
            r"scores\[0\]: CHECK constraint failed",
        ),
        ("run", lambda r: r["items"][0].update(turns='["a", 1]'), r"items\[0\].turns: has an entry"),
        ("run", lambda r: r["items"][0].update(source_id=[]), r"source_id: is a list"),
        ("comparison", lambda c: c.update(message_a="zz"), "message_a: there is no message zz"),
        ("comparison", lambda c: c["picks"][0].update(winner="c"), r"picks\[0\]: CHECK"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_nothing_is_kept(
    file: Path, kind: str, change: Change, said: str
) -> None:
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    number = max(n for n, line in enumerate(lines, 1) if line["type"] == kind)
    if kind == "session":
        number = next(n for n, line in enumerate(lines, 1) if line.get("title") == "Walking")
    change(lines[number - 1])
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    with Store.in_memory() as second:
        empty = everything(second)
        with pytest.raises(ExchangeError, match=said) as raised:
            take(second, file)
        assert raised.value.kind == "bad-row"
        assert f"line {number}: {kind}: " in raised.value.message
        assert everything(second) == empty


@pytest.mark.parametrize(
    ("line", "said", "kind"),
    [
        (b"[]", "not an object", "bad-row"),
        (b'{"type":"header","format":"other","version":1,"schema":6}', "header", "bad-row"),
        (b'{"type":"header","format":"urial-tui","version":2,"schema":6}', "newer", "newer"),
        (b'{"type":"header","format":"urial-tui","version":1,"schema":999}', "newer", "newer"),
        (b'{"type":"header","format":"urial-tui","version":"1","schema":6}', "number", "bad-row"),
        (b'{"type":"header"', "not JSON", "bad-row"),
        (b"\xff", "line 1: byte 0xff", "not-text"),
        (b"", "is empty", "bad-row"),
    ],
)
def test_a_file_that_is_not_ours_or_newer_is_refused(
    tmp_path: Path, line: bytes, said: str, kind: str
) -> None:
    path = tmp_path / "x"
    path.write_bytes(line)
    with Store.in_memory() as store, pytest.raises(ExchangeError, match=said) as raised:
        take(store, path)
    assert raised.value.kind == kind


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b'{"type":"session","id":NaN}', "line 2: it has NaN"),
        (b'{"type":"session","id":"a","id":"b"}', "line 2: the key `id` is there twice"),
        (b'{"type":"secret"}', "line 2: `type` is not session, run, comparison"),
        (b'{"type":"session","title":"\xff"}', "line 2: byte 0xff .byte 28 of the line"),
        (b"[" * 100_000, "line 2: it is nested too deeply"),
    ],
    ids=range(5),
)
def test_a_line_that_is_no_row_is_refused(tmp_path: Path, row: bytes, said: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(jsonl.header() + row + b"\n")
    with Store.in_memory() as store, pytest.raises(ExchangeError, match=said):
        take(store, path)


def test_a_truncated_file_leaves_nothing(store: Store, file: Path) -> None:
    data = file.read_bytes()
    for cut in range(len(jsonl.header()) + 1, len(data), len(data) // 40):
        file.write_bytes(data[:cut])
        with Store.in_memory() as second:
            empty = everything(second)
            try:
                take(second, file)
            except UrialError:
                assert everything(second) == empty
            else:  # cut between two lines
                assert data[:cut].endswith((b"\n", b"}"))


def test_columns_of_a_later_schema_have_their_defaults(store: Store, file: Path) -> None:
    """A file of an earlier version lacks the columns that came since."""
    lines = file.read_bytes().splitlines()
    lines = [
        line.replace(b'"pinned":0,"deleted_at":null,"origin":"{}",', b"").replace(
            b',"pinned":0,"deleted_at":null,"origin":"{}"', b""
        )
        for line in lines
    ]
    assert b"pinned" not in b"".join(lines)
    file.write_bytes(b"\n".join(lines))
    with Store.in_memory() as second:
        take(second, file)
        assert everything(second) == everything(store)


def test_a_vocabulary_that_means_something_else_here_is_refused(file: Path) -> None:
    data = file.read_bytes()
    with Store.in_memory() as second:
        take(second, file)
        other = data.replace(b"20776f7264", b"20776f7265")  # " word", a piece
        assert other != data
        file.write_bytes(other)
        with pytest.raises(ExchangeError, match="the same vocabulary has other tokens"):
            take(second, file, as_new=True)


def test_texts_of_ten_megabytes_go_round(tmp_path: Path) -> None:
    path = tmp_path / "x"
    text = "é\n" * 3_000_000 + "walk \0" + "x" * 3_000_000
    with Store.in_memory() as first, Store.in_memory() as second:
        first.add_user_message(first.create_session("demo").id, None, text)
        path.write_bytes(exported(first))
        take(second, path)
        assert exported(second) == path.read_bytes()
        assert second.search("walk") != []


def test_tags_and_drafts_that_change_in_memory_reach_the_file(tmp_path: Path) -> None:
    with Store.open(tmp_path / "history.db") as file:
        session = file.create_session("demo").id
        file.add_tag(session, "old")
        file.add_tag(session, "kept")
        file.save_draft(session, Draft("half a sentence"))
        memory = file.in_memory_copy()
        memory.remove_tag(session, "old")
        memory.add_tag(session, "new")
        memory.save_draft(session, Draft())
        file.write_back(memory)
        assert file.session(session).tags == ("kept", "new")
        assert file.draft(session) == Draft()
        memory.close()


def test_a_line_is_ascii_and_its_keys_keep_their_order(store: Store) -> None:
    session = store.sessions()[0].id
    tree = store.dump("session", session)
    assert tree is not None
    line = to_json("session", tree)
    assert line.isascii()
    assert list(json.loads(line))[:4] == ["type", "id", "title", "side"]
    assert from_json("session", json.loads(line)) == tree
    assert store.dump("session", "nothing") is None


def test_no_file_says_that_a_session_is_in_the_bin(tmp_path: Path) -> None:
    """Else it would be deleted, with its time in the bin long over, as soon as it is imported."""
    with Store.in_memory() as store:
        session = store.create_session("demo").id
        store.bin_session(session)
        tree = store.dump("session", session)
        assert tree is not None and tree["deleted_at"] is not None
        line = json.loads(to_json("session", tree))
    line["deleted_at"] = "2020-01-01T00:00:00.000Z"
    path = tmp_path / "history.db"
    with Store.open(path) as store, store.importing():
        store.take("session", from_json("session", line))
    with Store.open(path) as store:
        assert [one.id for one in store.sessions()] == [session]
        store.bin_session(session)
        with store.importing():
            assert store.take("session", from_json("session", line)) == "there"
