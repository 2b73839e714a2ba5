"""What other evaluators' programs do with files of answers and scores, written anew from what their loaders need.

Each function reads files as the tool does, fails where the tool would crash or count something as what it is not, and
gives back what the tool would show.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

Json = dict[str, Any]


def read_json(path: Path) -> Any:
    """JSON of any reader's encoding; NaN is none."""
    return json.loads(path.read_bytes().decode("ascii"), parse_constant=_no_constant)


def read_lines(path: Path) -> list[Json]:
    """JSON lines without an empty one; a line ends with a newline and nothing else."""
    text = path.read_bytes().decode("ascii")
    assert text.endswith("\n")
    lines = text[:-1].split("\n")
    assert all(line.strip() for line in lines)
    return [json.loads(line, parse_constant=_no_constant) for line in lines]


def _no_constant(name: str) -> float:
    raise AssertionError(f"{name} is no JSON: {math.nan}")


# --- URIAL's pairwise evaluation


def urial_pairwise(path: Path) -> dict[str, Counter[str]]:
    """Wins, ties and losses of the model for each aspect, as its table counts them."""
    rows = read_json(path)
    assert isinstance(rows, list)
    assert rows
    table: dict[str, Counter[str]] = {}
    (reference,) = {row["ref_generator"] for row in rows}
    for row in rows:
        for key in ("input", "model_output", "ref_output", "generator", "prompt", "result"):
            assert isinstance(row[key], str)
        assert set(row["eval_config"]) == {"mode", "gpt", "max_words"}
        assert set(row["assignment"]) == {"A", "B"}
        mine = "B" if row["assignment"]["A"] == reference else "A"
        assert row["assignment"][mine] == row["generator"]
        if row["result"] == "N/A":
            assert "parsed_result" not in row
            continue
        again = json.loads(row["result"].strip().strip("`").replace("\\", "\\\\"))
        assert again == row["parsed_result"]
        assert isinstance(again["rationale"], str)
        for aspect, choice in again["choices"].items():
            assert choice in {"A", "B", "tie"}
            word = "tie" if choice == "tie" else "win" if choice == mine else "lose"
            table.setdefault(aspect, Counter())[word] += 1
    return table


# --- AlpacaEval


def alpaca_outputs(path: Path) -> list[Json]:
    assert path.name == "model_outputs.json"
    rows = read_json(path)
    assert isinstance(rows, list)
    assert rows
    for row in rows:
        assert isinstance(row["instruction"], str)
        assert isinstance(row["output"], str)
    assert len({row["generator"] for row in rows}) == 1
    return rows


def alpaca_annotations(path: Path) -> float:
    """The win rate of the model in percent: preferences are 1 (reference) to 2 (model)."""
    assert path.name == "annotations.json"
    rows = read_json(path)
    for row in rows:
        for key in ("instruction", "output_1", "output_2", "generator_1", "generator_2"):
            assert isinstance(row[key], str)
        assert row["annotator"]
        assert isinstance(row["preference"], float)
        assert 1 <= row["preference"] <= 2
    assert len({(row["generator_1"], row["generator_2"]) for row in rows}) == 1
    return 100 * fmean(row["preference"] - 1 for row in rows)


# --- MT-Bench


def mt_bench(folder: Path) -> tuple[dict[int, Json], dict[str, dict[int, list[str]]]]:
    """Questions by id, and each model's answers by question, as its loaders give them."""
    questions = {row["question_id"]: row for row in read_lines(folder / "question.jsonl")}
    for row in questions.values():
        assert isinstance(row["question_id"], int)
        assert row["category"]
        assert 1 <= len(row["turns"]) <= 2
        assert all(isinstance(turn, str) for turn in row["turns"])
    answers: dict[str, dict[int, list[str]]] = {}
    for path in sorted((folder / "model_answer").glob("*.jsonl")):
        model = path.name[: -len(".jsonl")]
        rows = read_lines(path)
        assert {row["model_id"] for row in rows} == {model}
        answers[model] = {}
        for row in rows:
            assert row["question_id"] in questions
            assert row["question_id"] not in answers[model]
            assert row["choices"][0]["index"] == 0
            turns = row["choices"][0]["turns"]
            assert all(isinstance(turn, str) for turn in turns)
            assert row["answer_id"]
            assert isinstance(row["tstamp"], float)
            answers[model][row["question_id"]] = turns
    return questions, answers


