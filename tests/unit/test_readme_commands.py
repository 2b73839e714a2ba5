"""Every command that README.md shows: this runs it as it stands there, or says which test does, or why nothing can.

A block of shell lines is one test: its lines run one after the other, in a home and a folder of their own, with a small
instruction set and a tiny model under the names that the README uses. None of them may speak to a network.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import GiveDemo
from tests.support.tinygguf import write_model
from urial_tui import paths

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")

NETWORK = {
    "urial-tui models pull starter:qwen2.5-1.5b": "fetches 2 GB from the Hugging Face Hub",
    "urial-tui models pairs Qwen2.5-1.5B-Instruct-Q4_K_M": "is about the model that was fetched",
    "pip install '.[demo]'": "fetches packages; the wheel is tests/unit/test_wheel.py's",
    "pipx install '.[demo]'": "fetches packages",
    "uv tool install '.[demo]'": "fetches packages",
}
GPU = {
    "make cuda": "needs NVIDIA's toolkit; what it asks for is tests/unit/test_makefile.py's",
    "make metal": "needs a Mac; what it asks for is tests/unit/test_makefile.py's",
    "make vulkan": "needs a Vulkan SDK; what it asks for is tests/unit/test_makefile.py's",
}
ELSEWHERE = {
    "make run": "tests/pty/test_first_run.py::test_the_option_for_the_embedded_model_asks_nothing",
    "urial-tui --side ~/models/some-base-model.gguf": "tests/pty/test_first_run.py::"
    "test_a_file_is_chosen_and_the_next_start_goes_on_with_it",
}
MEASURES = {
    "make test": "runs these tests",
    "make bench": "measures this machine for minutes; a part of each bench is a test of its own",
}
NOT_HERE = NETWORK | GPU | ELSEWHERE | MEASURES

WATCHER = """\
import os, socket, sys

def watch(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.bind"):
        if args[0].family not in (socket.AF_INET, socket.AF_INET6):
            return
    elif event not in ("socket.getaddrinfo", "socket.gethostbyname"):
        return
    with open(os.environ["NETWORK_LOG"], "a") as log:
        print(sys.argv[:3], event, args[1:], file=log)

sys.addaudithook(watch)
"""
"""Python runs this at the start of each process, the engine's too: what would reach a network is written down."""

SETTINGS = "n_threads = 1\n[sampling]\nmax_tokens = 24\n"
"""Short answers: what is tried is that the commands go together."""
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
ITEMS = [
    {"id": n, "instruction": text, "source_id": f"x-{n}", "dataset": "own", "output": "N/A"}
    | {"generator": "none", "category": "regular"}
    for n, text in enumerate(["Name a colour.", "Why is bread brown?"])
]


@dataclass(frozen=True)
class Block:
    """The commands of one block of shell lines."""

    commands: tuple[str, ...]

    @property
    def name(self) -> str:
        return " ".join(self.commands[0].split()[:3])

    @property
    def here(self) -> list[str]:
        return [command for command in self.commands if command not in NOT_HERE]


def blocks(text: str) -> list[Block]:
    found = []
    for indent, body in re.findall(r"^( *)```(?:sh|console)\n(.*?)^\1```$", text, re.M | re.S):
        joined = re.sub(r"\\\n\s*", "", re.sub(rf"^{indent}", "", body, flags=re.M))
        # Two spaces and # begin a remark; a line that a quote goes over is one command.
        lines = [re.sub(r"\s{2,}#.*", "", line).strip() for line in joined.split("\n")]
        found.append(Block(tuple(line for line in lines if line)))
    return found


def inline(text: str) -> list[str]:
    """Whole commands in the prose: what begins as one and goes on."""
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)
    spans = re.findall(r"`([^`\n]+)`", prose)
    return [span for span in spans if re.match(r"(make|pip|pipx|uv|urial-tui) \S", span)]


BLOCKS = blocks(README)
RUN_HERE = [block for block in BLOCKS if block.here]


def test_the_test_finds_commands() -> None:
    text = "`make x` `make` `ask -h`\n```sh\na b    # c\na \\\n  d\n```\n  ```sh\n  e\n  ```\n```\nf\n```\n"
    assert [block.commands for block in blocks(text)] == [("a b", "a d"), ("e",)]
    assert inline(text) == ["make x"]


def test_every_command_is_run_here_or_elsewhere_or_has_a_reason() -> None:
    shown = [command for block in BLOCKS for command in block.commands]
    in_prose = [command for command in inline(README) if command not in shown]
    assert [command for command in in_prose if command not in NOT_HERE] == []
    gone = [command for command in NOT_HERE if command not in [*shown, *in_prose]]
    assert gone == [], "the README no longer shows what this excuses"


@pytest.mark.parametrize("where", ELSEWHERE.values())
def test_the_test_that_runs_a_command_is_there(where: str) -> None:
    file, _, name = where.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("target", [c for c in NOT_HERE if c.startswith("make ")])
def test_the_makefile_has_the_target(target: str) -> None:
    done = subprocess.run(
        ["make", "-n", *target.split()[1:]], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, give_demo: GiveDemo) -> Path:
    """A user's folder with what the README's commands name, in a home where the embedded model is assembled."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    for name in [*os.environ]:
        if name.startswith(("URIAL_TUI_", "XDG_")):
            monkeypatch.delenv(name)
    assembled = give_demo(tmp_path / "first") / "cache" / "models"
    models = paths.cache_dir() / "models"
    models.parent.mkdir(parents=True)
    assembled.rename(models)
    paths.config_dir().mkdir(parents=True)
    (paths.config_dir() / "settings.toml").write_text(SETTINGS)
    work = tmp_path / "work"
    work.mkdir()
    (work / "just_eval.json").write_text(json.dumps(ITEMS))
    (work / "question.txt").write_text("What is a haiku?\n")
    write_model(work / "model.gguf", n_ctx=8192, chat_template=TEMPLATE)
    watching = tmp_path / "watching"
    watching.mkdir()
    (watching / "sitecustomize.py").write_text(WATCHER)
    monkeypatch.setenv("PYTHONPATH", str(watching))
    monkeypatch.setenv("NETWORK_LOG", str(tmp_path / "network"))
    return work


def spoken(folder: Path) -> str:
    """What the commands that ran in `folder` wanted of a network."""
    log = folder.parent / "network"
    return log.read_text() if log.exists() else ""


def test_the_test_sees_who_speaks_to_a_network(folder: Path) -> None:
    reaching = "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"
    assert run(f'"{sys.executable}" -P -c "{reaching}"', folder).returncode == 0
    assert "socket.connect" in spoken(folder)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    found = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=os.environ | {"PATH": found},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.real
@pytest.mark.timeout(900)
@pytest.mark.parametrize("block", RUN_HERE, ids=[block.name for block in RUN_HERE])
def test_the_commands_of_a_block_work_as_they_stand_there(block: Block, folder: Path) -> None:
    if block.name.startswith("sqlite3"):
        if shutil.which("sqlite3") is None or sys.platform != "linux":
            pytest.skip("needs the program sqlite3 and the folders of Linux")
        assert run("urial-tui ask --demo --max-tokens 4 Hello", folder).returncode == 0
    for command in block.here:
        done = run(command, folder)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert done.stdout, command
    assert spoken(folder) == ""
