"""`urial-tui import`: what it says, and that a history is whole and as it was whatever ends it."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.imported import judged, lines, output, put
from tests.support.store_runs import answer_all, make_run
from urial_tui import paths
from urial_tui.cli.exchange.importing import import_command
from urial_tui.errors import StoreError, UrialError, UsageError
from urial_tui.exchange import jsonl
from urial_tui.main import cli
from urial_tui.store.store import Store


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(import_command, [str(a) for a in arguments], catch_exceptions=False)


def fails(*arguments: str | Path) -> UrialError:
    with pytest.raises(UrialError) as raised:
        call(*arguments)
    return raised.value


def history_file(folder: Path, sessions: int = 3) -> Path:
    """A file of our own format with a run and some sessions."""
    path = folder / "history.jsonl"
    with Store.in_memory() as store:
        answer_all(store, make_run(store))
        for n in range(sessions):
            store.add_user_message(store.create_session("demo", f"talk {n}").id, None, "x" * 1000)
        ids = [row["id"] for row in store._db.rows("SELECT id FROM session")]
        path.write_bytes(jsonl.header() + b"".join(jsonl.lines(store, ids)))
    return path


def test_it_says_what_became_of_each_file(tmp_path: Path) -> None:
    outputs = put(tmp_path / "\x1b[31mouts.json", [output(n, id=n) for n in range(2)])
    results = put(tmp_path / "judged.json", [judged(0), judged(1)])
    result = call(outputs, results, history_file(tmp_path))
    assert result.exit_code == 0
    said = result.stdout.splitlines()
    assert [line.rsplit("  ", 1)[1] for line in said] == [
        "(just-eval: 1 run)",
        "(just-eval: 2 judgements)",
        "(jsonl: 1 run, 9 sessions)",
    ]
    assert "\x1b" not in result.output
    assert "note: the judgements are of answers that were in the history" in result.stderr
    assert "(jsonl: 10 already there)" in call(tmp_path / "history.jsonl").stdout


def test_as_json_it_names_what_it_made(tmp_path: Path) -> None:
    path = put(tmp_path / "é.json", [{"conversations": [{"from": "human", "value": "Hi"}]}])
    result = call("--json", path)
    (said,) = json.loads(result.stdout)
    assert {key: said[key] for key in ("path", "format", "runs", "there", "notes")} == {
        "path": str(path),
        "format": "chat",
        "runs": [],
        "there": 0,
        "notes": [],
    }
    with Store.open(paths.history_file(), readonly=True) as store:
        assert [session.id for session in store.sessions()] == said["sessions"]
        assert store.find_session(said["sessions"][0]).title == "Hi"


def test_the_program_knows_the_command() -> None:
    assert cli.get_command(None, "import") is import_command  # type: ignore[arg-type]


def test_options_that_exclude_each_other(tmp_path: Path) -> None:
    path = put(tmp_path / "x.json", [output(0)])
    assert isinstance(fails("--as-new", "--run", "last", path), UsageError)
    assert not paths.history_file().exists()


def test_an_option_that_no_file_uses_is_refused(tmp_path: Path) -> None:
    chat = put(tmp_path / "c.json", [{"conversations": [{"from": "human", "value": "Hi"}]}])
    outputs = put(tmp_path / "o.json", [output(0, id=0)])
    results = put(tmp_path / "judged.json", [judged(0)])
    for path in (chat, outputs, history_file(tmp_path), put(tmp_path / "t.txt", "text")):
        error = fails("--run", "nosuchrun", path)
        assert isinstance(error, UsageError)
        assert "--run is of no use here" in error.message
    for path in (chat, outputs, results):
        error = fails("--questions", tmp_path / "q.jsonl", path)
        assert isinstance(error, UsageError)
        assert "--questions is of no use here" in error.message
    assert not paths.history_file().exists()
    assert "(just-eval: 1 judgement)" in call("--run", "o", outputs, results).stdout
    assert "nosuchrun" in fails("--run", "nosuchrun", results).message


def test_a_file_that_cannot_be_used_makes_no_history(tmp_path: Path) -> None:
    good = put(tmp_path / "a.json", [output(0)])
    assert fails(good, tmp_path / "missing.json").kind == "unreadable"
    assert not paths.history_file().exists()


def stored_bytes() -> bytes:
    return paths.history_file().read_bytes()


def filled() -> bytes:
    """A history with one conversation; its bytes."""
    with Store.open(paths.history_file()) as store:
        store.add_user_message(store.create_session("demo").id, None, "Hello")
    return stored_bytes()


def logical() -> list[str]:
    """The history as SQL, to compare one with another."""
    raw = sqlite3.connect(paths.history_file())
    try:
        return list(raw.iterdump())
    finally:
        raw.close()


def test_a_bad_last_line_leaves_the_history_as_it_was(tmp_path: Path) -> None:
    filled()
    before = logical()
    path = history_file(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"type":"session","id":"../x"}\n')
    error = fails(path)
    assert "line 12: session: " in error.message
    assert logical() == before


def test_a_full_disk_leaves_the_history_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled()
    before = logical()
    real = Store.importing

    def on_a_full_disk(self: Store) -> Any:
        self._db.value(f"PRAGMA max_page_count={self._db.value('PRAGMA page_count') + 3}")
        return real(self)

    monkeypatch.setattr(Store, "importing", on_a_full_disk)
    error = fails(history_file(tmp_path, 200))
    assert isinstance(error, StoreError)
    assert (error.kind, error.exit_code) == ("disk-full", 5)
    assert "Free some space" in error.hint
    assert logical() == before


def test_a_history_that_another_program_writes_is_waited_for_and_then_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled()
    real = Store.open
    monkeypatch.setattr(Store, "open", lambda path: real(path, busy_timeout=0.05))
    other = sqlite3.connect(paths.history_file(), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert fails(put(tmp_path / "x.json", [output(0)])).kind == "locked"
    finally:
        other.close()


def test_kill_9_at_any_moment_leaves_all_or_nothing(tmp_path: Path) -> None:
    """Whatever was there before stays, and the import is whole or not there at all."""
    filled()
    path = history_file(tmp_path, 150)
    n_before = 1
    n_new = sum(line.startswith(b'{"type":"session"') for line in path.read_bytes().splitlines())
    outcomes = set()
    code = (
        "import sys; from urial_tui.cli.exchange.importing import import_command as c; "
        "sys.stdout.write('begun\\n'); sys.stdout.flush(); c.main(['--as-new', sys.argv[1]])"
    )
    expected = n_before
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, env=os.environ
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.random() * 0.6)  # the moment is the point of this test
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        with Store.open(paths.history_file()) as store:
            assert store.check() == []
            found = store.stats().sessions
        assert found in (expected, expected + n_new)
        outcomes.add(found - expected)
        expected = found
    assert outcomes <= {0, n_new}


def test_lines_of_json_are_read_too(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", lines([output(0), output(1)]))
    assert "(alpaca-eval: 1 run)" in call(path).stdout
