"""`urial-tui export`: what it writes, what it says, and that it changes nothing."""

import csv
import errno
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.full_history import at_version
from tests.support.just_eval_rules import check_judgements, load_outputs
from tests.support.store_rows import say
from tests.support.store_runs import OK, answer_all, judgement, make_run
from urial_tui import paths
from urial_tui.cli.exchange.export import _print, export
from urial_tui.errors import ExchangeError, StoreError, UsageError
from urial_tui.exchange.exports import Wanted
from urial_tui.exchange.formats import EXPORTERS
from urial_tui.exchange.sources import source_of_sessions
from urial_tui.store.database import files as database_files
from urial_tui.store.runs.types import Run
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


def test_without_a_history_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as missing:
        run(tmp_path / "out", "--run", "last")
    assert missing.value.kind == "missing"
    assert not list(tmp_path.iterdir())
    assert run(tmp_path, "--format", "xml", "--run", "x").exit_code == 2


# --- conversations


@pytest.fixture
def talks() -> dict[str, str]:
    """Ids by title."""
    with Store.open(paths.history_file()) as store:
        ids = {}
        for title, text in (("Walks", "on foot"), ("Cars", "by road"), ("Esc", "\x1b[31mred")):
            ids[title] = store.create_session("demo@urial-general", title).id
            say(store, ids[title], None, f"about {title}?", text)
        store.add_tag(ids["Cars"], "work")
        return ids


def call(*arguments: str) -> Result:
    return CliRunner().invoke(export, arguments, catch_exceptions=False)


def test_one_conversation_is_a_file_and_several_are_a_folder(
    talks: dict[str, str], tmp_path: Path
) -> None:
    target = tmp_path / "talk.txt"
    one = ("--format", "markdown", "--session", talks["Walks"])
    assert f"{target}  (" in call(*one, "-o", str(target)).output
    assert "on foot" in target.read_text()
    call(*one, "--session", talks["Cars"], "-o", str(tmp_path / "both"))
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["Cars.md", "Walks.md"]
    call("--format", "markdown", "--search", "walks", "-o", str(tmp_path / "found"))
    assert [path.name for path in (tmp_path / "found").iterdir()] == ["Walks.md"]
    call(*one, "-o", str(tmp_path / "found"), "--force")  # a folder that is there
    assert [path.name for path in (tmp_path / "found").iterdir()] == ["Walks.md"]


def test_what_is_counted_is_called_by_its_name(talks: dict[str, str], tmp_path: Path) -> None:
    """A question and its answer are two messages and one answer on a page."""
    one = ("--session", talks["Walks"])
    said = call("--format", "markdown", *one, "-o", str(tmp_path / "a.md")).output
    assert said == f"{tmp_path / 'a.md'}  (2 messages)\n"
    said = call("--format", "markdown", *one, "-o", str(tmp_path / "b.md"), "--json").output
    assert [file["rows"] for file in json.loads(said)["files"]] == [2]
    page = tmp_path / "a.html"
    assert call("--format", "html", *one, "-o", str(page)).output == f"{page}  (1 answer)\n"
    table = tmp_path / "m.csv"
    said = call("--format", "csv", "--what", "messages", *one, "-o", str(table)).output
    assert said == f"{table}  (2 rows)\n"


def test_no_name_is_no_place(
    talks: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match="-o names no place"):
        call("--format", "html", "--all", "-o", "")
    assert sorted(tmp_path.iterdir()) == before


def test_a_search_a_tag_and_all_choose_conversations(talks: dict[str, str], tmp_path: Path) -> None:
    def titles(*arguments: str) -> list[str]:
        said = call(
            "--format",
            "csv",
            "--what",
            "messages",
            "--force",
            "-o",
            str(tmp_path / "t.csv"),
            *arguments,
        )
        assert said.exit_code == 0
        with (tmp_path / "t.csv").open(newline="") as file:
            return sorted({row["title"] for row in csv.DictReader(file)})

    assert titles("--search", "road") == ["Cars"]
    assert titles("--all", "--tag", "work") == ["Cars"]
    assert titles("--all") == ["Cars", "Esc", "Walks"]
    assert titles("--session", talks["Esc"][:25]) == ["Esc"]
    with pytest.raises(ExchangeError) as nothing:
        titles("--all", "--tag", "nowhere")
    assert nothing.value.kind == "nothing"


