"""Homes with the embedded model: one for the whole run, whose prompt states are warm, and cold ones."""

import os
from pathlib import Path

import pytest

from tests.conftest import GiveDemo
from tests.support.pty_processes import Done, run

if os.name != "posix":
    collect_ignore_glob = ["test_ask_faults.py"]

QUESTION = "What are the benefits of walking every day?"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("real")


ONE_THREAD = "n_threads = 1\n"
"""llama.cpp's threads wait for each other by spinning: beside other work one is not slower than two."""


def _with_settings(home: Path) -> Path:
    (home / "config").mkdir()
    (home / "config" / "settings.toml").write_text(ONE_THREAD)
    return home


@pytest.fixture
def home(tmp_path: Path, give_demo: GiveDemo) -> Path:
    """A home in which nothing was asked yet."""
    return _with_settings(give_demo(tmp_path / "home"))


@pytest.fixture(scope="session")
def used_home(tmp_path_factory: pytest.TempPathFactory, give_demo: GiveDemo) -> Path:
    """One home for all tests that only need the model to be there."""
    return _with_settings(give_demo(tmp_path_factory.mktemp("used") / "home"))


@pytest.fixture(scope="session")
def cold(used_home: Path) -> Done:
    """The first answer in the used home: its prompt was read token by token."""
    return run(used_home, "ask", "--demo", "--json", "--temperature", "0", QUESTION)


@pytest.fixture(scope="session")
def warm(used_home: Path, cold: Done) -> Done:
    """The same question in a new process: its prompt's constant part comes from the disk."""
    return run(used_home, "ask", "--demo", "--json", "--temperature", "0", QUESTION)
