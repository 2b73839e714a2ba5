"""What the commands ask of an engine: whose model, and how many tokens."""

from pathlib import Path

import pytest

from tests.support import tinygguf
from tests.support.scripted_engine import ScriptedEngine
from urial_tui.cli.engine_access import tokenize_prompt
from urial_tui.prompts.types import Rendered, Span
from urial_tui.services import Services


class Engine(ScriptedEngine):
    """One token a character, after the BOS where the model has one."""

    bos: tuple[int, ...] = (2,)

    def _ids(self, prompt):  # type: ignore[no-untyped-def]
        return (*self.bos, *map(ord, "".join(span.text for span in prompt.spans)))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine([])
    monkeypatch.setattr(Services, "engine", engine)
    return engine


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    return str(tinygguf.write_model(tmp_path / "tiny.gguf"))


@pytest.mark.usefixtures("engine")
def test_a_side_s_model_tokenises_whatever_its_style_is(model: str) -> None:
    rendered = Rendered((Span("ab"),))
    for style in ("", "@no-such-pack", "@chat"):
        assert [token for token, _ in tokenize_prompt(model + style, rendered)] == [2, 97, 98]