def test_all_has_the_archive_and_says_what_it_has_not(
    talks: dict[str, str], tmp_path: Path
) -> None:
    with Store.open(paths.history_file()) as store:
        store.set_archived(talks["Walks"], True)
        store.bin_session(talks["Esc"])
        make_run(store)
    said = call("--format", "jsonl", "--all", "-o", str(tmp_path / "all.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert {row["title"] for row in rows if "title" in row} == {"Cars", "Walks"}
    assert "the bin is left out (1)" in said.stderr
    assert "runs are left out (1)" in said.stderr


def test_one_file_goes_to_standard_output(talks: dict[str, str]) -> None:
    said = call("--format", "markdown", "--session", talks["Walks"], "-o", "-")
    assert said.stdout.startswith('---\ntitle: "Walks"')
    page = call("--format", "html", "--all", "-o", "-")
    assert page.stdout.startswith("<!doctype html>")
    raw = call("--format", "csv", "--what", "messages", "--session", talks["Esc"], "-o", "-")
    assert "\x1b[31mred" in raw.stdout


def test_a_terminal_gets_nothing_that_it_would_obey(
    talks: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(paths.history_file(), readonly=True) as store:
        source = source_of_sessions(store, [talks["Esc"]])
        made = EXPORTERS["csv"].export(source, Wanted(what="messages"))
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        _print(made)
    out = capsys.readouterr().out
    assert "red" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--run", "last", "--all"),
        ("--session", "x", "--search", "y"),
        ("--search", " "),
        ("--run", "last", "--tag", "t"),
    ],
)
def test_what_to_export_is_said_in_one_way(
    arguments: tuple[str, ...], stored: Run, tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        run(tmp_path / "out", *arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("format_", "arguments", "says"),
    [
        ("just-eval", ("-o", "-"), "folder of files"),
        ("markdown", ("-o", "-"), "folder of files"),
        ("csv", ("-o", "-"), "folder of files"),
        ("html", ("-o", "-", "--json"), "--json writes"),
        ("html", ("-o", "x", "--what", "tokens"), "html has no part tokens"),
        ("csv", ("-o", "x", "--what", "outputs"), "csv has no part outputs"),
        ("markdown", ("-o", "x", "--judge", "nobody"), "markdown has nothing that a judge said"),
        ("html", ("-o", "x", "--judge", "nobody"), "html has nothing that a judge said"),
        ("csv", ("-o", "x", "--what", "messages", "--judge", "nobody"), "messages of csv have"),
        ("just-eval", ("-o", "x", "--what", "outputs", "--judge", "nobody"), "outputs of just"),
        ("just-eval", ("-o", "x", "--all-branches"), "just-eval has no choice of branches"),
        ("mt-bench", ("-o", "x", "--all-branches"), "mt-bench has no choice of branches"),
        ("jsonl", ("-o", "x", "--all-branches"), "jsonl has no choice of branches"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    format_: str, arguments: tuple[str, ...], says: str, stored: Run
) -> None:
    with pytest.raises(UsageError, match=says):
        call("--format", format_, "--run", "last", *arguments)


def test_an_old_history_that_cannot_be_written_is_exported_from_a_copy_and_that_is_said(
    talks: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = paths.history_file().rename(tmp_path / "newer.db")
    at_version(paths.history_file(), 5, newer)
    before = paths.history_file().read_bytes()

    def refuse(target: Path) -> tuple[int, Path]:
        raise PermissionError(errno.EACCES, "Permission denied", str(target))

    monkeypatch.setattr(database_files, "new_part", refuse)
    done = call("--format", "jsonl", "--all", "-o", str(tmp_path / "all.jsonl"))
    assert done.exit_code == 0
    assert "older version and was read as a copy in memory" in done.stderr
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) > 1
    assert paths.history_file().read_bytes() == before


def test_a_conversation_that_is_not_there_is_named(talks: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(StoreError) as missing:
        call("--format", "html", "--session", "zzz", "-o", str(tmp_path / "x.html"))
    assert missing.value.kind == "not-found"
    assert not (tmp_path / "x.html").exists()
