"""A home of its own for each test, a tiny model, and `start`, which runs the program in a terminal."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.tinygguf import write_model

if os.name != "posix":
    collect_ignore_glob = ["test_*.py"]
else:
    from tests.support.pty_program import Terminal

Start = Callable[..., "Terminal"]

SETTINGS = """\
side = '"{model}"@zero-shot'
n_ctx = 16384
n_threads = 1
[sampling]
temperature = 0
max_tokens = 4000
"""
"""The tiny model never ends an answer: these last until a test ends them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("pty")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny.gguf", n_ctx=32768)


@pytest.fixture
def home(tmp_path: Path, tiny: Path) -> Path:
    """The program's home, with settings that name the tiny model."""
    config = tmp_path / "home" / "config"
    config.mkdir(parents=True)
    (config / "settings.toml").write_text(SETTINGS.format(model=tiny))
    return tmp_path / "home"


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """`start(*arguments, **options)`: the program in a terminal; each is ended after the test."""
    with ExitStack() as running:

        def run(*arguments: str, **options: Any) -> Terminal:
            return running.enter_context(Terminal(arguments, home, **options))

        yield run
