"""`urial-tui shift` on the real engine with models whose numbers cannot be compared: it says so and fails."""

import json
import math
from pathlib import Path

import pytest

from tests.support.tinygguf import write_model
from urial_tui.main import main


@pytest.mark.parametrize(
    ("sides", "words"),
    [
        (("--generator", "--reference"), "the generator's logits are not numbers"),
        (("--reference",), "the reference's logits are not numbers"),
    ],
)
def test_logits_that_are_not_numbers_fail_the_command(
    sides: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    model = write_model(tmp_path / "nan.gguf", sharpness=math.nan)
    answer = tmp_path / "answer"
    answer.write_text("walking is good for you, every day")
    named = [word for option in sides for word in (option, f"{model}@zero-shot")]
    with pytest.raises(SystemExit) as left:
        main(["shift", *named, "--answer", str(answer), "--json", "Hi"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert (left.value.code, error["kind"]) == (4, "not-numbers")
    assert words in error["message"]
