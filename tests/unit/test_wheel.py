"""The wheel has everything that the program reads beside its code, and starts with nothing of the source tree."""

import email
import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from urial_tui import __version__

ROOT = Path(__file__).parents[2]
SHARED = f"urial_tui-{__version__}.data/data/share/man/man1/urial-tui.1"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the backend itself: nothing is downloaded."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the wheel, is not installed (pip install '.[dev]')")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


def in_the_tree(folder: str) -> set[str]:
    files = {path for path in (ROOT / folder).rglob("*") if path.is_file()}
    return {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}


def test_the_wheel_has_the_files_of_the_tree_and_no_others(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    packs = {f"urial_tui/{name}" for name in in_the_tree("prompt_packs")}
    assert {
        f"urial_tui/{folder}" for folder in ("judge/rubrics/just-eval.toml", "ui/chat/chat.tcss")
    } < names
    assert {name for name in names if ".dist-info/" not in name} == (
        in_the_tree("urial_tui") | packs | {SHARED}
    )


def test_the_wheel_says_its_version_and_both_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        folder = f"urial_tui-{__version__}.dist-info"
        said = email.message_from_bytes(opened.read(f"{folder}/METADATA"))
        assert said["Version"] == __version__
        assert said["License-Expression"] == "Apache-2.0 AND LicenseRef-Gemma"
        licences = {name for name in opened.namelist() if name.startswith(f"{folder}/licenses/")}
        assert {Path(name).name for name in licences} == {"LICENSE", "NOTICE"}
        assert (
            "urial-tui = urial_tui.main:main" in opened.read(f"{folder}/entry_points.txt").decode()
        )


def test_the_program_in_the_wheel_finds_what_belongs_to_it(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(installed)
    environment = os.environ | {
        "PYTHONPATH": str(installed),
        "URIAL_TUI_HOME": str(tmp_path / "home"),
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-P", *arguments],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout

    def program(*arguments: str) -> str:
        return run("-m", "urial_tui", *arguments)

    where = run("-c", "import urial_tui; print(urial_tui.__file__)")
    assert Path(where.strip()).parent == installed / "urial_tui"
    assert program("--version") == f"urial-tui, version {__version__}\n"
    assert "urial-general" in program("packs", "list")
    assert "just-eval" in program("rubrics", "list")
    assert "demo+sft" in program("models", "list")
    assert "qwen2.5-1.5b" in program("models", "starters")
    assert "_urial_tui_completion" in program("completion", "bash")
