"""`urial-tui history rename | tag | pin | archive | delete | ...`: all of the sessions that are named, or none."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.store_runs import answer_all, make_run
from urial_tui import paths
from urial_tui.cli.common import confirming
from urial_tui.cli.history.command import history
from urial_tui.errors import StoreError, UrialError, UsageError
from urial_tui.store.store import Store
from urial_tui.store.types import Session, SessionFilter


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path))


@pytest.fixture
def ids() -> list[str]:
    with Store.open(paths.history_file()) as store:
        return [store.create_session("demo", name).id for name in ("one", "two\x1b[31m")]


def run(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(history, arguments, input=answer, catch_exceptions=False)


def session(session_id: str) -> Session:
    with Store.open(paths.history_file(), readonly=True) as store:
        return store.session(session_id)


def everything() -> list[Session]:
    with Store.open(paths.history_file(), readonly=True) as store:
        return store.sessions(SessionFilter(archived="yes", deleted="yes"))


def hold(session_id: str) -> None:
    """Lock a session as a program on another machine does."""
    with Store.open(paths.history_file()) as store:
        store.lock(session_id, "urial-tui")
        store._db.execute("UPDATE session_lock SET host = 'elsewhere'")


@pytest.mark.parametrize(
    ("arguments", "undo", "field", "value"),
    [
        (["pin"], ["unpin"], "pinned", True),
        (["archive"], ["unarchive"], "archived", True),
        (["tag", "For  Class"], ["untag", "for class"], "tags", ("for class",)),
    ],
)
def test_each_session_that_is_named_is_changed_and_changed_back(
    ids: list[str], arguments: list[str], undo: list[str], field: str, value: object
) -> None:
    before = [session(id_) for id_ in ids]
    output = run(*arguments, *ids, ids[0][:-1]).output
    assert [getattr(session(id_), field) for id_ in ids] == [value, value]
    assert len(output.splitlines()) == 2
    assert "\x1b" not in output
    shown = json.loads(run(*undo, *ids, "--json").output)
    assert [row["id"] for row in shown] == ids
    assert [session(id_) for id_ in ids] == before


def test_a_session_is_renamed(ids: list[str]) -> None:
    assert "Walks" in run("rename", ids[0], " Walks ").output
    assert session(ids[0]).title == "Walks"
    with pytest.raises(UsageError):
        run("rename", ids[0], " ")


def test_deleting_goes_into_the_bin_and_says_how_to_take_it_back(ids: list[str]) -> None:
    result = run("delete", *ids)
    assert "in the bin since" in result.stdout
    assert f"history restore {' '.join(ids)}" in result.stderr
    assert json.loads(run("list", "--json").output) == []
    assert [row["id"] for row in json.loads(run("list", "--deleted", "--json").output)] == ids[::-1]
    assert "In the bin since" in run("show", ids[0]).output
    run("restore", *ids)
    assert [s.deleted_at for s in everything()] == [None, None]


def test_the_last_to_be_restored_is_the_last_one_in_the_bin(ids: list[str]) -> None:
    old, newer = ids
    with Store.open(paths.history_file()) as store:
        newest = store.create_session("demo", "three").id
    run("delete", newer)
    run("archive", old)
    run("delete", old)
    for wanted, left in ((old, [newer]), (newer, [])):
        result = run("restore", "last", "--json")
        assert [row["id"] for row in json.loads(result.stdout)] == [wanted]
        assert result.stderr == ""
        assert [s.id for s in everything() if s.deleted_at is not None] == left
    with pytest.raises(StoreError, match="the bin is empty") as empty:
        run("restore", "last")
    assert empty.value.kind == "not-found"
    assert session(newest).deleted_at is None


@pytest.mark.parametrize(
    ("do", "undo", "none"),
    [
        ("pin", "unpin", "no session is pinned"),
        ("archive", "unarchive", "no session is archived"),
        ("tag x", "untag x", "no session has the tag x"),
    ],
)
def test_the_last_to_be_changed_back_is_one_that_was_changed(
    ids: list[str], do: str, undo: str, none: str
) -> None:
    before = session(ids[0])
    run(*do.split(), ids[0])
    assert session(ids[0]) != before
    result = run(*undo.split(), "last")
    assert result.output.startswith(ids[0])
    assert session(ids[0]) == before
    with pytest.raises(StoreError, match=none) as nothing:
        run(*undo.split(), "LAST")
    assert nothing.value.kind == "not-found" and nothing.value.hint


@pytest.mark.parametrize(
    ("first", "again", "words"),
    [
        ("", "restore", "is not in the bin"),
        ("", "unpin", "is not pinned"),
        ("", "unarchive", "is not archived"),
        ("", "untag x", "has no tag x"),
        ("delete", "delete", "is in the bin already"),
        ("pin", "pin", "is pinned already"),
        ("archive", "archive", "is archived already"),
        ("tag x", "tag X", "has the tag x already"),
    ],
)
def test_what_changes_nothing_says_so(ids: list[str], first: str, again: str, words: str) -> None:
    if first:
        assert "note" not in run(*first.split(), ids[0]).stderr
    before = session(ids[0])
    for as_json in ([], ["--json"]):
        result = run(*again.split(), ids[0], *as_json)
        assert (result.exit_code, f"note: {ids[0]} {words}\n" in result.stderr) == (0, True)
    assert [row["id"] for row in json.loads(result.stdout)] == [ids[0]]
    assert session(ids[0]) == before


@pytest.mark.parametrize(
    "command", ["pin", "unpin", "archive", "unarchive", "delete", "restore", "tag x", "untag x"]
)
def test_where_one_is_not_there_or_open_elsewhere_none_is_changed(
    ids: list[str], command: str
) -> None:
    before = everything()
    with pytest.raises(StoreError) as missing:
        run(*command.split(), ids[0], "zzz")
    assert missing.value.kind == "not-found"
    hold(ids[1])
    with pytest.raises(StoreError) as locked:
        run(*command.split(), *ids)
    assert locked.value.kind == "session-locked"
    assert locked.value.message.startswith(ids[1])
    assert "urial-tui" in locked.value.message and "elsewhere" in locked.value.message
    assert locked.value.hint
    assert everything() == before


def test_deleting_for_good_asks(ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (["delete", "--now", *ids], ["delete", "--now", "--json", *ids]):
        with pytest.raises(UsageError) as asked:
            run(*arguments)
        assert asked.value.kind == "confirmation"
    monkeypatch.setattr(confirming, "asks_here", lambda: True)
    result = run("delete", "--now", *ids, answer="n\n")
    assert result.exit_code == 1
    assert "Delete 2 sessions for good" in result.output
    assert "\x1b" not in result.output
    assert len(everything()) == 2
    assert "is deleted" in run("delete", "--now", ids[0], answer="y\n").output
    (gone,) = json.loads(run("delete", "--now", "--yes", "--json", ids[1]).output)
    assert gone["id"] == ids[1]
    assert everything() == []


def test_the_bin_is_emptied_on_request(ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("empty-bin").output == "The bin is empty.\n"
    run("archive", ids[0])
    run("delete", *ids)
    assert run("empty-bin", "--before", "1h").output == "Nothing was put there before that.\n"
    with pytest.raises(UsageError) as asked:
        run("empty-bin")
    assert asked.value.kind == "confirmation"
    monkeypatch.setattr(confirming, "asks_here", lambda: True)
    assert run("empty-bin", answer="n\n").exit_code == 1
    assert len(everything()) == 2
    hold(ids[0])
    assert json.loads(run("empty-bin", "--yes", "--json").output) == {"deleted": 1}
    assert [s.id for s in everything()] == [ids[0]], "what is open elsewhere stays"


def test_tags_are_listed_with_how_many_have_them(ids: list[str]) -> None:
    assert "No tags yet" in run("tags").output
    run("tag", "b", *ids)
    run("tag", "a", ids[0])
    assert run("tags").output.split() == ["1", "a", "2", "b"]
    assert json.loads(run("tags", "--json").output) == [
        {"tag": "a", "sessions": 1},
        {"tag": "b", "sessions": 2},
    ]
    with pytest.raises(StoreError) as refused:
        run("tag", "a,b", ids[0])
    assert refused.value.kind == "bad-tag"


def test_where_there_is_no_history_nothing_is_made(tmp_path: Path) -> None:
    for command in ("pin", "delete", "restore"):
        with pytest.raises(UrialError) as missing:
            run(command, "last")
        assert missing.value.kind == "missing"
    assert json.loads(run("empty-bin", "--json").output) == {"deleted": 0}
    assert json.loads(run("tags", "--json").output) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", [["rename"], ["pin"], ["archive"], ["tag", "mine"], ["untag", "mine"], ["delete"]]
)
def test_a_conversation_of_a_run_is_refused_with_what_to_do(command: list[str]) -> None:
    with Store.open(paths.history_file()) as store:
        run_ = make_run(store)
        hidden = answer_all(store, run_)[0].session_id
    rest = [hidden, "Mine"] if command == ["rename"] else [hidden]
    with pytest.raises(StoreError, match=f"is of run {run_.id}") as refused:
        run(*command, *rest)
    assert refused.value.kind == "of-run"
    assert f"runs rename {run_.id} NAME" in refused.value.hint
    assert "No tags yet." in run("tags").output
