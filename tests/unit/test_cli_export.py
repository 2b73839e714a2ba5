"""`urial-tui export`: what it writes, what it says, and that it changes nothing."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.just_eval_rules import check_judgements, load_outputs
from tests.support.store_runs import OK, answer_all, judgement, make_run
from urial_tui import paths
from urial_tui.cli.export import export
from urial_tui.errors import ExchangeError, StoreError
from urial_tui.store.run_types import Run
from urial_tui.store.store import Store


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))


@pytest.fixture
def stored() -> Run:
    with Store.open(paths.history_file()) as store:
        run = make_run(store, name="my \x1b[31mrun")
        rows = answer_all(store, run)
        store.save_judgement(judgement(rows[0].message_id, scores=(OK,)))
        return run


def run(folder: Path, *arguments: str) -> Result:
    command = ["--format", "just-eval", "-o", str(folder), *arguments]
    return CliRunner().invoke(export, command, catch_exceptions=False)


def test_it_writes_and_names_the_files(stored: Run, tmp_path: Path) -> None:
    before = paths.history_file().read_bytes()
    result = run(tmp_path / "out", "--run", "last")
    assert result.exit_code == 0
    paths_ = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in paths_] == [
        "my-31mrun_demo-urial-general.json",
        "my-31mrun_demo-urial-general_smol-chat_score-multi.json",
        "my-31mrun_demo-zero-shot.json",
    ]
    for path, rows in zip(paths_, ("3 rows", "1 row", "3 rows"), strict=True):
        assert f"{path}  ({rows})" in result.output
    assert "only the first" in result.stderr
    assert "\x1b" not in result.output
    load_outputs(paths_[0])
    check_judgements(paths_[1])
    assert paths.history_file().read_bytes() == before


def test_as_json_it_says_what_is_in_each_file(stored: Run, tmp_path: Path) -> None:
    said = json.loads(run(tmp_path, "--run", stored.id, "--side", "1", "--json").stdout)
    assert (said["run"], said["format"]) == (stored.id, "just-eval")
    assert [(f["kind"], f["side"], f["rows"]) for f in said["files"]] == [
        ("outputs", "demo@urial-general", 3),
        ("judgements", "demo@urial-general", 1),
    ]
    assert (said["files"][1]["judge"], said["files"][1]["mode"]) == ("smol@chat", "score_multi")
    assert all(Path(file["path"]).is_file() for file in said["files"])
    assert said["notes"]


def test_files_that_are_there_are_replaced_by_force_alone(stored: Run, tmp_path: Path) -> None:
    run(tmp_path, "--run", "last", "--what", "outputs")
    with pytest.raises(ExchangeError) as refused:
        run(tmp_path, "--run", "last")
    assert refused.value.kind == "exists"
    assert "--force" in refused.value.hint
    assert run(tmp_path, "--run", "last", "--force").exit_code == 0


def test_without_a_run_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as missing:
        run(tmp_path / "out", "--run", "last")
    assert missing.value.kind == "missing"
    assert not list(tmp_path.iterdir())
    assert run(tmp_path, "--format", "xml", "--run", "x").exit_code == 2
