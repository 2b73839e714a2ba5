"""What just-eval's own programs do with a file, written anew: loading outputs, the report, and going on with a file."""

import json
import math
import re
from pathlib import Path
from statistics import fmean
from typing import Any

ASPECTS = {
    "score_multi": ["helpfulness", "clarity", "factuality", "depth", "engagement"],
    "score_safety": ["safety"],
}


def load_outputs(path: Path) -> list[dict[str, Any]]:
    """Model outputs as its scorer takes them. Any encoding of the reader must do."""
    rows = json.loads(path.read_bytes().decode("ascii"), parse_constant=_no_constant)
    assert isinstance(rows, list)
    assert rows
    for position, row in enumerate(rows):
        assert isinstance(row["instruction"], str)
        assert isinstance(row["generator"], str)
        len(row["output"].split())  # a list has no split: the report would end here
        assert isinstance(row.get("id", position), int)
    assert len({row["generator"] for row in rows}) == 1
    return rows


def report(path: Path) -> dict[str, Any]:
    """The report over a file of judge results: it takes N/A as 5.0, and writes beside the file."""
    assert path.name.endswith(".json")
    assert path.name.replace(".json", ".eval_res.json") != path.name
    rows = json.loads(path.read_bytes().decode("ascii"), parse_constant=_no_constant)
    scores: dict[str, list[float]] = {}
    lengths = []
    for row in rows:
        if "parsed_result" not in row:
            continue
        lengths.append(len(row["output_cand"].split()))
        for aspect, found in row["parsed_result"].items():
            score = 5.0 if found["score"] == "N/A" else float(found["score"])
            scores.setdefault(aspect, []).append(score)
    means = {aspect: fmean(values) for aspect, values in scores.items()}
    return {"total": len(lengths), "means": means, "n": {k: len(v) for k, v in scores.items()}}


def check_judgements(path: Path) -> list[dict[str, Any]]:
    """Every row is of one mode, and reads the same again when a run goes on with the file."""
    rows = json.loads(path.read_bytes().decode("ascii"), parse_constant=_no_constant)
    modes = {row["eval_config"]["mode"] for row in rows}
    assert len(modes) == 1
    aspects = ASPECTS[modes.pop()]
    for row in rows:
        assert set(row["eval_config"]) == {"mode", "gpt", "max_words"}
        assert isinstance(row["result"], str)
        assert isinstance(row["prompt"], str)
        if row["result"] == "N/A":
            assert "parsed_result" not in row
            continue
        assert _read_again(row["result"]) == row["parsed_result"]
        assert list(row["parsed_result"]) == [a for a in aspects if a in row["parsed_result"]]
        for found in row["parsed_result"].values():
            assert set(found) == {"reason", "score"}
            assert found["score"] in {"1", "2", "3", "4", "5", "N/A"}
    return rows


def _read_again(text: str) -> Any:
    """Its reader drops line breaks and repairs quotes in reasons that come before a preference."""
    flat = text.replace("\n", "")
    repaired = re.sub(
        r'"reason": (.*?),\s*"preference"',
        lambda found: '"reason": "' + found[1].replace('"', "'") + '", \n        "preference"',
        flat,
        flags=re.DOTALL,
    )
    return json.loads(repaired)


def _no_constant(name: str) -> float:
    raise AssertionError(f"{name} is no JSON: {math.nan}")
