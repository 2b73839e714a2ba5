"""What the commands ask of an engine: whose model, and how many tokens."""

import asyncio
from pathlib import Path

import pytest

from tests.support import tinygguf
from tests.support.scripted_engine import ScriptedEngine
from urial_tui.chat.side_loader import SideLoader
from urial_tui.cli.common.engine_access import count_tokens, tokenize_prompt
from urial_tui.prompts.lint import counted_texts
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


@pytest.mark.parametrize(("bos", "counts"), [((2,), [3, 4, 0]), ((), [2, 3, 0])])
def test_texts_are_counted_with_the_bos_that_the_model_has(
    model: str, engine: Engine, bos: tuple[int, ...], counts: list[int]
) -> None:
    engine.bos = bos
    assert count_tokens(["ab", "abc", ""], model) == counts


async def test_the_picker_and_lint_agree(model: str, engine: Engine) -> None:
    services = Services()
    pack = services.packs.get("urial-brief")
    side = await services.activate(model)
    loader = SideLoader(engine, services.activate, side.notation, lambda _: None)
    cost = await loader.pack_cost(pack.id)
    texts = counted_texts(pack)
    assert await asyncio.to_thread(count_tokens, texts, model) == [cost]
