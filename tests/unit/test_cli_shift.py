"""`shift` as a script sees it: JSON, exit codes, the file of finished items, refusals. The engine is scripted."""

import io
import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.support import tinygguf
from tests.support.run_main import Run, ran
from tests.support.scripted_engine import Script
from tests.support.scripted_scoring import OTHER, Scored, Scoring, ScoringEngine
from urial_tui import paths, services
from urial_tui.cli.shift import work as shift_work
from urial_tui.cli.shift.as_text import marked
from urial_tui.exchange.pages import label
from urial_tui.exchange.shift_json import read_item
from urial_tui.settings import save_settings

Engines = list[ScoringEngine]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("URIAL_TUI_DEBUG", raising=False)
    return tmp_path / "home"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tinygguf.write_model(tmp_path / "tiny.gguf")


@pytest.fixture
def scoring() -> Scoring:
    return Scoring()


@pytest.fixture
def scripts() -> list[Any]:
    return ["One two three four."]


@pytest.fixture
def engines(scoring: Scoring, scripts: list[Any], monkeypatch: pytest.MonkeyPatch) -> Engines:
    """The engines that the commands of a test started, one a command."""
    made: Engines = []

    def start(**_options: Any) -> ScoringEngine:
        made.append(ScoringEngine(scripts, scoring=scoring))
        return made[-1]

    monkeypatch.setattr(services, "EngineClient", start)
    return made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], engines: Engines, model: Path) -> Run:
    """`run(*arguments)`: `shift` with a generator and a reference, unless the arguments name sides."""

    def run_main(*args: str, sides: Iterable[str] | None = None) -> tuple[int, str, str]:
        if sides is None:
            sides = ("--generator", f"{model}@urial-general", "--reference", f"{model}@zero-shot")
        return ran(capsys, "shift", *sides, *args)

    return run_main


def items_file(path: Path, *rows: Any) -> Path:
    path.write_text(json.dumps(list(rows)), "utf-8")
    return path


@pytest.fixture
def three(tmp_path: Path) -> Path:
    return items_file(
        tmp_path / "in.json",
        {"id": 38, "instruction": "First?", "output": "alpha beta", "generator": "x"},
        {"id": 39, "instruction": "Second?"},
        {"id": 40, "instruction": "Third?", "output": "gamma"},
    )


def lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_text("utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


# --- one query --------------------------------------------------------------------------------------------------------


def test_the_json_of_one_query(run: Run, engines: Engines, model: Path) -> None:
    code, out, err = run("--json", "--max-tokens", "3", "Count")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert set(found) == {
        "query", "text", "finish_reason", "generator", "references", "tokens", "pieces", "path",
        "timings", "provenance",
    }  # fmt: skip
    assert (found["text"], found["finish_reason"], found["path"]) == (
        "One two three", "length", "canonical",
    )  # fmt: skip
    assert found["generator"]["side"] == f"{model}@urial-general"
    assert found["generator"]["prompt_ids"] == [1, 2, 3]
    (reference,) = found["references"]
    assert reference["side"] == f"{model}@zero-shot"
    assert reference["prompt_ids"] == [1, 2, 0]
    assert reference["counts"] == {"unshifted": 1, "marginal": 1, "shifted": 1, "control": 0}
    assert reference["ratios"] == pytest.approx(dict.fromkeys(reference["ratios"], 1 / 3))
    assert (reference["mean_kl"], reference["null_rate"], reference["noise"]) == (0.5, 0.0, 0.25)
    assert reference["near_ties"] == {"unshifted": 0, "marginal": 0, "shifted": 0}
    assert reference["warnings"] == ["id 3 is a control token"]
    assert reference["error"] is None
    assert [t["references"][0]["class"] for t in found["tokens"]] == [
        "unshifted", "shifted", "marginal",
    ]  # fmt: skip
    token = found["tokens"][1]
    assert (token["i"], token["text"], bytes.fromhex(token["hex"])) == (1, " two", b" two")
    assert (token["logprob"], token["entropy"], token["rank"]) == (-0.5, 1.5, 1)
    assert token["argmax_id"] == token["id"]
    assert token["top"] == [[token["id"], -0.5], [OTHER, None]], "no infinity in JSON"
    score = token["references"][0]
    assert (score["logprob"], score["rank"], score["argmax_rank"]) == (-3.5, 7, 7)
    assert (score["emitted_class"], score["kl"], score["near_tie"]) == ("shifted", 0.5, False)
    assert found["pieces"][str(OTHER)] == "02"
    provenance = found["provenance"]
    assert provenance["sampling"]["temperature"] == 0
    assert provenance["sampling"]["repeat_penalty"] == 1
    assert provenance["sampling"]["max_tokens"] == 3
    assert len(provenance["generator"]["model_sha256"]) == 64
    assert provenance["references"][0]["style"] == "zero-shot"
    for side in (provenance["generator"], provenance["references"][0]):
        assert (side["device"], side["gpu_layers"], side["n_threads"]) == ("CPU", 0, 2)
        assert (side["n_batch"], side["flash_attention"], side["kv_type"]) == (512, "auto", "f16")
    (engine,) = engines
    assert engine.closed
    (request,) = engine.scored
    assert request.tokens == tuple(t["id"] for t in found["tokens"])
    assert request.references[0].spec.slot != request.generator.spec.slot  # type: ignore[union-attr]


def test_a_temperature_uses_the_sides_own_sampling(run: Run, engines: Engines) -> None:
    run("--json", "--temperature", "0.7", "--seed", "5", "Count")
    sampling = engines[0].generations()[0].sampling
    assert sampling is not None
    assert (sampling.temperature, sampling.seed) == (0.7, 5)


def test_a_measured_noise_is_kept_and_marks_near_ties(
    run: Run, scoring: Scoring, engines: Engines
) -> None:
    scoring.margin = 0.125
    first = json.loads(run("--json", "Count")[1])
    reference = first["references"][0]
    assert reference["near_ties"]["shifted"] == reference["counts"]["shifted"] > 0
    assert reference["ratios_without_near_ties"] is None
    assert first["tokens"][0]["references"][0]["near_tie"] is True
    again = json.loads(run("--json", "Count")[1])
    assert again["references"][0]["noise"] == 0.25
    assert [len(engine.measured) for engine in engines] == [1, 0]


def test_a_noise_that_cannot_be_measured_leaves_near_ties_unknown(
    run: Run, scoring: Scoring
) -> None:
    scoring.measurable = False
    code, out, err = run("--json", "Count")
    found = json.loads(out)
    assert code == 0
    assert "could not be measured: no memory" in err
    assert found["references"][0]["near_ties"] is None
    assert found["tokens"][0]["references"][0]["near_tie"] is None


@pytest.mark.parametrize("scripts", [[Script((b"caf", b"\xc3", b"\xa9 \xf0", b"\x9f"))]])
def test_a_character_split_across_tokens(run: Run) -> None:
    found = json.loads(run("--json", "Count")[1])
    assert [t["text"] for t in found["tokens"]] == ["caf", "", "é ", "\ufffd"]
    assert [t["hex"] for t in found["tokens"]] == ["636166", "c3", "a920f0", "9f"]
    assert found["text"] == "café \ufffd"


def test_a_control_token_is_in_the_trace_and_not_counted(
    run: Run, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = ScoringEngine.score

    def last_is_control(self: ScoringEngine, *args: Any, **rest: Any) -> Any:
        self.control = {rest["tokens"][-1]}
        return score(self, *args, **rest)

    monkeypatch.setattr(ScoringEngine, "score", last_is_control)
    found = json.loads(run("--json", "Count")[1])
    last = found["tokens"][-1]
    assert (last["control"], last["text"], last["references"][0]["class"]) == (True, "", "control")
    assert found["text"] == "One two three"
    assert found["references"][0]["counts"]["control"] == 1
    assert sum(found["references"][0]["ratios"].values()) == pytest.approx(1)


def test_a_given_answer_is_scored_and_nothing_is_written(
    run: Run, engines: Engines, tmp_path: Path
) -> None:
    answer = tmp_path / "answer.txt"
    answer.write_text("Given words here\n", "utf-8")
    found = json.loads(run("--json", "--answer", str(answer), "Count")[1])
    assert (found["text"], found["finish_reason"]) == ("Given words here", "given")
    assert engines[0].generations() == []
    assert engines[0].scored[0].text == "Given words here"
    assert found["provenance"]["sampling"] is None


def test_a_text_without_generator_has_the_class_of_what_was_written(
    run: Run, model: Path, tmp_path: Path
) -> None:
    answer = tmp_path / "answer.txt"
    answer.write_text("a b c", "utf-8")
    sides = ("--reference", f"{model}@raw")
    found = json.loads(run("--json", "--answer", str(answer), "Count", sides=sides)[1])
    assert found["generator"] is None
    assert found["tokens"][1]["logprob"] is None
    score = found["tokens"][1]["references"][0]
    assert (score["class"], score["emitted_class"], score["kl"]) == ("shifted", "shifted", None)
    assert found["references"][0]["counts"]["shifted"] == 1


def test_the_same_prompt_as_reference(run: Run, engines: Engines, model: Path) -> None:
    sides = ("--generator", f"{model}@raw", "--reference", f"{model}@same")
    assert json.loads(run("--json", "Count", sides=sides)[1])["references"][0]["side"].endswith(
        "@same"
    )
    assert engines[0].scored[0].references[0].prompt is None


def test_a_pipe_is_the_query(run: Run, engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"From a pipe\n")))
    assert json.loads(run("--json")[1])["query"] == "From a pipe"