def mt_bench_single(path: Path, models: set[str]) -> list[Json]:
    """The rows whose scores its report would average."""
    assert path.name.endswith("_single.jsonl")
    rows = read_lines(path)
    for row in rows:
        assert row["model"] in models
        judge, template = row["judge"]
        assert judge
        assert template
        assert row["turn"] in (1, 2)
        assert row["score"] == -1 or 1 <= row["score"] <= 10
        assert isinstance(row["judgment"], str)
        assert isinstance(row["user_prompt"], str)
        assert isinstance(row["tstamp"], float)
    return [row for row in rows if row["score"] != -1]


def mt_bench_pairs(path: Path, models: set[str]) -> Counter[str]:
    """What its report counts: wins by model, ties, errors."""
    assert path.name.endswith("_pair.jsonl")
    counts: Counter[str] = Counter()
    for row in read_lines(path):
        assert row["model_1"] != row["model_2"]
        assert row["model_1"] in models
        for key in ("g1_winner", "g2_winner"):
            assert row[key] in {"model_1", "model_2", "tie", "error"}
        for key in ("g1_user_prompt", "g1_judgment", "g2_user_prompt", "g2_judgment"):
            assert isinstance(row[key], str)
        assert row["turn"] in (1, 2)
        assert len(row["judge"]) == 2
        if "error" in (row["g1_winner"], row["g2_winner"]):
            counts["error"] += 1
        elif row["g1_winner"] == "tie" or row["g1_winner"] != row["g2_winner"]:
            counts["tie"] += 1
        else:
            counts[row[row["g1_winner"]]] += 1
    return counts


# --- lm-evaluation-harness


def lm_eval(folder: Path) -> dict[str, dict[str, float]]:
    """The means of each task, held against those of its samples."""
    (path,) = folder.glob("results_*.json")
    date = path.name.removeprefix("results_").removesuffix(".json")
    assert ":" not in date
    made = read_json(path)
    assert isinstance(made["config"]["model_args"], str)
    means: dict[str, dict[str, float]] = {}
    for task, values in made["results"].items():
        assert task in made["versions"]
        assert made["configs"][task]["output_type"] == "generate_until"
        metrics = [entry["metric"] for entry in made["configs"][task]["metric_list"]]
        found = {k.partition(",")[0]: v for k, v in values.items() if k != "alias"}
        assert list(found) == metrics
        samples = list(lm_eval_samples(folder / f"samples_{task}_{date}.jsonl"))
        for metric, value in found.items():
            assert value == fmean(row[metric] for row in samples if metric in row["metrics"])
        means[task] = found
    return means


def lm_eval_samples(path: Path) -> Iterator[Json]:
    for row in read_lines(path):
        for key in ("target", "filter"):
            assert isinstance(row[key], str)
        prompt = row["arguments"]["gen_args_0"]["arg_0"]
        assert isinstance(row["arguments"]["gen_args_0"]["arg_1"], dict)
        assert row["prompt_hash"] == hashlib.sha256(prompt.encode()).hexdigest()
        doc = json.dumps(row["doc"], indent=2, ensure_ascii=False)
        assert row["doc_hash"] == hashlib.sha256(doc.encode()).hexdigest()
        assert row["target_hash"] == hashlib.sha256(row["target"].encode()).hexdigest()
        assert row["resps"][0][0] == row["filtered_resps"][0]
        assert all(isinstance(row[metric], int) for metric in row["metrics"])
        yield row


# --- promptfoo


def promptfoo_outputs(path: Path) -> list[str]:
    rows = read_json(path)
    assert isinstance(rows, list)
    for row in rows:
        assert set(row) <= {"output", "tags"}
        assert isinstance(row["output"], str)
        assert all(isinstance(tag, str) for tag in row.get("tags", []))
    return [row["output"] for row in rows]


def promptfoo_scores(path: Path) -> dict[str, float]:
    """The mean score of each prompt, by label."""
    made = read_json(path)
    assert isinstance(made["config"], dict)
    results = made["results"]
    assert results["version"] == 3
    scores: dict[str, list[float]] = {}
    places = set()
    for row in results["results"]:
        prompt = results["prompts"][row["promptIdx"]]
        assert prompt["label"] == row["prompt"]["label"]
        assert prompt["raw"]
        assert (row["promptIdx"], row["testIdx"]) not in places
        places.add((row["promptIdx"], row["testIdx"]))
        assert isinstance(row["testCase"]["vars"], dict)
        assert row["provider"]["id"]
        assert isinstance(row["success"], bool)
        assert row["failureReason"] == 0
        assert "promptId" not in row
        assert row["score"] == row["gradingResult"]["score"]
        assert all(0 <= value <= 1 for value in (row["score"], *row["namedScores"].values()))
        scores.setdefault(prompt["label"], []).append(row["score"])
    return {label: fmean(values) for label, values in scores.items()}
