"""What a disk, another program or an earlier version can do to a history, through the commands that people use."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.full_history import at_version, columns_of, contents, fill
from urial_tui import paths
from urial_tui.cli.history.command import history
from urial_tui.errors import StoreError
from urial_tui.store.aio import AsyncStore
from urial_tui.store.care import care
from urial_tui.store.database import files
from urial_tui.store.schema.steps import LATEST
from urial_tui.store.store import Store

PAGE = 4096


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "history.db"
    with Store.open(path) as store:
        fill(store, sessions=3)
    return path


@pytest.fixture
def path(filled: Path) -> Path:
    paths.history_file().parent.mkdir(parents=True)
    return Path(shutil.copy(filled, paths.history_file()))


@pytest.mark.parametrize("version", range(1, LATEST))
def test_a_history_of_each_earlier_schema_opens_and_keeps_everything(
    filled: Path, version: int
) -> None:
    paths.history_file().parent.mkdir(parents=True)
    path = at_version(paths.history_file(), version, filled)
    before, columns = contents(path), columns_of(path)
    listed = json.loads(CliRunner().invoke(history, ["list", "--json"]).output)
    assert len(listed) == 3 if version >= 5 else len(listed) >= 3
    assert contents(path, columns) == before
    (backup,) = path.parent.glob("*.bak")
    assert f".schema{version}-" in backup.name
    assert contents(backup) == before
    assert care.examine(path).ok
    with Store.open(path) as store:
        assert store.search("walking")
        answers = store._db.value("SELECT count(*) FROM answer")
        assert answers >= 6


def test_a_newer_schema_is_refused_by_what_would_change_the_file(path: Path) -> None:
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version=999")
    raw.close()
    before = path.read_bytes()
    for command in (["check"], ["compact"], ["salvage"], ["list"]):
        with pytest.raises(StoreError) as newer:
            CliRunner().invoke(history, command, catch_exceptions=False)
        assert newer.value.kind == "schema-newer"
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("command", ["backup", "compact"])
def test_a_full_disk_leaves_the_file_as_it_was_and_no_half_copy(path: Path, command: str) -> None:
    import resource

    with Store.open(path) as store:
        for session in store.sessions():
            store.delete_session(session.id)
    before, limit = contents(path), path.stat().st_size // 3
    ran = subprocess.run(
        [sys.executable, "-m", "urial_tui", "history", command, "--json"],
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert ran.returncode == StoreError.exit_code
    assert json.loads(ran.stdout or ran.stderr)["error"]["kind"] in ("disk-full", "io")
    assert contents(path) == before
    assert care.examine(path).ok
    assert {p.name for p in path.parent.iterdir()} - {f"{path.name}-journal"} == {path.name}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everything")
def test_a_read_only_history_can_be_read_checked_and_copied(path: Path, tmp_path: Path) -> None:
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert care.examine(path).index is None
        files.copy_database(path, tmp_path / "copy.db")
    finally:
        path.parent.chmod(0o700)
    assert contents(tmp_path / "copy.db") == contents(path)


def test_what_is_locked_is_waited_for_and_then_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM session").fetchone()  # a database browser, say
    opened = Store.open

    def impatient(path: Path, *, readonly: bool = False) -> Store:
        return opened(path, readonly=readonly, busy_timeout=0.05)

    monkeypatch.setattr(Store, "open", impatient)
    with pytest.raises(StoreError) as locked:
        care.compact(path)
    assert locked.value.kind == "locked"
    reader.close()
    before = contents(path)
    care.compact(path)
    assert contents(path) == before


async def test_a_damaged_history_is_said_with_its_hint_and_the_program_goes_on(path: Path) -> None:
    raw = sqlite3.connect(path)
    (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'session'").fetchone()
    raw.close()
    data = bytearray(path.read_bytes())
    data[(root - 1) * PAGE : root * PAGE] = bytes(PAGE)
    path.write_bytes(data)
    store, trouble = await AsyncStore.open_or_memory(path)
    try:
        if trouble is None:
            with pytest.raises(StoreError) as damaged:
                await store.call(Store.sessions)
            trouble = damaged.value
        assert trouble.kind == "corrupt"
        assert "history salvage" in trouble.hint
    finally:
        await store.aclose()
