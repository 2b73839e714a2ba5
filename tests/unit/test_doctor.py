"""The doctor finds what is broken: a model that does not run, a search index that is not that of the texts."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support import tinygguf
from tests.support.full_history import at_version
from tests.support.scripted_engine import CPU_DEVICE, ScriptedEngine
from urial_tui.cli.common import engine_access
from urial_tui.cli.common.engine_access import Loaded, try_demo
from urial_tui.cli.doctor import command as module
from urial_tui.engine.protocol import Description
from urial_tui.errors import EngineError
from urial_tui.models import demo
from urial_tui.settings import Settings
from urial_tui.store.database import connection
from urial_tui.store.store import Store

Check = dict[str, Any]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    description = Description(1, "0.3.36", "AVX2 = 1", False, (CPU_DEVICE,), (), ("CPU",))
    monkeypatch.setattr(engine_access, "describe", lambda: description)
    return tmp_path / "home"


@pytest.fixture
def assembled(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small model in the place of the embedded one, verified as far as anybody asks."""
    demo.demo_path().parent.mkdir(parents=True)
    monkeypatch.setattr(demo, "is_assembled", lambda: True)
    monkeypatch.setattr(demo, "demo_model", demo.demo_path)
    return tinygguf.write_model(demo.demo_path())


def checks(group: str) -> list[Check]:
    report = json.loads(CliRunner().invoke(module.doctor, ["--json"]).stdout)
    return [check for check in report["checks"] if check["group"] == group]


def named(group: str, name: str) -> Check:
    (found,) = [check for check in checks(group) if check["name"] == name]
    return found


@pytest.mark.usefixtures("assembled")
def test_the_embedded_model_is_loaded_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_access, "try_demo", lambda settings: Loaded(0.25, 3, "CPU"))
    assert "loaded in 0.25 s" in named("models", "demo runs")["detail"]


@pytest.mark.usefixtures("assembled")
def test_an_embedded_model_that_does_not_load_is_a_failure_and_hides_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(settings: Settings) -> Loaded:
        raise EngineError("not enough memory", hint="Lower n_ctx.")

    monkeypatch.setattr(engine_access, "try_demo", broken)
    found = named("models", "demo runs")
    assert (found["status"], found["detail"]) == ("fail", "not enough memory")
    assert found["hint"] == "Lower n_ctx."
    assert named("models", "library")["status"] == "ok"


def test_a_model_that_is_not_put_together_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(settings: Settings) -> Loaded:
        raise AssertionError

    monkeypatch.setattr(engine_access, "try_demo", never)
    assert not [check for check in checks("models") if check["name"] == "demo runs"]


@pytest.mark.usefixtures("assembled")
def test_trying_the_model_opens_it_with_the_settings_and_splits_a_word(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ScriptedEngine([])
    monkeypatch.setattr(engine_access, "EngineClient", lambda: engine)
    loaded = try_demo(Settings(n_ctx=256, pack="no-such-pack"))
    assert loaded.load_s == 0.5
    assert loaded.tokens > 0
    assert [call.name for call in engine.calls] == ["open", "tokenize"]
    assert engine.calls[0].spec.n_ctx == 256
    assert engine.closed
    assert not (home / "state").exists()


def test_a_judge_and_references_that_are_not_there_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(demo, "is_installed", lambda: True)
    monkeypatch.setenv("URIAL_TUI_JUDGE", "nobody")
    monkeypatch.setenv("URIAL_TUI_REFERENCES", '["demo@raw", "demo@nonsense", "nonsense@same"]')
    judge = named("models", "judge")
    assert judge["status"] == "fail" and "nobody" in judge["detail"]
    assert judge["hint"].endswith("Or change the environment variable URIAL_TUI_JUDGE.")
    right, style, model = [one for one in checks("models") if one["name"] == "reference"]
    assert right["status"] == "ok"
    assert (style["status"], model["status"]) == ("fail", "fail")
    assert "demo@nonsense" in style["detail"] and "nonsense@same" in model["detail"]
    assert "URIAL_TUI_REFERENCES" in model["hint"]


def test_a_side_and_a_pack_of_the_settings_that_are_not_there_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(demo, "is_installed", lambda: True)
    assert (named("models", "side")["status"], named("packs", "default pack")["status"]) == (
        "ok",
        "ok",
    )
    monkeypatch.setenv("URIAL_TUI_PACK", "nope")
    for side, words in (("demo@nono", "no pack 'nono'"), ("nobody", "nobody")):
        monkeypatch.setenv("URIAL_TUI_SIDE", side)
        found = named("models", "side")
        assert found["status"] == "fail"
        assert found["detail"].startswith(f"{side}: ") and words in found["detail"]
        assert found["hint"].endswith("Or change the environment variable URIAL_TUI_SIDE.")
        assert named("models", "library")["status"] == "ok"
    pack = named("packs", "default pack")
    assert (pack["status"], pack["detail"]) == ("fail", "there is no pack 'nope'")
    assert pack["hint"].endswith("Or change the environment variable URIAL_TUI_PACK.")


def test_the_style_same_is_for_references_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "is_installed", lambda: True)
    monkeypatch.setenv("URIAL_TUI_JUDGE", "demo@same")
    monkeypatch.setenv("URIAL_TUI_REFERENCES", "demo@same")
    assert named("models", "judge")["status"] == "fail"
    assert named("models", "reference")["status"] == "ok"


