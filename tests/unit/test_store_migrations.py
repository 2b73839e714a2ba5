"""Old databases are brought up to date with a backup first; newer and foreign ones are refused and not touched."""

import errno
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.store_runs import answer_all, judgement, make_run
from tests.support.store_traces import PIECES, SCORES
from tests.support.store_traces import START as TRACE_START
from urial_tui.errors import StoreError
from urial_tui.store.aio import AsyncStore
from urial_tui.store.care.care import back_up
from urial_tui.store.database import connection, files
from urial_tui.store.database.connection import Connection
from urial_tui.store.schema import migrate
from urial_tui.store.schema.steps import (
    CONTEXT,
    LATEST,
    MIGRATIONS,
    SEARCH,
    TABLES,
    TRACES,
    Migration,
)
from urial_tui.store.store import Store

EXTRA = Migration(
    LATEST + 1, "extra", ("ALTER TABLE session ADD COLUMN colour TEXT NOT NULL DEFAULT ''",)
)
BROKEN = Migration(
    LATEST + 1,
    "broken",
    ("ALTER TABLE session ADD COLUMN colour TEXT", "INSERT INTO nowhere VALUES (1)"),
)


def at_version_1(path: Path) -> Path:
    """A database as schema 1 left it, with a conversation that is not in any index."""
    files.create(path)
    db = Connection(path)
    migrate.migrate(db, (TABLES,))
    db.execute(
        "INSERT INTO session (id, title, side, created_at, updated_at) VALUES ('s', 'Walking', 'demo', '', '')"
    )
    for n, (role, closed) in enumerate((("user", "t"), ("assistant", "t"), ("assistant", None))):
        db.execute(
            "INSERT INTO message (id, session_id, parent_id, role, content, status, created_at, closed_at) "
            "VALUES (?, 's', ?, ?, ?, 'interrupted', '', ?)",
            (f"m{n}", f"m{n - 1}" if n else None, role, f"benefit number {n}", closed),
        )
    db.close()
    return path


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.bak"))


def open_at_once(path: Path, n: int) -> list[int]:
    """Open the store in `n` processes at the same moment; their exit codes."""
    code = "import sys, pathlib; from urial_tui.store.store import Store; Store.open(pathlib.Path(sys.argv[1]))"
    running = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(n)]
    return [process.wait(timeout=60) for process in running]


def tables(path: Path) -> set[str]:
    raw = sqlite3.connect(path)
    try:
        return {name for (name,) in raw.execute("SELECT name FROM sqlite_master")}
    finally:
        raw.close()


ADDED = {"run_id": None, "pinned": 0, "deleted_at": None, "origin": "{}"}
"""What later steps add to a session of the first."""


def test_a_new_database_gets_every_step_and_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with Store.open(path) as store:
        assert store.schema_version == LATEST
        assert store.migration_backup is None
    assert backups(path) == []


def test_an_old_database_is_brought_up_to_date_with_a_backup(tmp_path: Path) -> None:
    path = at_version_1(tmp_path / "history.db")
    with Store.open(path) as store:
        assert store.schema_version == LATEST
        assert store.check() == []
        assert [s.title for s in store.sessions()] == ["Walking"]
        assert {h.message_id for h in store.search("benefit")} == {"m0", "m1", "m2"}
        backup = store.migration_backup
    assert backup is not None
    assert backups(path) == [backup]
    assert backup.stat().st_mode & 0o777 == 0o600
    assert "message_fts" not in tables(backup)
    raw = sqlite3.connect(backup)
    assert raw.execute("SELECT count(*) FROM message").fetchone() == (3,)
    raw.close()