def test_in_a_pipe_the_answer_is_plain_and_the_numbers_follow(run: Run, model: Path) -> None:
    code, out, _ = run("Count")
    assert code == 0
    assert out.startswith("One two three four.\n")
    assert "\x1b" not in out
    assert re.search(r"shifted +1 +25\.0 %", out)
    assert re.search(r"marginal +2 +50\.0 %", out)
    assert "mean KL 0.500 nats" in out
    assert "·two" in out
    assert f"reference  {model}@zero-shot" in out


@pytest.mark.parametrize("scripts", [[Script(("safe", "\x1b[2J", "\u202eabc"))]])
def test_on_a_terminal_classes_are_attributes_and_hostile_text_is_made_visible(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    record = json.loads(run("--json", "Count")[1]) | {"index": 0}
    shown = marked(read_item(record))
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown
    assert "safe" in shown
    assert re.search(r"\x1b\[35m\x1b\[1m\x1b\[7m␛\[2J", shown), "shifted: bold and reversed"
    assert re.search(r"\x1b\[4m⟨U\+202E⟩abc", shown), "marginal: underlined"
    assert [label(b"\xc3"), label(b" a\n"), label(b"\x1b")] == ["<C3>", "·a⏎", "␛"]


def test_two_references_are_both_compared(run: Run, model: Path) -> None:
    sides = [
        "--generator", f"{model}@raw", "--reference", f"{model}@zero-shot",
        "--reference", f"{model}@urial-general",
    ]  # fmt: skip
    found = json.loads(run("--json", "Count", sides=sides)[1])
    assert len(found["references"]) == 2
    assert all(len(token["references"]) == 2 for token in found["tokens"])


# --- what is refused --------------------------------------------------------------------------------------------------


def test_vocabularies_that_differ_are_refused_by_name(run: Run, scoring: Scoring) -> None:
    scoring.differing = True
    code, out, err = run("--json", "Count")
    error = json.loads(out)["error"]
    assert (code, error["kind"], err) == (4, "vocabulary", "")
    assert "id 17" in error["message"]
    code, out, err = run("Count")
    assert (code, out) == (4, "")
    assert "\x1b" not in err


def test_a_reference_whose_context_is_too_small_is_an_error(run: Run, scoring: Scoring) -> None:
    scoring.failing = {0: "the prompt has 900 tokens and the context only 512"}
    code, out, _ = run("--json", "Count")
    assert (code, json.loads(out)["error"]["kind"]) == (4, "context-full")


def test_one_reference_that_fails_leaves_the_other_and_an_exit_code(
    run: Run, scoring: Scoring, model: Path
) -> None:
    scoring.failing = {1: "the context is too small"}
    sides = ["--generator", f"{model}@raw", *["--reference", f"{model}@zero-shot"] * 2]
    code, out, _ = run("--json", "Count", sides=sides)
    found = json.loads(out)
    assert code == 4
    assert found["references"][0]["error"] is None
    assert found["references"][1]["error"]["kind"] == "context-full"
    assert found["references"][1]["ratios"] is None
    assert found["tokens"][0]["references"][1] is None


def test_scores_before_a_failure_are_kept(run: Run, scoring: Scoring) -> None:
    scoring.failing, scoring.failing_after = {0: "the context is full"}, 2
    code, out, _ = run("--json", "Count")
    found = json.loads(out)
    assert code == 4
    (reference,) = found["references"]
    assert (reference["error"]["message"], reference["unscored"]) == ("the context is full", 2)
    assert [token["references"][0] is None for token in found["tokens"]] == [
        False, False, True, True,
    ]  # fmt: skip


def test_a_text_has_no_prompt_to_be_the_same_as(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "answer").write_text("text")
    arguments = ("--answer", str(tmp_path / "answer"), "Hi")
    code, _, err = run(*arguments, sides=("--reference", f"{model}@same"))
    assert (code, "needs a generator" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--demo", "Hi"], "exclude each other"),
        (["--json", "--jsonl", "Hi"], "exclude each other"),
        (["--limit", "3", "Hi"], "--limit is for --input"),
        (["--answer", "no-such-file", "Hi"], "there is no file"),
        (["--input", "no-such-file"], "there is no file"),
        (["--input", "x", "Hi"], "--input excludes QUERY"),
        (["--html", "no/such/folder/x.html", "Hi"], "there is no folder"),
        ([" "], "the query is empty"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused_before_anything_is_loaded(
    run: Run, engines: Engines, arguments: list[str], message: str
) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert message in (out if "--json" in arguments else err)
    assert engines == []


def test_missing_sides_are_refused(run: Run, model: Path) -> None:
    assert "there is no reference" in run("Hi", sides=())[2]
    assert "there is no generator" in run("Hi", sides=("--reference", f"{model}@raw"))[2]
    code, _, err = run("Hi", sides=("--generator", "nowhere.gguf", "--reference", f"{model}@raw"))
    assert code == 3
    assert "nowhere.gguf" in err


def test_an_empty_answer_is_refused(run: Run, tmp_path: Path, engines: Engines) -> None:
    (tmp_path / "empty").write_text(" \n")
    code, out, _ = run("--json", "--answer", str(tmp_path / "empty"), "Count")
    assert (code, json.loads(out)["error"]["kind"]) == (2, "empty-answer")
    assert engines == []


# --- several items ----------------------------------------------------------------------------------------------------


def test_items_with_answers_are_scored_and_the_others_written(
    run: Run, three: Path, engines: Engines
) -> None:
    code, out, _ = run("--input", str(three), "--json")
    study = json.loads(out)
    assert code == 0
    assert (study["complete"], study["total"], study["problems"]) == (True, 3, [])
    assert [(i["index"], i["id"], i["text"]) for i in study["items"]] == [
        (0, 38, "alpha beta"), (1, 39, "One two three four."), (2, 40, "gamma"),
    ]  # fmt: skip
    assert len(engines[0].generations()) == 1
    (reference,) = study["summary"]["references"]
    assert reference["counts"] == {"unshifted": 3, "marginal": 2, "shifted": 2, "control": 0}
    assert reference["ratios"]["shifted"] == pytest.approx(2 / 7)
    interval = reference["intervals"]["shifted"]
    assert interval["mean"] == pytest.approx((1 / 2 + 1 / 4 + 0) / 3)
    assert interval["low"] <= interval["mean"] <= interval["high"]
    assert interval["n"] == 3
    assert reference["early"]["counts"]["shifted"] == 2
    assert reference["late"]["ratios"] is None
    assert [p["n"] for p in reference["by_position"]] == [3, 2, 1, 1]
    assert reference["most_shifted"][0]["text"] in {" beta", " two"}
    assert (reference["top_agreement"], reference["mean_kl"]) == (1.0, 0.5)


def test_lines_on_standard_output_and_the_summary_on_the_other(run: Run, three: Path) -> None:
    code, out, err = run("--input", str(three), "--jsonl")
    assert code == 0
    assert [json.loads(line)["index"] for line in out.splitlines()] == [0, 1, 2]
    assert "3 of 3 items compared" in err


def test_the_same_command_goes_on_after_the_items_that_are_there(
    run: Run, three: Path, tmp_path: Path, engines: Engines
) -> None:
    output = tmp_path / "out.jsonl"
    assert run("--input", str(three), "--output", str(output), "--limit", "2")[0] == 0
    assert output.stat().st_mode & 0o777 == 0o600
    first = output.read_bytes()
    page = tmp_path / "page.html"
    files = ("--output", str(output), "--html", str(page))
    code, out, err = run("--input", str(three), *files, "--json")
    assert code == 0
    assert page.read_text("utf-8").count(' Second?"') == 1
    assert output.read_bytes().startswith(first)
    assert [line["index"] for line in lines(output)] == [0, 1, 2]
    assert len(engines[1].scored) == 1
    assert "2 of 3 items are done" in err
    resumed = json.loads(out)
    assert "items" not in resumed
    whole = json.loads(run("--input", str(three), "--json")[1])
    assert resumed["summary"] == whole["summary"], "read back, the numbers are the same"
    assert run("--input", str(three), "--output", str(output))[0] == 0
    assert len(engines) == 3, "nothing was left to do, so no engine was started"


def test_a_query_too_can_have_a_file_of_its_own(run: Run, tmp_path: Path, engines: Engines) -> None:
    output = tmp_path / "one.jsonl"
    first = json.loads(run("--json", "--output", str(output), "Count")[1])
    assert lines(output) == [first]
    assert json.loads(run("--json", "--output", str(output), "Count")[1]) == first
    assert len(engines) == 1
    assert run("--output", str(output), "Another")[0] == 2


def test_a_line_that_was_cut_off_is_done_again(run: Run, three: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    run("--input", str(three), "--output", str(output))
    whole = output.read_bytes()
    output.write_bytes(whole[:-1])
    assert run("--input", str(three), "--output", str(output))[0] == 0
    assert [line["index"] for line in lines(output)] == [0, 1, 2]
    output.write_bytes(whole[: len(whole.splitlines(keepends=True)[0]) + 40])
    assert run("--input", str(three), "--output", str(output))[0] == 0
    assert [line["index"] for line in lines(output)] == [0, 1, 2]


@pytest.mark.parametrize("change", ["settings", "side", "input", "foreign"])
def test_a_file_of_something_else_is_refused_and_left_alone(
    run: Run, three: Path, tmp_path: Path, model: Path, change: str
) -> None:
    output = tmp_path / "out.jsonl"
    run("--input", str(three), "--output", str(output))
    extra: list[str] = []
    sides: tuple[str, ...] | None = None
    if change == "settings":
        extra = ["--temperature", "1"]
    elif change == "side":
        sides = ("--generator", f"{model}@raw", "--reference", f"{model}@zero-shot")
    elif change == "input":
        items_file(three, {"instruction": "Another?"})
    else:
        output.write_text('{"a": 1}\n')
    before = output.read_bytes()
    code, out, _ = run(
        "--input", str(three), "--output", str(output), "--json", *extra, sides=sides
    )
    error = json.loads(out)["error"]
    assert (code, error["kind"]) == (2, "output-mismatch")
    assert "line 1" in error["message"]
    assert output.read_bytes() == before


@pytest.mark.parametrize("whole_lines", [0, 1])
def test_an_end_that_is_not_the_beginning_of_an_item_is_never_cut_off(
    run: Run, three: Path, tmp_path: Path, whole_lines: int
) -> None:
    output = tmp_path / "out.jsonl"
    run("--input", str(three), "--output", str(output))
    all_lines = output.read_bytes().splitlines(keepends=True)
    start = b"".join(all_lines[:whole_lines])
    other = re.sub(rb"[0-9a-f]{32}", b"0" * 32, all_lines[0], count=1)
    ends = [b'[{"instruction": "mine"}]', b'{"a": 1}', b'{"fingerprints": 1}', b"\0\0", b"text"]
    ends += [other[:-1], other[:40], *([b"{"] if not whole_lines else [])]
    for end in ends:
        output.write_bytes(start + end)
        code, out, _ = run("--input", str(three), "--output", str(output), "--json")
        error = json.loads(out)["error"]
        assert (code, error["kind"]) == (2, "output-mismatch"), end
        assert f"line {whole_lines + 1}" in error["message"]
        assert output.read_bytes() == start + end


def test_an_item_can_be_cut_off_at_any_character(run: Run, three: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    run("--input", str(three), "--output", str(output))
    whole = output.read_bytes()
    assert all(line.startswith(b'{"fingerprint": "') for line in whole.splitlines())
    first = whole.index(b"\n") + 1
    for size in (17, 30, 49, 60, first + 1, first + 16, first + 17, first + 60, len(whole) - 1):
        output.write_bytes(whole[:size])
        assert run("--input", str(three), "--output", str(output))[0] == 0, size
        assert [line["index"] for line in lines(output)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("--output", "--input"),
        ("--output", "--answer"),
        ("--output", "--html"),
        ("--html", "--input"),
        ("--html", "--answer"),
    ],
)
@pytest.mark.parametrize("how", ["same", "indirect", "hard link"])
def test_a_file_that_is_read_is_never_written_to(
    run: Run, three: Path, tmp_path: Path, engines: Engines, written: str, read: str, how: str
) -> None:
    before = three.read_bytes()
    path = three
    if how == "indirect":
        (tmp_path / "sub").mkdir()
        path = tmp_path / "sub" / ".." / three.name
    elif how == "hard link":
        path = tmp_path / "other"
        path.hardlink_to(three)
    query = [] if read == "--input" else ["Hi"]
    code, out, _ = run("--json", written, str(path), read, str(three), *query)
    error = json.loads(out)["error"]
    assert (code, error["kind"]) == (2, "usage")
    assert f"{written} and {read} are the same file" in error["message"]
    assert three.read_bytes() == before
    assert engines == []


@pytest.mark.parametrize("written", ["--output", "--html"])
@pytest.mark.parametrize("how", ["generator", "reference", "adapter", "hard link"])
def test_a_file_of_a_side_is_never_written_to(
    run: Run, tmp_path: Path, model: Path, engines: Engines, written: str, how: str
) -> None:
    other = tinygguf.write_model(tmp_path / "other.gguf", seed=1)
    adapter = tinygguf.write_adapter(tmp_path / "lora.gguf")
    sides = ("--generator", f"{model}+{adapter}@raw", "--reference", f"{other}@raw")
    path = {"generator": model, "reference": other, "adapter": adapter}.get(how)
    if path is None:
        path = tmp_path / "link"
        path.hardlink_to(other)
    before = path.read_bytes()
    code, out, _ = run("--json", written, str(path), "Hi", sides=sides)
    error = json.loads(out)["error"]
    assert code == 2 and str(path) in error["message"]
    assert path.read_bytes() == before
    assert not any(engine.calls for engine in engines)


def test_output_and_page_that_are_not_there_yet_are_not_one_file(
    run: Run, three: Path, tmp_path: Path
) -> None:
    both = ("--output", str(tmp_path / "new"), "--html", str(tmp_path / "sub" / ".." / "new"))
    (tmp_path / "sub").mkdir()
    assert run("--input", str(three), *both)[0] == 2
    assert not (tmp_path / "new").exists()


def test_a_file_that_another_program_is_writing_is_refused(
    run: Run, three: Path, tmp_path: Path, engines: Engines
) -> None:
    pytest.importorskip("fcntl")
    output = tmp_path / "out.jsonl"
    run("--input", str(three), "--output", str(output), "--limit", "1")
    mark = lines(output)[0]["fingerprint"]
    with output.open("ab") as begun:
        begun.write(b'{"fingerprint": "')
    before = output.read_bytes()
    writer = (
        "import sys; from pathlib import Path; from urial_tui.cli.shift.items import OutputFile\n"
        "file = OutputFile(Path(sys.argv[1]), sys.argv[2])\n"
        "file.open(); print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writer, str(output), mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        output.write_bytes(before)
        code, out, _ = run("--input", str(three), "--output", str(output), "--json")
        error = json.loads(out)["error"]
        assert (code, error["kind"]) == (1, "output-busy")
        assert str(output) in error["message"]
        assert output.read_bytes() == before, "what the other is writing is not cut off"
        other.communicate("")
    assert len(engines) == 1
    assert run("--input", str(three), "--output", str(output))[0] == 0
    assert [line["index"] for line in lines(output)] == [0, 1, 2]


@pytest.mark.parametrize("change", [{}, {"n_threads": 1000}, {"gpu_layers": 3}])
def test_another_engine_does_not_go_on_with_the_numbers_of_this_one(
    run: Run, three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, int]
) -> None:
    output = tmp_path / "out.jsonl"
    run("--input", str(three), "--output", str(output))
    if not change:
        monkeypatch.setattr(shift_work, "versions", lambda: {"llama-cpp-python": "0.0.1"})
    else:
        save_settings(change, paths.settings_file())
    code, out, _ = run("--input", str(three), "--output", str(output), "--json")
    assert (code, json.loads(out)["error"]["kind"]) == (2, "output-mismatch")


@pytest.mark.parametrize("scripts", [[Script(("safe", "\x9b2J\x7f", "\u202eabc\U000e0041é"))]])
@pytest.mark.parametrize("form", ["--json", "--jsonl", "--output"])
def test_no_form_of_the_answer_has_a_character_that_a_terminal_obeys_or_hides(
    run: Run, tmp_path: Path, form: str
) -> None:
    output = tmp_path / "out.jsonl"
    _, out, _ = run(*((form, str(output)) if form == "--output" else (form,)), "Count\x9b\u2066")
    text = output.read_text("utf-8") if form == "--output" else out
    assert not re.search("[\x7f-\x9f\u202e\u2066\U000e0041]", text)
    assert "é" in text
    found = json.loads(text)
    assert found["query"] == "Count\x9b\u2066"
    assert found["text"] == "safe\x9b2J\x7f\u202eabc\U000e0041é"


def test_an_output_that_is_a_link_is_refused(run: Run, three: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    code, _, err = run("--input", str(three), "--output", str(tmp_path / "link"))
    assert code == 1
    assert "links are not followed" in err
    assert not (tmp_path / "elsewhere").exists()


def test_bad_items_are_named_and_the_others_done(run: Run, tmp_path: Path) -> None:
    rows = [{"instruction": "Good?", "output": "good"}, "x", {"output": "y"}]
    rows += [{"instruction": "q", "output": ""}, {"instruction": "q", "output": ["z"]}]
    rows += [{"instruction": "Also good?", "output": "fine"}, {"instruction": "\ud800"}]
    bad = items_file(tmp_path / "in.json", *rows)
    code, out, err = run("--input", str(bad), "--json")
    study = json.loads(out)
    assert code == 1
    assert [item["index"] for item in study["items"]] == [0, 5]
    assert [problem["index"] for problem in study["problems"]] == [1, 2, 3, 4, 6]
    assert study["problems"][1]["message"] == "item 2: it has no `instruction`"
    assert "item 3: its `output` is empty" in err
    code, out, err = run("--input", str(bad))
    assert code == 1
    assert "5 of 7 items could not be compared" in err


@pytest.mark.parametrize("text", ["{}", "[", "[]", '"x"', "[" * 100_000])
def test_a_file_that_is_no_list_of_items_is_refused(
    run: Run, tmp_path: Path, engines: Engines, text: str
) -> None:
    (tmp_path / "in.json").write_text(text)
    code, _, err = run("--input", str(tmp_path / "in.json"))
    assert code == 2
    assert "instruction" in err
    assert engines == []


def test_an_item_that_the_engine_cannot_do_is_skipped(
    run: Run, three: Path, scoring: Scoring, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"

    def too_long(request: Scored) -> None:
        scoring.failing = {0: "too long"} if request.text == "alpha beta" else {}

    scoring.before = too_long
    code, _, err = run("--input", str(three), "--output", str(output))
    assert code == 1
    assert "item 0: too long" in err
    assert [line["index"] for line in lines(output)] == [1, 2]
    scoring.before = lambda _request: None
    scoring.failing = {}
    assert run("--input", str(three), "--output", str(output))[0] == 0
    assert [line["index"] for line in lines(output)] == [1, 2, 0]


@pytest.mark.parametrize(("name", "expected"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_keeps_what_is_finished(
    run: Run,
    three: Path,
    scoring: Scoring,
    engines: Engines,
    tmp_path: Path,
    name: str,
    expected: int,
) -> None:
    output = tmp_path / "out.jsonl"

    def stop_at_the_third(request: Scored) -> None:
        if request.text == "gamma":
            os.kill(os.getpid(), getattr(signal, name))
            engines[0].pace.close()

    scoring.before = stop_at_the_third
    code, _, err = run("--input", str(three), "--output", str(output))
    assert code == expected
    assert [line["index"] for line in lines(output)] == [0, 1]
    assert "2 of 3 items are done" in err
    assert [run.cancelled for run in engines[0].runs] == [False, False, True]
    assert engines[0].closed


def test_a_signal_in_a_single_comparison_says_that_nothing_is_kept(
    run: Run, scoring: Scoring, engines: Engines
) -> None:
    def stop(_request: Scored) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        engines[0].pace.close()

    scoring.before = stop
    code, out, err = run("Count")
    assert (code, out) == (130, "")
    assert err.strip() == "stopped before the comparison was complete; nothing is kept."


def test_numbers_that_are_none_become_null(run: Run, scoring: Scoring) -> None:
    scoring.kl, scoring.margin = math.inf, math.nan
    code, out, _ = run("--json", "Count")
    assert code == 0
    assert not re.search(r"NaN|Infinity", out)
    found = json.loads(out)
    assert found["references"][0]["mean_kl"] is None
    assert found["tokens"][0]["references"][0]["margin"] is None