@pytest.fixture
def history(home: Path) -> Path:
    path = home / "data" / "history.db"
    with Store.open(path) as store:
        session = store.create_session("demo")
        store.add_user_message(session.id, None, "a question about walking")
    return path


def test_a_whole_history_is_whole_and_stays_as_it_is(history: Path) -> None:
    before = history.read_bytes()
    found = named("history", "database")
    assert (found["status"], "no problems" in found["detail"]) == ("ok", True)
    assert named("history", "search index")["status"] == "ok"
    assert history.read_bytes() == before


def test_an_old_history_that_cannot_be_written_is_checked_as_a_copy_and_that_is_said(
    history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_version(history.with_name("old.db"), 5, history).replace(history)
    real = connection.uri
    monkeypatch.setattr(connection, "uri", lambda path, _mode: real(path, "ro"))
    assert named("history", "database")["status"] == "ok"
    assert named("history", "search index")["status"] == "ok"
    found = named("history", "version")
    assert found["status"] == "warn"
    assert "must be brought up to date from schema 5" in found["detail"]
    assert found["hint"]


def test_a_search_index_of_other_texts_is_found(history: Path) -> None:
    raw = sqlite3.connect(history)
    raw.execute("DROP TRIGGER message_fts_update")
    raw.execute("UPDATE message SET content = 'other words'")
    raw.commit()
    raw.close()
    assert named("history", "database")["status"] == "ok"
    found = named("history", "search index")
    assert found["status"] == "fail"
    assert "message_fts" in found["detail"]
    assert found["hint"]


def test_a_history_too_large_to_copy_says_what_was_not_checked(
    history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INDEX_CHECK_BYTES", 10)
    found = named("history", "search index")
    assert (found["status"], "not checked" in found["detail"]) == ("ok", True)


def test_a_damaged_history_is_a_failure(history: Path) -> None:
    data = bytearray(history.read_bytes())
    data[4096 * 2 : 4096 * 6] = b"\xff" * (4096 * 4)
    history.write_bytes(data)
    assert "fail" in {check["status"] for check in checks("history")}


def test_a_place_where_no_folder_can_be_made_is_a_failure_and_not_a_lack_of_space(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("there is no such place here")
    monkeypatch.setenv("URIAL_TUI_HOME", "/proc/nope")
    for found in checks("paths"):
        assert found["status"] == "fail"
        assert "/proc/nope" in found["detail"] and "free" not in found["detail"]
        assert "URIAL_TUI_HOME" in found["hint"] and "space" not in found["hint"]


def test_a_place_that_does_not_say_its_size_is_no_problem(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    nothing = type(module.shutil.disk_usage("/"))(0, 0, 0)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: nothing)
    assert {found["status"] for found in checks("paths")} == {"ok"}
    assert all("free space unknown" in found["detail"] for found in checks("paths"))
    assert list(home.iterdir()) == []


def test_a_folder_that_cannot_be_looked_into_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "config").mkdir(parents=True)
    may = module.os.access
    monkeypatch.setattr(
        module.os, "access", lambda path, mode: may(path, mode) and not mode & module.os.R_OK
    )
    found = named("paths", "config")
    assert found["status"] == "fail" and f"{home / 'config'} is not readable" in found["detail"]
    assert named("paths", "data")["status"] == "ok"
