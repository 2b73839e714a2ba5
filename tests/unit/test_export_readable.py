"""Conversations leave as transcripts, as a page and as tables: hostile texts stay texts, numbers stay what they are."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import store_traces
from tests.support.judged_runs import NASTY, items, judged_run
from tests.support.shift_page import Reader, run_page_script
from tests.support.store_rows import END, START, say
from tests.support.store_runs import judgement
from urial_tui.errors import ExchangeError
from urial_tui.exchange import csv_tables, html_page, markdown
from urial_tui.exchange.exports import Document, Wanted
from urial_tui.exchange.formats import EXPORTERS
from urial_tui.exchange.sources import source_of_run, source_of_sessions
from urial_tui.exchange.writing import write
from urial_tui.store.runs.types import Run, RunItem
from urial_tui.store.store import Store
from urial_tui.store.types import Token

BIG = "word " * 2_000_000
"""10 MB"""


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as opened:
        yield opened


def text_of(document: Document) -> str:
    assert not isinstance(document.content, bytes)
    return (document.head + b"".join(document.content)).decode()


def talk(store: Store, *answers: str, title: str = "A talk") -> str:
    session = store.create_session("demo@urial-general", title).id
    last = None
    for n, text in enumerate(answers):
        last = say(store, session, last, f"q{n}?", text)
    return session


def scored_talk(store: Store, title: str = "Scored") -> tuple[str, str]:
    """A conversation whose answer has the tokens and the trace of `store_traces`."""
    session = store.create_session("demo@urial-general", title).id
    user = store.add_user_message(session, None, "q </script>?")
    answer = store.begin_answer(session, user.id, "Sure", "Sure")
    generation = store.begin_generation(answer.id, START)
    raws = [store_traces.PIECES.get(score.id, b"x") for score in store_traces.SCORES]
    tokens = [
        Token(
            s.i,
            s.id,
            raw,
            raw.decode("utf-8", "replace"),
            1 if s.cut else len(raw),
            s.cut,
            s.control,
        )
        for s, raw in zip(store_traces.SCORES, raws, strict=True)
    ]
    store.append_tokens(answer.id, generation, tokens, " word")
    store.finish_answer(answer.id, generation, "complete", END)
    trace = store.begin_trace(answer.id, store_traces.START)
    store.append_scores(trace, store_traces.SCORES, store_traces.PIECES)
    store.finish_trace(trace, complete=True, timings={})
    return session, answer.id


# --- markdown


def front_matter(text: str) -> dict[str, Any]:
    head = text.split("---\n")[1]
    return {
        key: json.loads(value) for key, value in (line.split(": ", 1) for line in head.splitlines())
    }


def test_a_transcript_has_its_provenance_and_every_message(store: Store) -> None:
    session = talk(store, "a0", "a1", title='T: "x"\n---')
    (document,) = markdown.export(source_of_sessions(store, [session]), Wanted()).documents
    text = text_of(document)
    assert document.name == "T-x.md"
    head = front_matter(text)
    assert head["session"] == session
    assert "---" in head["title"]
    assert "\n" not in head["title"]
    (made,) = head["answers"]  # two answers made alike are one entry
    assert made["model_sha256"] == START.model_sha256
    assert made["sampling"]["temperature"] == 0.0
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["You", "Answer", "You", "Answer"]
    assert text.endswith("## Answer\n\na1\n")


def test_answers_that_differ_in_their_seeds_alone_are_one_entry(store: Store) -> None:
    session = store.create_session(START.side, "T").id
    last = None
    for seed in (7, 8, 7):
        last = say(store, session, last, "q", "a", end=replace(END, seed=seed))
    (document,) = markdown.export(source_of_sessions(store, [session]), Wanted()).documents
    (made,) = front_matter(text_of(document))["answers"]
    assert made["seeds"] == [7, 8]
    assert made["model"] == START.model_path


def test_a_message_is_as_it_was_written_and_no_line_of_it_is_a_heading_of_ours(
    store: Store,
) -> None:
    said = "\n\n  indented\n## You\n ## 2. Answer, after 1\n## Yours\n### You\n\n"
    session = talk(store, said)
    (document,) = markdown.export(source_of_sessions(store, [session]), Wanted()).documents
    text = text_of(document)
    kept = "\n\n  indented\n\\## You\n \\## 2. Answer, after 1\n## Yours\n### You\n\n"
    assert text.endswith(f"\n## Answer\n\n{kept}\n")
    assert re.findall(r"^ *## (?:\d+\. )?(You|Answer)\b", text, re.MULTILINE) == ["You", "Answer"]


def test_all_branches_are_numbered_and_others_sides_named(store: Store) -> None:
    session = store.create_session("demo@urial-general", "T").id
    first = say(store, session, None, "q", "a")
    say(store, session, first, "q2", "left", "other@chat", status="stopped")
    say(store, session, first, "q3", "shown")
    source = source_of_sessions(store, [session])
    (shown,) = markdown.export(source, Wanted()).documents
    assert "left" not in text_of(shown)
    (whole,) = markdown.export(source, Wanted(all_branches=True)).documents
    assert re.findall(r"^## (.*)$", text_of(whole), re.MULTILINE) == [
        "1. You, after the start",
        "2. Answer, after 1",
        "3. You, after 2",
        "4. Answer of other@chat (stopped), after 3",
        "5. You, after 2",
        "6. Answer, after 5",
    ]


def test_a_transcript_obeys_no_terminal(store: Store, tmp_path: Path) -> None:
    session = talk(store, NASTY[1], BIG, title="\x1b]0;x\x07 ../CON")
    made = markdown.export(source_of_sessions(store, [session]), Wanted())
    (written,) = write(tmp_path, made.documents)
    text = written.path.read_text("utf-8")
    assert not set("\x1b\x07\0\u202e\u2028") & set(text)
    assert "\U0001f34e 散" in text
    assert written.path.parent == tmp_path
    assert len(text) > 9_000_000


def test_each_conversation_has_a_file_of_its_own(store: Store, tmp_path: Path) -> None:
    ids = [talk(store, "a", title=title) for title in ("nul", "NUL", "nul", "a/b")]
    written = write(tmp_path, markdown.export(source_of_sessions(store, ids), Wanted()).documents)
    assert [one.path.name for one in written] == ["nul_.md", "NUL_-2.md", "nul_-3.md", "a-b.md"]


# --- csv


def tables(store: Store, source: Any, **wanted: Any) -> dict[str, list[dict[str, str]]]:
    return {
        document.about["kind"]: list(csv.DictReader(io.StringIO(text_of(document), newline="")))
        for document in csv_tables.export(source, Wanted(**wanted)).documents
    }


def test_tables_read_back_and_hold_no_formula(store: Store) -> None:
    run = judged_run(store, items(4))
    found = tables(store, source_of_run(store, run))
    assert list(found) == ["messages", "tokens", "scores"]
    assert len(found["messages"]) == 16
    answers = [row for row in found["messages"] if row["role"] == "assistant"]
    assert answers[0]["content"] == f"'{NASTY[0]} by 0 in 0"
    assert answers[2]["content"] == f"{NASTY[1]} by 0 in 0"
    assert answers[0]["side"] == "demo@urial-general"
    for rows in found.values():
        for row in rows:
            for name, value in row.items():
                numeric = re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?|-inf", value)
                assert numeric or not value.startswith(tuple("=+-@\t\r")), (name, value)
    scores = found["scores"]
    assert {row["score"] for row in scores if row["outcome"] != "ok"} == {""}
    assert {row["outcome"] for row in scores} == {"ok", "na", "invalid"}
    only = tables(store, source_of_run(store, run), sides=("2",), what="messages")
    assert list(only) == ["messages"]
    assert {row["side"] for row in only["messages"] if row["side"]} == {"demo@zero-shot"}


def test_tokens_have_a_row_for_each_reference(store: Store) -> None:
    session, answer = scored_talk(store)
    plain = talk(store, "a")
    rows = tables(store, source_of_sessions(store, [session, plain]), what="tokens")["tokens"]
    assert len(rows) == 2 * len(store_traces.SCORES)
    assert {row["message_id"] for row in rows} == {answer}
    first, second = rows[0], rows[1]
    assert (first["reference"], second["reference"]) == ("demo@urial-general", "demo@raw")
    assert [row["class"] for row in rows[:4]] == ["unshifted", "shifted", "marginal", ""]
    assert (second["kl"], second["argmax_rank"], second["near_tie"]) == ("3.5", "4", "1")
    assert rows[2]["hex"] == "f09f"


def test_judges_are_chosen_for_the_scores(store: Store) -> None:
    session = talk(store, "a")
    answer = store.branch(store.session(session).leaf_id or "")[-1].id
    store.save_judgement(judgement(answer))
    source = source_of_sessions(store, [session])
    rows = tables(store, source, what="scores", judges=("smol@chat",))["scores"]
    assert [row["aspect"] for row in rows] == ["clarity", "factuality", "depth"]
    assert rows[0]["expected"] == "3.75"
    with pytest.raises(ExchangeError, match="nobody has judged nothing"):
        tables(store, source, judges=("nobody",))


# --- html


def page_of(
    store: Store, ids: list[str], **wanted: Any
) -> tuple[Reader, dict[str, Any], list[str]]:
    made = html_page.export(source_of_sessions(store, ids), Wanted(**wanted))
    (document,) = made.documents
    read = Reader(text_of(document))
    return read, json.loads(read.scripts[0]), list(made.notes)


def test_a_page_has_all_answers_and_fetches_nothing(store: Store) -> None:
    session, answer = scored_talk(store)
    hostile = talk(store, NASTY[1], "</script><img src=x>", title="</title><b>__DATA__ __SCRIPT__")
    read, data, notes = page_of(store, [session, hostile])
    assert notes == []
    assert [tag for tag, _ in read.tags].count("script") == 2
    assert {tag for tag, _ in read.tags}.isdisjoint({"link", "img", "iframe", "object", "base"})
    assert not [a for _, a in read.tags if {"src", "href", "action"} & set(a)]
    policy = next(a["content"] for _, a in read.tags if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    scored, plain, third = data["items"]
    assert scored["tokens"][0][2] == "·word"
    assert [reference["side"] for reference in scored["references"]] == [
        "demo@urial-general",
        "demo@raw",
    ]
    assert scored["before"] == "Sure"
    assert scored["provenance"]["message"] == answer
    assert data["pieces"]["gemma:1234"]["7"] == "·word"
    assert plain["tokens"] == []
    assert "\x1b" not in plain["text"]
    assert third["text"] == "</script><img src=x>"
    assert third["query"] == "q1?"
    assert not set("\x1b\u202e\u2028") & set(read.scripts[0])


def test_what_a_browser_cannot_hold_is_text_and_said(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [scored_talk(store, f"T{n}")[0] for n in range(3)]
    monkeypatch.setattr(html_page, "MAX_TOKENS", 2 * len(store_traces.SCORES))
    _, data, notes = page_of(store, ids)
    assert [bool(item["tokens"]) for item in data["items"]] == [True, True, False]
    assert notes == data["notes"]
    assert "text alone" in notes[0]


def test_the_script_shows_conversations(tmp_path: Path, store: Store) -> None:
    session, _ = scored_talk(store)
    _, data, _ = page_of(store, [session, talk(store, "plain")])
    seen = run_page_script(tmp_path, data)
    assert seen["text"].startswith("Sure")
    assert seen["counts"] == {"unshifted": 1, "marginal": 1, "shifted": 0, "control": 1}
    assert (seen["item"], seen["second"], seen["secondText"]) == (1, [], "plain")
    assert "demo@urial-general" in seen["sides"]


# --- all of them


@pytest.fixture(scope="module")
def big() -> Iterator[tuple[Store, Run]]:
    """A judged run in which an answer has 10 MB."""
    with Store.in_memory() as store:
        run = judged_run(store, items(3))
        store.add_run_items(run.id, [RunItem(3, 3, ("big",))])
        _, _, answer = store.begin_run_answer(run.id, 3, 0, 0)
        store.finish_answer(answer.id, None, "complete", END, tail=BIG)
        yield store, store.run(run.id)


@pytest.mark.parametrize("format_", list(EXPORTERS))
def test_every_format_takes_10_mb_and_hostile_texts(
    big: tuple[Store, Run], tmp_path: Path, format_: str
) -> None:
    store, run = big
    made = EXPORTERS[format_].export(source_of_run(store, run), Wanted())
    written = write(tmp_path / "out", made.documents)
    assert all(one.rows for one in written if one.about["kind"] != "tokens")
    size = sum(one.path.stat().st_size for one in written)
    assert (size > len(BIG)) == (format_ != "urial-pairwise")  # it was compared with nothing
    for one in written:
        text = one.path.read_bytes().decode("utf-8")
        if format_ != "csv":
            assert not set("\x1b\0\u202e") & set(text)
        assert one.path.resolve().is_relative_to(tmp_path / "out")
