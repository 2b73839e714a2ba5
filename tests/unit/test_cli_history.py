"""`urial-tui history`: what is stored, as text that is safe to print and as JSON."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.store_rows import END, START, tokens
from tests.support.store_runs import judgement
from tests.support.store_traces import SCORES
from tests.support.store_traces import START as TRACE_START
from urial_tui import paths
from urial_tui.cli.history.command import history
from urial_tui.cli.history.search import search
from urial_tui.errors import StoreError
from urial_tui.store.database.ids import stamp
from urial_tui.store.store import Store
from urial_tui.store.types import Session


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path))


@pytest.fixture
def walking() -> Session:
    with Store.open(paths.history_file()) as store:
        session = store.create_session("demo@urial-general")
        question = store.add_user_message(session.id, None, "Why walk?")
        for text, status in (
            ("It is healthy.", "complete"),
            ("Because \x1b[31mred\u202e", "stopped"),
        ):
            answer = store.begin_answer(session.id, question.id)
            generation = store.begin_generation(answer.id, START)
            store.append_tokens(answer.id, generation, tokens(0, 1, text), text)
            store.finish_answer(answer.id, generation, status, END)  # type: ignore[arg-type]
        return store.session(session.id)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(history, arguments, catch_exceptions=False)


def test_without_a_history_the_list_is_empty_and_nothing_is_made(tmp_path: Path) -> None:
    assert run("list").output == "No sessions yet.\n"
    assert json.loads(run("list", "--json").output) == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreError) as missing:
        run("show", "last")
    assert missing.value.kind == "missing"


def test_the_list_names_each_session(walking: Session) -> None:
    output = run("list").output
    assert walking.id in output
    assert "3 messages" in output
    assert "Why walk?" in output


def test_the_list_as_json_is_an_array(walking: Session) -> None:
    (row,) = json.loads(run("list", "--json").output)
    assert row == {
        "id": walking.id,
        "title": "Why walk?",
        "side": "demo@urial-general",
        "created_at": walking.created_at,
        "updated_at": walking.updated_at,
        "leaf_id": walking.leaf_id,
        "n_messages": 3,
        "archived": False,
        "run_id": None,
        "pinned": False,
        "tags": [],
        "deleted_at": None,
        "origin": {},
    }


def test_the_list_can_be_searched_and_limited(walking: Session) -> None:
    with Store.open(paths.history_file()) as store:
        newer = store.create_session("demo", "Swimming")
    assert [row["id"] for row in json.loads(run("list", "--json", "--limit", "1").output)] == [
        newer.id
    ]
    (row,) = json.loads(run("list", "--json", "--search", "healthy").output)
    assert (row["id"], row["snippet"]) == (walking.id, "It is healthy.")
    assert "It is healthy." in run("list", "--search", "healthy").output
    assert run("list", "--search", "cycling").output == "No session matches.\n"
    assert run("list", "--search", "healthy is:pinned").output == "No session matches.\n"
    assert "It is healthy." in run("list", "--search", "healthy since:1d").output
    assert run("list", "--limit", "0").exit_code == 2


def test_show_prints_the_last_branch_with_nothing_that_a_terminal_obeys(walking: Session) -> None:
    output = run("show", "last").output
    assert "Why walk?" in output
    assert "[stopped]" in output
    assert "red" in output
    assert "It is healthy." not in output
    assert "\x1b" not in output
    assert "\u202e" not in output


def test_show_can_print_all_branches(walking: Session) -> None:
    output = run("show", walking.id, "--all-branches").output
    assert "It is healthy." in output
    assert "Answer 2 (after 1):" in output
    assert "Answer 3 (after 1) [stopped]:" in output


def test_show_as_json_has_the_raw_text_and_where_it_came_from(walking: Session) -> None:
    output = run("show", walking.id[:-1], "--json").output
    assert output.isascii()
    assert "\x1b" not in output
    shown = json.loads(output)
    assert shown["session"]["id"] == walking.id
    question, answer = shown["messages"]
    assert (question["role"], question["generation"]) == ("user", None)
    assert answer["content"] == "Because \x1b[31mred\u202e"
    assert answer["generation"]["start"]["model_sha256"] == "ab" * 32
    assert answer["generation"]["end"]["finish_reason"] == "stop"
    assert "prompt_ids" not in answer["generation"]["start"]


def test_show_works_beside_a_writer_and_says_so(walking: Session) -> None:
    with Store.open(paths.history_file()) as store:
        store.lock(walking.id, "urial-tui")
        assert "Open in urial-tui (process " in run("show", "last").output


def test_show_goes_to_a_message_that_a_search_has_found(walking: Session) -> None:
    (hit,) = json.loads(
        CliRunner().invoke(search, ["healthy", "--json"], catch_exceptions=False).output
    )
    output = run("show", hit["session_id"], "--message", hit["message_id"]).output
    assert "It is healthy." in output
    assert "Because" not in output
    for message, kind in (("zzz", "not-found"), ("0", "ambiguous"), (" ", "not-found")):
        with pytest.raises(StoreError) as refused:
            run("show", "last", "--message", message)
        assert refused.value.kind == kind


def titles(*arguments: str) -> list[str]:
    return [row["title"] for row in json.loads(run("list", "--json", *arguments).output)]


def test_the_list_can_be_narrowed_by_each_filter(walking: Session) -> None:
    with Store.open(paths.history_file()) as store:
        other = store.create_session("smol@chat", "Swimming")
        answer = store.branch(walking.leaf_id or "")[-1].id
        store.save_judgement(judgement(answer))
        trace = store.begin_trace(answer, TRACE_START)
        store.append_scores(trace, SCORES, {})
        store.finish_trace(trace, complete=True, timings={})
        store.add_tag(walking.id, "a")
        store.add_tag(walking.id, "b")
        store.set_pinned(walking.id, True)
        old = store.create_session("smol@chat", "Running")
        store.set_archived(old.id, True)
        store.bin_session(store.create_session("smol@chat", "Cycling").id)
        store._db.execute(
            "UPDATE session SET updated_at = '2026-01-02T12:00:00.000Z' WHERE id = ?", (other.id,)
        )
    assert titles() == ["Why walk?", "Swimming"]
    assert titles("--offset", "1") == ["Swimming"]
    for options in (
        ["--side", "URIAL"],
        ["--pack", "general"],
        ["--tag", "a", "--tag", "B"],
        ["--since", "1h"],
        ["--since", "2d"],
        ["--min-score", "4"],
        ["--max-score", "4"],
        ["--min-shifted", "25%"],
        ["--max-shifted", "0.25"],
        ["--pinned"],
    ):
        assert titles(*options) == ["Why walk?"], options
    for options in (
        ["--until", "2026-01-03"],
        ["--until", "1w ago", "--since", "2026-01-01T00:00Z"],
    ):
        assert titles(*options) == ["Swimming"], options
    assert titles("--archived") == ["Running"]
    assert titles("--deleted") == ["Cycling"]
    assert (
        titles("--min-score", "4.5") == titles("--max-shifted", "1%") == titles("--tag", "c") == []
    )
    assert run("list", "--tag", "c").output == "No session matches.\n"
    assert run("list", "--offset", "9").output == "No session behind those.\n"
    output = run("list", "--limit", "1").output
    assert "Why walk?  #a  #b  [pinned]" in output
    assert "1 of 2; --offset 1 goes on." in output


@pytest.mark.parametrize(
    "options",
    [("--since", "yesterday"), ("--until", "2026-13-01"), ("--since", ""), ("--since", "99999999w"),
     ("--min-score", "0"), ("--max-score", "6"), ("--min-score", "nan"), ("--min-shifted", "101%"),
     ("--max-shifted", "-1"), ("--min-shifted", "nan"), ("--min-shifted", "x"), ("--offset", "-1")],
)  # fmt: skip
def test_what_is_no_bound_is_refused_by_its_option(options: tuple[str, str]) -> None:
    result = run("list", *options)
    assert result.exit_code == 2
    assert options[0] in result.output


def test_a_day_is_meant_whole() -> None:
    with Store.open(paths.history_file()) as store:
        session = store.create_session("demo", "Swimming")
        noon = datetime(2026, 1, 2, 12).astimezone()
        store._db.execute(
            "UPDATE session SET updated_at = ? WHERE id = ?", (stamp(noon), session.id)
        )
    assert titles("--since", "2026-01-02", "--until", "2026-01-02") == ["Swimming"]
    assert titles("--until", "2026-01-01") == titles("--since", "2026-01-03") == []


def test_the_first_and_the_last_day_of_the_calendar_are_bounds_and_are_shown() -> None:
    with Store.open(paths.history_file()) as store:
        first = store.create_session("demo", "Swimming")
        assert titles("--since", "0001-01-01", "--until", "9999-12-31") == ["Swimming"]
        for time in ("0001-01-01T00:00:00.000+14:00", "9999-12-31T23:59:59.999-12:00"):
            store._db.execute("UPDATE session SET updated_at = ? WHERE id = ?", (time, first.id))
            assert time in run("list").output


def test_an_old_title_of_a_megabyte_takes_one_line_and_a_new_one_is_refused() -> None:
    with Store.open(paths.history_file()) as store:
        session = store.create_session("demo", "Swimming " * 100_000)
        store.add_user_message(session.id, None, "How do I begin?")
    for shown in (run("list"), run("show", session.id), run("archive", session.id)):
        assert shown.exit_code == 0 and len(shown.output) < 500 and "Swimming" in shown.output
    with pytest.raises(StoreError, match="1,000 characters is too long"):
        run("rename", session.id, "x" * 1000)


def test_the_commands_load_neither_the_store_nor_textual_for_their_help() -> None:
    code = (
        "import sys; from urial_tui.cli.history import command as history; from urial_tui.cli.history import search; "
        "assert not {'sqlite3', 'sqlite_utils', 'textual', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
