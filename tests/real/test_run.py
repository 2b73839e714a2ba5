"""`urial-tui run` on the embedded base model: killed once, and every answer is there once, with its text."""

import json
import random
from pathlib import Path

from tests.support.pty_processes import run
from tests.support.run_kills import Killing


def test_a_run_that_is_killed_goes_on_and_ends_with_every_answer(
    home: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.json"
    asked = ("What is a haiku?", "Why is the sky blue?", "Name three colours.")
    rows.write_text(json.dumps([{"id": n, "instruction": text} for n, text in enumerate(asked)]))
    command = (
        "run", "--input", str(rows), "--side", "demo@urial-general", "--side", "demo@zero-shot",
        "--max-tokens", "16",
    )  # fmt: skip
    killing = Killing(home, command, 3, 2, random.Random(1))
    killing.kill_once()
    killing.finish()
    assert sum(bool(text.strip()) for text in killing.complete().values()) > 3
    again = run(home, *command, "--json").json()
    assert (again["there_before"], again["done"], again["complete"]) == (6, 6, True)
