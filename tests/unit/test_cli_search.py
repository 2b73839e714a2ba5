"""`urial-tui search`: hits by session, safe to print, and as JSON."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from urial_tui import paths
from urial_tui.cli.history.search import search
from urial_tui.errors import UsageError
from urial_tui.store.store import Store


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path))


@pytest.fixture
def ids() -> list[str]:
    """Two sessions: one with four messages about zebras, one that is called so."""
    with Store.open(paths.history_file()) as store:
        about = store.create_session("demo", "animals\x1b[31m")
        for n in range(4):
            store.add_user_message(about.id, None, f"zebra number {n}\nwith \x1b[31mred\u202e")
        titled = store.create_session("smol", "The zebra")
        return [about.id, titled.id]


def run(*arguments: str, color: bool = False) -> Result:
    return CliRunner().invoke(search, arguments, catch_exceptions=False, color=color)


def test_hits_are_printed_below_their_session_with_nothing_that_a_terminal_obeys(
    ids: list[str],
) -> None:
    lines = run("zebra").output.splitlines()
    assert lines[0] == f"{ids[1]}  The zebra"
    assert lines[1].startswith(f"{ids[0]}  animals")
    assert len([line for line in lines if "number" in line]) == 3
    assert lines[-1] == "    and 1 more"
    text = run("zebra").output
    assert "\x1b" not in text and "\u202e" not in text and "\x02" not in text


def test_matches_are_bold_on_a_terminal(ids: list[str]) -> None:
    assert "        \x1b[1mzebra\x1b[0m number 3" in run("zebra", color=True).output
    assert "The \x1b[1mzebra\x1b[0m" in run("zebra", color=True).output


def test_hits_as_json_say_where_to_jump_and_where_the_match_is(ids: list[str]) -> None:
    output = run("zebra", "--json").output
    assert output.isascii() and "\x1b" not in output
    titled, *hits = json.loads(output)
    assert titled == {
        "session_id": ids[1],
        "message_id": None,
        "title": "The zebra",
        "snippet": "The zebra",
        "role": None,
        "created_at": "",
        "more": 0,
        "matches": [[4, 9]],
    }
    with Store.open(paths.history_file(), readonly=True) as store:
        messages = {m.id: m for m in store.messages(ids[0])}
    assert [hit["more"] for hit in hits] == [0, 0, 1]
    for hit in hits:
        message = messages[hit["message_id"]]
        assert (hit["role"], hit["created_at"]) == ("user", message.created_at)
        assert hit["snippet"] in message.content
        assert [hit["snippet"][a:b] for a, b in hit["matches"]] == ["zebra"]


def test_the_search_can_be_limited_and_narrowed(ids: list[str]) -> None:
    assert len(json.loads(run("zebra", "--json", "--limit", "2").output)) == 2
    (hit,) = json.loads(run("zebra", "--json", "--side", "smol").output)
    assert hit["session_id"] == ids[1]
    assert run("zebra", "--tag", "none").output == "Nothing matches.\n"
    with Store.open(paths.history_file()) as store:
        store.bin_session(ids[1])
    (hit,) = json.loads(run("zebra", "--json", "--deleted").output)
    assert hit["session_id"] == ids[1]


def test_what_is_typed_is_text(ids: list[str]) -> None:
    for query in ('"', "NEAR(a b)", "content:zebra", "zebra AND", "a*", "-zebra"):
        assert run("--", query).exit_code == 0


@pytest.mark.parametrize("query", ["", "  ", "\udcff"])
def test_what_is_no_query_is_refused(query: str) -> None:
    with pytest.raises(UsageError):
        run(query)


def test_without_a_history_nothing_matches_and_nothing_is_made(tmp_path: Path) -> None:
    assert run("zebra").output == "Nothing matches.\n"
    assert json.loads(run("zebra", "--json").output) == []
    assert list(tmp_path.iterdir()) == []


def test_the_query_takes_the_filters_of_the_interface(ids: list[str]) -> None:
    with Store.open(paths.history_file()) as store:
        store.set_pinned(ids[1], True)
    (hit,) = json.loads(run("is:pinned", "--json").output)
    assert (hit["session_id"], hit["message_id"], hit["title"]) == (ids[1], None, "The zebra")
    assert run("is:pinned").output == f"{ids[1]}  The zebra\n"
    (hit,) = json.loads(run("zebra side:smol", "--json").output)
    assert hit["session_id"] == ids[1]
    assert run("zebra side:smol", "--tag", "none").output == "Nothing matches.\n"
    assert run('"is:pined"').output == "Nothing matches.\n", "in quotes it is text"


@pytest.mark.parametrize(
    "query", ["is:pined", "since:foo", "score>x", "tag:", "shifted>200%", "zebra is:pined"]
)
def test_a_filter_that_means_nothing_is_refused_with_what_it_is_for(query: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(query)
    assert " is for " in caught.value.hint


def test_a_filter_and_an_option_that_disagree_are_refused(ids: list[str]) -> None:
    with pytest.raises(UsageError, match="two different things of: side"):
        run("zebra side:smol", "--side", "demo")
    assert run("zebra side:smol", "--side", "smol").exit_code == 0
    assert run("is:deleted", "--archived").output == "Nothing matches.\n"
