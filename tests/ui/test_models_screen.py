"""The library's screen: what it shows, how it is filtered, and what each of its keys does."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.widgets import Button, Input, OptionList, Static

from tests.support.fake_desk import BASE, BROKEN, CHAT, DEMO, FACTS, LARGE, SFT, FakeDesk
from tests.ui.driving import Bench, running
from urial_tui.errors import ModelError, SettingsError, UsageError
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.screens import models as models_module
from urial_tui.ui.screens.add_models import AddModels
from urial_tui.ui.screens.dialog import Confirm
from urial_tui.ui.screens.help import HelpScreen
from urial_tui.ui.screens.hub import HubScreen
from urial_tui.ui.screens.models import ModelsScreen
from urial_tui.ui.screens.partners import PartnerPicker
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.table import Table

EVIL = "\x1b[31mred\u202eback[b]x[/b]"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models_module, "LOOK_DELAY", 0.0)


class Library(Bench):
    """A bench with the library open."""

    desk: FakeDesk

    @property
    def models(self) -> ModelsScreen:
        found = [one for one in self.app.screen_stack if isinstance(one, ModelsScreen)]
        assert found, "the library is not open"
        return found[-1]

    @property
    def dialog(self) -> Any:
        return self.app.screen

    def names(self) -> list[str]:
        table = self.models.query_one(Table)
        if not table.display:
            return []
        return [
            str(table.get_row_at(row)[0]).strip().removeprefix("● ")
            for row in range(table.row_count)
        ]

    def row(self, name: str) -> str:
        table = self.models.query_one(Table)
        return " | ".join(str(cell).strip() for cell in table.get_row_at(self.names().index(name)))

    def detail(self) -> str:
        return " ".join(self.models.query_one("#detail", Canvas).text.split())

    def text(self, selector: str) -> str:
        return str(self.app.screen.query_one(selector, Static).render())

    def heading(self) -> str:
        return str(self.models.query_one(Heading).render())

    async def go_to(self, name: str) -> None:
        self.models.query_one(Table).choose(name)
        await self.until(lambda: self.models.moment.facts is not None)
        await self.until(lambda: self.models.moment.facts.name == name, name)

    async def until_dialog(self, kind: type[Any]) -> None:
        await self.until(lambda: isinstance(self.app.screen, kind), kind.__name__)
        await self.pilot.pause()


@asynccontextmanager
async def library(
    desk: FakeDesk | None = None, *, size: tuple[int, int] = (120, 30), **rest: Any
) -> AsyncIterator[Library]:
    desk = desk or FakeDesk()
    async with running(size=size, services={"models": desk, **rest}) as bench:
        opened = Library(bench.app, bench.pilot, bench.chats)
        opened.desk = desk
        await bench.press("f17")
        await opened.until(lambda: isinstance(bench.app.screen, ModelsScreen))
        await bench.settle()
        yield opened


# --- what it shows ------------------------------------------------------------------------------


async def test_models_come_first_then_adapters_then_what_cannot_be_used() -> None:
    async with library(size=(160, 45)) as bench:
        assert bench.names() == [
            DEMO.name, LARGE.name, CHAT.name, BASE.name, SFT.name, BROKEN.name,
        ]  # fmt: skip
        assert bench.row(CHAT.name) == (
            "Qwen2.5-1.5B-Instruct-Q4_K_M | chat | Q4_K_M | 986 MB | fits | 1.5B | qwen2 | 128k"
            " | models folder"
        )
        assert bench.row(LARGE.name).split(" | ")[4] == "does not fit"
        assert bench.row(BROKEN.name).split(" | ")[1] == "unusable"
        assert bench.row(SFT.name).split(" | ")[1] == "adapter"
        assert "4 models, 44.8 GB on disk · memory 9.0 of 16.0 GB free" in bench.heading()


async def test_the_chats_own_model_is_marked_and_what_is_loaded_counts_as_free() -> None:
    async with library() as bench:
        table = bench.models.query_one(Table)
        assert str(table.get_row_at(0)[0]).startswith("● demo")
        assert ("fit", ("demo",), ("demo@urial-general",)) in bench.desk.calls


async def test_the_detail_has_everything_that_is_known() -> None:
    known = dataclasses.replace(
        CHAT, vocabulary="0123456789abcdef0123", also=(Path("/other/x.gguf"),)
    )
    desk = FakeDesk([DEMO, known, BASE])
    async with library(desk) as bench:
        await bench.go_to(CHAT.name)
        await bench.settle()
        text = bench.detail()
        for words in (
            'chat: "instruct" in its name', "Qwen/Qwen2.5-1.5B", "qwen2 1.5B, 1,543,714,304 parameters",
            "Q4_K_M, 986 MB", "131,072 tokens", "151,936 tokens (gpt2), fingerprint 0123456789abcdef",
            "template yes", "apache-2.0", "models folder", "/other/x.gguf", "not computed yet",
            "fits: needs about 1.2 GB, 9.0 GB is free", "weights 986 MB, context 123 MB",
            "compare with Qwen2.5-1.5B-Q4_K_M", "base and chat of Qwen2.5-1.5B",
        ):  # fmt: skip
            assert words in text, words


async def test_partners_are_looked_for_when_the_cursor_rests_and_only_once() -> None:
    desk = FakeDesk()
    async with library(desk) as bench:
        desk.calls.clear()
        await bench.go_to(CHAT.name)
        await bench.settle()
        await bench.go_to(DEMO.name)
        await bench.settle()
        await bench.go_to(CHAT.name)
        await bench.settle()
        assert desk.called("partners") == [(CHAT.name,)]


async def test_what_became_known_meanwhile_is_shown() -> None:
    desk = FakeDesk()
    gate = desk.gates["partners"] = asyncio.Event()
    async with running(size=(160, 45), services={"models": desk}) as running_bench:
        bench = Library(running_bench.app, running_bench.pilot, running_bench.chats)
        bench.desk = desk
        await bench.press("f17")
        await bench.until(lambda: desk.called("partners"))
        desk.known = [dataclasses.replace(one, vocabulary="feedc0de") for one in desk.known]
        assert "feedc0de" not in bench.detail()
        gate.set()
        await bench.until(lambda: "fingerprint feedc0de" in bench.detail())


async def test_what_cannot_be_worked_out_is_said_in_its_place() -> None:
    desk = FakeDesk()
    async with library(desk) as bench:
        desk.errors = {
            "fit": ModelError("its header is damaged"),
            "partners": ModelError("its vocabulary cannot be read"),
        }
        await bench.go_to(BASE.name)
        await bench.settle()
        assert "memory its header is damaged" in bench.detail()
        assert "compare with its vocabulary cannot be read" in bench.detail()


async def test_what_is_wrong_with_a_file_is_told_and_nothing_is_looked_for() -> None:
    desk = FakeDesk()
    async with library(desk) as bench:
        desk.calls.clear()
        await bench.go_to(BROKEN.name)
        await bench.settle()
        assert "Cannot be used: the file ends in the middle of its header" in bench.detail()
        assert desk.called("partners") == []
        assert not {"models.use", "models.compare"} & bench.footer()


async def test_a_library_that_cannot_be_read_says_why_and_can_be_asked_again() -> None:
    desk = FakeDesk()
    desk.errors["facts"] = ModelError("the folder is locked", hint="Unlock it.")
    async with library(desk) as bench:
        assert bench.names() == []
        assert "the folder is locked. Unlock it." in bench.text("#empty")
        await bench.press("r")
        await bench.settle()
        assert (True,) in desk.called("facts")
        assert DEMO.name in bench.names()


async def test_an_empty_library_says_what_to_do() -> None:
    async with library(FakeDesk([])) as bench:
        words = bench.text("#empty")
        assert "a adds a folder" in words and "g gets models from the hub" in words


async def test_what_the_search_could_not_look_at_is_noted() -> None:
    desk = FakeDesk()
    desk.problems = ("cannot look into /mnt/x: Permission denied", "and so on")
    async with library(desk) as bench:
        assert "cannot look into /mnt/x: Permission denied (and 1 more)" in bench.text("#note")


@pytest.mark.parametrize(
    ("size", "hidden"),
    [((160, 45), ""), ((80, 24), "No room for: size, kind, ctx, where; it is below"),
     ((60, 15), "No room for: quant, size, kind, ctx, where")],
)  # fmt: skip
async def test_a_small_terminal_says_what_it_hides(size: tuple[int, int], hidden: str) -> None:
    async with library(size=size) as bench:
        assert bench.text("#note") == hidden
        assert len(bench.names()) == len(FACTS)
        assert bench.models.query_one("#detail-scroll").display is (size[1] > 15)


async def test_text_of_files_does_nothing_to_the_terminal() -> None:
    evil = dataclasses.replace(
        CHAT, name=EVIL, title=EVIL, license=EVIL, architecture=EVIL, source=EVIL, role_reason=EVIL,
        base_model=EVIL, path=Path("/x") / EVIL, quantization=EVIL, size_label=EVIL, tokenizer=EVIL,
    )  # fmt: skip
    desk = FakeDesk([DEMO, evil, dataclasses.replace(BROKEN, problem=EVIL)])
    desk.known_partners = {
        EVIL: [dataclasses.replace(desk.known_partners["demo"][0], name=EVIL, reason=EVIL)]
    }
    async with library(desk) as bench:
        await bench.go_to(EVIL)
        await bench.settle()
        shown = bench.detail() + bench.row(bench.names()[1]) + bench.heading()
        assert "\x1b" not in shown and "\u202e" not in shown
        assert "[b]x[/b]" in shown
        await bench.press("p")
        await bench.until_dialog(PartnerPicker)
        await bench.settle()
        options = bench.dialog.query_one(OptionList)
        assert "\x1b" not in str(options.get_option_at_index(0).prompt)


# --- the filter ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("qwen", [CHAT.name, BASE.name]),
        ("QWEN chat", [CHAT.name]),
        ("q4 studio", [LARGE.name]),
        ("adapter", [SFT.name]),
        ("gemma3", [DEMO.name, SFT.name]),
        ("70b", [LARGE.name]),
        ("nothing of that", []),
    ],
)
async def test_every_word_must_match(words: str, found: list[str]) -> None:
    async with library() as bench:
        await bench.press("slash")
        bench.models.query_one("#filter", Input).value = words
        await bench.settle()
        assert bench.names() == found
        assert ("No model matches" in bench.text("#empty")) is (not found)


async def test_letters_are_text_in_the_filter_and_keys_in_the_list() -> None:
    async with library() as bench:
        await bench.press("slash", *"vpad")
        await bench.settle()
        assert bench.models.query_one("#filter", Input).value == "vpad"
        assert bench.desk.called("verify") == [] and bench.app.screen is bench.models
        assert not {"models.verify", "models.add", "models.use"} & bench.footer()
        await bench.press("escape")
        await bench.settle()
        assert bench.models.query_one("#filter", Input).value == ""
        assert len(bench.names()) == len(FACTS)
        assert bench.models.focused is bench.models.query_one(Table)
        await bench.press("escape")
        assert bench.app.screen is bench.screen


async def test_enter_and_down_go_from_the_filter_to_what_it_found() -> None:
    async with library() as bench:
        for key in ("enter", "down"):
            await bench.press("slash", *"base")
            await bench.press(key)
            await bench.settle()
            assert bench.models.focused is bench.models.query_one(Table)
            assert bench.names() == [DEMO.name, BASE.name]
            await bench.press("escape")


# --- using and comparing ------------------------------------------------------------------------


async def test_enter_gives_the_model_to_the_chat_and_it_is_remembered() -> None:
    kept: list[tuple[str, tuple[str, ...] | None]] = []

    async def remember(side: str, references: tuple[str, ...] | None) -> None:
        kept.append((side, references))

    async with library(remember=remember) as bench:
        await bench.go_to(CHAT.name)
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_side"))
        await bench.settle()
        assert bench.app.screen is bench.screen
        assert bench.chat.called("set_side") == [(CHAT.name,)]
        assert kept == [(CHAT.name, ())]


async def test_references_on_the_model_before_do_not_stay() -> None:
    async with library() as bench:
        bench.chat.compare("demo@zero-shot")
        await bench.go_to(BASE.name)
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_references"))
        assert bench.chat.called("set_references") == [((f"{BASE.name}@zero-shot",),)]


async def test_a_model_that_does_not_fit_is_asked_about_first() -> None:
    async with library() as bench:
        await bench.go_to(LARGE.name)
        await bench.press("enter")
        await bench.until_dialog(Confirm)
        assert "needs about 50.5 GB, 9.0 GB is free" in bench.text(".lead")
        await bench.press("enter")  # the answer that changes nothing has the focus
        await bench.settle()
        assert bench.app.screen is bench.models and not bench.chat.called("set_side")
        await bench.press("enter")
        await bench.until_dialog(Confirm)
        bench.dialog.query_one("#yes", Button).focus()
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_side"))
        assert bench.chat.called("set_side") == [(LARGE.name,)]


async def test_a_side_that_the_chat_refuses_is_said() -> None:
    async with library() as bench:
        bench.chat.errors["set_side"] = ModelError("it is gone", hint="Rescan.")
        await bench.go_to(BASE.name)
        await bench.press("enter")
        await bench.until(lambda: "it is gone\nRescan." in bench.said())


async def test_while_an_answer_is_written_nothing_is_offered_that_changes_the_side() -> None:
    async with library() as bench:
        bench.chat.busy = True
        await bench.press("down")
        await bench.settle()
        assert not {"models.use", "models.compare"} & bench.footer()
        assert "models.verify" in bench.footer()


async def test_p_lists_the_partners_and_one_opens_the_inspector_on_both() -> None:
    async with library(size=(120, 40)) as bench:
        await bench.go_to(CHAT.name)
        await bench.press("p")
        await bench.until_dialog(PartnerPicker)
        await bench.settle()
        options = bench.dialog.query_one(OptionList)
        texts = [str(options.get_option_at_index(n).prompt) for n in range(options.option_count)]
        assert "likely" in texts[0] and "same vocabulary, 151,936 tokens" in texts[0]
        assert "likely" not in texts[1]
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_references"))
        await bench.settle()
        assert bench.chat.called("set_side") == [(f"{CHAT.name}@chat",)]
        assert bench.chat.called("set_references") == [((f"{BASE.name}@raw",),)]
        assert bench.app.screen is bench.screen
        assert bench.screen.panes.inspector_is_shown()


async def test_a_model_without_partners_says_so_and_an_error_is_shown_in_place() -> None:
    async with library() as bench:
        await bench.go_to(LARGE.name)
        await bench.press("p")
        await bench.until_dialog(PartnerPicker)
        await bench.settle()
        assert "No other model here has the same vocabulary" in bench.text("#looking")
        await bench.press("escape")
        bench.desk.errors["partners"] = ModelError("cannot be read", hint="Verify it.")
        await bench.press("p")
        await bench.until_dialog(PartnerPicker)
        await bench.settle()
        assert "cannot be read. Verify it." in bench.text(".problem")


async def test_a_pair_that_does_not_fit_is_asked_about_first() -> None:
    async with library(FakeDesk(free=10**9)) as bench:
        await bench.go_to(CHAT.name)
        await bench.press("p")
        await bench.until_dialog(PartnerPicker)
        await bench.settle()
        await bench.press("enter")
        await bench.until_dialog(Confirm)
        assert "The sides do not fit" in bench.text(".lead")
        sides = (f"{CHAT.name}@chat", f"{BASE.name}@raw")
        assert bench.desk.called("fit")[-1] == (sides, ("demo@urial-general",))
        await bench.press("escape")
        await bench.settle()
        assert not bench.chat.called("set_side")


async def test_an_adapter_of_the_library_is_used_with_a_model_that_is_chosen() -> None:
    lora = dataclasses.replace(SFT, name="my-lora", source="your folder")
    async with library(FakeDesk([DEMO, lora])) as bench:
        await bench.go_to("my-lora")
        await bench.press("enter")
        await bench.until_dialog(PartnerPicker)
        assert bench.desk.called("partners")[-1] == ("my-lora",)


async def test_an_adapter_that_ships_is_a_side_of_its_own() -> None:
    async with library() as bench:
        await bench.go_to(SFT.name)
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_side"))
        assert bench.chat.called("set_side") == [("demo+sft",)]


# --- verifying ----------------------------------------------------------------------------------


async def test_v_tells_how_far_it_is_and_then_what_came_out() -> None:
    desk = FakeDesk()
    desk.gates["verify"] = asyncio.Event()
    desk.expected = "a" * 64
    async with library(desk) as bench:
        await bench.press("v")
        await bench.until(lambda: desk.called("verify"))
        desk.progress(121_000_000, 242_000_000)
        assert "reading the file, 50 % of 242 MB; Esc stops" in bench.detail()
        await bench.pilot.pause()
        assert "models.stop" in bench.footer() and "models.back" not in bench.footer()
        desk.gates["verify"].set()
        await bench.settle()
        assert "is what the hub says" in bench.said()
        assert "as the hub says" in bench.detail()


@pytest.mark.parametrize(
    ("expected", "words"),
    [("b" * 64, "is damaged: its sha256 is not what the hub says"), (None, "nothing says what it should be")],
)  # fmt: skip
async def test_a_damaged_file_and_one_that_nobody_vouches_for(
    expected: str | None, words: str
) -> None:
    desk = FakeDesk()
    desk.expected = expected
    async with library(desk) as bench:
        await bench.press("v")
        await bench.until(lambda: words in bench.said())


async def test_escape_stops_verifying_and_then_leaves() -> None:
    desk = FakeDesk()
    desk.gates["verify"] = asyncio.Event()
    async with library(desk) as bench:
        await bench.press("v")
        await bench.until(lambda: desk.called("verify"))
        await bench.press("escape")
        await bench.until(lambda: desk.stopped == ["verify"])
        await bench.until(lambda: not bench.models.moment.verifying)
        assert "Stopped verifying" in bench.said()
        await bench.press("escape")
        assert bench.app.screen is bench.screen


async def test_a_file_that_cannot_be_read_is_said() -> None:
    desk = FakeDesk()
    desk.errors["verify"] = ModelError("cannot read it: Input/output error")
    async with library(desk) as bench:
        await bench.press("v")
        await bench.until(lambda: "Input/output error" in bench.said())
        await bench.until(lambda: not bench.models.moment.verifying)


async def test_leaving_stops_the_reading() -> None:
    desk = FakeDesk()
    desk.gates["verify"] = asyncio.Event()
    async with library(desk) as bench:
        await bench.press("v")
        await bench.until(lambda: desk.called("verify"))
        await bench.press("enter")  # use it for the chat
        await bench.until(lambda: bench.app.screen is bench.screen)
        await bench.until(lambda: desk.stopped == ["verify"])


# --- removing, adding, rescanning ---------------------------------------------------------------


async def test_d_removes_after_asking() -> None:
    desk = FakeDesk()
    async with library(desk) as bench:
        await bench.go_to(BASE.name)
        await bench.press("d")
        await bench.until_dialog(Confirm)
        assert "986 MB, is deleted from" in bench.text(".lead")
        await bench.press("escape")
        await bench.settle()
        assert desk.called("remove") == []
        await bench.press("d")
        await bench.until_dialog(Confirm)
        bench.dialog.query_one("#yes", Button).focus()
        await bench.press("enter")
        await bench.until(lambda: BASE.name not in bench.names())
        assert desk.called("remove") == [(BASE.name,)]
        assert f"{BASE.name} is gone" in bench.said()


async def test_what_others_keep_is_not_even_asked_about() -> None:
    async with library() as bench:
        await bench.go_to(LARGE.name)
        await bench.press("d")
        await bench.until(lambda: "is not this program's own file" in bench.said())
        assert bench.app.screen is bench.models
        assert bench.desk.called("remove") == []


async def test_a_file_that_cannot_be_removed_is_said() -> None:
    desk = FakeDesk()
    desk.errors["remove"] = ModelError("cannot remove it: Permission denied")
    async with library(desk) as bench:
        await bench.go_to(BASE.name)
        await bench.press("d")
        await bench.until_dialog(Confirm)
        bench.dialog.query_one("#yes", Button).focus()
        await bench.press("enter")
        await bench.until(lambda: "Permission denied" in bench.said())
        assert BASE.name in bench.names()


async def test_a_adds_a_folder_and_looks_again() -> None:
    desk = FakeDesk([DEMO])
    async with library(desk) as bench:
        await bench.press("a")
        await bench.until_dialog(AddModels)
        bench.dialog.query_one("#path", Input).value = "/models"
        desk.known.append(BASE)
        await bench.press("enter")
        await bench.until(lambda: BASE.name in bench.names())
        assert desk.called("add") == [("/models",)]
        assert (True,) in desk.called("facts")
        assert "Models in /models are found from now on" in bench.said()


@pytest.mark.parametrize(
    "error",
    [UsageError("there is no /models", hint="Name a folder."),
     SettingsError("cannot write the settings file", hint="Free some space.")],
)  # fmt: skip
async def test_what_cannot_be_added_is_said_in_the_dialog(error: Any) -> None:
    desk = FakeDesk()
    async with library(desk) as bench:
        await bench.press("a")
        await bench.until_dialog(AddModels)
        await bench.press("enter")
        assert "Write the path" in bench.text(".problem")
        desk.errors["add"] = error
        bench.dialog.query_one("#path", Input).value = "/models"
        await bench.press("enter")
        await bench.until(lambda: error.message in bench.text(".problem"))
        assert error.hint in bench.text(".problem")
        await bench.press("x")
        await bench.pilot.pause()
        assert not bench.dialog.query_one(".problem").has_class("-on")


async def test_r_looks_through_the_folders_again_and_keeps_the_place() -> None:
    desk = FakeDesk()
    async with library(desk) as bench:
        await bench.go_to(BASE.name)
        desk.known.insert(0, dataclasses.replace(BASE, name="another"))
        await bench.press("r")
        await bench.until(lambda: "another" in bench.names())
        assert bench.models.query_one(Table).chosen == BASE.name


async def test_a_download_that_is_done_comes_into_the_list_by_itself() -> None:
    desk = FakeDesk([DEMO])
    async with library(desk) as bench:
        download = desk.begin("o/New-GGUF", "Q8_0", 100)
        desk.change(download, state="fetching", done=43, rate=12e6)
        await bench.pilot.pause()
        assert "↓ 43 % 12 MB/s" in bench.heading()
        desk.known.append(BASE)
        desk.change(download, state="done", done=100)
        await bench.until(lambda: BASE.name in bench.names())
        assert "↓" not in bench.heading()


# --- ways in and out ----------------------------------------------------------------------------


async def test_g_opens_the_hub_and_back() -> None:
    async with library() as bench:
        await bench.press("g")
        await bench.until(lambda: isinstance(bench.app.screen, HubScreen))
        await bench.settle()
        await bench.press("escape")
        await bench.until(lambda: bench.app.screen is bench.models)
        await bench.press("escape")
        assert bench.app.screen is bench.screen


async def test_the_side_picker_leads_to_the_library() -> None:
    desk = FakeDesk()
    async with running(services={"models": desk}) as bench:
        await bench.press("f5")
        await bench.settle()
        options = bench.app.screen.query_one("#models", OptionList)
        options.highlighted = options.option_count - 1
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.app.screen, ModelsScreen))
        assert not bench.chat.called("set_side")


async def test_palette_and_help_know_the_librarys_commands() -> None:
    async with library(size=(100, 80)) as bench:
        await bench.press("ctrl+p")
        await bench.until_dialog(CommandPalette)
        await bench.settle()
        options = bench.app.screen.query_one(OptionList)
        listed = [str(options.get_option_at_index(n).prompt) for n in range(options.option_count)]
        text = "\n".join(listed)
        assert (
            "Verify its sha256" in text
            and "Regenerate" not in text
            and "Stop verifying" not in text
        )
        await bench.press(*"modelsagain")
        await bench.settle()
        await bench.press("down", "enter")
        await bench.until(lambda: (True,) in bench.desk.called("facts"))
        await bench.press("f1")
        await bench.until_dialog(HelpScreen)
        shown = bench.app.screen.query_one("#help-text")
        lines = [strip.text.strip() for strip in shown.render_lines(shown.size.region)]
        assert lines[0] == "Models"
        assert any("Compare" in line and line.startswith("p") for line in lines[:20])
        await bench.press("f1")
        assert bench.app.screen is bench.models


async def test_the_keys_of_the_library_can_be_changed() -> None:
    async with library(keymap={"models.verify": "x"}) as bench:
        await bench.press("v")
        assert bench.desk.called("verify") == []
        await bench.press("x")
        await bench.until(lambda: bench.desk.called("verify"))


async def test_without_a_library_nothing_leads_there() -> None:
    async with running() as bench:
        await bench.press("f17")
        assert bench.app.screen is bench.screen
        assert not bench.screen.check_action("open_models", ())
