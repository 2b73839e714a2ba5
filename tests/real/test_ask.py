"""`urial-tui ask` on the embedded base model, as a script sees it: text, JSON, exit codes, what is left behind."""

import re
from pathlib import Path

import pytest

from tests.real.conftest import QUESTION
from tests.support import pty_history as history
from tests.support.packs import OFFICIAL, needs_official_data
from tests.support.pty_processes import Done, begin, end, run
from urial_tui.models.demo import SHA256

SHORT = ("ask", "--demo", "--temperature", "0", "--max-tokens", "8")


def test_the_answer_is_on_topic_and_stopped(cold: Done) -> None:
    answer = cold.json()
    assert cold.code == 0
    assert cold.err == ""
    assert answer["finish_reason"] in {"stop", "eog"}
    assert re.search(r"\bwalk", answer["text"], re.IGNORECASE)
    # Which benefits it names depends on the processor's rounding; that it names some does not.
    benefits = r"health|heart|mood|stress|fit\b|active|muscle|weight|sleep|energy|relax|blood|body|mind|exercise"
    assert len(set(re.findall(benefits, answer["text"].lower()))) >= 2
    assert len(answer["text"].split()) > 30
    for leaked in ("# Query", "# Answer", "```"):
        assert leaked not in answer["text"]
    assert answer["text"] == answer["text"].strip()


def test_the_same_question_has_the_same_answer_from_a_prompt_on_disk(
    cold: Done, warm: Done
) -> None:
    first, second = cold.json(), warm.json()
    assert second["text"] == first["text"]
    assert second["completion_tokens"] == first["completion_tokens"]
    assert first["timings"]["prefix_reused_tokens"] == 0
    assert second["timings"]["prefix_reused_tokens"] > 0.9 * second["prompt_tokens"]
    assert second["timings"]["first_token_s"] < first["timings"]["first_token_s"] / 2


def test_the_json_has_every_promised_field(cold: Done, used_home: Path) -> None:
    answer = cold.json()
    assert set(answer) >= {
        "text", "finish_reason", "prompt_tokens", "completion_tokens", "timings", "provenance",
        "session_id", "message_id",
    }  # fmt: skip
    timings = answer["timings"]
    assert set(timings) >= {
        "load_s", "prefill_s", "prefix_reused_tokens", "first_token_s", "decode_s", "tokens_per_s",
    }  # fmt: skip
    assert 0 < timings["prefill_s"] <= timings["first_token_s"]
    assert timings["load_s"] > 0
    assert timings["tokens_per_s"] == pytest.approx(
        answer["completion_tokens"] / timings["decode_s"], rel=0.02
    )
    provenance = answer["provenance"]
    assert provenance["model_sha256"] == SHA256
    assert Path(provenance["model_path"]).is_file()
    assert provenance["pack_id"] == "urial-general"
    assert provenance["sampling"]["temperature"] == 0
    (message,) = [m for m in history.rows(used_home) if m.id == answer["message_id"]]
    assert (message.session_id, message.content) == (answer["session_id"], answer["text"])
    assert message.status == "complete"


def test_without_json_the_text_alone_is_on_stdout(used_home: Path, warm: Done) -> None:
    done = run(used_home, "ask", "--demo", "--temperature", "0", QUESTION)
    assert (done.code, done.err) == (0, "")
    assert done.out == warm.json()["text"] + "\n"


def test_the_query_comes_from_stdin_and_the_answer_is_cut_at_max_tokens(
    used_home: Path, warm: Done
) -> None:
    done = run(used_home, *SHORT, "--json", "-", stdin=QUESTION)
    answer = done.json()
    assert done.code == 0
    assert answer["finish_reason"] == "length"
    assert answer["completion_tokens"] == 8
    assert warm.json()["text"].startswith(answer["text"])
    shown = run(used_home, "history", "show", answer["session_id"], "--json").json()
    assert [m["content"] for m in shown["messages"]] == [QUESTION, answer["text"]]


