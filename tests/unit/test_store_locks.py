"""Two programs never write the same session, and a dead one does not keep it."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from urial_tui.errors import StoreError
from urial_tui.store.database import processes
from urial_tui.store.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened


class Holder:
    """Another process that holds the lock of a session."""

    def __init__(self, path: Path, session_id: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.store_writer", "hold", str(path), session_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline()) == {"locked": True}

    def close(self) -> None:
        self.process.communicate(timeout=30)


def write_lock(path: Path, session_id: str, **changes: object) -> None:
    """Change the columns of a lock, as another process would have written them."""
    raw = sqlite3.connect(path)
    for column, value in changes.items():
        raw.execute(
            f"UPDATE session_lock SET {column} = ? WHERE session_id = ?", (value, session_id)
        )
    raw.commit()
    raw.close()


def test_a_session_that_another_program_holds_is_refused_by_its_name(
    path: Path, store: Store
) -> None:
    session = store.create_session("demo")
    question = store.add_user_message(session.id, None, "q")
    holder = Holder(path, session.id)
    try:
        for attempt in (
            lambda: store.lock(session.id, "me"),
            lambda: store.add_user_message(session.id, question.id, "again"),
            lambda: store.begin_answer(session.id, question.id),
            lambda: store.set_title(session.id, "mine"),
            lambda: store.delete_session(session.id),
        ):
            with pytest.raises(StoreError) as locked:
                attempt()
            assert locked.value.kind == "session-locked"
            assert "urial-tui ask" in locked.value.message
            assert str(holder.process.pid) in locked.value.message
            since = re.search(r"since (.+)\)$", locked.value.message)
            assert since is not None
            then = datetime.strptime(since[1], "%Y-%m-%d %H:%M").astimezone()
            assert abs(datetime.now().astimezone() - then) < timedelta(hours=1), "the time is local"
            assert locked.value.hint
        found = store.lock_holder(session.id)
        assert found is not None
        assert (found.pid, found.program) == (holder.process.pid, "urial-tui ask")
        # Other sessions are free, and reading is.
        assert store.add_user_message(store.create_session("demo").id, None, "q").content == "q"
        assert len(store.messages(session.id)) == 1
    finally:
        holder.close()
    assert store.lock_holder(session.id) is None
    store.lock(session.id, "me")


def test_the_lock_of_a_killed_program_is_taken_over(path: Path, store: Store) -> None:
    session = store.create_session("demo")
    holder = Holder(path, session.id)
    holder.process.kill()
    # Not waited for yet: where there is a /proc, a zombie counts as gone.
    if not Path("/proc/self/stat").exists():
        holder.process.wait()
    else:
        while processes.is_alive(holder.process.pid, ""):
            pass
    store.lock(session.id, "me")
    found = store.lock_holder(session.id)
    assert found is not None
    assert found.pid == os.getpid()
    holder.close()


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="needs /proc to tell processes apart"
)
def test_a_process_id_that_was_given_out_again_does_not_hold_the_lock(
    path: Path, store: Store
) -> None:
    session = store.create_session("demo")
    store.lock(session.id, "me")
    write_lock(
        path, session.id, pid=os.getppid(), program="other", started=processes.started(os.getppid())
    )
    assert store.lock_holder(session.id) is not None
    write_lock(path, session.id, started="another boot:1")
    assert store.lock_holder(session.id) is None
    store.lock(session.id, "me")


@pytest.mark.parametrize("pid", [0, -1, 2**40])
def test_an_impossible_process_id_does_not_hold_the_lock(
    path: Path, store: Store, pid: int
) -> None:
    session = store.create_session("demo")
    store.lock(session.id, "me")
    write_lock(path, session.id, pid=pid, started="")
    assert store.lock_holder(session.id) is None


def test_a_lock_of_another_host_holds_until_it_is_taken_by_force(path: Path, store: Store) -> None:
    session = store.create_session("demo")
    store.lock(session.id, "me")
    write_lock(path, session.id, host="elsewhere", pid=1)
    with pytest.raises(StoreError) as locked:
        store.lock(session.id, "me")
    assert "elsewhere" in locked.value.message
    store.lock(session.id, "me", take_over=True)
    store.add_user_message(session.id, None, "q")


def test_locking_twice_is_fine_and_closing_gives_all_locks_back(path: Path) -> None:
    with Store.open(path) as store:
        session = store.create_session("demo")
        store.lock(session.id, "me")
        store.lock(session.id, "me")
        with pytest.raises(StoreError):
            store.lock("nothing", "me")
    raw = sqlite3.connect(path)
    assert raw.execute("SELECT count(*) FROM session_lock").fetchone() == (0,)
    raw.close()


def test_unlocking_leaves_the_lock_of_another_process(path: Path, store: Store) -> None:
    session = store.create_session("demo")
    holder = Holder(path, session.id)
    try:
        store.unlock(session.id)
        assert store.lock_holder(session.id) is not None
    finally:
        holder.close()


def test_an_answer_that_streams_is_not_closed_by_the_start_of_another_program(
    path: Path, store: Store
) -> None:
    def unclosed_after_another_start() -> int:
        code = "import sys, pathlib; from urial_tui.store.store import Store; Store.open(pathlib.Path(sys.argv[1]))"
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)
        raw = sqlite3.connect(path)
        (n,) = raw.execute("SELECT count(*) FROM message WHERE closed_at IS NULL").fetchone()
        raw.close()
        return int(n)

    session = store.create_session("demo")
    store.lock(session.id, "me")
    store.begin_answer(session.id, store.add_user_message(session.id, None, "q").id)
    assert unclosed_after_another_start() == 1
    store.unlock(session.id)
    assert unclosed_after_another_start() == 0
