"""The database as a file: private, never in place of something else, and every fault a clear error."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.store_rows import START, tokens
from urial_tui.errors import StoreError
from urial_tui.store.care.care import back_up
from urial_tui.store.database.connection import Connection, journal_mode_for
from urial_tui.store.database.faults import translate
from urial_tui.store.store import Store

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX file modes")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def wide_umask() -> Iterator[None]:
    old = os.umask(0)
    yield
    os.umask(old)


def refused(path: Path, **options: bool) -> StoreError:
    with pytest.raises(StoreError) as error:
        Store.open(path, **options)
    assert error.value.message
    assert error.value.hint
    return error.value


@posix_only
def test_folder_file_journal_and_copy_are_private_whatever_the_umask(
    tmp_path: Path, wide_umask: None
) -> None:
    path = tmp_path / "data" / "history.db"
    with Store.open(path) as store:
        store.create_session("demo")
        copy = back_up(path).path
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert {p.name: oct(stat.S_IMODE(p.stat().st_mode)) for p in path.parent.iterdir()} == {
            p.name: "0o600" for p in path.parent.iterdir()
        }
        assert copy in path.parent.iterdir()


def test_a_name_with_signs_of_a_uri_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a?mode=memory#%41 b.db"
    with Store.open(path) as store:
        store.create_session("demo")
    assert path.stat().st_size > 0
    assert {p.name.removesuffix("-journal") for p in tmp_path.iterdir()} == {path.name}


def test_nothing_is_made_for_a_reader(tmp_path: Path) -> None:
    assert refused(tmp_path / "no" / "history.db", readonly=True).kind == "missing"
    assert list(tmp_path.iterdir()) == []


def test_a_reader_cannot_write(path: Path) -> None:
    Store.open(path).close()
    with Store.open(path, readonly=True) as store:
        with pytest.raises(StoreError) as error:
            store.create_session("demo")
        assert error.value.kind == "read-only"


def test_a_reader_sees_what_a_writer_has_committed(path: Path) -> None:
    with Store.open(path) as writer, Store.open(path, readonly=True) as reader:
        session = writer.create_session("demo", "t")
        assert [s.id for s in reader.sessions()] == [session.id]


def test_a_folder_in_place_of_the_file(path: Path) -> None:
    path.mkdir()
    assert refused(path).kind == "is-a-directory"


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    assert refused(tmp_path / "data" / "history.db").kind == "cannot-open"


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path, path: Path) -> None:
    path.symlink_to(tmp_path / "target.db")
    assert refused(path).kind == "dangling-link"
    assert not (tmp_path / "target.db").exists()


def test_a_link_to_a_history_is_followed(tmp_path: Path, path: Path) -> None:
    real = tmp_path / "elsewhere" / "real.db"
    with Store.open(real) as store:
        store.create_session("demo", "kept")
    path.symlink_to(real)
    with Store.open(path) as store:
        assert [s.title for s in store.sessions()] == ["kept"]
        assert store.path == real.resolve()


@posix_only
def test_a_pipe_in_place_of_the_file_is_refused_and_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    assert refused(path).kind == "not-a-database"


@pytest.mark.parametrize(
    "content", [b"x", b"hello world\n" * 20, b"x" * 5000, b"SQLite format 3\0" + b"y" * 5000]
)
def test_another_file_is_refused_and_not_touched(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refused(path).kind == "not-a-database"
    assert path.read_bytes() == content


def test_an_empty_file_becomes_a_history(path: Path) -> None:
    path.touch()
    with Store.open(path) as store:
        assert store.check() == []


def test_a_truncated_history_is_reported_as_damaged(path: Path) -> None:
    with Store.open(path) as store:
        for n in range(50):
            store.add_user_message(store.create_session("demo").id, None, f"{n} " * 500)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError) as error, Store.open(path) as store:
        store.sessions()
        assert store.check() != []
        store.search("1")
        for session in store.sessions():
            store.messages(session.id)
    assert error.value.kind in {"corrupt", "io"}


def test_scribbled_pages_are_found_by_the_check(path: Path) -> None:
    with Store.open(path) as store:
        for n in range(50):
            store.add_user_message(store.create_session("demo").id, None, f"{n} " * 500)
    content = bytearray(path.read_bytes())
    content[len(content) - 8 * 4096 :] = b"\xa5" * (8 * 4096)
    path.write_bytes(content)
    with Store.open(path, readonly=True) as store:
        assert store.check() != []


def test_a_row_without_its_parent_is_found_by_the_check(path: Path) -> None:
    with Store.open(path) as store:
        session = store.create_session("demo")
        message = store.add_user_message(session.id, None, "q")
        store.begin_answer(session.id, message.id)
        raw = sqlite3.connect(path)
        raw.execute("DELETE FROM message WHERE id = ?", (message.id,))
        raw.commit()
        raw.close()
        assert any("message" in problem for problem in store.check())


def test_an_index_that_disagrees_is_found_by_the_check(path: Path) -> None:
    with Store.open(path) as store:
        message = store.add_user_message(store.create_session("demo").id, None, "walking")
        raw = sqlite3.connect(path)
        raw.execute("DROP TRIGGER message_fts_update")
        raw.execute("UPDATE message SET content = 'running' WHERE id = ?", (message.id,))
        raw.commit()
        raw.close()
        assert store.check() == ["the search index message_fts does not agree with the texts"]


def test_a_full_disk_undoes_the_append_and_keeps_what_was_there(path: Path) -> None:
    with Store.open(path) as store:
        session = store.create_session("demo")
        answer = store.begin_answer(session.id, store.add_user_message(session.id, None, "q").id)
        generation = store.begin_generation(answer.id, START)
        store._db.value(f"PRAGMA max_page_count={store._db.value('PRAGMA page_count') + 2}")
        n = 0
        with pytest.raises(StoreError) as full:
            for n in range(1000):
                store.append_tokens(answer.id, generation, tokens(n * 32, 32), " word" * 32)
        assert full.value.kind == "disk-full"
        assert full.value.hint
        assert len(store.tokens(answer.id)) == n * 32
        assert store.message(answer.id).content == " word" * 32 * n
        assert store.check() == []
        store._db.value("PRAGMA max_page_count=100000")
        store.append_tokens(answer.id, generation, tokens(n * 32, 32), " word" * 32)
        assert len(store.tokens(answer.id)) == (n + 1) * 32


def test_a_file_that_another_program_locks_is_waited_for_and_then_said_so(path: Path) -> None:
    Store.open(path).close()
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError) as busy:
        Store.open(path, busy_timeout=0.05)
    assert busy.value.kind == "locked"
    raw.execute("ROLLBACK")
    raw.close()
    Store.open(path, busy_timeout=0.05).close()


def test_a_closed_store_says_so(path: Path) -> None:
    store = Store.open(path)
    store.close()
    store.close()
    with pytest.raises(StoreError) as closed:
        store.sessions()
    assert closed.value.kind == "closed"


@pytest.mark.skipif(not hasattr(sqlite3, "SQLITE_FULL"), reason="needs Python 3.11")
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, "disk-full"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "read-only"),
        (sqlite3.SQLITE_IOERR_WRITE, "io"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "locked"),
        (sqlite3.SQLITE_CORRUPT_VTAB, "corrupt"),
        (sqlite3.SQLITE_CANTOPEN_ISDIR, "cannot-open"),
        (sqlite3.SQLITE_NOTADB, "not-a-database"),
    ],
)
def test_each_code_of_sqlite_has_its_kind(code: int, kind: str) -> None:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code  # type: ignore[misc]
    error.sqlite_errorname = "NAME"  # type: ignore[misc]
    assert translate(error, Path("/h.db")).kind == kind
    assert translate(error, None).hint


def test_a_write_ahead_log_only_where_the_library_is_safe() -> None:
    assert journal_mode_for((3, 40, 1)) == "truncate"
    assert journal_mode_for((3, 51, 2)) == "truncate"
    assert journal_mode_for((3, 51, 3)) == "wal"
    assert journal_mode_for((3, 52, 0)) == "wal"


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 52, 0)])
def test_the_journal_follows_the_library(
    path: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    Store.open(path).close()
    other = "wal" if version < (3, 51, 3) else "delete"
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA journal_mode={other}")
    raw.close()
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    with Store.open(path) as store:
        assert store.stats().journal_mode == journal_mode_for(version)
        store.create_session("demo")
        assert store.check() == []


def test_what_is_promised_of_durability_is_set(path: Path) -> None:
    Store.open(path).close()
    db = Connection(path)
    assert db.value("PRAGMA synchronous") == 2
    assert db.value("PRAGMA foreign_keys") == 1
    assert db.value("PRAGMA busy_timeout") == 5000
    db.close()


def test_a_copy_holds_everything(path: Path, tmp_path: Path) -> None:
    with Store.open(path) as store:
        store.add_user_message(store.create_session("demo").id, None, "walking")
        target = back_up(path, tmp_path / "copy.db").path
        with pytest.raises(StoreError) as there:
            back_up(path, target)
        assert there.value.kind == "exists"
    with Store.open(target) as copy:
        assert copy.search("walking")
        assert copy.check() == []


def test_sizes_and_versions(path: Path) -> None:
    with Store.open(path) as store:
        store.add_user_message(store.create_session("demo").id, None, "walking")
        stats = store.stats()
        assert (stats.sessions, stats.messages, stats.generations, stats.tokens) == (1, 1, 0, 0)
        assert stats.path == str(path)
        assert stats.size_bytes == path.stat().st_size


def test_importing_the_store_opens_nothing_and_needs_no_textual(tmp_path: Path) -> None:
    code = (
        "import sys; import urial_tui.store.aio, urial_tui.store.store; "
        "assert not {'textual', 'llama_cpp', 'sqlite_utils', 'click'} & set(sys.modules), sys.modules.keys()"
    )
    env = os.environ | {"URIAL_TUI_HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=env)
    assert list(tmp_path.iterdir()) == []
