"""`urial-tui history check|backup|compact|salvage|schema`: what they say, what they leave, how they end."""

import fcntl
import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.full_history import at_version, columns_of, contents, fill
from urial_tui import paths
from urial_tui.cli.history.command import history
from urial_tui.errors import StoreError, UsageError
from urial_tui.store.database import connection
from urial_tui.store.schema.reading import tables
from urial_tui.store.store import Store

PAGE = 4096


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "history.db"
    with Store.open(path) as store:
        fill(store, sessions=10)
    return path


@pytest.fixture
def path(filled: Path) -> Path:
    paths.history_file().parent.mkdir()
    return Path(shutil.copy(filled, paths.history_file()))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(history, arguments, catch_exceptions=False)


def root_of(path: Path, table: str) -> int:
    raw = sqlite3.connect(path)
    try:
        (root,) = raw.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
        return int(root)
    finally:
        raw.close()


def scribble(path: Path, page: int) -> bytes:
    """Overwrite a page; the file as it is then."""
    data = bytearray(path.read_bytes())
    data[(page - 1) * PAGE : page * PAGE] = b"\xa5" * PAGE
    path.write_bytes(data)
    return bytes(data)


@pytest.mark.parametrize("command", ["check", "backup", "compact", "salvage"])
def test_without_a_history_there_is_nothing_to_care_for(command: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as missing:
        run(command)
    assert missing.value.kind == "missing"
    assert list(tmp_path.iterdir()) == []


def test_a_whole_history_is_said_to_be_whole(path: Path) -> None:
    found = run("check")
    assert found.exit_code == 0
    assert "No problems." in found.output
    report = json.loads(run("check", "--json").output)
    assert report["ok"] is True
    assert (report["problems"], report["search_index"], report["hint"]) == ([], [], "")
    assert report["sessions"] == 16
    assert report["bytes"] == path.stat().st_size


def test_a_damaged_history_is_said_to_be_damaged_and_where_to_go(path: Path) -> None:
    scribble(path, root_of(path, "token"))
    found = run("check")
    assert found.exit_code == 1
    assert "history salvage" in found.output
    report = json.loads(run("check", "--json").output)
    assert report["ok"] is False
    assert report["problems"]
    assert report["search_index"] is None


def test_a_history_that_cannot_even_be_opened_is_checked_too(path: Path) -> None:
    for name in ("migration", "session", "message"):
        scribble(path, root_of(path, name))
    found = run("check")
    assert found.exit_code == 1
    assert "history salvage" in found.output
    assert json.loads(run("check", "--json").output)["ok"] is False


def test_a_search_index_of_other_texts_is_said_and_compacting_makes_it_anew(path: Path) -> None:
    raw = sqlite3.connect(path)
    raw.execute("INSERT INTO message_fts (rowid, content) VALUES (999999, 'nowhere')")
    raw.commit()
    raw.close()
    found = run("check")
    assert found.exit_code == 1
    assert "message_fts" in found.output
    assert "history compact" in found.output
    assert "it is new" in run("compact").output
    assert run("check").exit_code == 0


def test_a_history_that_cannot_be_written_is_checked_but_for_its_index(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = connection.uri
    monkeypatch.setattr(connection, "uri", lambda path, _mode: real(path, "ro"))
    found = run("check")
    assert found.exit_code == 0
    assert "search index was not checked" in found.output


def test_checking_removes_nothing_from_the_bin(path: Path) -> None:
    with Store.open(path) as store:
        session = store.create_session("demo")
        store.bin_session(session.id)
        store._db.execute("UPDATE session SET deleted_at = '2001-01-01T00:00:00.000Z'")
    before = path.read_bytes()
    assert json.loads(run("check", "--json").output)["sessions"] > 0
    assert path.read_bytes() == before
    with Store.open(path, readonly=True) as store:
        assert store.session(session.id).deleted_at


def test_checking_leaves_a_history_of_an_older_version_as_it_is(path: Path, filled: Path) -> None:
    path.unlink()
    at_version(path, 5, filled)
    before = path.read_bytes()
    found = json.loads(run("check", "--json").output)
    assert found["ok"], found
    assert (found["schema"], found["path"]) == (5, str(path))
    assert found["sessions"] > 0
    assert found["bytes"] == len(before)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_damage_in_a_history_of_an_older_version_is_found(path: Path, filled: Path) -> None:
    path.unlink()
    at_version(path, 5, filled)
    scribble(path, root_of(path, "message"))
    assert run("check").exit_code == 1


def test_a_backup_is_a_private_whole_copy_beside_the_history(path: Path) -> None:
    with Store.open(path) as writer:
        session = writer.create_session("demo")
        writer.lock(session.id, "a writer")
        said = json.loads(run("backup", "--json").output)
        copy = Path(said["path"])
        assert copy.parent == path.parent
        assert said["bytes"] == copy.stat().st_size
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert contents(copy) == contents(path)
    assert [p for p in path.parent.iterdir() if p.suffix == ".part"] == []


def test_a_backup_goes_where_it_is_told_and_replaces_nothing(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    assert "disk/history.db.copy-" in run("backup", str(folder)).output
    target = tmp_path / "mine.db"
    assert run("backup", str(target)).exit_code == 0
    before = target.read_bytes()
    with pytest.raises(StoreError) as there:
        run("backup", str(target))
    assert there.value.kind == "exists"
    assert target.read_bytes() == before
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError):
        run("backup", str(link))
    with pytest.raises(StoreError) as nowhere:
        run("backup", str(tmp_path / "no" / "folder.db"))
    assert nowhere.value.kind == "cannot-open"
    assert "name a file in another one" in nowhere.value.hint


def test_a_history_of_a_newer_program_can_be_backed_up(path: Path, tmp_path: Path) -> None:
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version=999")
    raw.close()
    assert run("backup", str(tmp_path / "copy.db")).exit_code == 0


def test_compacting_gives_back_room_and_loses_nothing(path: Path) -> None:
    with Store.open(path) as store:
        for session in store.sessions()[1:]:
            store.delete_session(session.id)
    before, size = contents(path), path.stat().st_size
    said = json.loads(run("compact", "--json").output)
    assert said["before"] == size
    assert said["after"] == path.stat().st_size < size
    assert contents(path) == before
    with Store.open(path) as store:
        assert store.check() == []
        assert store.search("walking")


def test_compacting_without_room_says_how_much_it_needs(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(path.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=PAGE))
    before = path.read_bytes()
    said = json.loads(run("compact", "--json").output)
    assert said["needs"] >= len(before)
    assert said["before"] == said["after"] == len(before)
    assert "not made smaller" in run("compact").output


def test_compacting_is_refused_while_another_program_writes(path: Path) -> None:
    with Store.open(path) as store:
        session = store.sessions()[0]
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.support.store_writer", "hold", str(path), session.id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    assert b"locked" in writer.stdout.readline()
    try:
        with pytest.raises(StoreError) as refused:
            run("compact")
        assert refused.value.kind == "locked"
        assert str(writer.pid) in refused.value.message
        assert run("check").exit_code == 0
    finally:
        writer.communicate()
    assert run("compact").exit_code == 0


def test_what_is_salvaged_is_said_with_how_to_use_it(path: Path) -> None:
    damaged = scribble(path, root_of(path, "run_item"))
    said = run("salvage").output
    assert path.read_bytes() == damaged
    (new,) = path.parent.glob("history.db.salvaged-*")
    assert f"mv {new} {path}" in said
    assert f"mv {path} {path}.damaged" in said
    assert "run_item" in said
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir() if p.name.startswith(".")] == []
    path.rename(f"{path}.damaged")
    new.rename(path)
    assert run("check").exit_code == 0


def test_salvaging_as_json_counts_each_table(path: Path, tmp_path: Path) -> None:
    scribble(path, root_of(path, "run_item"))
    new = tmp_path / "new.db"
    said = json.loads(run("salvage", "-o", str(new), "--json").output)
    assert said["path"] == str(new)
    assert said["damaged_pages"] == 1
    by_table = {table["table"]: table for table in said["tables"]}
    assert by_table["session"] == {
        "table": "session", "saved": 16, "lost": 0, "about": False, "shortened": 0
    }  # fmt: skip
    assert by_table["run_item"]["saved"] == 0
    with pytest.raises(StoreError) as there:
        run("salvage", "-o", str(new))
    assert there.value.kind == "exists"


def without_its_first(path: Path, n: int, with_: bytes = b"\0") -> None:
    data = path.read_bytes()
    path.write_bytes(with_ * n + data[n:])


@pytest.mark.parametrize("with_", [b"\0", b"\xa5"])
@pytest.mark.parametrize("n", [16, 100])
def test_without_its_header_a_history_says_so_and_is_salvaged_whole(
    path: Path, n: int, with_: bytes, tmp_path: Path
) -> None:
    before = contents(path)
    without_its_first(path, n, with_)
    for command in ("list", "compact"):
        with pytest.raises(StoreError, match=r"the header of .* is damaged") as damaged:
            run(command)
        assert damaged.value.kind == "corrupt"
        assert "history salvage" in damaged.value.hint and ".bak" in damaged.value.hint
    assert run("check").exit_code == 1
    bytes_before = path.read_bytes()
    said = run("salvage", "-o", str(tmp_path / "new.db")).output
    assert "0 pages of" in said and "lost" in said
    assert contents(tmp_path / "new.db") == before
    assert path.read_bytes() == bytes_before


def test_without_its_header_an_old_history_is_salvaged_too(
    path: Path, filled: Path, tmp_path: Path
) -> None:
    path.unlink()
    at_version(path, 3, filled)
    before, columns = contents(path), columns_of(path)
    without_its_first(path, 100)
    assert run("salvage", "-o", str(tmp_path / "new.db")).exit_code == 0
    assert contents(tmp_path / "new.db", columns) == before


def test_without_its_first_page_only_a_backup_is_named(path: Path, tmp_path: Path) -> None:
    without_its_first(path, PAGE)
    with pytest.raises(StoreError, match=r"first page of .* is damaged") as damaged:
        run("list")
    assert damaged.value.hint.startswith("Go back to a backup")
    with pytest.raises(StoreError) as refused:
        run("salvage", "-o", str(tmp_path / "new.db"))
    assert refused.value.kind == "corrupt"


def test_a_text_in_place_of_the_history_is_no_damaged_one(path: Path) -> None:
    path.write_text("CREATE TABLE session (id TEXT);\n" * 100)
    with pytest.raises(StoreError) as other:
        run("list")
    assert other.value.kind == "not-a-database"


def test_a_copy_of_a_damaged_history_is_kept_and_said_to_be_damaged(path: Path) -> None:
    scribble(path, root_of(path, "token"))
    made = run("backup")
    assert made.exit_code == 1
    assert "The copy is damaged, as the history is:" in made.stderr
    assert "history salvage" in made.stderr
    (copy,) = path.parent.glob("*.bak")
    assert str(copy) in made.stdout
    assert copy.stat().st_size == path.stat().st_size
    again = run("backup", "--json")
    report = json.loads(again.stdout)
    assert again.exit_code == 1 and report["ok"] is False and report["problems"]


def test_a_history_without_its_header_is_copied_too(path: Path) -> None:
    without_its_first(path, 100)
    made = run("backup")
    assert made.exit_code == 1
    assert "the header of" in made.stderr and "history salvage" in made.stderr
    (copy,) = path.parent.glob("*.bak")
    assert copy.read_bytes() == path.read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_what_is_no_history_is_not_copied(path: Path) -> None:
    path.write_text("a text\n" * 1000)
    with pytest.raises(StoreError, match="is not a SQLite database"):
        run("backup")
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_whole_copy_is_said_to_be_whole(path: Path) -> None:
    made = run("backup", "--json")
    report = json.loads(made.stdout)
    assert (made.exit_code, report["ok"], report["problems"]) == (0, True, [])


def test_what_a_killed_copy_has_left_goes_with_the_next_one(path: Path) -> None:
    left = [path.with_name(f".history-copy.a1.part{end}") for end in ("", "-journal", "-wal")]
    others = path.with_name(".history-copy.b2.part")
    for file in (*left, others):
        file.write_bytes(b"half")
    with others.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        run("backup")
        assert not any(file.exists() for file in left)
        assert others.exists(), "another program copies into it"
    run("backup")
    assert [p.name for p in path.parent.iterdir() if ".part" in p.name] == []


def test_a_copy_that_is_killed_leaves_nothing_for_long(path: Path) -> None:
    code = (
        "import os, sqlite3, sys\nfrom pathlib import Path\nfrom urial_tui.store.database import files\n"
        "files.publish = lambda part, target: os.kill(os.getpid(), 9)\n"
        "files.copy_database(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    target = path.with_name("copy.db")
    subprocess.run([sys.executable, "-c", code, str(path), str(target)], check=False)
    assert [p for p in path.parent.iterdir() if p.suffix == ".part"], "it was killed in time"
    run("backup", str(target))
    assert sorted(p.name for p in path.parent.iterdir()) == ["copy.db", path.name]


def test_a_damaged_history_says_what_to_do_wherever_it_is_opened(path: Path) -> None:
    scribble(path, root_of(path, "session"))
    with pytest.raises(StoreError) as damaged:
        run("list")
    assert damaged.value.kind == "corrupt"
    assert "history salvage" in damaged.value.hint


def test_the_schema_is_printed_with_every_column() -> None:
    text, page = run("schema").output, run("schema", "--markdown").output
    told = json.loads(run("schema", "--json").output)
    assert [table["name"] for table in told["tables"]] == [table.name for table in tables()]
    for table in tables():
        for column in table.columns:
            assert f"  {column.name} " in text
            assert f"| `{column.name}` |" in page
    with pytest.raises(UsageError):
        run("schema", "--json", "--markdown")
