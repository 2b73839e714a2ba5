"""The services: whose sampling values win, and how a pack or style that is not there is told."""

from pathlib import Path

import pytest

from tests.support import tinygguf
from tests.support.packs import MINIMAL, turns, write
from urial_tui.errors import ModelError, PromptError, UrialError
from urial_tui.prompts.packs import load_pack
from urial_tui.prompts.styles import Style, resolve_style, style_from_file, style_of_pack
from urial_tui.services import Services, SideChoice
from urial_tui.settings import DEFAULT_MAX_TOKENS, Settings, with_values

OFFICIAL_TEXT = "# Instruction\n\nBe kind.\n\n# Query:\n```\nq\n```\n\n# Answer:\n```\na\n```"


def services(**sampling: object) -> Services:
    changes = {f"sampling.{name}": value for name, value in sampling.items()}
    return Services(with_values(Settings(), changes))


def pack_style(folder: Path, defaults: str) -> Style:
    return style_of_pack(load_pack(write(folder, f"{MINIMAL}[defaults]\n{defaults}\n")))


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    return services()


def test_a_pack_says_how_long_its_answers_may_be(tmp_path: Path) -> None:
    sampling, max_tokens = services().sampling(
        pack_style(tmp_path, "max_tokens = 900\ntop_p = 0.5")
    )
    assert (max_tokens, sampling.top_p) == (900, 0.5)


def test_every_built_in_pack_s_values_arrive(packs: Services) -> None:
    for pack in packs.packs.all():
        sampling, max_tokens = packs.sampling(resolve_style(pack.id, packs.packs))
        arrived = {"max_tokens": max_tokens} | {
            name: getattr(sampling, name) for name in pack.defaults if name != "max_tokens"
        }
        assert arrived == pack.defaults, pack.id


def test_an_official_prompt_has_the_official_values(tmp_path: Path) -> None:
    sampling, max_tokens = services().sampling(
        style_from_file(write(tmp_path, OFFICIAL_TEXT, "inst_help.txt"))
    )
    assert max_tokens == 2048
    assert (sampling.temperature, sampling.repeat_penalty) == (0.3, 1.1)


def test_the_user_s_settings_go_before_the_pack_s_values(tmp_path: Path) -> None:
    style = pack_style(tmp_path, "max_tokens = 900\ntop_p = 0.5")
    sampling, max_tokens = services(max_tokens=7, top_p=1.0).sampling(style)
    assert (max_tokens, sampling.top_p) == (7, 1.0)


def test_where_nobody_says_how_long_there_is_a_default(packs: Services) -> None:
    assert packs.sampling(resolve_style("raw", packs.packs))[1] == DEFAULT_MAX_TOKENS == 512


async def test_a_model_with_a_template_is_activated_as_chat(
    packs: Services, tmp_path: Path
) -> None:
    model = tinygguf.write_model(tmp_path / "m.gguf", chat_template=tinygguf.CHATML)
    tune = tinygguf.write_adapter(
        tmp_path / "tune.gguf", chat_template="A: {{ messages[0].content }}"
    )
    pack = write(tmp_path, MINIMAL)
    cases = {
        f"{model}": ("chat", "<|im_start|>user\n"),
        f"{model}+{tune}": ("chat", "A: "),
        f"{model}@raw": ("raw", ""),
    }
    for notation, (style, opening) in cases.items():
        side = await packs.activate(notation)
        assert side.notation == notation.removesuffix("@raw") + "@" + style
        assert (side.style.id, side.style.constant().text) == (style, opening)
        assert (side.style.template_hash is None) == (style == "raw")
        assert packs.style(notation).constant() == side.style.constant()
    for notation in (f"{model}", f"{model}@chat"):
        assert (await packs.activate(notation, pack_file=pack)).style.id == "mine"
        assert packs.style(notation, pack).id == "mine"


async def test_a_model_without_a_template_cannot_chat(packs: Services, tmp_path: Path) -> None:
    model = tinygguf.write_model(tmp_path / "m.gguf")
    with pytest.raises(ModelError) as caught:
        await packs.activate(f"{model}@chat")
    assert caught.value.kind == "template-missing"
    assert (await packs.activate(str(model))).style.id == "urial-general"


def test_a_templates_clock_stands_at_the_beginning_of_the_day(
    packs: Services, tmp_path: Path
) -> None:
    text = "{{ strftime_now('%H:%M:%S') }} {{ messages[0].content }}{{ eos_token }}"
    model = tinygguf.write_model(tmp_path / "m.gguf", chat_template=text)
    assert packs.style(str(model)).render(turns("Hi")).text == "00:00:00 Hi</s>"


OF_PACK, OF_SIDE = (f"Or change `{key}` in the settings." for key in ("pack", "side"))


async def test_a_pack_of_the_settings_that_is_not_there_is_told_with_its_key(
    packs: Services, tmp_path: Path
) -> None:
    model = tinygguf.write_model(tmp_path / "m.gguf")
    wrong = Services(Settings(pack="nope"))
    for notation in (f"{model}", "demo"):
        with pytest.raises(PromptError, match="there is no pack 'nope'") as caught:
            wrong.style(notation)
        assert caught.value.hint.endswith(OF_PACK)
    with pytest.raises(PromptError) as caught:
        await wrong.activate(str(model))
    assert caught.value.hint.endswith(OF_PACK)
    with pytest.raises(PromptError) as caught:
        await wrong.activate(f"{model}@nono")
    assert "in the settings" not in caught.value.hint
    assert (await wrong.activate(f"{model}@raw")).style.id == "raw"


def test_a_style_of_the_settings_side_is_looked_for_where_it_counts(
    packs: Services, tmp_path: Path
) -> None:
    wrong = Services(Settings(side="demo@nope"))
    with pytest.raises(PromptError, match="there is no pack 'nope'") as caught:
        wrong.notation(SideChoice())
    assert caught.value.hint.endswith(OF_SIDE)
    for choice, notation in (
        (SideChoice(pack="raw"), "demo@raw"),
        (SideChoice(pack_file=tmp_path / "mine.toml"), "demo@nope"),
        (SideChoice(demo=True), "demo"),
        (SideChoice(side="x@nono"), "x@nono"),
    ):
        assert wrong.notation(choice) == notation


async def test_a_model_of_the_settings_side_that_is_not_there_is_told_with_its_key(
    packs: Services,
) -> None:
    wrong = Services(Settings(side="nobody"))
    with pytest.raises(UrialError, match="nobody") as caught:
        wrong.style("nobody")
    assert "Or change" not in caught.value.hint  # it was asked for by name
    notation = wrong.notation(SideChoice())
    with pytest.raises(UrialError, match="nobody") as caught:
        wrong.style(notation)
    assert caught.value.hint.endswith(OF_SIDE)
    with pytest.raises(UrialError, match="nobody") as caught:
        await wrong.activate(notation)
    assert caught.value.hint.endswith(OF_SIDE)
