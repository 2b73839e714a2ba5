"""SIDE notation is completed part by part, and every completion parses."""

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from tests.support import tinygguf
from urial_tui.main import cli
from urial_tui.sides import complete_side, parse_side

MODELS = ["demo", "Qwen-base", "my model"]
ADAPTERS = ["sft", "odd:one"]
STYLES = ["raw", "zero-shot", "chat"]


def complete(text: str) -> list[str]:
    return complete_side(text, MODELS, ADAPTERS, STYLES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["demo", "Qwen-base", '"my model"']),
        ("q", ["Qwen-base"]),
        ("my", ['"my model"']),
        ('"my m', ['"my model"']),
        ("x", []),
        ("demo", ["demo", "demo+sft", 'demo+"odd:one"', "demo@raw", "demo@zero-shot", "demo@chat"]),
        ("demo+s", ["demo+sft"]),
        ("demo+o", ['demo+"odd:one"']),
        ('demo+"odd:', ['demo+"odd:one"']),
        ("demo+sft", ["demo+sft", "demo+sft@raw", "demo+sft@zero-shot", "demo+sft@chat"]),
        ("demo+sft:0.5", []),
        ("demo+sft:0.5@r", ["demo+sft:0.5@raw"]),
        ('"a+b.gguf"@z', ['"a+b.gguf"@zero-shot']),
        ("demo@", ["demo@raw", "demo@zero-shot", "demo@chat"]),
        ("demo@raw@", []),
    ],
)
def test_the_part_that_is_being_written_is_completed(text: str, found: list[str]) -> None:
    assert complete(text) == found
    for side in found:
        assert str(parse_side(side)) == side


def test_the_shell_completes_every_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path))
    folder = tmp_path / "data" / "models"
    folder.mkdir(parents=True)
    tinygguf.write_model(folder / "zzz-base.gguf")
    tinygguf.write_adapter(folder / "zzz-tune.gguf")
    shell = ShellComplete(cli, {}, "urial-tui", "_URIAL_TUI_COMPLETE")

    def found(arguments: list[str], incomplete: str) -> list[str]:
        items = shell.get_completions(arguments, incomplete)
        return [str(item.value) for item in items if item.type == "plain"]

    for command in ([], ["ask"], ["prompt"], ["packs", "lint"]):
        assert found([*command, "--side"], "zzz-base+") == ["zzz-base+zzz-tune"]
    assert found(["ask", "--side"], "demo+") == ["demo+sft", "demo+zzz-tune"]
    assert "demo@urial-brief" in found(["ask", "--side"], "demo@u")
    assert found(["shift", "--generator"], "demo@s") == []
    assert found(["shift", "--reference"], "demo@s") == ["demo@same"]


def test_with_settings_that_cannot_be_read_only_files_are_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text("side = [")
    shell = ShellComplete(cli, {}, "urial-tui", "_URIAL_TUI_COMPLETE")
    assert [item.type for item in shell.get_completions(["ask", "--side"], "de")] == ["file"]