def test_a_database_from_before_traces_keeps_everything_and_takes_traces(tmp_path: Path) -> None:
    path = at_version_1(tmp_path / "history.db")
    db = Connection(path)
    migrate.migrate(db, (TABLES, SEARCH))
    for earlier in backups(path):
        earlier.unlink()
    db.execute(
        "INSERT INTO generation (id, message_id, created_at, ended_at, side, model_path, adapter_scale, style, n_ctx, "
        "prompt_ids, finish_reason, prompt_tokens, completion_tokens, seed) "
        "VALUES ('g', 'm1', 't', 't', 'demo', '/m', 1.0, 'raw', 512, x'0200000003000000', 'stop', 2, 1, 7)"
    )
    db.execute(
        "INSERT INTO token (generation_seq, i, token_id, raw, text, visible) VALUES (1, 0, 5, x'ff', '', 1)"
    )
    db.execute("UPDATE message SET closed_at = 't'")  # or opening the file would do that
    names = ("session", "message", "generation", "token", "message_fts", "session_fts")
    before = {name: db.rows(f"SELECT * FROM {name}") for name in names}
    assert db.value("PRAGMA user_version") == 2
    db.close()

    with Store.open(path) as store:
        backup = store.migration_backup
        assert store.check() == []
        after = {name: store._db.rows(f"SELECT * FROM {name}") for name in names}
        assert after == before | {
            "session": [row | ADDED for row in before["session"]],
            "generation": [
                row | {"template_hash": None, "context": None} for row in before["generation"]
            ],
        }
        generation = store.generation_of("m1")
        assert generation is not None
        assert generation.start.template_hash is None
        assert generation.start.prompt_ids == (2, 3)
        assert store.trace_of("m1") is None
        trace_id = store.begin_trace("m1", TRACE_START)
        store.append_scores(trace_id, SCORES, PIECES)
        found = store.trace_of("m1")
        assert found is not None
        assert found.scores == SCORES
    assert backup is not None
    assert backups(path) == [backup]
    assert ".schema2-" in backup.name
    assert "trace" not in tables(backup)
    raw = sqlite3.connect(backup)
    assert raw.execute("SELECT count(*) FROM token").fetchone() == (1,)
    raw.close()


def test_answers_and_traces_from_before_contexts_were_noted_have_none(tmp_path: Path) -> None:
    path = at_version_1(tmp_path / "history.db")
    db = Connection(path)
    migrate.migrate(db, (TABLES, SEARCH, TRACES))
    for earlier in backups(path):
        earlier.unlink()
    same = "side, model_path, adapter_scale, style, n_ctx, prompt_ids"
    values = "'demo', '/m', 1.0, 'raw', 512, x'02000000'"
    db.execute(
        f"INSERT INTO generation (id, message_id, created_at, {same}) VALUES ('g', 'm1', 't', {values})"
    )
    db.execute("INSERT INTO vocabulary (seq, fingerprint, n_vocab) VALUES (1, 'v', 9)")
    db.execute(
        "INSERT INTO trace (seq, id, message_id, generation_seq, path, created_at, top_k, vocabulary_seq, n_common, "
        "versions) VALUES (1, 't', 'm1', 1, 'live', 't', 2, 1, 9, '{}')"
    )
    for number, role in ((-1, "generator"), (0, "reference")):
        db.execute(
            f"INSERT INTO trace_side (trace_seq, number, role, {same}) VALUES (1, {number}, '{role}', {values})"
        )
    names = ("generation", "trace", "trace_side")
    before = {name: db.rows(f"SELECT * FROM {name}") for name in names}
    assert db.value("PRAGMA user_version") == 3
    db.close()

    with Store.open(path) as store:
        backup = store.migration_backup
        assert store.check() == []
        for name in names:
            new = {} if name == "trace" else {"context": None}
            assert store._db.rows(f"SELECT * FROM {name}") == [row | new for row in before[name]]
        generation, trace = store.generation_of("m1"), store.trace("t")
        assert generation is not None and generation.start.context is None
        assert trace.start.generator is not None and trace.start.generator.context is None
        assert [side.context for side in trace.start.references] == [None]
        again = store.trace(store.begin_trace("m1", TRACE_START))
        assert again.start == TRACE_START
    assert backup is not None
    assert backups(path) == [backup]
    assert ".schema3-" in backup.name
    raw = sqlite3.connect(backup)
    columns = {row[1] for row in raw.execute("PRAGMA table_info(trace_side)")}
    assert "side" in columns and "context" not in columns
    raw.close()