def test_a_seed_repeats_a_sampled_answer(used_home: Path, warm: Done) -> None:
    sampled = ("ask", "--demo", "--temperature", "1", "--max-tokens", "16", "--json", "--no-save")
    first = run(used_home, *sampled, "--seed", "7", QUESTION).json()
    again = run(used_home, *sampled, "--seed", "7", QUESTION).json()
    other = run(used_home, *sampled, "--seed", "8", QUESTION).json()
    assert first["text"] == again["text"] != other["text"]
    assert first["provenance"]["sampling"]["seed"] == 7


def test_no_save_leaves_no_trace(home: Path) -> None:
    done = run(home, *SHORT, "--json", "--no-save", "A secret question?")
    answer = done.json()
    assert done.code == 0
    assert answer["session_id"] is answer["message_id"] is None
    assert run(home, "history", "list", "--json").json() == []
    written = [file for file in home.rglob("*") if file.is_file() and "models" not in file.parts]
    assert not [file for file in written if b"secret" in file.read_bytes()]


@pytest.mark.parametrize("query", [[""], ["  \n"], ["-"], []])
def test_an_empty_query_is_refused_before_anything_is_loaded(
    tmp_path: Path, query: list[str]
) -> None:
    done = run(tmp_path, "ask", "--demo", *query)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert "hint: " in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_query_longer_than_the_context_says_both_numbers(used_home: Path) -> None:
    before = len(history.rows(used_home))
    done = run(used_home, *SHORT, "--json", "-", stdin="a walk in the park " * 2000)
    assert done.code == 4
    error = done.json()["error"]
    assert error["kind"] == "context-full"
    assert "4096" in error["message"]
    assert error["hint"]
    added = history.rows(used_home)[before:]
    assert [row.role for row in added] == ["user", "assistant"]
    assert added[1].status == "failed"


@needs_official_data
def test_an_official_prompt_file_answers_too(used_home: Path) -> None:
    assert OFFICIAL is not None
    file = OFFICIAL / "inst_1k_v4.txt"
    done = run(used_home, *SHORT, "--json", "--pack-file", str(file), QUESTION)
    answer = done.json()
    assert done.code == 0
    assert answer["text"].strip()
    assert answer["prompt_tokens"] > 500
    assert "inst_1k_v4" in answer["provenance"]["style"]


@pytest.mark.parametrize("style", ["raw", "zero-shot"])
def test_the_styles_without_a_pack_answer_too(used_home: Path, style: str) -> None:
    arguments = [word for word in SHORT if word != "--demo"]
    done = run(used_home, *arguments, "--json", "--side", f"demo@{style}", QUESTION)
    answer = done.json()
    assert done.code == 0
    assert answer["provenance"]["style"] == style
    assert answer["prompt_tokens"] < 100


def test_two_at_once_both_answer_in_sessions_of_their_own(used_home: Path, warm: Done) -> None:
    both = [begin(used_home, *SHORT, "--json", QUESTION) for _ in range(2)]
    answers = [end(process).json() for process in both]
    assert answers[0]["text"] == answers[1]["text"] != ""
    assert answers[0]["session_id"] != answers[1]["session_id"]
    assert history.problems(used_home) == []


def test_a_reader_that_goes_away_is_no_crash(used_home: Path) -> None:
    process = begin(used_home, "ask", "--demo", "--temperature", "0", QUESTION)
    assert process.stdout is not None
    process.stdout.read(4)
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read().decode()
    assert process.wait(60) in (0, 1, 141)
    assert "Traceback" not in err
    assert not list((used_home / "state").glob("crash-*"))


def test_the_tokens_of_a_prompt(used_home: Path, warm: Done) -> None:
    done = run(used_home, "prompt", "--demo", "--tokens", "--json", QUESTION)
    found = done.json()
    assert done.code == 0
    assert len(found["tokens"]) == warm.json()["prompt_tokens"]


def test_lint_tells_what_each_pack_costs_on_the_model(used_home: Path) -> None:
    done = run(used_home, "packs", "lint", "--demo")
    assert done.code == 0, done.out
    assert len(re.findall(r"\b\d+ tokens\b", done.out)) >= 8, done.out


def test_doctor_finds_nothing_wrong(used_home: Path, warm: Done) -> None:
    done = run(used_home, "doctor", "--json")
    report = done.json()
    assert done.code == 0, done.out
    assert report["ok"] is True
    assert {check["group"] for check in report["checks"]} >= {"versions", "engine", "models"}
