"""What shells complete: commands without importing one, sides from what is here, paths where nothing fits."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from urial_tui.main import COMMANDS, main

Asked = Callable[..., list[str]]


@pytest.fixture
def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Asked:
    """`asked(line)`: what the program answers a shell in which the last word of `line` is to be completed."""
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path))

    def answers(line: str, shell: str = "bash") -> list[str]:
        monkeypatch.setenv("_URIAL_TUI_COMPLETE", f"{shell}_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        with pytest.raises(SystemExit):
            main([])
        return capsys.readouterr().out.split("\n")[:-1]

    return answers


def test_the_commands_are_listed_with_their_words_and_none_is_imported(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "urial_tui.cli.doctor.command", raising=False)
    assert asked("urial-tui ") == [f"plain,{name}" for name in COMMANDS]
    helped = asked("urial-tui doc", "zsh")
    assert helped == ["plain", "doctor", COMMANDS["doctor"].help]
    assert "urial_tui.cli.doctor.command" not in sys.modules


def test_options_and_values_are_completed(asked: Asked) -> None:
    assert "plain,--side" in asked("urial-tui --s")
    assert asked("urial-tui completion ") == ["plain,bash", "plain,zsh", "plain,fish"]
    assert asked("urial-tui ask --flash-attention o") == ["plain,on", "plain,off"]


@pytest.mark.parametrize(
    "line", ["urial-tui --side ", "urial-tui ask --side ", "urial-tui run --side="]
)
def test_a_side_is_completed_part_by_part(asked: Asked, line: str) -> None:
    assert "plain,demo" in asked(line)
    assert {"plain,demo@raw", "plain,demo@urial-general"} <= set(asked(line + "demo@"))
    assert asked(line + "demo+sft@zero") == ["plain,demo+sft@zero-shot"]


def test_where_no_side_fits_the_shell_offers_files(asked: Asked) -> None:
    assert asked("urial-tui ask --side ./models/a") == ["file,./models/a"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_asks_the_program_in_the_shells_own_way(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["completion", shell])
    script, errors = capsys.readouterr()
    assert (left.value.code, errors) == (0, "")
    assert f"_URIAL_TUI_COMPLETE={shell}_complete" in script
    assert "_urial_tui_completion" in script