def test_a_database_from_before_runs_keeps_everything_and_takes_runs(tmp_path: Path) -> None:
    path = at_version_1(tmp_path / "history.db")
    db = Connection(path)
    migrate.migrate(db, (TABLES, SEARCH, TRACES, CONTEXT))
    for earlier in backups(path):
        earlier.unlink()
    db.execute("UPDATE message SET closed_at = 't'")  # or opening the file would do that
    db.execute("UPDATE session SET leaf_id = 'm2'")
    names = ("session", "message", "message_fts", "session_fts")
    before = {name: db.rows(f"SELECT * FROM {name}") for name in names}
    assert db.value("PRAGMA user_version") == 4
    db.close()

    with Store.open(path) as store:
        backup = store.migration_backup
        assert store.check() == []
        after = {name: store._db.rows(f"SELECT * FROM {name}") for name in names}
        assert after == before | {"session": [row | ADDED for row in before["session"]]}
        assert store.session("s").run_id is None
        run = make_run(store)
        assert [a.status for a in answer_all(store, run)] == ["complete"] * 8
        store.save_judgement(judgement("m1"))
        assert [s.id for s in store.sessions()] == ["s"]
        store.delete_run(run.id)
        assert store.check() == []
        assert [j.message_id for j in store.judgements()] == ["m1"]
    assert backup is not None
    assert backups(path) == [backup]
    assert ".schema4-" in backup.name
    assert "run" not in tables(backup)


def test_reading_an_old_database_brings_it_up_to_date_too(tmp_path: Path) -> None:
    path = at_version_1(tmp_path / "history.db")
    with Store.open(path, readonly=True) as store:
        assert store.schema_version == LATEST
        assert [h.title for h in store.search("walking")] == ["Walking"]


def test_bringing_up_to_date_for_reading_removes_nothing_from_the_bin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = at_version_1(tmp_path / "history.db")
    with Store.open(path) as store:
        store._db.execute("UPDATE session SET deleted_at = '2001-01-01T00:00:00.000Z'")
    for asked in (migrate.migrate, migrate.pending):
        monkeypatch.setattr(asked, "__defaults__", ((*MIGRATIONS, EXTRA),))
    with Store.open(path, readonly=True) as store:
        assert store.schema_version == LATEST + 1
        assert store.session("s").deleted_at


def test_an_old_database_is_read_as_a_copy_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = at_version_1(tmp_path / "history.db")
    before = path.read_bytes()

    def refuse(target: Path) -> tuple[int, Path]:
        raise PermissionError(errno.EACCES, "Permission denied", str(target))

    monkeypatch.setattr(files, "new_part", refuse)
    with Store.open(path, readonly=True) as store:
        assert store.not_updated is not None
        assert "must be brought up to date from schema 1" in store.not_updated.message
        assert store.not_updated.kind == "cannot-open"
        assert [h.title for h in store.search("walking")] == ["Walking"]
        with pytest.raises(StoreError) as refused:
            store.create_session("demo")
        assert refused.value.kind == "read-only"
    assert path.read_bytes() == before
    assert backups(path) == []
    with pytest.raises(StoreError, match="must be brought up to date from schema 1"):
        Store.open(path)


def test_a_file_that_takes_no_write_gets_no_backup_each_time_that_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = at_version_1(tmp_path / "history.db")
    real = connection.uri
    monkeypatch.setattr(connection, "uri", lambda path, _mode: real(path, "ro"))
    with Store.open(path, readonly=True) as store:
        assert store.not_updated is not None
        assert store.not_updated.kind == "read-only"
        assert [s.title for s in store.sessions()] == ["Walking"]
    assert backups(path) == []


def test_a_step_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = at_version_1(tmp_path / "history.db")
    db = Connection(path)
    with pytest.raises(StoreError):
        migrate.migrate(db, (*MIGRATIONS, BROKEN))
    assert list(migrate.applied(db)) == [1]  # nor of the steps before it
    assert db.value("PRAGMA user_version") == 1
    assert "colour" not in {row["name"] for row in db.rows("PRAGMA table_info(session)")}
    assert db.value("PRAGMA foreign_keys") == 1
    db.close()


