"""The board's outputs: what fits 80 columns, what stays data in every format, which files are written, and refusals."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from tests.support.boards import JUST_EVAL, SMOL, ZOE, compared, judged, material, pick
from tests.support.full_history import at_version
from tests.support.store_runs import (
    PERSON,
    RUBRIC,
    answer_all,
    comparison,
    judgement,
    make_run,
)
from urial_tui import paths
from urial_tui.cli.board.as_csv import CSV_COLUMNS, board_csv, csv_cell
from urial_tui.cli.board.as_html import page
from urial_tui.cli.board.as_json import board_dict
from urial_tui.cli.board.as_markdown import board_markdown, escaped
from urial_tui.cli.board.as_text import bar, board_text
from urial_tui.cli.board.command import board as command
from urial_tui.errors import UrialError
from urial_tui.judge.board.building import build
from urial_tui.judge.board.types import Board
from urial_tui.judge.published import published_tables
from urial_tui.store.database import connection
from urial_tui.store.judging.types import AspectScore, JudgeInfo
from urial_tui.store.runs.types import AnswerShift, RunItem
from urial_tui.store.store import Store

HOSTILE = "=cmd|x </title><script>alert(1)</script> [a](http://e.x) | `b` \x1b[31m\u202egnp\nnext __BODY__"


def small() -> Board:
    given = [
        judged("0.0", clarity=4, depth=2.5),
        judged("0.1", clarity=5, depth="na"),
        judged("1.0", clarity=2, depth=1.5, own=True),
        judged("1.1", clarity="invalid", depth="refused"),
        judged("0.0", ZOE, clarity=4),
        judged("1.0", ZOE, clarity=1),
    ]
    depth = replace(given[0].scores[1], probabilities=(0.1, 0.4, 0.3, 0.1, 0.0))
    given[0] = replace(given[0], scores=(given[0].scores[0], depth))
    pairs = [replace(compared("0.0", "1.0", pick("clarity", "a", "a")), own=True)]
    shifts = [AnswerShift("0.0", "demo@raw", 8, 1, 1, 0.5)]
    return build(material(given, pairs, n=2, shifts=shifts))


def two_wordings() -> Board:
    """Both judges by one wording, one of them by another with the same id and version."""
    other = replace(JUST_EVAL, hash="cc" * 32)
    given = [judged(f"0.{n}", judge, clarity=4) for n in range(2) for judge in (SMOL, ZOE)]
    return build(material([*given, judged("0.0", rubric=other, clarity=2)], n=2))


def hostile() -> Board:
    judge = replace(SMOL, judge=HOSTILE, provenance={HOSTILE: HOSTILE})
    rubric = replace(JUST_EVAL, id=HOSTILE)
    score = AspectScore(HOSTILE, "ok", 3, 3.5)
    given = [
        replace(judged("0.0", judge, rubric), scores=(score,)),
        replace(judged("0.0", JudgeInfo("person", HOSTILE, "p"), rubric), scores=(score,)),
    ]
    item = RunItem(0, 0, ("q",), category=HOSTILE)
    shifts = [AnswerShift("0.0", HOSTILE, 8, 1, 1, 0.5)]
    pairs = [replace(compared("0.0", "1.0", pick(HOSTILE, "a", "b")), judge=judge)]
    one = material(given, pairs, sides=(HOSTILE, "b"), items=[item], shifts=shifts, name=HOSTILE)
    return build(one, by="category")


# --- text


def test_the_board_as_text() -> None:
    text = board_text(small(), compatible=True)
    scores = text[text.index("just-eval v1 by smol") : text.index("just-eval v1 by Zoë")]
    lines = scores.splitlines()
    assert lines[1].split() == ["side", "clarity", "depth", "average"]
    assert lines[3].split() == ["A", "demo@urial-general", "4.50", "2.00", "3.25"]
    details = [re.sub(r"[█▌░]+", "", line).split() for line in lines if "░" in line]
    assert details == [
        ["clarity", "A", "4.50", "[4.00,", "5.00]", "2", "0", "0", "0", "-", "-"],
        ["B", "2.00", "-", "1", "0", "1", "0", "-", "-"],  # one item: no interval
        ["depth", "A", "2.00", "-", "1", "1", "0", "0", "2.50", "0.90"],
        ["B", "2.00", "-", "1", "0", "0", "1", "1.50", "-"],
        ["average", "A", "3.25", "-", "1", "-"],
        ["B", "2.00", "-", "1", "-"],
    ]
    assert "Judged by the model that wrote them: B 1. Such scores may be too kind." in text
    assert "Answers judged: A 2 of 2, B 2 of 2." in text
    assert "note: Some means are over fewer than 20 items (the fewest: 1)" in text
    assert "just-eval compatible: N/A counts as 5" in text
    assert "smol@chat and Zoë" in text and "Token shift" in text
    assert "A demo@urial-general against B demo@zero-shot" in text
    assert "just-eval compatible" not in board_text(small())


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(width: int) -> None:
    aspects = {f"aspect-{n}": n % 5 + 1 for n in range(9)}
    long = ('"/home/some one/models/llama:3/a-very-long-name.gguf"+lora@chat', "散步" * 40)
    wide = build(material([judged("0.0", **aspects), judged("1.0", **aspects)], sides=long))
    for board in (small(), hostile(), wide):
        text = board_text(board, width=width, published=published_tables(), compatible=True)
        assert all(cell_len(line) <= width for line in text.splitlines())
    for board in (small(), wide):
        text = board_text(board, width=width, compatible=True)
        assert not re.search(r"\d\.?…|\[\d[^\]\n]*…", text)
    text = board_text(wide, width=width)
    assert ("No room for: " in text and "aspect-8" in text) or width == 200
    assert "A …" in text or width == 200  # the letter stays, and the end of a path


def two_turns() -> Board:
    """Two items of two turns: A wins the first turn of each."""
    given = [judged(f"0.{i}{turn}", clarity=3) for i in range(2) for turn in ("", ".1")]
    pairs = [
        compared(f"0.{i}{turn}", f"1.{i}{turn}", pick("overall", winner, winner))  # type: ignore[arg-type]
        for i in range(2)
        for turn, winner in (("", "a"), (".1", "tie"))
    ]
    return build(material(given, pairs, n=2, turns=2))


def test_compared_answers_have_an_interval_and_what_weakens_them_in_80_columns() -> None:
    text = board_text(two_turns())
    duel = text[text.index("against B") : text.index("By turn")].splitlines()
    assert (
        duel[1] == "aspect   A wins   tie  B wins  margin        95 %  n  items  split  longer wins"
    )
    assert " ".join(duel[3].split()) == "overall 50 % 50 % 0 % +50 % [+50, +50] 4 2 0 100 % of 2"
    assert "own model" not in text
    text = board_text(small())
    assert "Pairs with an answer by the judge's own model: 1. It may favour its own." in text
    assert "aspect   A wins  tie  B wins  margin  95 %  n  split  longer wins" in text


def test_items_stand_beside_scores_where_an_item_has_several() -> None:
    text = board_text(two_turns(), width=100)
    head = next(line for line in text.splitlines() if "1 to 5" in line)
    assert head.split()[-5:] == ["n", "items", "N/A", "inv", "ref"]
    row = next(line for line in text.splitlines() if line.startswith("clarity  A  █"))
    assert row.split()[-5:] == ["4", "2", "0", "0", "0"]
    assert "items" not in board_text(small()).split("1 to 5")[1].splitlines()[0]


def test_expected_scores_and_their_mass_are_shown_where_a_judge_has_them() -> None:
    heads = [line for line in board_text(small()).splitlines() if "1 to 5" in line]
    assert [head.split()[-2:] for head in heads] == [["exp", "mass"], ["inv", "ref"]]
    assert "0.90" in board_markdown(small()) and "0.90" in page(small(), versions={})


def test_a_side_that_a_judge_has_not_judged_is_named() -> None:
    text = board_text(two_turns())
    assert "Answers judged: A 4 of 4, B 0 of 4." in text


def test_a_bar_is_empty_at_1_and_full_at_5() -> None:
    assert bar("1", 4) == "░░░░" and bar("5", 4) == "████" and bar("-", 4) == ""
    assert bar("3", 4) == "██░░" and bar("3.5", 4) == "██▌░" and bar("9", 4) == "████"


def test_plain_text_has_neither_colour_nor_more_than_ascii() -> None:
    text = board_text(small(), unicode=False)
    assert "\x1b" not in text and "#" in text
    assert text.replace("Zoë", "").isascii()
    assert "\x1b[" in board_text(small(), colour=True)
    bare = re.sub(r"\x1b\[[\d;]*m", "", board_text(small(), colour=True))
    assert [line.rstrip() for line in bare.splitlines()] == board_text(small()).splitlines()


# --- hostile texts


def test_hostile_names_reach_no_terminal() -> None:
    text = board_text(hostile(), width=200)
    assert "\x1b" not in text and "\u202e" not in text and "␛" in text


class _Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_runs_nothing_fetches_nothing_and_keeps_hostile_texts_as_texts() -> None:
    text = page(
        hostile(), versions={"urial-tui": "1"}, published=published_tables(), compatible=True
    )
    read = _Reader(text)
    names = {tag for tag, _ in read.tags}
    assert names.isdisjoint({"script", "img", "a", "link", "iframe", "object", "base", "form"})
    assert not [a for _, a in read.tags if {"src", "href", "action", "onerror"} & set(a)]
    policy = next(a["content"] for _, a in read.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "\u202e" not in text and "\x1b" not in text
    assert any("<script>alert(1)</script>" in shown for shown in read.texts)
    assert text.count("<h1>") == 1 and "__BODY__" in text  # a name is no place of the template


def test_the_page_has_bars_intervals_provenance_and_published_rows_apart() -> None:
    text = page(small(), versions={"urial-tui": "1"}, published=published_tables())
    read = _Reader(text)
    assert sum(tag == "rect" for tag, _ in read.tags) == 6 and "4.50 [4.00, 5.00]" in text
    assert JUST_EVAL.hash in text and "key-smol" in text and '<section class="published">' in text
    assert "published, judge gpt-3.5-turbo-0613, just-eval 800-999" in text
    assert "published" not in page(small(), versions={}).partition("</style>")[2]


def test_markdown_has_no_markup_of_others() -> None:
    text = board_markdown(hostile(), published=published_tables())
    assert "<script>" not in text and not re.search(r"(?<!\\)\]\(", text) and "\u202e" not in text
    assert "http:" not in text.replace("&#8203;", "?")
    tables = [line for line in text.splitlines() if line.startswith("|")]
    block: list[int] = []
    for line in text.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        if cells and block:
            assert cells == block[0], line
        block = [cells] if cells and not block else block if cells else []
    assert tables
    assert escaped("a|b\n*c* <d>") == "a\\|b \\*c\\* &lt;d&gt;"


def test_csv_cells_are_no_formulas_and_numbers_stay_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(board_csv(hostile(), published=published_tables()))))
    assert tuple(rows[0]) == CSV_COLUMNS
    for row in rows:
        for name, value in row.items():
            assert not value.startswith(("=", "+", "@", "\t", "\r")), (name, value)
            assert not value.startswith("-") or float(value) < 0
    assert any(row["aspect"].startswith("'=cmd") for row in rows)
    assert [csv_cell(value) for value in ("-1", "=x", -1.5, "a", "\tx", "\n=x", "\uff1dx")] == [
        "'-1", "'=x", -1.5, "a", "'\tx", "'\n=x", "'\uff1dx",
    ]  # fmt: skip


def test_csv_has_a_line_for_each_number() -> None:
    rows = list(csv.DictReader(io.StringIO(board_csv(small(), compatible=True))))
    (mean,) = [
        row
        for row in rows
        if (row["measure"], row["aspect"], row["row"], row["judge"])
        == ("score", "depth", "demo@urial-general", "smol@chat")
    ]
    assert (float(mean["value"]), mean["n"], mean["n_na"]) == (2.0, "1", "1")
    found = {(row["table"], row["measure"]) for row in rows}
    assert {("sides", "words"), ("shift", "pooled share"), ("compared", "wins")} <= found
    assert {("agreement score", "kappa"), ("scores", "just-eval compatible")} <= found
    assert {("compared", "margin"), ("scores", "digit mass"), ("scores", "blind")} <= found
    (own,) = [row for row in rows if (row["table"], row["measure"]) == ("compared", "own")]
    assert (own["value"], own["n"]) == ("1", "1")


def test_json_has_everything_once() -> None:
    found = json.loads(json.dumps(board_dict(small()), allow_nan=False))
    assert set(found) == {
        "runs", "rows", "judges", "panels", "duels", "breakdown", "agreement", "published", "notes",
    }  # fmt: skip
    cell = found["panels"][0]["lines"][0]["cells"][1]
    assert cell == {
        "aspect": "depth",
        "score": {"mean": 2.0, "low": None, "high": None, "n": 1, "n_items": 1},
        "expected": {"mean": 2.5, "low": None, "high": None, "n": 1, "n_items": 1},
        "mass": pytest.approx(0.9),
        "n_na": 1, "n_invalid": 0, "n_refused": 0, "n": 1, "n_judged": 2,
    }  # fmt: skip
    assert found["panels"][0]["judge"] == "key-smol"
    assert found["judges"][0]["provenance"] == {"sha256": "01" * 32}
    assert found["rows"][0]["shifts"][0]["ratios"]["unshifted"] == 0.8
    duel = found["duels"][0]
    assert duel["cells"][0]["rates"] == [1.0, 0.0, 0.0]
    assert duel["cells"][0]["margin"]["mean"] == 1.0
    assert (duel["n_own"], duel["n_shortened"], duel["n_blind"]) == (1, 0, 0)
    assert found["published"] == []
    with_more = board_dict(small(), compatible=True, published=published_tables())
    assert with_more["panels"][0]["lines"][0]["cells"][1]["compatible"] == 3.5
    assert with_more["published"][0]["judge"] == "gpt-3.5-turbo-0613"


# --- the command


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Store]:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    paths.ensure_private_dir(paths.history_file().parent)
    with Store.open(paths.history_file()) as opened:
        yield opened


def judged_run(store: Store, **changes: Any) -> str:
    run = make_run(store, **changes)
    for one in answer_all(store, run):
        store.save_judgement(judgement(one.message_id))
    return run.id


def call(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def refused(*arguments: str) -> UrialError:
    found = call(*arguments)
    assert isinstance(found.exception, UrialError), found.output
    return found.exception


def test_a_board_of_an_old_history_that_cannot_be_written_says_that_it_is_of_a_copy(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_run(store)
    path = paths.history_file()
    at_version(path.with_name("old.db"), 5, path).replace(path)
    real = connection.uri
    monkeypatch.setattr(connection, "uri", lambda path, _mode: real(path, "ro"))
    shown = call("--json")
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)
    assert "older version and was read as a copy" in shown.stderr


def test_the_newest_judged_run_is_shown(store: Store) -> None:
    judged_run(store, name="old")
    judged_run(store, name="new")
    make_run(store, name="not judged")
    found = call("--json")
    assert found.exit_code == 0
    board = json.loads(found.stdout)
    assert [run["name"] for run in board["runs"]] == ["new"]
    assert [row["side"] for row in board["rows"]] == ["demo@urial-general", "demo@zero-shot"]
    assert [cell["n"] for cell in board["panels"][0]["lines"][0]["cells"]] == [4, 0, 0]
    assert board["breakdown"]["by"] == "turn"
    text = call("--run", "old", "--run", "new")
    assert text.exit_code == 0 and "demo@zero-shot (old)" in text.stdout


@pytest.mark.parametrize("how", ["scores", "pairs of the run", "pairs with another run"])
def test_the_newest_judged_run_is_found_behind_any_number_of_newer_ones(
    store: Store, how: str
) -> None:
    judged_run(store, name="older")
    run, other = (make_run(store, name=name, fingerprint=name) for name in ("judged", "other"))
    mine = answer_all(store, run)
    if how == "scores":
        store.save_judgement(judgement(mine[0].message_id))
    elif how == "pairs of the run":
        store.save_comparison(comparison(mine[0].message_id, mine[1].message_id))
    else:
        store.save_comparison(
            comparison(mine[0].message_id, answer_all(store, other)[0].message_id)
        )
    with store.together():
        for n in range(201):
            make_run(store, name=f"newer {n}", fingerprint=f"{n}")
    board = json.loads(call("--json").stdout)
    with_other = {"other"} if how == "pairs with another run" else set()
    assert {run["name"] for run in board["runs"]} == {"judged"} | with_other


def test_a_run_that_nobody_judged_says_how_to_judge_it(store: Store) -> None:
    assert refused().kind == "not-found"
    run = make_run(store)
    answer_all(store, run)
    error = refused()
    assert error.kind == "no-judgements" and f"urial-tui judge --run {run.id}" in error.hint
    named = call("--run", "last")
    assert named.exit_code == 0 and "demo@zero-shot" in named.stdout
    assert f"urial-tui judge --run {run.id}" in named.stderr
    assert refused("--run", "nothing").kind == "not-found"
    assert refused("--run", "last", "--judge", "gpt").kind == "judge-missing"
    assert refused("--conversations").kind == "no-judgements"


def test_comparisons_with_another_run_are_shown_with_it_and_told_without(store: Store) -> None:
    first, second = (make_run(store, name=name, fingerprint=name) for name in "ab")
    a, b = (answer_all(store, run)[0] for run in (first, second))
    store.save_comparison(comparison(a.message_id, b.message_id))
    made = json.loads(call("--json").stdout)
    assert {run["id"] for run in made["runs"]} == {first.id, second.id}
    assert len(made["duels"]) == 1
    for run, other in ((first, second), (second, first)):
        found = call("--run", run.id)
        assert found.exit_code == 0
        assert f"1 comparison with the run {other.id} not shown here" in found.stderr
        assert f"urial-tui board --run {run.id} --run {other.id}" in found.stderr


def test_judged_answers_of_conversations_have_a_board_too(store: Store) -> None:
    judged_run(store)
    session = store.create_session("demo@urial-general")
    user = store.add_user_message(session.id, None, "q")
    message = store.begin_answer(session.id, user.id)
    store.save_judgement(judgement(message.id, judge=PERSON, rubric=RUBRIC))
    board = json.loads(call("--conversations", "--json").stdout)
    assert [row["n_answers"] for row in board["rows"]] == [1]
    assert [judge["judge"] for judge in board["judges"]] == ["Zoë"]


def test_outputs_are_written_whole_privately_and_over_nothing_of_others(
    store: Store, tmp_path: Path
) -> None:
    judged_run(store)
    target, html = tmp_path / "board.md", tmp_path / "board.html"
    found = call("--markdown", "-o", str(target), "--html", str(html))
    assert found.exit_code == 0 and found.stdout == "" and "written" in found.stderr
    assert target.read_text("utf-8").startswith("# Board\n")
    for path in (target, html):
        assert path.stat().st_mode & 0o777 == 0o600
    assert refused("-o", str(target)).kind == "exists"
    assert call("--csv", "-o", str(target), "--force").exit_code == 0
    assert target.read_text("utf-8").startswith("table,run,")
    assert call("--html", str(html)).exit_code == 0  # its own page may be replaced
    target.write_text("<!doctype html>\nmine")
    assert "no page of this command" in refused("--html", str(target)).message
    (tmp_path / "link").symlink_to(html)
    for options in (("--html",), ("--force", "-o")):
        assert "not a regular file" in refused(*options, str(tmp_path / "link")).message
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "board.html", "board.md", "home", "link",
    ]  # fmt: skip


def test_options_that_exclude_each_other_are_refused(store: Store, tmp_path: Path) -> None:
    same = str(tmp_path / "x")
    for options in (
        ("--json", "--csv"),
        ("--run", "last", "--conversations"),
        ("--force",),
        ("--html", same, "-o", same),
    ):
        assert refused(*options).kind == "usage"


def test_every_table_tells_two_wordings_of_a_rubric_apart() -> None:
    text = board_text(two_wordings(), width=160)
    titles = [line for line in text.splitlines() if "just-eval v1" in line and "note" not in line]
    assert len(titles) == 4, titles
    assert sum("(aaaaaaaa)" in title for title in titles) == 3
    assert sum("(cccccccc)" in title for title in titles) == 1
