"""The script of `urial-tui completion bash`, in the bash that is here: it asks the program and writes its answers."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.pty.conftest import Start
from tests.support.pty_program import Terminal

CLEAR_LINE = "\x15"
BASH = shutil.which("bash")
CASES = [
    ("urial-tui jud", "urial-tui judge"),
    ("urial-tui ask --si", "urial-tui ask --side"),
    ("urial-tui models inf", "urial-tui models info"),
    ("urial-tui completion z", "urial-tui completion zsh"),
    ("urial-tui ask --side demo+sft@urial-b", "urial-tui ask --side demo+sft@urial-brief"),
    ("urial-tui run --reference=demo@sa", "urial-tui run --reference=demo@same"),
    ("urial-tui ask --side ./own-mod", "urial-tui ask --side ./own-model.gguf"),
    ("urial-tui import not", "urial-tui import notes.txt"),
]


@pytest.fixture
def shell(home: Path, start: Start) -> Terminal:
    """bash as a person has it who put the line of the manual into ~/.bashrc."""
    if BASH is None:
        pytest.skip("there is no bash here")
    (home / "own-model.gguf").touch()
    (home / "notes.txt").touch()
    (home / "rc").write_text(
        "PS1='now '\nbind 'set enable-bracketed-paste off'\n"
        'eval "$(urial-tui completion bash)"\nPS1="\\$ "\n'
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    terminal = start(
        "--noprofile", "--rcfile", str(home / "rc"), "-i", command=[BASH], env={"PATH": path}
    )
    terminal.until_text("$")
    return terminal


def test_bash_completes_commands_options_sides_and_paths(shell: Terminal) -> None:
    for written, whole in CASES:
        shell.send(written + "\t")
        shell.until(lambda whole=whole: shell.text().rstrip().endswith(f"$ {whole}"), what=whole)
        shell.send(CLEAR_LINE)
        shell.until(lambda: shell.text().rstrip() == "$", what="an empty line")