def test_a_backup_that_cannot_be_made_stops_the_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = at_version_1(tmp_path / "history.db")
    monkeypatch.setattr(
        files, "backup_name", lambda path, label: tmp_path / "no" / "such" / "folder"
    )
    with pytest.raises(StoreError):
        Store.open(path)
    assert "message_fts" not in tables(path)


async def test_an_old_database_that_cannot_be_changed_is_read_into_memory_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = at_version_1(tmp_path / "history.db")
    before = path.read_bytes()
    with monkeypatch.context() as full:
        full.setattr(files, "backup_name", lambda path, label: tmp_path / "no" / "such" / "folder")
        store, error = await AsyncStore.open_or_memory(path)
    assert error is not None
    assert store.is_in_memory
    assert path.read_bytes() == before
    assert {h.message_id for h in await store.call(Store.search, "benefit")} == {"m0", "m1", "m2"}
    trace_id = await store.call(Store.begin_trace, "m1", TRACE_START)
    await store.call(Store.append_scores, trace_id, SCORES, PIECES)
    await store.write_back()
    assert not store.is_in_memory
    assert (await store.call(Store.trace, trace_id)).scores == SCORES
    await store.aclose()
    assert len(backups(path)) == 1


def test_a_step_that_breaks_a_reference_is_undone(tmp_path: Path) -> None:
    path = at_version_1(tmp_path / "history.db")
    Store.open(path).close()
    db = Connection(path)
    orphaning = Migration(LATEST + 1, "orphaning", ("DELETE FROM session",))
    with pytest.raises(StoreError):
        migrate.migrate(db, (*MIGRATIONS, orphaning))
    assert db.value("SELECT count(*) FROM session") == 1
    db.close()


@pytest.mark.parametrize("readonly", [False, True])
def test_a_newer_schema_is_refused_and_not_touched(tmp_path: Path, readonly: bool) -> None:
    path = tmp_path / "history.db"
    Store.open(path).close()
    db = Connection(path)
    migrate.migrate(db, (*MIGRATIONS, EXTRA))
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError) as newer:
        Store.open(path, readonly=readonly)
    assert newer.value.kind == "schema-newer"
    assert "extra" in newer.value.message
    assert path.read_bytes() == before
    assert backups(path) == []


def test_a_step_of_the_same_number_and_another_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    files.create(path)
    db = Connection(path)
    migrate.migrate(db, (TABLES, Migration(2, "somebody else's", ("CREATE TABLE x (y)",))))
    db.close()
    with pytest.raises(StoreError) as newer:
        Store.open(path)
    assert newer.value.kind == "schema-newer"


def test_a_database_of_another_program_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE session (id)")
    raw.commit()
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StoreError) as foreign:
        Store.open(path)
    assert foreign.value.kind == "not-history"
    assert path.read_bytes() == before


def test_only_the_newest_backups_of_migrations_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with Store.open(path) as store:
        store.create_session("demo")
        mine = back_up(path).path
        step = MIGRATIONS
        db = Connection(path)
        for n in range(files.KEPT_BACKUPS + 2):
            step = (*step, Migration(LATEST + 1 + n, f"step {n}", (f"CREATE TABLE extra_{n} (x)",)))
            migrate.migrate(db, step)
        db.close()
    made = [p for p in backups(path) if p != mine]
    assert len(made) == files.KEPT_BACKUPS
    assert mine in backups(path)
    assert "extra_0" in tables(made[0])


def test_programs_that_start_at_the_same_moment_migrate_once(tmp_path: Path) -> None:
    path = at_version_1(tmp_path / "history.db")
    assert open_at_once(path, 4) == [0, 0, 0, 0]
    assert len(backups(path)) == 1
    with Store.open(path) as store:
        assert store.check() == []


def test_programs_that_start_at_the_same_moment_make_one_database(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history.db"
    assert open_at_once(path, 4) == [0, 0, 0, 0]
    assert backups(path) == []
