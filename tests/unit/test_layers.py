"""The layers: which part may import which, and what the light parts must not pull in."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from urial_tui.main import COMMANDS

ROOT = Path(__file__).parents[2]

CORE = [
    "urial_tui.chat",
    "urial_tui.chat.chat",
    "urial_tui.engine.client",
    "urial_tui.models.library",
    "urial_tui.models.resolve",
    "urial_tui.prompts.styles",
    "urial_tui.services",
    "urial_tui.settings",
    "urial_tui.store.aio",
    "urial_tui.store.store",
]


def loaded_by(*modules: str) -> set[str]:
    """The top-level packages that a fresh Python has after importing `modules`."""
    code = f"import sys, {', '.join(modules)}\nprint(*{{n.partition('.')[0] for n in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_import_contracts_hold() -> None:
    lint = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if lint is None:
        pytest.skip("import-linter is not installed; it comes with the dev extra")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


MOST_LINES = 400


def test_no_module_is_too_long_to_be_read_at_once() -> None:
    """One that passes this wants to be two."""
    modules = (ROOT / "urial_tui").rglob("*.py")
    lines = {str(one.relative_to(ROOT)): one.read_bytes().count(b"\n") for one in modules}
    assert len(lines) > 500
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


def test_the_core_has_no_textual_no_llama_cpp_and_no_jinja() -> None:
    assert loaded_by(*CORE) & {"textual", "llama_cpp", "click", "jinja2"} == set()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_no_command_needs_textual_or_llama_cpp(command: str) -> None:
    assert loaded_by(COMMANDS[command].module) & {"textual", "llama_cpp"} == set()


def test_the_entry_is_light() -> None:
    heavy = {"numpy", "textual", "sqlite3", "sqlite_utils", "huggingface_hub", "llama_cpp"}
    assert loaded_by("urial_tui.main") & (heavy | {"msgspec", "rich", "jinja2"}) == set()


def test_the_interface_starts_without_the_slow_parts() -> None:
    slow = {"numpy", "sqlite3", "sqlite_utils", "huggingface_hub", "llama_cpp", "jinja2"}
    assert loaded_by("urial_tui.launch") & slow == set()


def test_nothing_is_made_by_importing(tmp_path: Path) -> None:
    code = f"import {', '.join(CORE)}, urial_tui.main, urial_tui.launch"
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=tmp_path,
        env={"URIAL_TUI_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "PATH": ""},
        timeout=60,
    )
    assert list(tmp_path.iterdir()) == []
