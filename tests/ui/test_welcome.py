"""The first run: three ways to a model, and nothing is loaded before one is chosen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input, OptionList, Static

from tests.support.fake_chat import FakeChat
from tests.support.fake_desk import BASE, CHAT, DEMO, PARTNERS, FakeDesk
from tests.ui.driving import Bench, running
from urial_tui.errors import ModelError, StoreError
from urial_tui.models.hub.types import DownloadStatus
from urial_tui.ui.path_input import completion
from urial_tui.ui.screens.dialog import Confirm
from urial_tui.ui.screens.hub import HubScreen
from urial_tui.ui.screens.models import ModelsScreen
from urial_tui.ui.screens.welcome import WelcomeScreen


class Hall(Bench):
    """A bench with the welcome screen in front."""

    desk: FakeDesk
    kept: list[tuple[str, tuple[str, ...] | None]]

    @property
    def welcome(self) -> WelcomeScreen:
        found = [one for one in self.app.screen_stack if isinstance(one, WelcomeScreen)]
        assert found, "nobody is welcomed"
        return found[-1]

    @property
    def ways(self) -> OptionList:
        return self.welcome.query_one("#ways", OptionList)

    def texts(self) -> list[str]:
        return [
            str(self.ways.get_option_at_index(n).prompt).replace("\n", ":")
            for n in range(self.ways.option_count)
        ]

    async def take(self, way: str) -> None:
        self.ways.highlighted = self.ways.get_option_index(way)
        await self.press("enter")
        await self.pilot.pause()

    def problem(self) -> str:
        return str(self.welcome.query_one("#problem", Static).render())


@asynccontextmanager
async def hall(
    desk: FakeDesk | None = None,
    prepare: Any = None,
    *,
    size: tuple[int, int] = (80, 24),
    side: str = "demo",
    **rest: Any,
) -> AsyncIterator[Hall]:
    desk = desk or FakeDesk()
    kept: list[tuple[str, tuple[str, ...] | None]] = []

    async def remember(side: str, references: tuple[str, ...] | None) -> None:
        kept.append((side, references))

    services = {"models": desk, "first_run": True, "remember": remember, **rest}
    async with running(prepare, size=size, services=services, side=side) as bench:
        opened = Hall(bench.app, bench.pilot, bench.chats)
        opened.desk, opened.kept = desk, kept
        yield opened


async def test_nothing_is_loaded_before_a_way_is_chosen() -> None:
    async with hall() as bench:
        assert isinstance(bench.app.screen, WelcomeScreen)
        assert not bench.chat.called("start") and not bench.chat.called("set_side")
        assert bench.screen.status.status.state == "no model yet"
        assert bench.texts()[0].startswith("The embedded base model:  Gemma 3 270M, 253 MB")


async def test_enter_takes_the_embedded_model_and_that_is_remembered() -> None:
    async with hall() as bench:
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_side"))
        await bench.settle()
        assert bench.chat.called("set_side") == [("demo",)]
        assert bench.app.screen is bench.screen
        assert bench.screen.focused is bench.screen.composer
        assert bench.kept == [("demo", ())]


async def test_escape_takes_it_too() -> None:
    async with hall() as bench:
        await bench.press("escape")
        await bench.until(lambda: bench.chat.called("set_side") == [("demo",)])


async def test_a_pack_of_the_command_line_goes_with_the_model_that_is_chosen() -> None:
    async with hall(side="demo@urial-brief") as bench:
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_side"))
        assert bench.chat.called("set_side") == [("demo@urial-brief",)]


async def test_without_the_embedded_model_the_others_come_first_and_it_says_why() -> None:
    desk = FakeDesk()
    desk.demo_problem = "it is not installed: pip install 'urial-tui[demo]'"
    async with hall(desk) as bench:
        assert "it is not installed: pip install 'urial-tui[demo]'" in bench.texts()[0]
        assert bench.ways.highlighted == 1
        await bench.take("demo")
        assert "it is not installed" in bench.problem()
        assert isinstance(bench.app.screen, WelcomeScreen)
        await bench.press("escape")
        await bench.settle()
        assert bench.app.screen is bench.screen
        assert not bench.chat.called("start") and not bench.chat.called("set_side")
        assert bench.screen.status.status.state == "no model"
        assert "F5 chooses a model" in bench.said()
        assert bench.kept == []


# --- a file -------------------------------------------------------------------------------------


async def test_a_file_is_checked_before_it_is_taken(tmp_path: Path) -> None:
    asked: list[str] = []

    def check(side: str) -> None:
        asked.append(side)
        if "bad" in side:
            raise ModelError("it is not a GGUF file", hint="Name another.")

    (tmp_path / "bad.gguf").touch()
    (tmp_path / "my good.gguf").touch()
    async with hall(check_side=check) as bench:
        await bench.take("file")
        line = bench.welcome.query_one("#path", Input)
        assert bench.welcome.focused is line
        await bench.press("enter")
        assert "Write the path" in bench.problem()
        for text, words in [
            (str(tmp_path), "is a folder. Name a GGUF file in it"),
            (str(tmp_path / "bad.gguf"), "it is not a GGUF file. Name another."),
        ]:
            line.value = text
            await bench.press("enter")
            await bench.until(lambda w=words: w in bench.problem(), words)
        line.value = str(tmp_path / "my good.gguf")
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_side"))
        assert bench.chat.called("set_side") == [(f'"{tmp_path}/my good.gguf"',)]
        assert asked[-1] == f'"{tmp_path}/my good.gguf"'


async def test_a_file_that_does_not_fit_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "big.gguf").touch()
    async with hall(FakeDesk(free=10**6)) as bench:
        await bench.take("file")
        bench.welcome.query_one("#path", Input).value = str(tmp_path / "big.gguf")
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.app.screen, Confirm))
        await bench.pilot.pause()
        await bench.press("escape")
        await bench.settle()
        assert isinstance(bench.app.screen, WelcomeScreen) and not bench.chat.called("set_side")
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.app.screen, Confirm))
        bench.app.screen.query_one("#yes", Button).focus()
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_side"))


async def test_escape_leaves_the_line_first() -> None:
    async with hall() as bench:
        await bench.take("file")
        await bench.press("escape")
        assert isinstance(bench.app.screen, WelcomeScreen)
        assert not bench.welcome.query_one("#file").display
        assert bench.welcome.focused is bench.ways


async def test_tab_completes_the_path(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny-Q4.gguf").touch()
    async with hall() as bench:
        await bench.take("file")
        line = bench.welcome.query_one("#path", Input)
        line.value = str(tmp_path / "mo")
        await bench.press("tab")
        await bench.until(lambda: line.value == f"{tmp_path}/models/")
        await bench.press("tab")
        await bench.until(lambda: line.value == f"{tmp_path}/models/tiny-Q4.gguf")
        await bench.press("tab")
        await bench.until(lambda: bench.welcome.focused is not line)


def test_a_path_is_completed_by_folders_and_gguf_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a-folder", "b-folder", ".hidden"):
        (tmp_path / name).mkdir()
    for name in ("a-model.gguf", "notes.txt", "evil\x1b.gguf", "Upper.GGUF"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert completion(f"{tmp_path}/") == f"{tmp_path}/Upper.GGUF"
    assert completion(f"{tmp_path}/a-f") == f"{tmp_path}/a-folder/"
    assert completion("a-m") == "a-model.gguf"
    assert completion("~/b") == "~/b-folder/"
    assert completion("Up") == "Upper.GGUF"
    assert completion(".h") == ".hidden/"
    for text in (
        "",
        "~",
        "n",
        "ev",
        "a-model.gguf",
        "/no/such/folder/x",
        "x\0y",
        "~nobody-of-that-name/x",
    ):
        assert completion(text) is None, text


# --- the library and the hub --------------------------------------------------------------------


async def test_models_that_were_found_are_one_way_more() -> None:
    async with hall() as bench:
        assert any("3 were found" in text for text in bench.texts())
        await bench.take("library")
        await bench.until(lambda: isinstance(bench.app.screen, ModelsScreen))
        await bench.settle()
        models: Any = bench.app.screen
        models.table.choose(BASE.name)
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_side"))
        await bench.settle()
        assert bench.chat.called("set_side") == [(BASE.name,)]
        assert bench.app.screen is bench.screen


async def test_a_model_that_was_fetched_meanwhile_is_offered_when_the_user_comes_back() -> None:
    async with hall(FakeDesk([DEMO])) as bench:
        await bench.settle()
        assert len(bench.texts()) == 3
        await bench.take("hub")
        await bench.until(lambda: isinstance(bench.app.screen, HubScreen))
        bench.desk.known.append(BASE)
        await bench.settle()
        await bench.press("escape")
        await bench.until(lambda: any("1 was found" in text for text in bench.texts()))
        assert bench.ways.get_option_at_index(bench.ways.highlighted or 0).id == "hub"


async def test_without_other_models_the_library_is_not_offered() -> None:
    async with hall(FakeDesk([DEMO])) as bench:
        await bench.settle()
        assert [text.partition(":")[0] for text in bench.texts()] == [
            "The embedded base model", "A GGUF file on this machine", "Download a pair",
        ]  # fmt: skip


async def test_a_library_that_cannot_be_read_does_not_stand_in_the_way() -> None:
    desk = FakeDesk()
    desk.errors["facts"] = ModelError("no")
    async with hall(desk) as bench:
        await bench.settle()
        assert len(bench.texts()) == 3
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_side"))


async def test_leaving_the_library_or_the_hub_comes_back_here() -> None:
    async with hall() as bench:
        for way, kind in (("library", ModelsScreen), ("hub", HubScreen)):
            await bench.take(way)
            await bench.until(lambda k=kind: isinstance(bench.app.screen, k))
            await bench.settle()
            await bench.press("escape")
            await bench.until(lambda: isinstance(bench.app.screen, WelcomeScreen))
        assert not bench.chat.called("set_side")


async def test_a_pair_that_is_fetched_here_is_offered_and_opened_in_the_inspector() -> None:
    async with hall(size=(120, 36)) as bench:
        await bench.take("hub")
        await bench.until(lambda: isinstance(bench.app.screen, HubScreen))
        await bench.settle()
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.app.screen, Confirm))
        await bench.pilot.pause()
        await bench.press("enter")
        await bench.until(lambda: len(bench.desk.downloads()) == 2)
        first, second = bench.desk.downloads()
        bench.desk.change(first.id, state="done", done=first.total)
        await bench.settle()
        assert isinstance(bench.app.screen, HubScreen)
        bench.desk.complete["qwen2.5-1.5b"] = PARTNERS[CHAT.name][0]
        bench.desk.change(second.id, state="done", done=second.total)
        await bench.until(lambda: isinstance(bench.app.screen, Confirm), "the offer")
        await bench.pilot.pause()
        assert "Both models of Qwen2.5 1.5B are here" in str(
            bench.app.screen.query_one(".lead", Static).render()
        )
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_references"))
        await bench.settle()
        assert bench.chat.called("set_side") == [(f"{CHAT.name}@chat",)]
        assert bench.chat.called("set_references") == [((f"{BASE.name}@raw",),)]
        assert bench.app.screen is bench.screen and bench.screen.panes.inspector_is_shown()
        assert bench.kept == [(f"{CHAT.name}@chat", (f"{BASE.name}@raw",))]


# --- when nobody is welcomed --------------------------------------------------------------------


def talked(chat: FakeChat) -> None:
    chat.add_session("Walking", ["Why walk?", "It is healthy."])


async def test_who_has_a_history_is_not_welcomed() -> None:
    async with hall(prepare=talked) as bench:
        assert bench.app.screen is bench.screen
        assert bench.chat.called("start") == [()]


async def test_a_history_that_cannot_be_listed_is_no_first_run() -> None:
    def broken(chat: FakeChat) -> None:
        async def sessions(query: str = "") -> Any:
            raise StoreError("the history cannot be read")

        chat.sessions = sessions  # type: ignore[method-assign]

    async with hall(prepare=broken) as bench:
        assert bench.app.screen is bench.screen and bench.chat.called("start")


async def test_without_a_first_run_the_model_is_loaded_at_once() -> None:
    async with hall(first_run=False) as bench:
        assert bench.app.screen is bench.screen and bench.chat.called("start") == [()]


# --- downloads, seen from the chat --------------------------------------------------------------


async def test_the_status_line_follows_downloads_and_their_end_is_told() -> None:
    desk = FakeDesk()
    async with hall(desk, first_run=False) as bench:
        download = desk.begin("o/New-GGUF", "Q8_0", 100_000_000)
        desk.change(download, state="fetching", done=43_000_000, rate=12e6)
        await bench.pilot.pause()
        assert "↓ 43 % 12 MB/s" in str(bench.screen.status.render())
        desk.change(download, state="done", done=100_000_000)
        await bench.settle()
        assert "↓" not in str(bench.screen.status.render())
        assert bench.notices.count("New Q8_0, 100 MB, is here.") == 1
        other = desk.begin("o/Other-GGUF", "Q8_0", 100)
        error = ModelError("the disk is full", hint="Make room.")
        desk.change(other, state="failed", error=error)
        desk.change(other, done=1)
        assert bench.said().count("Other Q8_0: the disk is full\nMake room.") == 1


async def test_a_pair_that_is_complete_while_the_user_writes_is_told_not_asked() -> None:
    desk = FakeDesk()
    desk.complete["qwen2.5-1.5b"] = PARTNERS[CHAT.name][0]
    async with hall(desk, first_run=False) as bench:
        await bench.write("I am wri")
        download = desk.begin("bartowski/Qwen2.5-1.5B-Instruct-GGUF", "Q4_K_M", 100)
        desk.change(download, state="done", done=100)
        await bench.until(lambda: "Both models of Qwen2.5 1.5B are here" in bench.said())
        await bench.press("t")
        assert bench.app.screen is bench.screen
        assert bench.screen.composer.text == "I am writ"


async def test_leaving_says_that_a_download_is_kept() -> None:
    desk = FakeDesk()
    gate = asyncio.Event()

    async def close() -> None:
        await gate.wait()

    async with hall(desk, first_run=False, close=close) as bench:
        download = desk.begin("o/New-GGUF", "Q8_0", 100)
        desk.change(download, state="fetching", done=43)
        leaving = asyncio.create_task(bench.app.leave(0))
        await bench.until(lambda: "closing" in bench.screen.status.status.state)
        state = bench.screen.status.status.state
        assert state == "closing; the download is kept and can be resumed"
        gate.set()
        await leaving


async def test_downloads_that_are_half_there_are_told_at_the_start() -> None:
    desk = FakeDesk()
    desk.unfinished = [
        DownloadStatus("a", "o/A-GGUF", "Q4_0", "paused", 40, 100),
        DownloadStatus("b", "o/B-GGUF", "Q4_0", "paused", 40, 100),
    ]
    async with hall(desk, first_run=False) as bench:
        await bench.until(lambda: "2 models" in bench.said())
        assert "goes on with it" in bench.said()
