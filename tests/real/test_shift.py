"""`urial-tui shift` on the embedded base model: exact against itself, different against another prompt, resumable."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.real.conftest import QUESTION
from tests.support.pty_processes import run

ANSWERS = (
    "Hello! Walking every day strengthens the heart, and it is good for the mood.",
    "- first\n- second\n\n```python\nprint('caffè ☕')\n```",
    "Ja.",
)


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows: list[dict[str, Any]] = [{"instruction": QUESTION, "output": text} for text in ANSWERS]
    file = tmp_path_factory.mktemp("items") / "items.json"
    file.write_text(json.dumps(rows), "utf-8")
    return file


@pytest.mark.parametrize("style", ["urial-general", "raw"])
def test_a_side_against_itself_is_unshifted_without_exception(
    used_home: Path, items: Path, style: str
) -> None:
    side = f"demo@{style}"
    done = run(
        used_home, "shift", "--generator", side, "--reference", side, "--reference", "demo@same",
        "--input", str(items), "--json",
    )  # fmt: skip
    study = done.json()
    assert done.code == 0, done.err
    assert study["complete"] is True
    for reference in study["summary"]["references"]:
        assert reference["ratios"] == {"unshifted": 1.0, "marginal": 0.0, "shifted": 0.0}
        assert reference["mean_kl"] == pytest.approx(0, abs=1e-6)
        assert reference["null_rate"] == 0.0
    assert [item["text"] for item in study["items"]] == list(ANSWERS)


def test_the_prompt_makes_a_difference_that_is_told_token_by_token(used_home: Path) -> None:
    done = run(used_home, "shift", "--demo", "--json", "--max-tokens", "24", QUESTION)
    found = done.json()
    assert (done.code, done.err) == (0, "")
    assert found["generator"]["side"] == "demo@urial-general"
    (reference,) = found["references"]
    assert reference["side"] == "demo@zero-shot"
    assert len(found["generator"]["prompt_ids"]) > len(reference["prompt_ids"])
    assert sum(reference["counts"].values()) == len(found["tokens"]) == 24
    assert reference["ratios"]["shifted"] > 0
    assert reference["mean_kl"] > 0.05
    assert 0 < reference["noise"] < 3
    assert found["text"] == "".join(token["text"] for token in found["tokens"])
    assert all(len(token["top"]) == 10 for token in found["tokens"])


def test_items_go_on_where_they_ended(used_home: Path, items: Path, tmp_path: Path) -> None:
    output, page = tmp_path / "out.jsonl", tmp_path / "page.html"
    command = ("shift", "--demo", "--input", str(items), "--output", str(output))
    assert run(used_home, *command, "--limit", "1").code == 0
    first = output.read_bytes()
    done = run(used_home, *command, "--html", str(page))
    assert done.code == 0, done.err
    assert output.read_bytes().startswith(first)
    assert len(output.read_text("utf-8").splitlines()) == len(ANSWERS)
    assert "3 of 3 items compared" in done.out
    assert "caffè" in page.read_text("utf-8")
